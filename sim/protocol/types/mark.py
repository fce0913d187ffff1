"""What a margin check asks of the oracle, in one word (``Mark.sol``): price | variance << 96."""

from __future__ import annotations

from typing import Final

__all__ = ["price_of", "to_mark", "variance_of"]

_PRICE: Final = 2**96 - 1
_VARIANCE_AT: Final = 96


def to_mark(price: int, variance: int = 0) -> int:
    """Return the mark of a price [wad] and a variance [wad per day]; without one, volatility raises nothing."""
    return price | variance << _VARIANCE_AT


def price_of(mark: int) -> int:
    """Return the price [wad]."""
    return mark & _PRICE


def variance_of(mark: int) -> int:
    """Return the exponentially weighted variance of returns [wad per day]."""
    return mark >> _VARIANCE_AT
