"""Contracts with probes in their text: what is executed leaves a mark that neither a revert nor a view can undo.

A probe is a call of an address that holds nothing; one address stands for one point. The in-process EVM keeps every
account that it has looked at, so that `Machine.seen` names the points. Probes are written into the source where the
compiler's syntax tree says a function, a statement or a decision begins: what is covered is exact, whatever the
optimiser does, and the contracts behave as before, gas and size apart.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.canaries.build import REMAPPINGS, CompilationFailed, ask
from steelyard.toolchain import prepare

if TYPE_CHECKING:
    from steelyard.fuzz.canaries.canary import Sources

__all__ = ["BASE", "Point", "Probed", "syntax_trees"]

BASE = 0xC0DE << 144
"""Address of the first point."""

_MOCKS = "contracts/mocks"
"""Files there get no probes: they are no part of the system."""
_PROBES = "contracts/coverage/Probes.sol"
# Functions that are pure must stay so, and so must operators: hence the casts. The addresses are called, not asked for
# their balance, because the optimiser drops what has no effect.
_TEXT = f"""// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

function __mark(uint256 point) view {{
    assembly ("memory-safe") {{
        pop(staticcall(gas(), add({BASE:#x}, point), 0, 0, 0, 0))
    }}
}}

function __asPure(function(uint256) view marks) pure returns (function(uint256) pure pureMarks) {{
    assembly ("memory-safe") {{
        pureMarks := marks
    }}
}}

function __probe(uint256 point) pure {{
    __asPure(__mark)(point);
}}

function __decided(uint256 point, bool value) pure returns (bool) {{
    uint256 direction;
    assembly ("memory-safe") {{
        direction := value
    }}
    __asPure(__mark)(point + direction);
    return value;
}}
"""

_STATEMENTS = frozenset(
    {
        "Break",
        "Continue",
        "DoWhileStatement",
        "EmitStatement",
        "ExpressionStatement",
        "ForStatement",
        "IfStatement",
        "InlineAssembly",
        "Return",
        "RevertStatement",
        "TryStatement",
        "VariableDeclarationStatement",
        "WhileStatement",
    }
)
_BLOCKS = frozenset({"Block", "UncheckedBlock"})

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """Something that is executed or not.

    Attributes
    ----------
    id : int
        Its number; of a decision that of `false`, and the next one is `true`.
    kind : str
        `function`, `statement` or `decision`.
    path : str
        Of the file, from the project's folder.
    line : int
        At which it begins, from 1.
    function : str
        In which it lies, with its contract where it has one.
    text : str
        Of a statement or a decision, in one line.
    cause : int
        Without this number nothing gets here: the function, or the way a decision went; -1 for a function.
    """

    id: int
    kind: str
    path: str
    line: int
    function: str
    text: str
    cause: int


class Probed:
    """The contracts with their probes.

    Parameters
    ----------
    sources : dict of str to str
        The contracts as they are, by path from the project's folder.

    Attributes
    ----------
    sources : dict of str to str
        With probes.
    points : tuple of Point
        By number.

    Raises
    ------
    CompilationFailed
        They do not compile.
    """

    def __init__(self, sources: Sources) -> None:
        points: list[Point] = []
        self.sources: Sources = {_PROBES: _TEXT}
        trees = syntax_trees(sources)
        first = 0
        for path, text in sources.items():
            file = _File(path, text.encode(), first)
            if posixpath.dirname(path) != _MOCKS:
                file.walk(trees[path])
            first = file.next
            points += file.points
            self.sources[path] = file.text()
        self.points = tuple(points)


class _File:
    """One file on the way to its probes; offsets of the compiler count bytes."""

    def __init__(self, path: str, source: bytes, first: int) -> None:
        self._path, self._source = path, source
        self.next = first
        self.points: list[Point] = []
        self._openings: list[tuple[int, str]] = []
        self._closings: list[tuple[int, str]] = []

    def text(self) -> str:
        """Return the file with its probes."""
        if not self.points:
            return self._source.decode()
        # What closes at a place stands before what opens there; of what opens the outer comes first, of what closes the
        # inner: the order in which they were noted.
        edits = sorted(
            [(at, 0, text) for at, text in self._closings] + [(at, 1, text) for at, text in self._openings],
            key=lambda edit: edit[:2],
        )
        parts, last = [], 0
        for at, _, text in edits:
            parts += [self._source[last:at], text.encode()]
            last = at
        folder = posixpath.dirname(self._path)
        target = posixpath.relpath(_PROBES, folder)
        target = target if target.startswith(".") else f"./{target}"
        imported = f'\nimport {{__probe, __decided}} from "{target}";\n'
        return (b"".join(parts) + self._source[last:]).decode() + imported

    def walk(self, unit: Node) -> None:
        """Put probes into all functions of a file."""
        for node in unit["nodes"]:
            if node["nodeType"] == "ContractDefinition":
                for part in node["nodes"]:
                    self._function(part, f"{node['name']}.")
            else:
                self._function(node, "")

    def _function(self, node: Node, owner: str) -> None:
        if node["nodeType"] not in ("FunctionDefinition", "ModifierDefinition") or node.get("body") is None:
            return
        name = owner + (node["name"] or node["kind"])
        start, _ = _span(node["body"])
        point = self._point("function", _span(node), name, -1)
        self._openings.append((start + 1, f" __probe({point});"))
        self._statement(node["body"], name, point)

    def _statement(self, node: Node, name: str, cause: int) -> None:
        kind = node["nodeType"]
        if kind in _BLOCKS:
            for part in node["statements"]:
                self._statement(part, name, cause)
            return
        if kind not in _STATEMENTS:
            return
        start, _ = _span(node)
        point = self._point("statement", _span(node), name, cause)
        self._openings.append((start, f"__probe({point}); "))
        if kind == "IfStatement":
            decision = self._decision(node["condition"], name, point)
            self._body(node["trueBody"], name, decision + 1)
            if node.get("falseBody"):
                self._body(node["falseBody"], name, decision)
        elif kind in ("WhileStatement", "DoWhileStatement", "ForStatement"):
            # What stands in the head of a loop takes no statement.
            self._expression(node.get("initializationExpression"), name, point)
            # Without a condition, or with a constant, it is the loop itself that leads into its body.
            enters = point
            if node.get("condition") and node["condition"]["nodeType"] != "Literal":
                enters = self._decision(node["condition"], name, point) + 1
            self._expression(node.get("loopExpression"), name, enters)
            self._body(node["body"], name, point if kind == "DoWhileStatement" else enters)
        elif kind == "TryStatement":
            self._expression(node["externalCall"], name, point)
            for clause in node["clauses"]:
                self._statement(clause["block"], name, point)
        elif kind != "InlineAssembly":
            self._expression(node, name, point)

    def _body(self, node: Node, name: str, cause: int) -> None:
        """Put probes into what belongs to an `if` or a loop, in braces where it has none."""
        if node["nodeType"] in _BLOCKS:
            self._statement(node, name, cause)
            return
        self._openings.append((_span(node)[0], "{ "))
        self._statement(node, name, cause)
        self._closings.append((self._end(node), " }"))

    def _end(self, node: Node) -> int:
        """Return where a statement ends, its semicolon included."""
        kind = node["nodeType"]
        if kind == "IfStatement":
            return self._end(node.get("falseBody") or node["trueBody"])
        if kind in ("WhileStatement", "ForStatement"):
            return self._end(node["body"])
        end = _span(node)[1]
        if kind in _BLOCKS or kind in ("TryStatement", "InlineAssembly") or self._source[end - 1 : end] == b";":
            return end
        return self._source.index(b";", end) + 1

    def _expression(self, node: Any, name: str, cause: int) -> None:
        """Put probes around what an expression decides."""
        if isinstance(node, list):
            for part in node:
                self._expression(part, name, cause)
        elif isinstance(node, dict):
            kind = node.get("nodeType")
            if kind == "Conditional":
                decision = self._decision(node["condition"], name, cause)
                self._expression(node["trueExpression"], name, decision + 1)
                self._expression(node["falseExpression"], name, decision)
            elif kind == "BinaryOperation" and node["operator"] in ("&&", "||"):
                decision = self._decision(node["leftExpression"], name, cause)
                self._decision(node["rightExpression"], name, decision + (node["operator"] == "&&"))
            elif kind == "FunctionCall" and node["expression"].get("name") in ("require", "assert"):
                condition, *rest = node["arguments"]
                self._decision(condition, name, cause)
                self._expression(rest, name, cause)
            else:
                for part in node.values():
                    if isinstance(part, dict | list):
                        self._expression(part, name, cause)

    def _decision(self, node: Node, name: str, cause: int) -> int:
        """Put a probe around a condition, and return its number."""
        start, end = _span(node)
        point = self._point("decision", (start, end), name, cause)
        self.next += 1
        self._openings.append((start, f"__decided({point}, "))
        self._expression(node, name, cause)
        self._closings.append((end, ")"))
        return point

    def _point(self, kind: str, span: tuple[int, int], name: str, cause: int) -> int:
        start, end = span
        source = self._source
        text = "" if kind == "function" else " ".join(source[start:end].decode().split())
        line = source.count(b"\n", 0, start) + 1
        point = Point(self.next, kind, self._path, line, name, text, cause)
        self.points.append(point)
        self.next += 1
        return point.id


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = node["src"].split(":")
    return int(start), int(start) + int(length)


def syntax_trees(sources: Sources) -> dict[str, Node]:
    """Return the syntax tree of each file."""
    prepare()
    request = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sources.items()},
        "settings": {
            "evmVersion": "cancun",
            "remappings": REMAPPINGS,
            "outputSelection": {path: {"": ["ast"]} for path in sources},
        },
    }
    answer = ask("contracts", json.dumps(request))
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    if errors:
        raise CompilationFailed("contracts", errors)
    return {path: answer["sources"][path]["ast"] for path in sources}
