"""Portfolio parameters from real prices, in the units of `types/Market.sol::PortfolioConfig`.

Everything is in units of a market's own margin, as the contract has it: `z_i = margin_ratio_i * exposure_i`,

    M(z) = sum((1 - h_i) |z_i|)
         + max( sqrt(sum_k (sum_i b_ik z_i)^2 + sum_i (h_i^2 - |b_i|^2) z_i^2), max_j(-sum_i s_ij z_i) )

1. Margin ratios, where they are not given: what `confidence` of the moves over the horizon stay within, up or down,
   whichever is larger. One maintenance fraction for all: what leaves `hour_confidence` of the moves of one hour.
2. Loadings: the fewest principal factors that reproduce the correlation of daily moves, times `h_i`.
3. Hedgeable parts: all raised together, a step at a time, until the next step would leave a hedge with less margin than
   its realised losses at the same confidence as those of its legs. Some floor always stays: a hedge is never free.
4. Shocks: every named crash, clipped to what a margin can pay; those that come to the same share a scenario. The rest
   of the eight go to moves that leave the least uncovered: times when one market left another, clipped or in proportion
   where clipping would erase who moved more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.protocol.types.market import PortfolioConfig
from sim.studies.books import everything, hedges
from sim.studies.covariance import factor_loadings, normal_scores_correlation
from sim.studies.history import find_hourly, load_history
from sim.studies.scenarios import breakaways, crash_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sim.data import Window
    from sim.studies.history import Floats, History
    from sim.studies.scenarios import Event

__all__ = ["Calibration", "MarketCalibration", "Scenario", "Settings", "calibrate", "required"]

_ONE: Final = 10_000
_SCENARIOS: Final = 8
_GRAIN: Final = 10
"""Loadings and shocks are multiples of a tenth of a percent, so that the last digits of a float decide nothing."""
_STEP: Final = 100
_MARGIN_GRAIN: Final = 50
_FRACTION_GRAIN: Final = 500
_MAX_FRACTION: Final = 8_000
_LEAST_GAIN: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a calibration is asked for.

    Attributes
    ----------
    horizon
        Over which initial margin must hold [hours].
    confidence
        Part of the horizons in which it must.
    hour_confidence
        Part of the hours in which maintenance margin must.
    max_hedgeable
        What offsets may save at most [1e-4 of a market's margin].
    least_days
        Days of prices needed.
    """

    horizon: int = 24
    confidence: float = 0.99
    hour_confidence: float = 0.999
    max_hedgeable: int = 9_000
    least_days: int = 90


@dataclass(frozen=True, slots=True)
class MarketCalibration:
    """What was found for one market.

    Attributes
    ----------
    symbol
        The market.
    margin_ratio
        Initial margin [1e-4 of notional].
    maintenance_fraction
        Maintenance margin [1e-4 of initial margin].
    portfolio
        How it nets.
    """

    symbol: str
    margin_ratio: int
    maintenance_fraction: int
    portfolio: PortfolioConfig


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of the stress shocks.

    Attributes
    ----------
    events
        What happened: all that come to the same once they are fitted into the margins.
    in_proportion
        Whether the moves kept their ratio, rather than being clipped one by one.
    """

    events: tuple[Event, ...]
    in_proportion: bool

    @property
    def name(self) -> str:
        """The crashes, or else the first time when one market left another."""
        names = [event.name for event in self.events if event.is_crash] or [self.events[0].name]
        return ", ".join(names) + (" (in proportion)" if self.in_proportion else "")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The parameters, and what they were made of.

    Attributes
    ----------
    settings
        What was asked for.
    history
        The prices.
    markets
        In the order given.
    scenarios
        In the order of the shocks; at most eight.
    correlation
        Of daily moves, shape `(n_markets, n_markets)`.
    events
        All that shocks were picked from.
    """

    settings: Settings
    history: History
    markets: tuple[MarketCalibration, ...]
    scenarios: tuple[Scenario, ...]
    correlation: Floats
    events: tuple[Event, ...]


def calibrate(
    folder: Path,
    margins: Mapping[str, tuple[int, int]],
    *,
    keep_margins: bool = True,
    settings: Settings = Settings(),
    within: Window | None = None,
) -> Calibration:
    """Calibrate the portfolio parameters of some markets.

    Parameters
    ----------
    folder
        Hourly candles, see `sim.data`.
    margins
        Symbols, with margin ratio [1e-4] and maintenance fraction [1e-4].
    keep_margins
        Whether those are kept; otherwise they are calibrated too.
    settings
        What is asked for.
    within
        What of the history may be looked at; all of it where none is given. Crashes before it count too.

    Raises
    ------
    DataError
        As `sim.data` does for files that are missing or malformed.
    HistoryTooShort
        The markets share too few hours.
    """
    shelf = find_hourly(folder, tuple(margins))
    history = load_history(shelf, least=24 * settings.least_days, within=within)
    if not keep_margins:
        margins = _margins(history, settings)
    ratios = np.array([ratio for ratio, _ in margins.values()]) / _ONE
    fractions = np.array([fraction for _, fraction in margins.values()]) / _ONE

    daily = history.daily_moves()
    correlation = normal_scores_correlation(daily)
    deviations = daily.std(axis=1)
    covariance = correlation * np.outer(deviations, deviations)
    directions = factor_loadings(correlation)
    hedgeable = _hedgeable(history, ratios, fractions, directions, settings)
    loadings = _truncated(directions * hedgeable[:, None])

    crashes = crash_events(shelf, history, settings.horizon, margin_ratios=ratios, covariance=covariance)
    events = crashes + breakaways(history, settings.horizon)
    scenarios, shocks = _picked(events, ratios, hedgeable, loadings)
    markets = tuple(
        MarketCalibration(
            symbol,
            *margins[symbol],
            PortfolioConfig(
                int(hedgeable[market]),
                tuple(int(one) for one in loadings[market]),
                tuple(int(one) for one in shocks[market]),
            ),
        )
        for market, symbol in enumerate(history.symbols)
    )
    return Calibration(settings, history, markets, scenarios, correlation, events)


def required(margins: Floats, hedgeable: Floats, loadings: Floats, shocks: Floats) -> Floats:
    """Return the portfolio margin of many books, as the contract computes it but for rounding.

    Parameters
    ----------
    margins
        Signed margins of the legs, shape `(n_books, n_markets)`.
    hedgeable
        [1e-4], shape `(n_markets,)`.
    loadings
        [1e-4], shape `(n_markets, n_factors)`.
    shocks
        [1e-4], shape `(n_markets, n_scenarios)`.

    Returns
    -------
    ndarray
        In the unit of `margins`, shape `(n_books,)`.
    """
    floor = (np.abs(margins) * (_ONE - hedgeable)).sum(axis=1)
    own = hedgeable**2 - (loadings**2).sum(axis=1)
    factors = np.sqrt(np.maximum(((margins @ loadings) ** 2).sum(axis=1) + (margins**2) @ own, 0))
    stress = (-margins @ shocks).max(axis=1, initial=0)
    result: Floats = (floor + np.maximum(factors, stress)) / _ONE
    return result


def _margins(history: History, settings: Settings) -> dict[str, tuple[int, int]]:
    """Return margin ratios that hold over the horizon, and the one fraction that holds over an hour."""
    ratios = _worst_side(history.moves(settings.horizon), settings.confidence)
    rounded = np.minimum(np.ceil(np.round(ratios * _ONE / _MARGIN_GRAIN, 6)) * _MARGIN_GRAIN, _ONE).astype(int)
    hourly = _worst_side(history.moves(1), settings.hour_confidence)
    fraction = np.ceil(np.round((hourly * _ONE / rounded).max() * _ONE / _FRACTION_GRAIN, 6)) * _FRACTION_GRAIN
    return {
        symbol: (int(ratio), min(int(fraction), _MAX_FRACTION))
        for symbol, ratio in zip(history.symbols, rounded, strict=True)
    }


def _worst_side(moves: Floats, confidence: float) -> Floats:
    """Return what falls and rises stay within, the larger of both, shape `(n_markets,)`."""
    sides: Floats = np.quantile(np.stack((moves, -moves)), confidence, axis=2).max(axis=0)
    return sides


def _hedgeable(history: History, ratios: Floats, fractions: Floats, directions: Floats, settings: Settings) -> Floats:
    """Return what offsets may save [1e-4], shape `(n_markets,)`."""
    books = hedges(ratios)
    margins = books * ratios
    least = np.maximum(
        _losses(books, history.moves(settings.horizon), ratios, settings.confidence),
        _losses(books, history.moves(1), ratios * fractions, settings.hour_confidence) / fractions.min(),
    )
    least = np.minimum(least, np.abs(margins).sum(axis=1))
    nothing = np.zeros((len(ratios), 1))
    hedgeable = np.zeros(len(ratios))
    rising = set(range(len(ratios)))
    while rising:
        for market in sorted(rising):
            tried = hedgeable.copy()
            tried[market] += _STEP
            asked = required(margins, tried, directions * tried[:, None], nothing)
            if tried[market] > settings.max_hedgeable or (asked < least * (1 - 1e-9)).any():
                rising.remove(market)
            else:
                hedgeable = tried
    return hedgeable


def _losses(books: Floats, moves: Floats, ratios: Floats, confidence: float) -> Floats:
    """Return what the losses of hedges stay within, at most as surely as those of their legs, shape `(n_books,)`."""
    sides = np.stack((moves, -moves))
    held = (sides <= ratios[:, None]).mean(axis=2).min(axis=0)
    result = np.empty(len(books))
    for number, book in enumerate(books):
        surely = min(confidence, *held[book != 0])
        result[number] = np.quantile(-book @ moves, surely)
    return result


def _picked(
    events: Sequence[Event], ratios: Floats, hedgeable: Floats, loadings: Floats
) -> tuple[tuple[Scenario, ...], Floats]:
    """Pick the clipped crashes, then one after the other what leaves the least of the events uncovered.

    Every event is offered clipped to `+-hedgeable`; one that clipping changes also in proportion, which keeps the ratio
    of its moves.
    """
    offered: dict[tuple[int, ...], Scenario] = {}
    for event in events:
        move = event.moves / ratios * _ONE
        clipped = _truncated(np.clip(move, -hedgeable, hedgeable))
        scale = np.divide(hedgeable, np.abs(move), out=np.ones_like(move), where=move != 0).min()
        if scale < 1:
            _offer(offered, _truncated(move * scale), event, in_proportion=True)
        _offer(offered, clipped, event, in_proportion=False)

    books = everything(ratios)
    margins = books * ratios
    margins /= np.abs(margins).sum(axis=1, keepdims=True)
    exposures = margins / ratios
    losses = np.stack([-exposures @ event.moves for event in events], axis=1).clip(0, 1)

    def uncovered(vectors: Sequence[tuple[int, ...]]) -> float:
        shocks = np.array(vectors, dtype=float).reshape(-1, len(ratios)).T
        asked = required(margins, hedgeable, loadings, shocks)
        return float(np.maximum(losses - asked[:, None], 0).mean())

    chosen = [vector for vector, one in offered.items() if one.events[0].is_crash and not one.in_proportion]
    left = uncovered(chosen)
    while len(chosen) < _SCENARIOS:
        trials = {vector: uncovered([*chosen, vector]) for vector in offered if vector not in chosen}
        if not trials:
            break
        best = min(trials, key=lambda vector: round(trials[vector], 9))
        if left - trials[best] < _LEAST_GAIN:
            break
        chosen.append(best)
        left = trials[best]
    shocks = np.zeros((len(ratios), _SCENARIOS))
    shocks[:, : len(chosen)] = np.array(chosen, dtype=float).reshape(-1, len(ratios)).T
    return tuple(offered[vector] for vector in chosen), shocks


def _offer(offered: dict[tuple[int, ...], Scenario], vector: Floats, event: Event, *, in_proportion: bool) -> None:
    key = tuple(int(one) for one in vector)
    before = offered.get(key, Scenario((), in_proportion))
    offered[key] = Scenario((*before.events, event), before.in_proportion)


def _truncated(values: Floats) -> Floats:
    """Return multiples of `_GRAIN`, towards zero: what is bounded stays bounded."""
    result: Floats = np.trunc(np.round(values / _GRAIN, 6)) * _GRAIN
    return result
