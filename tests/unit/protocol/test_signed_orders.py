"""Signed orders: who signed what for where, each good once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.evm import Address
from sim.protocol.libraries import order_hashes
from sim.protocol.signed_messages import recover
from sim.protocol.types.account import PERMISSION_TRADE
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.order import Order, OrderKind, Terms
from tests.unit.protocol.exchange import ALICE, BOB, TOKEN, UINT128_MAX, WAD, Exchange

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

BOOK = "OrderBook"
SIGNER: LocalAccount = Account.from_key("0x" + "51" * 32)
OTHER: LocalAccount = Account.from_key("0x" + "52" * 32)
CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
LIMIT = Terms(OrderKind.LIMIT, 50_000 * WAD)
ORDER_FIELDS = (
    ("account", "uint256"),
    ("market", "uint8"),
    ("slot", "uint8"),
    ("expiresAt", "uint40"),
    ("sizeDelta", "int128"),
    ("acceptablePrice", "uint128"),
    ("keeperFee", "uint96"),
    ("reduceOnly", "bool"),
)
TERMS_FIELDS = (
    ("kind", "uint8"),
    ("triggerPrice", "uint96"),
    ("stopPrice", "uint96"),
    ("targetPrice", "uint96"),
    ("distance", "uint32"),
    ("slices", "uint16"),
    ("interval", "uint32"),
)


def typed_data(book: Any, order: Order, terms: Terms | None, nonce: int, signer: str) -> dict[str, Any]:
    """Return what a wallet shows and signs."""
    _, name, version, chain_id, contract, _, _ = book.eip712_domain()
    fields = [{"name": "order", "type": "Order"}]
    types = {"Order": [{"name": each, "type": kind} for each, kind in ORDER_FIELDS]}
    message: dict[str, Any] = {
        "order": dict(zip(dict(ORDER_FIELDS), order, strict=True)),
        "signer": signer,
        "nonce": nonce,
    }
    if terms is not None:
        fields.append({"name": "terms", "type": "Terms"})
        types["Terms"] = [{"name": each, "type": kind} for each, kind in TERMS_FIELDS]
        message["terms"] = dict(zip(dict(TERMS_FIELDS), terms, strict=True))
    primary = "SignedOrder" if terms is None else "SignedPlacedOrder"
    types[primary] = [*fields, {"name": "signer", "type": "address"}, {"name": "nonce", "type": "uint256"}]
    types["EIP712Domain"] = [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ]
    domain = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract}
    return {"domain": domain, "primaryType": primary, "types": types, "message": message}


def sign(exchange: Exchange, order: Order, terms: Terms | None = None, nonce: int = 0, key: Any = SIGNER) -> str:
    signable = encode_typed_data(full_message=typed_data(exchange.world.order_book, order, terms, nonce, key.address))
    return "0x" + bytes(key.sign_message(signable).signature).hex()


def ready() -> tuple[Exchange, Order]:
    """Return an exchange on which the signer has money, and an order of his."""
    exchange = Exchange()
    owner = Address(SIGNER.address.lower())
    account = to_account_id(owner, 0)
    exchange.must(BOB, "Clearinghouse", "deposit", account, 100_000 * TOKEN)
    return exchange, Order(account, 0, 3, 2**40 - 1, WAD, UINT128_MAX, 0)


def relay(exchange: Exchange, order: Order, signature: str, nonce: int = 0, signer: str = "") -> str:
    """Relay an order; return the name of the error, or nothing."""
    who = signer or SIGNER.address.lower()
    outcome = exchange.call(BOB, BOOK, "commitSigned", order, nonce, who, signature)
    return outcome.error.name if outcome.error else ""


@pytest.mark.parametrize("terms", [None, LIMIT])
@pytest.mark.parametrize("nonce", [0, 255, 256, 2**256 - 1])
def test_relay__what_a_wallet_signed__passes_once(terms: Terms | None, nonce: int) -> None:
    exchange, order = ready()
    signer, signature = SIGNER.address.lower(), sign(exchange, order, terms, nonce)
    args = (order, nonce, signer, signature) if terms is None else (order, terms, nonce, signer, signature)
    function = "commitSigned" if terms is None else "placeSigned"
    outcome = exchange.must(BOB, BOOK, function, *args)
    assert [event.name for event in outcome.events] == ["NonceSpent", "OrderPlaced" if terms else "OrderCommitted"]
    assert exchange.error(BOB, BOOK, function, *args).name == "NonceUsed"
    assert exchange.world.read(BOOK, "commitmentOf", order.account, 3)[1] == (terms is not None)


@given(
    st.builds(
        Order,
        st.integers(0, 2**256 - 1),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 2**40 - 1),
        st.integers(-(2**127), 2**127 - 1),
        st.integers(0, 2**128 - 1),
        st.integers(0, 2**96 - 1),
        st.booleans(),
    ),
    st.none()
    | st.builds(
        Terms,
        st.integers(0, 5),
        *[st.integers(0, 2**96 - 1)] * 3,
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**32 - 1),
    ),
    st.integers(0, 2**256 - 1),
)
def test_digest__any_order__is_what_a_wallet_computes(order: Order, terms: Terms | None, nonce: int) -> None:
    book = Exchange().world.order_book
    signable = encode_typed_data(full_message=typed_data(book, order, terms, nonce, SIGNER.address))
    digest = book.digest(order_hashes.signed(order, terms, SIGNER.address.lower(), nonce))
    signed = SIGNER.sign_message(signable)
    assert recover(digest, bytes(signed.signature)) == SIGNER.address.lower()


@pytest.mark.parametrize("field", Order._fields)
def test_relay__any_field_changed__is_refused(field: str) -> None:
    exchange, order = ready()
    signature = sign(exchange, order)
    changed = order._replace(**{field: True if field == "reduce_only" else getattr(order, field) ^ 1})
    assert relay(exchange, changed, signature) == "SignatureInvalid"
    assert relay(exchange, order, signature, nonce=1) == "SignatureInvalid"
    assert relay(exchange, order, signature) == ""


@pytest.mark.parametrize("part", ["name", "version", "chainId", "verifyingContract"])
def test_relay__signed_for_another_domain__is_refused(part: str) -> None:
    """Of another chain, another contract, another version."""
    exchange, order = ready()
    data = typed_data(exchange.world.order_book, order, None, 0, SIGNER.address)
    value = data["domain"][part]
    data["domain"][part] = value + 1 if part == "chainId" else BOB if part == "verifyingContract" else value + "0"
    signature = SIGNER.sign_message(encode_typed_data(full_message=data)).signature
    assert relay(exchange, order, "0x" + bytes(signature).hex()) == "SignatureInvalid"


def test_relay__an_order_signed_as_one_that_rests__is_refused_and_the_other_way_round() -> None:
    exchange, order = ready()
    assert relay(exchange, order, sign(exchange, order, LIMIT)) == "SignatureInvalid"
    args = order, LIMIT, 0, SIGNER.address.lower(), sign(exchange, order)
    assert exchange.error(BOB, BOOK, "placeSigned", *args).name == "SignatureInvalid"


def test_relay__malformed_signatures__are_refused() -> None:
    """Malleable: the same point upside down; compact; too short; too long; of no known parity; of zeros."""
    exchange, order = ready()
    good = bytes.fromhex(sign(exchange, order)[2:])
    r, s, v = good[:32], int.from_bytes(good[32:64], "big"), good[64]
    upside_down = r + (CURVE - s).to_bytes(32, "big") + bytes([55 - v])
    compact = r + (s | (v - 27) << 255).to_bytes(32, "big")
    for bad in (upside_down, compact, good[:-1], good + b"\0", good[:64] + bytes([v - 27]), bytes(65), b""):
        assert relay(exchange, order, "0x" + bad.hex()) == "SignatureInvalid"
    assert relay(exchange, order, "0x" + good.hex()) == ""


def test_relay__signer_without_the_accounts_permission__is_refused() -> None:
    exchange, order = ready()
    owner, other = SIGNER.address.lower(), OTHER.address.lower()
    signature = sign(exchange, order, key=OTHER)
    assert relay(exchange, order, signature) == "SignatureInvalid"
    assert relay(exchange, order, signature, signer=other) == "AccountUnauthorized"
    until = exchange.world.timestamp + 10
    exchange.must(owner, "Clearinghouse", "setOperator", other, PERMISSION_TRADE, until)
    assert relay(exchange, order, signature, signer=other) == ""
    exchange.world.advance(11)
    late = order._replace(slot=4)
    assert relay(exchange, late, sign(exchange, late, nonce=1, key=OTHER), nonce=1, signer=other) == (
        "AccountUnauthorized"
    )


def test_relay__refused_for_another_reason__leaves_the_nonce() -> None:
    exchange, order = ready()
    signature = sign(exchange, order._replace(size_delta=0))
    assert relay(exchange, order._replace(size_delta=0), signature) == "SizeZero"
    assert not exchange.world.order_book.is_nonce_used(SIGNER.address.lower(), 0)


@given(st.integers(0, 2**248 - 1), st.integers(0, 2**256 - 1), st.integers(0, 255), st.integers(0, 2**256 - 1))
def test_cancel_nonces__any_mask__marks_those_and_no_others(word: int, mask: int, bit: int, again: int) -> None:
    exchange = Exchange()
    exchange.must(BOB, BOOK, "cancelNonces", word, mask)
    book = exchange.world.order_book
    assert book.is_nonce_used(BOB, word << 8 | bit) == bool(mask >> bit & 1)
    assert not book.is_nonce_used(ALICE, word << 8 | bit)
    exchange.must(BOB, BOOK, "cancelNonces", word, again)
    assert book.is_nonce_used(BOB, word << 8 | bit) == bool((mask | again) >> bit & 1)


def test_cancel_nonces__before_it_is_relayed__an_order_is_void() -> None:
    exchange, order = ready()
    signature = sign(exchange, order, nonce=700)
    exchange.must(SIGNER.address.lower(), BOOK, "cancelNonces", 700 >> 8, 1 << (700 & 255))
    assert relay(exchange, order, signature, nonce=700) == "NonceUsed"
