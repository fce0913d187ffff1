"""Each named crash with a crowded book: who paid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sim.studies.crash_bars import load_bars
from sim.studies.crash_replay import Replay
from sim.studies.errors import CrashUncovered, CrashUnknown, MarketsUnlike
from sim.studies.history import find_hourly
from sim.studies.scenarios import CRASHES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sim.studies.crash_bars import Bars
    from sim.studies.crash_replay import Exchange, Hands, Result
    from sim.studies.crowd import CrowdSettings
    from sim.studies.scenarios import Crash

__all__ = ["VARIANTS", "CrashReplay", "Variant", "covered", "replay_crashes"]


@dataclass(frozen=True, slots=True)
class Variant:
    """Who is crowded, and how often keepers look."""

    is_long: bool
    is_prompt: bool

    @property
    def name(self) -> str:
        """In words."""
        return f"{'longs' if self.is_long else 'shorts'} crowded, keepers {'prompt' if self.is_prompt else 'late'}"


VARIANTS: Final = tuple(Variant(is_long, is_prompt) for is_long in (True, False) for is_prompt in (True, False))


@dataclass(frozen=True, slots=True)
class CrashReplay:
    """One crash, one variant, and what came of it."""

    crash: str
    variant: Variant
    result: Result


def covered(folder: Path, symbols: Sequence[str], names: Sequence[str] = ()) -> list[tuple[Crash, Bars]]:
    """Return the named crashes of which there are prices, with their bars.

    Parameters
    ----------
    folder
        Candles, see `sim.data`.
    symbols
        Markets; one without prices at the time stays closed.
    names
        Parts of names of crashes; all where none is given.

    Raises
    ------
    DataError
        As `sim.data` does for files that are missing or malformed.
    CrashUnknown, CrashUncovered
        A name fits no crash; there are no prices of any.
    """
    chosen = [crash for crash in CRASHES if not names or any(name in crash.name for name in names)]
    for name in names:
        if not any(name in crash.name for crash in chosen):
            raise CrashUnknown(name, [crash.name for crash in CRASHES])
    shelf = find_hourly(folder, symbols)
    loaded = [(crash, load_bars(shelf, crash.window)) for crash in chosen]
    found = [(crash, bars) for crash, bars in loaded if bars is not None]
    if not found:
        raise CrashUncovered([crash.name for crash in chosen])
    return found


def replay_crashes(
    crashes: Sequence[tuple[Crash, Bars]],
    symbols: Sequence[str],
    settings: CrowdSettings,
    exchange: Callable[[], AbstractContextManager[Exchange]],
    hands: Hands,
    *,
    progress: Callable[[str, int], None] = lambda _name, _hour: None,
) -> list[CrashReplay]:
    """Replay crashes in every variant.

    Parameters
    ----------
    crashes
        As `covered` returns them.
    symbols
        Of the exchange's markets, by id.
    settings
        Of the book; which side is crowded is the variant's.
    exchange
        Gives a freshly deployed one.
    hands
        Who governs it.
    progress
        Told crash and variant, and hours played since it was last told.

    Raises
    ------
    MarketsUnlike
        The exchange lacks a market.
    CallRefused, Unreconciled, InvariantBroken
        As `Replay.run`.
    """
    done = []
    for crash, bars in crashes:
        missing = [symbol for symbol in bars.symbols if symbol not in symbols]
        if missing:
            raise MarketsUnlike(missing)
        markets = [symbols.index(symbol) for symbol in bars.symbols]
        for variant in VARIANTS:
            name = f"{crash.name}: {variant.name}"
            with exchange() as one:
                replay = Replay(
                    one, hands, bars, markets, replace(settings, is_long=variant.is_long), variant.is_prompt
                )
                result = replay.run(lambda hours, name=name: progress(name, hours))  # type: ignore[misc]
            done.append(CrashReplay(crash.name, variant, result))
    return done
