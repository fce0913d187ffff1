"""What the in-process EVM and a node have in common: contracts by name, calls in, outcomes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_utils.address import to_checksum_address

from sim.protocol.outcome import Event, Outcome
from steelyard.evm.abi import AbiIndex, FunctionAbi
from steelyard.evm.artefacts import Artefacts
from steelyard.evm.packing import packer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CHAIN_ID",
    "START",
    "CallHalted",
    "Chain",
    "ChainError",
    "ContractUnknown",
    "DeploymentFailed",
    "InProcess",
    "Log",
    "NameTaken",
    "RawResult",
    "TimeReversed",
]

CHAIN_ID = 31_337
START = 1_700_000_000
"""Timestamp at which a chain starts [s]."""

Log = tuple[str, list[bytes], bytes]
"""Address with checksum, topics, data."""


_NOBODY = "0x" + "00" * 20


class ChainError(RuntimeError):
    """The chain was used in a way that has no outcome."""


class ContractUnknown(ChainError):
    """No contract was deployed under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no contract {name!r} was deployed")


class NameTaken(ChainError):
    """Another contract was deployed under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a contract {name!r} was deployed already")


class DeploymentFailed(ChainError):
    """A constructor reverted; `outcome` tells why."""

    def __init__(self, name: str, outcome: Outcome) -> None:
        super().__init__(f"deployment of {name} failed: {outcome.error}")
        self.outcome = outcome


class CallHalted(ChainError):
    """A call ended otherwise than by return or revert: out of gas, an invalid opcode, a sender without funds."""


class TimeReversed(ChainError):
    """Time does not run backwards."""

    def __init__(self, timestamp: int, now: int) -> None:
        super().__init__(f"{timestamp} lies before {now}")


class RawResult(NamedTuple):
    """What a call left, before it is decoded.

    Attributes
    ----------
    ok : bool
        Whether it returned; otherwise it reverted.
    data : bytes
        Returned data, or revert data.
    logs : sequence of Log
        Empty after a revert.
    gas_used : int
        Of the whole transaction where the chain tells it, else 0.
    """

    ok: bool
    data: bytes
    logs: list[Log]
    gas_used: int = 0


class Chain(ABC):
    """A chain with contracts that go by name.

    Parameters
    ----------
    artefacts : Artefacts, optional
        Compiled contracts, by default the project's own.
    index : AbiIndex, optional
        Of the same contracts, where one was built already.
    """

    def __init__(self, artefacts: Artefacts | None = None, index: AbiIndex | None = None) -> None:
        self.artefacts = artefacts or Artefacts()
        self.abi = index or AbiIndex(self.artefacts)
        self.addresses: dict[str, str] = {}
        """Lower-case address of each contract by its name."""
        self._types: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._packers: dict[tuple[str, str], tuple[str, bytes, Callable[[tuple[Any, ...]], bytes]]] = {}
        self._targets: dict[tuple[str, str], tuple[str, FunctionAbi]] = {}

    # ---- contracts

    def deploy(self, contract: str, args: tuple[Any, ...] = (), *, sender: str, name: str | None = None) -> str:
        """Deploy a contract and return its lower-case address.

        Parameters
        ----------
        contract : str
            Name of the compiled contract.
        args : tuple
            Of its constructor.
        sender : str
            Who deploys it.
        name : str, optional
            Name under which it is called, by default that of the contract.

        Raises
        ------
        DeploymentFailed
            The constructor reverted.
        NameTaken, ArtefactUnknown
            See there.
        """
        name = name or contract
        if name in self.addresses:
            raise NameTaken(name)
        code = self.artefacts[contract].creation_code + self.abi.constructor(contract).encode(args)
        address, result = self._create(sender, code)
        if not result.ok:
            raise DeploymentFailed(name, self._failed(result))
        self.attach(name, contract, address)
        return self.addresses[name]

    def attach(self, name: str, contract: str, address: str) -> None:
        """Let the contract at `address` go by `name`; `contract` says what it is."""
        if name in self.addresses:
            raise NameTaken(name)
        self.addresses[name] = address.lower()
        self._types[name] = contract
        self._names[to_checksum_address(address)] = name

    def type_of(self, name: str) -> str:
        """Return which contract goes by a name."""
        return self._types[name]

    # ---- calls

    def call(self, sender: str, contract: str, function: str, args: tuple[Any, ...] = (), value: int = 0) -> Outcome:
        """Send a transaction.

        Parameters
        ----------
        sender : str
            Address that sends it.
        contract : str
            Name under which the contract was deployed.
        function : str
            Name, or signature where it is overloaded.
        args : tuple
            As in `steelyard.evm.abi`.
        value : int
            [wei]

        Returns
        -------
        Outcome
            Success with what was returned and emitted, or the error.

        Raises
        ------
        CallHalted
            It ended otherwise than by return or revert.
        """
        address, abi = self._target(contract, function)
        return self.decoded(contract, function, self._transact(sender, address, abi.pack(args), value))

    def send(self, sender: str, contract: str, function: str, args: tuple[Any, ...], value: int = 0) -> RawResult:
        """Send a transaction, and leave what came back as it is; `decoded` turns it into an outcome.

        Arguments are those that the model accepted: they are not checked again.
        """
        address, selector, pack = self._packers.get((contract, function)) or self._packer(contract, function)
        return self._transact(sender, address, selector + pack(args), value)

    def look(self, contract: str, function: str, args: tuple[Any, ...]) -> RawResult:
        """Call a view, and leave what came back as it is, as `send` does."""
        address, selector, pack = self._packers.get((contract, function)) or self._packer(contract, function)
        return self._view(_NOBODY, address, selector + pack(args))

    def _packer(self, contract: str, function: str) -> tuple[str, bytes, Callable[[tuple[Any, ...]], bytes]]:
        address, abi = self._target(contract, function)
        found = self._packers[contract, function] = address, abi.selector, packer(abi.inputs)
        return found

    def decoded(self, contract: str, function: str, result: RawResult) -> Outcome:
        """Return the outcome of a call that `send` or `look` made."""
        if not result.ok:
            return self._failed(result)
        return Outcome(True, self._target(contract, function)[1].unpack(result.data), None, self._events(result.logs))

    def call_raw(self, sender: str, contract: str, data: bytes, value: int = 0) -> RawResult:
        """Send a transaction with any calldata."""
        return self._transact(sender, self.address(contract), data, value)

    def read(self, contract: str, function: str, args: tuple[Any, ...] = (), *, sender: str = _NOBODY) -> Outcome:
        """Call a view at the present time; nothing changes."""
        address, abi = self._target(contract, function)
        result = self._view(sender, address, abi.pack(args))
        return Outcome(True, abi.unpack(result.data), None, ()) if result.ok else self._failed(result)

    def view(self, contract: str, function: str, *args: Any) -> Any:
        """Return the single value, or the tuple of values, of a view that succeeds.

        Raises
        ------
        ChainError
            The view reverted.
        """
        outcome = self.read(contract, function, args)
        if not outcome.ok:
            raise ChainError(f"{contract}.{function}{args}: {outcome.error}")
        return outcome.returns[0] if len(outcome.returns) == 1 else outcome.returns

    def address(self, contract: str) -> str:
        """Return the address of the contract deployed under this name."""
        try:
            return self.addresses[contract]
        except KeyError:
            raise ContractUnknown(contract) from None

    def _target(self, contract: str, function: str) -> tuple[str, FunctionAbi]:
        key = contract, function
        found = self._targets.get(key)
        if found is None:
            found = self.address(contract), self.abi.function(self._types[contract], function)
            self._targets[key] = found
        return found

    def _failed(self, result: RawResult) -> Outcome:
        return Outcome(False, (), self.abi.error(result.data), ())

    def _events(self, logs: list[Log]) -> tuple[Event, ...]:
        if not logs:
            return ()
        names = self._names
        event = self.abi.event
        return tuple([event(names.get(address, address.lower()), topics, data) for address, topics, data in logs])

    # ---- what a chain brings

    @property
    @abstractmethod
    def timestamp(self) -> int:
        """Time that the next transaction will see [s]."""

    @abstractmethod
    def warp(self, seconds: int) -> None:
        """Move time on by `seconds`."""

    def warp_to(self, timestamp: int) -> None:
        """Move time on to `timestamp`; raises `TimeReversed` where that has passed."""
        if timestamp < self.timestamp:
            raise TimeReversed(timestamp, self.timestamp)
        self.warp(timestamp - self.timestamp)

    @abstractmethod
    def storage(self, address: str, slot: int) -> int:
        """Return a word of storage."""

    @abstractmethod
    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""

    @abstractmethod
    def set_balance(self, address: str, amount: int) -> None:
        """Set the balance of native currency [wei]."""

    @abstractmethod
    def snapshot(self) -> int:
        """Remember state and time; return how many snapshots there are with this one."""

    @abstractmethod
    def restore(self) -> None:
        """Go back to the latest snapshot and forget it."""

    @abstractmethod
    def _create(self, sender: str, code: bytes) -> tuple[str, RawResult]: ...

    @abstractmethod
    def _transact(self, sender: str, address: str, data: bytes, value: int) -> RawResult: ...

    @abstractmethod
    def _view(self, sender: str, address: str, data: bytes) -> RawResult: ...


class InProcess(Chain):
    """A chain whose storage is at hand.

    Attributes
    ----------
    word_at : callable
        What `storage` does, for callers that ask a hundred thousand times a second.
    """

    word_at: Callable[[str, int], int]
