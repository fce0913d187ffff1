"""The contracts as a user of ape drives them: its provider, its containers, its decoding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ape
from ape.exceptions import ContractLogicError, CustomError, TransactionError, VirtualMachineError
from eth_utils.address import to_checksum_address

from sim.protocol import ErrorValue, Event, Outcome
from steelyard.evm.chain import Chain, ChainError, RawResult

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts

_GAS = 14_000_000
_HEX = re.compile(r"0x([0-9a-f]{2})*")


def _plain(value: Any) -> Any:
    """Return a value of ape's in the form of an outcome."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str):
        return value.lower() if value.startswith("0x") else value
    return tuple(_plain(item) for item in value)


class ApeChain(Chain):
    """A chain behind ape's active provider, whose clock stands still between calls; no raw calls, no snapshots."""

    def __init__(self, artefacts: Artefacts, index: AbiIndex) -> None:
        super().__init__(artefacts, index)
        self._contracts: dict[str, Any] = {}
        self._timestamp: int = ape.chain.blocks.head.timestamp + 1
        self._mine()

    # ---- contracts and calls, through ape

    def deploy(self, contract: str, args: tuple[Any, ...] = (), *, sender: str, name: str | None = None) -> str:
        """Deploy a container of the project."""
        self._set_time()
        container = getattr(ape.project, contract)
        deployed = self._account(sender).deploy(container, *args, gas_limit=_GAS)
        self.attach(name or contract, contract, str(deployed.address))
        self._contracts[name or contract] = deployed
        return self.addresses[name or contract]

    def call(self, sender: str, contract: str, function: str, args: tuple[Any, ...] = (), value: int = 0) -> Outcome:
        """Send a transaction through ape's contract instance."""
        handler = self._handler(contract, function)
        options = {"sender": self._account(sender), "value": value, "gas_limit": _GAS}
        # Neither a receipt nor ape tells what was returned: that takes a call on the state before.
        would_fail = self._simulated(sender, contract, function, args, value)
        returns = self.abi.function(self._types[contract], function).outputs.parts
        returned = handler.call(*args, **options) if returns and would_fail is None else None
        self._set_time()
        try:
            receipt = handler(*args, **options)
        except VirtualMachineError as error:
            failed = self._error(error)
            if failed != would_fail:
                raise ChainError(f"ape: simulated {would_fail}, sent {failed}") from error
            return Outcome(False, (), failed, ())
        if would_fail is not None:
            raise ChainError(f"ape: simulated {would_fail}, sent successfully")
        return Outcome(True, self._returned(contract, function, returned), None, self._logged(receipt))

    def read(
        self, contract: str, function: str, args: tuple[Any, ...] = (), *, sender: str = "0x" + "00" * 20
    ) -> Outcome:
        """Call a view through ape's contract instance; one that reverts by plain RPC, because ape traces it."""
        failed = self._simulated(sender, contract, function, args, 0)
        if failed is not None:
            return Outcome(False, (), failed, ())
        handler = self._handler(contract, function)
        returned = handler(*args) if self._is_view(contract, function) else handler.call(*args)
        return Outcome(True, self._returned(contract, function, returned), None, ())

    def _handler(self, contract: str, function: str) -> Any:
        """Return ape's handler of a function; of overloaded ones it takes that with as many arguments."""
        return getattr(self._contracts[contract], function.partition("(")[0])

    def _simulated(
        self, sender: str, contract: str, function: str, args: tuple[Any, ...], value: int
    ) -> ErrorValue | None:
        """Return how a call would fail, None if it would succeed."""
        address, abi = self._target(contract, function)
        message = {"from": sender, "to": address, "data": "0x" + abi.pack(args).hex(), "value": hex(value)}
        answer = ape.chain.provider.web3.provider.make_request("eth_call", [message, "latest"])
        if "error" not in answer:
            return None
        return self.abi.error(bytes.fromhex(answer["error"]["data"][2:]))

    def _is_view(self, contract: str, function: str) -> bool:
        return self.abi.function(self._types[contract], function).is_view

    def _returned(self, contract: str, function: str, returned: Any) -> tuple[Any, ...]:
        count = len(self.abi.function(self._types[contract], function).outputs.parts)
        if count == 0:
            return ()
        return (_plain(returned),) if count == 1 else tuple(_plain(item) for item in returned)

    def _logged(self, receipt: Any) -> tuple[Event, ...]:
        return tuple(
            Event(
                self._names[to_checksum_address(log.contract_address)],
                log.event_name,
                tuple(_plain(argument) for argument in log.event_arguments.values()),
            )
            for log in receipt.decode_logs()
        )

    def _error(self, error: VirtualMachineError) -> ErrorValue:
        if not isinstance(error, ContractLogicError):
            # A panic: ape keeps the data only in what it was told by web3.
            return self.abi.error(bytes.fromhex(str(getattr(error.__cause__, "data", "0x"))[2:]))
        if isinstance(error, CustomError):
            return ErrorValue(error.abi.name, tuple(_plain(value) for value in error.inputs.values()))
        # ape names the errors of the contract that was called; of simulations and of what lies behind, it has the data.
        for data in (error.revert_message, error.trace.return_value if error.trace else None):
            if isinstance(data, str) and _HEX.fullmatch(data):
                return self.abi.error(bytes.fromhex(data[2:]))
        if error.message == TransactionError.DEFAULT_MESSAGE:
            return ErrorValue("", ())
        raise ChainError(f"ape tells nothing of {error!r}") from error

    def _account(self, sender: str) -> Any:
        return ape.accounts.test_accounts[to_checksum_address(sender)]

    # ---- time and state

    @property
    def timestamp(self) -> int:
        """Time that the next transaction will see [s]."""
        return self._timestamp

    def warp(self, seconds: int) -> None:
        """Move time on by `seconds`, with a block, so that views see it."""
        if seconds:
            self._timestamp += seconds
            self._mine()

    def _set_time(self) -> None:
        ape.chain.provider.set_timestamp(self._timestamp)

    def _mine(self) -> None:
        self._set_time()
        ape.chain.provider.mine()

    def storage(self, address: str, slot: int) -> int:
        """Return a word of storage."""
        return int.from_bytes(ape.chain.provider.get_storage(to_checksum_address(address), slot), "big")

    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""
        return int(ape.chain.provider.get_balance(to_checksum_address(address)))

    def set_balance(self, address: str, amount: int) -> None:
        """Set the balance of native currency [wei]."""
        ape.chain.provider.set_balance(to_checksum_address(address), amount)

    def snapshot(self) -> int:
        """Leave isolation to ape's own fixtures."""
        raise NotImplementedError

    def restore(self) -> None:
        """Leave isolation to ape's own fixtures."""
        raise NotImplementedError

    def _create(self, sender: str, code: bytes) -> tuple[str, RawResult]:
        raise NotImplementedError

    def _transact(self, sender: str, address: str, data: bytes, value: int) -> RawResult:
        raise NotImplementedError

    def _view(self, sender: str, address: str, data: bytes) -> RawResult:
        raise NotImplementedError
