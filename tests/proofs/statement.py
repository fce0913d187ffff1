"""Statements that z3 proves, and that it must refute once a bound is dropped or the claim is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import z3

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NotProved", "Statement", "counterexample", "magnitude", "maximum", "minimum", "prove"]

_TIMEOUT: Final = 300_000
"""Of one question to z3 [ms]; the slowest takes 7 seconds on a quiet machine, all others less than one."""


class NotProved(AssertionError):
    """z3 found a counterexample, or gave up."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim about all values within bounds.

    Parameters
    ----------
    claim : z3.BoolRef
        What follows.
    bounds : mapping of str to z3.BoolRef, optional
        What it takes, by name. Without any one of them the claim must be false.
    given : tuple of z3.BoolRef, optional
        What the symbols mean, such as a root or the sign of a price: it is never dropped.
    mutants : mapping of str to z3.BoolRef, optional
        Claims that must be false even within the bounds, by what they change.
    """

    claim: z3.BoolRef
    bounds: Mapping[str, z3.BoolRef] = field(default_factory=dict)
    given: tuple[z3.BoolRef, ...] = ()
    mutants: Mapping[str, z3.BoolRef] = field(default_factory=dict)

    def without(self, bound: str) -> Statement:
        """Return the statement with a bound dropped."""
        return Statement(self.claim, {name: held for name, held in self.bounds.items() if name != bound}, self.given)

    def claiming(self, mutant: str) -> Statement:
        """Return the statement with a changed claim."""
        return Statement(self.mutants[mutant], self.bounds, self.given)


def prove(statement: Statement) -> None:
    """Prove a statement.

    Raises
    ------
    NotProved
        There is a counterexample, or none was found and none excluded.
    """
    verdict, model = _search(statement)
    if verdict != z3.unsat:
        raise NotProved(f"{verdict}: {model}")


def counterexample(statement: Statement) -> dict[str, Any]:
    """Return values within the bounds that contradict a false claim: integers, or z3's own numbers.

    Raises
    ------
    NotProved
        The claim is true, or z3 gave up.
    """
    verdict, model = _search(statement)
    if verdict != z3.sat:
        raise NotProved(f"no counterexample: {verdict}")
    return {
        symbol.name(): value.as_long() if z3.is_int_value(value := model[symbol]) else value for symbol in model.decls()
    }


def _search(statement: Statement) -> tuple[z3.CheckSatResult, Any]:
    solver = z3.Solver()
    solver.set("timeout", _TIMEOUT)
    solver.add(*statement.given, *statement.bounds.values(), z3.Not(statement.claim))
    verdict = solver.check()
    return verdict, solver.model() if verdict == z3.sat else solver.reason_unknown()


def magnitude(value: z3.ArithRef) -> z3.ArithRef:
    """Return ``|value|``."""
    return z3.If(value < 0, -value, value)


def maximum(first: z3.ArithRef, *others: z3.ArithRef) -> z3.ArithRef:
    """Return the largest."""
    for other in others:
        first = z3.If(other > first, other, first)
    return first


def minimum(first: z3.ArithRef, *others: z3.ArithRef) -> z3.ArithRef:
    """Return the smallest."""
    for other in others:
        first = z3.If(other < first, other, first)
    return first
