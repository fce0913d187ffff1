"""A market's price (``PriceState.sol``)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PriceState"]


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
    """

    price: int = 0
    published_at: int = 0
    confidence: int = 0
    variance: int = 0
    max_age: int = 0
    max_confidence: int = 0
