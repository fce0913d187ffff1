"""Exponentially weighted variance of returns at irregular times (``Volatility.sol``)."""

from __future__ import annotations

from typing import Final

__all__ = ["updated_variance"]

_WAD: Final = 10**18
_SECONDS_PER_DAY: Final = 86_400
_MAX_SQUARED_RETURN: Final = 25 * 10**16
_UINT64_MAX: Final = 2**64 - 1


def updated_variance(variance: int, previous: int, price: int, elapsed: int, tau: int) -> int:
    """Return the variance after a return [wad per day], down, saturating (``Volatility.sol::updatedVariance``).

    Parameters
    ----------
    variance : int
        Before [wad per day].
    previous, price : int
        Prices, positive [wad].
    elapsed, tau : int
        Time between them and the time constant [seconds].
    """
    change = abs(price - previous)
    ratio = change * _WAD // price
    squared_return = min(ratio * change // previous, _MAX_SQUARED_RETURN)
    updated = (variance * tau + squared_return * _SECONDS_PER_DAY) // (tau + elapsed)
    return min(updated, _UINT64_MAX)
