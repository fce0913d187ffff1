"""Random sequences of moves, on the exact model and on the contracts: everything that is aimed at happens (I41)."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import Driver
from steelyard.fuzz.moves import AIMS

if TYPE_CHECKING:
    from steelyard.fuzz.stage import Stage

STEERED_MOVES = 12_000
LONGEST_SEQUENCE = 60


@pytest.mark.evm
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_sequence__seeded_moves__reach_every_aim(stage: Stage, seed: int) -> None:
    """Play many short sequences, in which every action succeeds and every error that is aimed at happens."""
    ended: Counter[tuple[str, str, str]] = Counter()
    for number in range(STEERED_MOVES // LONGEST_SEQUENCE):
        with stage.scenario() as scenario:
            driver = Driver(scenario, SeededChoices(seed << 32 | number))
            for _ in range(LONGEST_SEQUENCE):
                driver.play()
            scenario.compare()
            ended += driver.ended
    reached: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for action, target, name in ended:
        reached[action, target].add(name)
    missed = sorted(
        (action, aim.target)
        for action, aims in AIMS.items()
        for aim in aims
        if aim.target not in reached[action, aim.target]
    )
    assert not missed
