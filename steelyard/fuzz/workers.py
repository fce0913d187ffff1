"""Seeds on several processes, each with an EVM of its own."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.campaign import SeedResult, StopSeed, run_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from multiprocessing.context import SpawnProcess

__all__ = ["Plan", "WorkerDied", "play"]

_TICK_SECONDS = 0.25
_PATIENCE_SECONDS = 2
"""For a worker to end its move."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play.

    Attributes
    ----------
    seed : int
        First of the seeds, which are whole numbers one after the other.
    steps : int
        Transactions in all, without bound where 0.
    seconds : float
        Time in all, without bound where 0.
    seed_steps : int
        Transactions of one seed.
    workers : int
        Processes; none play nothing.
    done : frozenset of int
        Seeds that were played before.
    """

    seed: int = 1
    steps: int = 100_000
    seconds: float = 0
    seed_steps: int = 5_000
    workers: int = 1
    done: frozenset[int] = frozenset()


class WorkerDied(RuntimeError):
    """A worker ended without an answer, for instance because the system ran out of memory."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"a worker ended with exit code {code}")


def _work(pipe: Connection, stop: Any, progress: Any, place: int) -> None:
    """Play the seeds that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    total = 0

    def on_step(played: int) -> None:
        progress[place] = total + played
        if stop.value:
            raise StopSeed

    while True:
        try:
            seed, steps = pipe.recv()
        except EOFError:
            return
        result = run_seed(seed, steps, on_step=on_step)
        total += result.steps
        pipe.send(result)


def play(plan: Plan, on_progress: Callable[[int], None] | None = None) -> Generator[SeedResult, None, None]:
    """Yield what each seed played as it ends, until steps or time are used up, or a seed fails.

    Parameters
    ----------
    plan : Plan
        What to play.
    on_progress : callable, optional
        Is told a few times a second how many transactions there were.

    Notes
    -----
    Seeds are handed out in order, and as many as the steps need; so steps decide what is played, and time does not,
    unless it runs out. On an interrupt, or when the caller closes the iterator, workers end their move and go; what
    they had not finished does not count.
    """
    context = get_context("spawn")
    stop, progress = context.RawValue("b", 0), context.RawArray("q", plan.workers)
    seeds = (seed for seed in count(plan.seed) if seed not in plan.done)
    deadline = monotonic() + plan.seconds if plan.seconds else None
    left = plan.steps
    workers: dict[Connection, SpawnProcess] = {}
    busy: set[Connection] = set()

    def hand_out(pipe: Connection) -> None:
        nonlocal left
        if stop.value or (plan.steps and left <= 0):
            return
        pipe.send((next(seeds), min(left, plan.seed_steps) if plan.steps else plan.seed_steps))
        left -= plan.seed_steps
        busy.add(pipe)

    try:
        for place in range(plan.workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, stop, progress, place), daemon=True)
            process.start()
            theirs.close()
            workers[ours] = process
            hand_out(ours)
        while busy:
            for pipe in wait(list(busy), timeout=_TICK_SECONDS):
                assert isinstance(pipe, Connection)
                busy.discard(pipe)
                try:
                    result: SeedResult = pipe.recv()
                except EOFError:
                    workers[pipe].join(_PATIENCE_SECONDS)
                    raise WorkerDied(workers[pipe].exitcode) from None
                if result.failure is not None:
                    stop.value = 1
                hand_out(pipe)
                yield result
            if on_progress is not None:
                on_progress(sum(progress))
            if deadline is not None and monotonic() >= deadline:
                stop.value = 1
    finally:
        stop.value = 1
        for pipe, process in workers.items():
            pipe.close()
            process.join(_PATIENCE_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join()
