"""Hourly bars of a crash, and the path that prices take through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sim.data import resample
from sim.data.candles import load_series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.data.candles import Candles
    from sim.data.window import Window
    from sim.studies.history import Shelf

__all__ = ["HOUR", "Bars", "Point", "load_bars", "path_of"]

HOUR: Final = 3_600
_CORNER: Final = HOUR // 4

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Hourly bars of the markets that have prices, on one clock.

    Attributes
    ----------
    symbols
        Those markets, shape `(n_markets,)`.
    start
        When the first bar opens [Unix s].
    corners
        Open, low, high and close [1e-8 USD], shape `(n_markets, n_hours, 4)`.
    files
        Names of the files.
    """

    symbols: tuple[str, ...]
    start: int
    corners: Ints
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.corners.shape[1])


@dataclass(frozen=True, slots=True)
class Point:
    """Prices at one moment.

    Attributes
    ----------
    wait
        Since the point before [s].
    prices
        [1e-8 USD], one a market.
    hour
        Bar that the point belongs to.
    is_corner
        Whether the bar says so; the others lie straight between two corners.
    """

    wait: int
    prices: tuple[int, ...]
    hour: int
    is_corner: bool


def load_bars(shelf: Shelf, window: Window) -> Bars | None:
    """Load the best series of each market that covers a window; None where none does.

    A missing hour stands still at the last close before it.
    """
    found: dict[str, Candles] = {}
    for symbol, series in shelf.items():
        best = next((one for one in series if one.covers(window)), None)
        if best is not None:
            found[symbol] = resample(load_series(best, window), HOUR)
    if not found:
        return None
    clock = np.arange(window.start, window.end, HOUR)
    corners = np.stack([_aligned(one, clock) for one in found.values()])
    files = sorted({name for one in found.values() for name in one.files})
    return Bars(tuple(found), window.start, corners, tuple(files))


def path_of(bars: Bars, *, low_first: bool, step: float) -> Iterator[Point]:
    """Yield prices from the first open on: open, both extremes and close of every bar, and what lies between.

    Parameters
    ----------
    bars
        All markets are at their corners together, since an hourly bar does not say when it met them.
    low_first
        Whether a bar's low comes before its high.
    step
        Between two corners prices go straight, in as many equal steps as keep every move within this part of the price.
    """
    order = (0, 1, 2, 3) if low_first else (0, 2, 1, 3)
    ordered = bars.corners[:, :, order]
    flat = ordered.reshape(len(bars.symbols), -1).T.tolist()
    yield Point(0, tuple(flat[0]), 0, True)
    for number, (before, after) in enumerate(pairwise(flat), start=1):
        if before == after and number % 4 == 0:
            continue
        widest = max(abs(late - early) / min(early, late) for early, late in zip(before, after, strict=True))
        parts = min(max(int(-(-widest // step)), 1), _CORNER)
        passed = 0
        for part in range(1, parts + 1):
            prices = tuple(early + (late - early) * part // parts for early, late in zip(before, after, strict=True))
            at = _CORNER * part // parts
            yield Point(at - passed, prices, number // 4, part == parts)
            passed = at


def _aligned(candles: Candles, clock: Ints) -> Ints:
    at = np.maximum(np.searchsorted(candles.t, clock, side="right") - 1, 0)
    known = np.stack((candles.open, candles.low, candles.high, candles.close), axis=1)[at]
    missing = candles.t[at] != clock
    known[missing] = known[missing][:, 3:]
    result: Ints = known
    return result
