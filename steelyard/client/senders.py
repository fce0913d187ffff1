"""Who signs: a private key, or an account that the node holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from steelyard.client.calls import mined
from steelyard.client.errors import ClientError, RpcRejected, SignerInvalid
from steelyard.client.signing import signable
from steelyard.client.steps import Exclusive, Request

if TYPE_CHECKING:
    from steelyard.client.steps import Steps

__all__ = ["KeySender", "NodeSender", "NotSent", "Rehearsal", "Signer", "SigningSender", "load_keystore", "to_sender"]


class SigningSender(Protocol):
    """Who sends transactions and signs typed data."""

    @property
    def address(self) -> str:
        """The address that pays and is the caller."""
        ...

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Send a transaction that passed an estimate, and return the node's receipt."""
        ...

    def sign(self, data: dict[str, Any]) -> Steps[str]:
        """Return the signature of typed data, as hexadecimal."""
        ...


Signer: TypeAlias = LocalAccount | str | SigningSender
"""An account with its key, a private key in hexadecimal, the address of one that the node signs for, or a sender."""

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class NotSent(ClientError):
    """A rehearsal has come to what would be sent.

    Attributes
    ----------
    transaction : dict
        As a node takes it; it passed an estimate of its gas.
    """

    def __init__(self, transaction: dict[str, Any]) -> None:
        self.transaction = transaction
        super().__init__(f"not sent: a call of {transaction['to']} for {int(transaction['gas'], 16)} gas")


class KeySender:
    """Signs with a key in this process.

    Parameters
    ----------
    account : LocalAccount
        That signs.
    """

    def __init__(self, account: LocalAccount) -> None:
        self.account = account

    @property
    def address(self) -> str:
        """The address that pays and is the caller."""
        return str(self.account.address)

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Sign, send and wait. One transaction is numbered and sent at a time; the waiting overlaps."""
        sent = yield Exclusive(self._send(transaction))
        return (yield from mined(sent))

    def sign(self, data: dict[str, Any]) -> Steps[str]:
        """Return the signature of typed data, as hexadecimal."""
        yield from ()
        return "0x" + bytes(self.account.sign_message(signable(data)).signature).hex()

    def _send(self, transaction: dict[str, Any]) -> Steps[str]:
        unsigned = {
            "chainId": int((yield Request("eth_chainId")), 16),
            "nonce": int((yield Request("eth_getTransactionCount", (self.address, "pending"))), 16),
            "to": to_checksum_address(transaction["to"]),
            "data": transaction["data"],
            "value": int(transaction["value"], 16),
            # The state may have moved between the estimate and the block.
            "gas": int(transaction["gas"], 16) * 5 // 4,
            **(yield from self._fees()),
        }
        signed = self.account.sign_transaction(unsigned)
        sent: str = yield Request("eth_sendRawTransaction", ("0x" + bytes(signed.raw_transaction).hex(),))
        return sent

    def _fees(self) -> Steps[dict[str, int]]:
        head = yield Request("eth_getBlockByNumber", ("latest", False))
        base = head.get("baseFeePerGas")
        if base is None:
            return {"gasPrice": int((yield Request("eth_gasPrice")), 16)}
        try:
            tip = int((yield Request("eth_maxPriorityFeePerGas")), 16)
        except RpcRejected:
            tip = 10**9
        return {"maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * int(base, 16) + tip}


class NodeSender:
    """An account that the node itself signs for.

    Parameters
    ----------
    address : str
        Of the account.
    """

    def __init__(self, address: str) -> None:
        self._address = to_checksum_address(address)

    @property
    def address(self) -> str:
        """The address that pays and is the caller."""
        return self._address

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Send and wait."""
        sent = yield Request("eth_sendTransaction", (transaction,))
        return (yield from mined(sent))

    def sign(self, data: dict[str, Any]) -> Steps[str]:
        """Return the signature of typed data, as hexadecimal."""
        signature: str = yield Request("eth_signTypedData_v4", (self.address, _texts(data)))
        return signature


class Rehearsal:
    """Sends nothing: raises `NotSent` where another would.

    Parameters
    ----------
    sender : SigningSender
        Whose transaction it would be.
    """

    def __init__(self, sender: SigningSender) -> None:
        self.sender = sender

    @property
    def address(self) -> str:
        """The address that would pay and be the caller."""
        return self.sender.address

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        """Raise `NotSent`."""
        yield from ()
        raise NotSent(transaction)

    def sign(self, data: dict[str, Any]) -> Steps[str]:
        """Sign, for nothing is sent."""
        return self.sender.sign(data)


def _texts(value: Any) -> Any:
    """Return typed data with integers as text: many are too large for a number of JSON's."""
    if isinstance(value, dict):
        return {key: _texts(part) for key, part in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def load_keystore(path: Path | str, password: str) -> LocalAccount:
    """Return the account of an encrypted key file (web3 secret storage).

    Raises
    ------
    SignerInvalid
        There is no such file, or the password is not its.
    """
    try:
        key = Account.decrypt(json.loads(Path(path).read_text(encoding="utf-8")), password)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SignerInvalid(f"{path}: {error}") from None
    account: LocalAccount = Account.from_key(key)
    return account


def to_sender(signer: object) -> SigningSender:
    """Return who sends for a signer.

    Raises
    ------
    SignerInvalid
        It is neither an account, nor a key of 32 bytes, nor an address.
    """
    if hasattr(signer, "submit"):
        return cast("SigningSender", signer)
    if isinstance(signer, LocalAccount):
        return KeySender(signer)
    if isinstance(signer, str) and _ADDRESS.fullmatch(signer):
        return NodeSender(signer)
    if isinstance(signer, str) and _KEY.fullmatch(signer):
        try:
            return KeySender(Account.from_key(signer))
        except ValueError:
            raise SignerInvalid("this private key is out of range") from None
    raise SignerInvalid(
        "a signer is a LocalAccount, a private key of 32 bytes, an address that the node signs for, or a sender"
    )
