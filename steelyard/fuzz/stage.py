"""The system, deployed once and played on again and again."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steelyard.evm.deployment import TREASURY, Governors, deploy_system
from steelyard.evm.machine import Machine
from steelyard.fuzz.actors import AGGREGATORS, CONTRACTS
from steelyard.fuzz.pair import Pair, model_of
from steelyard.fuzz.scenario import EVERYBODY, TOKEN, Scenario
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.protocol import World
    from steelyard.evm.artefacts import Artefacts
    from steelyard.evm.chain import Chain
    from steelyard.parameters import SystemParameters

__all__ = ["FUNDS", "WEI", "Stage", "machine_of"]

WEI = 10**24
"""Native currency of each actor [wei]."""
FUNDS = 100_000 * TOKEN
"""What each account starts with [token units]."""
_CODE_LIMIT = 1 << 17
"""Of contracts that are not the project's own build [bytes]."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A chain with the system on it.

    Attributes
    ----------
    chain : Chain
        Any; what is played on it is undone.
    addresses : dict of str to str
        Of the contracts, by name.
    parameters : SystemParameters
        With which it was deployed.
    governors : Governors
        Who governs it.
    """

    chain: Chain
    addresses: dict[str, str]
    parameters: SystemParameters
    governors: Governors = field(default_factory=Governors)

    @classmethod
    def built(cls, chain: Chain, parameters: SystemParameters, governors: Governors | None = None) -> Stage:
        """Deploy the system on an empty chain, with a settlement token and an actor that can be told to misbehave."""
        for owner in EVERYBODY:
            chain.set_balance(owner, WEI)
        by = governors or Governors()
        addresses = deploy_system(chain, parameters, by, token=CONTRACTS["LocalToken"])
        addresses["HostileActor"] = chain.deploy("HostileActor", sender=TREASURY)
        addresses["LocalWallet"] = chain.deploy("LocalWallet", sender=TREASURY)
        for name, decimals in AGGREGATORS.items():
            addresses[name] = chain.deploy(CONTRACTS[name], (decimals,), sender=TREASURY, name=name)
        (extension,) = chain.read("Clearinghouse", "EXTENSION").returns
        addresses["ClearinghouseExt"] = extension
        chain.attach("ClearinghouseExt", "ClearinghouseExt", extension)
        return cls(chain, addresses, parameters, by)

    @classmethod
    def in_process(cls, artefacts: Artefacts | None = None) -> Stage:
        """Deploy the system of a local chain on an EVM in this process; for `artefacts` see `machine_of`."""
        return cls.built(machine_of(artefacts), load())

    def model(self) -> World:
        """Return a model of the system as it was deployed."""
        return model_of(self.chain.abi, self.addresses, self.parameters, self.governors)

    @contextmanager
    def pair(self, *, ahead: int = 1) -> Iterator[Pair]:
        """Give the pair as it was deployed, for instance to replay a trace, and undo it afterwards."""
        self.chain.snapshot()
        try:
            yield Pair(self.model(), self.chain, self.addresses, ahead=ahead)
        finally:
            self.chain.restore()

    @contextmanager
    def scenario(self, *, funds: int = FUNDS) -> Iterator[Scenario]:
        """Give a scenario with tokens handed out, and undo it afterwards."""
        with self.pair() as pair:
            scenario = Scenario(pair)
            scenario.set_stage(funds=funds)
            yield scenario


def machine_of(artefacts: Artefacts | None = None) -> Machine:
    """Return an EVM in this process.

    Contracts that are given may be compiled fast rather than well, and larger than a chain would take.
    """
    return Machine(artefacts, code_limit=None if artefacts is None else _CODE_LIMIT)
