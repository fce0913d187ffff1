"""Orders: commit, settle, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_market, free_slot, side_of
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.resting import order_to_place
from steelyard.fuzz.scenario import KIM, KIMS, OSCAR, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

TRADE = 1


def _any_order(s: Scenario, c: Choices) -> Order:
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    size = max(s.min_size(market), s.capacity(account, market, sign) // c.integer(2, 9))
    return s.order(account, market, sign * size, slot=c.integer(0, 255), fee=c.pick((0, WAD // 10)))


def _committed(s: Scenario, c: Choices) -> Order:
    """Return an order that was just committed."""
    s.freshen()
    order = _any_order(s, c)
    order = (*order[:2], free_slot(s, c, order[0]), *order[3:])
    s.must(owner_of(order[0]), "OrderBook", "commit", order)
    return order


@aim("order")
def commit_order(s: Scenario, c: Choices) -> Outcome:
    order = _any_order(s, c)
    owner = owner_of(order[0])
    if c.chance(30):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, c.pick((TRADE, 7)), s.now)
        return s.commit(order, OSCAR)
    return s.commit(order)


@aim("order")
def settle_order(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    price = s.price(order[1]) * c.integer(9_900, 10_100) // 10_000
    return s.settle(order, price=price, after=s.min_delay + c.integer(0, s.window))


@aim("order")
def settle_a_reduction(s: Scenario, c: Choices) -> Outcome:
    """Settle an order that only reduces, also where its position was cut, closed or turned since."""
    order = order_to_place(s, c, reduces=True, lasts=600)
    s.must(owner_of(order[0]), "OrderBook", "commit", order)
    if c.chance(50):
        s.trade(order[0], order[1], -s.size(order[0], order[1]) * c.pick((1, 2, 3)) // 2 or 1)
    return s.settle(order, after=s.min_delay + c.integer(0, s.window))


@aim("order", "OrderExpired")
def settle_late(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    return s.settle(order, after=s.min_delay + s.window + c.integer(1, 100))


@aim("order", "OrderExpired")
def commit_expired(s: Scenario, c: Choices) -> Outcome:
    order = s.order(any_account(c), any_market(s, c), WAD, lasts=-c.amount(1, s.now))
    return s.commit(order)


@aim("order", "OrderUnknown")
def settle_another(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    key = order[0], order[2]
    changed = (*order[:4], order[4] + 1, *order[5:])
    s.orders[key] = changed, s.orders[key][1]
    outcome = s.settle(changed)
    s.orders[key] = order, s.orders[key][1]
    return outcome


@aim("order", "SlotOccupied")
def commit_twice(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(c.pick((0, s.min_delay, s.min_delay + s.window)))
    return s.commit((*order[:3], s.now + 5, *order[4:]))


@aim("order")
def commit_over_an_order_that_is_over(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay + s.window + 1)
    return s.commit((*order[:3], s.now + 5, *order[4:]))


@aim("order", "SizeZero")
def commit_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.commit(s.order(any_account(c), any_market(s, c), 0))


@aim("order", "KeeperFeeExceeded")
def commit_with_a_fee_too_large(s: Scenario, c: Choices) -> Outcome:
    most = s.pair.get("OrderBook", "MAX_KEEPER_FEE")
    return s.commit((*_any_order(s, c)[:6], most + c.amount(1, 2**96 - 1 - most), False))


@aim("order")
def settle_what_fails(s: Scenario, c: Choices) -> Outcome:
    """Settle an order that its account cannot carry, or whose price is too bad: it is used up."""
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    size = max(s.min_size(market), s.capacity(account, market, sign)) * c.integer(2, 9)
    order = s.order(account, market, sign * size, slot=c.integer(0, 255), fee=c.pick((0, WAD)))
    if c.chance(30):
        order = (*order[:5], 1 if sign > 0 else 2**128 - 1, *order[6:])
    if not s.commit(order).ok:
        return s.commit(order)
    return s.settle(order, after=s.min_delay)


@aim("order", "AccountUnauthorized")
def commit_unasked(s: Scenario, c: Choices) -> Outcome:
    order = _any_order(s, c)
    return s.commit(order, c.pick((ADMIN, GUARDIAN, LIQUIDITY)))


def _settle_with(s: Scenario, order: Order, data: tuple[str, ...], *, value: int | None = None) -> Outcome:
    return s.call(KIM, "OrderBook", "settle", order, KIMS, data, value=s.fee(data) if value is None else value)


@aim("order", "PriceFeedNotFoundWithinRange")
def settle_at_a_price_of_before(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    committed = s.now
    s.pair.wait(s.min_delay + c.integer(0, 5))
    at, previous = c.pick(
        (
            (committed + s.min_delay - 1, committed),  # too early
            (committed + s.min_delay + s.window + 1, committed),  # too late
            (committed + s.min_delay + 1, committed + s.min_delay),  # not the first
        )
    )
    return _settle_with(s, order, (s.update_data(order[1], s.price(order[1]), at=at, previous=previous),))


@aim("order", "InsufficientFee")
def settle_without_fee(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    return _settle_with(s, order, (s.update_data(order[1], s.price(order[1]), previous=s.now - 1),), value=0)


@aim("order", "PriceUncertain")
def settle_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    confidence = s.price_state(order[1])[5] * 100 + c.integer(1, 10**5)
    data = s.update_data(order[1], s.price(order[1]), confidence=confidence, previous=s.now - 1)
    return _settle_with(s, order, (data,))


@aim("order", "PriceUnproven")
def settle_without_update(s: Scenario, c: Choices) -> Outcome:
    """Settle without a price, after a transaction that proved it: what is proven does not outlive it."""
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    if c.chance(50):
        data = (s.update_data(order[1], s.price(order[1]), previous=s.now - 1),)
        s.call(KIM, "OrderBook", "provePrice", order[1], s.now, data, value=s.fee(data))
    return s.call(KIM, "OrderBook", "settle", order, KIMS, ())


@aim("order", "UpdateMalformed")
def settle_with_value_and_no_update(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    return s.call(KIM, "OrderBook", "settle", order, KIMS, (), value=c.integer(1, 100))


@aim("cancel")
def cancel_late(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay + s.window + c.integer(1, 50))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "OrderPending")
def cancel_early(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(c.integer(0, s.min_delay + s.window))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "OrderUnknown")
def cancel_nothing(s: Scenario, c: Choices) -> Outcome:
    order = s.order(any_account(c), any_market(s, c), WAD, slot=c.integer(0, 255), lasts=c.integer(1_000, 2_000))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "AccountUnauthorized")
def cancel_unasked(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    return s.call(c.pick((ADMIN, GUARDIAN)), "OrderBook", "cancel", order)
