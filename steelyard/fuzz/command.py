"""The command `steelyard fuzz`."""

from __future__ import annotations

import json
import math
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sim.data import DataError
from steelyard.evm.artefacts import Artefacts
from steelyard.fuzz.campaign import SeedResult
from steelyard.fuzz.canaries import CANARIES
from steelyard.fuzz.corpus import Corpus, Totals
from steelyard.fuzz.keep import keep, stored
from steelyard.fuzz.reach import reach
from steelyard.fuzz.replay import replay
from steelyard.fuzz.report import EXIT_FOUND, EXIT_UNDECIDED, Ending
from steelyard.fuzz.schedule import Plan
from steelyard.fuzz.version import Version
from steelyard.fuzz.walk import Walk
from steelyard.fuzz.workers import play
from steelyard.options import with_options
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.replay import Place
    from steelyard.fuzz.schedule import Done

__all__ = ["fuzz_options", "run_fuzz"]

_LOG_SECONDS = 30

_CAMPAIGN = "a campaign"
_KNOWN = {
    _CAMPAIGN: (
        *("steps", "minutes", "seed", "seed_steps", "workers", "cluster", "corpus", "candles", "failures"),
        *("as_json", "junit", "allow_unreached", "no_shrink"),
    ),
    "--self-test": ("planted", "canaries", "sample", "resume", "seed", "workers", "as_json"),
    "--replay": ("replayed", "on", "candles", "as_json"),
    "--coverage": ("coverage", "corpus", "lcov", "workers", "as_json"),
}
"""The parameters that mean something to each mode."""


class _Minutes(click.FloatRange):
    """A number above zero that a clock can reach."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; neither NaN nor infinity is one."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def fuzz_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a campaign to a command."""
    options = (
        click.option("--steps", type=click.IntRange(0), default=100_000, show_default=True, help="0: no bound."),
        click.option("--minutes", type=_Minutes(), help="Stop after so long."),
        click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="First seed."),
        click.option("--seed-steps", type=click.IntRange(1), default=10_000, show_default=True, help="Of one seed."),
        click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes."),
        click.option("--cluster", metavar="ADDRESS", help="Of a Dask scheduler whose workers play instead."),
        click.option(
            "--corpus",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder of traces worth keeping; a campaign that stopped goes on from there.",
        ),
        click.option(
            "--coverage",
            is_flag=True,
            help="Tell what of the contracts the traces of --corpus execute, and play nothing.",
        ),
        click.option(
            "--candles",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="Folder of candles that prices follow now and then.",
        ),
        click.option("--lcov", type=click.Path(path_type=Path, dir_okay=False), help="Tracefile of --coverage."),
        click.option("--failures", type=click.Path(path_type=Path, file_okay=False), help="Folder for what is found."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object at the end."),
        click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Report for CI."),
        click.option("--allow-unreached", is_flag=True, help="Do not fail because of what was never reached."),
        click.option(
            "--self-test", "planted", is_flag=True, help="Plant bugs, one at a time, and tell which are found."
        ),
        click.option(
            "--canary",
            "canaries",
            type=click.Choice(tuple(CANARIES)),
            multiple=True,
            metavar="ID",
            help="Only this bug.",
        ),
        click.option("--sample", type=click.IntRange(1), help="Only so many bugs, the same each time, spread evenly."),
        click.option("--resume", is_flag=True, help="Go on with the self-test that was interrupted."),
        click.option(
            "--replay",
            "replayed",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Run the trace of a file instead, a failure or what it shrank to.",
        ),
        click.option(
            "--on",
            type=click.Choice(("evm", "anvil", "ape")),
            default="evm",
            show_default=True,
            help="Where --replay runs: in this process, on a node, on one through ape.",
        ),
        click.option("--no-shrink", is_flag=True, help="Leave the traces that fail as they were found."),
    )
    return with_options(command, options)


def run_fuzz(
    *,
    steps: int,
    minutes: float | None,
    seed: int,
    seed_steps: int,
    workers: int,
    cluster: str | None,
    corpus: Path | None,
    candles: Path | None = None,
    coverage: bool,
    lcov: Path | None,
    failures: Path | None,
    as_json: bool,
    junit: Path | None,
    allow_unreached: bool,
    planted: bool = False,
    canaries: tuple[str, ...] = (),
    sample: int | None = None,
    resume: bool = False,
    replayed: Path | None = None,
    on: Place = "evm",
    no_shrink: bool = False,
) -> int:
    """Play a campaign and tell how it ended; return the exit code.

    With `planted` or some `canaries` it is a campaign on each planted bug instead, with a budget of its own; with
    `replayed` it is that trace alone, and with `coverage` those of the corpus.

    Raises
    ------
    ArtefactsMissing
        The contracts are not compiled.
    FuzzError
        See there.
    RecordMalformed
        The file of `replayed` is something else, or its trace cannot be run.
    click.UsageError
        Options are missing, or do not go together.
    """
    if planted or canaries:
        mode = "--self-test"
    elif replayed is not None:
        mode = "--replay"
    else:
        mode = "--coverage" if coverage else _CAMPAIGN
    _refuse_strangers(mode)
    if planted or canaries:
        return _self_test(canaries, sample, seed=seed, workers=workers, resume=resume, as_json=as_json)
    if replayed is not None:
        return _replay(replayed, on, _walk(candles), as_json=as_json)
    if coverage:
        if corpus is None or not corpus.is_dir():
            raise click.UsageError("--coverage needs the --corpus of a campaign")
        if lcov is not None:
            _make(lcov.parent, "--lcov")
        return _coverage(Corpus(corpus), lcov, workers=workers, as_json=as_json)
    if not steps and not minutes:
        raise click.UsageError("a campaign needs --steps or --minutes")
    for name, folder in (("--failures", failures), ("--junit", junit and junit.parent)):
        if folder is not None:
            _make(folder, name)
    walk = _walk(candles)
    artefacts = Artefacts()
    version = Version.of(artefacts)
    store = Corpus(corpus, replace(version, walk=walk.digest if walk else "")) if corpus is not None else None
    totals = store.totals if store is not None else Totals()
    traces = store.traces() if store is not None and store.is_stale else ()
    plan = Plan(
        seed=seed,
        steps=max(0, steps - totals.steps) if steps else None,
        seconds=(minutes or 0) * 60,
        seed_steps=seed_steps,
        workers=workers,
        done=frozenset(totals.seeds),
        traces=traces,
        walk=walk,
    )
    before = totals.steps
    started = time.monotonic()
    tally = _play(plan, cluster, version, store, totals, failures or corpus or Path())
    if store is not None:
        if tally.replayed == len(traces) and not tally.found:
            store.renew()
        store.minimise()
    ending = Ending(
        totals=totals,
        played=tally.played,
        before=before,
        replayed=tally.replayed,
        seconds=time.monotonic() - started,
        failures=tuple(tally.found),
        reach=reach(totals.ended, totals.outcomes, artefacts),
        traces=store.size if store is not None else 0,
        features=store.features if store is not None else 0,
        is_interrupted=tally.is_interrupted,
        needs_reach=not allow_unreached,
    )
    if junit is not None:
        ending.write_junit(junit)
    if as_json:
        click.echo(json.dumps(ending.document()))
    else:
        ending.tell(Console())
    if not no_shrink:
        for failure, path in ending.failures:
            kept = keep(failure, path.parent, artefacts=artefacts, walk=walk)
            click.echo(kept.describe() if kept else f"seed {failure.seed} does not fail again", err=as_json)
    return ending.exit_code


def _refuse_strangers(mode: str) -> None:
    """Raise `click.UsageError` for an option on the command line that means nothing to the mode."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in _KNOWN[mode] or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        option = parameter.opts[0]
        if mode != _CAMPAIGN:
            raise click.UsageError(f"{option} does not go with {mode}")
        raise click.UsageError(f"{option} is for {' and '.join(one for one in _KNOWN if name in _KNOWN[one])}")


@dataclass(slots=True)
class _Tally:
    """What this run has done so far."""

    played: int = 0
    replayed: int = 0
    found: list[tuple[Failure, Path]] = field(default_factory=list)
    is_interrupted: bool = False


def _play(
    plan: Plan, cluster: str | None, version: Version, store: Corpus | None, totals: Totals, failures: Path
) -> _Tally:
    """Play to the end, or to an interrupt, and keep what comes."""
    tally = _Tally()
    before = totals.steps
    started = time.monotonic()
    log = _Log()
    with _progress() as progress:
        bar = progress.add_task("fuzz", total=before + plan.steps if plan.steps is not None else None, rate="")

        def on_progress(played: int) -> None:
            told = f"{played / max(0.1, time.monotonic() - started):,.0f} steps/s, {len(totals.seeds)} seeds"
            if tally.replayed < len(plan.traces):
                told = f"{tally.replayed} of {len(plan.traces)} traces replayed"
            progress.update(bar, completed=before + played, rate=told)
            log(f"fuzz: {before + played:,} steps, {told}")

        try:
            with closing(_results(plan, cluster, version, on_progress)) as results:
                for result in results:
                    if result.failure is not None:
                        tally.found.append((result.failure, stored(result.failure, failures)))
                    if not isinstance(result, SeedResult):
                        tally.replayed += 1
                        continue
                    tally.played += result.steps
                    if store is None:
                        totals.add(result)
                    elif result.failure is None:
                        # A seed that fails is not done: the next run plays it again.
                        store.add(result)
        except KeyboardInterrupt:
            tally.is_interrupted = True
    return tally


def _results(
    plan: Plan, cluster: str | None, version: Version, on_progress: Callable[[int], None]
) -> Generator[Done, None, None]:
    if cluster is None:
        return play(plan, on_progress)
    # Dask takes a second to load, and is an extra.
    try:
        from steelyard.fuzz.cluster import play as play_on_cluster
    except ModuleNotFoundError as error:
        raise click.UsageError(f"--cluster needs Dask: install steelyard[cluster] ({error})") from error
    return play_on_cluster(plan, cluster, version, on_progress)


def _coverage(corpus: Corpus, tracefile: Path | None, *, workers: int, as_json: bool) -> int:
    """Tell what the traces of a corpus execute; return the exit code."""
    from steelyard.fuzz.coverage.measure import measure
    from steelyard.fuzz.coverage.report import document, gaps, lcov, table

    traces = corpus.traces()
    with _progress() as progress:
        bar = progress.add_task("coverage", total=len(traces), rate="contracts with probes")
        coverage = measure(
            traces, workers=workers, on_trace=lambda done: progress.update(bar, completed=done, rate="traces")
        )
    if tracefile is not None:
        tracefile.write_text(lcov(coverage), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(document(coverage)))
        return 0
    out = Console()
    out.print(table(coverage))
    for gap in gaps(coverage):
        out.print(gap.describe(), markup=False, highlight=False, soft_wrap=True)
    return 0


def _self_test(
    canaries: tuple[str, ...], count: int | None, *, seed: int, workers: int, resume: bool, as_json: bool
) -> int:
    """Run the campaign on planted bugs; return the exit code."""
    from steelyard.fuzz.self_test import run_self_test, sample

    if canaries and count is not None:
        raise click.UsageError("--sample chooses the bugs itself: give it without --canary")
    ids = sample(count) if count is not None else canaries
    return run_self_test(ids=ids, seed=seed, workers=workers, resume=resume, as_json=as_json, say=click.echo)


def _replay(path: Path, on: Place, walk: Walk | None, *, as_json: bool) -> int:
    """Run the trace of a file, or play its seed again; return the exit code."""
    result = replay(path, on=on, walk=walk)
    if as_json:
        failure = result.failure
        document = {
            "on": on,
            "fixed": result.is_fixed,
            "reproduced": result.is_reproduced,
            "seed": result.of_seed,
            "diverges_at": result.diverges_at,
            "undecided": result.undecided or None,
            "step": failure.step_index if failure else None,
            "kind": failure.kind if failure else None,
            "message": failure.message if failure else None,
        }
        click.echo(json.dumps(document))
    else:
        click.echo(result.describe())
    if result.undecided:
        return EXIT_UNDECIDED
    return 0 if result.is_fixed else EXIT_FOUND


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}"),
        console=Console(stderr=True),
        transient=True,
    )


def _walk(candles: Path | None) -> Walk | None:
    """Return the prices that a campaign follows, None without a folder."""
    if candles is None:
        return None
    try:
        return Walk.load(candles, [market.symbol for market in load().markets])
    except DataError as error:
        raise click.UsageError(f"--candles: {error}") from error


def _make(folder: Path, option: str) -> None:
    """Make a folder now, rather than fail when there is something to put into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{folder}: {error.strerror}", param_hint=option) from error


class _Log:
    """Says something now and then where no terminal shows a bar."""

    def __init__(self) -> None:
        self._is_wanted = not sys.stderr.isatty()
        self._next = time.monotonic() + _LOG_SECONDS

    def __call__(self, line: str) -> None:
        """Say a line, unless one was said not long ago."""
        if self._is_wanted and time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOG_SECONDS
            click.echo(line, err=True)
