"""Orders that rest: limits, stops, trailing stops, TWAPs, brackets, and what triggers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.types.order import Leg, OrderKind, Terms
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market, free_slot, side_of
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, KIMS, OSCAR, WAD, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.protocol import Outcome
    from sim.protocol.order_book import Held
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

BOOK = "OrderBook"
_MILLION = 10**6
QUOTED = 10**10
"""Steps of the prices that are published [wad]."""
_KINDS = tuple(kind for kind in OrderKind if kind != OrderKind.MARKET)
_AT_A_PRICE = OrderKind.LIMIT, OrderKind.STOP
_TRIGGERED = (OrderKind.LIMIT, OrderKind.STOP, OrderKind.TRAILING_STOP, OrderKind.BRACKET)


# ---- parts


def resting(s: Scenario) -> list[Held]:
    """Return all orders that rest."""
    return [held for held in s.book.stored().values() if held is not None and held.terms is not None]


def order_to_place(s: Scenario, c: Choices, *, reduces: bool = False, lasts: int = 100_000) -> Order:
    """Return an order that an account could carry, or one that reduces its position."""
    if reduces:
        account, market = any_holder(s, c)
        held = s.size(account, market)
        most = abs(held)
        part = c.amount(1, most) + (most if c.chance(50) else 0)
        size = -part if held > 0 else part
    else:
        account, market = any_account(c), any_market(s, c)
        sign = side_of(s, c, account, market)
        size = sign * max(s.min_size(market), s.capacity(account, market, sign) // c.integer(3, 9))
    fee = c.pick((0, WAD // 10))
    return s.order(account, market, size, slot=free_slot(s, c, account), lasts=lasts, fee=fee, reduce_only=reduces)


def _rounded(price: int) -> int:
    """Return a price [wad] that can be published, so that it is met to the wei."""
    return max(QUOTED, price // QUOTED * QUOTED)


def terms_of(s: Scenario, c: Choices, kind: OrderKind, order: Order) -> Terms:
    """Return terms of a kind, with prices about a twentieth away from the market's."""
    price = s.price(order[1])
    near, far = (_rounded(price * part // 1_000) for part in (c.integer(950, 1_000), c.integer(1_000, 1_050)))
    is_buy = order[4] > 0
    match kind:
        case OrderKind.LIMIT:
            return Terms(kind, trigger_price=near if is_buy else far)
        case OrderKind.STOP:
            return Terms(kind, trigger_price=far if is_buy else near)
        case OrderKind.TRAILING_STOP:
            return Terms(kind, distance=c.amount(1, 50_000))
        case OrderKind.TWAP:
            shortest = s.min_delay + s.window
            return Terms(kind, slices=c.integer(2, 5), interval=c.amount(shortest, 5 * shortest))
        case _:
            stop, target = (near - 1, far + 1) if is_buy else (far + 1, near - 1)
            return Terms(kind, c.pick((0, near if is_buy else far)), stop, target)


def placed(s: Scenario, c: Choices, kind: OrderKind | None = None) -> tuple[Order, Terms]:
    """Return an order that was just placed."""
    s.freshen()
    chosen = c.pick(_KINDS) if kind is None else kind
    reduces = chosen != OrderKind.BRACKET and c.chance(50)
    order = order_to_place(s, c, reduces=reduces)
    if chosen == OrderKind.TWAP and abs(order[4]) < 5:
        order = (*order[:4], 5 if order[4] > 0 else -5, *order[5:])
    return place(s, order, terms_of(s, c, chosen, order))


def place(s: Scenario, order: Order, terms: Terms) -> tuple[Order, Terms]:
    s.must(owner_of(order[0]), BOOK, "place", order, terms)
    return order, terms


def move_price(s: Scenario, market: int, price: int, *, wait: int = 1) -> None:
    """Publish a market's price, and the others again."""
    s.publish({m: price if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]}, wait=wait)


def _meet(s: Scenario, c: Choices, order: Order, terms: Terms) -> None:
    """Publish a price that triggers what is next of an order."""
    progress = s.book.progress_of(order[0], order[2])
    is_buy, price = order[4] > 0, s.price(order[1])
    beyond = c.amount(0, price // 100)
    match terms.kind, progress.leg:
        case OrderKind.LIMIT, _:
            wanted = terms.trigger_price - beyond if is_buy else terms.trigger_price + beyond
        case OrderKind.STOP, _:
            wanted = terms.trigger_price + beyond if is_buy else terms.trigger_price - beyond
        case OrderKind.TRAILING_STOP, _:
            if progress.mark == 0 or c.chance(30):
                move_price(s, order[1], price * (99 if is_buy else 101) // 100)
                s.call(KIM, BOOK, "trail", order, terms)
            mark = s.book.progress_of(order[0], order[2]).mark
            far = mark * (terms.distance + 100) // _MILLION
            wanted = mark + far + beyond if is_buy else mark - far - beyond
        case OrderKind.BRACKET, Leg.EXITS:
            is_low = c.chance(50)
            bound = terms.stop_price if is_low == is_buy else terms.target_price
            wanted = bound - beyond if is_low else bound + beyond
        case _:
            wanted = (terms.trigger_price or price) + (-beyond if is_buy else beyond)
    move_price(s, order[1], max(1, wanted))


def is_pending(s: Scenario, order: Order, terms: Terms) -> bool:
    triggered_at = s.book.progress_of(order[0], order[2]).triggered_at
    return triggered_at != 0 and s.now <= triggered_at + s.min_delay + s.window


def trigger(s: Scenario, c: Choices, order: Order, terms: Terms) -> Outcome:
    """Trigger an order by a price that does."""
    _meet(s, c, order, terms)
    return s.call(c.pick((KIM, OSCAR, ADMIN)), BOOK, "trigger", order, terms)


def execute(s: Scenario, c: Choices, order: Order, terms: Terms, *, price: int | None = None) -> Outcome:
    """Settle what is due of an order at the first price, about the market's if none is given."""
    progress = s.book.progress_of(order[0], order[2])
    held = s.book.stored()[order[0], order[2]]
    start = held.committed_at if held is not None else s.now
    if terms.kind == OrderKind.TWAP:
        number = max(progress.slices, (s.now - start) // terms.interval)
        earliest = start + s.min_delay + number * terms.interval
    else:
        earliest = progress.triggered_at + s.min_delay
    s.pair.wait(max(0, earliest - s.now) + c.pick((0, c.integer(0, s.window))))
    wanted = s.price(order[1]) * c.integer(9_950, 10_050) // 10_000 if price is None else price
    at = max(earliest, min(s.now, earliest + s.window))
    data = (s.update_data(order[1], wanted, at=at, previous=earliest - 1),)
    return s.call(KIM, BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))


# ---- placing


@aim("rest")
def place_order(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    kind = c.pick(_KINDS)
    order = order_to_place(s, c, reduces=kind != OrderKind.BRACKET and c.chance(40), lasts=c.amount(70, 10**6))
    return s.call(owner_of(order[0]), BOOK, "place", order, terms_of(s, c, kind, order))


@aim("rest", "TermsInvalid")
def place_what_makes_no_sense(s: Scenario, c: Choices) -> Outcome:
    """Change one field after the other of the terms of each kind, of brackets on both sides."""
    s.freshen()
    order = order_to_place(s, c)
    other = (*order[:4], -order[4], *order[5:])
    for kind, asked in (*((kind, order) for kind in _KINDS), (OrderKind.BRACKET, other)):
        for changed, terms in _without_sense(s, c, kind, asked):
            outcome = s.call(owner_of(order[0]), BOOK, "place", changed, terms)
    return outcome


def _without_sense(s: Scenario, c: Choices, kind: OrderKind, order: Order) -> Iterator[tuple[Order, Terms]]:
    """Yield an order with terms of which one field does not fit the others, for each field."""
    terms = terms_of(s, c, kind, order)
    is_bracket = kind == OrderKind.BRACKET
    if is_bracket:
        yield (*order[:7], True), terms
        yield order, terms._replace(stop_price=terms.target_price, target_price=terms.stop_price)
    alike = _AT_A_PRICE if kind in _AT_A_PRICE else (kind,)
    yield order, terms._replace(kind=c.pick([one for one in OrderKind if one not in alike]))
    for field in terms._fields[1:]:
        if not getattr(terms, field):
            senseless: tuple[int, ...] = (c.integer(1, 100),)
        elif field == "interval":
            senseless = 0, c.amount(1, s.min_delay + s.window - 1)
        elif field == "slices":
            senseless = 0, 1
        elif field == "distance":
            senseless = 0, c.pick((_MILLION, 2**32 - 1))
        elif is_bracket and field != "trigger_price":
            senseless = 0, terms.target_price if field == "stop_price" else terms.stop_price
        else:
            senseless = (0,)
        if is_bracket and field == "trigger_price":
            continue  # a bracket has one or none
        for value in senseless:
            yield order, terms._replace(**{field: value})


@aim("rest", "SlotOccupied")
def place_over_another(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c)
    if c.chance(50):
        s.pair.wait(c.amount(0, 200_000))
        return s.commit((*order[:3], s.now + 100, *order[4:]))
    return s.call(owner_of(order[0]), BOOK, "place", order, terms)


@aim("rest", "OrderExpired")
def place_what_cannot_end(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    order = order_to_place(s, c, lasts=s.min_delay + s.window)
    interval = s.min_delay + s.window
    return s.call(owner_of(order[0]), BOOK, "place", order, Terms(OrderKind.TWAP, slices=2, interval=interval))


@aim("rest", "AccountUnauthorized")
def place_unasked(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    order = order_to_place(s, c)
    terms = terms_of(s, c, c.pick(_KINDS), order)
    return s.call(c.pick((ADMIN, GUARDIAN, LIQUIDITY)), BOOK, "place", order, terms)


# ---- triggers


@aim("rest")
def trigger_order(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, c.pick(_TRIGGERED))
    if is_pending(s, order, terms):
        execute(s, c, order, terms)
        if s.book.stored()[order[0], order[2]] is None:
            return s.commit(s.order(order[0], order[1], order[4], slot=order[2]))
    return trigger(s, c, order, terms)


@aim("rest")
def trigger_again(s: Scenario, c: Choices) -> Outcome:
    """Let the settlement of a triggered order lapse, and trigger it again."""
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP)))
    trigger(s, c, order, terms)
    s.pair.wait(s.min_delay + s.window + c.pick((0, 1)))
    return trigger(s, c, order, terms)


@aim("rest", "TriggerUnmet")
def trigger_without_reason(s: Scenario, c: Choices) -> Outcome:
    kinds = OrderKind.LIMIT, OrderKind.STOP, OrderKind.TRAILING_STOP, OrderKind.TWAP, OrderKind.BRACKET
    kind = c.pick(kinds)
    s.freshen()
    order = order_to_place(s, c)
    terms = terms_of(s, c, kind, order)
    if kind == OrderKind.BRACKET:
        terms = terms._replace(trigger_price=_rounded(s.price(order[1])))
    place(s, order, terms)
    if kind == OrderKind.TWAP:
        for _ in range(terms.slices):
            execute(s, c, order, terms)
            s.pair.wait(s.window)
        s.freshen()
        return s.call(KIM, BOOK, "trigger", order, terms)
    low = (order[4] > 0) == (kind in (OrderKind.LIMIT, OrderKind.BRACKET))
    bound = terms.trigger_price or s.price(order[1])
    move_price(s, order[1], bound + 10**10 if low else max(1, bound - 10**10))
    return s.call(KIM, BOOK, "trigger", order, terms)


@aim("rest", "TriggerUnmet")
def trigger_within_the_distance(s: Scenario, c: Choices) -> Outcome:
    """Trigger a trailing stop by a price that is worse than its mark, but not by enough."""
    s.freshen()
    order = order_to_place(s, c)
    terms = Terms(OrderKind.TRAILING_STOP, distance=20_000)
    place(s, order, terms)
    price = s.price(order[1])
    move_price(s, order[1], price)
    s.call(KIM, BOOK, "trail", order, terms)
    worse = price * c.integer(1, 19) // 1_000
    move_price(s, order[1], price + worse if order[4] > 0 else price - worse)
    return s.call(KIM, BOOK, "trigger", order, terms)


@aim("rest", "PricePremature")
def trigger_by_a_price_of_before(s: Scenario, c: Choices) -> Outcome:
    """Use a price that was known when the order, or a bracket's exits, began to wait."""
    s.freshen()
    order = order_to_place(s, c)
    price, is_buy = s.price(order[1]), order[4] > 0
    move_price(s, order[1], price)
    met = price + 10**10 if is_buy else max(1, price - 10**10)
    s.must(owner_of(order[0]), BOOK, "place", order, Terms(OrderKind.LIMIT, met))
    s.pair.wait(c.integer(0, 5))
    return s.call(KIM, BOOK, "trigger", order, Terms(OrderKind.LIMIT, met))


@aim("rest", "PricePremature")
def trail_by_one_price_twice(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, OrderKind.TRAILING_STOP)
    move_price(s, order[1], s.price(order[1]))
    s.call(KIM, BOOK, "trail", order, terms)
    return s.call(KIM, BOOK, c.pick(("trail", "trigger")), order, terms, wait=c.integer(0, 5))


@aim("rest", "OrderPending")
def trail_while_pending(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, OrderKind.TRAILING_STOP)
    trigger(s, c, order, terms)
    move_price(s, order[1], s.price(order[1]) * (80 if order[4] > 0 else 120) // 100)
    return s.call(KIM, BOOK, "trail", order, terms)


@aim("rest", "OrderPending")
def trigger_twice(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP)))
    trigger(s, c, order, terms)
    s.pair.wait(c.integer(0, s.min_delay))
    return trigger(s, c, order, terms)


@aim("rest", "OrderExpired")
def trigger_too_late(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.STOP)))
    s.pair.wait(max(0, order[3] - s.now - c.integer(0, s.min_delay - 1)))
    return trigger(s, c, order, terms)


@aim("rest", "OrderUnknown")
def trigger_another(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, OrderKind.LIMIT)
    move_price(s, order[1], terms.trigger_price)
    if c.chance(50):
        return s.call(KIM, BOOK, "trigger", (*order[:4], order[4] + 1, *order[5:]), terms)
    return s.call(KIM, BOOK, "trigger", order, terms._replace(trigger_price=terms.trigger_price + 1))


@aim("rest")
def trail_order(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, OrderKind.TRAILING_STOP)
    price = s.price(order[1])
    for _ in range(c.integer(1, 3)):
        price = price * (100 - c.integer(1, 3) if order[4] > 0 else 100 + c.integer(1, 3)) // 100
        move_price(s, order[1], price)
        outcome = s.call(KIM, BOOK, "trail", order, terms)
    return outcome


@aim("rest", "MarkUnmoved")
def trail_the_wrong_way(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, OrderKind.TRAILING_STOP)
    price = s.price(order[1])
    move_price(s, order[1], price)
    s.call(KIM, BOOK, "trail", order, terms)
    worse = c.amount(0, price // 100)
    move_price(s, order[1], price + worse if order[4] > 0 else price - worse)
    return s.call(KIM, BOOK, "trail", order, terms)


@aim("rest", "TermsInvalid")
def trail_what_does_not_trail(s: Scenario, c: Choices) -> Outcome:
    order, terms = placed(s, c, c.pick((OrderKind.LIMIT, OrderKind.TWAP)))
    move_price(s, order[1], s.price(order[1]))
    return s.call(KIM, BOOK, "trail", order, terms)
