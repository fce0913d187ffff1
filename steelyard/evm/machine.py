"""An EVM in this process: tens of thousands of calls a second."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyrevm

from steelyard.evm.chain import CHAIN_ID, START, CallHalted, ChainError, InProcess, RawResult, TimeReversed

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts

__all__ = ["MAX_SNAPSHOTS", "Machine", "SnapshotMissing", "SnapshotsExhausted"]

SPEC = "Cancun"
"""The newest fork that this EVM knows. It takes an unknown name for the newest without a word."""

MAX_SNAPSHOTS = 1000
"""A snapshot takes a level of the 1,024 that calls may nest; what is left is for the calls."""

_END_OF_STATE = "transient_storage:"
_WORD_OF = re.compile(r"(\d+): StorageSlot \{[^}]*present_value: (\d+)")
_REVERTED = "Revert { "
_OUTPUT = "output: 0x"
_BLOCK_GAS_LIMIT = 30_000_000
_BLOCK_SECONDS = 12


class SnapshotsExhausted(ChainError):
    """Another snapshot would leave calls no depth."""

    def __init__(self) -> None:
        super().__init__(f"no more than {MAX_SNAPSHOTS} snapshots at a time")


class SnapshotMissing(ChainError):
    """There is nothing to go back to."""

    def __init__(self) -> None:
        super().__init__("no snapshot to go back to")


class Machine(InProcess):
    """A chain in this process: Cancun, code size limit on, gas without bound.

    Transient storage is empty at the start of each transaction. A call leaves a trace of about 700 bytes in memory
    until a snapshot from before it is restored, so long runs restore now and then. An instance cannot be pickled.

    Parameters
    ----------
    artefacts, index
        As for `Chain`.
    timestamp : int
        At which it starts [s].
    code_limit : int, optional
        Largest contract [bytes], by default what Ethereum allows.
    """

    def __init__(
        self,
        artefacts: Artefacts | None = None,
        index: AbiIndex | None = None,
        *,
        timestamp: int = START,
        code_limit: int | None = None,
    ) -> None:
        super().__init__(artefacts, index)
        self._timestamp = timestamp
        self._number = 1
        configuration = pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=code_limit)
        environment = pyrevm.Env(cfg=configuration, block=self._block())
        self._evm = pyrevm.EVM(env=environment, spec_id=SPEC)
        self._message_call = self._evm.message_call
        self.word_at = self._evm.storage
        self._reset_transient_storage = self._evm.reset_transient_storage
        self._snapshots: list[tuple[pyrevm.JournalCheckpoint, int, int]] = []

    # ---- time

    @property
    def timestamp(self) -> int:
        """Time that the next transaction will see [s]."""
        return self._timestamp

    def warp(self, seconds: int) -> None:
        """Move time on by `seconds`, and the block number by what a chain would make of that."""
        if seconds < 0:
            raise TimeReversed(self._timestamp + seconds, self._timestamp)
        self._set_block(self._timestamp + seconds, self._number + max(1, seconds // _BLOCK_SECONDS))

    def _set_block(self, timestamp: int, number: int) -> None:
        self._timestamp, self._number = timestamp, number
        self._evm.set_block_env(self._block())

    def _block(self) -> pyrevm.BlockEnv:
        # What is left out would fall back to a default, so everything is said each time.
        return pyrevm.BlockEnv(
            number=self._number,
            coinbase="0x" + "00" * 20,
            timestamp=self._timestamp,
            difficulty=0,
            prevrandao=bytes(32),
            basefee=0,
            gas_limit=_BLOCK_GAS_LIMIT,
            excess_blob_gas=0,
        )

    # ---- state

    def storage(self, address: str, slot: int) -> int:
        """Return a word of storage."""
        word: int = self._evm.storage(address, slot)
        return word

    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""
        amount: int = self._evm.get_balance(address)
        return amount

    def set_balance(self, address: str, amount: int) -> None:
        """Set the balance of native currency [wei]."""
        self._evm.set_balance(address, amount)

    @property
    def looked_at(self) -> frozenset[str]:
        """Lower-case addresses that any call has looked at, reverted or not, since the chain began."""
        return frozenset(map(str.lower, self._evm.db_accounts))

    def words_of(self, address: str) -> dict[int, int]:
        """Return the storage words of a contract that any call has looked at since the latest snapshot, by slot.

        The EVM tells them in a text of its whole journal only, some 2 MB for 1,000 transactions.
        """
        text: str = self._evm.journal_str
        found = _words_pattern(address.lower()).search(text, 0, text.find(_END_OF_STATE))
        return {int(slot): int(word) for slot, word in _WORD_OF.findall(found[1])} if found else {}

    def snapshot(self) -> int:
        """Remember state and time; return how many snapshots there are with this one.

        Raises
        ------
        SnapshotsExhausted
            There are `MAX_SNAPSHOTS` already.
        """
        if len(self._snapshots) >= MAX_SNAPSHOTS:
            raise SnapshotsExhausted
        self._snapshots.append((self._evm.snapshot(), self._timestamp, self._number))
        return len(self._snapshots)

    def restore(self) -> None:
        """Go back to the latest snapshot, state and time, and forget it.

        Snapshots are a stack: going back to one that is not the latest would wipe the state, so it cannot be asked for.

        Raises
        ------
        SnapshotMissing
            There is none.
        """
        if not self._snapshots:
            raise SnapshotMissing
        checkpoint, timestamp, number = self._snapshots.pop()
        self._evm.revert(checkpoint)
        self._set_block(timestamp, number)

    # ---- calls

    def _create(self, sender: str, code: bytes) -> tuple[str, RawResult]:
        self._reset_transient_storage()
        try:
            address: str = self._evm.deploy(sender, code)
        except RuntimeError as error:
            return "", _reverted(error)
        return address, RawResult(True, b"", [])

    def _transact(self, sender: str, address: str, data: bytes, value: int) -> RawResult:
        self._reset_transient_storage()
        try:
            returned: bytes = self._message_call(sender, address, data, value)
        except RuntimeError as error:
            return _reverted(error)
        result = self._evm.result
        return RawResult(True, returned, [(log.address, *log.data) for log in result.logs] if result else [])

    def _view(self, sender: str, address: str, data: bytes) -> RawResult:
        self._reset_transient_storage()
        try:
            return RawResult(True, self._message_call(sender, address, data, is_static=True), [])
        except RuntimeError as error:
            return _reverted(error)


def _words_pattern(address: str) -> re.Pattern[str]:
    words = r"((?:\d+: StorageSlot \{[^}]*\}(?:, )?)*)"
    return re.compile(address + r": Account \{.*?storage: \{" + words + r"\}, status", re.DOTALL)


def _reverted(error: RuntimeError) -> RawResult:
    """Return the revert data, which stand in the error's text and nowhere else."""
    text = str(error)
    start = text.find(_OUTPUT)
    if not text.startswith(_REVERTED) or start < 0:
        raise CallHalted(text) from error
    data = text[start + len(_OUTPUT) :].partition(" ")[0]
    return RawResult(False, bytes.fromhex(data), [])
