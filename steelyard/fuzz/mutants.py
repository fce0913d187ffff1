"""Mutants of the libraries: each a line of Solidity changed by a rule of universalmutator, sorted by what is changed.

The tool only makes the texts, in an environment of its own (`tools/mutator`). Which of them compile, which compile to
the same code, and which are found is for `steelyard.fuzz.mutation`.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from steelyard.toolchain import ROOT, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steelyard.fuzz.canaries import Sources

__all__ = ["LIBRARIES", "Mutant", "MutatorMissing", "drawn", "mutants_of"]

LIBRARIES = tuple(sorted(path.stem for path in (ROOT / "contracts" / "libraries").glob("*.sol")))
"""What is mutated."""

_PYTHON = ROOT / "build" / "mutation" / "venv" / "bin" / "python"
_RULES = ("universal.rules", "solidity.rules", "c_like.rules")
_ASK = """
import contextlib, io, json, sys
from universalmutator.mutator import mutants_regexp
with contextlib.redirect_stdout(io.StringIO()):
    found = mutants_regexp(
        sys.stdin.readlines(), ruleFiles=json.loads(sys.argv[1]), ignorePatterns=(), ignoreStringOnly=True
    )
print(json.dumps([(line, text, lhs.pattern) for line, text, _, (lhs, _) in found]))
"""

_ARITHMETIC = (r"\+", "-([^>])", r"\*", r"([^\*/])/([^\*/])", "%", r"\+=", "-=", "--", r"\+\+")
_COMPARISON = ("!=", "==", ">=", "<=", "<", "([^-])>")
_LOGIC = ("&&", r"\|\|", "!", "([^&])&([^&])", r"([^|])\|([^|])")
_CONDITION = ("if", "else", "while")
_STATEMENT = r"(^\s*)"
_NUMBER = r"(\D)(\d+)(\D)"
_ARGUMENTS = r"([,\(\[\{])"
_TOKEN = r"(\S+\s+)(\S+)(\s+)"
_NAMES = ("min", "max", "begin", "end", "true", "false")


class MutatorMissing(ToolchainError):
    """The mutation tool is not installed."""

    def __init__(self) -> None:
        super().__init__(f"no {_PYTHON.relative_to(ROOT)}: run 'make mutate', which installs it")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A library with one line changed.

    Attributes
    ----------
    id : str
        Library, and digits of the change: the same wherever in the file the line stands.
    library : str
        Name of the library.
    line : int
        Number of the line, from 1.
    operator : str
        What is changed: `arithmetic`, `comparison`, `logic`, `condition`, `number`, `statement`, `arguments`, `token`,
        `name` or `type`.
    old, new : str
        The line, and what it becomes.
    """

    id: str
    library: str
    line: int
    operator: str
    old: str
    new: str

    @property
    def path(self) -> str:
        """Path of the file from the checkout."""
        return f"contracts/libraries/{self.library}.sol"

    def plant(self, sources: Sources) -> Sources:
        """Return a copy of `sources` with the change in it."""
        lines = sources[self.path].splitlines(keepends=True)
        lines[self.line - 1] = self.new
        return {**sources, self.path: "".join(lines)}

    def describe(self) -> str:
        """Return where it is and what it changes."""
        return (
            f"{self.id} {self.library}.sol:{self.line} {self.old.strip()} -> {' '.join(self.new.split()) or 'nothing'}"
        )


def operator_of(pattern: str) -> str:
    """Return the operator of a rule by the pattern that it replaces."""
    if pattern in _ARITHMETIC:
        return "arithmetic"
    if pattern in _COMPARISON:
        return "comparison"
    if pattern in _LOGIC:
        return "logic"
    if pattern in _NAMES:
        return "name"
    if pattern == _NUMBER:
        return "number"
    if pattern == _TOKEN:
        return "token"
    if pattern.startswith(_STATEMENT):
        return "statement"
    if pattern.startswith(_ARGUMENTS):
        return "arguments"
    return "condition" if pattern.startswith(_CONDITION) else "type"


def mutants_of(library: str, sources: Sources) -> list[Mutant]:
    """Return all mutants of a library, in the order of its lines; most do not compile.

    Raises
    ------
    MutatorMissing
        The tool is not installed.
    """
    if not _PYTHON.exists():
        raise MutatorMissing
    text = sources[f"contracts/libraries/{library}.sol"]
    command = [str(_PYTHON), "-c", _ASK, json.dumps(_RULES)]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines(keepends=True)
    counts = [lines[:number].count(line) for number, line in enumerate(lines)]
    found = []
    for number, new, pattern in json.loads(answer):
        old = lines[number - 1]
        key = json.dumps([library, old, counts[number - 1], new])
        digits = hashlib.sha256(key.encode()).hexdigest()[:8]
        found.append(Mutant(f"{library}-{digits}", library, number, operator_of(pattern), old, new))
    return found


def drawn(mutants: Iterable[Mutant], seed: int) -> list[Mutant]:
    """Return the mutants in an order of which every beginning is a sample: libraries and operators in turn.

    Within a library and an operator it is pseudo-random, decided by `seed` and the mutants' ids alone.
    """
    strata: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        strata.setdefault((mutant.library, mutant.operator), []).append(mutant)
    rows = [
        sorted(strata[key], key=lambda mutant: hashlib.sha256(f"{seed} {mutant.id}".encode()).digest())
        for key in sorted(strata, key=lambda key: (key[1], key[0]))
    ]
    return [mutant for row in zip_longest(*rows) for mutant in row if mutant is not None]
