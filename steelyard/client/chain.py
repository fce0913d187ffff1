"""A chain for keepers: calls and transactions over one connection that stays open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.client import calls
from steelyard.client.calls import Block, Contract, Log, Receipt, Sender, mined
from steelyard.client.errors import ChainError
from steelyard.client.rpc import Rpc
from steelyard.client.steps import Pause, Request, Synchronous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.steps import Step, Steps

__all__ = ["AccountSender", "Block", "Chain", "Contract", "Log", "Receipt", "Sender", "UnlockedSender"]


@dataclass(frozen=True, slots=True)
class UnlockedSender:
    """An address that the node itself signs for: a local one."""

    address: str

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Send, mine and return the receipt in one request."""
        receipt: dict[str, Any] = yield Request("eth_sendTransactionSync", (transaction,))
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

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Sign, send and wait."""
        from ape import networks

        gas = int(transaction["gas"], 16) * 5 // 4 if "gas" in transaction else None
        # A creation goes to nobody.
        receiver = {"receiver": transaction["to"]} if "to" in transaction else {}
        unsigned = networks.ecosystem.create_transaction(
            **receiver,
            data=transaction.get("data", "0x"),
            value=int(transaction.get("value", "0x0"), 16),
            chain_id=int((yield Request("eth_chainId")), 16),
            gas_limit=gas,
        )
        signed = self._account.sign_transaction(self._account.prepare_transaction(unsigned))
        if signed is None:
            raise ChainError(f"{self.address} did not sign")
        sent = yield Request("eth_sendRawTransaction", ("0x" + bytes(signed.serialize_transaction()).hex(),))
        return (yield from mined(sent))

    def sign(self, data: dict[str, Any]) -> Steps[str]:
        """Return the signature of typed data, as hexadecimal."""
        from eth_account.messages import encode_typed_data

        yield from ()
        signature = self._account.sign_message(encode_typed_data(full_message=data))
        if signature is None:
            raise ChainError(f"{self.address} did not sign")
        return "0x" + bytes(signature.encode_rsv()).hex()


class Chain(Synchronous):
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
        return self._rpc.request(method, *params)

    def answer(self, step: Step) -> Any:
        """Return the answer to one step."""
        if isinstance(step, Request):
            return self.rpc(step.method, *step.params)
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        # Nobody else is here.
        return self._run(step.steps)

    _answer = answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._rpc.close()

    def block(self, which: int | str = "latest") -> Block:
        """Return a block's head."""
        return self._run(calls.block_of(which))

    def code_at(self, address: str) -> bytes:
        """Return the code at an address, empty where there is no contract."""
        return bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])

    def call(self, contract: Contract, function: str, *arguments: Any, sender: str | None = None) -> Any:
        """Return what a view returns; structs come as named tuples."""
        return self._run(calls.read(contract, function, *arguments, sender=sender))

    def send(self, sender: Sender, contract: Contract, function: str, *arguments: Any, value: int = 0) -> Receipt:
        """Send a transaction and wait for it; see `calls.send`."""
        return self._run(calls.send(sender, contract, function, *arguments, value=value))

    def create(self, sender: Sender, code: bytes) -> tuple[str, Receipt]:
        """Create a contract out of its creation code and wait for it; return its address too; see `calls.create`."""
        return self._run(calls.create(sender, code))

    def wait(self, transaction: str) -> dict[str, Any]:
        """Return the node's receipt of a transaction once it is mined."""
        return self._run(mined(transaction))

    def events(self, contract: Contract, raw_logs: Sequence[dict[str, Any]], *names: str) -> list[Log]:
        """Return the events of a contract among a receipt's logs, all or those named."""
        return calls.decode_logs(contract, raw_logs, *names)

    def logs(self, contract: Contract, first: int, last: int, *names: str, indexed: Sequence[str] = ()) -> list[Log]:
        """Return the events of a contract in the blocks `first` to `last`, inclusive; see `calls.logs_of`."""
        return self._run(calls.logs_of(contract, first, last, *names, indexed=indexed))
