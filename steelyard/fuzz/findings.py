"""What became of planted bugs: told bug by bug and class by class, and kept, so that a self-test can go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SHRINK_SECONDS", "STORE", "Finding", "SelfTest", "Store"]

SHRINK_SECONDS = 60
"""In which each failure must shrink [s of processor time]."""

STORE = ROOT / "build" / "self-test"
"""Folder of what is known of planted bugs; can be deleted at any time."""


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
        What compiling and playing took [s].
    shrunk_steps : int or None
        Transactions of the shrunk story, None where there is none.
    shrink_seconds : float or None
        What shrinking took [s of processor time], None where it was not tried.
    digest : str
        Hash of what was planted, see `Canary.digest`; empty for the contracts as they are, and where it was not kept.
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
    digest: str = ""

    @property
    def shrank(self) -> bool:
        """Whether there is a story, in time, where one was wanted."""
        return self.shrink_seconds is None or (self.shrunk_steps is not None and self.shrink_seconds < SHRINK_SECONDS)

    def describe(self) -> str:
        """Return it as a sentence."""
        if not self.found:
            return f"{self.id}: MISSED in {self.steps:,} steps"
        story = "" if self.shrunk_steps is None else f", {self.shrunk_steps} steps when shrunk"
        slow = "" if self.shrank else f", NOT SHRUNK in {SHRINK_SECONDS} s"
        return f"{self.id}: found by {self.by} at step {self.steps:,}{story}{slow}"


_HEAD = ("class", "planted", "found", "median steps", "most steps", "longest story", "longest shrink")


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What became of all planted bugs.

    Attributes
    ----------
    findings : tuple of Finding
        In the order of `CANARIES`.
    seconds : float
        What everything took [s].
    required : int
        How many must be found.
    budget : int
        Steps that were played for a bug before it counted as missed.
    """

    findings: tuple[Finding, ...]
    seconds: float
    required: int
    budget: int

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
            "planted": len(self.findings),
            "found": self.found,
            "required": self.required,
            "budget": self.budget,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "findings": [asdict(one) for one in self.findings],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> SelfTest:
        """Return what `to_json` gave."""
        findings = tuple(Finding(**one) for one in document["findings"])
        return cls(findings, document["seconds"], document["required"], document["budget"])

    def summary(self) -> list[str]:
        """Return a table of the classes, in Markdown."""
        kinds: dict[str, list[Finding]] = {}
        for one in self.findings:
            kinds.setdefault(one.kind, []).append(one)
        rows = [_row(kind, kinds[kind]) for kind in sorted(kinds)]
        rows.append(_row("all", list(self.findings)))
        widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        return [
            "| " + " | ".join(f"{cell:{'<' if at == 0 else '>'}{widths[at]}}" for at, cell in enumerate(row)) + " |"
            for row in (_HEAD, rule, *rows)
        ]

    def verdict(self) -> list[str]:
        """Return what was missed or did not shrink in time, and whether that passes."""
        wrong = [f"{one.describe()} ({one.bug})" for one in self.findings if not (one.found and one.shrank)]
        verdict = "passed" if self.passed else "FAILED"
        counts = f"{self.found} of {len(self.findings)} found within {self.budget:,} steps each"
        return [*wrong, f"{counts}, {self.required} required, in {self.seconds:.0f} s: {verdict}"]


def _row(name: str, findings: list[Finding]) -> tuple[str, ...]:
    steps = [one.steps for one in findings if one.found]
    stories = [one.shrunk_steps for one in findings if one.shrunk_steps is not None]
    shrinks = [one.shrink_seconds for one in findings if one.shrink_seconds is not None]
    return (
        name,
        str(len(findings)),
        str(len(steps)),
        f"{median(steps):,.0f}" if steps else "",
        f"{max(steps):,}" if steps else "",
        str(max(stories)) if stories else "",
        f"{max(shrinks):.0f} s" if shrinks else "",
    )


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


class Store(Generic[_T]):
    """Records on disk, a line for each, so that a long run can go on where it was stopped.

    Parameters
    ----------
    path : Path
        Of the file; its folder is made where it is missing.
    kind : type
        A dataclass with an `id` whose fields are plain values.
    """

    def __init__(self, path: Path, kind: type[_T]) -> None:
        self.path = path
        self._kind = kind

    def read(self) -> dict[str, _T]:
        """Return what is known, by id, the last where there are several; a line that was cut short does not count."""
        if not self.path.exists():
            return {}
        lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        return {one.id: one for one in (self._kind(**json.loads(line)) for line in lines)}

    def add(self, record: _T) -> None:
        """Keep a record."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")  # type: ignore[call-overload]

    def clear(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
