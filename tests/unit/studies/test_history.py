from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.data import Window, WindowNotCovered
from sim.studies import HistoryTooShort, find_hourly, load_history
from sim.studies.history import load_window
from tests.unit.data.files import DAY, HOUR, hours, write_parquet
from tests.unit.studies.made_up import history_of

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60


def test_load_history__files_of_different_spans__takes_what_they_share(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(30))
    write_parquet(tmp_path / "ETHUSDT-perp-1h.parquet", hours(30, start=DAY.start + 4 * HOUR, price=10))
    history = load_history(find_hourly(tmp_path, ("BTC", "ETH")), least=26)
    assert history.window == Window(DAY.start + 4 * HOUR, DAY.start + 30 * HOUR)
    assert (history.symbols, len(history), history.filled) == (("BTC", "ETH"), 26, 0)
    assert history.close[:, 0].tolist() == [105.0, 11.0]
    assert history.low[:, 0].tolist() == [101.0, 7.0]
    assert history.high[:, 0].tolist() == [106.0, 12.0]


def test_load_history__window__cuts_to_it(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(30))
    shelf = find_hourly(tmp_path, ("BTC",))
    within = Window(DAY.start + HOUR + 1, DAY.start + 5 * HOUR)
    assert load_history(shelf, least=3, within=within).window == Window(DAY.start + 2 * HOUR, within.end)
    with pytest.raises(HistoryTooShort, match="share 3 hours"):
        load_history(shelf, least=4, within=within)


def test_load_history__shared_hours_too_few__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(30))
    write_parquet(tmp_path / "ETHUSDT-perp-1h.parquet", hours(30, start=DAY.start + 40 * HOUR))
    with pytest.raises(HistoryTooShort, match="share 0 hours of prices, at least 24"):
        load_history(find_hourly(tmp_path, ("BTC", "ETH")), least=24)


def test_load_history__minutes_beside_longer_hours__takes_the_hours(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-1m.parquet", hours(120, step=MINUTE, price=500))
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", hours(30))
    write_parquet(tmp_path / "BTCUSDT-spot-1h.parquet", hours(90, price=900))
    history = load_history(find_hourly(tmp_path, ("BTC",)), least=30)
    assert history.files == ("BTCUSDT-perp-1h.parquet",)
    assert len(history) == 30


def test_load_history__missing_hour__stands_still(tmp_path: Path) -> None:
    rows = hours(30)
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows[:5] + rows[6:])
    history = load_history(find_hourly(tmp_path, ("BTC",)), least=30)
    assert history.filled == 1
    assert [history.low[0, 5], history.high[0, 5], history.close[0, 5]] == [105.0] * 3
    assert history.close[0, 6] == 107.0


def test_find_hourly__only_longer_candles__raises(tmp_path: Path) -> None:
    write_parquet(tmp_path / "BTCUSDT-perp-4h.parquet", hours(30, step=4 * HOUR))
    with pytest.raises(WindowNotCovered, match="no BTC prices for hours; there are: perp 4h"):
        find_hourly(tmp_path, ("BTC",))


def test_load_window__before_the_history__takes_spot_of_the_markets_that_have_it(tmp_path: Path) -> None:
    early = Window(DAY.start - 48 * HOUR, DAY.start - 24 * HOUR)
    for symbol in ("BTC", "ETH"):
        write_parquet(tmp_path / f"{symbol}USDT-perp-1h.parquet", hours(30))
    write_parquet(tmp_path / "ETHUSDT-spot-1h.parquet", hours(60, start=early.start, price=50))
    shelf = find_hourly(tmp_path, ("BTC", "ETH"))
    found = load_window(shelf, early)
    assert found is not None
    assert (found.symbols, found.window) == (("ETH",), early)
    assert load_window(shelf, Window(0, HOUR)) is None


def test_moves__closes__are_simple_returns() -> None:
    history = history_of(BTC=[100.0, 110.0, 99.0], ETH=[10.0, 10.0, 20.0])
    assert np.allclose(history.moves(1), [[0.1, -0.1], [0.0, 1.0]])
    assert np.allclose(history.moves(2), [[-0.01], [1.0]])
    assert history.closed_at(0) == history.start + HOUR
    assert history.only(("ETH",)).close.tolist() == [[10.0, 10.0, 20.0]]


def test_daily_moves__days_cut_short__take_the_last_close_of_each() -> None:
    history = history_of(BTC=[float(hour + 1) for hour in range(60)])
    assert np.allclose(history.daily_moves(), [[48 / 24 - 1, 60 / 48 - 1]])
