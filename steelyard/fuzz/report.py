"""How a campaign ended: for people, for scripts, and for CI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from rich.markup import escape
from rich.table import Table

from steelyard.fuzz.reach import EXEMPT

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.corpus import Totals
    from steelyard.fuzz.reach import Reach

__all__ = ["EXIT_FOUND", "EXIT_INTERRUPTED", "EXIT_UNDECIDED", "EXIT_UNREACHED", "Ending"]

EXIT_FOUND = 3
"""Model and contracts differ, an invariant does not hold, or the fuzzer itself stopped."""

EXIT_UNREACHED = 4
"""Nothing was found, but an action never succeeded or a declared error was never raised."""

EXIT_UNDECIDED = 6
"""The steps of a replay agree, but what failed was a check of a move, which only the seed repeats."""

EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C; what was played is stored where there is a corpus."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a campaign ended with.

    Attributes
    ----------
    totals : Totals
        What was played, by earlier runs on the same corpus too.
    played : int
        Transactions of seeds in this run.
    before : int
        Transactions that earlier runs on the same corpus had played.
    replayed : int
        Traces of the corpus that were replayed.
    seconds : float
        That this run took.
    failures : tuple
        What was found, and where it is stored.
    reach : Reach
        What was reached.
    traces, features : int
        In the corpus.
    is_interrupted : bool
        By Ctrl-C.
    needs_reach : bool
        Whether something that was never reached makes it fail.
    """

    totals: Totals
    played: int
    before: int
    replayed: int
    seconds: float
    failures: tuple[tuple[Failure, Path], ...]
    reach: Reach
    traces: int
    features: int
    is_interrupted: bool
    needs_reach: bool

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        if self.failures:
            return EXIT_FOUND
        if self.is_interrupted:
            return EXIT_INTERRUPTED
        return EXIT_UNREACHED if self.needs_reach and not self.reach.is_whole else 0

    @property
    def rate(self) -> float:
        """Transactions a second in this run."""
        return self.played / max(0.001, self.seconds)

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        totals, reached = self.totals, self.reach
        return {
            "steps": totals.steps,
            "seeds": len(totals.seeds),
            "played": self.played,
            "replayed": self.replayed,
            "seconds": round(self.seconds, 1),
            "steps_per_second": round(self.rate),
            "failures": [
                {"seed": failure.seed, "step": failure.step_index, "kind": failure.kind, "file": str(path)}
                | {"message": failure.message}
                for failure, path in self.failures
            ],
            "actions": {
                action: {name or "success": count for name, count in sorted(ends.items())}
                for action, ends in reached.table.items()
            },
            "actions_missed": list(reached.actions_missed),
            "errors_missed": list(reached.errors_missed),
            "errors_exempt": dict(EXEMPT),
            "errors_needless": list(reached.errors_needless),
            "traces": self.traces,
            "features": self.features,
            "interrupted": self.is_interrupted,
            "exit_code": self.exit_code,
        }

    def tell(self, out: Console) -> None:
        """Print it."""
        totals, reached = self.totals, self.reach
        if totals.steps:
            out.print(self._table())
        if self.replayed:
            out.print(f"{self.replayed:,} traces of the corpus replayed")
        told = f"{totals.steps:,} steps of {len(totals.seeds):,} seeds"
        if self.before:
            told += f", {self.before:,} steps of them before"
        told += f", {self.seconds:.1f} s, {self.rate:,.0f} steps/s"
        if self.traces:
            told += f"; the corpus holds {self.traces:,} traces that show {self.features:,} features"
        out.print(told)
        if reached.actions_missed:
            out.print(f"never succeeded: {', '.join(reached.actions_missed)}")
        if reached.errors_missed:
            out.print(f"never raised: {', '.join(reached.errors_missed)}")
        if reached.errors_needless:
            out.print(f"exempt, and raised all the same: {', '.join(reached.errors_needless)}")
        for failure, path in self.failures:
            where = f"seed {failure.seed}, step {failure.step_index}: {failure.kind}, stored in {path}"
            out.print(where, style="bold red", markup=False)
            out.print(failure.message, markup=False)
        if self.is_interrupted:
            out.print("interrupted")

    def _table(self) -> Table:
        table = Table(title="How moves ended")
        table.add_column("action")
        table.add_column("successes", justify="right")
        table.add_column("reverts by name")
        for action, ends in self.reach.table.items():
            reverts = sorted((name or "(no data)", count) for name, count in ends.items() if name)
            named = ", ".join(f"{name} {count:,}" for name, count in reverts)
            table.add_row(action, f"{ends['']:,}", escape(named))
        return table

    def write_junit(self, path: Path) -> None:
        """Write it as JUnit XML: a case for each seed, for what was reached, and for each trace that fails."""
        failed = {failure.seed: failure for failure, _ in self.failures}
        suite = ElementTree.Element("testsuite", name="fuzz", time=f"{self.seconds:.1f}")
        cases = 0
        for seed in sorted(self.totals.seeds | failed.keys()):
            failure = failed.get(seed)
            case = ElementTree.SubElement(suite, "testcase", classname="fuzz.seeds", name=f"seed {seed}")
            cases += 1
            if failure is not None:
                ElementTree.SubElement(case, "failure", message=failure.kind).text = failure.message
        count = len(failed)
        reached = self.reach
        missed = {"actions succeed": reached.actions_missed, "errors are raised": reached.errors_missed}
        for name, names in missed.items():
            case = ElementTree.SubElement(suite, "testcase", classname="fuzz.reach", name=name)
            cases += 1
            if names and self.needs_reach:
                count += 1
                ElementTree.SubElement(case, "failure", message="never reached").text = ", ".join(names)
        suite.set("tests", str(cases))
        suite.set("failures", str(count))
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
