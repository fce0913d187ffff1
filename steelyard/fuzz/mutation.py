"""Plays the campaign on mutants of the libraries, one at a time, and tells which live: `make mutate`.

A mutant that lives is either a gap in the fuzzer or the same program in other words. Each of the latter is argued in
`docs/mutation.md`, by id; the command fails while one lives that is not.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from steelyard.failures import Failure, named
from steelyard.fuzz.canaries.build import CompilationFailed, build, check, read_sources
from steelyard.fuzz.findings import Store
from steelyard.fuzz.mutants import LIBRARIES, Mutant, drawn, mutants_of
from steelyard.fuzz.progress import countdown
from steelyard.fuzz.self_test import BUDGET, EXIT_INTERRUPTED, EXIT_MISSED, CleanBuildFails, find, hunt
from steelyard.toolchain import ROOT, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.canaries import Sources

__all__ = ["ARGUED", "OUTCOMES", "Judge", "Verdict", "argued", "document", "main"]

ARGUED = ROOT / "docs" / "mutation.md"
"""Where mutants that live are argued to be the same program."""

OUTCOMES = ("killed", "survived", "same", "duplicate", "invalid")

_FOLDER = ROOT / "build" / "mutation"
_ID = re.compile(rf"`((?:{'|'.join(LIBRARIES)})-[0-9a-f]{{8}})`")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant.

    Attributes
    ----------
    id, library, line, operator, old, new
        Of the mutant; lines without the blanks around them.
    outcome : str
        `killed`; `survived`; `same`, which compiles to the code of the contracts as they are; `duplicate`, which
        compiles to that of another mutant; `invalid`, which does not compile.
    by : str
        Kind of the failure, or the id of the other mutant.
    steps : int
        Transactions that were played.
    code : str
        Digits of the code of all contracts.
    """

    id: str
    library: str
    line: int
    operator: str
    old: str
    new: str
    outcome: str
    by: str = ""
    steps: int = 0
    code: str = ""

    @property
    def is_played(self) -> bool:
        """Whether a campaign was played on it."""
        return self.outcome in ("killed", "survived")


def _code(artefacts: Artefacts) -> str:
    parts = sorted((one.name, one.creation_code.hex(), one.runtime_code.hex()) for one in artefacts.all)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


class Judge:
    """Builds mutants and plays on them.

    Parameters
    ----------
    sources : dict of str to str
        The contracts.
    known : dict of str to Verdict
        What became of others, by id.
    budget : int
        Steps that are played on a mutant before it has survived.
    """

    def __init__(self, sources: Sources, known: dict[str, Verdict], budget: int = BUDGET) -> None:
        self._sources = sources
        self._budget = budget
        self._base = build(sources)
        self._clean = _code(self._base)
        self._codes = {one.code: one.id for one in known.values() if one.is_played}

    def judge(self, mutant: Mutant) -> Verdict:
        """Return what becomes of a mutant."""

        def verdict(outcome: str, by: str = "", steps: int = 0, code: str = "") -> Verdict:
            old, new = mutant.old.strip(), " ".join(mutant.new.split())
            place = mutant.id, mutant.library, mutant.line, mutant.operator
            return Verdict(*place, old, new, outcome, by, steps, code)

        planted = mutant.plant(self._sources)
        try:
            check(mutant.path, planted)
            artefacts = build(planted, base=self._base, changed=mutant.path)
        except CompilationFailed:
            return verdict("invalid")
        code = _code(artefacts)
        if code == self._clean:
            return verdict("same", code=code)
        other = self._codes.setdefault(code, mutant.id)
        if other != mutant.id:
            return verdict("duplicate", other, code=code)
        played = hunt(artefacts, 0, self._budget)
        return verdict("killed" if played.by else "survived", played.by, played.steps, code)


def argued(text: str | None = None) -> frozenset[str]:
    """Return the ids of the mutants that are argued to be the same program, in `text` or in `ARGUED`."""
    if text is None:
        text = ARGUED.read_text(encoding="utf-8") if ARGUED.exists() else ""
    return frozenset(_ID.findall(text))


# ---- the run


def _judged(
    order: list[Mutant], sources: Sources, store: Store[Verdict], *, count: int | None, again: bool, budget: int
) -> Iterator[Verdict]:
    """Yield verdicts in order, known ones first taken from the store, until a campaign was played on `count`."""
    known = store.read()
    judge = Judge(sources, known, budget)
    played = 0
    for mutant in order:
        if count is not None and played >= count:
            return
        verdict = known.get(mutant.id)
        if verdict is None or (again and verdict.outcome == "survived"):
            verdict = judge.judge(mutant)
            store.add(verdict)
        played += verdict.is_played
        yield verdict


def document(verdicts: Iterable[Verdict], made: Counter[str], **parameters: Any) -> dict[str, Any]:
    """Return the outcome as a JSON document, of mutants that do not compile only how many there are."""
    verdicts = sorted(verdicts, key=lambda one: (one.library, one.line, one.id))
    libraries = {}
    for library in sorted(made):
        counts = Counter(one.outcome for one in verdicts if one.library == library)
        libraries[library] = {
            "made": made[library],
            "drawn": counts.total(),
            **{name: counts[name] for name in OUTCOMES},
        }
    mutants = [
        {name: value for name, value in asdict(one).items() if name != "code"}
        for one in verdicts
        if one.outcome != "invalid"
    ]
    return {**parameters, "libraries": libraries, "mutants": mutants}


def _tell(outcome: dict[str, Any], console: Console) -> None:
    table = Table()
    table.add_column("library")
    columns = ("made", "drawn", *OUTCOMES)
    for name in columns:
        table.add_column(name, justify="right")
    libraries = outcome["libraries"]
    for library, counts in libraries.items():
        table.add_row(library, *(f"{counts[name]:,}" for name in columns))
    table.add_row("all", *(f"{sum(counts[name] for counts in libraries.values()):,}" for name in columns))
    console.print(table)


@click.command()
@click.option("--library", "libraries", type=click.Choice(LIBRARIES), multiple=True, help="Only mutants of this one.")
@click.option("--sample", type=click.IntRange(1), help="Play on so many, spread over libraries and operators.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the order of the sample.")
@click.option("--budget", type=click.IntRange(1), default=BUDGET, show_default=True, help="Steps for each.")
@click.option("--again", is_flag=True, help="Play again on those that survived, for instance after a move was added.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
@named
def main(libraries: tuple[str, ...], sample: int | None, seed: int, budget: int, again: bool, as_json: bool) -> None:
    """Play the campaign on mutants of the libraries and tell which live.

    What is known of the same contracts is not played again, so an interrupted run goes on where it was, and a mutant
    that was killed once counts as killed. Exit codes: 0 all is well, 1 an error by name, 2 wrong usage, 5 one lives
    that is not argued, 130 interrupted.
    """
    prepare()
    sources = read_sources()
    state = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:16]
    clean = find(None, sources=sources, budget=budget)
    if clean.found:
        raise Failure(CleanBuildFails(clean))
    store = Store(_FOLDER / f"verdicts-{state}-{budget}.jsonl", Verdict)
    console = Console(stderr=True)
    verdicts: list[Verdict] = []
    mutants = [mutant for library in libraries or LIBRARIES for mutant in mutants_of(library, sources)]
    known = argued()
    with countdown(console) as progress:
        try:
            task = progress.add_task("mutants", total=min(sample or len(mutants), len(mutants)))
            order = drawn(mutants, seed)
            texts = {mutant.id: mutant.describe() for mutant in mutants}
            for one in _judged(order, sources, store, count=sample, again=again, budget=budget):
                verdicts.append(one)
                progress.advance(task, one.is_played if sample else 1)
                if one.outcome == "survived":
                    said = "argued" if one.id in known else "LIVES"
                    progress.console.print(f"{said}: {texts[one.id]}", markup=False, soft_wrap=True)
        except KeyboardInterrupt:
            console.print(f"interrupted: {len(verdicts)} mutants are known, the next run goes on from there")
            sys.exit(EXIT_INTERRUPTED)
    outcome = document(
        verdicts,
        Counter(mutant.library for mutant in mutants),
        seed=seed,
        sample=sample,
        budget=budget,
    )
    if as_json:
        click.echo(json.dumps(outcome, indent=1))
    else:
        _tell(outcome, Console())
    lives = [one.id for one in verdicts if one.outcome == "survived" and one.id not in known]
    console.print(f"{len(lives)} live that are not argued in {ARGUED.relative_to(ROOT)}: {', '.join(lives) or 'none'}")
    sys.exit(EXIT_MISSED if lives else 0)


if __name__ == "__main__":
    main()
