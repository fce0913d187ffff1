"""Rates of the fuzzer: the whole loop beside the same calls without model, in one run.

``python -m tests.bench.fuzz --steps 10000`` plays seeds. After every 250 steps of a seed the same calls are run on a
second EVM: calldata packed beforehand, nothing compared. So both are measured on the same machine in the same state, by
the processor's time of this process. Then it plays seeds in one worker and in two, by the clock.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from steelyard.evm.chain import CallHalted
from steelyard.evm.machine import Machine
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.fuzz.pair import Step

ROUNDS = 5
CHUNK = 250
"""Steps after which the clock goes from the one to the other."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one core, of the median seed and of the best, and what a second worker adds.

    Attributes
    ----------
    raw, whole : int
        Calls of the bare EVM and steps of the whole loop, of the median seed [1/s].
    best_raw, best_whole : int
        Of the seed that was fastest [1/s].
    ratio : float
        Of both, of the median seed.
    low_ratio, high_ratio : float
        Of the worst and the best seed.
    one_worker, two_workers : int
        Steps of all workers together, by the clock, medians [1/s].
    speedup : float
        Of the second worker, the median of adjacent measurements.
    """

    raw: int
    whole: int
    best_raw: int
    best_whole: int
    ratio: float
    low_ratio: float
    high_ratio: float
    one_worker: int
    two_workers: int
    speedup: float


class _Bare:
    """The calls of a trace in an EVM, in chunks, without model."""

    def __init__(self, chain: Machine, trace: Sequence[Step]) -> None:
        self._chain = chain
        self._calls = [
            (
                step.sender,
                step.contract,
                chain.abi.function(chain.type_of(step.contract), step.function).pack(step.args),
                step,
            )
            for step in trace
        ]
        self._done = 0
        self.seconds = 0.0

    def run_to(self, end: int) -> None:
        """Run the calls up to number `end`, timed."""
        chain = self._chain
        calls = self._calls[self._done : end]
        self._done = end
        started = time.process_time()
        for sender, contract, data, step in calls:
            if step.wait:
                chain.warp(step.wait)
            chain.call_raw(sender, contract, data, step.value)
        self.seconds += time.process_time() - started


def seconds_of(stage: Stage, seed: int, steps: int) -> tuple[int, float, float]:
    """Return the number of steps of a seed, and what the bare calls and the whole loop take for them [s].

    Parameters
    ----------
    stage : Stage
        Other than that on which seeds are played.
    """
    chain = stage.chain
    assert isinstance(chain, Machine)
    trace = run_seed(seed, steps).trace
    bare = _Bare(chain, trace)
    between = due = 0.0

    def on_step(played: int) -> None:
        nonlocal between, due
        if played >= due:
            started = time.process_time()
            bare.run_to(played)
            due = played + CHUNK
            between += time.process_time() - started

    chain.snapshot()
    due = CHUNK
    started = time.process_time()
    result = run_seed(seed, steps, on_step=on_step)
    whole = time.process_time() - started - between
    bare.run_to(len(trace))
    chain.restore()
    if result.failure is not None:
        raise CallHalted(result.failure.message)
    return len(trace), bare.seconds, whole


def _warm_rate(task: tuple[int, int]) -> tuple[int, float, float]:
    seed, steps = task
    run_seed(seed, 200)
    started = time.time()
    return run_seed(seed, steps).steps, started, time.time()


def workers_rate(workers: int, steps: int) -> float:
    """Return steps per second of all workers together, from the first that starts to the last that ends."""
    with get_context("spawn").Pool(workers) as pool:
        done = pool.map(_warm_rate, [(100 + number, steps) for number in range(workers)], chunksize=1)
    elapsed = max(end for *_, end in done) - min(start for _, start, _ in done)
    return sum(count for count, *_ in done) / elapsed


def measure(steps: int, rounds: int) -> Rates:
    """Measure seeds of `steps` steps, alternating what is compared in each of `rounds` rounds."""
    stage = Stage.in_process()
    run_seed(0, 500)
    seeds = [seconds_of(stage, seed, steps) for seed in range(1, rounds + 1)]
    raw = [count / seconds for count, seconds, _ in seeds]
    whole = [count / seconds for count, _, seconds in seeds]
    ratios = [bare / seconds for _, bare, seconds in seeds]
    workers = [(workers_rate(1, steps), workers_rate(2, steps)) for _ in range(rounds)]
    return Rates(
        raw=round(median(raw)),
        whole=round(median(whole)),
        best_raw=round(max(raw)),
        best_whole=round(max(whole)),
        ratio=round(median(ratios), 3),
        low_ratio=round(min(ratios), 3),
        high_ratio=round(max(ratios), 3),
        one_worker=round(median(one for one, _ in workers)),
        two_workers=round(median(two for _, two in workers)),
        speedup=round(median(two / one for one, two in workers), 2),
    )


def _table(rates: Rates) -> Table:
    table = Table(title="Fuzzer, per core", title_justify="left")
    for column in ("", "median", "best"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("bare EVM, calls a second", f"{rates.raw:,}", f"{rates.best_raw:,}")
    table.add_row("whole loop, steps a second", f"{rates.whole:,}", f"{rates.best_whole:,}")
    table.add_row(f"ratio, {rates.low_ratio:.1%} to {rates.high_ratio:.1%}", f"{rates.ratio:.1%}", "")
    table.add_section()
    table.add_row("one worker, steps a second", f"{rates.one_worker:,}", "")
    table.add_row("two workers, steps a second", f"{rates.two_workers:,}", "")
    table.add_row("speedup", f"{rates.speedup:.2f}", "")
    return table


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="of a seed")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = measure(options.steps, options.rounds)
    if options.json:
        print(json.dumps(asdict(rates)))
    else:
        Console().print(_table(rates))


if __name__ == "__main__":
    main()
