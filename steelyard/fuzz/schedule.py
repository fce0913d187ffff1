"""What a campaign plays, one task after the other, wherever the tasks are done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

from steelyard.fuzz.campaign import SeedResult, replay, run_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.pair import Step
    from steelyard.fuzz.walk import Walk

__all__ = ["Done", "Plan", "Replayed", "Schedule", "Task", "perform"]


@dataclass(frozen=True, slots=True)
class Task:
    """A seed to play, or a trace to replay.

    Attributes
    ----------
    seed : int
        That decides, or that gave the trace.
    steps : int
        Transactions of a seed.
    trace : tuple of Step
        To replay instead.
    walk : Walk or None
        That the prices of a seed follow.
    """

    seed: int
    steps: int = 0
    trace: tuple[Step, ...] = ()
    walk: Walk | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a trace that was replayed.

    Attributes
    ----------
    seed : int
        That gave it.
    steps : int
        Transactions of the trace.
    failure : Failure or None
        What differs by now.
    """

    seed: int
    steps: int
    failure: Failure | None


Done = SeedResult | Replayed


def perform(task: Task, *, artefacts: Artefacts | None = None, on_step: Callable[[int], None] | None = None) -> Done:
    """Do a task in this process."""
    if not task.trace:
        return run_seed(task.seed, task.steps, artefacts=artefacts, on_step=on_step, walk=task.walk)
    failure = replay(task.trace, artefacts=artefacts)
    return Replayed(task.seed, len(task.trace), failure and replace(failure, seed=task.seed))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play.

    Attributes
    ----------
    seed : int
        First of the seeds, which are whole numbers one after the other.
    steps : int or None
        Transactions of seeds in all, without bound where None.
    seconds : float
        Time in all, without bound where 0.
    seed_steps : int
        Transactions of one seed.
    workers : int
        Processes on this machine.
    done : frozenset of int
        Seeds that were played before.
    traces : tuple
        Seed and steps of traces to replay first.
    walk : Walk or None
        That prices follow now and then.
    """

    seed: int = 1
    steps: int | None = 100_000
    seconds: float = 0
    seed_steps: int = 5_000
    workers: int = 1
    done: frozenset[int] = frozenset()
    traces: tuple[tuple[int, tuple[Step, ...]], ...] = field(default=(), repr=False)
    walk: Walk | None = field(default=None, repr=False)


class Schedule:
    """Hands out the tasks of a plan in order, as many as its steps need, until something fails or time is up."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._traces = iter(plan.traces)
        self._seeds = (seed for seed in count(plan.seed) if seed not in plan.done)
        self._left = plan.steps
        self._deadline = monotonic() + plan.seconds if plan.seconds else None
        self._has_failed = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be played, done or not."""
        return self._has_failed or (self._deadline is not None and monotonic() >= self._deadline)

    def next(self) -> Task | None:
        """Return the next task, None where there is none."""
        plan = self._plan
        if self.is_over:
            return None
        for seed, trace in self._traces:
            return Task(seed, trace=trace)
        steps = plan.seed_steps if self._left is None else min(self._left, plan.seed_steps)
        if steps <= 0:
            return None
        if self._left is not None:
            self._left -= steps
        return Task(next(self._seeds), steps, walk=self._plan.walk)

    def note(self, done: Done) -> None:
        """Take note of what came of a task."""
        self._has_failed |= done.failure is not None
