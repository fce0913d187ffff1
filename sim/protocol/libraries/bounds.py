"""A parameter is within its bounds, at both ends (``Bounds.sol``)."""

from __future__ import annotations

from sim.protocol.errors import ParameterOutOfBounds

__all__ = ["check"]


def check(parameter: str, value: int, low: int, high: int) -> None:
    """Check one parameter (``Bounds.sol::check``).

    Raises
    ------
    ParameterOutOfBounds
        The value is outside [low, high].
    """
    if not low <= value <= high:
        raise ParameterOutOfBounds("0x" + parameter.encode().ljust(32, b"\0").hex(), value, low, high)
