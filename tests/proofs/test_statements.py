"""Each statement is proved, and is false once any one of its bounds is dropped."""

from __future__ import annotations

import pytest

from tests.proofs import intervals, liquidation, margin, norm
from tests.proofs.statement import Statement, counterexample, prove

STATEMENTS: dict[str, Statement] = {
    f"{module.__name__.rpartition('.')[2]}: {name}": statement
    for module in (norm, margin, liquidation, intervals)
    for name, statement in module.LEMMAS.items()
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement__within_its_bounds__is_proved(name: str) -> None:
    prove(STATEMENTS[name])


@pytest.mark.parametrize(
    ("name", "bound"), [(name, bound) for name, statement in STATEMENTS.items() for bound in statement.bounds]
)
def test_statement__without_a_bound__is_false(name: str, bound: str) -> None:
    assert counterexample(STATEMENTS[name].without(bound))


@pytest.mark.parametrize(
    ("name", "mutant"), [(name, mutant) for name, statement in STATEMENTS.items() for mutant in statement.mutants]
)
def test_statement__with_another_claim__is_false(name: str, mutant: str) -> None:
    assert counterexample(STATEMENTS[name].claiming(mutant))


def test_statements__each__can_fail() -> None:
    assert all(statement.bounds or statement.mutants for statement in STATEMENTS.values())
