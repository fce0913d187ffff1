"""Plays moves on a scenario and checks what must hold after each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sim.protocol.invariants import Invariants
from steelyard.fuzz import invariants
from steelyard.fuzz.moves import AIMS

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

__all__ = ["WEIGHTS", "Driver"]

WEIGHTS = {
    "time": 6,
    "price": 8,
    "deposit": 5,
    "withdraw": 6,
    "transfer": 4,
    "mode": 3,
    "leverage": 6,
    "operator": 3,
    "trade": 24,
    "order": 10,
    "cancel": 3,
    "liquidate": 10,
    "accrue": 3,
    "insurance": 3,
    "govern": 4,
    "pause": 3,
    "oracle": 5,
    "batch": 3,
    "token": 2,
}


class Driver:
    """Plays moves and counts how they end.

    Attributes
    ----------
    ended : Counter
        By action, target and name of the error.
    """

    def __init__(self, scenario: Scenario, choices: Choices, *, compare_every: int = 12) -> None:
        self.scenario = scenario
        self.choices = choices
        self.ended: Counter[tuple[str, str, str]] = Counter()
        self._compare_every = compare_every
        self._played = 0
        self._invariants = Invariants(scenario.pair.model)

    def play(self) -> Outcome:
        """Play one move; compare balances and check the invariants afterwards, and now and then everything."""
        action = self.choices.weighted([(weight, name) for name, weight in WEIGHTS.items()])
        aims = AIMS[action]
        successes = [aim for aim in aims if not aim.target]
        failures = [aim for aim in aims if aim.target]
        aim = self.choices.pick(failures if failures and self.choices.chance(40) else successes)
        outcome = aim.move(self.scenario, self.choices)
        self.ended[action, aim.target, outcome.error.name if outcome.error else ""] += 1
        self._played += 1
        self.scenario.compare_balances()
        self._invariants.check()
        if self._played % self._compare_every == 0:
            self.scenario.compare()
            self.scenario.freshen()
            invariants.check_claims(self.scenario)
        return outcome
