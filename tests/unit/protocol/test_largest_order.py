"""The largest order passes and one wei more does not; joint moves within the factors leave it healthy."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from math import ceil
from math import floor as floor_of
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue
from sim.protocol.types.account import MarginMode
from sim.protocol.types.market import PortfolioConfig
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BITCOIN, BOB, TOKEN, WAD, Exchange

if TYPE_CHECKING:
    from sim.protocol.types.market import MarketConfig

HEDGED = PortfolioConfig(9_000, (8_900, 500, 0), (-9_000, 9_000, *(0,) * 6))
GROWING = BITCOIN._replace(concentration=50_000, volatility_multiple=500)

modes = st.sampled_from([MarginMode.CROSS, MarginMode.PORTFOLIO])
shares = st.integers(-100, 100)
"""What of the largest order in a direction is traded on the way to a state [1e-2]."""


def exchange_of(*configs: MarketConfig, deposit: int = 20_000) -> tuple[Exchange, int]:
    """Return an exchange with a pool, skewed markets that net, and a funded account."""
    exchange = Exchange(configs, (2_500 * WAD,) * len(configs))
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**7 * TOKEN)
    for market in range(len(configs)):
        exchange.must(ADMIN, "Clearinghouse", "setPortfolio", market, HEDGED)
    return exchange, exchange.fund(ALICE, deposit)


def largest(exchange: Exchange, account: int, market: int, sign: int) -> int:
    size: int = exchange.world.read("Lens", "largestOrder", account, market, sign > 0)
    return size


def check(exchange: Exchange, account: int, market: int, sign: int) -> int:
    """Check that the largest order is placed where one wei more is not; return it."""
    size = largest(exchange, account, market, sign)
    assert size * sign >= 0
    if size:
        equity, initial, *_ = exchange.world.read("Lens", "quote", account, market, size).risk_after
        assert equity >= initial
        assert deepcopy(exchange).trade(account, market, size).ok
    beyond = deepcopy(exchange)
    if beyond.trade(account, market, size + sign).ok:
        # A reduction needs no initial margin.
        risk = beyond.world.clearinghouse.risk_of(account)
        assert risk.equity < risk.initial_margin
    return size


@given(modes, st.lists(st.tuples(st.integers(0, 2), shares), max_size=4), st.integers(-99, 99), st.integers(0, 2))
def test_largest_order__any_book__passes_and_one_wei_more_does_not(
    mode: MarginMode, steps: list[tuple[int, int]], move: int, market: int
) -> None:
    exchange, account = exchange_of(GROWING, BITCOIN, BITCOIN._replace(max_open_interest=1))
    other = exchange.fund(BOB, 10**9)
    assert exchange.trade(other, 1, 40_000 * WAD).ok
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, mode)
    for step, share in steps:
        size = largest(exchange, account, step, share) * abs(share) // 100
        exchange.trade(account, step, size)
    exchange.publish(0, 2_500 * WAD * (1_000 + move) // 1_000)
    for sign in (-1, 1):
        check(exchange, account, market, sign)


def hedged(exchange: Exchange, account: int) -> None:
    """Hold two units long in one market against two short in the other, in portfolio mode."""
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.PORTFOLIO)
    for market, size in ((0, 20 * WAD), (1, -20 * WAD)):
        assert exchange.trade(account, market, size).ok


def test_largest_order__hedge__goes_through_zero_and_on() -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    hedged(exchange, account)
    assert check(exchange, account, 1, -1) < -20 * WAD
    assert check(exchange, account, 1, 1) > 20 * WAD


def test_largest_order__under_initial_margin__begins_at_what_a_hedge_frees() -> None:
    """Small sales leave too little, larger ones hedge enough, the largest are too much again."""
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.PORTFOLIO)
    assert exchange.trade(account, 0, 100 * WAD).ok
    assert exchange.trade(account, 1, WAD).ok
    exchange.publish(0, 2_410 * WAD)
    equity, initial, maintenance, _ = exchange.world.read("Clearinghouse", "riskOf", account)
    assert maintenance < equity < initial
    size = check(exchange, account, 1, -1)
    assert size < -100 * WAD
    assert not exchange.trade(account, 1, -3 * WAD).ok
    assert exchange.trade(account, 1, -60 * WAD).ok


def test_largest_order__market_limit__leaves_nothing() -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.ISOLATED)
    assert exchange.trade(account, 0, WAD).ok
    assert check(exchange, account, 1, 1) == 0
    assert check(exchange, account, 0, 1) > 0


def test_largest_order__pause__closes() -> None:
    exchange, account = exchange_of(BITCOIN)
    assert exchange.trade(account, 0, 20 * WAD).ok
    exchange.must(ADMIN, "Clearinghouse", "pauseRisk")
    assert largest(exchange, account, 0, -1) == -20 * WAD
    assert largest(exchange, account, 0, 1) == 0


def test_largest_order__cap__reaches_it() -> None:
    exchange, account = exchange_of(BITCOIN, deposit=10**9)
    other = exchange.fund(BOB, 10**9)
    assert exchange.trade(other, 0, 30_000 * WAD).ok
    assert check(exchange, account, 0, 1) == 20_000 * WAD
    assert check(exchange, account, 0, -1) == -50_000 * WAD


def test_largest_order__cap_lowered_below_what_is_open__only_closes() -> None:
    exchange, account = exchange_of(BITCOIN, deposit=10**7)
    other = exchange.fund(BOB, 10**9)
    for who, size in ((other, 30_000 * WAD), (other ^ 1, -30_000 * WAD), (account, 20 * WAD)):
        if who == other ^ 1:
            exchange.fund(BOB, 10**9, 1)
        assert exchange.trade(who, 0, size).ok
    exchange.must(ADMIN, "Clearinghouse", "setMarket", 0, BITCOIN._replace(max_open_interest=1_000), 900)
    assert check(exchange, account, 0, 1) == 0
    assert check(exchange, account, 0, -1) == -20 * WAD


@pytest.mark.parametrize("deposit", [9, 11])
def test_largest_order__less_than_the_floor__is_nothing(deposit: int) -> None:
    exchange, account = exchange_of(BITCOIN, deposit=deposit)
    assert (check(exchange, account, 0, 1) > 0) == (deposit > 10)


def test_largest_order__under_the_floor_with_a_position__closes() -> None:
    exchange, account = exchange_of(BITCOIN, deposit=11)
    assert exchange.trade(account, 0, WAD // 100).ok
    exchange.publish(0, 2_350 * WAD)
    assert largest(exchange, account, 0, -1) == -WAD // 100
    assert exchange.trade(account, 0, -WAD // 100).ok


@pytest.mark.parametrize(("min_size", "sign"), [(10**9, 1), (10**9, -1)])
def test_largest_order__under_the_smallest_size__is_nothing(min_size: int, sign: int) -> None:
    """A smallest position of one unit needs more margin than there is."""
    exchange, account = exchange_of(BITCOIN._replace(min_size=min_size), deposit=100)
    assert check(exchange, account, 0, sign) == 0


def test_largest_order__between_closing_and_the_smallest_size__closes() -> None:
    """What is left after closing would carry a small position the other way, but not the smallest."""
    exchange, account = exchange_of(BITCOIN._replace(min_size=10**9), deposit=140)
    assert exchange.trade(account, 0, WAD).ok
    exchange.publish(0, 2_480 * WAD)
    assert check(exchange, account, 0, -1) == -WAD


def test_largest_order__deleveraged_side__counts_in_shares() -> None:
    exchange, account = exchange_of(BITCOIN, deposit=10**6)
    other = exchange.fund(BOB, 10**9)
    assert exchange.trade(other, 0, 30_000 * WAD).ok
    exchange.fund(BOB, 10**9, 1)
    assert exchange.trade(account, 0, 3 * WAD + 1).ok
    exchange.publish(0, 3_200 * WAD)
    exchange.must(BOB, "Clearinghouse", "deleverage")
    assert exchange.world.clearinghouse.market_of(0).longs.multiplier < 10**15
    for sign in (1, -1):
        check(exchange, account, 0, sign)
        check(exchange, other, 0, sign)
        check(exchange, other ^ 1, 0, sign)


def test_largest_order__unknown_market__is_named() -> None:
    exchange, account = exchange_of(BITCOIN)
    error = exchange.error(ALICE, "Lens", "largestOrder", account, 1, True)
    assert error == ErrorValue("MarketUnknown", (1,))


# ---- joint moves


@given(modes, st.lists(st.tuples(st.integers(0, 2), shares), min_size=1, max_size=4))
def test_liquidation_factors__prices_moved_to_them__healthy_there_and_not_beyond(
    mode: MarginMode, steps: list[tuple[int, int]]
) -> None:
    exchange, account = exchange_of(*(GROWING._replace(max_funding_velocity=0), BITCOIN, BITCOIN))
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, mode)
    for step, share in steps:
        exchange.trade(account, step, largest(exchange, account, step, share) * abs(share) // 100)
    lowest, highest = exchange.world.read("Lens", "liquidationFactors", account)
    assert lowest <= WAD <= highest
    margin = 10**9
    cases = [(lowest + margin, False), (lowest - margin, True)] if lowest else [(margin, False)]
    if highest < 100 * WAD:
        cases += [(highest - margin, False), (highest + margin, True)]
    for factor, is_liquidatable in cases:
        moved = deepcopy(exchange)
        for market in range(3):
            moved.publish(market, 2_500 * factor)
        view = moved.world.read("Lens", "accountView", account)
        assert view.is_liquidatable == is_liquidatable, (factor, view)


@pytest.mark.parametrize("sizes", [(20,), (-20,), (20, -20), (20, 10), (-20, -15), (25, -20), ()])
def test_liquidation_factors__cross_margin__are_exact_to_the_wei(sizes: tuple[int, ...]) -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    for market, size in enumerate(sizes):
        assert exchange.trade(account, market, size * WAD).ok
    cash = Fraction(exchange.balance(account), WAD)
    worth, maintenance = sum(sizes) * 2_500, sum(map(abs, sizes)) * Fraction(5, 200) * 2_500
    floor = 1 if sizes else 0
    lowest, highest = [Fraction(0)], [Fraction(2**256 - 1, WAD)]
    for slope, needed in ((worth - maintenance, -cash), (Fraction(worth), floor - cash)):
        if slope > 0:
            lowest.append(needed / slope)
        elif slope < 0:
            highest.append(needed / slope)
    expected = ceil(max(lowest) * WAD), floor_of(min(highest) * WAD)
    assert exchange.world.read("Lens", "liquidationFactors", account) == expected


def test_liquidation_factors__liquidatable__are_on_the_other_side() -> None:
    exchange, account = exchange_of(BITCOIN)
    assert exchange.trade(account, 0, 100 * WAD).ok
    exchange.publish(0, 2_310 * WAD)
    assert exchange.world.read("Lens", "accountView", account).is_liquidatable
    lowest, highest = exchange.world.read("Lens", "liquidationFactors", account)
    assert WAD < lowest < highest == 2**256 - 1


def test_liquidation_factors__beyond_help__are_empty() -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    for market, size in ((0, 70), (1, -60)):
        assert exchange.trade(account, market, size * WAD).ok
    exchange.publish(0, 2_000 * WAD)
    lowest, highest = exchange.world.read("Lens", "liquidationFactors", account)
    assert lowest > highest


# ---- what an order needs


@given(modes, st.integers(-60, 60))
def test_quote__any_order__says_what_it_needs_in_each_mode(mode: MarginMode, size: int) -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    hedged(exchange, account)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, mode)
    before = exchange.world.read("Lens", "marginsOf", account)
    quote = exchange.world.read("Lens", "quote", account, 1, size * WAD or WAD)
    if exchange.trade(account, 1, size * WAD or WAD).ok:
        after = exchange.world.read("Lens", "marginsOf", account)
        assert quote.margin_changes == tuple((b[1] - a[1], b[2] - a[2]) for a, b in zip(before, after, strict=True))
        assert after[mode] == quote.margin_after


def test_quote__hedge__frees_margin_as_a_portfolio_only() -> None:
    exchange, account = exchange_of(BITCOIN, BITCOIN)
    assert exchange.trade(account, 0, 20 * WAD).ok
    cross, isolated, portfolio = exchange.world.read("Lens", "quote", account, 1, -10 * WAD).margin_changes
    assert cross.initial_margin == isolated.initial_margin == 1_250 * WAD
    assert cross.maintenance_margin == 625 * WAD
    assert portfolio.initial_margin < 0
    assert portfolio.maintenance_margin < 0
