from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Settings
from sim.protocol.errors import ParameterOutOfBounds
from sim.protocol.types.account import PERMISSION_TRADE
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.order import Order
from sim.protocol.world import World
from tests.unit.protocol.exchange import ALICE, BOB, CAROL, UINT128_MAX, WAD, Exchange

DELAY, WINDOW = Settings().min_delay_seconds, Settings().window_seconds
KEEPER = to_account_id(CAROL, 0)


def committed(exchange: Exchange, **changes: Any) -> Order:
    """Commit an order of Alice's to buy one, and return it."""
    order = Order(
        account=exchange.fund(ALICE, 100_000),
        market=0,
        slot=3,
        expires_at=2**40 - 1,
        size_delta=WAD,
        acceptable_price=UINT128_MAX,
        keeper_fee=WAD,
    )._replace(**changes)
    exchange.must(ALICE, "OrderBook", "commit", order)
    return order


def settle(exchange: Exchange, order: Order, published_at: int, price: int = 50_000 * WAD) -> ErrorValue | None:
    update = exchange.update(order.market, price, published_at)
    return exchange.call(BOB, "OrderBook", "settle", order, KEEPER, (update,)).error


@given(st.integers(DELAY, DELAY + WINDOW))
def test_settle__first_price_in_the_window__fills_there_and_pays_the_keeper(waited: int) -> None:
    exchange = Exchange()
    order = committed(exchange)
    at = exchange.world.timestamp
    exchange.world.advance(waited)
    # The update's predecessor is a second older, so only the first second has the first price.
    assert settle(exchange, order, at + DELAY, 60_000 * WAD) is None
    assert exchange.world.clearinghouse.position_of(order.account, 0).shares == WAD
    assert exchange.balance(KEEPER) == WAD
    assert exchange.world.oracle.price_state(0).price == 60_000 * WAD
    assert exchange.world.read("OrderBook", "commitmentOf", order.account, 3) == (0, False, 1)
    assert settle(exchange, order, at + DELAY) == ErrorValue("OrderUnknown", (order.account, 3))
    exchange.world.check_invariants()


@pytest.mark.parametrize(
    ("waited", "published_after", "expected"),
    [
        pytest.param(DELAY, DELAY - 1, ErrorValue("PriceFeedNotFoundWithinRange"), id="price_already_known"),
        pytest.param(DELAY + 1, DELAY + 1, ErrorValue("PriceFeedNotFoundWithinRange"), id="not_the_first_price"),
        pytest.param(DELAY + WINDOW + 1, DELAY, ErrorValue("OrderExpired", ("latest",)), id="too_late"),
    ],
)
def test_settle__price_or_time_out_of_the_window__is_refused(
    waited: int, published_after: int, expected: ErrorValue
) -> None:
    """I13: nobody trades on a price already seen, and nobody waits for a better one."""
    exchange = Exchange()
    order = committed(exchange)
    at = exchange.world.timestamp
    exchange.world.advance(waited)
    args = tuple(at + DELAY + WINDOW if arg == "latest" else arg for arg in expected.args)
    assert settle(exchange, order, at + published_after) == ErrorValue(expected.name, args)
    assert exchange.world.read("OrderBook", "commitmentOf", order.account, 3) == (
        at,
        False,
        exchange.world.order_book.hash_of(order),
    )


def test_cancel__while_it_can_settle__is_refused() -> None:
    exchange = Exchange()
    order = committed(exchange)
    latest = exchange.world.timestamp + DELAY + WINDOW
    assert exchange.error(ALICE, "OrderBook", "cancel", order) == ErrorValue("OrderPending", (latest,))
    exchange.world.advance(DELAY + WINDOW + 1)
    unauthorized = ErrorValue("AccountUnauthorized", (order.account, BOB, PERMISSION_TRADE))
    assert exchange.error(BOB, "OrderBook", "cancel", order) == unauthorized
    exchange.must(ALICE, "OrderBook", "cancel", order)
    assert exchange.error(ALICE, "OrderBook", "cancel", order) == ErrorValue("OrderUnknown", (order.account, 3))


def test_commit__slot_taken__is_free_again_after_the_window() -> None:
    exchange = Exchange()
    order = committed(exchange)
    error = exchange.error(ALICE, "OrderBook", "commit", order)
    assert error == ErrorValue("SlotOccupied", (order.account, 3))
    exchange.must(ALICE, "OrderBook", "commit", order._replace(slot=4))
    exchange.world.advance(DELAY + WINDOW + 1)
    exchange.must(ALICE, "OrderBook", "commit", order)


@pytest.mark.parametrize(
    ("sender", "changes", "name"),
    [
        (ALICE, {"size_delta": 0}, "SizeZero"),
        (ALICE, {"expires_at": 1}, "OrderExpired"),
        (BOB, {}, "AccountUnauthorized"),
    ],
)
def test_commit__refused__names_the_error(sender: str, changes: dict[str, Any], name: str) -> None:
    exchange = Exchange()
    order = Order(to_account_id(ALICE, 0), 0, 0, 2**40 - 1, WAD, UINT128_MAX, 0)._replace(**changes)
    assert exchange.error(sender, "OrderBook", "commit", order).name == name


def test_commit__by_an_operator_who_may_trade__passes() -> None:
    exchange = Exchange()
    exchange.must(ALICE, "Clearinghouse", "setOperator", BOB, PERMISSION_TRADE, exchange.world.timestamp)
    exchange.must(
        BOB, "OrderBook", "commit", Order(to_account_id(ALICE, 0), 0, 0, 2**40 - 1, WAD, UINT128_MAX, 0, False)
    )


def test_hash_of__an_order__is_known() -> None:
    """Recorded from ``OrderBook.sol::hashOf``."""
    order = Order(to_account_id(ALICE, 1), 2, 3, 1_700_000_000, -5 * WAD, 6, 7, True)
    assert Exchange().world.order_book.hash_of(order) == 0x90DBB06F5B6F7C85E6AF1292BFD7E11427489CA1CFE54D5D890277


@pytest.mark.parametrize("settings", [Settings(min_delay_seconds=0), Settings(window_seconds=86_401)])
def test_world__order_book_times_out_of_bounds__is_refused(settings: Settings) -> None:
    with pytest.raises(ParameterOutOfBounds):
        World(settings)
