"""Traces on contracts with probes: what each of them executes."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.protocol.invariants import InvariantBroken
from steelyard.evm.machine import Machine
from steelyard.fuzz.canaries.build import build, read_sources
from steelyard.fuzz.coverage.probes import BASE, Point, Probed
from steelyard.fuzz.driver import CAMPAIGN
from steelyard.fuzz.errors import TraceFails
from steelyard.fuzz.pair import Mismatch
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.canaries.canary import Sources
    from steelyard.fuzz.pair import Step

__all__ = ["Coverage", "executed", "measure"]

_CODE_LIMIT = 1 << 20
"""Probes take room; the largest contract that the EVM takes then [bytes]."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What traces execute.

    Attributes
    ----------
    points : tuple of Point
        Of all contracts but mocks.
    sources : dict of str to str
        The contracts as they are, by path.
    hits : Counter
        How many traces executed each point; a decision that came out true counts under the next number.
    traces, steps : int
        That were run.
    """

    points: tuple[Point, ...]
    sources: Sources
    hits: Counter[int]
    traces: int
    steps: int


def executed(steps: Sequence[Step], artefacts: Artefacts, *, seed: int = -1) -> frozenset[int]:
    """Return the numbers of the points that a trace executes, deployment and views in rotation included.

    Parameters
    ----------
    steps : sequence of Step
        Since the deployment.
    artefacts : Artefacts
        Contracts with probes.
    seed : int
        That played it.

    Raises
    ------
    TraceFails
        Model and contracts differ.
    """
    chain = Machine(artefacts, code_limit=_CODE_LIMIT)
    with Stage.built(chain, load()).pair() as pair:
        scenario = Scenario(pair)
        try:
            for count, step in enumerate(steps, 1):
                scenario.run(step)
                if count % CAMPAIGN.view == 0:
                    scenario.compare_next()
            scenario.compare()
        except (Mismatch, InvariantBroken) as error:
            raise TraceFails(seed, str(error)) from error
    numbers = (int(address, 16) - BASE for address in chain.looked_at)
    return frozenset(number for number in numbers if 0 <= number < _CODE_LIMIT)


def measure(
    traces: Sequence[tuple[int, Sequence[Step]]],
    *,
    workers: int = 1,
    sources: Sources | None = None,
    on_trace: Callable[[int], None] | None = None,
) -> Coverage:
    """Run traces on contracts with probes.

    Parameters
    ----------
    traces : sequence of tuple
        Seed and steps of each.
    workers : int
        Processes.
    sources : dict of str to str, optional
        The contracts, by default the project's.
    on_trace : callable, optional
        Is told how many traces were run.

    Raises
    ------
    TraceFails, CompilationFailed
        See there.
    """
    texts = read_sources() if sources is None else sources
    probed = Probed(texts)
    artefacts = build(probed.sources)
    hits: Counter[int] = Counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_prepare, initargs=(artefacts,)) as pool:
        try:
            for count, found in enumerate(pool.map(_executed, traces), 1):
                hits.update(found)
                if on_trace is not None:
                    on_trace(count)
        finally:
            pool.shutdown(cancel_futures=True)
    return Coverage(probed.points, texts, hits, len(traces), sum(len(steps) for _, steps in traces))


_artefacts: Artefacts
"""Of this process."""


def _prepare(artefacts: Artefacts) -> None:
    global _artefacts
    _artefacts = artefacts


def _executed(trace: tuple[int, Sequence[Step]]) -> frozenset[int]:
    seed, steps = trace
    return executed(steps, _artefacts, seed=seed)
