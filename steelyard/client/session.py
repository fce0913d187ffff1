"""What a client knows of a deployment, and the steps that its methods and its orders share."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from eth_utils.address import to_checksum_address

from steelyard.client.calls import block_of, decode_logs, read, send
from steelyard.client.errors import (
    AccountInvalid,
    AddressInvalid,
    DeploymentMistaken,
    MarketUnlisted,
    RpcRejected,
    SignerMissing,
    SlotsExhausted,
)
from steelyard.client.lifecycle import BOOK_EVENTS, HOUSE_EVENTS, Rules
from steelyard.client.records import AccountId, to_account_id
from steelyard.client.steps import Request
from steelyard.client.views import ViewSteps
from steelyard.deployment.errors import CodeMismatch

if TYPE_CHECKING:
    from steelyard.client.calls import Contract, Log, Receipt
    from steelyard.client.records import Order, Terms
    from steelyard.client.senders import SigningSender
    from steelyard.client.steps import Steps
    from steelyard.deployment.artefact import Artefact

__all__ = ["AccountLike", "OrderRecord", "Session"]

AccountLike = int | str | None
"""An account: a number among the signer's own, `0xOWNER`, `0xOWNER/NUMBER`, or an id of 256 bits; None for number 0."""

_T = TypeVar("_T")
_SPAN = 5_000
_NUMBER = re.compile(r"[0-9]{1,29}")
_OWNED = re.compile(r"(0x[0-9a-fA-F]{40})(?:/([0-9]{1,29}))?")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_ID = re.compile(r"0x[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order as it was made; the chain itself holds only a hash of it.

    Attributes
    ----------
    order, terms : Order, Terms or None
        As committed or placed.
    made_at : int
        Time of its block [Unix s].
    block, index : int
        Where the event is that tells of it.
    transaction : str
        That made it.
    """

    order: Order
    terms: Terms | None
    made_at: int
    block: int
    index: int
    transaction: str


class Session:
    """One deployment, seen by one trader.

    Parameters
    ----------
    artefact : Artefact
        Of the deployment.
    sender : SigningSender or None
        Who sends and signs; None to look only.
    keeper_fee : int
        Of orders that name none [quote wad].
    """

    def __init__(self, artefact: Artefact, sender: SigningSender | None, keeper_fee: int) -> None:
        self.artefact = artefact
        self.chain_id = artefact.chain_id
        self.views = ViewSteps(artefact.addresses)
        self.keeper_fee = keeper_fee
        self._sender = sender
        self._is_checked = False
        self._rules: Rules | None = None
        self._listed = artefact.symbols
        self._taken: set[tuple[AccountId, int]] = set()
        # Nonces of one word: using the second costs a fourth of using the first, and one call cancels them all.
        self._next_nonce = secrets.randbits(128) << 8

    # ---- what is known without asking

    @property
    def sender(self) -> SigningSender:
        """Who sends, or raise `SignerMissing`."""
        if self._sender is None:
            raise SignerMissing
        return self._sender

    def account_of(self, account: AccountLike) -> AccountId:
        """Return the id of an account, or raise `AccountInvalid` or `SignerMissing`."""
        if account is None:
            account = 0
        if isinstance(account, int) and not isinstance(account, bool) and 0 <= account < 2**256:
            return AccountId(account) if account >= 2**96 else to_account_id(self.sender.address, account)
        if isinstance(account, str):
            if _NUMBER.fullmatch(account) and int(account) < 2**96:
                return to_account_id(self.sender.address, int(account))
            if _ID.fullmatch(account):
                return AccountId(int(account, 16))
            found = _OWNED.fullmatch(account)
            if found and int(found[2] or 0) < 2**96:
                return to_account_id(found[1], int(found[2] or 0))
        raise AccountInvalid(account)

    def address_of(self, value: object, what: str) -> str:
        """Return an address with its checksum, or raise `AddressInvalid`; capitals, where it has any, must be right."""
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            raise AddressInvalid(what, value)
        checked: str = to_checksum_address(value)
        if value[2:] not in (value[2:].lower(), value[2:].upper(), checked[2:]):
            raise AddressInvalid(what, value, f"its checksum is wrong: {checked}, or is it mistyped?")
        return checked

    def owner_of(self, owner: str | None) -> str:
        """Return an owner's address, by default the signer's, or raise `AddressInvalid` or `SignerMissing`."""
        return self.sender.address if owner is None else self.address_of(owner, "owner")

    def symbol(self, number: int) -> str:
        """Return what a market is called; its number where it was listed after the deployment."""
        return self._listed[number] if number < len(self._listed) else str(number)

    def next_nonce(self) -> int:
        """Return a nonce that this session has not used, and that nobody else will have."""
        self._next_nonce += 1
        return self._next_nonce - 1

    # ---- what is asked

    def checked(self, steps: Steps[_T]) -> Steps[_T]:
        """Return the steps, after a look whether the node is of the deployment's chain; once a session."""
        if not self._is_checked:
            chain_id = int((yield Request("eth_chainId")), 16)
            if chain_id != self.chain_id:
                raise DeploymentMistaken(self.chain_id, chain_id)
            genesis = (yield from block_of(0)).hash
            if genesis != self.artefact.genesis_hash:
                raise DeploymentMistaken(self.artefact.genesis_hash, genesis)
            house = self.views.clearinghouse.address
            if (yield Request("eth_getCode", (house, "latest"))) == "0x":
                raise CodeMismatch("Clearinghouse", house, missing=True)
            self._is_checked = True
        return (yield from steps)

    def market_of(self, market: str | int) -> Steps[int]:
        """Return the number of a market, or raise `MarketUnlisted`."""
        if isinstance(market, str) and market.upper() in (names := [name.upper() for name in self._listed]):
            return names.index(market.upper())
        count = yield from read(self.views.clearinghouse, "marketCount")
        number = int(market) if isinstance(market, int) or _NUMBER.fullmatch(market) else -1
        if not 0 <= number < count:
            raise MarketUnlisted(market, tuple(self.symbol(each) for each in range(count)))
        return number

    def rules(self) -> Steps[Rules]:
        """Return delay and window of the order book, asked once."""
        if self._rules is None:
            book = self.views.order_book
            delay = yield from read(book, "MIN_DELAY_SECONDS")
            self._rules = Rules(delay, (yield from read(book, "WINDOW_SECONDS")))
        return self._rules

    def take_slot(self, account: AccountId, wanted: int | None) -> Steps[int]:
        """Return the slot asked for, or the first free one that is in nobody's hands here; see `release_slot`."""
        if wanted is not None:
            return wanted
        rules = yield from self.rules()
        now = (yield from block_of()).timestamp
        for slot in range(256):
            if (account, slot) in self._taken:
                continue
            # Before the question: others may ask while it is answered.
            self._taken.add((account, slot))
            held = yield from self.views.commitment_of(account, slot)
            if not held.committed_at or (not held.is_resting and now > held.committed_at + rules.delay + rules.window):
                return slot
            self._taken.discard((account, slot))
        raise SlotsExhausted(account)

    def release_slot(self, account: AccountId, slot: int) -> None:
        """Let a slot be taken again: what was to be in it is on the chain, or will not be."""
        self._taken.discard((account, slot))

    def events(self, account: AccountId, first: int, last: int) -> Steps[list[Log]]:
        """Return what happened to the orders of an account, and its fills, from block `first` to `last`, in order."""
        book, house = self.views.order_book, self.views.clearinghouse
        kinds = [book.abi.topic(name) for name in BOOK_EVENTS] + [house.abi.topic(name) for name in HOUSE_EVENTS]
        query: dict[str, Any] = {"address": [book.address, house.address], "topics": [kinds, f"0x{account:064x}"]}
        span = _SPAN
        raw_logs: list[dict[str, Any]] = []
        while first <= last:
            until = min(first + span - 1, last)
            try:
                raw_logs += yield Request("eth_getLogs", ({**query, "fromBlock": hex(first), "toBlock": hex(until)},))
            except RpcRejected:
                # Nodes bound the blocks, or the events, of one request; by how much differs.
                if span == 1:
                    raise
                span = -(-span // 2)
                continue
            first = until + 1
        logs = decode_logs(book, raw_logs, *BOOK_EVENTS) + decode_logs(house, raw_logs, *HOUSE_EVENTS)
        return sorted(logs, key=lambda log: (log.block, log.index))

    def send(self, contract: Contract, function: str, *arguments: Any) -> Steps[Receipt]:
        """Send a transaction and wait until it is mined; see `calls.send`."""
        return (yield from send(self.sender, contract, function, *arguments))
