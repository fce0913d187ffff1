"""Rates of the fuzzer: the whole loop beside the same calls without model, in one run.

``python -m tests.bench.fuzz --steps 20000`` prints steps per second of both, their ratio, and what two workers give.
"""

from __future__ import annotations

import argparse
import json
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING

from steelyard.evm.chain import CallHalted
from steelyard.evm.machine import Machine
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import CAMPAIGN, Driver
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from steelyard.fuzz.pair import Step

ROUNDS = 3


def _trace(stage: Stage, seed: int, steps: int) -> list[Step]:
    with stage.pair() as pair:
        scenario = Scenario(pair)
        scenario.set_stage()
        driver = Driver(scenario, SeededChoices(seed), cadence=CAMPAIGN)
        while len(pair.trace) < steps:
            driver.play()
        return pair.trace


def raw_rate(stage: Stage, trace: list[Step]) -> float:
    """Return calls per second of a trace in the EVM, calldata packed beforehand, nothing compared."""
    chain = stage.chain
    assert isinstance(chain, Machine)
    calls = [
        (step.sender, step.contract, chain.abi.function(step.contract, step.function).pack(step.args), step)
        for step in trace
    ]
    chain.snapshot()
    started = time.process_time()
    for sender, contract, data, step in calls:
        if step.wait:
            chain.warp(step.wait)
        chain.call_raw(sender, contract, data, step.value)
    elapsed = time.process_time() - started
    chain.restore()
    return len(calls) / elapsed


def whole_rate(seed: int, steps: int) -> float:
    """Return steps per second of the whole loop: choose, model, EVM, compare, check."""
    started = time.process_time()
    result = run_seed(seed, steps)
    if result.failure is not None:
        raise CallHalted(result.failure.message)
    return result.steps / (time.process_time() - started)


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


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    stage = Stage.in_process()
    run_seed(0, 500)
    raw, whole = [], []
    for seed in range(1, ROUNDS + 1):
        trace = _trace(stage, seed, options.steps)
        raw.append(raw_rate(stage, trace))
        whole.append(whole_rate(seed, options.steps))
    one = workers_rate(1, options.steps)
    two = workers_rate(2, options.steps)
    rates = {
        "raw": round(max(raw)),
        "whole": round(max(whole)),
        "ratio": round(max(whole) / max(raw), 3),
        "one_worker": round(one),
        "two_workers": round(two),
        "speedup": round(two / one, 2),
    }
    if options.json:
        print(json.dumps(rates))
    else:
        for name, value in rates.items():
            print(f"{name:12} {value:>10,}")


if __name__ == "__main__":
    main()
