"""Signed and saved orders as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_account import Account

from sim.protocol.clearinghouse_ext import hash_permit
from steelyard.client.errors import AmountInvalid, DocumentInvalid, SignerInvalid
from steelyard.client.records import AccountId, Order, OrderKind, Terms
from steelyard.client.senders import KeySender, NodeSender, load_keystore, to_sender
from steelyard.client.signing import Permit, SignedOrder, SignedPermit, signable, typed_data, whole, words_of
from steelyard.client.values import Permission

KEY = "0x" + "11" * 32
BOOK = "0x" + "22" * 20
ORDER = Order(
    account=AccountId(3 << 96),
    market=2,
    slot=255,
    expires_at=2**40 - 1,
    size_delta=-(2**127),
    acceptable_price=2**128 - 1,
    keeper_fee=2**96 - 1,
    reduce_only=True,
)
TERMS = Terms(kind=OrderKind.BRACKET, trigger_price=2**96 - 1, stop_price=1, target_price=2)


def signed(terms: Terms | None = TERMS, **changed: Any) -> SignedOrder:
    fields: dict[str, Any] = {
        "order": ORDER,
        "terms": terms,
        "nonce": 2**256 - 1,
        "signer": "0x" + "33" * 20,
        "signature": "0x44",
        "chain_id": 31337,
        "order_book": BOOK,
    }
    return SignedOrder(**{**fields, **changed})


@pytest.mark.parametrize("terms", [None, TERMS])
def test_signed_order__through_json__is_the_same(terms: Terms | None) -> None:
    message = signed(terms)
    assert SignedOrder.from_json(json.loads(json.dumps(message.to_json()))) == message


@pytest.mark.parametrize("terms", [None, TERMS])
def test_typed_data__signed__recovers_its_signer(terms: Terms | None) -> None:
    account = Account.from_key(KEY)
    data = signed(terms).typed_data
    assert json.loads(json.dumps(data)) == data
    signature = account.sign_message(signable(data)).signature
    assert Account.recover_message(signable(data), signature=signature) == account.address
    other = typed_data(ORDER, terms, account.address, 1, chain_id=31337, order_book=BOOK)
    assert Account.recover_message(signable(other), signature=signature) != account.address


@pytest.mark.parametrize("broken", [None, [], {}, {"format": "steelyard-signed-order/2"}])
def test_signed_order__another_document__is_refused(broken: Any) -> None:
    with pytest.raises(DocumentInvalid, match="not a signed order"):
        SignedOrder.from_json(broken)


@pytest.mark.parametrize("key", ["order", "terms", "nonce", "signature"])
def test_signed_order__part_missing__is_refused(key: str) -> None:
    document = signed().to_json()
    del document[key]
    with pytest.raises(DocumentInvalid):
        SignedOrder.from_json(document)


@pytest.mark.parametrize(("key", "value"), [("signer", "0x12"), ("signature", "forged"), ("order_book", None)])
def test_signed_order__no_address_or_signature__is_refused(key: str, value: Any) -> None:
    with pytest.raises(DocumentInvalid, match="is not what belongs there"):
        SignedOrder.from_json(signed().to_json() | {key: value})


@pytest.mark.parametrize(("key", "value"), [("size_delta", "1.5"), ("account", 7), ("price", "1")])
def test_signed_order__part_of_another_kind__is_refused(key: str, value: Any) -> None:
    document = signed().to_json()
    document["order"][key] = value
    with pytest.raises(DocumentInvalid, match="not an order"):
        SignedOrder.from_json(document)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("order", "account", "-0x1"),
        ("order", "account", "0x1" + "0" * 64),
        ("order", "market", 256),
        ("order", "slot", -1),
        ("order", "slot", True),
        ("order", "expires_at", 2**40),
        ("order", "size_delta", str(2**127)),
        ("order", "acceptable_price", "-1"),
        ("order", "keeper_fee", str(2**96)),
        ("order", "reduce_only", 2),
        ("terms", "trigger_price", str(2**96)),
        ("terms", "stop_price", "-1"),
        ("terms", "target_price", 1.5),
        ("terms", "distance", 2**32),
        ("terms", "slices", 2**16),
        ("terms", "interval", "soon"),
        ("terms", "kind", "iceberg"),
        (None, "nonce", -1),
        (None, "nonce", 2**300),
        (None, "nonce", float("inf")),
        (None, "chain_id", -1),
    ],
)
def test_signed_order__integer_out_of_its_type__is_refused(part: str | None, key: str, value: Any) -> None:
    document = signed().to_json()
    (document if part is None else document[part])[key] = value
    with pytest.raises(DocumentInvalid):
        SignedOrder.from_json(document)


@pytest.mark.parametrize(("kind", "least", "most"), [("uint8", 0, 255), ("int128", -(2**127), 2**127 - 1)])
def test_whole__edge_of_a_type__is_the_last_that_is_taken(kind: str, least: int, most: int) -> None:
    assert [whole(str(one), kind, "size") for one in (least, most)] == [least, most]
    for beyond in (least - 1, most + 1):
        with pytest.raises(DocumentInvalid, match=f"size: not a {kind}"):
            whole(beyond, kind, "size")


def permit(**changed: Any) -> SignedPermit:
    fields: dict[str, Any] = {
        "owner": Account.from_key(KEY).address,
        "operator": "0x" + "55" * 20,
        "permissions": Permission.TRADE | Permission.WITHDRAW,
        "expires_at": 2**40 - 1,
        "nonce": 2**256 - 1,
        "chain_id": 31337,
        "clearinghouse": BOOK,
    }
    return SignedPermit(Permit(**{**fields, **changed}), "0x44")


@pytest.mark.parametrize("permissions", [Permission.NONE, Permission.TRADE, Permission.MARGIN | Permission.WITHDRAW])
def test_signed_permit__through_json__is_the_same(permissions: Permission) -> None:
    message = permit(permissions=permissions)
    assert SignedPermit.from_json(json.loads(json.dumps(message.to_json()))) == message


def test_permit__typed_data__is_what_the_exact_model_hashes_and_recovers_its_owner() -> None:
    one = permit().permit
    data = signable(one.typed_data)
    model = hash_permit(one.owner.lower(), one.operator, int(one.permissions), one.expires_at, one.nonce)
    assert data.body == model
    signature = Account.from_key(KEY).sign_message(data).signature
    assert Account.recover_message(data, signature=signature) == one.owner
    other = permit(nonce=1).permit
    assert Account.recover_message(signable(other.typed_data), signature=signature) != one.owner


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "steelyard-signed-order/1"),
        ("permissions", ["trade", "everything"]),
        ("permissions", 7),
        ("operator", "0x12"),
        ("signature", "0x123"),
        ("nonce", "-1"),
        ("nonce", str(2**256)),
        ("nonce", 1.5),
        ("expires_at", 2**40),
        ("chain_id", "one"),
        ("chain_id", float("inf")),
    ],
)
def test_signed_permit__part_of_another_kind__is_refused(key: str, value: Any) -> None:
    with pytest.raises(DocumentInvalid):
        SignedPermit.from_json(permit().to_json() | {key: value})


@pytest.mark.parametrize("key", ["owner", "operator", "permissions", "expires_at", "nonce", "signature", "chain_id"])
def test_signed_permit__part_missing__is_refused(key: str) -> None:
    document = permit().to_json()
    del document[key]
    with pytest.raises(DocumentInvalid):
        SignedPermit.from_json(document)


def test_words_of__nonces__are_masks_of_256_neighbours() -> None:
    assert words_of([0, 255, 256, 2**256 - 1, 0]) == [(0, 1 | 1 << 255), (1, 1), (2**248 - 1, 1 << 255)]
    for nonce in (-1, 2**256):
        with pytest.raises(AmountInvalid):
            words_of([nonce])


def test_to_sender__what_signs__is_told_apart() -> None:
    assert isinstance(to_sender(KEY), KeySender)
    assert to_sender(Account.from_key(KEY)).address == to_sender(KEY[2:]).address
    assert isinstance(to_sender(BOOK), NodeSender)
    sender = to_sender(KEY)
    assert to_sender(sender) is sender


@pytest.mark.parametrize("signer", ["", "0x12", "alice", 7, None, "0x" + "00" * 32])
def test_to_sender__what_cannot_sign__is_refused(signer: Any) -> None:
    with pytest.raises(SignerInvalid) as refused:
        to_sender(signer)
    assert "00" * 32 not in str(refused.value)


def test_load_keystore__password__opens_it(tmp_path: Any) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(bytes.fromhex(KEY[2:]), "secret", kdf="pbkdf2", iterations=1)))
    assert load_keystore(path, "secret").address == Account.from_key(KEY).address
    with pytest.raises(SignerInvalid):
        load_keystore(path, "wrong")
    with pytest.raises(SignerInvalid):
        load_keystore(tmp_path / "none.json", "secret")
