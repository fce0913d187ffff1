"""What a keeper of orders tells of a round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sim.protocol.types.order import OrderKind
from steelyard.client.errors import ChainError
from steelyard.client.readable import error_text
from steelyard.client.records import AccountId, owner_of
from steelyard.client.units import text_of

if TYPE_CHECKING:
    from steelyard.keeper.book import Due

__all__ = ["Attempt", "Left", "OrderRound", "Outcome", "Transaction"]

_WAD = 10**18


class Outcome(StrEnum):
    """What became of a call.

    Of a settlement `used up` is an order that met its price and failed for a reason of its own, `rested` one that goes
    on after that; `gone` is what somebody else did before; `would` is what a dry run would have done.
    """

    DONE = "done"
    USED_UP = "used up"
    RESTED = "rested"
    GONE = "gone"
    WOULD = "would"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call for an order, what became of it, why, and the fee that it earned [quote wad]."""

    due: Due
    outcome: Outcome
    reason: ChainError | str | None
    fee: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        reason = None if self.reason is None else str(self.reason)
        return {**_who(self.due), "outcome": self.outcome.value, "reason": reason, "fee": text_of(self.fee)}

    def line(self) -> str:
        """Return what a person wants to know."""
        reason = error_text(self.reason) if isinstance(self.reason, ChainError) else self.reason
        return f"{_line(self.due)} {self.outcome.value}: {reason}"


@dataclass(frozen=True, slots=True)
class Left:
    """Something due that was not tried, and why."""

    due: Due
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {**_who(self.due), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A batch: its hash, its gas, how many calls for orders passed, and what was paid to Pyth [wei]."""

    hash: str
    gas_used: int
    calls: int
    price_fees: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRound:
    """One look at all orders.

    Attributes
    ----------
    block, timestamp : int
        Of the chain when the round began.
    events : int
        Read in this round.
    rewound_to : int or None
        Block after which the chain had been replaced.
    note : str or None
        Why a state file was of no use.
    orders : dict of str to int
        Open orders by kind.
    due : int
        What could be done.
    found_seconds : float
        How long it took to find it.
    attempts : tuple of Attempt
        What was tried.
    left : tuple of Left
        What was not, and why.
    transactions : tuple of Transaction
        That were sent.
    gas_price : int
        [wei]
    native_price : int or None
        USD per unit of the chain's currency, where it was told [wad].
    price_failure : str or None
        Why the source of prices could not be asked.
    is_dry : bool
        Whether nothing was sent.
    """

    block: int
    timestamp: int
    events: int
    rewound_to: int | None
    note: str | None
    orders: dict[str, int]
    due: int
    found_seconds: float
    attempts: tuple[Attempt, ...]
    left: tuple[Left, ...]
    transactions: tuple[Transaction, ...]
    gas_price: int
    native_price: int | None
    price_failure: str | None
    is_dry: bool

    @property
    def is_complete(self) -> bool:
        """Whether prices were known, and nothing that was tried failed."""
        return self.price_failure is None and all(one.outcome is not Outcome.FAILED for one in self.attempts)

    @property
    def fees(self) -> int:
        """Keeper fees earned [quote wad]."""
        return sum(one.fee for one in self.attempts)

    @property
    def gas_used(self) -> int:
        """Of all transactions."""
        return sum(one.gas_used for one in self.transactions)

    @property
    def cost(self) -> int:
        """Gas at the price of now, and what Pyth took [wei]."""
        return self.gas_used * self.gas_price + sum(one.price_fees for one in self.transactions)

    @property
    def profit(self) -> int | None:
        """Fees less costs, None where the price of the chain's currency was not told [quote wad]."""
        return None if self.native_price is None else self.fees - self.cost * self.native_price // _WAD

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals, `gas_price` and `price_fees` of wei."""
        return {
            "block": self.block,
            "timestamp": self.timestamp,
            "events": self.events,
            "rewound_to": self.rewound_to,
            "note": self.note,
            "orders": self.orders,
            "due": self.due,
            "found_seconds": round(self.found_seconds, 6),
            "dry": self.is_dry,
            "complete": self.is_complete,
            "price_failure": self.price_failure,
            "attempts": [one.to_json() for one in self.attempts],
            "left": [one.to_json() for one in self.left],
            "transactions": [
                {"hash": one.hash, "gas_used": one.gas_used, "calls": one.calls, "price_fees": str(one.price_fees)}
                for one in self.transactions
            ],
            "fees": text_of(self.fees),
            "gas_used": self.gas_used,
            "gas_price": str(self.gas_price),
            "cost": text_of(self.cost),
            "profit": None if self.profit is None else text_of(self.profit),
        }

    def lines(self) -> list[str]:
        """Return what a person wants to know: one line, and one for each that did not go well, reasons together."""
        outcomes = Counter(f"{one.due.action.value} {one.outcome.value}" for one in self.attempts)
        done = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items())) or "nothing to do"
        lines = [f"block {self.block}: {sum(self.orders.values())} orders open, {self.due} due: {done}"]
        if self.note is not None:
            lines.append(f"  {self.note}")
        if self.rewound_to is not None:
            lines.append(f"  the chain was replaced after block {self.rewound_to}")
        if self.price_failure is not None:
            lines.append(f"  no new prices: {self.price_failure}")
        lines += [f"  {one.hash}: {one.calls} calls, gas {one.gas_used:,}" for one in self.transactions]
        if self.transactions:
            profit = "" if self.profit is None else f", profit {self.profit / _WAD:,.4f}"
            lines.append(f"  fees {self.fees / _WAD:,.4f}, cost {self.cost / _WAD:.9f} of the chain's currency{profit}")
        lines += [f"  {one.line()}" for one in self.attempts if one.reason is not None]
        reasons = Counter(one.reason for one in self.left)
        lines += [f"  {count} left: {reason}" for reason, count in sorted(reasons.items())]
        return lines


def _who(due: Due) -> dict[str, Any]:
    order, terms = due.held.order, due.held.terms
    kind = OrderKind.MARKET if terms is None else OrderKind(terms.kind)
    return {
        "account": f"0x{order.account:064x}",
        "owner": owner_of(AccountId(order.account)),
        "slot": order.slot,
        "market": order.market,
        "kind": kind.name.lower(),
        "action": due.action.value,
    }


def _line(due: Due) -> str:
    order = due.held.order
    return (
        f"{due.action.value} {owner_of(AccountId(order.account))}/{order.account & ((1 << 96) - 1)} slot {order.slot}"
    )
