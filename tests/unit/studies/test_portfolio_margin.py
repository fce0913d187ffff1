from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.protocol.types.account import MarginMode
from sim.protocol.types.market import MarketConfig, PortfolioConfig
from sim.protocol.world import ADMIN
from sim.studies import MarketsUnlike
from sim.studies.history import History
from sim.studies.portfolio_margin import Book, Market, losses_of, requirements, study
from tests.unit.protocol.exchange import ALICE as OWNER
from tests.unit.protocol.exchange import BITCOIN, WAD, Exchange
from tests.unit.studies.made_up import WINDOW, history_of

if TYPE_CHECKING:
    from sim.studies.portfolio_margin import BookFigures, Undermargined

FLAT = MarketConfig(
    skew_scale=10**15, max_open_interest=5_000, min_size=1, margin_ratio=1_000, maintenance_fraction=5_000
)
HEDGED = PortfolioConfig(8_000, (6_400, 0, 0), (-8_000, 4_000, 0, 0, 0, 0, 0, 0))
MARKETS = {"BTC": Market(FLAT, HEDGED), "ETH": Market(FLAT, HEDGED._replace(shocks=(-6_000, 8_000, 0, 0, 0, 0, 0, 0)))}
PAIR = Book("pair", {"ETH": 1_000.0, "BTC": -1_000.0})
PRICES = {"BTC": 50_000.0, "ETH": 2_500.0}


def still(hours: int = 60) -> dict[str, list[float]]:
    return {"BTC": [100.0] * hours, "ETH": [10.0] * hours}


def figures_of(history: History, book: Book = PAIR, markets: dict[str, Market] | None = None) -> BookFigures:
    (found,) = study(history, markets or MARKETS, [book])
    return found


def under(history: History, mode: MarginMode, book: Book = PAIR) -> Undermargined:
    return figures_of(history, book).under[mode]


def test_requirements__pair__is_floor_and_the_larger_of_factors_and_stress() -> None:
    required = requirements(MARKETS, PAIR, PRICES)
    assert required[MarginMode.CROSS].initial == pytest.approx(200)
    assert required[MarginMode.ISOLATED] == required[MarginMode.CROSS]
    # Floor 0.2 * 200; own risk sqrt(2 * (0.8^2 - 0.64^2)) * 100 = 67.9; the shocks cost less than that.
    assert required[MarginMode.PORTFOLIO].initial == pytest.approx(40 + 100 * (2 * (0.64 - 0.4096)) ** 0.5)
    assert required[MarginMode.PORTFOLIO].maintenance == pytest.approx(required[MarginMode.PORTFOLIO].initial / 2)
    longs = requirements(MARKETS, Book("longs", {"ETH": 1_000.0, "BTC": 1_000.0}), PRICES)
    # Floor 40; factors sqrt(2 * 0.2304 + 1.28^2) * 100 = 144.9, more than the fall of 140.
    assert longs[MarginMode.PORTFOLIO].initial == pytest.approx(40 + 100 * (2 * 0.2304 + 1.28**2) ** 0.5)


def test_requirements__volatility__raises_initial_margin_only_and_is_not_netted() -> None:
    adaptive = {symbol: replace(one, config=FLAT._replace(volatility_multiple=300)) for symbol, one in MARKETS.items()}
    calm = requirements(adaptive, PAIR, PRICES)
    rough = requirements(adaptive, PAIR, PRICES, {"ETH": int(0.05**2 * WAD), "BTC": 0})
    for mode in MarginMode:
        assert rough[mode].initial == pytest.approx(calm[mode].initial + 50)
        assert rough[mode].maintenance == pytest.approx(calm[mode].maintenance)


def test_requirements__same_account_in_the_model__is_what_the_lens_tells() -> None:
    configs = (BITCOIN._replace(concentration=20_000), BITCOIN._replace(concentration=10_000, margin_ratio=800))
    exchange = Exchange(configs, tuple(int(price) * WAD for price in PRICES.values()))
    markets = {}
    for market, (symbol, config) in enumerate(zip(PRICES, configs, strict=True)):
        exchange.must(ADMIN, "Clearinghouse", "setPortfolio", market, MARKETS[symbol].portfolio)
        markets[symbol] = Market(config, MARKETS[symbol].portfolio)
    account = exchange.fund(OWNER, 10**6)
    assert exchange.trade(account, 0, -2 * WAD).ok
    assert exchange.trade(account, 1, 30 * WAD).ok
    views = exchange.world.read("Lens", "marginsOf", account)
    required = requirements(markets, Book("", {"BTC": -100_000.0, "ETH": 75_000.0}), PRICES)
    for view in views:
        mine = required[MarginMode(view.mode)]
        assert (mine.initial, mine.maintenance) == (view.initial_margin / WAD, view.maintenance_margin / WAD)


def test_losses__made_up_closes__are_the_worst_windows() -> None:
    rows = still()
    rows["ETH"][30:] = [9.0] * 30
    losses = losses_of(history_of(**rows), PAIR)
    for loss in (losses.worst_day, losses.worst_hour, losses.day_p99):
        assert loss == pytest.approx(100)
    assert losses_of(history_of(**still()), PAIR).worst_day == 0


def test_study__prices_that_stand_still__nothing_is_undermargined() -> None:
    for mode in MarginMode:
        found = under(history_of(**still()), mode)
        assert found.day == found.hour == found.maintenance_hour == found.day_adaptive
        assert (found.day.closes, found.day.extremes) == (0, 0)


def test_study__hedge_breaks_once__counts_the_entries_before_it() -> None:
    rows = still()
    # The pair loses 120 within one hour: more than its portfolio margin of 108, less than 200; its leg holds 100.
    rows["ETH"][30:] = [8.8] * 30
    history = history_of(**rows)
    entries = 60 - 24
    assert under(history, MarginMode.CROSS).day.closes == 0
    assert under(history, MarginMode.CROSS).maintenance_hour.closes == pytest.approx(1 / entries)
    for mode in (MarginMode.ISOLATED, MarginMode.PORTFOLIO):
        assert under(history, mode).day.closes == pytest.approx(24 / entries)
        assert under(history, mode).hour.closes == pytest.approx(1 / entries)


def test_study__both_legs_fall__the_hedge_holds_and_isolated_legs_do_not() -> None:
    rows = still()
    rows["ETH"][30:] = [8.0] * 30
    rows["BTC"][30:] = [80.0] * 30
    history = history_of(**rows)
    assert under(history, MarginMode.PORTFOLIO).day.closes == 0
    assert under(history, MarginMode.CROSS).day.closes == 0
    assert under(history, MarginMode.ISOLATED).day.closes == pytest.approx(24 / 36)


def test_study__wick__is_seen_by_extremes_only() -> None:
    close = np.array([[100.0] * 60])
    low = close.copy()
    low[0, 40] = 85.0
    history = History(("BTC",), WINDOW.start, close, low, close)
    found = under(history, MarginMode.CROSS, Book("long", {"BTC": 1_000.0}))
    assert found.day.closes == 0
    # Hour 40 lies within 24 hours of the entries at hours 16 to 35, the last one.
    assert found.day.extremes == pytest.approx(20 / 36)
    assert under(history, MarginMode.CROSS, Book("short", {"BTC": -1_000.0})).day.extremes == 0


def test_study__adaptive_margin__is_what_the_model_asks_after_a_rough_hour() -> None:
    adaptive = {"BTC": Market(FLAT._replace(volatility_multiple=300), PortfolioConfig())}
    close = [100.0] * 20 + [90.0] * 10 + [75.0] * 40
    history = history_of(BTC=close)
    found = figures_of(history, Book("long", {"BTC": 1_000.0}), adaptive).under[MarginMode.CROSS]
    # The first fall of 10% is within the margin of 10%; the second, of 16.7%, is not, for the 24 entries before it. Ten
    # of them come after the first one, whose volatility asks for up to four times as much.
    assert found.day.closes == pytest.approx(24 / 46)
    assert found.day_adaptive.closes == pytest.approx(14 / 46)


def test_study__market_without_parameters__raises() -> None:
    with pytest.raises(MarketsUnlike, match="no market SOL"):
        study(history_of(**still()), MARKETS, [Book("long SOL", {"SOL": 1.0})])
