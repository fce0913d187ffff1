"""Wake's in-process chain, driven by its raw calls, which are its fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wake.development.errors import RevertError
from wake.testing import Account
from wake.testing import chain as _wake

from steelyard.evm.chain import START, InProcess, RawResult

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts

__all__ = ["WakeChain"]


class WakeChain(InProcess):
    """A chain that wake has connected to.

    Parameters
    ----------
    artefacts, index
        As for `Chain`.
    """

    def __init__(self, artefacts: Artefacts | None = None, index: AbiIndex | None = None) -> None:
        super().__init__(artefacts, index)
        self._timestamp = START
        self._accounts: dict[str, Any] = {}
        self._get_storage = _wake.chain_interface.get_storage_at
        self.word_at = self.storage

    def _account(self, address: str) -> Any:
        found = self._accounts.get(address)
        if found is None:
            found = self._accounts[address] = Account(address)
        return found

    @property
    def timestamp(self) -> int:
        """Time that the next transaction will see [s]."""
        return self._timestamp

    def warp(self, seconds: int) -> None:
        """Move time on by `seconds`."""
        self._timestamp += seconds

    def rewind(self) -> None:
        """Go back to the time of the start, as wake does after a sequence."""
        self._timestamp = START

    def storage(self, address: str, slot: int) -> int:
        """Return a word of storage."""
        return int.from_bytes(self._get_storage(address, slot), "big")

    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""
        return int(self._account(address).balance)

    def set_balance(self, address: str, amount: int) -> None:
        """Set the balance of native currency [wei]."""
        self._account(address).balance = amount

    def snapshot(self) -> int:
        """Not needed: wake restores its chain after each sequence."""
        raise NotImplementedError

    def restore(self) -> None:
        """Not needed, either."""
        raise NotImplementedError

    def _create(self, sender: str, code: bytes) -> tuple[str, RawResult]:
        _wake.set_next_block_timestamp(self._timestamp)
        contract = _wake.deploy(code, from_=self._account(sender))
        return str(contract.address), RawResult(True, b"", [])

    def _transact(self, sender: str, address: str, data: bytes, value: int) -> RawResult:
        # Without it the clock would go on by a second with each transaction.
        _wake.set_next_block_timestamp(self._timestamp)
        try:
            done = self._account(address).transact(data, value, self._account(sender))
        except RevertError as error:
            return RawResult(False, error.tx.raw_error.data, [])
        logs = [(str(log.origin.address), log.topics, log.data) for log in done.raw_events]
        return RawResult(True, done.raw_return_value, logs)

    def _view(self, sender: str, address: str, data: bytes) -> RawResult:
        try:
            return RawResult(True, self._account(address).call(data, from_=self._account(sender)), [])
        except RevertError as error:
            return RawResult(False, error.data, [])
