"""Changes positions and the totals of their market together (``Positions.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.errors import OpenInterestExceeded
from sim.protocol.evm import to_int128, to_uint96
from sim.protocol.libraries import funding_rate, pricing
from sim.protocol.types.fill import Fill
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_down, indexed_up, to_shares, to_size

if TYPE_CHECKING:
    from sim.protocol.types.account import Position
    from sim.protocol.types.market import Market, Side

__all__ = ["change", "open_interest", "require_open_interest", "side_of", "size_of", "skew_of"]

_ONE: Final = ONE_MULTIPLIER


def side_of(market: Market, shares: int) -> Side:
    """Return the side that `shares` belong to (``Positions.sol::sideOf``)."""
    return market.longs if shares > 0 else market.shorts


def size_of(market: Market, position: Position) -> int:
    """Return the size of a position [base wad] (``Positions.sol::sizeOf``)."""
    shares = position.shares
    return to_size(shares, market.longs.multiplier if shares > 0 else market.shorts.multiplier)


def open_interest(side: Side) -> int:
    """Return the open interest of a side [base wad], down (``Positions.sol::openInterest``)."""
    return side.shares * side.multiplier // _ONE


def skew_of(market: Market) -> int:
    """Return longs less shorts [base wad] (``Positions.sol::skewOf``)."""
    longs, shorts = market.longs, market.shorts
    return longs.shares * longs.multiplier // _ONE - shorts.shares * shorts.multiplier // _ONE


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


def change(market: Market, position: Position, size_delta: int, price: int) -> Fill:
    """Settle the position's funding and change its size by about `size_delta` (``Positions.sol::change``).

    Parameters
    ----------
    market : Market
        Accrued; changed in place.
    position : Position
        Changed in place.
    size_delta : int
        Wanted change [base wad]; sizes round to whole shares.
    price : int
        Oracle price [wad].

    Returns
    -------
    Fill
        What really changed, and what it costs.

    Raises
    ------
    OpenInterestExceeded
        The side grew beyond its cap.
    SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
        Shares or sums leave their types.
    """
    config = market.config
    skew = skew_of(market)
    size_before = size_of(market, position)
    funding = _remove(market, position)
    _put(market, position, size_before + size_delta)
    size_after = size_of(market, position)
    filled = size_after - size_before
    if size_after != 0 and (size_after > 0) == (filled > 0):
        require_open_interest(side_of(market, position.shares), pricing.open_interest_cap(config))
    cost = pricing.cost_up(filled, price, skew, pricing.depth(config))
    fee = pricing.fee_up(config, filled, price, skew)
    market.funding.velocity = funding_rate.velocity_at(config, skew_of(market))
    return Fill(filled, cost, fee, funding)


def _remove(market: Market, position: Position) -> int:
    """Take the position out of its side's totals; return the funding that it owes [quote wad], up."""
    shares = position.shares
    if shares == 0:
        return 0
    side = side_of(market, shares)
    side.shares -= abs(shares)
    totals = market.funding
    totals.entry_sum = to_int128(totals.entry_sum - indexed_down(shares, position.entry_index))
    return indexed_up(shares, side.index - position.entry_index)


def _put(market: Market, position: Position, size: int) -> None:
    """Put a position of `size` into the totals of its side, at the side's index of now."""
    side = market.longs if size > 0 else market.shorts
    shares = to_shares(size, side.multiplier)
    position.shares = shares
    position.entry_index = 0 if shares == 0 else side.index
    side.shares = to_uint96(side.shares + abs(shares))
    totals = market.funding
    totals.entry_sum = to_int128(totals.entry_sum + indexed_down(shares, position.entry_index))
