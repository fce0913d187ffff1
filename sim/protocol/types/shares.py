"""Shares of one side of a market [wad], positive for longs, negative for shorts (``Shares.sol``)."""

from __future__ import annotations

from typing import Final

__all__ = ["ONE_MULTIPLIER", "indexed_up", "to_shares", "to_size"]

ONE_MULTIPLIER: Final = 10**15
"""A multiplier of one."""

_WAD: Final = 10**18


def to_shares(size: int, multiplier: int) -> int:
    """Return `size / multiplier` [wad], towards zero (``Shares.sol::toShares``)."""
    if size >= 0:
        return size * ONE_MULTIPLIER // multiplier
    return -(-size * ONE_MULTIPLIER // multiplier)


def to_size(shares: int, multiplier: int) -> int:
    """Return ``shares * multiplier``, down [base wad] (``Shares.sol::toSize``)."""
    return shares * multiplier // ONE_MULTIPLIER


def indexed_up(shares: int, per_share: int) -> int:
    """Return `|shares| * per_share` [quote wad], up (``Shares.sol::indexedUp``)."""
    return -(-abs(shares) * per_share // _WAD)
