"""Traces that fail nowhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import Driver
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from steelyard.fuzz.pair import Step


@cache
def played(seed: int, steps: int) -> tuple[Step, ...]:
    """Return what a seed plays from the deployment on, `steps` transactions or a few more."""
    with Stage.in_process().pair() as pair:
        scenario = Scenario(pair)
        scenario.set_stage()
        driver = Driver(scenario, SeededChoices(seed))
        while len(pair.trace) < steps:
            driver.play()
        return tuple(pair.trace)
