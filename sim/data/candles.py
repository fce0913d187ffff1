"""Price history from files: found, chosen, checked, and turned into exact integers.

A folder holds parquet files (`BTCUSDT-perp-1h.parquet`, columns `t, open, high, low, close[, volume]`) or CSV files of
an exchange (`BTCUSDT-1h-2021-05.csv`: klines with or without a header, times in seconds to nanoseconds or ISO). Funding
lies beside them (`BTCUSDT-funding-8h.parquet`, columns `t, rate`). Files that continue each other form one series.

A price leaves as an integer in 1e-8 USD, Pyth's exponent of -8. It is taken from the decimal that the file shows (for a
binary float the shortest one that reads back the same), never through float arithmetic.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sim.data.errors import CandlesMalformed, PriceFileMissing, WindowNotCovered
from sim.data.window import Window, interval_name, iso, parse_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

__all__ = [
    "CandleFile",
    "CandleSeries",
    "Candles",
    "FundingHistory",
    "Gap",
    "choose_series",
    "find_series",
    "load_candles",
    "load_funding",
    "load_series",
    "resample",
    "to_e8",
]

Ints = npt.NDArray[np.int64]

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_INT64_MAX: Final = 2**63 - 1
_KIND_RANK: Final = {"perp": 0, "": 1, "spot": 2}
_KIND_WORDS: Final = {"perp": "perp", "swap": "perp", "futures": "perp", "um": "perp", "spot": "spot"}
_OTHER_WORDS: Final = {"funding", "fundingrate", "aggtrades", "trades", "metrics", "bookticker", "bookdepth"}
_QUOTES: Final = "USDT|USDC|BUSD|USD"
_TIME_NAMES: Final = ("t", "timestamp", "open_time", "opentime", "time", "datetime", "date", "unix")
_FUNDING_TIME_NAMES: Final = ("t", "calc_time", "fundingtime", "funding_time", "timestamp", "time", "datetime", "date")
_RATE_NAMES: Final = ("rate", "last_funding_rate", "fundingrate", "funding_rate")
_PRICE_NAMES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles: `missing` of them, in `[start, end)` [Unix s]."""

    start: int
    end: int
    missing: int

    def __str__(self) -> str:
        return f"{self.missing} missing from {iso(self.start)}"


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Price history of one symbol in one window, checked and exact.

    Attributes
    ----------
    symbol
        As asked for, e.g. `BTC`.
    interval_seconds
        Length of a candle [s].
    t
        Opening times [Unix s], ascending, shape `(n,)`.
    open, high, low, close
        Prices [1e-8 USD], all positive, `low <= open, close <= high`, shape `(n,)`.
    gaps
        Where candles are missing between the first and the last one.
    files
        Names of the files that they came from.
    """

    symbol: str
    interval_seconds: int
    t: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    gaps: tuple[Gap, ...] = ()
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.t)


@dataclass(frozen=True, slots=True, eq=False)
class FundingHistory:
    """Funding rates of one symbol in one window.

    Attributes
    ----------
    symbol
        As asked for.
    t
        Times of payment [Unix s], ascending, shape `(n,)`.
    rate_wad
        Rate of the period that ended then [1e-18], positive where longs pay, shape `(n,)`.
    files
        Names of the files that they came from.
    """

    symbol: str
    t: Ints
    rate_wad: Ints
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CandleFile:
    """One file of candles: opening times [Unix s] of its first and last row."""

    path: Path
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Files of one symbol, kind and interval that continue each other.

    Attributes
    ----------
    symbol
        As asked for.
    kind
        `perp`, `spot`, or empty where the names do not tell.
    interval_seconds
        Length of a candle [s].
    files
        In the order of their first row.
    """

    symbol: str
    kind: str
    interval_seconds: int
    files: tuple[CandleFile, ...]

    @property
    def first(self) -> int:
        """Opening time of the first candle [Unix s]."""
        return self.files[0].first

    @property
    def end(self) -> int:
        """Closing time of the last candle [Unix s]."""
        return max(file.last for file in self.files) + self.interval_seconds

    def covers(self, window: Window) -> bool:
        """Tell whether the series begins no later and ends no earlier than the window."""
        return self.first <= window.start and window.end <= self.end

    def __str__(self) -> str:
        return f"{self.kind or 'candles'} {interval_name(self.interval_seconds)} {iso(self.first)} to {iso(self.end)}"


# ---------------------------------------------------------------------------------------------------------------------
# Exact numbers


def to_e8(value: Decimal) -> int:
    """Return `value` [USD] in 1e-8 USD, rounded half to even.

    Raises
    ------
    ValueError
        Where the value is not finite, or not representable as a signed 64-bit integer.
    """
    return _scaled(value, Decimal("1e-8"))


def _scaled(value: Decimal, unit: Decimal) -> int:
    if not value.is_finite():
        raise ValueError(f"{value} is not a finite number")
    try:
        scaled = int(value.quantize(unit, context=_EXACT).scaleb(-int(unit.adjusted()), context=_EXACT))
    except InvalidOperation:
        scaled = _INT64_MAX + 1
    if abs(scaled) > _INT64_MAX:
        raise ValueError(f"{value} is too large")
    return scaled


def _decimal(value: object) -> Decimal:
    # repr() of a float is the shortest decimal that reads back the same: the one that the exchange published.
    text = repr(value) if isinstance(value, float) else str(value).strip()
    if not text:
        raise ValueError("the cell is empty")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None


# ---------------------------------------------------------------------------------------------------------------------
# Files as tables


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells of a file: one time per row, columns of values as parsed, and the row numbers that a user can look up."""

    path: Path
    times: list[int]
    columns: dict[str, list[object]]
    first_row: int
    """Number of the first row; for CSV files its line."""
    blank: frozenset[int]
    """Lines of a CSV file that hold nothing."""

    def row(self, index: int) -> int:
        row = self.first_row + index
        for line in sorted(self.blank):
            row += line <= row
        return row


def _seconds(number: int, *, floor: bool) -> int:
    """Unix time in seconds from one in s, ms, us or ns; the magnitude tells which (dates from 1973 to 5138)."""
    for limit, unit in ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9)):
        if number < limit:
            if number % unit and not floor:
                raise ValueError(f"time {number} is not on a whole second")
            if number // unit < 10**8:
                break
            return number // unit
    raise ValueError(f"{number} is not a time")


class _TimeReader:
    """Reads the times of one file, and refuses a file that mixes times with and without an offset."""

    def __init__(self, *, floor: bool) -> None:
        self._floor = floor
        self._aware: bool | None = None

    def __call__(self, value: object) -> int:
        if isinstance(value, int):
            return _seconds(value, floor=self._floor)
        text = str(value).strip()
        if text.removesuffix(".0").isascii() and text.removesuffix(".0").isdigit():
            return _seconds(int(text.removesuffix(".0")), floor=self._floor)
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            raise ValueError(f"{text!r} is not a time") from None
        aware = moment.tzinfo is not None or text.endswith(" UTC")
        if self._aware not in (None, aware):
            raise ValueError(f"time {text!r}: some times carry a time zone and some do not")
        self._aware = aware
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        if moment.microsecond and not self._floor:
            raise ValueError(f"time {text!r} is not on a whole second")
        return int(moment.timestamp() // 1)


def _pick(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """First of the wanted column names that is there, whatever its case."""
    lower = {name.strip().lower().replace(" ", "_"): name for name in reversed(names)}
    return next((lower[name] for name in wanted if name in lower), None)


def _read_csv(path: Path, time_names: Sequence[str], wanted: dict[str, Sequence[str]], *, floor: bool) -> _Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CandlesMalformed(path, None, "is not UTF-8 text") from error
    lines = text.splitlines()
    start = 0
    # One provider puts its address on the first line.
    while start < len(lines) and (not lines[start].strip() or "://" in lines[start]):
        start += 1
    if start == len(lines):
        raise CandlesMalformed(path, None, "is empty")
    delimiter = max(",;\t", key=lines[start].count)
    head = [cell.strip() for cell in next(csv.reader([lines[start]], delimiter=delimiter))]
    if re.fullmatch(r"[0-9.]+", head[0]):
        # Klines without a header: time, open, high, low, close, volume, ...
        if len(head) <= len(wanted):
            raise CandlesMalformed(path, start + 1, f"{len(head)} columns without a header, {len(wanted) + 1} needed")
        places = {name: index for index, name in enumerate(wanted, start=1)}
        time_place = 0
    else:
        time_name = _pick(head, time_names)
        if time_name is None:
            raise CandlesMalformed(path, start + 1, f"no column of times ({', '.join(time_names)}) in {head}")
        time_place = head.index(time_name)
        places = {}
        for name, aliases in wanted.items():
            column = _pick(head, aliases)
            if column is None:
                raise CandlesMalformed(path, start + 1, f"no column {name!r} in {head}")
            places[name] = head.index(column)
        start += 1
    width = max(time_place, *places.values()) + 1
    times: list[int] = []
    columns: dict[str, list[object]] = {name: [] for name in wanted}
    blank = set()
    read_time = _TimeReader(floor=floor)
    for line, cells in enumerate(csv.reader(lines[start:], delimiter=delimiter), start=start + 1):
        if not cells:
            blank.add(line)
            continue
        if len(cells) < width:
            raise CandlesMalformed(path, line, f"{len(cells)} columns, {width} needed")
        try:
            times.append(read_time(cells[time_place]))
        except ValueError as error:
            raise CandlesMalformed(path, line, str(error)) from error
        for name, place in places.items():
            columns[name].append(cells[place])
    return _Table(path, times, columns, start + 1, frozenset(blank))


def _read_parquet(path: Path, time_names: Sequence[str], wanted: dict[str, Sequence[str]], *, floor: bool) -> _Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = list(pq.read_schema(path).names)
        time_name = _pick(names, time_names)
        if time_name is None:
            raise CandlesMalformed(path, None, f"no column of times ({', '.join(time_names)}) in {names}")
        found = {name: _pick(names, aliases) for name, aliases in wanted.items()}
        for name, column in found.items():
            if column is None:
                raise CandlesMalformed(path, None, f"no column {name!r} in {names}")
        table = pq.read_table(path, columns=[time_name, *filter(None, found.values())])
    except pa.ArrowInvalid as error:
        raise CandlesMalformed(path, None, "is not a parquet file") from error
    stamps = table.column(time_name)
    if pa.types.is_timestamp(stamps.type):
        # Stored in UTC where the column has a time zone; taken for UTC where it has none.
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[stamps.type.unit]
        read_time: Callable[[object], int] = _from_unit(unit, floor=floor)
        stamps = stamps.cast(pa.int64())
    else:
        read_time = _TimeReader(floor=floor)
    times: list[int] = []
    for row, stamp in enumerate(stamps.to_pylist(), start=1):
        if stamp is None:
            raise CandlesMalformed(path, row, "the time is missing")
        try:
            times.append(read_time(stamp))
        except ValueError as error:
            raise CandlesMalformed(path, row, str(error)) from error
    columns = {name: table.column(column).to_pylist() for name, column in found.items()}
    return _Table(path, times, columns, 1, frozenset())


def _from_unit(unit: int, *, floor: bool) -> Callable[[object], int]:
    def read(value: object) -> int:
        assert isinstance(value, int)
        if value % unit and not floor:
            raise ValueError(f"the time is {value % unit / unit:.9f} s past a whole second")
        return value // unit

    return read


def _read(path: Path, time_names: Sequence[str], wanted: dict[str, Sequence[str]], *, floor: bool = False) -> _Table:
    reader = _read_parquet if path.suffix == ".parquet" else _read_csv
    table = reader(path, time_names, wanted, floor=floor)
    if not table.times:
        raise CandlesMalformed(path, None, "has no rows")
    for index, (before, after) in enumerate(pairwise(table.times), start=1):
        if after == before:
            raise CandlesMalformed(path, table.row(index), f"second row for {iso(after)}")
        if after < before:
            raise CandlesMalformed(path, table.row(index), f"not in order: {iso(after)} follows {iso(before)}")
    return table


def _numbers(table: _Table, name: str, unit: Decimal) -> list[int]:
    numbers: list[int] = []
    for index, cell in enumerate(table.columns[name]):
        try:
            numbers.append(_scaled(_decimal(cell), unit))
        except ValueError as error:
            raise CandlesMalformed(table.path, table.row(index), f"{name}: {error}") from error
    return numbers


# ---------------------------------------------------------------------------------------------------------------------
# Which files


def _price_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise PriceFileMissing(folder.parent, f"the price folder {folder.name!r}")
    return folder


def _base(symbol: str) -> str:
    return re.sub(rf"(?<=.)[-_/]?({_QUOTES})$", "", symbol.upper())


def _files_of(folder: Path, symbol: str) -> list[tuple[Path, list[str]]]:
    """Files whose name begins with, or holds as a word, the symbol against the dollar; with the words that follow."""
    pattern = re.compile(rf"(?:^|[^A-Z0-9]){re.escape(_base(symbol))}[-_]?(?:{_QUOTES})(?=$|[^A-Z0-9])")
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".parquet", ".csv") or not path.is_file():
            continue
        match = pattern.search(path.stem.upper())
        if match is not None:
            found.append((path, re.split(r"[^A-Za-z0-9]+", path.stem[: match.start()] + path.stem[match.end() :])))
    return found


def _named_interval(words: Iterable[str]) -> int | None:
    for word in words:
        try:
            return parse_interval(word if word.endswith("M") else word.lower())  # 1M is a month
        except ValueError:
            continue
    return None


def _interval_of(path: Path, times: list[int], named: int | None) -> int:
    """Length of a candle [s]: the most frequent step, which must be what the name says where it says one."""
    if len(times) < 2:
        if named is None:
            raise CandlesMalformed(path, None, "one row, and a name without an interval such as 1h")
        return named
    steps = Counter(after - before for before, after in pairwise(times))
    interval = min(steps, key=lambda step: (-steps[step], step))
    if named is not None and interval != named:
        raise CandlesMalformed(
            path, None, f"the name says {interval_name(named)}, the rows are {interval_name(interval)} apart"
        )
    return interval


def find_series(folder: Path, symbol: str) -> tuple[CandleSeries, ...]:
    """Find the price history of a symbol in a folder, best first.

    Perpetuals come before files that do not name their kind, those before spot; then the finer interval, then parquet
    before CSV. Only the times of the files are read.

    Parameters
    ----------
    folder
        The folder; its sub-folders are not looked into.
    symbol
        The base currency (`BTC`) or its pair against the dollar (`BTCUSDT`).

    Raises
    ------
    PriceFileMissing
        Where there is no such folder, or no candles of the symbol in it.
    CandlesMalformed
        Where the times of a file cannot be read, are not in order or double.
    """
    groups: dict[tuple[str, int, str], list[CandleFile]] = {}
    for path, words in _files_of(_price_folder(folder), symbol):
        lower = {word.lower() for word in words}
        if lower & _OTHER_WORDS:
            continue
        kind = next((_KIND_WORDS[word] for word in sorted(lower) if word in _KIND_WORDS), "")
        times = _read(path, _TIME_NAMES, {"open": ("open",)}).times
        interval = _interval_of(path, times, _named_interval(words))
        groups.setdefault((kind, interval, path.suffix), []).append(CandleFile(path, times[0], times[-1]))
    if not groups:
        raise PriceFileMissing(
            folder, f"a file with candles of {symbol}, named like {_base(symbol)}USDT-perp-1h.parquet,"
        )
    ranked = sorted(groups.items(), key=lambda item: (_KIND_RANK[item[0][0]], item[0][1], item[0][2] != ".parquet"))
    return tuple(
        CandleSeries(symbol, kind, interval, tuple(sorted(files, key=lambda file: (file.first, file.path.name))))
        for (kind, interval, _), files in ranked
    )


def choose_series(
    series: Sequence[CandleSeries], window: Window, *, interval_seconds: int | None = None
) -> CandleSeries:
    """Return the best series that covers a window.

    Parameters
    ----------
    series
        Of one symbol, best first, as `find_series` returns them.
    window
        What to cover.
    interval_seconds
        Length of candle asked for [s]: taken as it is, or else made from the longest candles that divide it.

    Raises
    ------
    WindowNotCovered
        Where none does.
    """
    covering = [one for one in series if one.covers(window)]
    if interval_seconds is not None:
        covering = [one for one in covering if interval_seconds % one.interval_seconds == 0]
        exact = [one for one in covering if one.interval_seconds == interval_seconds]
        covering = exact or sorted(covering, key=lambda one: (_KIND_RANK[one.kind], -one.interval_seconds))
    if not covering:
        wanted = str(window) if interval_seconds is None else f"{window} at {interval_name(interval_seconds)}"
        raise WindowNotCovered(series[0].symbol if series else "?", wanted, [str(one) for one in series])
    return covering[0]


# ---------------------------------------------------------------------------------------------------------------------
# Candles


def _file_rows(path: Path, interval: int) -> list[tuple[int, int, int, int, int]]:
    table = _read(path, _TIME_NAMES, {name: (name,) for name in _PRICE_NAMES})
    for index, t in enumerate(table.times):
        if (t - table.times[0]) % interval:
            raise CandlesMalformed(path, table.row(index), f"{iso(t)} is off the steps of {interval_name(interval)}")
    prices = [_numbers(table, name, Decimal("1e-8")) for name in _PRICE_NAMES]
    rows = list(zip(table.times, *prices, strict=True))
    for index, (_, open_, high, low, close) in enumerate(rows):
        if min(open_, high, low, close) <= 0:
            raise CandlesMalformed(path, table.row(index), "a price is not positive in units of 1e-8 USD")
        if low > min(open_, close) or high < max(open_, close):
            what = f"low {low}, open {open_}, close {close}, high {high} [1e-8 USD] are not in order"
            raise CandlesMalformed(path, table.row(index), what)
    return rows


def load_series(series: CandleSeries, window: Window) -> Candles:
    """Load the candles of a series that open within a window.

    Every file that reaches into the window is checked from its first row to its last.

    Parameters
    ----------
    series
        As found by `find_series`.
    window
        What to load.

    Returns
    -------
    Candles
        At least one. Missing candles are no error: they are listed in `gaps`.

    Raises
    ------
    CandlesMalformed
        Where a value is not a finite positive number, a high or low is not one, a time is off the interval's steps, or
        two files disagree.
    WindowNotCovered
        Where no candle opens within the window.
    """
    interval = series.interval_seconds
    merged: dict[int, tuple[int, int, int, int, int]] = {}
    used: list[str] = []
    for file in series.files:
        if file.first >= window.end or file.last < window.start:
            continue
        for row in _file_rows(file.path, interval):
            if merged.setdefault(row[0], row) != row:
                raise CandlesMalformed(file.path, None, f"disagrees with another file about {iso(row[0])}")
        used.append(file.path.name)
    rows = [merged[t] for t in sorted(merged) if window.start <= t < window.end]
    if not rows:
        raise WindowNotCovered(series.symbol, str(window), [str(series)])
    table: Ints = np.array(rows, dtype=np.int64)
    table.flags.writeable = False
    t, open_, high, low, close = (table[:, column] for column in range(5))
    gaps = _gaps(t, interval)
    return Candles(series.symbol, interval, t, open_, high, low, close, gaps=gaps, files=tuple(used))


def _gaps(t: Ints, interval: int) -> tuple[Gap, ...]:
    steps = np.diff(t)
    return tuple(
        Gap(int(t[index]) + interval, int(t[index + 1]), int(steps[index]) // interval - 1)
        for index in np.flatnonzero(steps > interval)
    )


def load_candles(folder: Path, symbol: str, *, window: Window, interval: str | None = None) -> Candles:
    """Find, choose, check and load the candles of a symbol.

    Parameters
    ----------
    folder
        Where the files lie.
    symbol
        The base currency (`BTC`) or its pair against the dollar (`BTCUSDT`).
    window
        What to load.
    interval
        Length of a candle, e.g. `1h`; the finest that covers the window where none is given.

    Raises
    ------
    PriceFileMissing
        Where there is no such folder, or no candles of the symbol in it.
    CandlesMalformed
        Where a file breaks a rule.
    WindowNotCovered
        Where no series reaches over the window.
    ValueError
        Where `interval` is no interval.
    """
    seconds = None if interval is None else parse_interval(interval)
    candles = load_series(choose_series(find_series(folder, symbol), window, interval_seconds=seconds), window)
    return candles if seconds is None else resample(candles, seconds)


def resample(candles: Candles, interval_seconds: int) -> Candles:
    """Merge candles into longer ones that open on multiples of their length since 1970.

    A longer candle of which a part is missing is left out, since its high and low are not known; it counts as a gap.

    Parameters
    ----------
    candles
        The shorter ones.
    interval_seconds
        Length of the longer ones [s], a multiple of the shorter.

    Raises
    ------
    ValueError
        Where it is no multiple.
    WindowNotCovered
        Where no longer candle is complete.
    """
    if interval_seconds == candles.interval_seconds:
        return candles
    share, rest = divmod(interval_seconds, candles.interval_seconds)
    if rest or share < 1:
        raise ValueError(f"{interval_seconds} s is no multiple of {candles.interval_seconds} s")
    opened = candles.t // interval_seconds * interval_seconds
    opens, first, counts = np.unique(opened, return_index=True, return_counts=True)
    whole = counts == share
    if not whole.any():
        raise WindowNotCovered(candles.symbol, f"candles of {interval_name(interval_seconds)}", [])
    t = opens[whole]
    return replace(
        candles,
        interval_seconds=interval_seconds,
        t=t,
        open=candles.open[first[whole]],
        high=np.maximum.reduceat(candles.high, first)[whole],
        low=np.minimum.reduceat(candles.low, first)[whole],
        close=candles.close[(first + counts - 1)[whole]],
        gaps=_gaps(t, interval_seconds),
    )


def load_funding(folder: Path, symbol: str, *, window: Window) -> FundingHistory:
    """Load the funding rates of a symbol that were paid within a window.

    Parameters
    ----------
    folder
        Where files such as `BTCUSDT-funding-8h.parquet` lie.
    symbol
        The base currency or its pair against the dollar.
    window
        What to load. It need not be covered: funding has gaps by nature.

    Raises
    ------
    PriceFileMissing
        Where there is no such folder, or no funding of the symbol in it.
    CandlesMalformed
        Where a file's times are not in order or double, or a rate is not a finite number.
    """
    rates: dict[int, int] = {}
    used: list[str] = []
    for path, words in _files_of(_price_folder(folder), symbol):
        if not {word.lower() for word in words} & {"funding", "fundingrate"}:
            continue
        # Exchanges stamp payments some milliseconds late: whole seconds are enough here.
        table = _read(path, _FUNDING_TIME_NAMES, {"rate": _RATE_NAMES}, floor=True)
        for t, rate in zip(table.times, _numbers(table, "rate", Decimal("1e-18")), strict=True):
            if rates.setdefault(t, rate) != rate:
                raise CandlesMalformed(path, None, f"disagrees with another file about {iso(t)}")
        used.append(path.name)
    if not used:
        raise PriceFileMissing(
            folder, f"a file with funding of {symbol}, named like {_base(symbol)}USDT-funding-8h.parquet,"
        )
    times = [t for t in sorted(rates) if window.start <= t < window.end]
    return FundingHistory(
        symbol,
        np.array(times, dtype=np.int64),
        np.array([rates[t] for t in times], dtype=np.int64),
        tuple(used),
    )
