"""Does the fuzzer still find what it is there for? Plants bugs, one at a time, and runs the campaign on each.

Nothing of the project is touched: a planted bug lives in a copy of the contracts in memory. Before anything counts, the
same build without a bug must pass the same campaign.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import signal
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from steelyard.evm.chain import ChainError
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.canaries import CANARIES, CanaryRotten
from steelyard.fuzz.canaries.build import CACHE, CompilationFailed, build, read_sources
from steelyard.fuzz.findings import STORE, Finding, SelfTest, Store
from steelyard.fuzz.progress import countdown
from steelyard.fuzz.shrink import NotReproduced
from steelyard.fuzz.shrink import shrink as shrink_failure
from steelyard.fuzz.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.canaries import Canary, Sources

__all__ = [
    "BUDGET",
    "EXIT_INTERRUPTED",
    "EXIT_MISSED",
    "CanaryUnknown",
    "CleanBuildFails",
    "Played",
    "find",
    "hunt",
    "run_self_test",
    "sample",
    "self_test",
]

BUDGET = 20_000
"""Steps after which a planted bug counts as missed; a small part of what a campaign of CI plays."""
SEED_STEPS = 2_500
"""Steps of one seed; the next one starts from the deployment again."""
REQUIRED = 0.95
"""Part of the planted bugs that must be found: 38 of 40."""

EXIT_MISSED = 5
"""Too few of the planted bugs were found, or one did not shrink in time."""

EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C; what was found so far is stored."""

_MOST_TEXT = 400


class CanaryUnknown(ValueError):
    """There is no planted bug of this id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"no planted bug {id_!r} (there are {', '.join(CANARIES)})")


class CleanBuildFails(RuntimeError):
    """The campaign fails without any planted bug: nothing can be said about planted ones."""

    def __init__(self, found: Finding) -> None:
        super().__init__(f"the contracts as they are fail at step {found.steps} of seed {found.seed}: {found.message}")


def find(
    id_: str | None,
    *,
    sources: Sources | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    shrink: bool = True,
    cache: Path = CACHE,
    base: Artefacts | None = None,
) -> Finding:
    """Plant a bug, or none, and play until it is found or the budget is spent.

    Parameters
    ----------
    id_ : str or None
        Of the bug.
    sources : dict of str to str, optional
        The contracts, by default the project's.
    budget : int
        Steps to play.
    seed : int
        The first; the others follow.
    shrink : bool
        Whether to shrink what is found.
    cache : Path
        Of compiled contracts.
    base : Artefacts, optional
        The same contracts as `sources`, compiled: from them come those that the bug does not touch.

    Raises
    ------
    CanaryUnknown, CanaryRotten, CompilationFailed
        See there.
    """
    canary = None if id_ is None else _canary(id_)
    started = time.perf_counter()
    texts = read_sources() if sources is None else sources
    artefacts = (
        build(texts, cache=cache)
        if canary is None
        else build(canary.plant(texts), cache=cache, base=base, changed=canary.path)
    )
    built = time.perf_counter()
    played = hunt(artefacts, seed, budget)
    done = time.perf_counter()
    shrunk, took = None, None
    if shrink and played.failure is not None:
        before = time.process_time()
        shrunk = _shrunk_length(played.failure, artefacts)
        took = round(time.process_time() - before, 2)
    return Finding(
        id=canary.id if canary else "",
        kind=canary.kind if canary else "",
        file=canary.file if canary else "",
        bug=canary.bug if canary else "",
        found=bool(played.by),
        steps=played.steps,
        seed=played.seed,
        by=played.by,
        message=_short(played.message),
        build_seconds=round(built - started, 2),
        play_seconds=round(done - built, 2),
        shrunk_steps=shrunk,
        shrink_seconds=took,
        digest=canary.digest if canary else "",
    )


@dataclass(frozen=True, slots=True)
class Played:
    """How a campaign on other contracts ended.

    Attributes
    ----------
    steps : int
        Transactions, all seeds together.
    seed : int
        The last.
    by, message : str
        Kind and text of the failure, `""` where there is none.
    failure : Failure or None
        None where there is none, or where the system could not even be set up.
    """

    steps: int
    seed: int
    by: str
    message: str
    failure: Failure | None


def hunt(artefacts: Artefacts, seed: int, budget: int) -> Played:
    """Play one seed after the other until one fails or the budget is spent."""
    steps = 0
    while True:
        try:
            result = run_seed(seed, min(SEED_STEPS, budget - steps), artefacts=artefacts)
        except ChainError as error:
            return Played(steps, seed, "deployment", str(error), None)
        steps += result.steps
        failure = result.failure
        if failure is not None:
            return Played(steps, seed, failure.kind, failure.message, failure)
        if steps >= budget:
            return Played(steps, seed, "", "", None)
        seed += 1


def _shrunk_length(failure: Failure, artefacts: Artefacts) -> int | None:
    try:
        return len(shrink_failure(failure, artefacts=artefacts).steps)
    except NotReproduced:
        return None


def _canary(id_: str) -> Canary:
    try:
        return CANARIES[id_]
    except KeyError:
        raise CanaryUnknown(id_) from None


def _is_current(one: Finding) -> bool:
    """Whether the bug is planted as it was then; the contracts as they are have no bug."""
    canary = CANARIES.get(one.id)
    return not one.id if canary is None else one.digest == canary.digest


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " ..."


def sample(count: int) -> tuple[str, ...]:
    """Return so many planted bugs, the same each time, spread evenly over the list and so over themes and classes."""
    ids = tuple(CANARIES)
    count = min(count, len(ids))
    return tuple(ids[at * len(ids) // count] for at in range(count))


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def self_test(
    ids: Iterable[str] = (),
    *,
    budget: int = BUDGET,
    seed: int = 0,
    workers: int = 2,
    shrink: bool = True,
    required: int | None = None,
    resume: bool = False,
    cache: Path = CACHE,
    store: Path = STORE,
    on_finding: Callable[[Finding], None] | None = None,
) -> SelfTest:
    """Plant each bug alone and tell which were found.

    Parameters
    ----------
    ids : iterable of str, optional
        Of the bugs to plant, by default all.
    budget : int
        Steps for each.
    seed : int
        The first; the others follow.
    workers : int
        Processes.
    shrink : bool
        Whether to shrink what is found.
    required : int, optional
        How many must be found, by default 95%.
    resume : bool
        Whether what an earlier run found, of the same bug with the same code, budget and seed, counts.
    cache : Path
        Of compiled contracts.
    store : Path
        Folder for what is found.
    on_finding : callable, optional
        Is told each as it is known, first those of the earlier run.

    Returns
    -------
    SelfTest
        What is found, and at which step, is the same for the same seed and budget, on every machine.

    Raises
    ------
    CleanBuildFails
        The contracts as they are do not pass.
    CanaryUnknown, CanaryRotten, CompilationFailed
        See there.
    """
    started = time.perf_counter()
    sources = read_sources()
    wanted = tuple(ids) or tuple(CANARIES)
    for id_ in wanted:
        _canary(id_).plant(sources)
    # Findings of other code say nothing of this one.
    version = Version.of(build(sources, cache=cache))
    kept = Store(store / f"{version.contracts}-{version.code}-{budget}-{seed}-{shrink:d}.jsonl", Finding)
    if not resume:
        kept.clear()
    findings = {one.id: one for one in kept.read().values() if _is_current(one)}
    for one in findings.values():
        if on_finding is not None and one.id in wanted:
            on_finding(one)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _leave_interrupts_to_the_parent) as pool:
        tasks = [
            pool.submit(find, id_ or None, sources=sources, budget=budget, seed=seed, shrink=shrink, cache=cache)
            for id_ in ("", *wanted)
            if id_ not in findings
        ]
        try:
            for task in as_completed(tasks):
                one = task.result()
                if not one.id and one.found:
                    raise CleanBuildFails(one)
                kept.add(one)
                findings[one.id] = one
                if on_finding is not None and one.id:
                    on_finding(one)
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    least = math.ceil(len(wanted) * REQUIRED) if required is None else required
    return SelfTest(tuple(findings[id_] for id_ in wanted), time.perf_counter() - started, least, budget)


def run_self_test(
    *,
    ids: Iterable[str] = (),
    budget: int = BUDGET,
    seed: int = 0,
    workers: int = 2,
    shrink: bool = True,
    required: int | None = None,
    resume: bool = False,
    as_json: bool = False,
    store: Path = STORE,
    say: Callable[[str], None] = print,
) -> int:
    """Run the self-test, say what came of it, and return the exit code.

    That is 0, `EXIT_MISSED`, `EXIT_INTERRUPTED`, or 1 where nothing can be said: a bug that does not fit today's
    contracts, contracts that do not compile, or that fail without any bug. That and progress go to standard error.
    """
    wanted = tuple(ids) or tuple(CANARIES)
    known = 0
    with countdown(Console(stderr=True)) as progress:
        task = progress.add_task("planted bugs", total=len(wanted))

        def tell(one: Finding) -> None:
            nonlocal known
            known += 1
            progress.advance(task)
            if not as_json:
                say(one.describe())

        try:
            report = self_test(
                wanted,
                budget=budget,
                seed=seed,
                workers=workers,
                shrink=shrink,
                required=required,
                resume=resume,
                store=store,
                on_finding=tell,
            )
        except (CanaryRotten, CleanBuildFails, CompilationFailed) as error:
            told = f"{type(error).__name__}: {error}"
            progress.console.print(told, markup=False, highlight=False, soft_wrap=True)
            return 1
        except KeyboardInterrupt:
            progress.console.print(f"interrupted: {known} of {len(wanted)} are known, --resume goes on from there")
            return EXIT_INTERRUPTED
    if as_json:
        say(json.dumps(report.to_json(), indent=1))
    else:
        for line in (*report.summary(), *report.verdict()):
            say(line)
    return 0 if report.passed else EXIT_MISSED
