"""Rates of the fuzzer and of eth-wake's, turn and turn about: ``python -m tests.bench.wake``.

Both play the flows of `tests.bench.wake.flows` with the same model, and compare the same after each step: outcome,
error, return values, events, touched storage, token balances and the invariants of what was touched. Wake runs twice:
with its own ABI coder, as its users have it, and with our encoders, so that only loop and chain are its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from steelyard.fuzz.campaign import AHEAD
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage
from tests.bench.wake.flows import FLOWS

ROOT = Path(__file__).resolve().parents[3]
WAKE_PYTHON = ROOT / ".venv-wake" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Steps per second of one core, of the median round.

    Attributes
    ----------
    ours : int
        Of our loop, by the processor's time of the process, as all rates here [1/s].
    wake : int
        Of wake's loop: its chain, its ABI coder, outcomes compared as values [1/s].
    wake_bytes : int
        Of wake's loop and chain with our encoders, outcomes compared as bytes [1/s].
    ratio, low_ratio, high_ratio : float
        Of `ours` to `wake` in one round: the median, the worst, the best.
    bytes_ratio, low_bytes_ratio, high_bytes_ratio : float
        Of `ours` to `wake_bytes`.
    """

    ours: int
    wake: int
    wake_bytes: int
    ratio: float
    low_ratio: float
    high_ratio: float
    bytes_ratio: float
    low_bytes_ratio: float
    high_bytes_ratio: float


def our_rate(stage: Stage, seed: int, flows: int) -> float:
    """Return steps per second of a seed in our loop, the stage included."""
    started = time.process_time()
    with stage.pair(ahead=AHEAD) as pair:
        scenario = Scenario(pair)
        scenario.set_stage()
        choices = SeededChoices(seed)
        moves = tuple(FLOWS.values())
        for _ in range(flows):
            choices.pick(moves)(scenario, choices)
        pair.catch_up()
        return len(pair.trace) / (time.process_time() - started)


def wake_rate(seed: int, flows: int, *options: str) -> float:
    """Return steps per second of a seed in wake's loop."""
    command = [str(WAKE_PYTHON), "-m", "tests.bench.wake.theirs", "--flows", str(flows), "--seeds", str(seed)]
    command += options
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (result,) = json.loads(done.stdout.splitlines()[-1])
    return float(result["steps"] / result["seconds"])


def compare(flows: int, rounds: int) -> Comparison:
    """Measure `rounds` seeds of `flows` flows each on both, one after the other."""
    stage = Stage.in_process()
    our_rate(stage, 0, 100)
    rates = [
        (our_rate(stage, seed, flows), wake_rate(seed, flows), wake_rate(seed, flows, "--bytes"))
        for seed in range(1, rounds + 1)
    ]
    ratios = [ours / wake for ours, wake, _ in rates]
    bytes_ratios = [ours / wake for ours, _, wake in rates]
    return Comparison(
        ours=round(median(ours for ours, _, _ in rates)),
        wake=round(median(wake for _, wake, _ in rates)),
        wake_bytes=round(median(wake for _, _, wake in rates)),
        ratio=round(median(ratios), 2),
        low_ratio=round(min(ratios), 2),
        high_ratio=round(max(ratios), 2),
        bytes_ratio=round(median(bytes_ratios), 2),
        low_bytes_ratio=round(min(bytes_ratios), 2),
        high_bytes_ratio=round(max(bytes_ratios), 2),
    )


def main() -> None:
    """Print both rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=2_000, help="of a seed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not WAKE_PYTHON.exists():
        sys.exit("no wake in .venv-wake: run tests/bench/wake/setup")
    found = compare(options.flows, options.rounds)
    if options.json:
        print(json.dumps(asdict(found)))
        return
    table = Table("", "steps a second", "ours to it", "from", "to", title="Fuzzer beside eth-wake, per core")
    table.add_row("ours", f"{found.ours:,}")
    spread = (found.low_ratio, found.high_ratio)
    table.add_row("wake", f"{found.wake:,}", f"{found.ratio:.2f}", *(f"{ratio:.2f}" for ratio in spread))
    spread = (found.low_bytes_ratio, found.high_bytes_ratio)
    row = (f"{found.wake_bytes:,}", f"{found.bytes_ratio:.2f}", *(f"{ratio:.2f}" for ratio in spread))
    table.add_row("wake with our encoders", *row)
    Console().print(table)


if __name__ == "__main__":
    main()
