"""Positions that move between two accounts of one owner at the oracle price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.types.account_id import POOL_ACCOUNT, to_account_id
from tests.unit.protocol.exchange import ALICE, BOB, TOKEN, WAD, Exchange

FIRST, SECOND = to_account_id(ALICE, 0), to_account_id(ALICE, 1)


def _exchange(*, size: int = 2 * WAD) -> Exchange:
    exchange = Exchange()
    exchange.must(ALICE, "Clearinghouse", "fundPool", 10**7 * TOKEN)
    exchange.fund(ALICE, 50_000)
    exchange.fund(ALICE, 50_000, index=1)
    other = exchange.fund(BOB, 500_000)
    assert exchange.trade(other, 0, 5 * WAD).ok
    assert exchange.trade(FIRST, 0, size).ok
    exchange.world.advance(3_600)
    exchange.publish(0, 51_000 * WAD)
    exchange.publish(1, 2_500 * WAD)
    return exchange


def _equity(exchange: Exchange) -> int:
    house = exchange.world.clearinghouse
    return house.risk_of(FIRST).equity + house.risk_of(SECOND).equity


def _move(exchange: Exchange, size: int) -> int:
    outcome = exchange.must(ALICE, "Clearinghouse", "movePosition", FIRST, SECOND, 0, size)
    exchange.world.check_invariants()
    moved: int = outcome.returns[0]
    return moved


@pytest.mark.parametrize("sign", [1, -1])
@given(part=st.integers(1, 999))
def test_move__part_of_a_position__keeps_equity_skew_and_open_interest(sign: int, part: int) -> None:
    exchange = _exchange(size=sign * 2 * WAD)
    house = exchange.world.clearinghouse
    equity, before = _equity(exchange), house.market_of(0)
    shares = before.longs.shares, before.shorts.shares
    size = 2 * WAD * part // 1_000

    assert _move(exchange, size) == sign * size

    assert house.position_of(FIRST, 0).shares == sign * (2 * WAD - size)
    assert house.position_of(SECOND, 0).shares == sign * size
    after = house.market_of(0)
    assert (after.longs.shares, after.shorts.shares) == shares
    # Two worths and two settled fundings round, and none of them for the trader.
    assert 0 <= equity - _equity(exchange) <= 6


def test_move__more_than_there_is__moves_all() -> None:
    exchange = _exchange()
    assert _move(exchange, 10 * WAD) == 2 * WAD
    assert exchange.world.clearinghouse.account_of(FIRST).open_markets == 0


def test_move__onto_the_opposite_position__nets_both() -> None:
    exchange = _exchange()
    assert exchange.trade(SECOND, 0, -WAD).ok
    equity, house = _equity(exchange), exchange.world.clearinghouse
    before = house.market_of(0)
    assert _move(exchange, WAD) == WAD
    after = house.market_of(0)
    assert house.account_of(SECOND).open_markets == 0
    assert before.longs.shares - after.longs.shares == before.shorts.shares - after.shorts.shares == WAD
    assert 0 <= equity - _equity(exchange) <= 6


def test_move__own_hedge_opened_and_netted__costs_its_fees() -> None:
    """Going long and short at one price and netting both adds nothing: potentials cancel, fees stay."""
    exchange = _exchange()
    owned = _equity(exchange)
    pool = exchange.balance(POOL_ACCOUNT)
    assert exchange.trade(SECOND, 0, -WAD).ok
    assert exchange.trade(FIRST, 0, WAD).ok
    paid = owned - _equity(exchange)
    assert _move(exchange, WAD) == WAD
    assert owned - _equity(exchange) >= paid > 0
    assert exchange.balance(POOL_ACCOUNT) > pool


@pytest.mark.parametrize(("poor", "other"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_move__either_account_without_margin__is_refused_and_changes_nothing(poor: int, other: int) -> None:
    exchange = _exchange()
    house = exchange.world.clearinghouse
    free = house.risk_of(poor).equity - house.risk_of(poor).initial_margin
    exchange.must(ALICE, "Clearinghouse", "transfer", poor, other, free)
    if poor == FIRST:
        # What is left needs the margin that the position had: a loss makes it too little.
        exchange.publish(0, 50_000 * WAD)
    before = exchange.balance(FIRST), exchange.balance(SECOND), house.position_of(FIRST, 0)
    error = exchange.error(ALICE, "Clearinghouse", "movePosition", FIRST, SECOND, 0, WAD // 1_000)
    assert error.name == "MarginInsufficient"
    assert (exchange.balance(FIRST), exchange.balance(SECOND), house.position_of(FIRST, 0)) == before


def test_move__while_risk_is_paused__passes() -> None:
    exchange = _exchange()
    exchange.must(exchange.world.settings.admin, "Clearinghouse", "pauseRisk")
    assert _move(exchange, WAD) == WAD
