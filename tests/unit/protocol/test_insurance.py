"""What bad debt takes from the insurance fund: per market and day, as far as the fund goes, the rest from the pool."""

from __future__ import annotations

import pytest

from sim.protocol.types.account_id import INSURANCE_ACCOUNT, POOL_ACCOUNT, to_account_id
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BOB, CAROL, TOKEN, WAD, Exchange

DAY = 86_400


def _exchange(*, caps: tuple[int, int] = (10**9, 10**9), insurance: int = 10**6) -> Exchange:
    exchange = Exchange()
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**7 * TOKEN)
    if insurance:
        exchange.must(ADMIN, "Clearinghouse", "fundInsurance", insurance * TOKEN)
    for market, cap in enumerate(caps):
        exchange.must(ADMIN, "Clearinghouse", "setInsuranceCap", market, cap)
    return exchange


def _bankrupt(exchange: Exchange, owner: str, sizes: tuple[int, int]) -> tuple[int, int, int]:
    """Open at 50,000 and 2,500, lose 40%, liquidate; return the bad debt and what fund and pool paid of it [wad]."""
    exchange.publish(0, 50_000 * WAD)
    exchange.publish(1, 2_500 * WAD)
    worth = sum(size * price for size, price in zip(sizes, (50_000, 2_500), strict=True))
    account = exchange.fund(owner, worth // WAD // 5)
    for market, size in enumerate(sizes):
        if size:
            assert exchange.trade(account, market, size).ok
    exchange.publish(0, 30_000 * WAD)
    exchange.publish(1, 1_500 * WAD)
    outcome = exchange.must(CAROL, "Clearinghouse", "liquidate", account, to_account_id(CAROL, 0))
    exchange.world.check_invariants()
    (booked,) = [event for event in outcome.events if event.name == "BadDebtBooked"]
    _, from_insurance, from_pool = booked.args
    drawn = sum(event.args[1] for event in outcome.events if event.name == "InsuranceDrawn")
    assert drawn == from_insurance
    debt: int = outcome.returns[0][3]
    assert debt == from_insurance + from_pool > 0
    return debt, from_insurance, from_pool


def _drawn(exchange: Exchange, market: int) -> int:
    return exchange.world.clearinghouse.insurance_of(market).drawn


def test_bad_debt__under_all_caps__is_the_funds_to_the_last_wei() -> None:
    exchange = _exchange()
    debt, from_insurance, from_pool = _bankrupt(exchange, ALICE, (WAD, 0))
    assert (from_insurance, from_pool) == (debt, 0)
    assert _drawn(exchange, 0) == debt


def test_bad_debt__two_markets__is_each_ones_by_what_was_closed() -> None:
    exchange = _exchange()
    debt, from_insurance, _ = _bankrupt(exchange, ALICE, (WAD, 20 * WAD))
    assert from_insurance == debt
    # 50,000 and 50,000 of notional that fell alike: halves, to rounding of closed notional.
    assert abs(_drawn(exchange, 0) - _drawn(exchange, 1)) <= 2
    assert _drawn(exchange, 0) + _drawn(exchange, 1) == debt


def test_bad_debt__one_market_at_its_cap__the_rest_of_its_part_is_the_pools() -> None:
    exchange = _exchange(caps=(100, 10**9))
    debt, from_insurance, from_pool = _bankrupt(exchange, ALICE, (WAD, 20 * WAD))
    assert _drawn(exchange, 0) == 100 * WAD
    assert abs(_drawn(exchange, 1) - debt // 2) <= 2
    assert from_pool == debt - from_insurance > 0


@pytest.mark.parametrize(("seconds", "renewed"), [(60, False), (DAY, True)])
def test_bad_debt__cap_used_up__is_free_again_on_the_next_day(seconds: int, renewed: bool) -> None:
    exchange = _exchange(caps=(100, 0))
    day = exchange.world.timestamp // DAY
    exchange.world.advance((day + 1) * DAY - exchange.world.timestamp)
    assert _bankrupt(exchange, ALICE, (WAD, 0))[1] == 100 * WAD
    exchange.world.advance(seconds)
    assert _bankrupt(exchange, BOB, (WAD, 0))[1] == (100 * WAD if renewed else 0)


def test_bad_debt__fund_smaller_than_the_cap__takes_all_of_it_and_no_more() -> None:
    exchange = _exchange(insurance=0)
    exchange.must(ADMIN, "Clearinghouse", "fundInsurance", 1)
    _, from_insurance, from_pool = _bankrupt(exchange, ALICE, (WAD, 0))
    assert from_insurance > 0
    assert from_pool > 0
    assert exchange.balance(INSURANCE_ACCOUNT) == 0
    assert exchange.balance(POOL_ACCOUNT) > 0


def test_cap__lowered_under_what_was_drawn__lets_nothing_out() -> None:
    exchange = _exchange(caps=(10**6, 0))
    assert _bankrupt(exchange, ALICE, (WAD, 0))[1] > 0
    exchange.must(ADMIN, "Clearinghouse", "setInsuranceCap", 0, 1)
    assert _bankrupt(exchange, BOB, (WAD, 0))[1] == 0


def test_cap__never_set__leaves_bad_debt_to_the_pool() -> None:
    exchange = _exchange(caps=(0, 0))
    debt, from_insurance, from_pool = _bankrupt(exchange, ALICE, (WAD, 0))
    assert (from_insurance, from_pool) == (0, debt)
