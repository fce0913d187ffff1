"""What the arithmetic of a library can come to: its syntax tree, run on intervals instead of numbers.

Each function is run as the compiler understood it, calls into other libraries included. A condition that can be either
way is followed both ways, with what it says of a variable, and what comes of both is joined; a loop ends once it must.
Each result must fit its type, and each cast must keep the value: what does not is `DoesNotFit`, by its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from math import isqrt
from typing import TYPE_CHECKING, Any, Final

from tests.proofs.intervals import Interval, compare, compute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DoesNotFit", "Items", "Ranges", "Record"]

Node = dict[str, Any]
Value = Any
"""An `Interval`, a truth value or None for either, a `Record`, `Items`, a word as text, or a tuple of values."""

_NEVER_MORE: Final = 1_000
"""Turns of a loop."""
_OPPOSITE: Final = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class DoesNotFit(AssertionError):
    """A result is beyond its type, or a cast changes a value."""


class _Unreachable(Exception):
    """No value satisfies the conditions so far."""


@dataclass(slots=True, eq=False)
class Record:
    """A struct or an array of fixed length in memory, the latter by the text of the index."""

    fields: dict[str, Value]


@dataclass(slots=True, eq=False)
class Items:
    """An array in memory: how long it can be, and what any element can be."""

    length: Interval
    item: Value


@dataclass(slots=True)
class _Frame:
    results: Sequence[Node]
    values: dict[int, Value] = field(default_factory=dict)
    returned: list[Any] = field(default_factory=list)
    is_dead: bool = False


_EXTERNAL: Final[dict[str, Callable[..., Interval]]] = {
    "max": lambda one, other: Interval(max(one.low, other.low), max(one.high, other.high)),
    "min": lambda one, other: Interval(min(one.low, other.low), min(one.high, other.high)),
    "divUp": lambda one, other: -(-one / other) if one.high <= 0 else one / other + Interval(0, 1),
    "sqrt": lambda square: Interval(isqrt(square.low), isqrt(square.high)),
    "clamp": lambda one, low, high: Interval(
        min(max(one.low, low.low), high.low), min(max(one.high, low.high), high.high)
    ),
}
"""Functions of `FixedPointMathLib`, which are audited elsewhere."""


class Ranges:
    """Runs functions on intervals.

    Parameters
    ----------
    trees : mapping of str to dict
        Syntax trees by path.
    sources : mapping of str to str
        Their texts.
    inputs : mapping of str to Interval
        What functions that read packed words return.
    lemmas : mapping of str to Interval
        Expressions of whose values more is proved than intervals can tell, by their text.

    Attributes
    ----------
    checked : dict of str to Interval
        What each expression came to, by its text.
    used : set of str
        Lemmas that were needed.
    """

    def __init__(
        self,
        trees: Mapping[str, Node],
        sources: Mapping[str, str],
        inputs: Mapping[str, Interval],
        lemmas: Mapping[str, Interval],
    ) -> None:
        self._inputs, self._lemmas = inputs, lemmas
        self._named: Mapping[str, Value] = {}
        self._texts: list[bytes] = [b""] * (1 + max(int(tree["src"].rsplit(":", 1)[1]) for tree in trees.values()))
        self._by_id: dict[int, Node] = {}
        self._functions: dict[str, Node] = {}
        self.checked: dict[str, Interval] = {}
        self.used: set[str] = set()
        self._heap: list[Record | Items] = []
        self._frame = _Frame(())
        for path, tree in trees.items():
            self._texts[int(tree["src"].rsplit(":", 1)[1])] = sources[path].encode()
            for unit in tree["nodes"]:
                members = unit["nodes"] if unit["nodeType"] == "ContractDefinition" else [unit]
                for member in members:
                    self._by_id[member["id"]] = member
                    if member["nodeType"] == "FunctionDefinition":
                        self._functions[f"{unit['name']}.{member['name']}"] = member

    def call(self, name: str, *args: Value) -> Value:
        """Return what ``Library.function`` can return.

        Raises
        ------
        DoesNotFit
            A result does not fit its type.
        """
        return self._call(self._functions[name], args)

    def declared(self, name: str) -> Node:
        """Return the syntax tree of ``Library.function``."""
        return self._functions[name]

    def new(self, **fields: Value) -> Record:
        """Return a struct in memory."""
        record = Record(fields)
        self._heap.append(record)
        return record

    def items(self, length: Interval, item: Value) -> Items:
        """Return an array in memory."""
        if isinstance(item, Record) and length.high > 1:
            raise NotImplementedError("several structs as one")
        items = Items(length, item)
        self._heap.append(items)
        return items

    def evaluate(self, node: Node, **named: Value) -> Value:
        """Return what an expression can come to, with the parameters that it names."""
        self._frame = _Frame(())
        self._named = named
        return self._value(node)

    def _text(self, node: Node) -> str:
        start, length, source = map(int, node["src"].split(":"))
        return " ".join(self._texts[source][start : start + length].decode().split())

    # ---- calls

    def _call(self, function: Node, args: Sequence[Value]) -> Value:
        caller, results = self._frame, function["returnParameters"]["parameters"]
        frame = self._frame = _Frame(results)
        for parameter, value in zip(function["parameters"]["parameters"], args, strict=True):
            frame.values[parameter["id"]] = value
        for result in results:
            frame.values[result["id"]] = self._zero(result["typeName"])
        try:
            self._run(function["body"])
            if not frame.is_dead:
                self._return(tuple(frame.values[result["id"]] for result in results))
            value = self._joined(frame.returned)
        finally:
            self._frame = caller
        return value[0] if len(value) == 1 else value

    def _return(self, value: tuple[Value, ...]) -> None:
        self._frame.returned.append((value, self._contents()))
        self._frame.is_dead = True

    def _joined(self, returned: list[Any]) -> tuple[Value, ...]:
        if not returned:
            raise _Unreachable
        values, contents = zip(*returned, strict=True)
        self._restore(reduce(_join_contents, contents))
        return tuple(reduce(_join, column) for column in zip(*values, strict=True)) or ((),)

    def _zero(self, kind: Node) -> Value:
        """Return what a variable of a type starts as."""
        name = kind["typeDescriptions"]["typeString"]
        if name == "bool":
            return False
        if _range_of(name) is not None:
            return Interval(0, 0)
        if kind["nodeType"] == "ArrayTypeName":
            item, length = kind["baseType"], kind.get("length")
            if length is None:
                return self.items(Interval(0, 0), self._zero(item))
            return self.new(**{str(at): self._zero(item) for at in range(int(length["value"]))})
        members = self._by_id[kind["referencedDeclaration"]].get("members")
        return name if members is None else self.new(**{one["name"]: self._zero(one["typeName"]) for one in members})

    # ---- states

    def _contents(self) -> list[tuple[Any, Any]]:
        return [
            (thing, dict(thing.fields) if isinstance(thing, Record) else (thing.length, thing.item))
            for thing in self._heap
        ]

    def _restore(self, contents: list[tuple[Any, Any]]) -> None:
        for thing, content in contents:
            if isinstance(thing, Record):
                thing.fields = dict(content)
            else:
                thing.length, thing.item = content

    def _state(self) -> tuple[dict[int, Value], list[tuple[Any, Any]]]:
        return dict(self._frame.values), self._contents()

    def _go_to(self, states: list[Any]) -> None:
        """Go on from where any of `states` is, or from nowhere."""
        self._frame.is_dead = not states
        if states:
            self._frame.values = dict(reduce(_join_values, [values for values, _ in states]))
            self._restore(reduce(_join_contents, [contents for _, contents in states]))

    def _follow(self, condition: Node, step: Callable[[bool], None]) -> None:
        """Run `step` with each outcome that `condition` can have, and join what comes of them."""
        truth = self._value(condition)
        before, after = self._state(), []
        for outcome in (True, False) if truth is None else (truth,):
            self._go_to([before])
            try:
                self._assume(condition, outcome)
                step(outcome)
            except _Unreachable:
                continue
            if not self._frame.is_dead:
                after.append(self._state())
        self._go_to(after)

    def _assume(self, condition: Node, outcome: bool) -> None:
        """Narrow the variable that a comparison is about."""
        if condition["nodeType"] != "BinaryOperation" or condition["operator"] not in _OPPOSITE:
            return
        operator = condition["operator"] if outcome else _OPPOSITE[condition["operator"]]
        left, right = condition["leftExpression"], condition["rightExpression"]
        self._narrow(left, operator, right)
        self._narrow(right, _MIRRORED[operator], left)

    def _narrow(self, node: Node, operator: str, other: Node) -> None:
        limit = self._value(other)
        is_magnitude = node["nodeType"] == "FunctionCall" and node["expression"].get("memberName") == "abs"
        name = node["expression"]["expression"] if is_magnitude else node
        if name["nodeType"] != "Identifier" or not isinstance(limit, Interval):
            return
        at = name["referencedDeclaration"]
        value = self._frame.values.get(at)
        if not isinstance(value, Interval):
            return
        far = max(abs(value.low), abs(value.high), abs(limit.low), abs(limit.high)) + 1
        low, high = {
            "<": (-far, limit.high - 1),
            "<=": (-far, limit.high),
            ">": (limit.low + 1, far),
            ">=": (limit.low, far),
            "==": (limit.low, limit.high),
            "!=": (-far, far),
        }[operator]
        if is_magnitude:
            low, high = (-high, high) if operator in ("<", "<=") else (-far, far)
        narrowed = value.meet(Interval(low, high)) if low <= high else None
        if narrowed is None:
            raise _Unreachable
        self._frame.values[at] = narrowed

    # ---- statements

    def _run(self, node: Node) -> None:
        if self._frame.is_dead:
            return
        kind = node["nodeType"]
        if kind in ("Block", "UncheckedBlock"):
            for statement in node["statements"]:
                self._run(statement)
        elif kind == "ExpressionStatement":
            self._value(node["expression"])
        elif kind == "VariableDeclarationStatement":
            self._declare(node)
        elif kind == "IfStatement":
            branches = {True: node["trueBody"], False: node.get("falseBody")}
            self._follow(node["condition"], lambda outcome: self._run(branches[outcome]) if branches[outcome] else None)
        elif kind == "ForStatement":
            self._loop(node)
        elif kind == "Return":
            value = self._value(node["expression"])
            self._return(value if isinstance(value, tuple) else (value,))
        else:
            raise NotImplementedError(kind)

    def _declare(self, node: Node) -> None:
        declared = node["declarations"]
        if node.get("initialValue") is None:
            values: tuple[Value, ...] = tuple(self._zero(one["typeName"]) for one in declared)
        else:
            value = self._value(node["initialValue"])
            values = value if isinstance(value, tuple) else (value,)
        for one, value in zip(declared, values, strict=True):
            if one is not None:
                self._frame.values[one["id"]] = value

    def _loop(self, node: Node) -> None:
        self._run(node["initializationExpression"])
        ends = []
        for _ in range(_NEVER_MORE):
            truth = self._value(node["condition"])
            if truth is not True:
                ends.append(self._state())
            if truth is False:
                break
            self._assume(node["condition"], outcome=True)
            self._run(node["body"])
            self._run(node["loopExpression"])
        else:
            raise NotImplementedError("a loop without end")
        self._go_to(ends)

    # ---- expressions

    def _value(self, node: Node) -> Value:
        value = getattr(self, "_" + re.sub("(?<!^)(?=[A-Z])", "_", node["nodeType"]).lower())(node)
        return self._fitting(node, value) if isinstance(value, Interval) else value

    def _fitting(self, node: Node, value: Interval) -> Interval:
        bounds = _range_of(node["typeDescriptions"]["typeString"])
        if bounds is None or node["nodeType"] in ("Identifier", "Literal"):
            return value
        text = self._text(node)
        known = self._lemmas.get(text)
        if known is not None:
            narrowed = value.meet(known)
            if narrowed is None:
                raise _Unreachable
            self.used.add(text)
            value = narrowed
        if not bounds.low <= value.low <= value.high <= bounds.high:
            raise DoesNotFit(f"{text} is from {value.low} to {value.high}: no {bounds}")
        self.checked[text] = value.join(self.checked.get(text, value))
        return value

    def _literal(self, node: Node) -> Value:
        return node["value"] == "true" if node["kind"] == "bool" else Interval(*(int(Decimal(node["value"])),) * 2)

    def _identifier(self, node: Node) -> Value:
        at = node["referencedDeclaration"]
        if at in self._frame.values:
            return self._frame.values[at]
        return self._named[node["name"]] if node["name"] in self._named else self._constant(at)

    def _constant(self, at: int) -> Value:
        return self._value(self._by_id[at]["value"])

    def _tuple_expression(self, node: Node) -> Value:
        values = tuple(self._value(one) for one in node["components"])
        return values[0] if len(values) == 1 else values

    def _conditional(self, node: Node) -> Value:
        values: list[Value] = []
        branches = {True: node["trueExpression"], False: node["falseExpression"]}
        before = self._frame.values
        self._follow(node["condition"], lambda outcome: values.append(self._value(branches[outcome])))
        self._frame.values = {**self._frame.values, **before}
        return reduce(_join, values)

    def _unary_operation(self, node: Node) -> Value:
        operand = node["subExpression"]
        value, operator = self._value(operand), node["operator"]
        if operator == "!":
            return None if value is None else not value
        if operator == "-":
            return -value
        changed = value + Interval(1, 1) if operator == "++" else value - Interval(1, 1)
        self._assign(operand, self._fitting(node, changed))
        return changed if node["prefix"] else value

    def _binary_operation(self, node: Node) -> Value:
        left, right = self._value(node["leftExpression"]), self._value(node["rightExpression"])
        operator = node["operator"]
        return compare(operator, left, right) if operator in _OPPOSITE else compute(operator, left, right)

    def _assignment(self, node: Node) -> Value:
        value = self._value(node["rightHandSide"])
        if node["operator"] != "=":
            value = compute(node["operator"][:-1], self._value(node["leftHandSide"]), value)
            value = self._fitting(node, value)
        self._assign(node["leftHandSide"], value)
        return value

    def _assign(self, node: Node, value: Value) -> None:
        kind = node["nodeType"]
        if kind == "TupleExpression":
            for one, part in zip(node["components"], value, strict=True):
                self._assign(one, part)
        elif kind == "Identifier":
            self._frame.values[node["referencedDeclaration"]] = value
        elif kind == "MemberAccess":
            self._value(node["expression"]).fields[node["memberName"]] = value
        else:
            items = self._value(node["baseExpression"])
            if isinstance(items, Record):
                items.fields[self._at(node)] = value
            else:
                items.item = _join(items.item, value)

    def _index_access(self, node: Node) -> Value:
        items = self._value(node["baseExpression"])
        return items.fields[self._at(node)] if isinstance(items, Record) else items.item

    def _at(self, node: Node) -> str:
        index = self._value(node["indexExpression"])
        if index.low != index.high:
            raise NotImplementedError("any of several elements")
        return str(index.low)

    def _member_access(self, node: Node) -> Value:
        base = node["expression"]
        kind = base["typeDescriptions"]["typeString"]
        if kind.startswith("type("):
            bounds = _range_of(kind[5:-1])
            if bounds is not None:
                return Interval(*(getattr(bounds, {"max": "high", "min": "low"}[node["memberName"]]),) * 2)
            return self._constant(node["referencedDeclaration"])
        thing = self._value(base)
        return thing.length if isinstance(thing, Items) else thing.fields[node["memberName"]]

    def _function_call(self, node: Node) -> Value:
        called = node["expression"]
        if called["nodeType"] == "NewExpression":
            return self.items(self._value(node["arguments"][0]), self._zero(called["typeName"]["baseType"]))
        args = [self._value(one) for one in node["arguments"]]
        if node["kind"] == "typeConversion":
            return args[0]
        name = called.get("memberName") or called["name"]
        if name in ("wrap", "unwrap"):
            return args[0]
        if called["nodeType"] == "MemberAccess":
            base = called["expression"]
            if not base["typeDescriptions"]["typeString"].startswith("type("):
                args.insert(0, self._value(base))
        if name in self._inputs:
            return self._inputs[name]
        function = self._by_id.get(called["referencedDeclaration"])
        return _EXTERNAL[name](*args) if function is None else self._call(function, args)


def _range_of(kind: str) -> Interval | None:
    """Return what a type can hold, of integers."""
    found = re.fullmatch(r"(u?)int(\d+)", kind)
    if found is None:
        return None
    bits = int(found[2])
    return Interval(0, 2**bits - 1) if found[1] else Interval(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _join(one: Value, other: Value) -> Value:
    if isinstance(one, Interval):
        return one.join(other)
    if isinstance(one, tuple):
        return tuple(_join(mine, its) for mine, its in zip(one, other, strict=True))
    if one is other:
        return one
    if isinstance(one, str):
        return other
    return None


def _join_values(one: Any, other: Any) -> dict[int, Value]:
    return {at: _join(one[at], other[at]) for at in one.keys() & other.keys()}


def _join_contents(one: list[tuple[Any, Any]], other: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    others = dict(other)
    joined = []
    for thing, content in one:
        also = others.pop(thing, content)
        if isinstance(thing, Record):
            joined.append((thing, {name: _join(value, also[name]) for name, value in content.items()}))
        else:
            joined.append((thing, _join(content, also)))
    return joined + list(others.items())
