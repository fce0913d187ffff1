"""The register of all moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from sim.protocol import Outcome
from steelyard.fuzz.choices import Choices
from steelyard.fuzz.scenario import Scenario

__all__ = ["AIMS", "Aim", "Move", "aim"]

Move = Callable[[Scenario, Choices], Outcome]


@dataclass(frozen=True, slots=True)
class Aim:
    """A move and what it aims at: `""` for success, else the name of an error."""

    action: str
    target: str
    move: Move


AIMS: dict[str, list[Aim]] = defaultdict(list)
"""All moves by action."""


def aim(action: str, target: str = "") -> Callable[[Move], Move]:
    """Register a move."""

    def register(move: Move) -> Move:
        AIMS[action].append(Aim(action, target, move))
        return move

    return register
