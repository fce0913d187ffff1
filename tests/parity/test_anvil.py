"""The same seeds on a real node: one seed gives one trace everywhere (I42)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import Driver

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.pair import Step
    from steelyard.fuzz.stage import Stage

MOVES = 300


def _played(stage: Stage, seed: int) -> tuple[list[Step], list[Outcome]]:
    with stage.scenario() as scenario:
        driver = Driver(scenario, SeededChoices(seed), compare_every=30)
        outcomes = [driver.play() for _ in range(MOVES)]
        scenario.compare()
        return scenario.pair.trace, outcomes


@pytest.mark.anvil
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_sequence__seed_on_anvil__gives_the_same_trace(stage: Stage, anvil_stage: Stage, seed: int) -> None:
    assert anvil_stage.addresses == stage.addresses
    assert _played(anvil_stage, seed) == _played(stage, seed)
