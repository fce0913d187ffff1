from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.libraries import pricing
from tests.unit.protocol.strategies import market_configs, prices

if TYPE_CHECKING:
    from sim.protocol.types.market import MarketConfig

WAD = 10**18
LEAST, MOST = 0, 2
"""Wei by which a rounded cost is above the exact one: under 2 for the notional, under 1 for the quotient."""


@st.composite
def paths(draw: st.DrawFn) -> tuple[MarketConfig, int, list[int]]:
    """Return parameters, a price and skews within the depth that a row of fills goes through."""
    config = draw(market_configs())
    scale = pricing.depth(config)
    return config, draw(prices), draw(st.lists(st.integers(-scale, scale), min_size=2, max_size=6))


def potential(price: int, skew: int, scale: int) -> Fraction:
    return Fraction(price, WAD) * (skew + Fraction(skew * skew, 2 * scale))


@given(paths())
def test_cost_up__any_fill__is_the_difference_of_the_potential_up(path: tuple[MarketConfig, int, list[int]]) -> None:
    config, price, skews = path
    scale = pricing.depth(config)
    for before, after in itertools.pairwise(skews):
        cost = pricing.cost_up(after - before, price, before, scale)
        exact = potential(price, after, scale) - potential(price, before, scale)
        assert LEAST <= cost - exact < MOST + 1


@given(paths())
def test_cost_up__any_closed_loop_at_one_price__never_pays(path: tuple[MarketConfig, int, list[int]]) -> None:
    """I11: a loop of any number of fills costs rounding, at least nothing."""
    config, price, skews = path
    loop = [*skews, skews[0]]
    scale = pricing.depth(config)
    steps = list(itertools.pairwise(loop))
    total = sum(pricing.cost_up(after - before, price, before, scale) for before, after in steps)
    assert 0 <= total < (MOST + 1) * len(steps)


@given(paths())
def test_cost_up__order_split__changes_by_rounding_only(path: tuple[MarketConfig, int, list[int]]) -> None:
    """I24: several fills cost what one fill from end to end costs."""
    config, price, skews = path
    scale = pricing.depth(config)
    steps = list(itertools.pairwise(skews))
    parts = sum(pricing.cost_up(after - before, price, before, scale) for before, after in steps)
    whole = pricing.cost_up(skews[-1] - skews[0], price, skews[0], scale)
    assert -MOST <= parts - whole < (MOST + 1) * len(steps)


@given(paths())
def test_fee_up__order_split_in_one_direction__changes_by_rounding_only(
    path: tuple[MarketConfig, int, list[int]],
) -> None:
    config, price, skews = path
    for ordered in (sorted(skews), sorted(skews, reverse=True)):
        steps = list(itertools.pairwise(ordered))
        parts = sum(pricing.fee_up(config, after - before, price, before) for before, after in steps)
        whole = pricing.fee_up(config, ordered[-1] - ordered[0], price, ordered[0])
        assert 0 <= parts - whole < len(steps)


@given(paths())
def test_fee_up__any_fill__lies_between_maker_and_taker(path: tuple[MarketConfig, int, list[int]]) -> None:
    config, price, (before, after, *_) = path
    notional = Fraction(abs(after - before) * price, 10**24)
    fee = pricing.fee_up(config, after - before, price, before)
    assert notional * config.maker_fee <= fee < notional * config.taker_fee + 1
    grown = max(abs(after) - abs(before), 0) if before * after >= 0 else abs(after)
    making = abs(after - before) - grown
    assert fee == -(-(making * config.maker_fee + grown * config.taker_fee) * price // 10**24)


@given(paths())
def test_average_price__any_fill__is_against_the_trader(path: tuple[MarketConfig, int, list[int]]) -> None:
    config, price, (before, *rest) = path
    scale = pricing.depth(config)
    for after in rest:
        size_delta = after - before or 1
        cost = pricing.cost_up(size_delta, price, before, scale)
        average = pricing.average_price(size_delta, cost)
        exact = Fraction(cost * WAD, size_delta)
        assert 0 <= (average - exact if size_delta > 0 else exact - average) < 1


@given(paths())
def test_close_cost_up__any_size__is_impact_and_fee(path: tuple[MarketConfig, int, list[int]]) -> None:
    config, price, (skew, after, *_) = path
    size = skew - after
    exact_impact = Fraction(price, WAD) * (Fraction(after * after - skew * skew, 2 * pricing.depth(config)))
    fee = pricing.fee_up(config, -size, price, skew)
    assert 0 <= pricing.close_cost_up(config, size, price, skew) - exact_impact - fee < MOST + 2


@given(prices, st.integers(0, 10**6), st.booleans())
def test_worst_of__any_interval__is_its_end_against_the_trader(price: int, confidence: int, is_buy: bool) -> None:
    """No nearer to the price than the interval's end, by less than a wei farther, and a price still."""
    worst = pricing.worst_of(price, confidence, is_buy=is_buy)
    width = Fraction(price * confidence, 10**6)
    assert 0 <= worst < 2**96
    if is_buy:
        assert worst == 2**96 - 1 or 0 <= worst - price - width < 1
        assert worst >= price
    else:
        assert 0 <= price - worst - width < 1
    assert pricing.worst_of(price, 0, is_buy=is_buy) == price


def test_worst_of__highest_price__stays_a_price() -> None:
    assert pricing.worst_of(2**96 - 1, 10**6, is_buy=True) == 2**96 - 1
    assert pricing.worst_of(2**96 - 1, 10**6, is_buy=False) == 0
