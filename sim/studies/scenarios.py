"""Joint moves of markets over the margin horizon: named crashes, and the times when one market left another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.data.window import Window, iso
from sim.studies.history import load_window

if TYPE_CHECKING:
    from sim.studies.history import Floats, History, Shelf

__all__ = ["CRASHES", "Crash", "Event", "breakaways", "crash_events"]


@dataclass(frozen=True, slots=True)
class Crash:
    """A crash by name, and the days in which it is looked for."""

    name: str
    window: Window

    @classmethod
    def of(cls, name: str, first: str, end: str) -> Crash:
        """Make one of the first day and the day after the last, UTC."""
        return cls(name, Window.parse(first, end))


CRASHES: Final = (
    Crash.of("2020-03-12 pandemic", "2020-03-11", "2020-03-14"),
    Crash.of("2021-05-19", "2021-05-18", "2021-05-21"),
    Crash.of("2022-05 Luna", "2022-05-07", "2022-05-14"),
    Crash.of("2022-06 3AC", "2022-06-10", "2022-06-20"),
    Crash.of("2022-11 FTX", "2022-11-06", "2022-11-12"),
    Crash.of("2023-08-17", "2023-08-16", "2023-08-19"),
    Crash.of("2024-08-05", "2024-08-02", "2024-08-07"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One joint move.

    Attributes
    ----------
    name
        Of the crash, or who left whom.
    ended_at
        When the horizon that it is taken over ended [Unix s].
    moves
        Simple returns from close to close, shape `(n_markets,)`.
    is_crash
        Whether it is one of the named crashes.
    guessed
        Markets without prices then: their move is what the others' moves lead to expect.
    """

    name: str
    ended_at: int
    moves: Floats
    is_crash: bool = False
    guessed: tuple[str, ...] = ()


def crash_events(
    shelf: Shelf, history: History, horizon: int, *, margin_ratios: Floats, covariance: Floats
) -> tuple[Event, ...]:
    """Return the worst joint fall over `horizon` hours within each named crash of which there are prices.

    Worst is where the fall of all markets is largest, each in units of its margin. A crash before the history is looked
    for in other series, spot included; one after it is not known yet.

    Parameters
    ----------
    shelf
        What there is of each market.
    history
        Hourly prices of all markets.
    horizon
        Over which margin must hold [hours].
    margin_ratios
        Shape `(n_markets,)`.
    covariance
        Of returns, up to a factor, shape `(n_markets, n_markets)`: what guesses are made with.
    """
    events = []
    for crash in CRASHES:
        if crash.window.end > history.window.end:
            continue
        found: History | None = history
        if crash.window.start < history.window.start:
            found = load_window(shelf, crash.window)
        if found is None:
            continue
        rows = [history.symbols.index(symbol) for symbol in found.symbols]
        moves = found.moves(horizon)
        # An interval counts where it ends within the crash.
        first = max((crash.window.start - found.start) // 3_600 - horizon, 0)
        end = (crash.window.end - found.start) // 3_600 - horizon
        fall = (moves[:, first:end] / margin_ratios[rows, None]).sum(axis=0)
        place = first + int(fall.argmin())
        events.append(
            Event(
                crash.name,
                found.closed_at(place + horizon),
                _completed(moves[:, place], rows, covariance),
                is_crash=True,
                guessed=tuple(symbol for symbol in history.symbols if symbol not in found.symbols),
            )
        )
    return tuple(events)


def breakaways(history: History, horizon: int) -> tuple[Event, ...]:
    """Return, for each market and each other one, when it fell furthest under the other within `horizon` hours."""
    moves = history.moves(horizon)
    events = []
    for one, other in permutations(range(len(history.symbols)), 2):
        place = int((moves[one] - moves[other]).argmin())
        ended_at = history.closed_at(place + horizon)
        name = f"{iso(ended_at)[:10]} {history.symbols[one]} under {history.symbols[other]}"
        events.append(Event(name, ended_at, moves[:, place]))
    return tuple(events)


def _completed(moves: Floats, rows: list[int], covariance: Floats) -> Floats:
    """Return moves of all markets: those of `rows` as they are, the others as expected given them."""
    known = np.array(rows)
    others = np.setdiff1d(np.arange(len(covariance)), known)
    whole = np.empty(len(covariance))
    whole[known] = moves
    whole[others] = covariance[np.ix_(others, known)] @ np.linalg.solve(covariance[np.ix_(known, known)], moves)
    return np.maximum(whole, -1)
