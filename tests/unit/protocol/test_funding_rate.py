from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.libraries import funding_rate, positions
from sim.protocol.types.market import FundingState, Market
from tests.unit.protocol.strategies import START, funding_states, markets, prices

intervals = st.integers(1, 30 * 86_400)


def exact_accrual(funding: FundingState, elapsed: int) -> Fraction:
    """Integrate the clamped rate in rationals, second thoughts about rounding excluded."""
    bound = funding_rate.max_rate_per_second(funding.max_rate)
    rate, velocity = Fraction(funding.rate), funding.velocity
    reached = Fraction(elapsed)
    if velocity:
        reached = min(reached, ((bound if velocity > 0 else -bound) - rate) / velocity)
    at_bound = rate + velocity * reached
    return (rate + at_bound) / 2 * reached + at_bound * (elapsed - reached)


@given(funding_states(), intervals)
def test_integrate__any_state__is_the_integral_within_one_unit(funding: FundingState, elapsed: int) -> None:
    rate, accrual = funding_rate.integrate(funding, START + elapsed)
    assert abs(rate) <= funding_rate.max_rate_per_second(funding.max_rate)
    assert abs(accrual - exact_accrual(funding, elapsed)) < 1


@given(funding_states(), intervals, intervals)
def test_integrate__interval_split_in_two__changes_nothing_but_dust(
    funding: FundingState, first: int, second: int
) -> None:
    """I7, also where the bound is met in the first part, in the second, or at their seam."""
    rate, whole = funding_rate.integrate(funding, START + first + second)
    middle, before = funding_rate.integrate(funding, START + first)
    later = FundingState(0, middle, funding.velocity, START + first, funding.max_rate)
    end, after = funding_rate.integrate(later, START + first + second)
    assert end == rate
    # Three integrals, each within one unit of its own.
    assert abs(before + after - whole) <= 2


@given(markets(), intervals, prices)
def test_accrue__any_market__what_longs_pay_shorts_receive_up(market: Market, elapsed: int, price: int) -> None:
    """I6: the indices move in opposite directions; both round against the account, at most one wei per share."""
    before = market.copy()
    funding_rate.accrue(market, price, START + elapsed)
    longs, shorts = market.longs.index - before.longs.index, market.shorts.index - before.shorts.index
    assert 0 <= longs + shorts <= 1
    _, accrual = funding_rate.integrate(before.funding, START + elapsed)
    assert longs <= 0 if accrual < 0 else longs >= 0
    assert (market.funding.accrued_at, before.config) == (START + elapsed, market.config)


@given(markets(), intervals, prices, st.booleans())
def test_preview_index__any_market__is_what_an_accrual_gives(
    market: Market, elapsed: int, price: int, is_long: bool
) -> None:
    side = market.longs if is_long else market.shorts
    preview = funding_rate.preview_index(market.funding, side, is_long, price, START + elapsed)
    funding_rate.accrue(market, price, START + elapsed)
    assert side.index == preview


@given(markets(), prices)
def test_accrue__no_time_passed__changes_nothing(market: Market, price: int) -> None:
    before = market.copy()
    funding_rate.accrue(market, price, START)
    assert market == before


@given(markets())
def test_velocity_at__any_skew__has_its_sign_and_is_bounded(market: Market) -> None:
    skew = positions.skew_of(market)
    velocity = funding_rate.velocity_at(market.config, skew)
    assert abs(velocity) <= market.config.max_funding_velocity
    assert velocity * skew >= 0
    assert velocity == -funding_rate.velocity_at(market.config, -skew)
