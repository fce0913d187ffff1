"""Hourly prices of several markets on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sim.data import WindowNotCovered, resample
from sim.data.candles import find_series, load_series
from sim.data.window import Window
from sim.studies.errors import HistoryTooShort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sim.data.candles import Candles, CandleSeries

__all__ = ["Floats", "History", "Shelf", "find_hourly", "load_history", "load_window"]

Floats = npt.NDArray[np.float64]
Shelf = dict[str, tuple["CandleSeries", ...]]
"""By symbol, the series that hours can be made of, best first."""

_HOUR: Final = 3_600
_DAY: Final = 86_400
_E8: Final = 1e8


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Hourly candles of several markets, none missing.

    Attributes
    ----------
    symbols
        The markets, shape `(n_markets,)`.
    start
        When the first candle opens [Unix s].
    high, low, close
        Prices [USD], shape `(n_markets, n_hours)`.
    filled
        Hours that a market missed: there its price stands still.
    files
        Names of the files.
    """

    symbols: tuple[str, ...]
    start: int
    high: Floats
    low: Floats
    close: Floats
    filled: int = 0
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.close.shape[1])

    @property
    def window(self) -> Window:
        """From the first candle's opening to the last one's close."""
        return Window(self.start, self.start + len(self) * _HOUR)

    def closed_at(self, hour: int) -> int:
        """Return when candle number `hour` closes [Unix s]."""
        return self.start + (hour + 1) * _HOUR

    def moves(self, hours: int) -> Floats:
        """Return simple returns from each close to that `hours` later, shape `(n_markets, n_hours - hours)`."""
        return _returns(self.close[:, :-hours], self.close[:, hours:])

    def daily_moves(self) -> Floats:
        """Return simple returns between the last closes of UTC days, shape `(n_markets, n_days - 1)`."""
        days = (self.start + np.arange(len(self)) * _HOUR) // _DAY
        last = np.append(np.flatnonzero(np.diff(days)), len(self) - 1)
        closes = self.close[:, last]
        return _returns(closes[:, :-1], closes[:, 1:])

    def only(self, symbols: Sequence[str]) -> History:
        """Return the same of some of the markets."""
        rows = [self.symbols.index(symbol) for symbol in symbols]
        return History(
            tuple(symbols), self.start, self.high[rows], self.low[rows], self.close[rows], self.filled, self.files
        )


def find_hourly(folder: Path, symbols: Sequence[str]) -> Shelf:
    """Find the series of which hours can be made; only the times of the files are read.

    Raises
    ------
    DataError
        As `sim.data` does for files that are missing or malformed.
    """
    shelf: Shelf = {}
    for symbol in symbols:
        found = find_series(folder, symbol)
        shelf[symbol] = tuple(one for one in found if _HOUR % one.interval_seconds == 0)
        if not shelf[symbol]:
            raise WindowNotCovered(symbol, "hours", [str(one) for one in found])
    return shelf


def load_history(shelf: Shelf, *, least: int, within: Window | None = None) -> History:
    """Load the longest hourly history that all markets share.

    Perpetuals come before files that do not name their kind, those before spot, as in `sim.data`; finer candles than
    hours are merged.

    Parameters
    ----------
    shelf
        What there is of each market.
    least
        Hours needed.
    within
        What may be looked at; everything where none is given.

    Raises
    ------
    CandlesMalformed
        Where a file breaks a rule.
    HistoryTooShort
        Where the markets share fewer hours.
    """
    longest = {
        symbol: max((one for one in series if one.kind == series[0].kind), key=lambda one: one.end - one.first)
        for symbol, series in shelf.items()
    }
    start = max(-(-one.first // _HOUR) * _HOUR for one in longest.values())
    end = min(one.end // _HOUR * _HOUR for one in longest.values())
    if within is not None:
        start = max(start, -(-within.start // _HOUR) * _HOUR)
        end = min(end, within.end // _HOUR * _HOUR)
    if end - start < least * _HOUR:
        raise HistoryTooShort(max(end - start, 0) // _HOUR, least)
    window = Window(start, end)
    return _aligned({symbol: _hourly(one, window) for symbol, one in longest.items()}, window)


def load_window(shelf: Shelf, window: Window) -> History | None:
    """Load what any series, spot too, tells about a window; None where not one market has prices."""
    candles = {}
    for symbol, series in shelf.items():
        best = next((one for one in series if one.covers(window)), None)
        if best is not None:
            candles[symbol] = _hourly(best, window)
    return _aligned(candles, window) if candles else None


def _returns(before: Floats, after: Floats) -> Floats:
    result: Floats = after / before - 1
    return result


def _hourly(series: CandleSeries, window: Window) -> Candles:
    return resample(load_series(series, window), _HOUR)


def _aligned(candles: Mapping[str, Candles], window: Window) -> History:
    """Put candles on the clock; a missing one stands still at the last close before it."""
    clock = np.arange(window.start, window.end, _HOUR)
    rows: dict[str, list[Floats]] = {"high": [], "low": [], "close": []}
    filled = 0
    for one in candles.values():
        at = np.maximum(np.searchsorted(one.t, clock, side="right") - 1, 0)
        missing = one.t[at] != clock
        filled += int(missing.sum())
        close = one.close / _E8
        rows["close"].append(close[at])
        for name, extreme in (("high", one.high / _E8), ("low", one.low / _E8)):
            rows[name].append(np.where(missing, close[at], extreme[at]))
    files = sorted({name for one in candles.values() for name in one.files})
    return History(
        tuple(candles),
        window.start,
        np.array(rows["high"]),
        np.array(rows["low"]),
        np.array(rows["close"]),
        filled,
        tuple(files),
    )
