from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.errors import OpenInterestExceeded
from sim.protocol.libraries import positions, pricing
from sim.protocol.types.account import Position
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up, to_shares, to_size
from tests.unit.protocol.strategies import markets, prices

if TYPE_CHECKING:
    from sim.protocol.types.market import Market


@st.composite
def resizings(draw: st.DrawFn) -> tuple[Market, Position, list[int], int]:
    """Return a market, a position counted in it, and sizes that its cap allows to go through."""
    market = draw(markets())
    cap = pricing.open_interest_cap(market.config)
    longs, shorts = market.longs, market.shorts
    shares = draw(st.integers(-shorts.shares, longs.shares))
    side = positions.side_of(market, shares)
    position = Position(shares, side.index - draw(st.integers(-(2**80), 2**80)) if shares else 0)
    market.funding.entry_sum = indexed_up(shares, position.entry_index)
    others = (longs.shares - max(shares, 0), shorts.shares - max(-shares, 0))
    sizes = draw(st.lists(st.integers(others[1] - cap, cap - others[0]), min_size=1, max_size=4))
    return market, position, sizes, draw(prices)


@given(resizings())
def test_change__any_row_of_sizes__keeps_totals_equal_to_positions(
    resizing: tuple[Market, Position, list[int], int],
) -> None:
    """I3: totals move by exactly what the one position moved."""
    market, position, sizes, price = resizing
    longs, shorts = market.longs.shares - max(position.shares, 0), market.shorts.shares - max(-position.shares, 0)
    for size in sizes:
        size_before = positions.size_of(market, position)
        owed = indexed_up(position.shares, positions.side_of(market, position.shares).index - position.entry_index)
        size_after, fill = positions.change(market, position, size_before, size - size_before, price)
        assert fill.size_delta == size - size_before
        assert fill.funding == owed
        assert size_after == size
        assert positions.size_of(market, position) == size
        assert market.longs.shares == longs + max(position.shares, 0)
        assert market.shorts.shares == shorts + max(-position.shares, 0)
        assert market.funding.entry_sum == indexed_up(position.shares, position.entry_index)
        assert position.shares != 0 or position.entry_index == 0


@given(resizings())
def test_change__round_trip__costs_its_fees_and_dust(resizing: tuple[Market, Position, list[int], int]) -> None:
    """I11: at one price, back to the first size, whatever happened between."""
    market, position, sizes, price = resizing
    first = positions.size_of(market, position)
    fills = []
    for size in (*sizes, first):
        size_before = positions.size_of(market, position)
        fills.append(positions.change(market, position, size_before, size - size_before, price)[1])
    assert 0 <= sum(fill.cost for fill in fills) < 3 * len(fills)
    assert sum(fill.funding for fill in fills[1:]) == 0


@given(resizings(), st.integers(1, 2**96))
def test_change__side_grown_beyond_its_cap__is_refused(
    resizing: tuple[Market, Position, list[int], int], excess: int
) -> None:
    """I23, for sizes far beyond every type that stores them."""
    market, position, _, price = resizing
    cap = pricing.open_interest_cap(market.config)
    room = cap - (market.longs.shares - max(position.shares, 0))
    size = positions.size_of(market, position)
    with pytest.raises(OpenInterestExceeded) as caught:
        positions.change(market, position, size, room + excess - size, price)
    assert caught.value.decoded.args == (cap + excess, cap)


@given(st.integers(-(2**95), 2**95), st.integers(1, ONE_MULTIPLIER))
def test_to_shares_to_size__any_multiplier__never_more_than_asked(size: int, multiplier: int) -> None:
    back = to_size(to_shares(size, multiplier), multiplier)
    assert abs(back) <= abs(size)
    assert abs(size - back) <= 1
    assert to_size(to_shares(size, ONE_MULTIPLIER), ONE_MULTIPLIER) == size


@given(st.integers(-(2**95), 2**95), st.integers(-(2**95), 2**95))
def test_indexed_up__any_growth__is_under_a_wei_above_the_exact_payment(shares: int, growth: int) -> None:
    assert 0 <= indexed_up(shares, growth) * 10**18 - abs(shares) * growth < 10**18
