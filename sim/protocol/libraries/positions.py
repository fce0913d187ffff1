"""Changes positions and the totals of their market together (``Positions.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.errors import OpenInterestExceeded
from sim.protocol.libraries import funding_rate, pricing
from sim.protocol.libraries.fixed_point import WAD
from sim.protocol.types.fill import Fill
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up, to_shares, to_size

if TYPE_CHECKING:
    from sim.protocol.types.account import Position
    from sim.protocol.types.market import Market, Side

__all__ = [
    "LEAST_MULTIPLIER",
    "change",
    "deleverage",
    "index_of",
    "is_remnant",
    "open_interest",
    "reducing",
    "require_open_interest",
    "side_of",
    "size_of",
    "skew_of",
    "unsettled_down",
]

LEAST_MULTIPLIER: Final = 10**6
"""A side that was deleveraged down to a billionth is as good as closed."""


_REMNANT_MULTIPLIER: Final = ONE_MULTIPLIER // 1_000
_ONE: Final = ONE_MULTIPLIER


def side_of(market: Market, shares: int) -> Side:
    """Return the side that `shares` belong to (``Positions.sol::sideOf``)."""
    return market.longs if shares > 0 else market.shorts


def index_of(market: Market, position: Position) -> int:
    """Return the index of a position's side [quote wad per share] (``Positions.sol::indexOf``)."""
    return market.longs.index if position.shares > 0 else market.shorts.index


def size_of(market: Market, position: Position) -> int:
    """Return the size of a position [base wad] (``Positions.sol::sizeOf``)."""
    shares = position.shares
    return to_size(shares, market.longs.multiplier if shares > 0 else market.shorts.multiplier)


def reducing(size_delta: int, size: int, min_size: int) -> int:
    """Return `size_delta` as far as it brings `size` nearer to zero (``Positions.sol::reducing``).

    Where no more than `min_size` would be left it is all of `size`.
    """
    if size_delta == 0 or size == 0 or (size_delta > 0) == (size > 0):
        return 0
    left = size + size_delta
    return -size if (left > 0) != (size > 0) or abs(left) <= min_size else size_delta


def open_interest(side: Side) -> int:
    """Return the open interest of a side [base wad], down (``Positions.sol::openInterest``)."""
    return side.shares * side.multiplier // _ONE


def skew_of(market: Market) -> int:
    """Return longs less shorts [base wad] (``Positions.sol::skewOf``)."""
    longs, shorts = market.longs, market.shorts
    return longs.shares * longs.multiplier // _ONE - shorts.shares * shorts.multiplier // _ONE


def unsettled_down(market: Market) -> int:
    """Return what all positions owe the pool since they were entered [quote wad] (``Positions.sol::unsettledDown``)."""
    longs, shorts = market.longs, market.shorts
    return (longs.shares * longs.index + shorts.shares * shorts.index) // WAD - market.funding.entry_sum


def is_remnant(side: Side) -> bool:
    """Return whether a side was deleveraged to a thousandth or less (``Positions.sol::isRemnant``)."""
    return side.multiplier <= _REMNANT_MULTIPLIER


def require_open_interest(side: Side, cap: int) -> None:
    """Check the open interest of a side (``Positions.sol::requireOpenInterest``).

    Raises
    ------
    OpenInterestExceeded
        It is above `cap` [base wad].
    """
    opened = open_interest(side)
    if opened > cap:
        raise OpenInterestExceeded(opened, cap)


def change(market: Market, position: Position, size: int, size_delta: int, price: int) -> tuple[int, Fill]:
    """Settle the position's funding and change its size by about `size_delta` (``Positions.sol::change``).

    Parameters
    ----------
    market : Market
        Accrued; changed in place.
    position : Position
        Changed in place.
    size : int
        Its size before [base wad].
    size_delta : int
        Wanted change [base wad]; sizes round to whole shares.
    price : int
        Oracle price [wad].

    Returns
    -------
    size_after : int
        Of the position [base wad].
    fill : Fill
        What really changed, and what it costs.

    Raises
    ------
    OpenInterestExceeded
        The side grew beyond its cap.
    """
    config = market.config
    skew = skew_of(market)
    size_after, filled, funding = resize(market, position, size, size_delta)
    if size_after != 0 and (size_after ^ filled) >= 0:
        side = market.longs if size_after > 0 else market.shorts
        require_open_interest(side, 0 if is_remnant(side) else pricing.open_interest_cap(config))
    cost = pricing.cost_up(filled, price, skew, pricing.depth(config))
    fee = pricing.fee_up(config, filled, price, skew)
    return size_after, Fill(filled, cost, fee, funding)


def resize(market: Market, position: Position, size: int, size_delta: int) -> tuple[int, int, int]:
    """Settle the position's funding and change its size by about `size_delta` (``Positions.sol::resize``).

    Parameters
    ----------
    market, position, size, size_delta
        As for `change`.

    Returns
    -------
    size_after, filled : int
        Of the position; what really changed [base wad].
    funding : int
        That it owed [quote wad], up.
    """
    funding = _remove(market, position)
    side = market.longs if size + size_delta > 0 else market.shorts
    _put(market, side, position, size + size_delta)
    size_after = to_size(position.shares, side.multiplier)
    market.funding.velocity = funding_rate.velocity_at(market.config, skew_of(market))
    return size_after, size_after - size, funding


def deleverage(market: Market, fraction: int, price: int, *, pays_unwinding: bool) -> int:
    """Cut the multiplier of the side that outweighs the other, and pay its positions (``Positions.sol::deleverage``).

    Parameters
    ----------
    market : Market
        Accrued; changed in place.
    fraction : int
        Of the skew, to be closed [wad].
    price : int
        Oracle price [wad].
    pays_unwinding : bool
        Whether the side shares what unwinding that much of the skew pays beyond `price`.

    Returns
    -------
    int
        Cut of the multiplier [1e-15], 0 where nothing changed.
    """
    skew = skew_of(market)
    side = market.longs if skew > 0 else market.shorts
    if skew == 0 or side.multiplier <= LEAST_MULTIPLIER:
        return 0
    closed = -(-abs(skew) * fraction // WAD)
    cut = min(-(-side.multiplier * closed // open_interest(side)), side.multiplier - LEAST_MULTIPLIER)
    side.index += -(cut * price // _ONE) if skew > 0 else -(-cut * price // _ONE)
    side.multiplier -= cut
    skew_after = skew_of(market)
    if pays_unwinding:
        config = market.config
        released = pricing.potential_up(config, skew, price) - pricing.potential_up(config, skew_after, price)
        side.index -= max(0, released) * WAD // side.shares
    market.funding.velocity = funding_rate.velocity_at(market.config, skew_after)
    return cut


def _remove(market: Market, position: Position) -> int:
    """Take the position out of its side's totals; return the funding that it owes [quote wad], up.

    A side that is left empty starts anew at a multiplier of one.
    """
    shares = position.shares
    if shares == 0:
        return 0
    side = side_of(market, shares)
    side.shares -= abs(shares)
    if side.shares == 0:
        side.multiplier = _ONE
    market.funding.entry_sum -= indexed_up(shares, position.entry_index)
    return indexed_up(shares, side.index - position.entry_index)


def _put(market: Market, side: Side, position: Position, size: int) -> None:
    """Put a position of `size` into the totals of `side`, at its index of now."""
    shares = to_shares(size, side.multiplier)
    position.shares = shares
    if shares == 0:
        position.entry_index = 0
        return
    position.entry_index = side.index
    side.shares += abs(shares)
    market.funding.entry_sum += indexed_up(shares, side.index)
