"""What has become of an order, out of the events and the state of one block."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from steelyard.client.abi import decode_revert
from steelyard.client.records import Leg, OrderKind, Terms
from steelyard.client.units import from_wad

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from steelyard.client.calls import Block, Log
    from steelyard.client.errors import ContractReverted
    from steelyard.client.records import Order, Progress

__all__ = ["BOOK_EVENTS", "HOUSE_EVENTS", "Fill", "OrderState", "Rules", "Status", "state_of"]

BOOK_EVENTS = (
    "OrderCommitted",
    "OrderPlaced",
    "OrderTriggered",
    "OrderTrailed",
    "OrderSettled",
    "OrderFailed",
    "OrderRested",
    "OrderCancelled",
)
HOUSE_EVENTS = ("Traded", "KeeperPaid")

_MADE = ("OrderCommitted", "OrderPlaced")


class Status(StrEnum):
    """What has become of an order."""

    WAITING = "waiting"
    """For its price, its trigger or its next slice."""
    TRIGGERED = "triggered"
    """It fills at the first price after its delay."""
    SETTLED = "settled"
    FAILED = "failed"
    """It met its price, and was used up without a fill; `OrderState.reason` says why."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """It can no longer settle; its slot may still be held until it is cancelled or used again."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of the order."""
        return self not in (Status.WAITING, Status.TRIGGERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One fill of an order.

    Attributes
    ----------
    size : Decimal
        Change of the position [base], negative for a sale.
    oracle_price : Decimal
        First price after the delay, its confidence counted against the trader [USD].
    cost : Decimal
        Paid for it, negative when received [USD].
    fee, keeper_fee : Decimal
        Taken from the account [USD].
    funding : Decimal
        Settled on the way, negative when received [USD].
    block, transaction : int, str
        Where it happened.
    """

    size: Decimal
    oracle_price: Decimal
    cost: Decimal
    fee: Decimal
    keeper_fee: Decimal
    funding: Decimal
    block: int
    transaction: str

    @property
    def price(self) -> Decimal:
        """Average fill price [USD], rounded as `decimal` does."""
        return abs(self.cost / self.size) if self.size else self.oracle_price

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON, amounts as text."""
        return {
            "size": format(self.size, "f"),
            "price": format(self.price, "f"),
            "oracle_price": format(self.oracle_price, "f"),
            "cost": format(self.cost, "f"),
            "fee": format(self.fee, "f"),
            "keeper_fee": format(self.keeper_fee, "f"),
            "funding": format(self.funding, "f"),
            "block": self.block,
            "transaction": self.transaction,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """An order at one block.

    Attributes
    ----------
    status : Status
        What has become of it.
    fills : tuple of Fill
        Oldest first: of a TWAP one a slice, of a bracket the entry and the exit.
    reason : ContractReverted or None
        Why its last attempt to fill failed.
    leg : Leg
        What of it is next, or was last.
    mark : Decimal or None
        Best price of a trailing stop so far [USD].
    slices_over : int
        Of a TWAP.
    settles_until : int or None
        Until when what is due of it can settle [Unix s]; until then it cannot be cancelled.
    block : int
        As of which.
    """

    status: Status
    fills: tuple[Fill, ...] = ()
    reason: ContractReverted | None = None
    leg: Leg = Leg.ENTRY
    mark: Decimal | None = None
    slices_over: int = 0
    settles_until: int | None = None
    block: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of the order."""
        return self.status.is_over

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON, amounts as text."""
        reason = self.reason
        return {
            "status": str(self.status),
            "fills": [fill.to_json() for fill in self.fills],
            "reason": reason and {"error": reason.name, "arguments": {k: str(v) for k, v in reason.arguments.items()}},
            "leg": self.leg.name.lower(),
            "mark": None if self.mark is None else format(self.mark, "f"),
            "slices_over": self.slices_over,
            "settles_until": self.settles_until,
            "block": self.block,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Delay and window of an order book [s]."""

    delay: int
    window: int


def state_of(
    order: Order,
    terms: Terms | None,
    *,
    is_held: bool,
    made_at: int,
    logs: Sequence[Log],
    progress: Progress | None,
    head: Block,
    rules: Rules,
) -> OrderState:
    """Return what has become of an order.

    Parameters
    ----------
    order, terms : Order, Terms or None
        As committed or placed.
    is_held : bool
        Whether its slot still holds it.
    made_at : int
        Time of the block in which it was committed or placed [Unix s].
    logs : sequence of Log
        Events of its account after it was made, those of the clearinghouse too, up to `head`.
    progress : Progress or None
        Of its slot, where it rests and is held.
    head : Block
        As of which.
    rules : Rules
        Of the order book.
    """
    own = _own(order, logs)
    fills = tuple(_fill(order, log, logs) for log in own if log.name == "OrderSettled")
    failures = [log.arguments["reason"] for log in own if log.name in ("OrderFailed", "OrderRested")]
    reason = decode_revert(bytes.fromhex(failures[-1][2:])) if failures else None
    pending = _pending(order, terms, made_at, progress, head.timestamp, rules) if is_held else None
    return OrderState(
        status=_status(order, terms, own, progress, made_at, head.timestamp, is_held=is_held, pending=pending),
        fills=fills,
        reason=reason,
        leg=_leg(own, progress, terms),
        mark=from_wad(progress.mark) if progress is not None and progress.mark else None,
        slices_over=progress.slices if progress is not None else 0,
        settles_until=pending,
        block=head.number,
    )


def _own(order: Order, logs: Iterable[Log]) -> list[Log]:
    """Return the events of the order, up to where its slot was used again."""
    own = []
    for log in logs:
        if log.name in HOUSE_EVENTS:
            continue
        slot = log.arguments["order"].slot if log.name in _MADE else log.arguments["slot"]
        if slot != order.slot:
            continue
        if log.name in _MADE:
            break
        own.append(log)
    return own


def _fill(order: Order, settled: Log, logs: Iterable[Log]) -> Fill:
    """Return a fill; what the clearinghouse says of it comes just before, in the same transaction."""
    before: list[Log] = []
    for log in logs:
        if log.transaction != settled.transaction or log.index >= settled.index:
            continue
        before = [] if log.name == "OrderSettled" else [*before, log]
    traded = [log.arguments for log in before if log.name == "Traded" and log.arguments["market"] == order.market][-1]
    paid = sum(log.arguments["fee"] for log in before if log.name == "KeeperPaid")
    return Fill(
        size=from_wad(settled.arguments["sizeDelta"]),
        oracle_price=from_wad(settled.arguments["price"]),
        cost=from_wad(traded["cost"]),
        fee=from_wad(traded["fee"]),
        keeper_fee=from_wad(paid),
        funding=from_wad(traded["funding"]),
        block=settled.block,
        transaction=settled.transaction,
    )


def _pending(
    order: Order, terms: Terms | None, made_at: int, progress: Progress | None, now: int, rules: Rules
) -> int | None:
    """Return until when what is due can settle; None where nothing is due. As `OrderBook.sol::_pending`."""
    if terms is None or progress is None:
        latest = min(order.expires_at, made_at + rules.delay + rules.window)
        return latest if now <= latest else None
    if terms.kind is OrderKind.TWAP:
        number = (now - made_at) // terms.interval
        if not progress.slices <= number < terms.slices:
            return None
        earliest = made_at + rules.delay + number * terms.interval
    elif progress.triggered_at == 0:
        return None
    else:
        earliest = progress.triggered_at + rules.delay
    latest = earliest + rules.window
    if progress.leg is Leg.ENTRY:
        latest = min(latest, order.expires_at)
    return latest if now <= latest else None


def _status(
    order: Order,
    terms: Terms | None,
    own: Sequence[Log],
    progress: Progress | None,
    made_at: int,
    now: int,
    *,
    is_held: bool,
    pending: int | None,
) -> Status:
    if not is_held:
        ends = {"OrderSettled": Status.SETTLED, "OrderFailed": Status.FAILED, "OrderCancelled": Status.CANCELLED}
        ended = [ends[log.name] for log in own if log.name in ends]
        if not ended:
            return Status.EXPIRED
        is_twap = terms is not None and terms.kind is OrderKind.TWAP
        return Status.SETTLED if is_twap and ended[-1] is Status.FAILED and Status.SETTLED in ended else ended[-1]
    if terms is None or progress is None:
        return Status.EXPIRED if pending is None else Status.WAITING
    if terms.kind is OrderKind.TWAP:
        is_last_over = (now - made_at) // terms.interval >= terms.slices
        return Status.EXPIRED if is_last_over and pending is None else Status.WAITING
    if pending is not None:
        return Status.TRIGGERED
    return Status.EXPIRED if now > order.expires_at and progress.leg is Leg.ENTRY else Status.WAITING


def _leg(own: Iterable[Log], progress: Progress | None, terms: Terms | None) -> Leg:
    if progress is not None:
        return progress.leg
    if terms is None or terms.kind is not OrderKind.BRACKET:
        return Leg.ENTRY
    legs = [Leg(log.arguments["leg"]) for log in own if log.name == "OrderTriggered"]
    return legs[-1] if legs else Leg.ENTRY
