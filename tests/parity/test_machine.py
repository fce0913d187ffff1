"""The fuzzer's actions as a Hypothesis state machine: model and contracts agree, and what fails shrinks to a few moves.

One rule for each action; the rule draws which of its moves is played, and the move draws its arguments, by the same
`Choices` as a campaign's. How many sequences there are is the profile's number of examples, see `tests/conftest.py`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sim.protocol.invariants import Invariants
from steelyard.fuzz.choices import DrawnChoices
from steelyard.fuzz.driver import WEIGHTS
from steelyard.fuzz.moves import AIMS
from steelyard.fuzz.pair import Mismatch
from steelyard.fuzz.stage import Stage
from tests.unit.fuzz.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.fuzz.scenario import Scenario

pytestmark = [pytest.mark.evm, pytest.mark.slow]

STEPS = 30
"""Longest sequence of moves."""
LONGEST = 3
"""Moves that suffice to show a fault, once they are shrunk."""
_QUICK = settings(
    phases=(Phase.generate, Phase.shrink), print_blob=False, report_multiple_bugs=False, stateful_step_count=12
)


@cache
def _stage() -> Stage:
    return Stage.in_process()


class Exchange(RuleBasedStateMachine):
    """Model and contracts, played by Hypothesis; what ran last stays in `played`."""

    played: ClassVar[list[str]] = []

    def __init__(self) -> None:
        super().__init__()
        self._open = _stage().scenario()
        self.scenario: Scenario = self._open.__enter__()
        self._invariants = Invariants(self.scenario.pair.model)
        self._is_whole = True
        self.played.clear()

    def play(self, action: str, data: st.DataObject) -> None:
        """Play one of an action's moves."""
        choices = DrawnChoices(data)
        aim = choices.pick(AIMS[action])
        self.played.append(aim.move.__name__)
        self._is_whole = False
        aim.move(self.scenario, choices)
        self._is_whole = True

    @invariant()
    def holds(self) -> None:
        """Check the invariants from scratch, and compare the next of the views."""
        self._invariants.check()
        self.scenario.compare_next()

    def teardown(self) -> None:
        """Compare all of the state, unless a move has failed, and undo it."""
        try:
            if self._is_whole:
                self.scenario.compare_words()
                self.scenario.compare()
        finally:
            self._open.__exit__(None, None, None)


def _rule(action: str) -> Callable[[Exchange, st.DataObject], None]:
    def play(self: Exchange, data: st.DataObject) -> None:
        self.play(action, data)

    play.__name__ = action
    return rule(data=st.data())(play)


for _action in WEIGHTS:
    setattr(Exchange, _action, _rule(_action))


def test_machine__any_moves__model_and_contracts_agree() -> None:
    run_state_machine_as_test(Exchange, settings=settings(stateful_step_count=STEPS))


def test_machine__rules__are_the_actions_of_campaigns() -> None:
    assert {name for name in vars(Exchange) if name in AIMS} == set(WEIGHTS) == set(AIMS)


def test_machine__planted_fault__is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["funding drifts the wrong way"].plant(monkeypatch)
    with pytest.raises(Mismatch):
        run_state_machine_as_test(Exchange, settings=_QUICK)
    assert 1 <= len(Exchange.played) <= LONGEST, Exchange.played
