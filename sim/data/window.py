"""Windows of time and lengths of candles, in whole seconds of Unix time (UTC)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

__all__ = ["DEFAULT_WINDOW", "Window", "interval_name", "iso", "parse_interval", "parse_time"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_INTERVAL: Final = re.compile(r"([1-9][0-9]{0,3})([smhdw])")


def iso(timestamp: int) -> str:
    """Write a Unix time [s] as `2021-05-19T13:00:00Z`."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> int:
    """Read an ISO 8601 time; one without an offset is UTC.

    Returns
    -------
    int
        Unix time [s].

    Raises
    ------
    ValueError
        Where `text` is no ISO time, or not on a whole second.
    """
    moment = datetime.fromisoformat(text.strip())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment.microsecond:
        raise ValueError(f"{text!r} is not on a whole second")
    return int(moment.timestamp())


def parse_interval(name: str) -> int:
    """Return the length [s] of candles named like `1m`, `1h` or `1d`.

    Raises
    ------
    ValueError
        Where the name is another.
    """
    match = _INTERVAL.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no interval such as 1m, 15m, 1h or 1d")
    return int(match[1]) * _UNITS[match[2]]


def interval_name(seconds: int) -> str:
    """Return the name of a length of candles [s], in the largest unit that divides it (weeks aside)."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open window `[start, end)` of Unix times [s].

    Raises
    ------
    ValueError
        Where it is empty.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"the window from {iso(self.start)} to {iso(self.end)} is empty")

    @classmethod
    def parse(cls, start: str, end: str) -> Window:
        """Make a window of two ISO times; those without an offset are UTC.

        Raises
        ------
        ValueError
            Where a time cannot be read or the window is empty.
        """
        return cls(parse_time(start), parse_time(end))

    def __str__(self) -> str:
        return f"{iso(self.start)} to {iso(self.end)}"


DEFAULT_WINDOW: Final = Window.parse("2021-05-19T00:00:00Z", "2021-05-20T00:00:00Z")
"""The day on which BTC fell by 30 % and ETH by 45 %: the largest liquidation day of its year."""
