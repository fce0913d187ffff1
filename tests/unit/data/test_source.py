from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import ccxt
import pytest

from sim.data import (
    DEFAULT_WINDOW,
    DownloadFailed,
    Gap,
    PriceFileMissing,
    PriceQuote,
    Window,
    WindowNotCovered,
    load_price_source,
    synthetic_candles,
)
from tests.unit.data.files import DAY, HOUR, first_hours, hours, write_parquet
from tests.unit.data.test_download import FakeExchange

if TYPE_CHECKING:
    from pathlib import Path

SYMBOLS = ("BTC", "ETH")


@pytest.fixture(autouse=True)
def _no_folder_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEELYARD_DATA", raising=False)


def _refuse(_: str) -> FakeExchange:
    return FakeExchange(failures={1: ccxt.NetworkError("no route")})


def test_load_price_source__folder__says_where_the_prices_came_from(tmp_path: Path) -> None:
    for symbol in SYMBOLS:
        write_parquet(tmp_path / f"{symbol}USDT-perp-1h.parquet", hours(48, start=DAY.start - 12 * HOUR))
    source = load_price_source(SYMBOLS, data=tmp_path)
    assert (source.kind, source.origin, source.notice) == ("folder", str(tmp_path), None)
    assert source.symbols == SYMBOLS
    assert source.files == {symbol: (f"{symbol}USDT-perp-1h.parquet",) for symbol in SYMBOLS}
    assert source.window == DEFAULT_WINDOW
    assert (source.interval, source.interval_seconds) == ("1h", HOUR)
    assert (source.first_at, source.last_at) == (DAY.start, DAY.end - HOUR)
    assert (source.rows, len(source.ticks)) == (48, 96)


def test_load_price_source__environment__names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    monkeypatch.setenv("STEELYARD_DATA", str(tmp_path))
    assert load_price_source(["BTC"]).kind == "folder"
    assert load_price_source(["BTC"], data="", download=False).kind == "synthetic"


def test_load_price_source__folder_does_not_serve__raises_and_takes_no_other_prices(tmp_path: Path) -> None:
    with pytest.raises(PriceFileMissing):
        load_price_source(["BTC"], data=tmp_path / "nowhere")
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours())
    with pytest.raises(PriceFileMissing, match="ETH"):
        load_price_source(SYMBOLS, data=tmp_path)
    with pytest.raises(WindowNotCovered):
        load_price_source(["BTC"], Window(DAY.start, DAY.end + 1), data=tmp_path)


def test_load_price_source__default_day_not_there__takes_the_deepest_day(tmp_path: Path) -> None:
    start = DAY.end + 30 * 86_400 - 6 * HOUR
    rows = hours(100, start=start)
    t, open_, high, _, close = rows[60]
    rows[60] = (t, open_, high, 50.0, close)
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    write_parquet(tmp_path / "ETHUSDT-perp-1h.parquet", hours(100, start=start))
    day = t // 86_400 * 86_400
    assert load_price_source(SYMBOLS, data=tmp_path).window == Window(day, day + 86_400)


def test_load_price_source__no_whole_day__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(30, start=DAY.end + 6 * HOUR))
    with pytest.raises(WindowNotCovered, match="one whole UTC day"):
        load_price_source(["BTC"], data=tmp_path)


def test_load_price_source__intervals_differ__gives_all_the_longer_one(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-15m.parquet", hours(96, step=900))
    write_parquet(tmp_path / "ETHUSDT-perp-1h.parquet", hours())
    source = load_price_source(SYMBOLS, data=tmp_path)
    assert source.interval == "1h"
    assert [len(source.candles[symbol]) for symbol in SYMBOLS] == [24, 24]
    with pytest.raises(WindowNotCovered, match="at 15m"):
        load_price_source(SYMBOLS, data=tmp_path, interval="15m")


def test_ticks__rising_and_falling_candle__take_four_points(tmp_path: Path) -> None:
    rows = [(DAY.start, 10.0, 14.0, 8.0, 12.0), (DAY.start + HOUR, 12.0, 13.0, 9.0, 11.0)]
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    ticks = load_price_source(["BTC"], first_hours(2), data=tmp_path).ticks
    assert [tick.timestamp - DAY.start for tick in ticks] == [0, 900, 1800, 2700, 3600, 4500, 5400, 6300]
    assert [tick.quotes["BTC"].price_e8 // 10**8 for tick in ticks] == [10, 8, 14, 12, 12, 13, 9, 11]


def test_ticks__flat_candle__counts_as_rising(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", [(DAY.start, 10.0, 11.0, 9.0, 10.0)])
    ticks = load_price_source(["BTC"], first_hours(1), data=tmp_path).ticks
    assert [tick.quotes["BTC"].price_e8 // 10**8 for tick in ticks] == [10, 9, 11, 10]


def test_ticks__confidence__is_rounded_up(tmp_path: Path) -> None:
    rows = [(DAY.start, 0.00010001, 0.00010001, 0.00010001, 0.00010001)]
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    ticks = load_price_source(["BTC"], first_hours(1), data=tmp_path, confidence_bps=3).ticks
    assert ticks[0].quotes["BTC"] == PriceQuote(10_001, 4)


def test_ticks__one_symbol_misses_a_candle__leave_it_out_for_all(tmp_path: Path) -> None:
    rows = hours()
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    write_parquet(tmp_path / "ETHUSDT-perp-1h.parquet", rows[:7] + rows[8:])
    source = load_price_source(SYMBOLS, data=tmp_path)
    assert source.gaps == {"ETH": (Gap(DAY.start + 7 * HOUR, DAY.start + 8 * HOUR, 1),)}
    assert len(source.ticks) == 92
    assert all(tick.quotes.keys() == set(SYMBOLS) for tick in source.ticks)
    assert all(before.timestamp < after.timestamp for before, after in pairwise(source.ticks))
    assert DAY.start + 7 * HOUR not in {tick.timestamp for tick in source.ticks}


def test_load_price_source__download__is_named(tmp_path: Path) -> None:
    source = load_price_source(SYMBOLS, cache=tmp_path, exchanges=["x"], connect=lambda _: FakeExchange())
    assert (source.kind, source.origin, source.notice) == ("download", "x", None)
    assert (source.rows, source.window) == (48, DEFAULT_WINDOW)
    assert all(len(files) == 1 for files in source.files.values())


def test_load_price_source__no_network__makes_prices_up_and_says_so(tmp_path: Path) -> None:
    source = load_price_source(SYMBOLS, cache=tmp_path, exchanges=["x"], connect=_refuse, seed=7)
    assert source.kind == "synthetic"
    assert source.notice is not None
    for word in ("made up", "crash-35, seed 7", "no route", "STEELYARD_DATA"):
        assert word in source.notice
    expected = synthetic_candles(SYMBOLS, seed=7)
    assert source.candles["ETH"].close.tolist() == expected["ETH"].close.tolist()
    assert source.files == {"BTC": (), "ETH": ()}


def test_load_price_source__nothing_may_be_made_up__raises(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="no route"):
        load_price_source(SYMBOLS, cache=tmp_path, exchanges=["x"], connect=_refuse, synthetic=False)
    with pytest.raises(PriceFileMissing, match="STEELYARD_DATA"):
        load_price_source(SYMBOLS, download=False, synthetic=False)


@pytest.mark.parametrize("symbols", [(), ("BTC", "BTC")])
def test_load_price_source__no_or_double_symbols__raises(symbols: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="all different"):
        load_price_source(symbols)


def test_package__imported__knows_nothing_of_the_chain() -> None:
    code = "import sys, sim.data; print(sorted({'ape', 'web3', 'ccxt'} & {name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
