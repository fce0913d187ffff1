"""Calls, transactions and events of a chain, as steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from steelyard.client.abi import Abi, abi_of
from steelyard.client.errors import ChainError, ContractReverted, RpcRejected, TransactionFailed
from steelyard.client.steps import Pause, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.steps import Steps

__all__ = [
    "Block",
    "Contract",
    "Log",
    "Receipt",
    "Sender",
    "block_of",
    "create",
    "decode_logs",
    "logs_of",
    "mined",
    "read",
    "send",
]

_POLL_SECONDS = 0.5
_RECEIPT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its number, its time [Unix s], its hash."""

    number: int
    timestamp: int
    hash: str


@dataclass(frozen=True, slots=True)
class Log:
    """A decoded event.

    Attributes
    ----------
    name : str
        Of the event.
    arguments : dict
        By the contract's names, indexed ones too.
    address : str
        Of the contract.
    block : int
        That holds it.
    transaction : str
        Hash of the transaction.
    index : int
        Among the events of the block.
    """

    name: str
    arguments: dict[str, Any]
    address: str
    block: int
    transaction: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that was mined and succeeded.

    Attributes
    ----------
    hash : str
        Of the transaction.
    block : int
        That holds it.
    gas_used : int
        Whole transaction.
    raw_logs : tuple of dict
        As the node gives them; `decode_logs` decodes them.
    """

    hash: str
    block: int
    gas_used: int
    raw_logs: tuple[dict[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract at an address."""

    address: str
    abi: Abi

    @classmethod
    def at(cls, name: str, address: str) -> Contract:
        """Return the compiled contract `name` at `address`."""
        return cls(address, abi_of(name))


class Sender(Protocol):
    """Who sends transactions."""

    @property
    def address(self) -> str:
        """The address that pays and is the caller."""
        ...

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Send a transaction that passed an estimate, and return the node's receipt."""
        ...


def block_of(which: int | str = "latest") -> Steps[Block]:
    """Return a block's head."""
    raw = yield Request("eth_getBlockByNumber", (_tag(which), False))
    if raw is None:
        raise RpcRejected("eth_getBlockByNumber", f"no block {which}")
    return Block(int(raw["number"], 16), int(raw["timestamp"], 16), raw["hash"])


def read(
    contract: Contract, function: str, *arguments: Any, sender: str | None = None, block: int | str = "latest"
) -> Steps[Any]:
    """Return what a view returns; structs come as named tuples."""
    request = {"to": contract.address, "data": "0x" + contract.abi.encode(function, arguments).hex()}
    if sender is not None:
        request["from"] = sender
    answer = yield Request("eth_call", (request, _tag(block)))
    return contract.abi.decode(function, bytes.fromhex(answer[2:]))


def send(sender: Sender, contract: Contract, function: str, *arguments: Any, value: int = 0) -> Steps[Receipt]:
    """Send a transaction and wait for it. One that would revert is not sent.

    Raises
    ------
    ContractReverted
        It would revert; nothing was sent.
    TransactionFailed
        It reverted after all, because the state had changed in between.
    RpcUnreachable, RpcRejected
        The node's fault; whether the transaction was sent is not known.
    """
    data = "0x" + contract.abi.encode(function, arguments).hex()
    raw = yield from _sent(sender, {"to": contract.address, "data": data, "value": hex(value)})
    return _receipt(raw)


def create(sender: Sender, code: bytes) -> Steps[tuple[str, Receipt]]:
    """Create a contract out of its creation code and wait for it; return its address too. Raises as `send`."""
    raw = yield from _sent(sender, {"data": "0x" + code.hex(), "value": "0x0"})
    return raw["contractAddress"], _receipt(raw)


def _sent(sender: Sender, call: dict[str, Any]) -> Steps[dict[str, Any]]:
    transaction = {"from": sender.address, **call}
    transaction["gas"] = yield Request("eth_estimateGas", (transaction,))
    raw = yield from sender.submit(transaction)
    if int(raw["status"], 16) != 1:
        cause = yield from _cause(transaction, int(raw["blockNumber"], 16))
        raise TransactionFailed(raw["transactionHash"], cause)
    return raw


def _receipt(raw: dict[str, Any]) -> Receipt:
    return Receipt(raw["transactionHash"], int(raw["blockNumber"], 16), int(raw["gasUsed"], 16), tuple(raw["logs"]))


def mined(transaction: str) -> Steps[dict[str, Any]]:
    """Return the node's receipt of a transaction once it is mined."""
    deadline = time.monotonic() + _RECEIPT_SECONDS
    pause = _POLL_SECONDS / 16
    while time.monotonic() < deadline:
        raw: dict[str, Any] | None = yield Request("eth_getTransactionReceipt", (transaction,))
        if raw is not None:
            return raw
        yield Pause(pause)
        pause = min(2 * pause, _POLL_SECONDS)
    raise RpcRejected("eth_getTransactionReceipt", f"{transaction} was not mined in {_RECEIPT_SECONDS:.0f} s")


def decode_logs(contract: Contract, raw_logs: Sequence[dict[str, Any]], *names: str) -> list[Log]:
    """Return the events of a contract among a receipt's logs, all or those named."""
    wanted = names or contract.abi.events
    topics = {contract.abi.topic(name): name for name in wanted}
    found = []
    for raw in raw_logs:
        name = topics.get(raw["topics"][0]) if raw["topics"] else None
        if name is not None and raw["address"].lower() == contract.address.lower():
            arguments = contract.abi.decode_event(name, raw["topics"], bytes.fromhex(raw["data"][2:]))
            block, index = int(raw["blockNumber"], 16), int(raw["logIndex"], 16)
            found.append(Log(name, arguments, contract.address, block, raw["transactionHash"], index))
    return found


def logs_of(contract: Contract, first: int, last: int, *names: str, indexed: Sequence[str] = ()) -> Steps[list[Log]]:
    """Return the events of a contract in the blocks `first` to `last`, inclusive.

    Parameters
    ----------
    contract, first, last, names
        Whose, where, and which; all where none is named.
    indexed
        Words or addresses that their first indexed arguments must be.
    """
    kinds = [contract.abi.topic(name) for name in names or contract.abi.events]
    topics: list[list[str]] = [kinds, *[["0x" + word[2:].lower().rjust(64, "0")] for word in indexed]]
    query = {"address": contract.address, "fromBlock": hex(first), "toBlock": hex(last), "topics": topics}
    return decode_logs(contract, (yield Request("eth_getLogs", (query,))), *names)


def _tag(block: int | str) -> str:
    return hex(block) if isinstance(block, int) else block


def _cause(transaction: dict[str, Any], block: int) -> Steps[ContractReverted | None]:
    try:
        yield Request("eth_call", (transaction, hex(block - 1)))
    except ContractReverted as error:
        return error
    except ChainError:
        return None
    return None
