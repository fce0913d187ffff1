"""Price history from exchanges, through ccxt, kept in a cache.

The cache is a folder of CSV files that `sim.data.candles` reads like any other; every page that arrives is written at
once, so an interrupted download goes on where it stopped.
"""

from __future__ import annotations

import csv
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from sim.data.candles import Candles, load_candles
from sim.data.errors import CandlesMalformed, DataError, DownloadFailed
from sim.data.window import Window, iso, parse_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["EXCHANGES", "Download", "Exchange", "Progress", "cache_folder", "connect", "download_candles"]

EXCHANGES: Final = ("binanceusdm", "okx", "bybit")
"""Where to ask, in this order; all of them list perpetuals against USDT."""

_CHUNK_BARS: Final = 500
_PAGE_BARS: Final = 500
_ATTEMPTS: Final = 3
_TIMEOUT_MS: Final = 10_000


class Exchange(Protocol):
    """The part of a ccxt exchange that is used."""

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        """Return rows `[time in ms, open, high, low, close, volume]` from `since` [ms] on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: candles of `symbol` there, of those wanted."""

    exchange: str
    symbol: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Download:
    """What an exchange delivered: its name, the cache folder that holds it, and candles by symbol."""

    exchange: str
    folder: Path
    candles: dict[str, Candles]


def cache_folder() -> Path:
    """Return the folder for downloads: `steelyard/candles` under `XDG_CACHE_HOME`, or else under `~/.cache`."""
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (root if root.is_absolute() else Path.home() / ".cache") / "steelyard" / "candles"


def connect(name: str) -> Exchange:
    """Return the ccxt exchange of that name, without credentials."""
    import ccxt

    exchange: Exchange = getattr(ccxt, name)({"enableRateLimit": True, "timeout": _TIMEOUT_MS})
    return exchange


def download_candles(
    symbols: Sequence[str],
    window: Window,
    *,
    interval: str = "1h",
    cache: Path | None = None,
    exchanges: Sequence[str] = EXCHANGES,
    connect: Callable[[str], Exchange] = connect,
    progress: Callable[[Progress], None] | None = None,
    pause: Callable[[float], None] = time.sleep,
    now: int | None = None,
) -> Download:
    """Download the candles of perpetuals, or take them from the cache.

    All symbols come from one exchange. The next one is asked when one fails, or does not reach over the window.

    Parameters
    ----------
    symbols
        Base currencies, e.g. `BTC`.
    window
        What to download; it must have ended.
    interval
        Length of a candle, e.g. `1h`.
    cache
        Folder to keep them in; `cache_folder()` where none is given.
    exchanges
        ccxt names, in the order to ask.
    connect
        Makes an exchange of a name.
    progress
        Called after every page.
    pause
        Waits that many seconds before another attempt.
    now
        Unix time [s]; the clock's where none is given.

    Raises
    ------
    DownloadFailed
        Where no exchange delivered: the reason of each is told.
    ValueError
        Where `interval` is no interval.
    """
    what = f"download of {', '.join(symbols)} at {interval} for {window}"
    step = parse_interval(interval)
    now = int(time.time()) if now is None else now
    if window.end > now:
        raise DownloadFailed(what, {"all": f"the window ends after {iso(now)}, which is now"})
    reasons: dict[str, str] = {}
    for name in exchanges:
        folder = (cache_folder() if cache is None else cache) / name
        try:
            link = _Link(name, connect, pause)
            for symbol in symbols:
                _fill(folder, symbol, window, interval=interval, step=step, link=link, progress=progress, now=now)
            return Download(
                name,
                folder,
                {symbol: load_candles(folder, symbol, window=window, interval=interval) for symbol in symbols},
            )
        except (_NoAnswerError, DataError, OSError) as error:
            reasons[name] = " ".join(str(error).split())[:200]
    raise DownloadFailed(what, reasons)


class _NoAnswerError(Exception):
    """An exchange did not answer, or not with candles."""


class _Link:
    """Connection to one exchange, made when first needed: a full cache needs none."""

    def __init__(self, name: str, connect: Callable[[str], Exchange], pause: Callable[[float], None]) -> None:
        self.name = name
        self._connect = connect
        self._pause = pause
        self._exchange: Exchange | None = None
        self._answered = False

    def page(self, symbol: str, interval: str, since: int) -> list[list[Any]]:
        """Return candles from `since` [Unix s] on; tries again only where the exchange has answered before."""
        import ccxt

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if self._exchange is None:
                    self._exchange = self._connect(self.name)
                page = self._exchange.fetch_ohlcv(f"{symbol}/USDT:USDT", interval, since * 1_000, _PAGE_BARS)
            except ccxt.NetworkError as error:
                if not self._answered or attempt == _ATTEMPTS:
                    raise _NoAnswerError(f"{type(error).__name__}: {error}") from error
                self._pause(2.0**attempt)
            except (ccxt.BaseError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise _NoAnswerError(f"{type(error).__name__}: {error}") from error
            else:
                self._answered = True
                return page
        raise AssertionError("unreachable")


def _fill(
    folder: Path,
    symbol: str,
    window: Window,
    *,
    interval: str,
    step: int,
    link: _Link,
    progress: Callable[[Progress], None] | None,
    now: int,
) -> None:
    """Complete the chunks of the cache that a window needs."""
    span = _CHUNK_BARS * step
    starts = range(window.start // span * span, window.end, span)
    total = len(starts) * _CHUNK_BARS
    for place, start in enumerate(starts):
        name = f"{symbol.upper()}USDT-perp-{interval}-{iso(start).replace(':', '').replace('-', '')}.csv"
        path = folder / name
        rows = _cached(path)
        # An earlier run may have stopped here, or have been run while the chunk was not over.
        while not rows or rows[-1][0] + step < min(start + span, window.end):
            since = rows[-1][0] + step if rows else start
            page = _checked(link.page(symbol.upper(), interval, since), link.name)
            fresh = [row for row in page if since <= row[0] < start + span and row[0] + step <= now]
            if not fresh:
                if page and page[0][0] >= start + span and not rows:
                    raise _NoAnswerError(f"no {symbol} candles before {iso(page[0][0])}")
                if not rows:
                    raise _NoAnswerError(f"no {symbol} candles from {iso(since)} on")
                break  # a hole to the chunk's end: whether the window is covered is judged by the reader
            rows += fresh
            _write(path, rows)
            if progress is not None:
                done = place * _CHUNK_BARS + (rows[-1][0] + step - start) // step
                progress(Progress(link.name, symbol, done, total))
    if progress is not None:
        progress(Progress(link.name, symbol, total, total))


_Row = tuple[int, str, str, str, str, str]


def _checked(page: Any, exchange: str) -> list[_Row]:
    """Rows with times in seconds and prices as text: what the exchange wrote, as nearly as ccxt hands it on."""
    try:
        rows = [
            (int(row[0]) // 1_000, repr(row[1]), repr(row[2]), repr(row[3]), repr(row[4]), repr(row[5])) for row in page
        ]
    except (TypeError, ValueError, IndexError) as error:
        raise _NoAnswerError(f"{exchange} sent something that is no list of candles") from error
    return sorted(rows)


def _cached(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [
                (int(row["t"]) // 1_000, row["open"], row["high"], row["low"], row["close"], row["volume"])
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError, ValueError) as error:
        raise CandlesMalformed(
            path, None, "this file of the cache is damaged; delete it to download it anew"
        ) from error


def _write(path: Path, rows: list[_Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved: a run that is stopped here leaves the old file or the new one.
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("t", "open", "high", "low", "close", "volume"))
        writer.writerows((t * 1_000, *rest) for t, *rest in rows)
    aside.replace(path)
