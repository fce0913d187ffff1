"""Orders that rest: placed, triggered, settled once, cancelled; each on a schedule that nobody moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Outcome, Settings
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.order import Leg, Order, OrderKind, Progress, Terms
from sim.protocol.types.shares import to_size
from tests.unit.protocol.exchange import ALICE, BOB, CAROL, UINT128_MAX, WAD, Exchange

DELAY, WINDOW = Settings().min_delay_seconds, Settings().window_seconds
INTERVAL = DELAY + WINDOW
BOOK = "OrderBook"
KEEPER = to_account_id(CAROL, 0)
START = 50_000 * WAD


class Resting:
    """An exchange with an order of Alice's that rests."""

    def __init__(self, terms: Terms, *, held: int = 0, **changes: Any) -> None:
        self.exchange = Exchange()
        account = self.exchange.fund(ALICE, 200_000)
        if held:
            assert self.exchange.trade(account, 0, held).ok
        size = changes.get("size_delta", WAD)
        worst = UINT128_MAX if size > 0 else 0
        self.order = Order(account, 0, 3, 2**40 - 1, size, worst, 0)._replace(**changes)
        self.terms = terms
        self.exchange.must(ALICE, BOOK, "place", self.order, terms)
        self.placed_at = self.now

    @property
    def now(self) -> int:
        return self.exchange.world.timestamp

    @property
    def size(self) -> int:
        return to_size(self.exchange.world.clearinghouse.position_of(self.order.account, 0).shares, 10**15)

    @property
    def progress(self) -> Progress:
        return self.exchange.world.order_book.progress_of(self.order.account, self.order.slot)

    @property
    def rests(self) -> bool:
        return self.exchange.world.order_book.commitment_of(self.order.account, self.order.slot)[1]

    def publish(self, price: int, *, after: int = 1) -> None:
        self.exchange.world.advance(after)
        self.exchange.publish(0, price)

    def call(self, function: str, sender: str = BOB) -> Outcome:
        return self.exchange.call(sender, BOOK, function, self.order, self.terms)

    def error(self, function: str, sender: str = BOB) -> str:
        error = self.call(function, sender).error
        return error.name if error else ""

    def triggered(self, price: int) -> None:
        self.publish(price)
        outcome = self.call("trigger")
        assert outcome.ok, outcome.error

    def execute(self, earliest: int, price: int, *, at: int | None = None) -> Outcome:
        """Settle at the first price since `earliest`, published then; `at` the time of the settlement."""
        self.exchange.world.advance(max(0, (earliest if at is None else at) - self.now))
        update = self.exchange.update(0, price, earliest)
        return self.exchange.call(BOB, BOOK, "execute", self.order, self.terms, KEEPER, (update,))


LIMIT = Terms(OrderKind.LIMIT, START)


# ---- one fill


def test_execute__triggered_limit__fills_at_the_first_price_after_the_trigger() -> None:
    """The price that triggers is not the one that it fills at."""
    resting = Resting(LIMIT)
    resting.triggered(START - WAD)
    outcome = resting.execute(resting.now + DELAY, 49_000 * WAD)
    assert outcome.ok
    assert resting.size == WAD
    assert outcome.returns[0][1] >= 49_000 * WAD
    assert outcome.returns[0][1] < 49_100 * WAD
    assert not resting.rests
    assert resting.progress == Progress()
    assert resting.error("trigger") == "OrderUnknown"
    assert resting.exchange.world.read(BOOK, "commitmentOf", resting.order.account, 3) == (0, False, 1)


@pytest.mark.parametrize("wait", [0, DELAY, DELAY + WINDOW])
def test_cancel_placed__while_pending__is_refused(wait: int) -> None:
    """I13: from its trigger to the end of its window nobody takes an order back or triggers it anew."""
    resting = Resting(LIMIT)
    resting.triggered(START)
    latest = resting.now + DELAY + WINDOW
    resting.exchange.world.advance(wait)
    pending = ErrorValue("OrderPending", (latest,))
    for function, sender in (("cancelPlaced", ALICE), ("trigger", BOB), ("cancelPlaced", BOB)):
        error = resting.call(function, sender).error
        assert error in (pending, ErrorValue("AccountUnauthorized", (resting.order.account, BOB, 1)))
    assert resting.rests


def test_trigger__after_a_lapse__starts_a_new_window() -> None:
    resting = Resting(LIMIT)
    resting.triggered(START)
    first = resting.now
    resting.exchange.world.advance(DELAY + WINDOW + 1)
    assert resting.execute(first + DELAY, START, at=resting.now).error == ErrorValue(
        "OrderUntriggered", (resting.order.account, 3)
    )
    resting.triggered(START)
    assert resting.execute(first + DELAY, START, at=resting.now).error == ErrorValue("PriceFeedNotFoundWithinRange")
    assert resting.execute(resting.progress.triggered_at + DELAY, START).ok
    assert resting.size == WAD


def test_cancel_placed__after_a_lapse__passes() -> None:
    resting = Resting(LIMIT)
    resting.triggered(START)
    resting.exchange.world.advance(DELAY + WINDOW + 1)
    assert resting.error("cancelPlaced", ALICE) == ""
    assert not resting.rests


def test_trigger__price_of_the_same_second_as_the_order__is_premature() -> None:
    resting = Resting(LIMIT)
    resting.exchange.publish(0, START)
    assert resting.now == resting.placed_at + 1
    assert resting.error("trigger") == ""
    early = Resting(LIMIT)
    assert early.error("trigger") == "PricePremature"


def test_trigger__so_late_that_no_price_can_follow__is_refused() -> None:
    resting = Resting(LIMIT, expires_at=Exchange().world.timestamp + 1_000)
    resting.publish(START, after=resting.order.expires_at - resting.now - DELAY + 1)
    assert resting.error("trigger") == "OrderExpired"
    assert resting.error("cancelPlaced") == ("" if resting.now > resting.order.expires_at else "AccountUnauthorized")
    resting.exchange.world.advance(DELAY)
    assert resting.error("cancelPlaced") == ""


def test_execute__at_an_unacceptable_price__rests_again() -> None:
    resting = Resting(LIMIT, acceptable_price=START)
    resting.triggered(START)
    outcome = resting.execute(resting.now + DELAY, START + 1_000 * WAD)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderRested"]
    assert resting.rests
    assert resting.progress == Progress()
    assert resting.size == 0
    resting.triggered(START - 1_000 * WAD)
    assert resting.execute(resting.now + DELAY, START - 1_000 * WAD).ok
    assert resting.size == WAD


def test_execute__without_margin__uses_the_order_up() -> None:
    """Else whoever settles could wait for the moment in which it goes through."""
    resting = Resting(LIMIT, size_delta=10_000 * WAD)
    resting.triggered(START)
    outcome = resting.execute(resting.now + DELAY, START)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderFailed"]
    assert not resting.rests


@given(st.integers(1, 10 * 10**6), st.integers(-10 * 10**6, 10 * 10**6))
def test_execute__reduce_only_stop__closes_at_most_the_position(part: int, held: int) -> None:
    """I46: whatever the position has become, a stop reduces it or does nothing."""
    unit = WAD // 10**6
    resting = Resting(Terms(OrderKind.STOP, START), size_delta=-part * unit, reduce_only=True)
    if abs(held) * unit >= 10**16 and held:
        assert resting.exchange.trade(resting.order.account, 0, held * unit).ok
    before = resting.size
    resting.triggered(START)
    resting.execute(resting.now + DELAY, START)
    after = resting.size
    assert 0 <= after <= before if before > 0 else after == before
    assert before <= 0 or after == max(0, before - part * unit) or before - after == 0


# ---- trailing stops


def test_trail__better_price__moves_the_mark_and_the_stop() -> None:
    terms = Terms(OrderKind.TRAILING_STOP, distance=20_000)
    resting = Resting(terms, held=WAD, size_delta=-WAD, reduce_only=True)
    for price, error in ((50_000, ""), (49_500, "MarkUnmoved"), (52_000, ""), (51_999, "MarkUnmoved")):
        resting.publish(price * WAD)
        assert resting.error("trail") == error
    assert resting.progress.mark == 52_000 * WAD
    resting.publish(50_961 * WAD)
    assert resting.error("trigger") == "TriggerUnmet"
    resting.triggered(50_960 * WAD)
    assert resting.error("trail") == "OrderPending"
    assert resting.execute(resting.now + DELAY, 50_900 * WAD).ok
    assert resting.size == 0


def test_trigger__by_the_price_of_the_mark__is_premature() -> None:
    resting = Resting(Terms(OrderKind.TRAILING_STOP, distance=1), held=WAD, size_delta=-WAD)
    resting.publish(START)
    assert resting.error("trail") == ""
    assert resting.error("trigger") == "PricePremature"
    assert resting.error("trail") == "PricePremature"


# ---- TWAPs


TWAP = Terms(OrderKind.TWAP, slices=3, interval=INTERVAL + 100)


def test_execute__every_slice__adds_up_to_the_order() -> None:
    resting = Resting(TWAP, size_delta=WAD + 1)
    for number in range(TWAP.slices):
        earliest = resting.placed_at + number * TWAP.interval + DELAY
        assert resting.execute(earliest, START).ok
        again = resting.execute(earliest, START, at=resting.now).error
        assert again is not None
        assert again.name == ("OrderUntriggered" if number < 2 else "OrderUnknown")
    assert resting.size == WAD + 1
    assert not resting.rests


def test_execute__slice_before_its_time_or_after_its_window__is_refused() -> None:
    resting = Resting(TWAP)
    second = resting.placed_at + TWAP.interval + DELAY
    assert resting.execute(resting.placed_at + DELAY, START).ok
    assert resting.execute(second, START, at=resting.now).error == ErrorValue(
        "OrderUntriggered", (resting.order.account, 3)
    )
    late = resting.execute(second, START, at=second + WINDOW + 1).error
    assert late == ErrorValue("OrderUntriggered", (resting.order.account, 3))


def test_execute__slice_after_one_that_was_missed__fills_its_own_part_only() -> None:
    """A missed slice is lost: its size is not made up for."""
    resting = Resting(TWAP, size_delta=3 * WAD)
    assert resting.execute(resting.placed_at + TWAP.interval + DELAY, START).ok
    assert resting.size == WAD
    assert resting.progress.slices == 2
    assert resting.execute(resting.placed_at + 2 * TWAP.interval + DELAY, START).ok
    assert resting.size == 2 * WAD
    assert not resting.rests


def test_execute__slice_that_fails__is_lost_and_the_others_go_on() -> None:
    resting = Resting(TWAP, size_delta=3 * WAD, acceptable_price=START + 500 * WAD)
    outcome = resting.execute(resting.placed_at + DELAY, START + 1_000 * WAD)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderRested"]
    assert resting.execute(resting.placed_at + TWAP.interval + DELAY, START).ok
    assert resting.size == WAD


def test_cancel_placed__twap__between_its_slices_only() -> None:
    resting = Resting(TWAP)
    assert resting.error("cancelPlaced", ALICE) == "OrderPending"
    assert resting.execute(resting.placed_at + DELAY, START).ok
    assert resting.error("cancelPlaced", BOB) == "AccountUnauthorized"
    resting.exchange.world.advance(resting.placed_at + TWAP.interval - resting.now)
    assert resting.error("cancelPlaced", ALICE) == "OrderPending"
    resting.exchange.world.advance(DELAY + WINDOW + 1)
    assert resting.error("cancelPlaced", ALICE) == ""


def test_place__twap_that_ends_after_its_expiry__is_refused() -> None:
    exchange = Exchange()
    end = exchange.world.timestamp + DELAY + WINDOW + 2 * TWAP.interval
    order = Order(exchange.fund(ALICE, 1_000), 0, 0, end - 1, WAD, UINT128_MAX, 0)
    assert exchange.error(ALICE, BOOK, "place", order, TWAP).name == "OrderExpired"
    exchange.must(ALICE, BOOK, "place", order._replace(expires_at=end), TWAP)


# ---- brackets


BRACKET = Terms(OrderKind.BRACKET, 0, stop_price=45_000 * WAD, target_price=60_000 * WAD)


def entered(**changes: Any) -> Resting:
    """Return a bracket whose entry filled."""
    resting = Resting(BRACKET, **changes)
    assert resting.execute(resting.now + DELAY, START).ok
    assert resting.progress == Progress(leg=Leg.EXITS, active_at=resting.now)
    return resting


@pytest.mark.parametrize(("price", "leg"), [(44_000, Leg.STOP), (61_000, Leg.TARGET)])
def test_bracket__one_exit_fills__the_other_is_gone(price: int, leg: Leg) -> None:
    resting = entered()
    assert resting.size == WAD
    resting.triggered(price * WAD)
    assert resting.progress.leg == leg
    assert resting.execute(resting.now + DELAY, price * WAD).ok
    assert resting.size == 0
    assert not resting.rests
    for function in ("trigger", "cancelPlaced"):
        assert resting.error(function, ALICE) == "OrderUnknown"


def test_bracket__target_missed_by_the_fill__waits_for_both_exits_again() -> None:
    resting = entered()
    resting.triggered(60_000 * WAD)
    outcome = resting.execute(resting.now + DELAY, 59_000 * WAD)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderRested"]
    assert resting.progress.leg == Leg.EXITS
    resting.triggered(45_000 * WAD)
    assert resting.execute(resting.now + DELAY, 30_000 * WAD).ok
    assert resting.size == 0


def test_bracket__position_closed_by_hand__exit_does_nothing() -> None:
    """The exits reduce what the entry opened: they never open the other side."""
    resting = entered()
    assert resting.exchange.trade(resting.order.account, 0, -WAD).ok
    resting.triggered(44_000 * WAD)
    outcome = resting.execute(resting.now + DELAY, 44_000 * WAD)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderFailed"]
    assert resting.size == 0


def test_bracket__position_that_was_there_before__keeps_what_it_was() -> None:
    """An exit closes no more than its entry opened."""
    resting = entered(held=2 * WAD)
    assert resting.size == 3 * WAD
    resting.triggered(44_000 * WAD)
    assert resting.execute(resting.now + DELAY, 44_000 * WAD).ok
    assert resting.size == 2 * WAD


def test_bracket__exits_after_the_entrys_expiry__still_protect() -> None:
    resting = entered(expires_at=Exchange().world.timestamp + 2_000)
    resting.exchange.world.advance(10_000)
    assert resting.error("cancelPlaced", BOB) == "AccountUnauthorized"
    resting.triggered(44_000 * WAD)
    assert resting.execute(resting.now + DELAY, 44_000 * WAD).ok
    assert resting.size == 0


def test_bracket__entry_that_fails__leaves_no_exits() -> None:
    resting = Resting(BRACKET, size_delta=10_000 * WAD)
    outcome = resting.execute(resting.now + DELAY, START)
    assert [event.name for event in outcome.events if event.contract == BOOK] == ["OrderFailed"]
    assert not resting.rests
    assert resting.progress == Progress()


# ---- slots


def test_place__slot_of_an_order_that_rests__is_occupied_until_it_is_over() -> None:
    resting = Resting(LIMIT)
    occupied = ErrorValue("SlotOccupied", (resting.order.account, 3))
    resting.exchange.world.advance(10 * (DELAY + WINDOW))
    assert resting.exchange.error(ALICE, BOOK, "commit", resting.order) == occupied
    assert resting.exchange.error(ALICE, BOOK, "place", resting.order, LIMIT) == occupied
    assert resting.exchange.error(ALICE, BOOK, "cancel", resting.order).name == "OrderUnknown"
    assert resting.error("cancelPlaced", ALICE) == ""
    resting.exchange.must(ALICE, BOOK, "commit", resting.order)


def test_trail__of_what_does_not_trail__is_refused() -> None:
    resting = Resting(LIMIT)
    resting.publish(START)
    assert resting.error("trail") == "TermsInvalid"
