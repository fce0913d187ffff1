"""What was covered, for people and for tools: a table, an lcov tracefile, JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table

from steelyard.fuzz.coverage.argued import ARGUED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from steelyard.fuzz.coverage.measure import Coverage
    from steelyard.fuzz.coverage.probes import Point

__all__ = ["Gap", "Part", "document", "files", "functions", "gaps", "lcov", "summary", "table"]

_DIRECTIONS = ("false", "true")


@dataclass(frozen=True, slots=True)
class Part:
    """What was covered of a file or of a function, each as how many of how many.

    Attributes
    ----------
    path : str
        Of the file.
    name : str
        Of the function; of a file its path.
    line : int
        At which it begins.
    functions, lines, branches : tuple of int
        Covered, and in all. Lines are those on which a statement begins; branches are the two directions of each
        condition of `if`, `require`, loops and `?:`, and of each operand of `&&` and `||`.
    """

    path: str
    name: str
    line: int
    functions: tuple[int, int]
    lines: tuple[int, int]
    branches: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that no trace executes.

    Attributes
    ----------
    path, line, function, text
        As in `Point`.
    what : str
        `never executed`, `never true`, `never false` or `never decided`.
    reason : str
        Why nothing can execute it; empty where something should.
    """

    path: str
    line: int
    function: str
    text: str
    what: str
    reason: str

    def describe(self) -> str:
        """Return it in one line."""
        told = f"{self.path}:{self.line} {self.function}: {self.what}: {self.text}"
        return f"{told} ({self.reason})" if self.reason else told


def _part(path: str, name: str, points: Iterable[Point], hits: Counter[int]) -> Part:
    functions, lines, branches = [], Counter[int](), []
    first = 0
    for point in points:
        first = first or point.line
        match point.kind:
            case "function":
                functions.append(hits[point.id] > 0)
            case "statement":
                lines[point.line] = max(lines[point.line], hits[point.id])
            case _:
                branches += [hits[point.id] > 0, hits[point.id + 1] > 0]
    covered = sum(count > 0 for count in lines.values())
    return Part(
        path,
        name,
        first,
        (sum(functions), len(functions)),
        (covered, len(lines)),
        (sum(branches), len(branches)),
    )


def files(coverage: Coverage) -> Iterator[Part]:
    """Yield what was covered of each file that has code."""
    for path, points in groupby(coverage.points, key=lambda point: point.path):
        yield _part(path, path, points, coverage.hits)


def functions(coverage: Coverage) -> Iterator[Part]:
    """Yield what was covered of each function; those that share a name are one."""
    grouped: dict[tuple[str, str], list[Point]] = {}
    for point in coverage.points:
        grouped.setdefault((point.path, point.function), []).append(point)
    for (path, name), points in grouped.items():
        yield _part(path, name, points, coverage.hits)


def summary(coverage: Coverage) -> Part:
    """Return what was covered of everything."""
    parts = list(files(coverage))

    def total(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
        covered, all_ = zip(*pairs, strict=True)
        return sum(covered), sum(all_)

    return Part(
        "",
        "total",
        0,
        total(part.functions for part in parts),
        total(part.lines for part in parts),
        total(part.branches for part in parts),
    )


def gaps(coverage: Coverage) -> tuple[Gap, ...]:
    """Return what no trace executes, in the order of the source; what follows from another gap is left out."""
    found = []
    hits = coverage.hits
    for point in coverage.points:
        if point.cause >= 0 and not hits[point.cause]:
            continue
        if point.kind == "decision":
            missing = [word for way, word in enumerate(_DIRECTIONS) if not hits[point.id + way]]
            # What is never decided stands in a statement that is never executed to its end.
            what = f"never {missing[0]}" if len(missing) == 1 else ""
        else:
            what = "" if hits[point.id] else "never executed"
        if what:
            reason = ARGUED.get((point.function, what, point.text), "")
            found.append(Gap(point.path, point.line, point.function, point.text, what, reason))
    return tuple(found)


def lcov(coverage: Coverage) -> str:
    """Return an lcov tracefile; counts are numbers of traces."""
    lines = []
    hits = coverage.hits
    for part in files(coverage):
        points = [point for point in coverage.points if point.path == part.path]
        lines += ["TN:fuzz", f"SF:{part.path}"]
        named = [point for point in points if point.kind == "function"]
        shared = Counter(point.function for point in named)
        labels = {
            point.id: f"{point.function}:{point.line}" if shared[point.function] > 1 else point.function
            for point in named
        }
        lines += [f"FN:{point.line},{labels[point.id]}" for point in named]
        lines += [f"FNDA:{hits[point.id]},{labels[point.id]}" for point in named]
        lines += [f"FNF:{part.functions[1]}", f"FNH:{part.functions[0]}"]
        for block, point in enumerate(point for point in points if point.kind == "decision"):
            counts = [hits[point.id], hits[point.id + 1]]
            lines += [
                f"BRDA:{point.line},{block},{way},{count if any(counts) else '-'}" for way, count in enumerate(counts)
            ]
        lines += [f"BRF:{part.branches[1]}", f"BRH:{part.branches[0]}"]
        counted = Counter[int]()
        for point in points:
            if point.kind == "statement":
                counted[point.line] = max(counted[point.line], hits[point.id])
        lines += [f"DA:{line},{count}" for line, count in sorted(counted.items())]
        lines += [f"LF:{part.lines[1]}", f"LH:{part.lines[0]}", "end_of_record"]
    return "\n".join(lines) + "\n"


def _counts(part: Part) -> dict[str, Any]:
    return {
        kind: {"covered": covered, "all": all_}
        for kind, (covered, all_) in (
            ("functions", part.functions),
            ("lines", part.lines),
            ("branches", part.branches),
        )
    }


def document(coverage: Coverage) -> dict[str, Any]:
    """Return it as a JSON document."""
    return {
        "traces": coverage.traces,
        "steps": coverage.steps,
        "total": _counts(summary(coverage)),
        "files": {part.path: _counts(part) for part in files(coverage)},
        "functions": [
            {"file": part.path, "function": part.name, "line": part.line} | _counts(part)
            for part in functions(coverage)
        ],
        "uncovered": [
            {
                "file": gap.path,
                "line": gap.line,
                "function": gap.function,
                "what": gap.what,
                "text": gap.text,
                "reason": gap.reason or None,
            }
            for gap in gaps(coverage)
        ],
    }


def table(coverage: Coverage) -> Table:
    """Return a table of files, with the functions that are not covered whole."""
    shown = Table(title=f"Coverage of {coverage.traces} traces, {coverage.steps:,} steps")
    shown.add_column("file or function")
    for name in ("functions", "lines", "branches"):
        shown.add_column(name, justify="right")
        shown.add_column("", no_wrap=True)
    partial: dict[str, list[Part]] = {}
    for part in functions(coverage):
        if any(covered < all_ for covered, all_ in (part.functions, part.lines, part.branches)):
            partial.setdefault(part.path, []).append(part)
    for part in files(coverage):
        shown.add_row(part.path, *_cells(part))
        for one in partial.get(part.path, ()):
            shown.add_row(f"  {one.name}:{one.line}", *_cells(one), style="dim")
    shown.add_section()
    shown.add_row("total", *_cells(summary(coverage)), style="bold")
    return shown


_BAR = 8


def _cells(part: Part) -> Iterator[str]:
    for covered, all_ in (part.functions, part.lines, part.branches):
        full = _BAR * covered // all_ if all_ else 0
        yield f"{covered}/{all_}" if all_ else ""
        yield "█" * full + "░" * (_BAR - full) if all_ else ""
