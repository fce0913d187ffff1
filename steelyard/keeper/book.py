"""An index of open orders: told events, it knows which are due at given prices, without looking at the others.

Prices at which something can be done with an order are kept sorted for each market, times likewise, so that what is due
is a slice of a list.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.protocol.libraries import triggers
from sim.protocol.types.order import Leg, Order, OrderKind, Progress, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["EVENTS", "Action", "Book", "Due", "Key", "OpenOrder", "Price"]

Key = tuple[int, int]
"""Account and slot."""

EVENTS: Final = (
    "OrderCommitted",
    "OrderPlaced",
    "OrderTriggered",
    "OrderTrailed",
    "OrderSettled",
    "OrderFailed",
    "OrderRested",
    "OrderCancelled",
)
"""All that the index is made of."""

_UNIT: Final = 1_000_000
_ABOVE_PRICES: Final = 2**96


class Price(NamedTuple):
    """A price [wad] and when it was published [Unix s]."""

    value: int
    published_at: int


class OpenOrder(NamedTuple):
    """An order that a slot holds; `terms` is None of a delayed one.

    `made_at` is when it was committed or placed [Unix s].
    """

    order: Order
    terms: Terms | None
    made_at: int
    progress: Progress = Progress()

    @property
    def key(self) -> Key:
        """Account and slot."""
        return self.order.account, self.order.slot

    @property
    def waits_since(self) -> int:
        """Only prices published after this time trigger it, or move its mark (``OrderBook.sol::_waitingSince``)."""
        return max(self.made_at, self.progress.active_at, self.progress.marked_at)

    @property
    def can_expire(self) -> bool:
        """Whether its expiry ends it: the exits of a bracket do not expire."""
        return self.progress.leg == Leg.ENTRY


class Action(StrEnum):
    """What can be done with an order, named as the contract's function."""

    TRAIL = "trail"
    TRIGGER = "trigger"
    SETTLE = "settle"
    EXECUTE = "execute"
    CLEAR = "cancelPlaced"


@dataclass(frozen=True, slots=True)
class Due:
    """An order and what can be done with it now.

    Attributes
    ----------
    action : Action
        What.
    held : OpenOrder
        The order.
    earliest, latest : int
        Of a settlement: bounds of the time of its price [Unix s].
    """

    action: Action
    held: OpenOrder
    earliest: int = 0
    latest: int = 0


class _Side(IntEnum):
    """What the sorted lists are about: a price that falls to a bound, or rises to it."""

    TRIGGER_LOW = 0
    TRIGGER_HIGH = 1
    TRAIL_LOW = 2
    TRAIL_HIGH = 3


class _Sorted:
    """Keys sorted by a bound."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: list[tuple[int, Key]] = []

    def add(self, bound: int, key: Key) -> None:
        insort(self._items, (bound, key))

    def remove(self, bound: int, key: Key) -> None:
        del self._items[bisect_left(self._items, (bound, key))]

    def at_most(self, bound: int) -> list[tuple[int, Key]]:
        return self._items[: self._place(bound + 1)]

    def at_least(self, bound: int) -> list[tuple[int, Key]]:
        return self._items[self._place(bound) :]

    def _place(self, bound: int) -> int:
        return bisect_left(self._items, (bound, (-1, -1)))


class Book:
    """All open orders of one order book.

    Parameters
    ----------
    min_delay, window : int
        Of the contract [s].
    trail_share : int
        Part of its distance by which a trailing stop's mark must get better to be worth moving [1e-6]; its first mark
        always is.
    """

    def __init__(self, min_delay: int, window: int, *, trail_share: int = 100_000) -> None:
        self._min_delay = min_delay
        self._window = window
        self._trail_share = trail_share
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.orders: dict[Key, OpenOrder] = {}
        self._over: set[Key] = set()
        self._bounds: dict[int, tuple[_Sorted, _Sorted, _Sorted, _Sorted]] = {}
        self._times, self._ends = _Sorted(), _Sorted()
        self._undo: list[tuple[int, Key, OpenOrder | None]] = []

    def __len__(self) -> int:
        return len(self.orders)

    @property
    def kinds(self) -> dict[str, int]:
        """How many orders there are of each kind."""
        counts = Counter(OrderKind.MARKET if one.terms is None else one.terms.kind for one in self.orders.values())
        return {OrderKind(kind).name.lower(): counts[kind] for kind in sorted(counts)}

    @property
    def markets(self) -> tuple[int, ...]:
        """Markets with orders."""
        return tuple(sorted({one.order.market for one in self.orders.values()}))

    # ---- events

    def apply(self, event: str, arguments: Mapping[str, Any], block: int, timestamp: int) -> None:
        """Follow one event, told with its block's number and time [Unix s]; events come in the chain's order."""
        if event in ("OrderCommitted", "OrderPlaced"):
            held: OpenOrder | None = _made(event, arguments, timestamp)
            key = arguments["order"][0], arguments["order"][2]
        else:
            key = arguments["account"], arguments["slot"]
            if key not in self.orders:
                return
            held = self._moved(self.orders[key], event, arguments, timestamp)
        self._undo.append((block, key, self.orders.get(key)))
        self._put(key, held)

    def rewind(self, block: int) -> None:
        """Forget all that was told of blocks after `block`; those before what `settle_history` gave up are kept."""
        while self._undo and self._undo[-1][0] > block:
            _, key, before = self._undo.pop()
            self._put(key, before)

    def settle_history(self, block: int) -> None:
        """Give up the means to rewind before `block`."""
        self._undo = self._undo[bisect_left(self._undo, block + 1, key=lambda entry: entry[0]) :]

    def as_of(self, block: int) -> list[OpenOrder]:
        """Return the orders that were open after `block`, not before what `settle_history` gave up."""
        orders: dict[Key, OpenOrder | None] = dict(self.orders)
        for at, key, before in reversed(self._undo):
            if at <= block:
                break
            orders[key] = before
        return [held for held in orders.values() if held is not None]

    def restore(self, orders: list[OpenOrder]) -> None:
        """Start from these orders."""
        self.clear()
        for held in orders:
            self._put(held.key, held)

    # ---- what is due

    def due(self, now: int, prices: Mapping[int, Price], *, clears: bool = False) -> list[Due]:
        """Return what can be done, in the order in which it should be: trail, trigger, settle, execute, clear.

        Parameters
        ----------
        now
            Time of the chain [Unix s].
        prices
            Latest price of each market; of others nothing is trailed or triggered.
        clears
            Whether expired orders that anyone may clear are told.
        """
        self._retire(now)
        found = [Due(Action.TRAIL, held) for held in self._to_trail(now, prices)]
        found += [Due(Action.TRIGGER, held) for held in self._to_trigger(now, prices)]
        settlements = [one for _, key in self._times.at_most(now) if (one := self._settlement(self.orders[key], now))]
        found += sorted(settlements, key=lambda one: (one.action is Action.EXECUTE, one.latest))
        if clears:
            found += [Due(Action.CLEAR, held) for held in self._to_clear(now)]
        return found

    def pending(self, held: OpenOrder, now: int) -> tuple[int, int] | None:
        """Return the bounds of an order's settlement price while it waits for one (``OrderBook.sol::_pending``)."""
        order, terms, progress = held.order, held.terms, held.progress
        if terms is None:
            earliest = held.made_at + self._min_delay
        elif terms.kind == OrderKind.TWAP:
            number = (now - held.made_at) // terms.interval
            if not progress.slices <= number < terms.slices:
                return None
            earliest = held.made_at + self._min_delay + number * terms.interval
        elif progress.triggered_at == 0:
            return None
        else:
            earliest = progress.triggered_at + self._min_delay
        latest = earliest + self._window
        if progress.leg == Leg.ENTRY:
            latest = min(latest, order.expires_at)
        return None if now > latest else (earliest, latest)

    def _settlement(self, held: OpenOrder, now: int) -> Due | None:
        bounds = self.pending(held, now)
        if bounds is None or now < bounds[0]:
            return None
        return Due(Action.SETTLE if held.terms is None else Action.EXECUTE, held, *bounds)

    def _to_trail(self, now: int, prices: Mapping[int, Price]) -> Iterator[OpenOrder]:
        for market, price in prices.items():
            for key in self._reached(market, price.value, _Side.TRAIL_LOW, _Side.TRAIL_HIGH):
                held = self.orders[key]
                if self._is_idle(held, now, price) and now + self._min_delay <= held.order.expires_at:
                    yield held

    def _to_trigger(self, now: int, prices: Mapping[int, Price]) -> Iterator[OpenOrder]:
        for market, price in prices.items():
            for key in self._reached(market, price.value, _Side.TRIGGER_LOW, _Side.TRIGGER_HIGH):
                held = self.orders[key]
                order, terms, progress = held.order, held.terms, held.progress
                assert terms is not None
                if held.can_expire and now + self._min_delay > order.expires_at:
                    continue
                is_triggered, _ = triggers.triggered(terms, progress, order.size_delta > 0, price.value)
                if is_triggered and self._is_idle(held, now, price):
                    yield held

    def _to_clear(self, now: int) -> Iterator[OpenOrder]:
        for key in self._over:
            held = self.orders[key]
            if held.terms is not None and held.can_expire and now > held.order.expires_at:
                yield held

    def _reached(self, market: int, price: int, low: _Side, high: _Side) -> Iterator[Key]:
        bounds = self._bounds.get(market)
        if bounds is None:
            return
        for _, key in bounds[low].at_least(price):
            yield key
        for _, key in bounds[high].at_most(price):
            yield key

    def _is_idle(self, held: OpenOrder, now: int, price: Price) -> bool:
        is_new = price.published_at > held.waits_since
        return is_new and (held.progress.triggered_at == 0 or self.pending(held, now) is None)

    # ---- the index

    def _moved(self, held: OpenOrder, event: str, arguments: Mapping[str, Any], timestamp: int) -> OpenOrder | None:
        """Return an order after an event, None where it is over."""
        terms, progress = held.terms, held.progress
        if event == "OrderTriggered":
            after: Progress | None = progress._replace(leg=arguments["leg"], triggered_at=timestamp)
        elif event == "OrderTrailed":
            after = progress._replace(mark=arguments["mark"], marked_at=arguments["publishedAt"])
        elif terms is None or event not in ("OrderSettled", "OrderRested"):
            after = None
        elif terms.kind == OrderKind.TWAP:
            slices = (timestamp - held.made_at) // terms.interval + 1
            after = progress._replace(slices=slices) if slices < terms.slices else None
        elif event == "OrderRested":
            leg = Leg.ENTRY if progress.leg == Leg.ENTRY else Leg.EXITS
            after = progress._replace(leg=leg, triggered_at=0)
        elif terms.kind == OrderKind.BRACKET and progress.leg == Leg.ENTRY:
            after = progress._replace(leg=Leg.EXITS, triggered_at=0, active_at=timestamp)
        else:
            after = None
        return None if after is None else held._replace(progress=after)

    def _put(self, key: Key, held: OpenOrder | None) -> None:
        before = self.orders.pop(key, None)
        if key in self._over:
            self._over.remove(key)
        elif before is not None:
            for listed, bound in self._places(before):
                listed.remove(bound, key)
        if held is not None:
            self.orders[key] = held
            for listed, bound in self._places(held):
                listed.add(bound, key)

    def _retire(self, now: int) -> None:
        """Take orders out of the lists with which nothing can be done any more; delayed ones are forgotten."""
        for _, key in self._ends.at_most(now):
            held = self.orders[key]
            for listed, bound in self._places(held):
                listed.remove(bound, key)
            if held.terms is None:
                del self.orders[key]
            else:
                self._over.add(key)

    def _places(self, held: OpenOrder) -> list[tuple[_Sorted, int]]:
        """Return the lists that an order is in, and by what; they follow from the order alone."""
        order, terms, progress = held.order, held.terms, held.progress
        if terms is None:
            earliest = held.made_at + self._min_delay
            return [(self._times, earliest), (self._ends, min(order.expires_at, earliest + self._window) + 1)]
        if terms.kind == OrderKind.TWAP:
            end = min(order.expires_at + 1, held.made_at + terms.slices * terms.interval)
            next_at = held.made_at + self._min_delay + progress.slices * terms.interval
            return [(self._times, next_at), (self._ends, end)]
        places = [(self._ends, order.expires_at + 1)] if held.can_expire else []
        if progress.triggered_at != 0:
            places.append((self._times, progress.triggered_at + self._min_delay))
        bounds = self._bounds.get(order.market)
        if bounds is None:
            bounds = self._bounds[order.market] = _Sorted(), _Sorted(), _Sorted(), _Sorted()
        return places + [(bounds[side], bound) for side, bound in self._thresholds(held, terms)]

    def _thresholds(self, held: OpenOrder, terms: Terms) -> Iterator[tuple[_Side, int]]:
        """Yield the prices that trigger an order or move its mark, and from which side they are reached."""
        is_buy, progress = held.order.size_delta > 0, held.progress
        with_trade = _Side.TRIGGER_LOW if is_buy else _Side.TRIGGER_HIGH
        against = _Side.TRIGGER_HIGH if is_buy else _Side.TRIGGER_LOW
        if terms.kind == OrderKind.LIMIT:
            yield with_trade, terms.trigger_price
        elif terms.kind == OrderKind.STOP:
            yield against, terms.trigger_price
        elif terms.kind == OrderKind.TRAILING_STOP:
            if progress.mark != 0:
                yield against, triggers.trailing_stop(terms, progress, is_buy)
            yield self._next_mark(progress.mark, terms.distance, is_buy)
        elif progress.leg != Leg.ENTRY:
            yield with_trade, terms.stop_price
            yield against, terms.target_price
        elif terms.trigger_price != 0:
            yield with_trade, terms.trigger_price
        else:
            yield _Side.TRIGGER_HIGH, 0

    def _next_mark(self, mark: int, distance: int, is_buy: bool) -> tuple[_Side, int]:
        """Return the price from which on a trailing stop's mark is worth moving."""
        step = mark * distance * self._trail_share // _UNIT**2 + 1
        if is_buy:
            return _Side.TRAIL_LOW, mark - step if mark else _ABOVE_PRICES
        return _Side.TRAIL_HIGH, mark + step if mark else 0


def _made(event: str, arguments: Mapping[str, Any], timestamp: int) -> OpenOrder:
    """Return the order that was just committed or placed; the entry at once of a bracket is triggered by that."""
    order = Order(*arguments["order"])
    if event == "OrderCommitted":
        return OpenOrder(order, None, timestamp)
    terms = Terms(*arguments["terms"])
    is_at_once = terms.kind == OrderKind.BRACKET and terms.trigger_price == 0
    return OpenOrder(order, terms, timestamp, Progress(triggered_at=timestamp) if is_at_once else Progress())
