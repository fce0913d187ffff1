"""Pairs of model and chain, each test on a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from steelyard.evm.anvil import AnvilMachine
from steelyard.evm.deployment import Governors, deploy_system
from steelyard.evm.machine import Machine
from steelyard.fuzz.pair import Pair, model_of
from steelyard.fuzz.scenario import EVERYBODY, TOKEN, TRADING_ACCOUNTS, Scenario

if TYPE_CHECKING:
    from sim.protocol import World
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.evm.chain import Chain
    from steelyard.parameters import SystemParameters

WEI = 10**24


@dataclass(frozen=True, slots=True)
class Stage:
    """A chain with the system on it, ready to be played on again and again."""

    chain: Chain
    addresses: dict[str, str]
    parameters: SystemParameters

    @classmethod
    def built(cls, chain: Chain, parameters: SystemParameters) -> Stage:
        """Deploy the system on an empty chain."""
        for owner in EVERYBODY:
            chain.set_balance(owner, WEI)
        return cls(chain, deploy_system(chain, parameters), parameters)

    def model(self) -> World:
        """Return a model of the system as it was deployed."""
        return model_of(self.chain.abi, self.addresses, self.parameters, Governors())

    @contextmanager
    def scenario(self, *, funds: int = 100_000 * TOKEN) -> Iterator[Scenario]:
        """Give a scenario with tokens handed out, and undo it afterwards."""
        self.chain.snapshot()
        try:
            scenario = Scenario(Pair(self.model(), self.chain, self.addresses))
            scenario.open()
            if funds:
                scenario.fund(TRADING_ACCOUNTS, funds)
            yield scenario
        finally:
            self.chain.restore()


Open = Callable[[], AbstractContextManager[Scenario]]


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
