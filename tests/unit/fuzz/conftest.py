"""What the tests of shrinking share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz.recipe import Grammar
from steelyard.fuzz.rehearsal import Rehearsal
from steelyard.fuzz.story import Teller

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.parameters import SystemParameters


@pytest.fixture(scope="session")
def grammar(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Grammar:
    """Return what reads and builds recipes."""
    return Grammar(artefacts, abi, parameters)


@pytest.fixture(scope="session")
def rehearsal(artefacts: Artefacts) -> Rehearsal:
    """Return the system, deployed."""
    return Rehearsal(artefacts)


@pytest.fixture
def teller(grammar: Grammar, parameters: SystemParameters, rehearsal: Rehearsal) -> Teller:
    """Return what tells stories."""
    return Teller(grammar, parameters, rehearsal.stage.addresses)
