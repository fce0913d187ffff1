"""What a margin check asks of the oracle, in one word (``Mark.sol``): price | variance << 96 | confirmed << 160."""

from __future__ import annotations

from typing import Final

__all__ = ["is_confirmed", "price_of", "to_mark", "variance_of"]

_PRICE: Final = 2**96 - 1
_VARIANCE: Final = 2**64 - 1
_VARIANCE_AT: Final = 96
_CONFIRMED_AT: Final = 160


def to_mark(price: int, variance: int = 0, *, confirmed: bool = False) -> int:
    """Return the mark of a price [wad] and a variance [wad per day]; without one, volatility raises nothing."""
    return price | variance << _VARIANCE_AT | confirmed << _CONFIRMED_AT


def price_of(mark: int) -> int:
    """Return the price [wad]."""
    return mark & _PRICE


def variance_of(mark: int) -> int:
    """Return the exponentially weighted variance of returns [wad per day]."""
    return mark >> _VARIANCE_AT & _VARIANCE


def is_confirmed(mark: int) -> bool:
    """Return whether the market's guard confirmed the price, or there was none to ask."""
    return mark >> _CONFIRMED_AT != 0
