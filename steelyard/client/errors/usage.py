"""What the client refuses before anything is asked of a chain, or gives up on."""

from __future__ import annotations

__all__ = [
    "AccountInvalid",
    "AddressInvalid",
    "AmountInvalid",
    "ClientError",
    "DeploymentMistaken",
    "DocumentInvalid",
    "MarketUnlisted",
    "MintForbidden",
    "OrderInvalid",
    "PermitInvalid",
    "PositionNone",
    "SignerInvalid",
    "SignerMissing",
    "SlotsExhausted",
    "WaitTimeout",
]


class ClientError(RuntimeError):
    """The client cannot do what it was asked."""


class AmountInvalid(ClientError, ValueError):
    """An amount that cannot be told exactly, or is out of range.

    Attributes
    ----------
    amount : str
        What it is an amount of.
    value : object
        As given.
    """

    def __init__(self, amount: str, value: object, reason: str) -> None:
        self.amount = amount
        self.value = value
        super().__init__(f"{amount} {value!r}: {reason}")


class AccountInvalid(ClientError, ValueError):
    """Something that names no account."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"{value!r} is no number of an account, no address, no address with /NUMBER and no account's id"
        )


class AddressInvalid(ClientError, ValueError):
    """Something that is no address, or one whose capitals are not those of its checksum.

    Attributes
    ----------
    what : str
        Whose address it is.
    value : object
        As given.
    """

    def __init__(self, what: str, value: object, reason: str = "no address of 20 bytes") -> None:
        self.what = what
        self.value = value
        super().__init__(f"{what} {value!r}: {reason}")


class MarketUnlisted(ClientError, LookupError):
    """There is no market of this name."""

    def __init__(self, name: object, known: tuple[str, ...]) -> None:
        super().__init__(f"no market {name!r} (there are {', '.join(known)})")


class MintForbidden(ClientError):
    """Only local chains have a token that anyone can make."""

    def __init__(self, chain_id: int) -> None:
        super().__init__(f"the token of chain {chain_id} is not made here: only that of a local chain is")


class OrderInvalid(ClientError, ValueError):
    """An order that no contract would take, or that says two things at once."""


class PermitInvalid(ClientError, ValueError):
    """A permit for an operator that nobody could use, or that says what there is not."""


class PositionNone(ClientError):
    """There is no position that such an order could reduce: give the size."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"no position in {symbol} to reduce: give a size to place the order before there is one")


class SignerInvalid(ClientError, ValueError):
    """Something that cannot sign."""


class SignerMissing(ClientError):
    """Something is to be sent or signed, and there is nobody who would."""

    def __init__(self) -> None:
        super().__init__("a signer is needed: a private key, a keystore, or an address that the node signs for")


class SlotsExhausted(ClientError):
    """All order slots of an account are taken."""

    def __init__(self, account: int) -> None:
        super().__init__(
            f"all 256 order slots of account 0x{account:064x} are taken: cancel an order, or use another account"
        )


class DeploymentMistaken(ClientError):
    """The node is of another chain than the deployment."""

    def __init__(self, wanted: object, found: object) -> None:
        super().__init__(f"the deployment is on chain {wanted}, the node is of {found}")


class DocumentInvalid(ClientError, ValueError):
    """A saved order or signed message that is not whole, or not of this deployment."""


class WaitTimeout(ClientError, TimeoutError):
    """Something did not happen in the time given; it may happen yet."""

    exit_code = 5
