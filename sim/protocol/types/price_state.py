"""A market's price (``PriceState.sol``)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["PriceQuality", "PriceState"]


class PriceQuality(IntEnum):
    """What is asked of a price, each including those before it, as in ``PriceState.sol``."""

    FRESH = 0
    """Not older than the market allows."""
    CERTAIN = 1
    """With a confidence interval not wider than the market allows."""
    CONFIRMED = 2
    """Confirmed by the market's guard when it was stored, where the market has one."""


class PriceState(NamedTuple):
    """A market's price.

    Parameters
    ----------
    price : int
        USD per base unit [wad].
    published_at : int
        When it was published, 0 before the first [seconds].
    confidence : int
        Half-width of the confidence interval [1e-6 of price], up, saturating.
    variance : int
        Exponentially weighted variance of returns [wad per day].
    max_age : int
        Oldest price that may be used [seconds].
    max_confidence : int
        Widest confidence that may be used [1e-4 of price].
    is_guarded : bool
        Whether a guard is asked about the next price.
    is_confirmed : bool
        Whether the guard confirmed this one, or there was none to ask.
    """

    price: int = 0
    published_at: int = 0
    confidence: int = 0
    variance: int = 0
    max_age: int = 0
    max_confidence: int = 0
    is_guarded: bool = False
    is_confirmed: bool = False
