"""Prices for a run: from a folder, else downloaded, else made up; always with a statement of where they came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from sim.data.candles import Candles, CandleSeries, Gap, choose_series, find_series, load_series, resample
from sim.data.download import EXCHANGES, Exchange, Progress, connect, download_candles
from sim.data.errors import DataError, DownloadFailed, PriceFileMissing, WindowNotCovered
from sim.data.synthetic import CRASH_35, synthetic_candles
from sim.data.window import DEFAULT_WINDOW, Window, interval_name, parse_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DATA_VARIABLE", "PriceQuote", "PriceSource", "Tick", "data_folder", "load_price_source", "price_ticks"]

DATA_VARIABLE: Final = "STEELYARD_DATA"
"""Environment variable that names the folder of candles."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """A price and its confidence interval, as Pyth publishes them with an exponent of -8 [1e-8 USD]."""

    price_e8: int
    conf_e8: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Prices of all symbols at one moment [Unix s]."""

    timestamp: int
    quotes: Mapping[str, PriceQuote]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceSource:
    """Prices of several symbols over one window, and where they came from.

    Attributes
    ----------
    kind
        `folder`, `download` or `synthetic`.
    origin
        The folder, the exchange, or the name and seed of the made-up course.
    symbols
        In the order asked for.
    files
        Names of the files, by symbol; none for made-up prices.
    window
        What the prices cover.
    interval_seconds
        Length of the candles behind the ticks [s], one for all symbols.
    first_at, last_at
        Opening times of the first and the last candle [Unix s].
    rows
        Number of candles, all symbols together.
    gaps
        Missing candles, by symbol; only symbols that miss some.
    notice
        What a user must be told before the run, or None.
    candles
        By symbol, for analysis.
    ticks
        The path of all symbols, ascending in time; see `price_ticks`.
    """

    kind: Literal["folder", "download", "synthetic"]
    origin: str
    symbols: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    window: Window
    interval_seconds: int
    first_at: int
    last_at: int
    rows: int
    gaps: Mapping[str, tuple[Gap, ...]]
    notice: str | None
    candles: Mapping[str, Candles] = field(repr=False)
    ticks: tuple[Tick, ...] = field(repr=False)

    @property
    def interval(self) -> str:
        """Name of the candles' length, e.g. `1h`."""
        return interval_name(self.interval_seconds)


def data_folder(data: Path | str | None = None) -> Path | None:
    """Return the folder of candles: the one given, else that of `STEELYARD_DATA`; None where it is empty."""
    chosen = data if data is not None else os.environ.get(DATA_VARIABLE, "")
    return Path(chosen).expanduser() if str(chosen) else None


def price_ticks(candles: Mapping[str, Candles], *, confidence_bps: int = 5) -> tuple[Tick, ...]:
    """Turn candles into a path of four points per candle, so that lows and highs are met as well as closes.

    A candle that closes at or above its open goes open, low, high, close; one that closes below goes open, high, low,
    close. The points lie a quarter of a candle apart. Which extreme came first, and when, a candle does not tell: this
    is a convention. Candles that one of the symbols misses are left out for all.

    Parameters
    ----------
    candles
        By symbol, of one length.
    confidence_bps
        Confidence interval put on every price [1e-4 of it], rounded up: candles carry none.

    Raises
    ------
    ValueError
        Where lengths differ, or are no multiple of four seconds.
    WindowNotCovered
        Where the symbols have no candle in common.
    """
    intervals = {one.interval_seconds for one in candles.values()}
    if len(intervals) != 1 or min(intervals) % 4:
        raise ValueError(f"lengths of candles {sorted(intervals)} s: one that is a multiple of 4 s is needed")
    quarter = intervals.pop() // 4
    common = reduce(np.intersect1d, (one.t for one in candles.values()))
    if not len(common):
        raise WindowNotCovered(", ".join(candles), "any moment common to all symbols", [])
    paths: dict[str, list[list[int]]] = {}
    for symbol, one in candles.items():
        kept = np.isin(one.t, common)
        open_, high, low, close = (column[kept] for column in (one.open, one.high, one.low, one.close))
        rising = close >= open_
        path = (open_, np.where(rising, low, high), np.where(rising, high, low), close)
        paths[symbol] = np.stack(path, axis=1).tolist()
    return tuple(
        Tick(
            t + point * quarter,
            {
                symbol: PriceQuote(price, -(-price * confidence_bps // 10_000))
                for symbol, path in paths.items()
                for price in (path[bar][point],)
            },
        )
        for bar, t in enumerate(common.tolist())
        for point in range(4)
    )


def load_price_source(
    symbols: Sequence[str],
    window: Window | None = None,
    *,
    data: Path | str | None = None,
    interval: str | None = None,
    download: bool = True,
    synthetic: bool = True,
    seed: int = 1,
    confidence_bps: int = 5,
    cache: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    exchanges: Sequence[str] = EXCHANGES,
    connect: Callable[[str], Exchange] = connect,
) -> PriceSource:
    """Load prices from a folder; without one download them; where that fails make them up, and say so in `notice`.

    A folder that was named but does not serve is an error, never a reason to take other prices.

    Parameters
    ----------
    symbols
        Base currencies, e.g. `BTC`.
    window
        What to load. Without one it is 2021-05-19 UTC, or, in a folder without that day, the day on which the first
        symbol fell deepest under its open.
    data
        Folder of candles; that of the variable `STEELYARD_DATA` where none is given; an empty string for no folder.
    interval
        Length of a candle, e.g. `1h`. Without one: from a folder the finest that all symbols have; `1h` otherwise.
    download, synthetic
        Whether those sources may be used.
    seed
        Of made-up prices.
    confidence_bps
        Confidence interval put on every price [1e-4 of it].
    cache, progress, exchanges, connect
        See `sim.data.download.download_candles`.

    Raises
    ------
    PriceFileMissing
        Where the folder, or candles of a symbol in it, are missing; or where there is no folder and nothing else may be
        used.
    CandlesMalformed
        Where a file breaks a rule.
    WindowNotCovered
        Where the folder does not cover the window.
    DownloadFailed
        Where the download failed and made-up prices may not be used.
    ValueError
        Where no symbol is given, one is doubled, or `interval` is no interval.
    """
    if not symbols or len(set(symbols)) != len(symbols):
        raise ValueError(f"symbols {list(symbols)}: one or more, all different, are needed")
    seconds = None if interval is None else parse_interval(interval)
    folder = data_folder(data)
    if folder is not None:
        candles, window = _from_folder(folder, symbols, window, interval_seconds=seconds)
        return _source("folder", str(folder), candles, window, notice=None, confidence_bps=confidence_bps)
    window = DEFAULT_WINDOW if window is None else window
    failure: DataError = PriceFileMissing(Path(), f"a folder of candles ({DATA_VARIABLE})")
    if download:
        try:
            loaded = download_candles(
                symbols,
                window,
                interval=interval or "1h",
                cache=cache,
                progress=progress,
                exchanges=exchanges,
                connect=connect,
            )
        except DownloadFailed as error:
            failure = error
        else:
            return _source(
                "download", loaded.exchange, loaded.candles, window, notice=None, confidence_bps=confidence_bps
            )
    if not synthetic:
        raise failure
    notice = (
        f"These prices are made up ({CRASH_35.name}, seed {seed}), not history: no folder of candles was named"
        + (f" and the {failure}" if download else "")
        + f". Name one with --data or {DATA_VARIABLE}."
    )
    made = synthetic_candles(symbols, window, interval_seconds=seconds or 3_600, seed=seed)
    origin = f"{CRASH_35.name}, seed {seed}"
    return _source("synthetic", origin, made, window, notice=notice, confidence_bps=confidence_bps)


def _source(
    kind: Literal["folder", "download", "synthetic"],
    origin: str,
    candles: Mapping[str, Candles],
    window: Window,
    *,
    notice: str | None,
    confidence_bps: int,
) -> PriceSource:
    return PriceSource(
        kind=kind,
        origin=origin,
        symbols=tuple(candles),
        files={symbol: one.files for symbol, one in candles.items()},
        window=window,
        interval_seconds=next(iter(candles.values())).interval_seconds,
        first_at=min(int(one.t[0]) for one in candles.values()),
        last_at=max(int(one.t[-1]) for one in candles.values()),
        rows=sum(len(one) for one in candles.values()),
        gaps={symbol: one.gaps for symbol, one in candles.items() if one.gaps},
        notice=notice,
        candles=candles,
        ticks=price_ticks(candles, confidence_bps=confidence_bps),
    )


def _from_folder(
    folder: Path, symbols: Sequence[str], window: Window | None, *, interval_seconds: int | None
) -> tuple[dict[str, Candles], Window]:
    found = {symbol: find_series(folder, symbol) for symbol in symbols}
    if window is None:
        window = DEFAULT_WINDOW
        if not all(any(one.covers(window) for one in series) for series in found.values()):
            window = _deepest_day(found)
    if interval_seconds is None:
        # One length for all: the finest that every symbol can be given.
        interval_seconds = max(choose_series(series, window).interval_seconds for series in found.values())
    candles = {}
    for symbol, series in found.items():
        chosen = choose_series(series, window, interval_seconds=interval_seconds)
        candles[symbol] = resample(load_series(chosen, window), interval_seconds)
    return candles, window


def _deepest_day(found: Mapping[str, tuple[CandleSeries, ...]]) -> Window:
    """Return the UTC day, of those that all symbols cover, on which the first symbol fell deepest under its open."""
    spans = {symbol: max(series, key=lambda one: one.end - one.first) for symbol, series in found.items()}
    first = -(-max(one.first for one in spans.values()) // _DAY) * _DAY
    end = min(one.end for one in spans.values()) // _DAY * _DAY
    if first >= end:
        symbol = next(iter(found))
        raise WindowNotCovered(symbol, "one whole UTC day with all symbols", [str(one) for one in spans.values()])
    candles = load_series(next(iter(spans.values())), Window(first, end))
    days, starts = np.unique(candles.t // _DAY, return_index=True)
    fall = np.minimum.reduceat(candles.low, starts) / candles.open[starts]
    day = int(days[int(np.argmin(fall))]) * _DAY
    return Window(day, day + _DAY)
