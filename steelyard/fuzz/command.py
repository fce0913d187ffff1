"""The command `steelyard fuzz`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from steelyard.evm.artefacts import Artefacts
from steelyard.fuzz.canaries import CANARIES
from steelyard.fuzz.corpus import Corpus, Totals
from steelyard.fuzz.keep import keep
from steelyard.fuzz.reach import EXEMPT, reach
from steelyard.fuzz.record import RecordMalformed
from steelyard.fuzz.replay import replay
from steelyard.fuzz.workers import Plan, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.reach import Reach
    from steelyard.fuzz.replay import Place

__all__ = ["EXIT_FOUND", "EXIT_INTERRUPTED", "EXIT_UNREACHED", "fuzz_options", "run_fuzz"]

EXIT_FOUND = 3
"""Model and contracts differ, an invariant does not hold, or the fuzzer itself stopped."""

EXIT_UNREACHED = 4
"""Nothing was found, but an action never succeeded or a declared error was never raised."""

EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C; what was played is stored where there is a corpus."""


def fuzz_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a campaign to a command."""
    options = (
        click.option("--steps", type=click.IntRange(0), default=100_000, show_default=True, help="0: no bound."),
        click.option("--minutes", type=click.FloatRange(0), default=0, help="Stop after so long."),
        click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="First seed."),
        click.option("--seed-steps", type=click.IntRange(1), default=5_000, show_default=True, help="Of one seed."),
        click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes."),
        click.option(
            "--corpus",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder of traces worth keeping; a campaign that stopped goes on from there.",
        ),
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
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Campaign:
    """What a campaign ended with."""

    totals: Totals
    played: int
    seconds: float
    failures: list[tuple[Failure, Path]]
    reach: Reach
    features: int
    is_interrupted: bool
    needs_reach: bool

    @property
    def exit_code(self) -> int:
        if self.failures:
            return EXIT_FOUND
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        return EXIT_UNREACHED if self.needs_reach and not self.reach.is_whole else 0


def run_fuzz(
    *,
    steps: int,
    minutes: float,
    seed: int,
    seed_steps: int,
    workers: int,
    corpus: Path | None,
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
    `replayed` it is that trace alone.

    Raises
    ------
    ArtefactsMissing
        The contracts are not compiled.
    click.UsageError
        Neither steps nor minutes bound the campaign.
    """
    if planted or canaries:
        return _self_test(canaries, sample, seed=seed, workers=workers, resume=resume, as_json=as_json)
    if sample is not None or resume:
        raise click.UsageError("--sample and --resume are for --self-test")
    if replayed is not None:
        return _replay(replayed, on, as_json=as_json)
    if not steps and not minutes:
        raise click.UsageError("a campaign needs --steps or --minutes")
    artefacts = Artefacts()
    store = Corpus(corpus) if corpus is not None else None
    totals = store.totals if store is not None else Totals()
    before = totals.steps
    plan = Plan(seed, steps, minutes * 60, seed_steps, workers, frozenset(totals.seeds))
    if steps and before:
        plan = replace(plan, steps=max(0, steps - before), workers=workers if steps > before else 0)
    console = Console(stderr=True)
    found: list[tuple[Failure, Path]] = []
    is_interrupted = False
    started = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("fuzz", total=steps or None, completed=before, rate="")

        def on_progress(played: int) -> None:
            rate = played / max(0.1, time.monotonic() - started)
            progress.update(task, completed=before + played, rate=f"{rate:,.0f} steps/s, {len(totals.seeds)} seeds")

        results = play(plan, on_progress)
        try:
            for result in results:
                if store is not None:
                    store.add(result)
                else:
                    totals.add(result)
                if result.failure is not None:
                    found.append((result.failure, _stored(result.failure, failures or corpus or Path())))
        except KeyboardInterrupt:
            is_interrupted = True
        finally:
            results.close()
    if store is not None:
        store.minimise()
    campaign = _Campaign(
        totals,
        totals.steps - before,
        time.monotonic() - started,
        found,
        reach(totals.ended, totals.outcomes, artefacts),
        store.features if store is not None else 0,
        is_interrupted,
        not allow_unreached,
    )
    if junit is not None:
        _write_junit(campaign, junit)
    if as_json:
        click.echo(json.dumps(_document(campaign)))
    else:
        _tell(campaign, console)
    if not no_shrink:
        for failure, path in found:
            kept = keep(failure, path.parent, artefacts=artefacts)
            click.echo(kept.describe() if kept else f"seed {failure.seed} does not fail again", err=as_json)
    return campaign.exit_code


def _self_test(
    canaries: tuple[str, ...], count: int | None, *, seed: int, workers: int, resume: bool, as_json: bool
) -> int:
    """Run the campaign on planted bugs; return the exit code."""
    from steelyard.fuzz.self_test import run_self_test, sample

    if canaries and count is not None:
        raise click.UsageError("--sample chooses the bugs itself: give it without --canary")
    ids = sample(count) if count is not None else canaries
    return run_self_test(ids=ids, seed=seed, workers=workers, resume=resume, as_json=as_json, say=click.echo)


def _replay(path: Path, on: Place, *, as_json: bool) -> int:
    """Run the trace of a file; return the exit code."""
    try:
        result = replay(path, on=on)
    except RecordMalformed as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="--replay") from error
    if as_json:
        failure = result.failure
        document = {
            "on": on,
            "fixed": result.is_fixed,
            "reproduced": result.is_reproduced,
            "step": failure.step_index if failure else None,
            "kind": failure.kind if failure else None,
            "message": failure.message if failure else None,
        }
        click.echo(json.dumps(document))
    else:
        click.echo(result.describe())
    return 0 if result.is_fixed else EXIT_FOUND


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}"),
        console=console,
        transient=True,
    )


def _stored(failure: Failure, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"failure-{failure.seed}.json"
    path.write_text(failure.to_json(), encoding="utf-8")
    return path


def _document(campaign: _Campaign) -> dict[str, Any]:
    totals, reached = campaign.totals, campaign.reach
    return {
        "steps": totals.steps,
        "seeds": len(totals.seeds),
        "seconds": round(campaign.seconds, 1),
        "steps_per_second": round(campaign.played / max(0.001, campaign.seconds)),
        "failures": [
            {"seed": failure.seed, "step": failure.step_index, "kind": failure.kind, "file": str(path)}
            | {"message": failure.message}
            for failure, path in campaign.failures
        ],
        "actions": {
            action: {name or "success": count for name, count in sorted(ends.items())}
            for action, ends in reached.table.items()
        },
        "actions_missed": list(reached.actions_missed),
        "errors_missed": list(reached.errors_missed),
        "errors_exempt": dict(EXEMPT),
        "features": campaign.features,
        "interrupted": campaign.is_interrupted,
        "exit_code": campaign.exit_code,
    }


def _tell(campaign: _Campaign, console: Console) -> None:
    totals, reached = campaign.totals, campaign.reach
    table = Table(title="How moves ended", show_lines=False)
    table.add_column("action")
    table.add_column("successes", justify="right")
    table.add_column("reverts by name")
    for action, ends in reached.table.items():
        reverts = sorted((name or "(no data)", count) for name, count in ends.items() if name)
        table.add_row(action, f"{ends['']:,}", ", ".join(f"{name} {count:,}" for name, count in reverts))
    out = Console()
    out.print(table)
    rate = campaign.played / max(0.001, campaign.seconds)
    out.print(f"{totals.steps:,} steps of {len(totals.seeds)} seeds, {campaign.seconds:.1f} s, {rate:,.0f} steps/s")
    if reached.actions_missed:
        out.print(f"never succeeded: {', '.join(reached.actions_missed)}")
    if reached.errors_missed:
        out.print(f"never raised: {', '.join(reached.errors_missed)}")
    for failure, path in campaign.failures:
        out.print(f"seed {failure.seed}, step {failure.step_index}: {failure.kind}, stored in {path}", style="bold red")
        out.print(failure.message, markup=False)
    if campaign.is_interrupted:
        console.print("interrupted")


def _write_junit(campaign: _Campaign, path: Path) -> None:
    failed = {failure.seed: failure for failure, _ in campaign.failures}
    cases = [(f"seed {seed}", failed.get(seed)) for seed in sorted(campaign.totals.seeds)]
    suite = ElementTree.Element("testsuite", name="fuzz", time=f"{campaign.seconds:.1f}")
    count = 0
    for name, failure in cases:
        case = ElementTree.SubElement(suite, "testcase", classname="fuzz.seeds", name=name)
        if failure is not None:
            count += 1
            ElementTree.SubElement(case, "failure", message=failure.kind).text = failure.message
    reached = campaign.reach
    missed = {"actions succeed": reached.actions_missed, "errors are raised": reached.errors_missed}
    for name, names in missed.items():
        case = ElementTree.SubElement(suite, "testcase", classname="fuzz.reach", name=name)
        if names and campaign.needs_reach:
            count += 1
            ElementTree.SubElement(case, "failure", message="never reached").text = ", ".join(names)
    suite.set("tests", str(len(cases) + len(missed)))
    suite.set("failures", str(count))
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
