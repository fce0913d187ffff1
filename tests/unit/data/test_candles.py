from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.data import (
    CandlesMalformed,
    Gap,
    PriceFileMissing,
    Window,
    WindowNotCovered,
    load_candles,
    load_funding,
    resample,
    to_e8,
)
from sim.data.candles import find_series
from tests.unit.data.files import (
    DAY,
    HOUR,
    KLINE_HEADER,
    Row,
    first_hours,
    hours,
    kline,
    write_csv,
    write_parquet,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "e8"),
    [
        ("1.9292", 192_920_000),
        ("0.000000005", 0),  # half to even, down
        ("0.000000015", 2),  # half to even, up
        ("0.0000000150000000000000000000000000000000000000000000000000000000000000001", 2),
        ("0.0000000049999999999999999999999999999999999999999999999999999999999999999", 0),
        ("64000.12", 6_400_012_000_000),
    ],
)
def test_to_e8__decimal__rounds_half_to_even(text: str, e8: int) -> None:
    assert to_e8(Decimal(text)) == e8


@given(st.integers(1, 10**15))
def test_to_e8__whole_number_of_units__is_exact(units: int) -> None:
    assert to_e8(Decimal(units).scaleb(-8)) == units


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "1e12", "1e999999"])
def test_to_e8__not_representable__raises(text: str) -> None:
    with pytest.raises(ValueError, match=r"finite|too large"):
        to_e8(Decimal(text))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", None])
def test_load_candles__parquet__gives_exact_integers(tmp_path: Path, unit: str, zone: str | None) -> None:
    rows = [(DAY.start, 1.9292, 1.9467, 1.923, 1.9376)]
    write_parquet(tmp_path / "SOLUSDT-perp-1h.parquet", rows, unit=unit, zone=zone)
    candles = load_candles(tmp_path, "SOL", window=first_hours(1))
    assert candles.t.tolist() == [DAY.start]
    prices = (candles.open, candles.high, candles.low, candles.close)
    assert [int(column[0]) for column in prices] == [192_920_000, 194_670_000, 192_300_000, 193_760_000]
    assert candles.interval_seconds == HOUR
    assert candles.files == ("SOLUSDT-perp-1h.parquet",)


def test_load_candles__float_near_a_tie__is_read_as_the_decimal_it_shows(tmp_path: Path) -> None:
    # The double nearest to 1.000000025 lies above it, the one nearest to 1.000000015 below.
    rows = [(DAY.start, 1.000000015, 1.000000025, 1.000000015, 1.000000025)]
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    candles = load_candles(tmp_path, "BTC", window=first_hours(1))
    assert (int(candles.low[0]), int(candles.high[0])) == (100_000_002, 100_000_002)


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("header", [[], [KLINE_HEADER]])
def test_load_candles__kline_csv__equals_parquet(tmp_path: Path, scale: int, header: list[str]) -> None:
    rows = hours()
    write_csv(tmp_path / "BTCUSDT-1h-2021-05-19.csv", header + [kline(row, scale=scale) for row in rows])
    candles = load_candles(tmp_path, "BTC", window=DAY)
    assert candles.t.tolist() == [row[0] for row in rows]
    assert candles.high.tolist() == [int(row[2]) * 10**8 for row in rows]
    assert candles.low.tolist() == [int(row[3]) * 10**8 for row in rows]


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("timestamp", ["2021-05-19T00:00:00Z", "2021-05-19T01:00:00Z"]),
        ("Time", ["2021-05-19T02:00:00+02:00", "2021-05-19T03:00:00+02:00"]),
        ("date", ["2021-05-19 00:00:00", "2021-05-19 01:00:00"]),
        ("t", ["2021-05-19 00:00:00 UTC", "2021-05-19 01:00:00 UTC"]),
    ],
)
def test_load_candles__generic_csv__reads_times_in_utc(tmp_path: Path, name: str, times: list[str]) -> None:
    lines = [f"{name};Open;High;Low;Close", *(f"{time};10;12;9;11" for time in times)]
    write_csv(tmp_path / "ETH-USD.csv", lines)
    assert load_candles(tmp_path, "ETHUSDT", window=first_hours(2)).t.tolist() == [DAY.start, DAY.start + HOUR]


def test_load_candles__months_in_files__are_joined(tmp_path: Path) -> None:
    rows = hours(48)
    write_csv(tmp_path / "BTCUSDT-1h-2021-05-19.csv", [kline(row) for row in rows[:25]])
    write_csv(tmp_path / "BTCUSDT-1h-2021-05-20.csv", [kline(row, scale=10**6) for row in rows[24:]])
    candles = load_candles(tmp_path, "BTC", window=first_hours(48))
    assert candles.t.tolist() == [row[0] for row in rows]
    assert candles.gaps == ()
    assert len(candles.files) == 2


def test_load_candles__files_disagree__raises(tmp_path: Path) -> None:
    write_csv(tmp_path / "BTCUSDT-1h-a.csv", [kline(row) for row in hours(24)])
    write_csv(tmp_path / "BTCUSDT-1h-b.csv", [kline(row) for row in hours(24, price=101.0)])
    with pytest.raises(CandlesMalformed, match="disagrees with another file about 2021-05-19T00:00:00Z"):
        load_candles(tmp_path, "BTC", window=DAY)


def test_load_candles__several_series__takes_the_finest_perpetual_that_covers(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-spot-1m.parquet", hours(1440, step=60))
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(48))
    write_parquet(tmp_path / "BTCUSDT-perp-15m.parquet", hours(96, step=900))
    write_parquet(tmp_path / "WBTCUSDT-perp-1m.parquet", hours(1440, step=60))
    assert load_candles(tmp_path, "BTC", window=DAY).files == ("BTCUSDT-perp-15m.parquet",)
    assert load_candles(tmp_path, "BTC", window=first_hours(48)).files == ("BTCUSDT-perp-1h.parquet",)
    assert load_candles(tmp_path, "BTC", window=DAY, interval="1h").files == ("BTCUSDT-perp-1h.parquet",)
    made = load_candles(tmp_path, "BTC", window=DAY, interval="4h")
    assert (made.files, len(made)) == (("BTCUSDT-perp-1h.parquet",), 6)
    assert load_candles(tmp_path, "BTC", window=DAY, interval="5m").files == ("BTCUSDT-spot-1m.parquet",)


def test_find_series__funding_and_trades_beside__are_left_alone(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    write_csv(tmp_path / "BTCUSDT-funding-8h.csv", ["t,rate", f"{DAY.start},0.0001"])
    write_csv(tmp_path / "BTCUSDT-aggTrades-2021-05-19.csv", ["1,2,3"])
    (series,) = find_series(tmp_path, "BTC")
    assert (series.kind, series.interval_seconds) == ("perp", HOUR)
    assert (series.first, series.end) == (DAY.start, DAY.end)


def test_load_candles__candles_missing__reports_the_gaps(tmp_path: Path) -> None:
    rows = hours()
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows[:5] + rows[7:])
    candles = load_candles(tmp_path, "BTC", window=DAY)
    assert candles.gaps == (Gap(DAY.start + 5 * HOUR, DAY.start + 7 * HOUR, 2),)
    assert len(candles) == 22


def test_load_candles__no_folder__raises(tmp_path: Path) -> None:
    with pytest.raises(PriceFileMissing, match="the price folder 'nowhere' is not in"):
        load_candles(tmp_path / "nowhere", "BTC", window=DAY)


def test_load_candles__no_file_of_the_symbol__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    with pytest.raises(PriceFileMissing, match="candles of SOL"):
        load_candles(tmp_path, "SOL", window=DAY)


@pytest.mark.parametrize(
    "window", [Window(DAY.start - HOUR, DAY.end), Window(DAY.start, DAY.end + 1), Window(DAY.end, DAY.end + HOUR)]
)
def test_load_candles__window_beyond_the_file__raises(tmp_path: Path, window: Window) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    with pytest.raises(WindowNotCovered, match="perp 1h 2021-05-19T00:00:00Z to 2021-05-20T00:00:00Z") as caught:
        load_candles(tmp_path, "BTC", window=window)
    assert caught.value.symbol == "BTC"


def test_load_candles__window_within_one_candle__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    with pytest.raises(WindowNotCovered):
        load_candles(tmp_path, "BTC", window=Window(DAY.start + 60, DAY.start + 120))


def _put(place: int, value: float) -> Callable[[list[Row]], list[Row]]:
    def change(rows: list[Row]) -> list[Row]:
        cells = list(rows[3])
        cells[place] = value
        t, open_, high, low, close = cells
        return [*rows[:3], (int(t), open_, high, low, close), *rows[4:]]

    return change


BROKEN: list[tuple[Callable[[list[Row]], list[Row]], int, str]] = [
    (_put(1, math.nan), 4, "open: NaN is not a finite number"),
    (_put(4, math.inf), 4, "close: Infinity is not a finite number"),
    (_put(3, 0.0), 4, "a price is not positive"),
    (_put(3, -1.0), 4, "a price is not positive"),
    (_put(3, 1e-9), 4, "a price is not positive in units of 1e-8"),
    (_put(1, 1e12), 4, "open: 1.*is too large"),
    (_put(2, 103.0), 4, "are not in order"),  # high under the close
    (_put(3, 103.5), 4, "are not in order"),  # low over the open
    (_put(3, 103.00000001), 4, "are not in order"),  # by one unit
    (_put(4, 99.0), 4, "are not in order"),  # close under the low
    (_put(1, 106.0), 4, "are not in order"),  # open over the high
    (_put(0, DAY.start + 2 * HOUR), 4, "second row for 2021-05-19T02:00:00Z"),
    (_put(0, DAY.start), 4, "not in order: 2021-05-19T00:00:00Z follows 2021-05-19T02:00:00Z"),
    (_put(0, DAY.start + 3 * HOUR + 60), 4, "is off the steps of 1h"),
]


@pytest.mark.parametrize(("change", "row", "what"), BROKEN)
def test_load_candles__broken_row_in_parquet__names_file_row_and_rule(
    tmp_path: Path, change: Callable[[list[Row]], list[Row]], row: int, what: str
) -> None:
    path = write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", change(hours()))
    with pytest.raises(CandlesMalformed, match=what) as caught:
        load_candles(tmp_path, "BTC", window=DAY)
    assert (caught.value.file, caught.value.row) == (path, row)


@pytest.mark.parametrize(("change", "row", "what"), BROKEN)
@pytest.mark.parametrize("before", [[], [KLINE_HEADER], ["https://example.org/", KLINE_HEADER]])
def test_load_candles__broken_row_in_csv__names_file_line_and_rule(
    tmp_path: Path, before: list[str], change: Callable[[list[Row]], list[Row]], row: int, what: str
) -> None:
    path = write_csv(tmp_path / "BTCUSDT-1h.csv", before + [kline(one) for one in change(hours())])
    with pytest.raises(CandlesMalformed, match=f"(?i){what}") as caught:
        load_candles(tmp_path, "BTC", window=DAY)
    assert (caught.value.file, caught.value.row) == (path, row + len(before))


@pytest.mark.parametrize(
    ("lines", "row", "what"),
    [
        ([], None, "is empty"),
        ([KLINE_HEADER], None, "has no rows"),
        (["t,open,high,low", "1621382400,1,1,1"], 1, "no column 'close'"),
        (["when,open,high,low,close", "1621382400,1,1,1,1"], 1, "no column of times"),
        (["1621382400,1,1,1"], 1, "4 columns without a header, 5 needed"),
        (["t,open,high,low,close", "1621382400,1,1,1,1", "", "1621386000,1,1,1"], 4, "4 columns, 5 needed"),
        (["t,open,high,low,close", "1621382400,1,1,1,1", "", "1621386000,1,1,1,x"], 4, "close: 'x' is not a number"),
        (["t,open,high,low,close", "1621382400,1,1,,1"], 2, "low: the cell is empty"),
        (["t,open,high,low,close", "19/05/2021,1,1,1,1"], 2, "'19/05/2021' is not a time"),
        (["t,open,high,low,close", "12,1,1,1,1"], 2, "12 is not a time"),
        (["t,open,high,low,close", "1621382400500,1,1,1,1"], 2, "not on a whole second"),
        (
            ["t,open,high,low,close", "2021-05-19T00:00:00,1,1,1,1", "2021-05-19T01:00:00Z,1,1,1,1"],
            3,
            "some times carry a time zone and some do not",
        ),
    ],
)
def test_load_candles__malformed_csv__names_line_and_rule(
    tmp_path: Path, lines: list[str], row: int | None, what: str
) -> None:
    path = write_csv(tmp_path / "BTCUSDT-1h.csv", lines)
    with pytest.raises(CandlesMalformed, match=what) as caught:
        load_candles(tmp_path, "BTC", window=first_hours(1))
    assert (caught.value.file, caught.value.row) == (path, row)


def test_load_candles__malformed_row_outside_the_window__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", _put(1, math.nan)(hours()))
    with pytest.raises(CandlesMalformed):
        load_candles(tmp_path, "BTC", window=first_hours(1))


@pytest.mark.parametrize("column", ["t", "high"])
def test_load_candles__null_in_parquet__raises(tmp_path: Path, column: str) -> None:
    cells = {name: [DAY.start * 1_000 if name == "t" else 1.0] for name in ("t", "open", "high", "low", "close")}
    kinds = {name: pa.timestamp("ms", tz="UTC") if name == "t" else pa.float64() for name in cells}
    table = {name: pa.array([None] if name == column else values, kinds[name]) for name, values in cells.items()}
    pq.write_table(pa.table(table), tmp_path / "BTCUSDT-perp-1h.parquet")
    with pytest.raises(CandlesMalformed) as caught:
        load_candles(tmp_path, "BTC", window=first_hours(1))
    assert caught.value.row == 1


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else"])
def test_load_candles__not_a_parquet_file__raises(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "BTCUSDT-perp-1h.parquet").write_bytes(content)
    with pytest.raises(CandlesMalformed, match="is not a parquet file"):
        load_candles(tmp_path, "BTC", window=DAY)


def test_load_candles__not_text__raises(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1h.csv").write_bytes(b"t,open\xff\xfe")
    with pytest.raises(CandlesMalformed, match="is not UTF-8 text"):
        load_candles(tmp_path, "BTC", window=DAY)


def test_load_candles__name_against_content__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1m.parquet", hours())
    with pytest.raises(CandlesMalformed, match="the name says 1m, the rows are 1h apart"):
        load_candles(tmp_path, "BTC", window=DAY)


def test_resample__hours_to_four__merges_exactly(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(8))
    merged = resample(load_candles(tmp_path, "BTC", window=first_hours(8)), 4 * HOUR)
    assert merged.t.tolist() == [DAY.start, DAY.start + 4 * HOUR]
    assert merged.open.tolist() == [100 * 10**8, 104 * 10**8]
    assert merged.high.tolist() == [105 * 10**8, 109 * 10**8]
    assert merged.low.tolist() == [97 * 10**8, 101 * 10**8]
    assert merged.close.tolist() == [104 * 10**8, 108 * 10**8]


def test_resample__part_missing__leaves_the_longer_candle_out(tmp_path: Path) -> None:
    rows = hours(12)
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows[:5] + rows[6:])
    merged = resample(load_candles(tmp_path, "BTC", window=first_hours(12)), 4 * HOUR)
    assert merged.t.tolist() == [DAY.start, DAY.start + 8 * HOUR]
    assert merged.gaps == (Gap(DAY.start + 4 * HOUR, DAY.start + 8 * HOUR, 1),)


def test_resample__no_multiple__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    candles = load_candles(tmp_path, "BTC", window=DAY)
    with pytest.raises(ValueError, match="5400 s is no multiple of 3600 s"):
        resample(candles, 5_400)


def test_load_funding__late_by_milliseconds__is_exact_and_in_the_window(tmp_path: Path) -> None:
    lines = ["calc_time,funding_interval_hours,last_funding_rate"]
    lines += [
        f"{(DAY.start + index * 8 * HOUR) * 1_000 + index},8,{rate}"
        for index, rate in enumerate(("0.00010000", "-0.00008086", "0.0003", "0.0004"))
    ]
    write_csv(tmp_path / "BTCUSDT-fundingRate-2021-05.csv", lines)
    funding = load_funding(tmp_path, "BTC", window=DAY)
    assert funding.t.tolist() == [DAY.start, DAY.start + 8 * HOUR, DAY.start + 16 * HOUR]
    assert funding.rate_wad.tolist() == [10**14, -80_860_000_000_000, 3 * 10**14]


def test_load_funding__none_there__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    with pytest.raises(PriceFileMissing, match="funding of BTC"):
        load_funding(tmp_path, "BTC", window=DAY)
