"""Orders off chain: hashes, typed data that a wallet shows, signed messages and saved orders as JSON."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from steelyard.client.abi import snake_case
from steelyard.client.errors import AmountInvalid, DocumentInvalid
from steelyard.client.records import Order, OrderKind, Terms
from steelyard.client.values import Permission, permission_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eth_account.messages import SignableMessage

__all__ = [
    "Permit",
    "SignedOrder",
    "SignedPermit",
    "order_from_json",
    "order_hash",
    "order_to_json",
    "signable",
    "terms_from_json",
    "terms_to_json",
    "typed_data",
    "whole",
    "words_of",
]

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
_ORDER = [
    {"name": "account", "type": "uint256"},
    {"name": "market", "type": "uint8"},
    {"name": "slot", "type": "uint8"},
    {"name": "expiresAt", "type": "uint40"},
    {"name": "sizeDelta", "type": "int128"},
    {"name": "acceptablePrice", "type": "uint128"},
    {"name": "keeperFee", "type": "uint96"},
    {"name": "reduceOnly", "type": "bool"},
]
_TERMS = [
    {"name": "kind", "type": "uint8"},
    {"name": "triggerPrice", "type": "uint96"},
    {"name": "stopPrice", "type": "uint96"},
    {"name": "targetPrice", "type": "uint96"},
    {"name": "distance", "type": "uint32"},
    {"name": "slices", "type": "uint16"},
    {"name": "interval", "type": "uint32"},
]
_NONCE = {"name": "nonce", "type": "uint256"}
_PERMIT = [
    {"name": "owner", "type": "address"},
    {"name": "operator", "type": "address"},
    {"name": "flags", "type": "uint8"},
    {"name": "expiresAt", "type": "uint40"},
    _NONCE,
]
_FORMAT = "steelyard-signed-order/1"
_PERMIT_FORMAT = "steelyard-signed-permit/1"
_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_WHOLE = re.compile(r"-?[0-9]{1,78}")
_HEX = re.compile(r"0x([0-9a-fA-F]{2})*")


def _type_hash(name: str, members: list[dict[str, str]]) -> bytes:
    listed = ",".join("{type} {name}".format_map(one) for one in members)
    return keccak(text=f"{name}({listed})")


_ORDER_TYPE = _type_hash("Order", _ORDER)
_TERMS_TYPE = _type_hash("Terms", _TERMS)


def _struct_hash(type_hash: bytes, values: tuple[int, ...]) -> bytes:
    return keccak(type_hash + b"".join((int(value) % 2**256).to_bytes(32, "big") for value in values))


def _checked(text: object, form: re.Pattern[str]) -> str:
    if not isinstance(text, str) or not form.fullmatch(text):
        raise DocumentInvalid(f"{text!r} is not what belongs there")
    return text


def whole(value: object, kind: str, name: str) -> int:
    """Return an integer of a document, which may be text, as one of Solidity's type `kind`.

    Raises
    ------
    DocumentInvalid
        It is none, or out of the type's range.
    """
    number = value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value)
    bits = int(kind.lstrip("uint"))
    least = 0 if kind.startswith("u") else -(2 ** (bits - 1))
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number < least + 2**bits:
        raise DocumentInvalid(f"{name}: not a {kind}")
    return number


def _wholes(document: dict[str, Any], members: list[dict[str, str]]) -> dict[str, int]:
    """Return the integers among the members of a struct, by their names here, or raise `DocumentInvalid`."""
    kinds = {snake_case(one["name"]): one["type"] for one in members}
    return {
        name: whole(document[name], kind, name)
        for name, kind in kinds.items()
        if name in document and kind.lstrip("u").startswith("int")
    }


def order_hash(order: Order, terms: Terms | None) -> int:
    """Return the hash under which the order book stores an order: 216 bits of `OrderHashes.sol::hash`."""
    digest = _struct_hash(_ORDER_TYPE, order.encoded())
    if terms is not None:
        digest = keccak(digest + _struct_hash(_TERMS_TYPE, terms.encoded()))
    return int.from_bytes(digest, "big") % 2**216


def typed_data(
    order: Order, terms: Terms | None, signer: str, nonce: int, *, chain_id: int, order_book: str
) -> dict[str, Any]:
    """Return what is signed, as EIP-712 and wallets write it."""
    names = [one["name"] for one in _ORDER]
    message: dict[str, Any] = {"order": dict(zip(names, order.encoded(), strict=True))}
    types = {"EIP712Domain": _DOMAIN, "Order": _ORDER}
    members = [{"name": "order", "type": "Order"}]
    primary = "SignedOrder"
    if terms is not None:
        primary = "SignedPlacedOrder"
        types["Terms"] = _TERMS
        members.append({"name": "terms", "type": "Terms"})
        message["terms"] = dict(zip([one["name"] for one in _TERMS], terms.encoded(), strict=True))
    types[primary] = [*members, {"name": "signer", "type": "address"}, _NONCE]
    return {
        "types": types,
        "primaryType": primary,
        "domain": _domain("Steelyard orders", chain_id, order_book),
        "message": {**message, "signer": signer, "nonce": nonce},
    }


def _domain(name: str, chain_id: int, contract: str) -> dict[str, Any]:
    return {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": contract}


def words_of(nonces: Iterable[int]) -> list[tuple[int, int]]:
    """Return nonces as words of 256 and masks in them, as `cancelNonces` takes them.

    Raises
    ------
    AmountInvalid
        One is out of range.
    """
    masks: dict[int, int] = defaultdict(int)
    for nonce in nonces:
        if not 0 <= nonce < 2**256:
            raise AmountInvalid("nonce", nonce, "out of range")
        masks[nonce >> 8] |= 1 << nonce % 256
    return sorted(masks.items())


def signable(data: Mapping[str, Any]) -> SignableMessage:
    """Return typed data as eth-account signs it."""
    return encode_typed_data(full_message=dict(data))


def order_to_json(order: Order) -> dict[str, Any]:
    """Return an order for JSON; amounts as text of the exact integers."""
    return {
        **asdict(order),
        "account": f"0x{order.account:064x}",
        "size_delta": str(order.size_delta),
        "acceptable_price": str(order.acceptable_price),
        "keeper_fee": str(order.keeper_fee),
    }


def terms_to_json(terms: Terms | None) -> dict[str, Any] | None:
    """Return terms for JSON, None for none."""
    if terms is None:
        return None
    prices = {name: str(getattr(terms, name)) for name in ("trigger_price", "stop_price", "target_price")}
    return {**asdict(terms), **prices, "kind": terms.kind.name.lower()}


def order_from_json(document: Any) -> Order:
    """Return an order from JSON, or raise `DocumentInvalid`."""
    try:
        values = {**document, "account": int(document["account"], 16)}
        if not isinstance(values.get("reduce_only", False), bool):
            raise DocumentInvalid("reduce_only: neither true nor false")
        return Order(**values | _wholes(values, _ORDER))
    except (KeyError, TypeError, ValueError) as error:
        raise DocumentInvalid(f"not an order: {error}") from None


def terms_from_json(document: Any) -> Terms | None:
    """Return terms from JSON, or raise `DocumentInvalid`."""
    if document is None:
        return None
    try:
        kind = OrderKind[document["kind"].upper()]
        return Terms(**document | _wholes({**document, "kind": int(kind)}, _TERMS) | {"kind": kind})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DocumentInvalid(f"not the terms of an order: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOrder:
    """An order that anyone may bring to the chain, once, until it expires or its nonce is cancelled.

    Attributes
    ----------
    order, terms : Order, Terms or None
        What is signed; terms of an order that rests.
    nonce : int
        That it uses up.
    signer : str
        The account's owner, or an operator who may trade.
    signature : str
        Hexadecimal.
    chain_id, order_book : int, str
        Where it is good.
    """

    order: Order
    terms: Terms | None
    nonce: int
    signer: str
    signature: str
    chain_id: int
    order_book: str

    @property
    def typed_data(self) -> dict[str, Any]:
        """What was signed."""
        return typed_data(
            self.order, self.terms, self.signer, self.nonce, chain_id=self.chain_id, order_book=self.order_book
        )

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "format": _FORMAT,
            "order": order_to_json(self.order),
            "terms": terms_to_json(self.terms),
            "nonce": str(self.nonce),
            "signer": self.signer,
            "signature": self.signature,
            "chain_id": self.chain_id,
            "order_book": self.order_book,
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedOrder:
        """Return a message from JSON.

        Raises
        ------
        DocumentInvalid
            It is none, or not whole.
        """
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise DocumentInvalid(f"not a signed order of format {_FORMAT}")
        try:
            return cls(
                order=order_from_json(document["order"]),
                terms=terms_from_json(document["terms"]),
                nonce=whole(document["nonce"], "uint256", "nonce"),
                signer=_checked(document["signer"], _HEX_ADDRESS),
                signature=_checked(document["signature"], _HEX),
                chain_id=whole(document["chain_id"], "uint256", "chain_id"),
                order_book=_checked(document["order_book"], _HEX_ADDRESS),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DocumentInvalid):
                raise
            raise DocumentInvalid(f"a signed order that is not whole: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What an operator is to be allowed on all accounts of an owner.

    Attributes
    ----------
    owner, operator : str
        Who allows it, and whom.
    permissions : Permission
        What; none revokes.
    expires_at : int
        Until when the message and what it allows are good, inclusive [Unix s].
    nonce : int
        That it uses up, of the owner's at the clearinghouse.
    chain_id, clearinghouse : int, str
        Where it is good.
    """

    owner: str
    operator: str
    permissions: Permission
    expires_at: int
    nonce: int
    chain_id: int
    clearinghouse: str

    def encoded(self) -> tuple[str, str, int, int, int]:
        """Return it as the contract takes it."""
        return self.owner, self.operator, int(self.permissions), self.expires_at, self.nonce

    @property
    def typed_data(self) -> dict[str, Any]:
        """What its owner signs, as EIP-712 and wallets write it."""
        return {
            "types": {"EIP712Domain": _DOMAIN, "OperatorPermit": _PERMIT},
            "primaryType": "OperatorPermit",
            "domain": _domain("Steelyard accounts", self.chain_id, self.clearinghouse),
            "message": dict(zip([one["name"] for one in _PERMIT], self.encoded(), strict=True)),
        }


@dataclass(frozen=True, slots=True)
class SignedPermit:
    """A permit that anyone may bring to the chain, once, until it expires or its nonce is cancelled.

    Attributes
    ----------
    permit : Permit
        What is signed.
    signature : str
        Of its owner, hexadecimal; or what the contract that is the owner takes for one (EIP-1271).
    """

    permit: Permit
    signature: str

    @property
    def typed_data(self) -> dict[str, Any]:
        """What was signed."""
        return self.permit.typed_data

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        permit = self.permit
        return {
            "format": _PERMIT_FORMAT,
            **asdict(permit),
            "permissions": permission_names(permit.permissions),
            "nonce": str(permit.nonce),
            "signature": self.signature,
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedPermit:
        """Return a message from JSON.

        Raises
        ------
        DocumentInvalid
            It is none, or not whole.
        """
        if not isinstance(document, dict) or document.get("format") != _PERMIT_FORMAT:
            raise DocumentInvalid(f"not a signed permit of format {_PERMIT_FORMAT}")
        try:
            permissions = Permission.NONE
            for name in document["permissions"]:
                permissions |= Permission[name.upper()]
            permit = Permit(
                owner=_checked(document["owner"], _HEX_ADDRESS),
                operator=_checked(document["operator"], _HEX_ADDRESS),
                permissions=permissions,
                expires_at=whole(document["expires_at"], "uint40", "expires_at"),
                nonce=whole(document["nonce"], "uint256", "nonce"),
                chain_id=whole(document["chain_id"], "uint256", "chain_id"),
                clearinghouse=_checked(document["clearinghouse"], _HEX_ADDRESS),
            )
            return cls(permit, _checked(document["signature"], _HEX))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, DocumentInvalid):
                raise
            raise DocumentInvalid(f"a signed permit that is not whole: {error}") from None
