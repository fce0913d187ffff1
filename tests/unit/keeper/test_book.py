"""The index of open orders beside the exact model: what it calls due is what the contract takes, and nothing else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sim.protocol import Settings
from sim.protocol.errors import ProtocolError
from sim.protocol.mocks.local_pyth import Price as PythPrice
from sim.protocol.mocks.local_pyth import PriceFeed, encode_update
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.order import Leg, Order, OrderKind, Terms
from steelyard.keeper.book import Action, Book, Due, Key, OpenOrder, Price
from tests.unit.protocol.exchange import ALICE, BOB, UINT128_MAX, WAD, Exchange, feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Outcome

DELAY, WINDOW = Settings().min_delay_seconds, Settings().window_seconds
NAMES = {
    "OrderCommitted": ("account", "order"),
    "OrderPlaced": ("account", "order", "terms"),
    "OrderTriggered": ("account", "slot", "leg", "price"),
    "OrderTrailed": ("account", "slot", "mark", "publishedAt"),
    "OrderSettled": ("account", "slot", "keeper", "price", "sizeDelta"),
    "OrderFailed": ("account", "slot", "price", "reason"),
    "OrderRested": ("account", "slot", "price", "reason"),
    "OrderCancelled": ("account", "slot"),
}
KEEPER = to_account_id(BOB, 0)


class Play:
    """Random orders on the exact model, and an index that is told its events."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.exchange = Exchange()
        self.world = self.exchange.world
        self.accounts = [self.exchange.fund(ALICE, 1_000_000, index) for index in range(3)]
        self.book = Book(DELAY, WINDOW, trail_share=0)
        self.block = 0
        self.made: dict[Key, tuple[Order, Terms | None]] = {}
        self.events: list[tuple[str, dict[str, object], int, int]] = []

    def call(self, sender: str, function: str, *args: object) -> Outcome:
        outcome = self.exchange.call(sender, "OrderBook", function, *args)
        self.block += 1
        for event in outcome.events:
            if event.name in NAMES:
                told = (
                    event.name,
                    dict(zip(NAMES[event.name], event.args, strict=True)),
                    self.block,
                    self.world.timestamp,
                )
                self.events.append(told)
                self.book.apply(*told)
        return outcome

    def price(self, market: int) -> int:
        return self.world.oracle.price_state(market).price

    def prices(self) -> dict[int, Price]:
        states = {market: self.world.oracle.price_state(market) for market in (0, 1)}
        return {market: Price(state.price, state.published_at) for market, state in states.items()}

    def update(self, market: int) -> str:
        """Return a price of now that is the first since ever."""
        quoted = PythPrice(self.price(market) // 10**10, 0, -8, self.world.timestamp)
        return encode_update(PriceFeed(feed(market), quoted, quoted), 0)

    def near(self, market: int) -> int:
        return self.price(market) * self.random.randint(970, 1030) // 1_000

    def step(self) -> None:
        choice = self.random.random()
        if choice < 0.35:
            self.make()
        elif choice < 0.55:
            self.world.advance(self.random.choice((1, 2, 3, 20, 70)))
        elif choice < 0.75:
            market = self.random.randrange(2)
            self.exchange.publish(market, self.near(market))
        elif choice < 0.8 and self.made:
            order, terms = self.random.choice(list(self.made.values()))
            self.call(ALICE, "cancel", order) if terms is None else self.call(ALICE, "cancelPlaced", order, terms)
        elif due := self.book.due(self.world.timestamp, self.prices(), clears=True):
            self.do(self.random.choice(due))

    def make(self) -> None:
        pick, now = self.random, self.world.timestamp
        market, is_buy = pick.randrange(2), pick.random() < 0.5
        size = WAD * pick.choice((1, 3, 500_000)) * (1 if is_buy else -1)
        worst = pick.choice((UINT128_MAX if is_buy else 0, self.price(market)))
        order = Order(
            account=pick.choice(self.accounts),
            market=market,
            slot=pick.randrange(12),
            expires_at=now + pick.choice((5, 100, 1_000, 10**6)),
            size_delta=size,
            acceptable_price=worst,
            keeper_fee=0,
            reduce_only=pick.random() < 0.2,
        )
        low, high = sorted((self.near(market), self.near(market) + 1))
        terms: Terms | None = pick.choice(
            (
                None,
                Terms(OrderKind.LIMIT, self.near(market)),
                Terms(OrderKind.STOP, self.near(market)),
                Terms(OrderKind.TRAILING_STOP, distance=pick.choice((1_000, 20_000))),
                Terms(OrderKind.TWAP, slices=3, interval=DELAY + WINDOW + pick.choice((0, 9))),
                Terms(
                    OrderKind.BRACKET, pick.choice((0, self.near(market))), *((low, high) if is_buy else (high, low))
                ),
            )
        )
        made = self.call(ALICE, "commit", order) if terms is None else self.call(ALICE, "place", order, terms)
        if made.ok:
            self.made[order.account, order.slot] = order, terms

    def do(self, due: Due) -> None:
        order, terms = due.held.order, due.held.terms
        if due.action is Action.SETTLE:
            outcome = self.call(BOB, "settle", order, KEEPER, (self.update(order.market),))
        elif due.action is Action.EXECUTE:
            outcome = self.call(BOB, "execute", order, terms, KEEPER, (self.update(order.market),))
        else:
            outcome = self.call(BOB, due.action.value, order, terms)
        assert outcome.ok, (due, outcome.error)

    def taken(self) -> set[tuple[Action, Key]]:
        """Return what the model takes of all orders ever made, each tried and taken back."""
        found, contract = set(), self.world.order_book
        for key, (order, terms) in self.made.items():
            update = (self.update(order.market),)
            tries: dict[Action, tuple[Callable[..., object], tuple[object, ...]]] = {
                Action.SETTLE: (contract.settle, (BOB, 0, order, KEEPER, update))
            }
            if terms is not None:
                tries = {
                    Action.TRIGGER: (contract.trigger, (BOB, order, terms)),
                    Action.TRAIL: (contract.trail, (BOB, order, terms)),
                    Action.EXECUTE: (contract.execute, (BOB, 0, order, terms, KEEPER, update)),
                    Action.CLEAR: (contract.cancel_placed, (BOB, order, terms)),
                }
            for action, (function, arguments) in tries.items():
                mark = self.world.mark()
                try:
                    function(*arguments)
                except ProtocolError:
                    continue
                finally:
                    self.world.undo(mark)
                is_late = self.world.timestamp + DELAY > order.expires_at
                if not (action is Action.TRAIL and is_late):
                    found.add((action, key))
        return found

    def due(self) -> set[tuple[Action, Key]]:
        return {(one.action, one.held.key) for one in self.book.due(self.world.timestamp, self.prices(), clears=True)}


@pytest.mark.parametrize("seed", range(6))
def test_due__random_orders__just_what_the_contract_takes(seed: int) -> None:
    play, seen = Play(seed), set[Action]()
    for _ in range(250):
        play.step()
        due = play.due()
        assert due == play.taken()
        seen |= {action for action, _ in due}
    assert seen == set(Action)


@pytest.mark.parametrize("seed", range(6))
def test_rewind__random_orders__as_if_later_blocks_had_never_been(seed: int) -> None:
    play = Play(100 + seed)
    for _ in range(200):
        play.step()
    cut = play.block // 2
    before = Book(DELAY, WINDOW, trail_share=0)
    for told in play.events:
        if told[2] <= cut:
            before.apply(*told)
    saved = {held.key: held for held in play.book.as_of(cut)}
    play.book.rewind(cut)
    # Delayed orders that nothing can be done with are forgotten when time passes, also by whoever goes back.
    alive = {key: held for key, held in before.orders.items() if held.terms is not None}
    assert {key: held for key, held in play.book.orders.items() if held.terms is not None} == alive
    assert {key: held for key, held in saved.items() if held.terms is not None} == alive
    restored = Book(DELAY, WINDOW, trail_share=0)
    restored.restore(list(saved.values()))
    for told in play.events:
        if told[2] > cut:
            play.book.apply(*told)
            restored.apply(*told)
            before.apply(*told)
    assert play.due() == play.taken()
    now = play.world.timestamp
    assert set(restored.due(now, play.prices())) == set(before.due(now, play.prices())) != set()


def test_due__many_at_once__trails_then_triggers_then_settlements_by_what_is_over_first() -> None:
    book = Book(DELAY, WINDOW)
    order = Order(1 << 96, 0, 0, 2**40 - 1, -WAD, 0, 0)
    trailing, stop = Terms(OrderKind.TRAILING_STOP, distance=10_000), Terms(OrderKind.STOP, 50 * WAD)
    for slot, made_at in ((0, 95), (1, 90)):
        book.apply("OrderCommitted", {"order": order._replace(slot=slot)}, 1, made_at)
    for slot, terms in ((2, stop), (3, trailing)):
        book.apply("OrderPlaced", {"order": order._replace(slot=slot), "terms": terms}, 1, 90)
    due = book.due(100, {0: Price(50 * WAD, 99)})
    assert [(one.action.value, one.held.order.slot) for one in due] == [
        ("trail", 3),
        ("trigger", 2),
        ("settle", 1),
        ("settle", 0),
    ]
    assert (due[-1].earliest, due[-1].latest) == (95 + DELAY, 95 + DELAY + WINDOW)


@pytest.mark.parametrize(("price", "is_worth_it"), [(1_009, False), (1_010, False), (1_011, True)])
def test_due__mark_gets_better__is_trailed_by_more_than_the_share_of_its_distance(
    price: int, is_worth_it: bool
) -> None:
    book = Book(DELAY, WINDOW, trail_share=100_000)
    order = Order(1 << 96, 0, 0, 2**40 - 1, -WAD, 0, 0)
    book.apply("OrderPlaced", {"order": order, "terms": Terms(OrderKind.TRAILING_STOP, distance=100_000)}, 1, 10)
    assert [one.action for one in book.due(20, {0: Price(1_000, 15)})] == [Action.TRAIL]
    told = {"account": order.account, "slot": 0, "mark": 1_000, "publishedAt": 15}
    book.apply("OrderTrailed", told, 2, 20)
    assert [one.action for one in book.due(30, {0: Price(price, 25)})] == [Action.TRAIL] * is_worth_it
    assert book.due(30, {0: Price(price, 15)}) == []


def test_apply__slot_of_an_order_that_is_over__holds_the_next_one() -> None:
    book = Book(DELAY, WINDOW)
    order = Order(1 << 96, 0, 0, 50, WAD, UINT128_MAX, 0)
    book.apply("OrderCommitted", {"order": order}, 1, 10)
    assert book.due(60, {}) == []
    assert len(book) == 0
    book.apply("OrderPlaced", {"order": order._replace(expires_at=999), "terms": Terms(OrderKind.LIMIT, 5)}, 2, 70)
    assert book.kinds == {"limit": 1}
    assert book.markets == (0,)
    (due,) = book.due(80, {0: Price(5, 75)})
    assert due.held == OpenOrder(order._replace(expires_at=999), Terms(OrderKind.LIMIT, 5), 70)
    assert due.held.progress.leg == Leg.ENTRY
