"""The last second, the second after, and the two sides of other edges that moves drawn at random seldom meet.

Each was added because a planted bug of that place lived: see `steelyard.fuzz.canaries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, GUARDIAN, STEWARD
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market, free_slot, side_of, sink, weak_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import INSURANCE, KIM, KIMS, OSCAR, TOKEN, TRADERS, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

_SHORT = 30
"""Longest life of an order beyond its delay [s], well inside the window."""


def _order(s: Scenario, c: Choices, lasts: int) -> Order:
    """Return an order for a free slot that expires `lasts` seconds from now."""
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    slot = free_slot(s, c, account)
    size = max(s.min_size(market), s.capacity(account, market, sign) // c.integer(3, 9))
    return s.order(account, market, sign * size, slot=slot, lasts=lasts)


def _committed(s: Scenario, c: Choices, lasts: int) -> Order:
    order = _order(s, c, lasts)
    s.must(owner_of(order[0]), "OrderBook", "commit", order)
    return order


def _life(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return how long an order lasts and the seconds after which it may settle for the last time."""
    if c.chance(50):
        lasts = s.min_delay + c.integer(0, _SHORT)
        return lasts, lasts
    return s.min_delay + s.window + c.integer(0, _SHORT), s.min_delay + s.window


# ---- orders


@aim("order")
def settle_in_the_last_second(s: Scenario, c: Choices) -> Outcome:
    lasts, latest = _life(s, c)
    return s.settle(_committed(s, c, lasts), after=latest)


@aim("order", "OrderExpired")
def settle_a_second_late(s: Scenario, c: Choices) -> Outcome:
    lasts, latest = _life(s, c)
    return s.settle(_committed(s, c, lasts), after=latest + 1)


@aim("order", "OrderExpired")
def commit_what_cannot_settle(s: Scenario, c: Choices) -> Outcome:
    return s.commit(_order(s, c, c.integer(0, s.min_delay - 1)))


@aim("order", "PriceFeedNotFoundWithinRange")
def settle_at_a_price_of_the_future(s: Scenario, c: Choices) -> Outcome:
    """Offer a first price within the window that is not yet due."""
    order = _committed(s, c, s.min_delay + s.window)
    earliest = s.now + s.min_delay
    s.pair.wait(s.min_delay + c.integer(0, 5))
    at = s.now + c.integer(1, s.window // 2)
    data = (s.update_data(order[1], s.price(order[1]), at=at, previous=earliest - 1),)
    return s.call(KIM, "OrderBook", "settle", order, KIMS, data, value=s.fee(data))


@aim("order", "PriceUncertain")
def settle_at_an_uncertain_price_of_before(s: Scenario, c: Choices) -> Outcome:
    """Offer a first price that is uncertain while a later one, which is not, is held."""
    order = _committed(s, c, s.min_delay + s.window)
    market, earliest = order[1], s.now + s.min_delay
    s.publish({market: s.price(market)}, wait=s.min_delay + c.integer(1, 5))
    confidence = s.price_state(market)[5] * 100 + c.integer(1, 10**5)
    data = (s.update_data(market, s.price(market), confidence=confidence, at=earliest, previous=earliest - 1),)
    return s.call(KIM, "OrderBook", "settle", order, KIMS, data, value=s.fee(data))


@aim("cancel", "OrderPending")
def cancel_in_the_last_second(s: Scenario, c: Choices) -> Outcome:
    lasts, latest = _life(s, c)
    order = _committed(s, c, lasts)
    s.pair.wait(latest)
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel")
def cancel_a_second_later(s: Scenario, c: Choices) -> Outcome:
    lasts, latest = _life(s, c)
    order = _committed(s, c, lasts)
    s.pair.wait(latest + 1)
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


# ---- prices


@aim("accrue")
def accrue_in_the_last_second(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = any_market(s, c)
    _, published, _, _, max_age, *_ = s.price_state(market)
    return s.call(OSCAR, "Clearinghouse", "accrue", market, wait=max(0, published + max_age - s.now))


@aim("accrue", "PriceStale")
def accrue_a_second_late(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = any_market(s, c)
    _, published, _, _, max_age, *_ = s.price_state(market)
    return s.call(OSCAR, "Clearinghouse", "accrue", market, wait=max(0, published + max_age + 1 - s.now))


@aim("price")
def contradict(s: Scenario, c: Choices) -> Outcome:
    """Publish another price of the same time as the one that is held, which changes nothing."""
    market = any_market(s, c)
    price, at = s.price_state(market)[:2]
    data = (s.update_data(market, price * c.pick((11, 20)) // 10, at=at),)
    return s.call(KIM, "PriceOracle", "update", (market,), data, value=s.fee(data))


@aim("govern")
def set_market_of_a_dead_feed(s: Scenario, c: Choices) -> Outcome:
    """Change parameters at a price that is stale or uncertain, which is when they must change."""
    s.freshen()
    market = any_market(s, c)
    if c.chance(50):
        s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    else:
        s.publish({market: s.price(market)}, confidence=s.price_state(market)[5] * 100 + c.integer(1, 10**5))
    config, rate = s.market(market)[3], s.market(market)[2][4]
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, config, rate)


@aim("liquidate")
def liquidate_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=c.chance(30))
    s.publish({market: s.price(market)}, confidence=s.price_state(market)[5] * 100 + c.integer(1, 10**5))
    return s.call(KIM, "Clearinghouse", "liquidate", account, KIMS)


@aim("order", "ExecutorUnauthorized")
def settle_while_the_book_may_not_trade(s: Scenario, c: Choices) -> Outcome:
    """Settle an order while governance has stopped the order book: nothing of the order's own, so it stays."""
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    order = s.order(account, market, sign * (s.min_size(market) + c.amount(0, WAD)), slot=free_slot(s, c, account))
    s.must(owner_of(account), "OrderBook", "commit", order)
    book = s.pair.addresses["OrderBook"]
    s.must(ADMIN, "Clearinghouse", "setExecutor", book, False)
    outcome = s.settle(order)
    s.must(ADMIN, "Clearinghouse", "setExecutor", book, True)
    return outcome


@aim("order")
def settle_where_nothing_is_listed(s: Scenario, c: Choices) -> Outcome:
    """Settle an order in a market that has a price but is not listed: it is used up like any that cannot be filled."""
    market = len(s.markets)
    s.must(STEWARD, "PriceOracle", "setFeed", market, f"0x{market + 1:064x}", 600, 100)
    account = any_account(c)
    order = s.order(account, market, c.pick((1, -1)) * WAD, slot=free_slot(s, c, account))
    s.must(owner_of(account), "OrderBook", "commit", order)
    outcome = s.settle(order)
    # Another feed, so that the market still starts without a price when it is listed.
    s.must(STEWARD, "PriceOracle", "setFeed", market, f"0x{market + 0xFEED:064x}", 600, 100)
    return outcome


# ---- limits


@aim("trade", "OpenInterestExceeded")
def flip_over_the_cap(s: Scenario, c: Choices) -> Outcome:
    """Flip a position so far that the side which it opens exceeds its cap."""
    account, market = any_holder(s, c)
    size = s.size(account, market)
    longs, shorts = s.open_interest(market)
    room = max(0, s.cap(market) - (shorts if size > 0 else longs))
    over = room + c.amount(1, room + WAD)
    return s.trade(account, market, -size - over if size > 0 else -size + over)


@aim("trade", "RiskPaused")
def grow_after_parameters_changed_in_a_pause(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    s.must(GUARDIAN, "Clearinghouse", "pauseRisk")
    s.must(STEWARD, "Clearinghouse", "setRiskConfig", s.pair.get("Clearinghouse", "riskConfig"))
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    s.pair.read("Lens", "largestOrder", account, market, sign > 0)
    size = max(s.min_size(market), s.capacity(account, market, sign) // c.integer(2, 9))
    outcome = s.trade(account, market, sign * size)
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("insurance", "SurplusMissing")
def collect_twice(s: Scenario, c: Choices) -> Outcome:
    """Collect down to the threshold, then once more."""
    s.must(c.pick(TRADERS), "Clearinghouse", "fundInsurance", TOKEN)
    config = s.pair.get("Clearinghouse", "riskConfig")
    threshold = s.balance(INSURANCE) // WAD - c.integer(0, 1)
    s.must(STEWARD, "Clearinghouse", "setRiskConfig", (*config[:6], min(max(0, threshold), 10**10), config[7]))
    s.call(OSCAR, "Clearinghouse", "collectTreasury")
    return s.call(OSCAR, "Clearinghouse", "collectTreasury")
