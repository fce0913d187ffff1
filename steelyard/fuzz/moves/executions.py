"""What becomes of orders that rest: settlement, also of slices and of a bracket's exits, and cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.types.order import OrderKind, Terms
from steelyard.evm.deployment import ADMIN, GUARDIAN
from steelyard.fuzz.moves.parts import any_account, any_market, free_slot, side_of
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.resting import (
    BOOK,
    QUOTED,
    execute,
    is_pending,
    move_price,
    order_to_place,
    place,
    placed,
    terms_of,
    trigger,
)
from steelyard.fuzz.scenario import KIM, KIMS, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

_EXITS = 3
"""How often a bracket tries to leave."""


def _due(s: Scenario, c: Choices) -> tuple[Order, Terms]:
    """Return an order that waits for its settlement."""
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP, OrderKind.TWAP, OrderKind.BRACKET)))
    if terms.kind != OrderKind.TWAP and not is_pending(s, order, terms):
        trigger(s, c, order, terms)
    return order, terms


# ---- settlement


@aim("rest")
def execute_order(s: Scenario, c: Choices) -> Outcome:
    order, terms = _due(s, c)
    return execute(s, c, order, terms)


@aim("rest")
def execute_all_slices(s: Scenario, c: Choices) -> Outcome:
    """Settle a TWAP to its end, a slice left out now and then; where that is the last one, it ends all the same."""
    order, terms = placed(s, c, OrderKind.TWAP)
    end = s.now + terms.slices * terms.interval
    for _ in range(terms.slices):
        if c.chance(30):
            s.pair.wait(terms.interval)
            s.freshen()
            continue
        outcome = execute(s, c, order, terms)
        if _is_over(s, order):
            return outcome
        s.pair.wait(c.pick((0, s.window, terms.interval - s.window)))
        s.freshen()
    s.pair.wait(max(0, end - s.now) + c.integer(0, s.min_delay))
    s.freshen()
    execute(s, c, order, terms)
    return s.call(owner_of(order[0]), BOOK, "cancelPlaced", order, terms)


@aim("rest")
def run_a_bracket(s: Scenario, c: Choices) -> Outcome:
    """Enter, then leave by the stop or the target, also at a price that misses it, late, or with less to leave."""
    order, terms = _entered(s, c)
    s.pair.wait(c.pick((1, c.integer(1, 300), max(1, order[3] + 1 - s.now))))
    s.freshen()
    if c.chance(40):
        s.trade(order[0], order[1], -s.size(order[0], order[1]) * c.pick((1, 2, 3)) // 3)
    for _ in range(_EXITS):
        outcome = trigger(s, c, order, terms)
        if outcome.ok:
            outcome = execute(s, c, order, terms)
        if _is_over(s, order):
            break
    return outcome


def _is_over(s: Scenario, order: Order) -> bool:
    return s.book.stored()[order[0], order[2]] is None


def _entered(s: Scenario, c: Choices, *, at_an_exit: bool = False) -> tuple[Order, Terms]:
    """Return a bracket whose exits wait, its entry filled about the market's price or where an exit is met."""
    order, terms = placed(s, c, OrderKind.BRACKET)
    if not is_pending(s, order, terms):
        trigger(s, c, order, terms)
    low, high = sorted((terms.stop_price, terms.target_price))
    execute(s, c, order, terms, price=c.pick((low, high + QUOTED)) if at_an_exit else None)
    return order, terms


@aim("rest", "PricePremature")
def leave_by_a_price_of_before(s: Scenario, c: Choices) -> Outcome:
    """Trigger a bracket's exit by the price at which it entered."""
    order, terms = _entered(s, c, at_an_exit=True)
    return s.call(KIM, BOOK, "trigger", order, terms)


@aim("rest", "OrderUntriggered")
def execute_after_its_expiry(s: Scenario, c: Choices) -> Outcome:
    """Let an order expire within its window."""
    s.freshen()
    order = order_to_place(s, c, lasts=c.integer(s.min_delay + 1, s.min_delay + s.window))
    price = s.price(order[1])
    terms = Terms(OrderKind.LIMIT, trigger_price=price)
    place(s, order, terms)
    move_price(s, order[1], price)
    s.call(KIM, BOOK, "trigger", order, terms)
    earliest = s.now + s.min_delay
    s.pair.wait(max(0, order[3] + 1 - s.now))
    data = (s.update_data(order[1], price, at=earliest, previous=earliest - 1),)
    return s.call(KIM, BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))


@aim("rest")
def execute_at_a_bad_price(s: Scenario, c: Choices) -> Outcome:
    """Settle where the acceptable price is not met: the order rests again."""
    s.freshen()
    order = order_to_place(s, c)
    price, is_buy = s.price(order[1]), order[4] > 0
    order = (*order[:5], price * (98 if is_buy else 102) // 100, *order[6:])
    terms = Terms(OrderKind.LIMIT, price)
    s.must(owner_of(order[0]), BOOK, "place", order, terms)
    trigger(s, c, order, terms)
    return execute(s, c, order, terms, price=price)


@aim("rest")
def execute_what_fails(s: Scenario, c: Choices) -> Outcome:
    """Settle what the account cannot carry, or reduce what is not there: the order is used up."""
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    reduces = c.chance(50)
    size = max(s.min_size(market), s.capacity(account, market, sign)) * c.integer(2, 9)
    order = s.order(account, market, sign * size, slot=free_slot(s, c, account), lasts=10**5, reduce_only=reduces)
    kind = c.pick((OrderKind.LIMIT, OrderKind.TWAP))
    terms = terms_of(s, c, kind, order)
    s.must(owner_of(account), BOOK, "place", order, terms)
    if kind == OrderKind.LIMIT:
        trigger(s, c, order, terms)
    return execute(s, c, order, terms)


@aim("rest", "OrderUntriggered")
def execute_what_waits(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP, OrderKind.TWAP)))
    if terms.kind == OrderKind.TWAP or c.chance(50):
        if terms.kind != OrderKind.TWAP:
            trigger(s, c, order, terms)
        s.pair.wait(s.min_delay + s.window + 1)
    data = (s.update_data(order[1], s.price(order[1])),)
    return s.call(KIM, BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))


@aim("rest", "PriceFeedNotFoundWithinRange")
def execute_at_another_price(s: Scenario, c: Choices) -> Outcome:
    """Offer a price of before the delay, or one that is not the first."""
    order, terms = _due(s, c)
    started = s.book.progress_of(order[0], order[2]).triggered_at
    if terms.kind == OrderKind.TWAP or not started:
        held = s.book.stored()[order[0], order[2]]
        started = held.committed_at if held is not None else s.now
    earliest = started + s.min_delay
    s.pair.wait(max(0, earliest - s.now) + c.integer(0, 5))
    at, previous = c.pick(((earliest - 1, earliest - 2), (earliest + 1, earliest)))
    data = (s.update_data(order[1], s.price(order[1]), at=at, previous=previous),)
    return s.call(KIM, BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))


# ---- cancellation


@aim("cancel")
def cancel_placed(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c)
    if terms.kind == OrderKind.TWAP:
        execute(s, c, order, terms)
    elif terms.kind == OrderKind.BRACKET:
        s.pair.wait(s.min_delay + s.window + 1)
    return s.call(owner_of(order[0]), BOOK, "cancelPlaced", order, terms)


@aim("cancel")
def cancel_expired(s: Scenario, c: Choices) -> Outcome:
    """Anyone may clear away what can no longer fill."""
    order, terms = placed(s, c)
    s.pair.wait(max(0, order[3] - s.now) + c.integer(1, 5))
    return s.call(c.pick((KIM, ADMIN)), BOOK, "cancelPlaced", order, terms)


@aim("cancel", "OrderPending")
def cancel_what_is_due(s: Scenario, c: Choices) -> Outcome:
    order, terms = _due(s, c)
    s.pair.wait(c.integer(0, s.min_delay + s.window - 1))
    return s.call(owner_of(order[0]), BOOK, "cancelPlaced", order, terms)


@aim("cancel", "AccountUnauthorized")
def cancel_placed_unasked(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c)
    return s.call(c.pick((ADMIN, GUARDIAN, KIM)), BOOK, "cancelPlaced", order, terms)


@aim("cancel", "AccountUnauthorized")
def cancel_exits_unasked(s: Scenario, c: Choices) -> Outcome:
    """Take the stop away from a bracket whose entry's time is over."""
    order, terms = _entered(s, c)
    s.pair.wait(max(0, order[3] - s.now) + c.integer(1, 5))
    return s.call(c.pick((ADMIN, GUARDIAN, KIM)), BOOK, "cancelPlaced", order, terms)


@aim("cancel", "OrderUnknown")
def cancel_what_does_not_rest(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c)
    if c.chance(50):
        return s.call(owner_of(order[0]), BOOK, "cancel", order)
    return s.call(owner_of(order[0]), BOOK, "cancelPlaced", (*order[:6], order[6] + 1, order[7]), terms)
