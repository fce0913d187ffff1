"""Listed markets (``MarketId.sol``)."""

from __future__ import annotations

import functools
from typing import Final, NewType

__all__ = ["MAX_MARKETS", "MarketId", "lowest_market", "markets_of", "to_bit"]

MarketId = NewType("MarketId", int)

MAX_MARKETS: Final = 120
"""The bitmap of an account header has 120 bits."""


def to_bit(market: int) -> int:
    """Return the market's bit in a bitmap (``MarketId.sol::toBit``)."""
    return 1 << market


def lowest_market(bitmap: int) -> MarketId:
    """Return the lowest market of a bitmap that is not empty (``MarketId.sol::lowestMarket``)."""
    return MarketId((bitmap & -bitmap).bit_length() - 1)


@functools.lru_cache(maxsize=1 << 12)
def markets_of(bitmap: int) -> tuple[MarketId, ...]:
    """Return the markets of a bitmap, lowest first."""
    markets = []
    while bitmap:
        markets.append(lowest_market(bitmap))
        bitmap &= bitmap - 1
    return tuple(markets)
