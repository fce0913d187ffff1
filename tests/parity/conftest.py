"""Pairs of model and chain, each test on a state of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.evm.anvil import AnvilMachine
from steelyard.evm.machine import Machine
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.scenario import Scenario
    from steelyard.parameters import SystemParameters


@pytest.fixture(scope="session")
def stage(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Stage:
    """Return the system on the in-process EVM."""
    return Stage.built(Machine(artefacts, abi), parameters)


@pytest.fixture(scope="session")
def anvil_stage(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Iterator[Stage]:
    """Return the system on a node."""
    with AnvilMachine(artefacts, abi) as chain:
        yield Stage.built(chain, parameters)


@pytest.fixture
def scenario(stage: Stage) -> Iterator[Scenario]:
    """Return a scenario on the in-process EVM."""
    with stage.scenario() as scenario:
        yield scenario
