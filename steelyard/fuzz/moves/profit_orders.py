"""Traders with a keeper of their own: they trigger, choose prices, let lapse, cancel and relay as they like (I13).

What is theirs to choose must gain nothing: an order fills at the first price after a moment that was fixed before that
price was known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.types.order import OrderKind, Terms
from steelyard.fuzz.moves.parts import any_market, free_slot
from steelyard.fuzz.moves.profit import close_all, coalition, deposit, offer_prices, traders_of
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.signed import digest_of, signature_of
from steelyard.fuzz.scenario import KIM, KIMS, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.profit import Coalition
    from steelyard.fuzz.scenario import Order, Scenario

_BOOK = "OrderBook"
_QUOTED = 10**10
_TRIES = 3


def _terms(s: Scenario, c: Choices, kind: OrderKind, price: int, *, is_buy: bool) -> Terms:
    """Return terms that a small move of the price meets."""
    near, far = price * 98 // 100, price * 102 // 100
    match kind:
        case OrderKind.TRAILING_STOP:
            return Terms(kind, distance=c.pick((1, 1_000, 20_000)))
        case OrderKind.TWAP:
            return Terms(kind, slices=c.integer(2, 3), interval=s.min_delay + s.window + c.integer(0, 60))
        case OrderKind.BRACKET:
            stop, target = (near, far) if is_buy else (far, near)
            return Terms(kind, c.pick((0, price)), stop, target)
        case _:
            return Terms(kind, c.pick((near, price, far)))


def _call(s: Scenario, who: Coalition, sender: str, function: str, order: Order, terms: Terms) -> Outcome:
    """Do what moves no money."""
    with who.gains_nothing("I13"):
        return s.call(sender, _BOOK, function, order, terms)


def _place(s: Scenario, c: Choices, who: Coalition, account: int, market: int, sign: int) -> tuple[Order, Terms] | None:
    """Place an order, now and then by a signature that somebody else relays."""
    size = max(s.min_size(market) * 4, s.capacity(account, market, sign) // c.integer(3, 9))
    kind = c.pick((OrderKind.LIMIT, OrderKind.STOP, OrderKind.TRAILING_STOP, OrderKind.TWAP, OrderKind.BRACKET))
    reduces = kind != OrderKind.BRACKET and c.chance(30)
    order = s.order(account, market, sign * size, slot=free_slot(s, c, account), lasts=100_000, reduce_only=reduces)
    terms = _terms(s, c, kind, s.price(market), is_buy=sign > 0)
    if c.chance(30):
        owner, nonce = owner_of(account), s.now << 8 | order[2]
        signature = signature_of(owner, digest_of(s, order, terms, nonce, owner))
        with who.gains_nothing("I13"):
            placed = s.call(KIM, _BOOK, "placeSigned", order, terms, nonce, owner, signature)
    else:
        placed = _call(s, who, owner_of(account), "place", order, terms)
    return (order, terms) if placed.ok else None


def _earliest(s: Scenario, order: Order, terms: Terms) -> int | None:
    """Return the time of the first price at which an order may fill, None where nothing is due."""
    held = s.book.stored().get((order[0], order[2]))
    if held is None:
        return None
    progress = s.book.progress_of(order[0], order[2])
    if terms.kind == OrderKind.TWAP:
        number = max(progress.slices, (s.now - held.committed_at) // terms.interval)
        return held.committed_at + number * terms.interval + s.min_delay if number < terms.slices else None
    return progress.triggered_at + s.min_delay if progress.triggered_at else None


def _execute(s: Scenario, c: Choices, who: Coalition, order: Order, terms: Terms) -> None:
    """Offer the prices of before, of later and the first one, the best for oneself first."""
    earliest = _earliest(s, order, terms)
    if earliest is None:
        return
    market, before = order[1], s.price(order[1])
    s.pair.wait(max(0, earliest - s.now) + c.pick((0, 1, c.integer(0, s.window))))
    first = before * c.pick((9_700, 10_300, 9_950, 10_050)) // 10_000 // _QUOTED * _QUOTED
    later = first * c.pick((9_900, 10_100)) // 10_000 // _QUOTED * _QUOTED
    if c.chance(30):
        s.publish({market: later})
    offers = (
        (before, earliest - 1, earliest - 2),
        (later, earliest + 1, earliest),
        (first, earliest, earliest - 1),
    )
    offer_prices(s, c, who, "execute", (order, terms, KIMS), offers, earliest)


@aim("profit")
def trigger_at_will(s: Scenario, c: Choices) -> Outcome:
    """Place on both sides, move marks, trigger, let lapse, cancel and settle whenever, at whatever price is offered."""
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    sides = zip(traders_of(who), (1, -1), strict=False)
    tried = [_place(s, c, who, account, market, sign) for account, sign in sides]
    placed = [each for each in tried if each is not None]
    for _ in range(_TRIES):
        s.publish({market: s.price(market) * c.pick((97, 99, 101, 103)) // 100})
        for order, terms in placed:
            if s.book.stored().get((order[0], order[2])) is None:
                continue
            _call(s, who, KIM, c.pick(("trail", "trigger")), order, terms)
            _call(s, who, KIM, "trigger", order, terms)
            match c.integer(0, 4):
                case 0:
                    s.pair.wait(s.min_delay + s.window + c.pick((0, 1)))
                case 1:
                    _call(s, who, owner_of(order[0]), "cancelPlaced", order, terms)
                case _:
                    _execute(s, c, who, order, terms)
        s.freshen()
    close_all(s, who, "I11")
    return deposit(s, who, who.accounts[0], 1)
