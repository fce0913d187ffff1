"""Signed orders, their nonces, and batches of what anyone may do."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from coincurve import PrivateKey
from eth_account import Account

from sim.protocol.clearinghouse_ext import hash_permit
from sim.protocol.libraries import order_hashes
from sim.protocol.types.order import Order as Signable
from sim.protocol.types.order import OrderKind
from steelyard.evm.deployment import ADMIN
from steelyard.fuzz.moves.parts import any_account, any_market, free_slot
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.resting import BOOK, order_to_place, placed, resting, terms_of
from steelyard.fuzz.scenario import (
    ALICE,
    ANY_BUY,
    BOB,
    CAROL,
    KIM,
    KIMS,
    MALLORY,
    OSCAR,
    TOKEN,
    TRADERS,
    UINT256_MAX,
    WAD,
    WALLET,
    WALLETS,
    owner_of,
)

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from sim.protocol.types.order import Terms
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

_MNEMONIC = "test test test test test test test test test test test junk"
_NUMBERS = {ALICE: 5, BOB: 6, CAROL: 7, KIM: 8, OSCAR: 9}
"""Place of each signer among the addresses of the test chains' mnemonic."""
TRADE = 1
HOUSE = "Clearinghouse"
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@cache
def _key(signer: str) -> PrivateKey:
    Account.enable_unaudited_hdwallet_features()
    path = f"m/44'/60'/0'/0/{_NUMBERS[signer]}"
    return PrivateKey(bytes(Account.from_mnemonic(_MNEMONIC, account_path=path).key))


def digest_of(s: Scenario, order: Order, terms: Terms | None, nonce: int, signer: str) -> bytes:
    """Return what is signed for an order."""
    return s.book.digest(order_hashes.signed(Signable(*order), terms, signer, nonce))


def signature_of(signer: str, digest: bytes) -> str:
    """Return a trader's signature: r, s and 27 or 28."""
    signed: bytes = _key(signer).sign_recoverable(digest, hasher=None)
    return "0x" + (signed[:64] + bytes([27 + signed[64]])).hex()


def _nonce(s: Scenario, c: Choices, signer: str, contract: str = BOOK) -> int:
    """Return a nonce that a signer has not used."""
    used = s.book if contract == BOOK else s.pair.model.clearinghouse
    nonce = c.amount(0, UINT256_MAX)
    while used.is_nonce_used(signer, nonce):
        nonce = (nonce + 1) % 2**256
    return nonce


def _signable(s: Scenario, c: Choices) -> tuple[Order, Terms | None]:
    """Return an order, with terms or without."""
    s.freshen()
    order = order_to_place(s, c)
    if c.chance(50):
        return order, None
    return order, terms_of(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP, OrderKind.BRACKET)), order)


def _relay(
    s: Scenario, order: Order, terms: Terms | None, nonce: int, signer: str, signature: str, *, sender: str = OSCAR
) -> Outcome:
    if terms is None:
        return s.call(sender, BOOK, "commitSigned", order, nonce, signer, signature)
    return s.call(sender, BOOK, "placeSigned", order, terms, nonce, signer, signature)


def _signed(s: Scenario, order: Order, terms: Terms | None, nonce: int, signer: str) -> str:
    return signature_of(signer, digest_of(s, order, terms, nonce, signer))


# ---- relaying


@aim("signed")
def relay_order(s: Scenario, c: Choices) -> Outcome:
    """Relay an order that its owner, or an operator, signed."""
    order, terms = _signable(s, c)
    signer = owner_of(order[0])
    if c.chance(30):
        s.must(signer, "Clearinghouse", "setOperator", OSCAR, TRADE, s.now + 10)
        signer = OSCAR
    nonce = _nonce(s, c, signer)
    return _relay(s, order, terms, nonce, signer, _signed(s, order, terms, nonce, signer), sender=c.pick((KIM, ADMIN)))


@aim("signed")
def relay_order_of_a_contract(s: Scenario, c: Choices) -> Outcome:
    """Relay what a contract signed by approving its hash, and settle it."""
    s.freshen()
    market = any_market(s, c)
    if s.balance(WALLETS) < 1_000 * WAD:
        s.must(KIM, "Clearinghouse", "deposit", WALLETS, 5_000 * TOKEN)
    size = max(s.min_size(market), WAD * 1_000 * WAD // s.price(market))
    order = s.order(WALLETS, market, size * c.pick((1, -1)), slot=free_slot(s, c, WALLETS))
    nonce = _nonce(s, c, WALLET)
    s.must(KIM, "LocalWallet", "setApproval", "0x" + digest_of(s, order, None, nonce, WALLET).hex(), True)
    relayed = _relay(s, order, None, nonce, WALLET, c.pick(("0x", "0x1234")))
    return s.settle(order) if relayed.ok else relayed


@aim("signed", "NonceUsed")
def relay_twice(s: Scenario, c: Choices) -> Outcome:
    order, terms = _signable(s, c)
    signer = owner_of(order[0])
    nonce = _nonce(s, c, signer)
    signature = _signed(s, order, terms, nonce, signer)
    if c.chance(50):
        _relay(s, order, terms, nonce, signer, signature)
    else:
        s.must(signer, BOOK, "cancelNonces", nonce >> 8, 1 << (nonce & 255) | c.amount(0, UINT256_MAX))
    return _relay(s, order, terms, nonce, signer, signature)


@aim("signed", "SignatureInvalid")
def relay_forged(s: Scenario, c: Choices) -> Outcome:
    """Relay with the signature of another message, of somebody else, a malleable one, or none."""
    order, terms = _signable(s, c)
    signer = owner_of(order[0])
    nonce = _nonce(s, c, signer)
    good = _signed(s, order, terms, nonce, signer)
    match c.integer(0, 6):
        case 0:
            bad = _signed(s, order, terms, (nonce + 1) % 2**256, signer)
        case 1:
            bad = signature_of(
                c.pick([other for other in TRADERS if other != signer]), digest_of(s, order, terms, nonce, signer)
            )
        case 2:
            half = _CURVE_ORDER - int(good[66:130], 16)
            bad = good[:66] + f"{half:064x}" + ("1c" if good[130:] == "1b" else "1b")
        case 3:
            bad = c.pick(("0x", good[:-2], good + "00", "0x" + "00" * 65, good[:-2] + "1d"))
        case 4:
            bad = _signed(s, (*order[:4], order[4] + 1, *order[5:]), terms, nonce, signer)
        case 5:
            signer, bad = c.pick((MALLORY, WALLET, s.book.address, "0x" + "00" * 20)), good
        case _:
            bad = _signed(
                s, order, None if terms is not None else terms_of(s, c, OrderKind.LIMIT, order), nonce, signer
            )
    return _relay(s, order, terms, nonce, signer, bad)


@aim("signed", "AccountUnauthorized")
def relay_of_a_stranger(s: Scenario, c: Choices) -> Outcome:
    order, terms = _signable(s, c)
    signer = c.pick([other for other in (*TRADERS, KIM) if other != owner_of(order[0])])
    nonce = _nonce(s, c, signer)
    return _relay(s, order, terms, nonce, signer, _signed(s, order, terms, nonce, signer))


@aim("signed")
def cancel_nonces(s: Scenario, c: Choices) -> Outcome:
    """Cancel nonces, those of a used one's word among them."""
    contract, signer = c.pick((BOOK, HOUSE)), c.pick(TRADERS)
    held = s.book if contract == BOOK else s.pair.model.clearinghouse
    used = [word for holder, word in held.stored_nonces() if holder == signer]
    word = c.pick(used) if used and c.chance(50) else c.amount(0, UINT256_MAX)
    return s.call(signer, contract, "cancelNonces", word, c.amount(0, UINT256_MAX))


# ---- permissions


def _permit(s: Scenario, c: Choices, owner: str, *, lasts: int = 1_000) -> tuple[tuple[str, str, int, int, int], str]:
    """Return a permission that its owner did not use yet, and his signature of it."""
    nonce = _nonce(s, c, owner, HOUSE)
    permit = owner, c.pick((OSCAR, KIM)), c.pick((TRADE, 2, 4, 7, 0)), max(0, s.now + lasts), nonce
    house = s.pair.model.clearinghouse
    return permit, signature_of(owner, house.digest(hash_permit(*permit)))


@aim("operator")
def permit_operator(s: Scenario, c: Choices) -> Outcome:
    permit, signature = _permit(s, c, c.pick(TRADERS), lasts=c.pick((0, c.integer(0, 10**6))))
    return s.call(c.pick((KIM, OSCAR, ADMIN)), HOUSE, "permitOperator", *permit, signature)


@aim("operator", "PermitExpired")
def permit_too_late(s: Scenario, c: Choices) -> Outcome:
    permit, signature = _permit(s, c, c.pick(TRADERS), lasts=-c.integer(1, 1_000))
    return s.call(KIM, HOUSE, "permitOperator", *permit, signature)


@aim("operator", "NonceUsed")
def permit_twice(s: Scenario, c: Choices) -> Outcome:
    permit, signature = _permit(s, c, c.pick(TRADERS))
    if c.chance(50):
        s.must(KIM, HOUSE, "permitOperator", *permit, signature)
    else:
        s.must(permit[0], HOUSE, "cancelNonces", permit[4] >> 8, 1 << (permit[4] & 255))
    return s.call(KIM, HOUSE, "permitOperator", *permit, signature)


@aim("operator", "SignatureInvalid")
def permit_forged(s: Scenario, c: Choices) -> Outcome:
    """Use a signature of somebody else, or of a smaller permission."""
    owner, *others = c.pick((TRADERS, TRADERS[::-1]))
    permit, signature = _permit(s, c, owner)
    if c.chance(50):
        return s.call(OSCAR, HOUSE, "permitOperator", others[0], *permit[1:], signature)
    return s.call(OSCAR, HOUSE, "permitOperator", *permit[:2], permit[2] ^ 7, *permit[3:], signature)


# ---- batches


def _calls(s: Scenario, c: Choices) -> list[tuple[str, int]]:
    """Return calls that anyone may make: of prices, triggers and settlements, good ones and bad ones."""
    calls = []
    market = any_market(s, c)
    data = (s.update_data(market, s.price(market) * c.integer(99, 101) // 100),)
    calls.append((s.pair.model.calldata(BOOK, "updatePrices", ((market,), data)), s.fee(data)))
    calls += [(s.pair.model.calldata(BOOK, "trigger", (held.order, held.terms)), 0) for held in resting(s)[:3]]
    for order, committed in list(s.orders.values())[-3:]:
        earliest = committed + s.min_delay
        at = max(earliest, s.now)
        update = (s.update_data(order[1], s.price(order[1]), at=at, previous=earliest - 1),)
        calls.append((s.pair.model.calldata(BOOK, "settle", (order, KIMS, update)), s.fee(update)))
    return calls


@aim("signed")
def batch_calls(s: Scenario, c: Choices) -> Outcome:
    """Settle and trigger many orders in one transaction, some of which fail."""
    for _ in range(c.integer(1, 2)):
        account, market = any_account(c), any_market(s, c)
        order = s.order(account, market, s.min_size(market), slot=free_slot(s, c, account), acceptable=ANY_BUY)
        s.commit(order)
    if c.chance(50):
        placed(s, c, OrderKind.LIMIT)
    s.pair.wait(s.min_delay)
    calls = _calls(s, c)
    if c.chance(30):
        order = order_to_place(s, c)
        calls.insert(0, (s.pair.model.calldata(BOOK, "commit", (order,)), c.pick((0, 1))))
    data, values = zip(*calls, strict=True)
    paid = sum(values) + c.pick((0, 0, 7))
    return s.call(c.pick((KIM, OSCAR)), BOOK, "batch", data, values, value=paid)


@aim("signed")
def batch_at_proven_prices(s: Scenario, c: Choices) -> Outcome:
    """Offer all orders of two markets after each of several proofs, none of which holds for all of them."""
    s.freshen()
    first = any_market(s, c)
    markets = first, c.pick([market for market in s.markets if market != first and s.price_state(market)[1]] or [first])
    orders = []
    for _ in range(c.integer(2, 4)):
        account, market = any_account(c), c.pick(markets)
        size = s.min_size(market) * c.pick((1, 1, -1))
        order = s.order(account, market, size, slot=free_slot(s, c, account), acceptable=ANY_BUY if size > 0 else 0)
        if s.commit(order).ok:
            orders.append((order, s.now + s.min_delay))
        s.pair.wait(c.integer(0, 2))
    s.pair.wait(s.min_delay)
    settlements = [(s.pair.model.calldata(BOOK, "settle", (order, KIMS, ())), 0) for order, _ in orders]
    calls = []
    for market in markets[:: c.pick((1, -1))]:
        earliest = [at for order, at in orders if order[1] == market] or [s.now]
        for since in (c.pick((min(earliest) + 1, max(earliest))), min(earliest)):
            at = max(since, c.pick((min(earliest), s.now)))
            previous = since if c.chance(10) else since - 1
            data = (s.update_data(market, s.price(market), at=at, previous=previous),)
            calls.append((s.pair.model.calldata(BOOK, "provePrice", (market, since, data)), s.fee(data)))
            calls += settlements
    data, values = zip(*calls, strict=True)
    return s.call(c.pick((KIM, OSCAR)), BOOK, "batch", data, values, value=sum(values))


@aim("signed", "BatchMalformed")
def batch_of_unequal_lists(s: Scenario, c: Choices) -> Outcome:
    data, values = zip(*_calls(s, c), strict=True)
    return s.call(KIM, BOOK, "batch", data, (*values, 0), value=sum(values))


@aim("signed", "BatchUnpaid")
def batch_without_value(s: Scenario, c: Choices) -> Outcome:
    """Pay nothing, or for the first of two updates only."""
    s.freshen()
    market = any_market(s, c)
    s.pair.wait(1)
    data = (s.update_data(market, s.price(market)),)
    fee = s.fee(data)
    call = s.pair.model.calldata(BOOK, "updatePrices", ((market,), data))
    return s.call(KIM, BOOK, "batch", (call, call), (fee, fee), value=c.pick((0, fee)))
