"""What books must hold in each margin mode, beside what they lost: requirements of the exact model on real prices.

Requirements come out of `sim.protocol`, to the wei; losses out of hourly candles in floating point. A book is opened at
the close of every hour with the same money in each leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.protocol.libraries import margin, volatility
from sim.protocol.libraries.portfolio import Netting
from sim.protocol.price_oracle import VARIANCE_TAU_SECONDS
from sim.protocol.types.account import AccountRisk, MarginMode, Position
from sim.protocol.types.mark import to_mark
from sim.studies.errors import MarketsUnlike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.protocol.types.market import MarketConfig, PortfolioConfig
    from sim.studies.history import Floats, History

__all__ = [
    "BOOKS",
    "Book",
    "BookFigures",
    "Losses",
    "Market",
    "Requirement",
    "Shares",
    "Undermargined",
    "losses_of",
    "requirements",
    "study",
]

_WAD: Final = 10**18
_WAD_PER_E8: Final = 10**10
_E8: Final = 10**8
_ONE: Final = 10**4
_HOUR: Final = 3_600
_DAY: Final = 24
_NORMAL_99: Final = 2.326
"""One-sided 99% of a normal distribution, as the published figures have it."""


@dataclass(frozen=True, slots=True)
class Market:
    """Parameters of one market."""

    config: MarketConfig
    portfolio: PortfolioConfig


@dataclass(frozen=True, slots=True)
class Book:
    """Positions that are held together.

    Attributes
    ----------
    name
        What tables call it.
    money
        By symbol, the notional at entry, negative for shorts [USD].
    """

    name: str
    money: Mapping[str, float]


BOOKS: Final = (
    Book("long ETH, short BTC", {"ETH": 1e5, "BTC": -1e5}),
    Book("long BTC, short ETH", {"BTC": 1e5, "ETH": -1e5}),
    Book("long SOL, short BTC", {"SOL": 1e5, "BTC": -1e5}),
    Book("long BTC, short SOL", {"BTC": 1e5, "SOL": -1e5}),
    Book("long SOL, short half BTC, half ETH", {"SOL": 1e5, "BTC": -5e4, "ETH": -5e4}),
    Book("long half BTC, half ETH, short SOL", {"BTC": 5e4, "ETH": 5e4, "SOL": -1e5}),
    Book("long BTC, ETH and SOL", {"BTC": 1e5, "ETH": 1e5, "SOL": 1e5}),
    Book("long BTC", {"BTC": 1e5}),
    Book("short BTC", {"BTC": -1e5}),
    Book("long ETH", {"ETH": 1e5}),
    Book("short ETH", {"ETH": -1e5}),
    Book("long SOL", {"SOL": 1e5}),
    Book("short SOL", {"SOL": -1e5}),
)
"""$100k a leg: hedges in both directions, three legs, and each leg alone."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a mode asks for at calm volatility [USD]."""

    initial: float
    maintenance: float


@dataclass(frozen=True, slots=True)
class Losses:
    """What a book lost, closes against closes [USD].

    Attributes
    ----------
    sum_of_legs, parametric
        Normal 99% of a day by the sample covariance of daily moves: legs added up, and together.
    day_p99, day_p999, worst_day
        Of all windows of 24 hours.
    worst_hour
        Of all hours.
    """

    sum_of_legs: float
    parametric: float
    day_p99: float
    day_p999: float
    worst_day: float
    worst_hour: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of all entries that lost more than they held, at least and at most.

    Attributes
    ----------
    closes
        Looked at on the hour: what happened in between is not seen.
    extremes
        With every long leg at its low and every short leg at its high of each hour, which a hedge's legs seldom reach
        together. Of a single leg it is what happened.
    """

    closes: float
    extremes: float


@dataclass(frozen=True, slots=True)
class Undermargined:
    """How often one mode's margin was less than what was lost.

    Attributes
    ----------
    day, hour
        Initial margin, at any time within 24 hours and within one.
    day_adaptive
        Initial margin that follows volatility, within 24 hours.
    maintenance_hour
        Maintenance margin, within one hour: what a late liquidation would leave unpaid.
    """

    day: Shares
    day_adaptive: Shares
    hour: Shares
    maintenance_hour: Shares


@dataclass(frozen=True, slots=True)
class BookFigures:
    """All about one book; requirements and shares by mode."""

    book: Book
    required: Mapping[MarginMode, Requirement]
    losses: Losses
    under: Mapping[MarginMode, Undermargined]


def study(history: History, markets: Mapping[str, Market], books: Sequence[Book] = BOOKS) -> tuple[BookFigures, ...]:
    """Return what each book must hold, what it lost, and how often the one was less than the other.

    Raises
    ------
    MarketsUnlike
        A book has a leg of which there are no parameters or prices.
    """
    symbols = sorted({symbol for book in books for symbol in book.money})
    missing = [symbol for symbol in symbols if symbol not in markets or symbol not in history.symbols]
    if missing:
        raise MarketsUnlike(missing)
    growth = {
        symbol: _growth(history.close[history.symbols.index(symbol)], markets[symbol].config) for symbol in symbols
    }
    return tuple(_figures(history, markets, growth, book) for book in books)


def requirements(
    markets: Mapping[str, Market], book: Book, prices: Mapping[str, float], variances: Mapping[str, int] | None = None
) -> dict[MarginMode, Requirement]:
    """Return what each mode asks for a book, by the exact model, before the floors that all accounts have.

    Parameters
    ----------
    markets
        Their parameters.
    book
        The positions.
    prices
        Oracle prices [USD].
    variances
        Of returns, as the oracle keeps them [1e-18 per day]; zero where none are given.
    """
    risk, netting = AccountRisk(), Netting()
    for symbol, money in book.money.items():
        market = markets[symbol]
        price = round(prices[symbol] * _E8) * _WAD_PER_E8
        size = round(money * _E8) * _WAD_PER_E8 * _WAD // price
        mark = to_mark(price, variances[symbol] if variances else 0)
        margin.add(risk, Position(), size, 0, market.config, mark)
        netting.add(size, price, market.config, market.portfolio)
    added_up = Requirement(risk.initial_margin / _WAD, risk.maintenance_margin / _WAD)
    netting.settle(risk)
    together = Requirement(risk.initial_margin / _WAD, risk.maintenance_margin / _WAD)
    return {MarginMode.ISOLATED: added_up, MarginMode.CROSS: added_up, MarginMode.PORTFOLIO: together}


def losses_of(history: History, book: Book) -> Losses:
    """Return what a book lost, from closes."""
    legs = history.only(tuple(book.money))
    money = np.array(list(book.money.values()))
    daily = legs.daily_moves()
    covariance = np.atleast_2d(np.cov(daily))
    day, hour = -money @ legs.moves(_DAY), -money @ legs.moves(1)
    return Losses(
        sum_of_legs=_NORMAL_99 * float(np.abs(money) @ np.sqrt(covariance.diagonal())),
        parametric=_NORMAL_99 * float(np.sqrt(money @ covariance @ money)),
        day_p99=float(np.quantile(day, 0.99)),
        day_p999=float(np.quantile(day, 0.999)),
        worst_day=float(day.max()),
        worst_hour=float(hour.max()),
    )


def _growth(closes: Floats, config: MarketConfig) -> Floats:
    """Return how often its margin ratio volatility asks of a market at each close, by the oracle's own variance."""
    prices = [round(close * _E8) * _WAD_PER_E8 for close in closes.tolist()]
    ratios = np.empty(len(prices))
    variance, previous = 0, prices[0]
    for hour, price in enumerate(prices):
        variance = volatility.updated_variance(variance, previous, price, _HOUR, VARIANCE_TAU_SECONDS)
        ratios[hour] = margin.initial_ratio_up(config, variance)
        previous = price
    return ratios / config.margin_ratio


def _figures(history: History, markets: Mapping[str, Market], growth: Mapping[str, Floats], book: Book) -> BookFigures:
    symbols = tuple(book.money)
    legs = history.only(symbols)
    prices = dict(zip(symbols, legs.close[:, -1].tolist(), strict=True))
    required = requirements(markets, book, prices)
    singles = [
        requirements(markets, Book(symbol, {symbol: money}), prices)[MarginMode.CROSS]
        for symbol, money in book.money.items()
    ]
    entries = len(history) - _DAY
    initial = np.array([[one.initial] for one in singles])
    adaptive = initial * np.array([growth[symbol][:entries] for symbol in symbols])
    maintenance = np.array([[one.maintenance] for one in singles])
    saving = {mode: required[MarginMode.CROSS].initial - required[mode].initial for mode in MarginMode}
    saved = {mode: required[MarginMode.CROSS].maintenance - required[mode].maintenance for mode in MarginMode}
    money = np.array(list(book.money.values()))
    by_closes, by_extremes = (_worst_losses(legs, money, extremes=extremes) for extremes in (False, True))

    def shares(mode: MarginMode, held: Floats, less: float, hours: int) -> Shares:
        found = []
        for losses in (by_closes, by_extremes):
            together, each = losses[hours]
            alone = mode == MarginMode.ISOLATED
            short = (each > held).any(axis=0) if alone else together > held.sum(axis=0) - less
            found.append(float(short.mean()))
        return Shares(*found)

    under = {
        mode: Undermargined(
            day=shares(mode, initial, saving[mode], _DAY),
            day_adaptive=shares(mode, adaptive, saving[mode], _DAY),
            hour=shares(mode, initial, saving[mode], 1),
            maintenance_hour=shares(mode, maintenance, saved[mode], 1),
        )
        for mode in MarginMode
    }
    return BookFigures(book, required, losses_of(history, book), under)


def _worst_losses(legs: History, money: Floats, *, extremes: bool) -> dict[int, tuple[Floats, Floats]]:
    """Return the largest loss within one hour and within 24 of every entry: of the book, and of each leg [USD].

    Shapes `(n_entries,)` and `(n_legs, n_entries)`.
    """
    entries = len(legs) - _DAY
    entry = legs.close[:, :entries]
    reached = np.where(money[:, None] > 0, legs.low, legs.high) if extremes else legs.close
    together, each = np.full(entries, -np.inf), np.full((len(money), entries), -np.inf)
    result = {}
    for hours in range(1, _DAY + 1):
        loss = -money[:, None] * (reached[:, hours : hours + entries] / entry - 1)
        np.maximum(each, loss, out=each)
        np.maximum(together, loss.sum(axis=0), out=together)
        if hours in (1, _DAY):
            result[hours] = together.copy(), each.copy()
    return result
