"""Signed division with the rounding in the name (``FixedPoint.sol``)."""

from __future__ import annotations

from math import isqrt
from typing import Final

__all__ = ["WAD", "clamp_symmetric", "div_down", "div_up", "sqrt_up"]

WAD: Final = 10**18


def div_down(numerator: int, denominator: int) -> int:
    """Return ``floor(numerator / denominator)`` (``FixedPoint.sol::divDown``)."""
    return numerator // denominator


def div_up(numerator: int, denominator: int) -> int:
    """Return ``ceil(numerator / denominator)`` (``FixedPoint.sol::divUp``)."""
    return -(-numerator // denominator)


def sqrt_up(square: int) -> int:
    """Return ``ceil(sqrt(square))`` (``FixedPoint.sol::sqrtUp``)."""
    root = isqrt(square)
    return root + (root * root < square)


def clamp_symmetric(value: int, bound: int) -> int:
    """Return ``min(max(value, -bound), bound)`` (``FixedPoint.sol::clampSymmetric``)."""
    if value > bound:
        return bound
    return max(value, -bound)
