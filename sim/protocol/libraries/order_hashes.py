"""Hashes of orders, as EIP-712 defines them (``OrderHashes.sol``)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from sim.protocol import abi
from sim.protocol.keccak import keccak256

if TYPE_CHECKING:
    from sim.protocol.types.order import Order, Terms

__all__ = ["ORDER", "TERMS", "signed", "stored"]

ORDER: Final = "(uint256,uint8,uint8,uint40,int128,uint128,uint96,bool)"
TERMS: Final = "(uint8,uint96,uint96,uint96,uint32,uint16,uint32)"
_ORDER: Final = (
    "Order(uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta,"
    "uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly)"
)
_TERMS: Final = (
    "Terms(uint8 kind,uint96 triggerPrice,uint96 stopPrice,uint96 targetPrice,"
    "uint32 distance,uint16 slices,uint32 interval)"
)
_ORDER_TYPEHASH: Final = keccak256(_ORDER.encode())
_TERMS_TYPEHASH: Final = keccak256(_TERMS.encode())
_SIGNED: Final = keccak256(("SignedOrder(Order order,address signer,uint256 nonce)" + _ORDER).encode())
_SIGNED_PLACED: Final = keccak256(
    ("SignedPlacedOrder(Order order,Terms terms,address signer,uint256 nonce)" + _ORDER + _TERMS).encode()
)
_ORDER_TYPE: Final = abi.parse_tuple(ORDER)
_TERMS_TYPE: Final = abi.parse_tuple(TERMS)
_HASH_BITS: Final = 216


@functools.lru_cache(maxsize=1 << 14)
def stored(order: Order, terms: Terms | None) -> int:
    """Return the hash under which an order is stored: its own, or with the terms of one that rests."""
    digest = _hash_order(order)
    if terms is not None:
        digest = keccak256(digest + _hash_terms(terms))
    return int.from_bytes(digest, "big") % (1 << _HASH_BITS)


def signed(order: Order, terms: Terms | None, signer: str, nonce: int) -> bytes:
    """Return the hash of what is signed for an order, or for one that rests (``OrderHashes.sol::hashSigned``)."""
    use = bytes.fromhex(signer[2:]).rjust(32, b"\0") + nonce.to_bytes(32, "big")
    if terms is None:
        return keccak256(_SIGNED + _hash_order(order) + use)
    return keccak256(_SIGNED_PLACED + _hash_order(order) + _hash_terms(terms) + use)


def _hash_order(order: Order) -> bytes:
    return keccak256(_ORDER_TYPEHASH + _ORDER_TYPE.encode(order))


def _hash_terms(terms: Terms) -> bytes:
    return keccak256(_TERMS_TYPEHASH + _TERMS_TYPE.encode(terms))
