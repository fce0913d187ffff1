from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.data import Window
from sim.protocol.libraries import bounds, portfolio
from sim.studies import HistoryTooShort, find_hourly, load_history
from sim.studies.books import everything, hedges
from sim.studies.calibration import Calibration, Settings, calibrate, required
from sim.studies.scenarios import CRASHES, crash_events
from tests.unit.data.files import HOUR, write_parquet
from tests.unit.studies.made_up import FALL, SYMBOLS, WINDOW, write_prices

if TYPE_CHECKING:
    from pathlib import Path

    from sim.studies.history import Floats

MARGINS = {"BTC": (400, 5_000), "ETH": (450, 5_000), "SOL": (600, 5_000)}
SETTINGS = Settings(least_days=30)
WAD = 10**18


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prices(tmp_path_factory.mktemp("prices"))


@pytest.fixture(scope="module", params=[(True, 24), (False, 24), (True, 1)], ids=["kept", "set", "hour"])
def found(folder: Path, request: pytest.FixtureRequest) -> Calibration:
    keep, horizon = request.param
    return calibrate(folder, MARGINS, keep_margins=keep, settings=Settings(least_days=30, horizon=horizon))


def asked(found: Calibration, books: Floats) -> Floats:
    configs = [market.portfolio for market in found.markets]
    ratios = np.array([market.margin_ratio for market in found.markets]) / 10_000
    return required(
        books * ratios,
        np.array([float(config.hedgeable) for config in configs]),
        np.array([config.loadings for config in configs], dtype=float),
        np.array([config.shocks for config in configs], dtype=float),
    )


def test_calibrate__any_settings__keep_the_contracts_bounds(found: Calibration) -> None:
    assert tuple(market.symbol for market in found.markets) == SYMBOLS
    for market in found.markets:
        bounds.check_portfolio(market.portfolio)
        assert market.portfolio.hedgeable <= found.settings.max_hedgeable
        assert len(market.portfolio.loadings) == 3
        assert len(market.portfolio.shocks) == 8
    assert 1 <= len(found.scenarios) <= 8


def test_calibrate__any_settings__hedges_cost_something_and_never_more_than_their_legs(found: Calibration) -> None:
    ratios = np.array([market.margin_ratio for market in found.markets]) / 10_000
    books = everything(ratios)
    added_up = np.abs(books * ratios).sum(axis=1)
    margins = asked(found, books)
    assert (margins <= added_up * (1 + 1e-12)).all()
    assert (margins >= 0.1 * added_up).all()
    count = len(hedges(ratios))
    assert (margins[:count] < 0.9 * added_up[:count]).any()


def test_calibrate__margins_set__cover_their_confidence_of_legs_and_hedges(folder: Path) -> None:
    found = calibrate(folder, MARGINS, keep_margins=False, settings=SETTINGS)
    ratios = np.array([market.margin_ratio for market in found.markets]) / 10_000
    (fraction,) = {market.maintenance_fraction / 10_000 for market in found.markets}
    for books in (np.eye(3), -np.eye(3), hedges(ratios)):
        margins = asked(found, books)
        day, hour = (np.array([-book @ found.history.moves(hours) for book in books]) for hours in (24, 1))
        assert (np.quantile(day, 0.99, axis=1) <= margins * (1 + 1e-9)).all()
        assert (np.quantile(hour, 0.999, axis=1) <= margins * fraction * (1 + 1e-9)).all()


def test_calibrate__crash_of_the_history__is_a_shock_of_the_size_it_had(folder: Path) -> None:
    wide = dict.fromkeys(SYMBOLS, (5000, 5000))
    found = calibrate(folder, wide, settings=SETTINGS)
    assert found.scenarios[0].name == "2022-06 3AC"
    (crash,) = (event for event in found.events if event.is_crash)
    assert (crash.moves <= np.array(FALL) * 0.9).all()
    shocks = [market.portfolio.shocks[0] for market in found.markets]
    assert np.allclose(shocks, crash.moves / 0.5 * 10_000, atol=10)
    assert not crash.guessed


def test_calibrate__margins_smaller_than_the_crash__shock_takes_all_that_hedges_may_save(folder: Path) -> None:
    found = calibrate(folder, MARGINS, settings=SETTINGS)
    assert [market.portfolio.shocks[0] for market in found.markets] == [
        -market.portfolio.hedgeable for market in found.markets
    ]
    assert [(market.margin_ratio, market.maintenance_fraction) for market in found.markets] == list(MARGINS.values())


def test_calibrate__crash_before_the_history__is_taken_from_spot_and_guessed_for_the_rest(tmp_path: Path) -> None:
    write_prices(tmp_path)
    start = CRASHES[0].window.start
    prices = [1_000.0 - 10 * hour for hour in range(72)]
    falling = [(start + hour * HOUR, price, price, price, price) for hour, price in enumerate(prices)]
    for symbol in ("BTC", "ETH"):
        write_parquet(tmp_path / f"{symbol}USDT-spot-1h.parquet", falling)
    shelf = find_hourly(tmp_path, SYMBOLS)
    covariance = np.array([[1, 0.5, 0.6], [0.5, 1, 0.6], [0.6, 0.6, 1]])
    events = crash_events(shelf, load_history(shelf, least=24), 24, margin_ratios=np.ones(3), covariance=covariance)
    first = events[0]
    assert (first.name, first.guessed) == (CRASHES[0].name, ("SOL",))
    # The last 24 hours fall most, from 530 to 290; given both, SOL is expected at 0.8 of their move.
    assert first.moves[:2] == pytest.approx([290 / 530 - 1] * 2)
    assert first.moves[2] == pytest.approx(0.8 * first.moves[0])
    assert [event.name for event in events[1:]] == ["2022-06 3AC"]


def test_calibrate__window_before_a_crash__does_not_know_it(folder: Path) -> None:
    within = Window(WINDOW.start, CRASHES[3].window.start)
    found = calibrate(folder, MARGINS, settings=Settings(least_days=20), within=within)
    assert not any(event.is_crash for event in found.events)
    assert all(event.ended_at <= within.end for event in found.events)


def test_calibrate__same_prices__same_result(folder: Path) -> None:
    one, other = (calibrate(folder, MARGINS, settings=SETTINGS) for _ in range(2))
    assert one.markets == other.markets
    assert [scenario.name for scenario in one.scenarios] == [scenario.name for scenario in other.scenarios]


def test_calibrate__few_days__raises(tmp_path: Path) -> None:
    write_prices(tmp_path, hours=24 * 20)
    with pytest.raises(HistoryTooShort, match="480 hours of prices, at least 720"):
        calibrate(tmp_path, MARGINS, settings=SETTINGS)


def test_required__random_books__is_what_the_exact_model_asks(found: Calibration) -> None:
    configs = [market.portfolio for market in found.markets]
    ratios = np.array([market.margin_ratio for market in found.markets]) / 10_000
    books = np.random.default_rng(5).uniform(-1e6, 1e6, (200, 3))
    for book, margin in zip(books, asked(found, books), strict=True):
        margins = [int(one * WAD) for one in book * ratios]
        exact = sum(map(abs, margins)) - portfolio.saving_down(margins, configs)
        assert margin == pytest.approx(exact / WAD, rel=1e-12)
