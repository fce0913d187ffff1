"""What can go wrong between this machine and a chain: the roots."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ChainError",
    "ContractReverted",
    "RpcRejected",
    "RpcUnreachable",
    "TransactionFailed",
    "attribute_name",
]


def attribute_name(argument: str) -> str:
    """Return what an error's argument is called in Python: `initialMargin` is `initial_margin`, `from` is `from_`."""
    name = re.sub(r"([A-Z])", r"_\1", argument).lower()
    return f"{name}_" if keyword.iskeyword(name) else name


class ChainError(RuntimeError):
    """A node or a contract did not do what it was asked."""


class RpcUnreachable(ChainError):
    """No answer, or none that is JSON-RPC: worth another try."""

    exit_code = 4

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"{url}: {reason}")


class RpcRejected(ChainError):
    """The node answered a request with an error that is not a contract's.

    Attributes
    ----------
    method : str
        Of the request.
    message : str
        The node's own words.
    """

    def __init__(self, method: str, message: str) -> None:
        self.method = method
        self.message = message
        super().__init__(f"{method}: {message}")


class ContractReverted(ChainError):
    """A contract refused, by name. Each custom error is a class of its own below this one.

    Attributes
    ----------
    name : str
        Of the custom error; `Error` for a reason string, `Panic` for a failed assertion, `Unknown` otherwise.
    arguments : dict
        By the names that the contract gives them; classes of custom errors have them as attributes too.
    data : bytes
        As reverted.
    """

    def __init__(self, name: str, arguments: Mapping[str, Any], data: bytes) -> None:
        self.name = name
        self.arguments = dict(arguments)
        self.data = data
        vars(self).update((attribute_name(key), value) for key, value in self.arguments.items() if not key.isdigit())
        super().__init__(self.text({}))

    def text(self, others: Mapping[str, str]) -> str:
        """Return the error as it is called, with `others` in place of arguments of these names."""
        shown = {key: others.get(key, _shown(value)) for key, value in self.arguments.items()}
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in shown.items())})"


class TransactionFailed(ChainError):
    """A transaction was mined and reverted, though it had passed before it was sent; nothing but its fee was spent.

    Attributes
    ----------
    hash : str
        Of the transaction.
    cause : ContractReverted or None
        What a repetition on the state of the block before says, None where it passes there.
    """

    def __init__(self, transaction: str, cause: ContractReverted | None) -> None:
        self.hash = transaction
        self.cause = cause
        super().__init__(f"{transaction} reverted: {cause if cause is not None else 'it passes when repeated'}")


def _shown(value: object) -> object:
    """Return the text that a word holds, where it holds one: parameters go by their names."""
    if isinstance(value, str) and len(value) == 66:
        text = bytes.fromhex(value[2:]).rstrip(b"\0")
        if text and text.isascii() and text.decode().isprintable():
            return text.decode()
    return value
