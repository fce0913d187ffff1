from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.ledger import CENT, RiskConfig
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BITCOIN, BOB, RISK, TOKEN, WAD, Exchange

if TYPE_CHECKING:
    from sim.protocol.evm import Address

FREE = RiskConfig(min_reward=1, min_initial_margin=5, max_reward=1, target_health=10_000)
"""No floors, no penalty: what the published formulas assume."""

leverages = st.integers(WAD, 20 * WAD)
directions = st.sampled_from((-1, 1))


def exchange_of(margin_ratio: int, maintenance_fraction: int, price: int) -> Exchange:
    config = BITCOIN._replace(
        taker_fee=0,
        maker_fee=0,
        margin_ratio=margin_ratio,
        maintenance_fraction=maintenance_fraction,
        max_funding_velocity=0,
    )
    return Exchange((config,), (price,), FREE)


@pytest.mark.parametrize(
    ("leverage", "margin_ratio", "maintenance_fraction", "expected"),
    [
        # Hyperliquid docs, liquidation price formula: entry 100,000, 10x long, maintenance leverage 80.
        pytest.param(10, 500, 2_500, "91139.2405", id="hyperliquid_long_10x"),
        # Isolated as at Binance, exact, maintenance follows the price: entry 100,000, 20x long, ratio 0.5%.
        pytest.param(20, 500, 1_000, "95477.387", id="binance_isolated_long_20x"),
    ],
)
def test_liquidation_price__published_vectors__come_out(
    leverage: int, margin_ratio: int, maintenance_fraction: int, expected: str
) -> None:
    exchange = exchange_of(margin_ratio, maintenance_fraction, 100_000 * WAD)
    account, other = exchange.fund(ALICE, 50_000), exchange.fund(ALICE, 50_000, 1)
    assert exchange.trade(account, 0, WAD).ok
    exchange.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage * WAD)
    price = exchange.world.read("Lens", "liquidationPrice", account, 0)
    exact = Fraction(100_000) * (1 - Fraction(1, leverage)) / (1 - Fraction(margin_ratio * maintenance_fraction, 10**8))
    assert price == ceil(exact * WAD)
    digits = len(expected.partition(".")[2])
    assert round(Fraction(price, WAD), digits) == Fraction(expected)


@given(leverages, directions, st.integers(10**16, 10**21))
def test_liquidation_price__any_leverage__is_exact_to_the_wei(leverage: int, direction: int, size: int) -> None:
    exchange = exchange_of(500, 5_000, 50_000 * WAD)
    account, other = exchange.fund(ALICE, 10**9), exchange.fund(ALICE, 10**9, 1)
    assert exchange.trade(account, 0, direction * size).ok
    exchange.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage)
    balance = exchange.balance(account)
    ratio = Fraction(500 * 5_000, 10**8)
    exact = Fraction(-balance * WAD, direction * size) / (1 - direction * ratio)
    at_floor = Fraction((FREE.min_reward * CENT - balance) * WAD, direction * size)
    expected = max(ceil(exact), ceil(at_floor)) if direction > 0 else min(floor(exact), floor(at_floor))
    assert exchange.world.read("Lens", "liquidationPrice", account, 0) == max(expected, 0)


@given(st.integers(2 * WAD, 20 * WAD), directions)
def test_liquidation_price__at_it_and_beyond_it__healthy_and_not(leverage: int, direction: int) -> None:
    """An account is healthy at the price and liquidatable at the next worse one that can be published."""
    exchange = Exchange((BITCOIN,), (50_000 * WAD,), RISK)
    account, other = exchange.fund(ALICE, 10**6), exchange.fund(ALICE, 10**6, 1)
    assert exchange.trade(account, 0, direction * WAD).ok
    exchange.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage)
    price = exchange.world.read("Lens", "liquidationPrice", account, 0)
    step = 10**10
    healthy = -(-price // step) * step if direction > 0 else price // step * step
    for published, is_liquidatable in ((healthy, False), (healthy - 2 * direction * step, True)):
        moved = Exchange((BITCOIN._replace(max_funding_velocity=0),), (50_000 * WAD,), RISK)
        account, other = moved.fund(ALICE, 10**6), moved.fund(ALICE, 10**6, 1)
        assert moved.trade(account, 0, direction * WAD).ok
        moved.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage)
        moved.publish(0, published)
        assert moved.world.read("Lens", "accountView", account)[-1] is is_liquidatable


def test_liquidation_price__no_position__is_named() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 1_000)
    error = exchange.error(ALICE, "Lens", "liquidationPrice", account, 0)
    assert error == ErrorValue("PositionMissing", (account, 0))


@given(directions, st.integers(10**16, 10**19), st.integers(0, 86_400))
def test_quote__then_trade__does_what_it_said(direction: int, size: int, elapsed: int) -> None:
    exchange = Exchange()
    account, other = exchange.fund(ALICE, 10**7), exchange.fund(BOB, 10**7)
    assert exchange.trade(other, 0, 5 * WAD).ok
    assert exchange.trade(account, 1, 7 * WAD).ok
    exchange.world.advance(elapsed)
    exchange.publish(0, 50_000 * WAD)
    exchange.publish(1, 2_500 * WAD)
    quote = exchange.world.read("Lens", "quote", account, 0, direction * size)
    outcome = exchange.trade(account, 0, direction * size)
    assert outcome.ok
    assert outcome.returns == ((quote.size_delta, quote.cost, quote.fee, quote.funding),)
    assert exchange.world.clearinghouse.risk_of(account).as_tuple() == quote.risk_after


@given(st.lists(st.tuples(st.sampled_from((ALICE, BOB)), st.integers(-(10**19), 10**19)), min_size=1, max_size=6))
def test_pool_view__any_trades__net_asset_value_moves_by_fees_only(trades: list[tuple[Address, int]]) -> None:
    """At one price and without time, unwinding moves no value between pool and traders but rounding, to the pool."""
    exchange = Exchange((BITCOIN,), (50_000 * WAD,), RISK._replace(pool_fee_share=0))
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**6 * TOKEN)
    accounts = {owner: exchange.fund(owner, 10**8) for owner in (ALICE, BOB)}
    before = exchange.world.read("Lens", "poolView")
    for owner, size_delta in trades:
        exchange.trade(accounts[owner], 0, size_delta)
    after = exchange.world.read("Lens", "poolView")
    # Per fill at most 3 wei of cost; the view itself rounds value and potential down, a wei each.
    assert -2 <= after.net_asset_value - before.net_asset_value <= 3 * len(trades)
    assert after.balance - before.balance == sum(
        before_ - exchange.balance(account) for account, before_ in ((a, 10**8 * WAD) for a in accounts.values())
    ) - (after.insurance - before.insurance)


def test_account_view__flat_account__needs_nothing() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 1_000)
    view = exchange.world.read("Lens", "accountView", account)
    assert (view.balance, view.leverage, view.health) == (1_000 * WAD, 0, 2**255 - 1)
    assert not view.is_liquidatable
    empty = exchange.world.read("Lens", "accountView", to_account_id(BOB, 5))
    assert (empty.leverage, empty.risk) == (2**256 - 1, (0, 0, 0, 0))
