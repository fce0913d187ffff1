"""Plays moves on a scenario and checks what must hold after each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.protocol.invariants import Invariants
from steelyard.fuzz import invariants
from steelyard.fuzz.moves import AIMS
from steelyard.fuzz.pair import NO_DATA

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

__all__ = ["CAMPAIGN", "WEIGHTS", "Cadence", "Driver"]

WEIGHTS = {
    "time": 6,
    "price": 8,
    "deposit": 5,
    "withdraw": 6,
    "transfer": 4,
    "mode": 4,
    "relocate": 3,
    "leverage": 6,
    "operator": 3,
    "trade": 24,
    "order": 10,
    "cancel": 5,
    "rest": 16,
    "signed": 6,
    "liquidate": 10,
    "accrue": 3,
    "insurance": 3,
    "govern": 4,
    "pause": 3,
    "oracle": 5,
    "guard": 8,
    "batch": 3,
    "deleverage": 2,
    "vault": 8,
    "claim": 4,
    "shares": 3,
    "pool": 2,
    "token": 2,
    "hostile": 8,
    "profit": 6,
}


_STEERED = 40
"""Moves in a hundred that aim at an error."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How many moves lie between two comparisons of what single steps do not compare; 0 for never.

    Attributes
    ----------
    views : int
        All views, one after the other, on both sides.
    view : int
        The next view in rotation.
    words : int
        All storage words that the model knows, stored or not.
    invariants : int
        Those of the whole state, from scratch, and what all claims are worth at fresh prices.
    netting : int
        What the positions of each account need as a portfolio (I20, I21).
    """

    views: int = 12
    view: int = 0
    words: int = 4
    invariants: int = 12
    netting: int = 12


CAMPAIGN = Cadence(views=4_000, view=16, words=256, invariants=256, netting=32)
"""For long runs, in which all but transactions costs about a tenth of the time."""


class Driver:
    """Plays moves and counts how they end.

    Parameters
    ----------
    scenario : Scenario
        On which to play.
    choices : Choices
        Decide what is played.
    compare_every : int, optional
        Moves between two comparisons of all views.
    cadence : Cadence, optional
        All of them, instead.

    Attributes
    ----------
    ended : Counter
        By action, target and name of the error, `""` for success.
    """

    def __init__(
        self, scenario: Scenario, choices: Choices, *, compare_every: int = 12, cadence: Cadence | None = None
    ) -> None:
        self.scenario = scenario
        self.choices = choices
        self.ended: Counter[tuple[str, str, str]] = Counter()
        self.cadence = cadence or Cadence(views=compare_every, invariants=compare_every)
        self._played = 0
        self._invariants = Invariants(scenario.pair.model)
        self._total = sum(WEIGHTS.values())
        self._aims = [
            (weight, (name, [aim for aim in AIMS[name] if not aim.target], [aim for aim in AIMS[name] if aim.target]))
            for name, weight in WEIGHTS.items()
        ]

    def play(self) -> Outcome:
        """Play one move, and compare and check what the cadence says."""
        choices = self.choices
        action, successes, failures = choices.weighted(self._aims, self._total)
        aim = choices.pick(failures if failures and choices.chance(_STEERED) else successes)
        outcome = aim.move(self.scenario, choices)
        self.ended[action, aim.target, (outcome.error.name or NO_DATA) if outcome.error else ""] += 1
        self._played += 1
        self._check(self._played)
        return outcome

    def _check(self, played: int) -> None:
        cadence, scenario = self.cadence, self.scenario
        if cadence.view and played % cadence.view == 0:
            scenario.compare_next()
        if cadence.words and played % cadence.words == 0:
            scenario.compare_words()
        if cadence.views and played % cadence.views == 0:
            scenario.compare()
        if cadence.netting and played % cadence.netting == 0:
            self._invariants.check_netting()
        if cadence.invariants and played % cadence.invariants == 0:
            check = self._invariants
            check.check_conservation()
            check.check_aggregates()
            check.check_equity()
            check.check_funding()
            check.check_vault()
            scenario.freshen()
            invariants.check_claims(scenario)

    def finish(self) -> None:
        """Compare and check everything once more."""
        self.scenario.compare_words()
        self.scenario.compare()
        check = self._invariants
        check.check_conservation()
        check.check_aggregates()
        check.check_equity()
        check.check_funding()
        check.check_netting()
        check.check_vault()
