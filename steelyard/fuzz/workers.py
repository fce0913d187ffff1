"""Seeds on several processes, each with an EVM of its own."""

from __future__ import annotations

import signal
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from time import monotonic
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.campaign import SeedResult, StopSeed, run_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Plan", "play"]

_TICK_SECONDS = 0.25
_stop: Any = None
_progress: Any = None
_place = 0


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
        Processes.
    done : frozenset of int
        Seeds that were played before.
    """

    seed: int = 1
    steps: int = 100_000
    seconds: float = 0
    seed_steps: int = 5_000
    workers: int = 1
    done: frozenset[int] = frozenset()


def _begin(stop: Any, progress: Any, places: Any) -> None:
    global _stop, _progress, _place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop, _progress = stop, progress
    with places.get_lock():
        _place = places.value
        places.value += 1


def _work(seed: int, steps: int) -> SeedResult:
    before = _progress[_place]

    def on_step(played: int) -> None:
        _progress[_place] = before + played
        if _stop.value:
            raise StopSeed

    return run_seed(seed, steps, on_step=on_step)


def play(plan: Plan, on_progress: Callable[[int], None] | None = None) -> Iterator[SeedResult]:
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
    unless it runs out. On an interrupt, or when the caller closes the iterator, workers end their move and go.
    """
    context = get_context("spawn")
    stop = context.Value("b", 0, lock=False)
    progress = context.Array("q", plan.workers, lock=False)
    places = context.Value("i", 0)
    needed = -(-plan.steps // plan.seed_steps) if plan.steps else None
    seeds = (seed for seed in count(plan.seed) if seed not in plan.done)
    deadline = monotonic() + plan.seconds if plan.seconds else None
    given = 0
    pool = ProcessPoolExecutor(plan.workers, mp_context=context, initializer=_begin, initargs=(stop, progress, places))
    try:
        pending: set[Future[SeedResult]] = set()
        while True:
            while not stop.value and len(pending) < plan.workers and (needed is None or given < needed):
                left = plan.steps - given * plan.seed_steps if plan.steps else plan.seed_steps
                pending.add(pool.submit(_work, next(seeds), min(left, plan.seed_steps)))
                given += 1
            if not pending:
                return
            finished, pending = wait(pending, timeout=_TICK_SECONDS, return_when=FIRST_COMPLETED)
            if on_progress is not None:
                on_progress(sum(progress))
            for future in finished:
                result = future.result()
                if result.failure is not None:
                    stop.value = 1
                yield result
            if deadline is not None and monotonic() >= deadline:
                stop.value = 1
    finally:
        stop.value = 1
        pool.shutdown(wait=True, cancel_futures=True)
