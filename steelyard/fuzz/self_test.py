"""Does the fuzzer still find what it is there for? Plants bugs, one at a time, and runs the campaign on each.

Nothing of the project is touched: a planted bug lives in a copy of the contracts in memory. Before anything counts, the
same build without a bug must pass the same campaign.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.evm.chain import ChainError
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.canaries import CANARIES, CanaryRotten
from steelyard.fuzz.canaries.build import CACHE, CompilationFailed, build, read_sources
from steelyard.fuzz.shrink import NotReproduced
from steelyard.fuzz.shrink import shrink as shrink_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.canaries import Canary, Sources

__all__ = [
    "BUDGET",
    "EXIT_MISSED",
    "CanaryUnknown",
    "CleanBuildFails",
    "Finding",
    "SelfTest",
    "find",
    "run_self_test",
    "self_test",
]

BUDGET = 20_000
"""Steps after which a planted bug counts as missed; a small part of what a campaign of CI plays."""
SEED_STEPS = 2_500
"""Steps of one seed; the next one starts from the deployment again."""
REQUIRED = 0.95
"""Part of the planted bugs that must be found: 38 of 40."""
SHRINK_SECONDS = 60
"""In which each failure must shrink."""

EXIT_MISSED = 5
"""Too few of the planted bugs were found, or one did not shrink in time."""

_MOST_TEXT = 400


class CanaryUnknown(ValueError):
    """There is no planted bug of this id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"no planted bug {id_!r} (there are {', '.join(CANARIES)})")


class CleanBuildFails(RuntimeError):
    """The campaign fails without any planted bug: nothing can be said about planted ones."""

    def __init__(self, found: Finding) -> None:
        super().__init__(f"the contracts as they are fail at step {found.steps} of seed {found.seed}: {found.message}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one planted bug.

    Attributes
    ----------
    id, kind, file, bug : str
        Of the bug; empty for the contracts as they are.
    found : bool
        Whether the campaign failed.
    steps : int
        Transactions until then, all seeds together; those of the whole budget where it was missed.
    seed : int
        That found it, or the last one.
    by : str
        Kind of the failure, see `Failure`; `deployment` where the system could not even be set up.
    message : str
        Its text, shortened.
    build_seconds, play_seconds : float
        What compiling and playing took.
    shrunk_steps : int or None
        Transactions of the shrunk story, None where there is none.
    shrink_seconds : float or None
        What shrinking took, None where it was not tried.
    """

    id: str
    kind: str
    file: str
    bug: str
    found: bool
    steps: int
    seed: int
    by: str
    message: str
    build_seconds: float
    play_seconds: float
    shrunk_steps: int | None = None
    shrink_seconds: float | None = None

    @property
    def shrank(self) -> bool:
        """Whether there is a story, in time, where one was wanted."""
        return self.shrink_seconds is None or (self.shrunk_steps is not None and self.shrink_seconds < SHRINK_SECONDS)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What became of all planted bugs.

    Attributes
    ----------
    findings : tuple of Finding
        In the order of `CANARIES`.
    seconds : float
        What everything took.
    required : int
        How many must be found.
    """

    findings: tuple[Finding, ...]
    seconds: float
    required: int

    @property
    def found(self) -> int:
        """How many were found."""
        return sum(one.found for one in self.findings)

    @property
    def passed(self) -> bool:
        """Whether enough were found, and what was found shrank in time."""
        return self.found >= self.required and all(one.shrank for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "found": self.found,
            "planted": len(self.findings),
            "required": self.required,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "findings": [asdict(one) for one in self.findings],
        }

    def table(self) -> list[str]:
        """Return it as lines of text."""
        width = max((len(one.id) for one in self.findings), default=0)
        kinds = max((len(one.kind) for one in self.findings), default=0)
        lines = [
            f"{'planted bug':{width}}  {'class':{kinds}}  {'steps':>7}  {'found by':10}  {'story':>5}  {'shrunk in':>9}"
        ]
        for one in self.findings:
            story = "" if one.shrunk_steps is None else str(one.shrunk_steps)
            shrink = "" if one.shrink_seconds is None else f"{one.shrink_seconds:.1f} s"
            by = one.by if one.found else "MISSED"
            lines.append(f"{one.id:{width}}  {one.kind:{kinds}}  {one.steps:7,}  {by:10}  {story:>5}  {shrink:>9}")
        verdict = "passed" if self.passed else "FAILED"
        lines.append(
            f"{self.found} of {len(self.findings)} found, {self.required} required, in {self.seconds:.0f} s: {verdict}"
        )
        return lines


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
    played = _play(artefacts, seed, budget)
    done = time.perf_counter()
    shrunk, took = None, None
    if shrink and played.failure is not None:
        shrunk = _shrunk_length(played.failure, artefacts)
        took = round(time.perf_counter() - done, 2)
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
    )


@dataclass(frozen=True, slots=True)
class _Played:
    steps: int
    seed: int
    by: str
    message: str
    failure: Failure | None


def _play(artefacts: Artefacts, seed: int, budget: int) -> _Played:
    """Play one seed after the other until one fails or the budget is spent."""
    steps = 0
    while True:
        try:
            result = run_seed(seed, min(SEED_STEPS, budget - steps), artefacts=artefacts)
        except ChainError as error:
            return _Played(steps, seed, "deployment", str(error), None)
        steps += result.steps
        failure = result.failure
        if failure is not None:
            return _Played(steps, seed, failure.kind, failure.message, failure)
        if steps >= budget:
            return _Played(steps, seed, "", "", None)
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


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " ..."


def self_test(
    ids: Iterable[str] = (),
    *,
    budget: int = BUDGET,
    seed: int = 0,
    workers: int = 2,
    shrink: bool = True,
    required: int | None = None,
    cache: Path = CACHE,
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
    cache : Path
        Of compiled contracts.
    on_finding : callable, optional
        Is told each as it is known.

    Returns
    -------
    SelfTest
        The findings are the same for the same seed and budget, on every machine.

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
    build(sources, cache=cache)
    findings: dict[str, Finding] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        tasks = [
            pool.submit(find, id_, sources=sources, budget=budget, seed=seed, shrink=shrink, cache=cache)
            for id_ in (None, *wanted)
        ]
        try:
            for task in as_completed(tasks):
                one = task.result()
                if not one.id:
                    if one.found:
                        raise CleanBuildFails(one)
                    continue
                findings[one.id] = one
                if on_finding is not None:
                    on_finding(one)
        finally:
            pool.shutdown(cancel_futures=True)
    least = math.ceil(len(wanted) * REQUIRED) if required is None else required
    return SelfTest(tuple(findings[id_] for id_ in wanted), time.perf_counter() - started, least)


def run_self_test(
    *,
    ids: Iterable[str] = (),
    budget: int = BUDGET,
    seed: int = 0,
    workers: int = 2,
    shrink: bool = True,
    required: int | None = None,
    as_json: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Run the self-test, say what came of it, and return the exit code.

    That is 0, `EXIT_MISSED`, or 1 where nothing can be said: a bug that does not fit today's contracts, contracts that
    do not compile, or that fail without any bug.
    """

    def tell(one: Finding) -> None:
        outcome = f"found by {one.by} at step {one.steps:,}" if one.found else f"MISSED in {one.steps:,} steps"
        say(f"{one.id}: {outcome}")

    try:
        report = self_test(
            ids,
            budget=budget,
            seed=seed,
            workers=workers,
            shrink=shrink,
            required=required,
            on_finding=None if as_json else tell,
        )
    except (CanaryRotten, CleanBuildFails, CompilationFailed) as error:
        say(f"{type(error).__name__}: {error}")
        return 1
    if as_json:
        say(json.dumps(report.to_json(), indent=1))
    else:
        for line in report.table():
            say(line)
    return 0 if report.passed else EXIT_MISSED
