"""A chain: calls and transactions whose failures have names."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from steelyard.client.abi import Abi, abi_of, decode_revert
from steelyard.client.errors import ChainError, ContractReverted, RpcRejected, TransactionFailed
from steelyard.client.rpc import Rpc, RpcErrorData

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AccountSender", "Block", "Chain", "Contract", "Log", "Receipt", "Sender", "UnlockedSender"]

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
    """A decoded event."""

    name: str
    arguments: dict[str, Any]
    address: str
    block: int


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
        As the node gives them; `Chain.events` decodes them.
    """

    hash: str
    block: int
    gas_used: int
    raw_logs: tuple[dict[str, Any], ...]


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

    def submit(self, chain: Chain, transaction: dict[str, Any]) -> dict[str, Any]:
        """Send a transaction that passed an estimate, and return the node's receipt."""
        ...


@dataclass(frozen=True, slots=True)
class UnlockedSender:
    """An address that the node itself signs for: a local one."""

    address: str

    def submit(self, chain: Chain, transaction: dict[str, Any]) -> dict[str, Any]:
        """Send, mine and return the receipt in one request."""
        receipt: dict[str, Any] = chain.rpc("eth_sendTransactionSync", transaction)
        return receipt


class AccountSender:
    """An ape account, which may be a keystore, a hardware wallet or a local test account.

    Parameters
    ----------
    account : ape.api.AccountAPI
        That signs.
    """

    def __init__(self, account: Any) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """The address that pays and is the caller."""
        return str(self._account.address)

    def submit(self, chain: Chain, transaction: dict[str, Any]) -> dict[str, Any]:
        """Sign, send and wait."""
        from ape import networks

        gas = int(transaction["gas"], 16) * 5 // 4 if "gas" in transaction else None
        unsigned = networks.ecosystem.create_transaction(
            receiver=transaction["to"],
            data=transaction.get("data", "0x"),
            value=int(transaction.get("value", "0x0"), 16),
            chain_id=chain.chain_id,
            gas_limit=gas,
        )
        signed = self._account.sign_transaction(self._account.prepare_transaction(unsigned))
        if signed is None:
            raise ChainError(f"{self.address} did not sign")
        sent = chain.rpc("eth_sendRawTransaction", "0x" + bytes(signed.serialize_transaction()).hex())
        return chain.wait(sent)


class Chain:
    """A chain behind one node.

    Parameters
    ----------
    url : str
        Of the node.
    """

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self._rpc = Rpc(url, timeout=timeout)
        self._chain_id: int | None = None

    @property
    def url(self) -> str:
        """Of the node."""
        return self._rpc.url

    @property
    def chain_id(self) -> int:
        """Of the chain, asked once."""
        if self._chain_id is None:
            self._chain_id = int(self.rpc("eth_chainId"), 16)
        return self._chain_id

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a plain request.

        Raises
        ------
        RpcUnreachable
            No answer.
        ContractReverted
            A contract refused.
        RpcRejected
            The node refused.
        """
        try:
            return self._rpc.request(method, *params)
        except RpcErrorData as error:
            if not error.data and "revert" not in error.message:
                raise RpcRejected(method, error.message) from error
            raise decode_revert(error.data) from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._rpc.close()

    def block(self, which: int | str = "latest") -> Block:
        """Return a block's head."""
        raw = self.rpc("eth_getBlockByNumber", hex(which) if isinstance(which, int) else which, False)
        if raw is None:
            raise RpcRejected("eth_getBlockByNumber", f"no block {which}")
        return Block(int(raw["number"], 16), int(raw["timestamp"], 16), raw["hash"])

    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty where there is no contract."""
        return bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])

    def call(self, contract: Contract, function: str, *arguments: Any, sender: str | None = None) -> Any:
        """Return what a view returns; structs come as named tuples."""
        request = {"to": contract.address, "data": "0x" + contract.abi.encode(function, arguments).hex()}
        if sender is not None:
            request["from"] = sender
        return contract.abi.decode(function, bytes.fromhex(self.rpc("eth_call", request, "latest")[2:]))

    def send(self, sender: Sender, contract: Contract, function: str, *arguments: Any, value: int = 0) -> Receipt:
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
        transaction = {"from": sender.address, "to": contract.address, "data": data, "value": hex(value)}
        transaction["gas"] = self.rpc("eth_estimateGas", transaction)
        raw = sender.submit(self, transaction)
        if int(raw["status"], 16) != 1:
            raise TransactionFailed(raw["transactionHash"], self._cause(transaction, int(raw["blockNumber"], 16)))
        return Receipt(raw["transactionHash"], int(raw["blockNumber"], 16), int(raw["gasUsed"], 16), tuple(raw["logs"]))

    def wait(self, transaction: str) -> dict[str, Any]:
        """Return the node's receipt of a transaction once it is mined."""
        deadline = time.monotonic() + _RECEIPT_SECONDS
        while time.monotonic() < deadline:
            raw: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", transaction)
            if raw is not None:
                return raw
            time.sleep(_POLL_SECONDS)
        raise RpcRejected("eth_getTransactionReceipt", f"{transaction} was not mined in {_RECEIPT_SECONDS:.0f} s")

    def events(self, contract: Contract, raw_logs: Sequence[dict[str, Any]], *names: str) -> list[Log]:
        """Return the events of a contract among a receipt's logs, all or those named."""
        wanted = names or contract.abi.events
        topics = {contract.abi.topic(name): name for name in wanted}
        found = []
        for raw in raw_logs:
            name = topics.get(raw["topics"][0]) if raw["topics"] else None
            if name is not None and raw["address"].lower() == contract.address.lower():
                arguments = contract.abi.decode_event(name, raw["topics"], bytes.fromhex(raw["data"][2:]))
                found.append(Log(name, arguments, contract.address, int(raw["blockNumber"], 16)))
        return found

    def logs(self, contract: Contract, first: int, last: int, *names: str, indexed: Sequence[str] = ()) -> list[Log]:
        """Return the events of a contract in the blocks `first` to `last`, inclusive.

        Parameters
        ----------
        contract, first, last, names
            Whose, where, and which; all where none is named.
        indexed
            Addresses that their first indexed arguments must be.
        """
        kinds = [contract.abi.topic(name) for name in names or contract.abi.events]
        topics: list[list[str]] = [kinds, *[["0x" + address[2:].lower().rjust(64, "0")] for address in indexed]]
        query = {"address": contract.address, "fromBlock": hex(first), "toBlock": hex(last), "topics": topics}
        return self.events(contract, self.rpc("eth_getLogs", query), *names)

    def _cause(self, transaction: dict[str, Any], block: int) -> ContractReverted | None:
        try:
            self.rpc("eth_call", transaction, hex(block - 1))
        except ContractReverted as error:
            return error
        except ChainError:
            return None
        return None
