"""What orders may do, told by events: each way to do more is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from sim.protocol import Event, World
from sim.protocol.invariants import InvariantBroken
from sim.protocol.types.order import Leg, Order, OrderKind, Terms
from steelyard.fuzz.order_invariants import OrderInvariants

ACCOUNT = 1 << 96
ORDER = Order(ACCOUNT, 0, 3, 2**40 - 1, 90, 2**128 - 1, 0)
LIMIT = Terms(OrderKind.LIMIT, 5)
TWAP = Terms(OrderKind.TWAP, slices=3, interval=1_000)
BRACKET = Terms(OrderKind.BRACKET, 0, 4, 6)


class Told:
    """A world of which only events are told."""

    def __init__(self) -> None:
        self.world = World()
        self.delay = self.world.order_book.min_delay_seconds()
        self.window = self.world.order_book.window_seconds()
        self.invariants = OrderInvariants(self.world)
        self.world.oracle._states[0] = self.world.oracle.price_state(0)._replace(published_at=2**40)

    def tell(self, name: str, *args: Any, wait: int = 0) -> None:
        self.world.advance(wait)
        self.invariants.check((Event("OrderBook", name, args),), ())

    def place(self, terms: Terms) -> None:
        self.tell("OrderPlaced", ACCOUNT, tuple(ORDER), tuple(terms))

    def settle(self, size: int, *, wait: int) -> None:
        self.tell("OrderSettled", ACCOUNT, 3, 0, 5, size, wait=wait)

    def trigger(self, leg: int = Leg.ENTRY, *, wait: int = 1) -> None:
        self.tell("OrderTriggered", ACCOUNT, 3, leg, 5, wait=wait)

    def broken(self, name: str, *args: Any, wait: int = 0) -> str:
        with pytest.raises(InvariantBroken) as broken:
            self.tell(name, ACCOUNT, 3, *args, wait=wait)
        return broken.value.invariant


@pytest.fixture
def told() -> Told:
    return Told()


def test_order__settled_cancelled_or_failed_twice__is_noticed(told: Told) -> None:
    told.tell("OrderCommitted", ACCOUNT, tuple(ORDER))
    told.settle(90, wait=told.delay)
    assert told.broken("OrderSettled", 0, 5, 90) == "I35"
    assert told.broken("OrderCancelled") == "I35"
    assert told.broken("OrderFailed", 5, "0x") == "I35"


def test_order__settled_early_or_late__is_noticed(told: Told) -> None:
    told.tell("OrderCommitted", ACCOUNT, tuple(ORDER))
    assert told.broken("OrderSettled", 0, 5, 90, wait=told.delay - 1) == "I47"
    assert told.broken("OrderSettled", 0, 5, 90, wait=told.window + 2) == "I47"


def test_order__filled_beyond_its_size_or_the_other_way__is_noticed(told: Told) -> None:
    told.tell("OrderCommitted", ACCOUNT, tuple(ORDER))
    assert told.broken("OrderSettled", 0, 5, 93, wait=told.delay) == "I45"
    assert told.broken("OrderSettled", 0, 5, -90) == "I45"


def test_order__overwritten_while_it_rests__is_noticed(told: Told) -> None:
    told.place(LIMIT)
    told.world.advance(10_000)
    with pytest.raises(InvariantBroken, match="I35"):
        told.place(LIMIT)


def test_order__cancelled_or_triggered_while_pending__is_noticed(told: Told) -> None:
    told.place(LIMIT)
    told.trigger()
    assert told.broken("OrderCancelled", wait=told.delay + told.window) == "I13"
    assert told.broken("OrderTriggered", Leg.ENTRY, 5) == "I47"
    told.trigger()


def test_order__settled_untriggered__is_noticed(told: Told) -> None:
    told.place(LIMIT)
    assert told.broken("OrderSettled", 0, 5, 90, wait=told.delay) == "I47"


def test_twap__slice_twice_or_too_large__is_noticed(told: Told) -> None:
    told.place(TWAP)
    assert told.broken("OrderSettled", 0, 5, 33, wait=told.delay) == "I45"
    told = Told()
    told.place(TWAP)
    told.settle(30, wait=told.delay)
    assert told.broken("OrderSettled", 0, 5, 30) == "I47"
    told.settle(30, wait=TWAP.interval)
    told.settle(30, wait=TWAP.interval)
    assert told.broken("OrderSettled", 0, 5, 30) == "I35"


def test_bracket__exits_beyond_the_entry_or_both__are_noticed(told: Told) -> None:
    told.place(BRACKET)
    told.settle(80, wait=told.delay)
    assert told.broken("OrderSettled", 0, 5, -80) == "I47"
    told.trigger(Leg.STOP)
    assert told.broken("OrderSettled", 0, 5, -83, wait=told.delay) == "I45"
    told = Told()
    told.place(BRACKET)
    told.settle(80, wait=told.delay)
    told.trigger(Leg.TARGET)
    told.settle(-80, wait=told.delay)
    assert told.broken("OrderTriggered", Leg.STOP, 5) == "I35"
