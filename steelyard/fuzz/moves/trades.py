"""Trades, by an executor or through an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, GUARDIAN
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market, enlarge, execute, side_of, sink, weak_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import INSURANCE, INT128_MAX, KIMS, OSCAR, POOL, TRADING_ACCOUNTS, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


@aim("trade")
def grow(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    able = [a for a in TRADING_ACCOUNTS if s.free(a) > 100 * WAD]
    return enlarge(s, c, c.pick(able or TRADING_ACCOUNTS), any_market(s, c))


@aim("trade")
def grow_to_the_limit(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    able = [a for a in TRADING_ACCOUNTS if s.free(a) > 100 * WAD]
    return enlarge(s, c, c.pick(able or TRADING_ACCOUNTS), any_market(s, c), share=c.integer(900, 1000))


@aim("trade")
def spread(s: Scenario, c: Choices) -> Outcome:
    """Bring an account in portfolio mode to positions in two to five markets, longs and shorts."""
    s.freshen()
    netting = [a for a in TRADING_ACCOUNTS if s.mode(a) == 2 and len(s.open_markets(a)) < 5]
    account = c.pick([a for a in netting if s.open_markets(a)] or netting or TRADING_ACCOUNTS)
    outcome = s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 2)
    held = s.open_markets(account)
    others = [market for market in s.markets if market not in held and s.price_state(market)[1]]
    first, sign = c.integer(0, len(s.markets)), -side_of(s, c, account, held[0] if held else 0)
    for turn in range(min(len(others), c.integer(max(1, 2 - len(held)), max(1, 5 - len(held))))):
        market = others[(first + turn) % len(others)]
        size = s.capacity(account, market, sign) * c.integer(20, 200) // 1_000
        outcome = s.trade(account, market, sign * max(size, s.min_size(market)))
        sign = -sign if c.chance(60) else sign
    return outcome


@aim("trade")
def reduce(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    size = s.size(account, market)
    part = c.amount(1, max(1, abs(size) - s.min_size(market)))
    return execute(s, c, account, market, -part if size > 0 else part)


@aim("trade")
def close(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    return execute(s, c, account, market, -s.size(account, market))


@aim("trade")
def flip(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    size = s.size(account, market)
    over = s.min_size(market) + c.amount(0, abs(size) // 2)
    return execute(s, c, account, market, -size - over if size > 0 else -size + over)


@aim("trade")
def close_while_paused(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    s.must(GUARDIAN, "Clearinghouse", "pauseRisk")
    outcome = execute(s, c, account, market, -s.size(account, market))
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("trade")
def reduce_under_maintenance(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=c.chance(30))
    size = s.size(account, market)
    part = c.amount(1, max(1, abs(size) - s.min_size(market)))
    return s.trade(account, market, -part if size > 0 else part)


@aim("trade", "MaintenanceInsufficient")
def reduce_under_maintenance_and_pay(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=c.chance(30))
    size = s.size(account, market)
    part = max(1, min(abs(size) // c.integer(2, 9), abs(size) - s.min_size(market)))
    return s.trade(account, market, -part if size > 0 else part, keeper=KIMS, fee=c.amount(1, WAD))


@aim("trade", "AccountBankrupt")
def close_bankrupt(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    for other in s.open_markets(account):
        if other != market:
            s.trade(account, other, -s.size(account, other))
    sink(s, c, account, market, bankrupt=True)
    return s.trade(account, market, -s.size(account, market))


@aim("trade", "MarginInsufficient")
def grow_too_far(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    longs, shorts = s.open_interest(market)
    room = s.cap(market) - (longs if sign > 0 else shorts)
    most = s.capacity(account, market, sign) * 104 // 100 + s.min_size(market)
    size = min(max(room, 1), c.amount(most, most * 20))
    return execute(s, c, account, market, sign * size)


@aim("trade", "OpenInterestExceeded")
def grow_over_the_cap(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = side_of(s, c, account, market)
    longs, shorts = s.open_interest(market)
    room = max(0, s.cap(market) - (longs if sign > 0 else shorts)) + max(0, -sign * s.size(account, market))
    return execute(s, c, account, market, sign * (room + c.amount(1, 2**95 if c.chance(80) else INT128_MAX - room)))


@aim("trade", "SizeBelowMinimum")
def leave_dust(s: Scenario, c: Choices) -> Outcome:
    if c.chance(50):
        account, market = any_holder(s, c)
        size = s.size(account, market)
        rest = c.amount(1, s.min_size(market) - 1)
        return execute(s, c, account, market, -size + (rest if c.chance(50) else -rest))
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if not s.open_markets(a)] or TRADING_ACCOUNTS)
    market = any_market(s, c)
    return execute(s, c, account, market, c.pick((1, -1)) * c.amount(1, s.min_size(market) - 1))


@aim("trade", "SizeZero")
def trade_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.trade(any_account(c), any_market(s, c), 0)


@aim("trade", "MarketUnknown")
def trade_nowhere(s: Scenario, c: Choices) -> Outcome:
    return s.trade(any_account(c), c.integer(len(s.markets), 255), WAD, price=WAD)


@aim("trade", "AccountReserved")
def trade_for_the_pool(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    if c.chance(50):
        return s.trade(c.pick((POOL, INSURANCE, 0)), any_market(s, c), WAD)
    account, market = any_holder(s, c)
    size = s.size(account, market)
    part = -size // 2 if c.chance(50) else -size
    return s.trade(account, market, part, keeper=c.pick((POOL, INSURANCE, 0)), fee=1)


@aim("trade", "ExecutorUnauthorized")
def trade_by_oneself(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.trade(account, any_market(s, c), WAD, sender=c.pick((owner_of(account), OSCAR, ADMIN)))


@aim("trade", "OpenMarketsExceeded")
def second_market_of_an_isolated_account(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    ready = [a for a in TRADING_ACCOUNTS if len(s.open_markets(a)) == 1]
    account = c.pick(ready or TRADING_ACCOUNTS)
    if not ready:
        enlarge(s, c, account, 0, share=100)
    s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 1)
    others = [m for m in s.markets if m not in s.open_markets(account) and s.price_state(m)[1]]
    market = c.pick(others or s.markets)
    return execute(s, c, account, market, c.pick((1, -1)) * s.min_size(market))


@aim("trade", "PriceUnacceptable")
def trade_at_a_better_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = c.pick((1, -1))
    size = max(s.min_size(market), s.capacity(account, market, sign) // 2)
    price = s.price(market)
    better = price * c.integer(5_000, 8_000) // 10_000 if sign > 0 else price * c.integer(12_000, 20_000) // 10_000
    return execute(s, c, account, market, sign * size, acceptable=better)


@aim("trade", "RiskPaused")
def grow_while_paused(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    s.must(GUARDIAN, "Clearinghouse", "pauseRisk")
    outcome = enlarge(s, c, any_account(c), any_market(s, c))
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("trade", "PriceStale")
def trade_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.trade(account, market, c.pick((1, -1)) * s.min_size(market))


@aim("trade", "PriceUncertain")
def trade_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    s.publish({market: s.price(market)}, confidence=s.price_state(market)[5] * 100 + c.integer(1, 10**6))
    return s.trade(account, market, s.min_size(market))


@aim("trade", "SafeCastOverflowedIntDowncast")
def trade_at_an_absurd_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = c.pick((1, -1))
    longs, shorts = s.open_interest(market)
    size = max(1, s.cap(market) - (longs if sign > 0 else shorts))
    fill = c.amount(2**94, 2**96 - 1)
    return s.trade(account, market, sign * size, price=fill, fee=c.pick((0, 2**96 - 1)), keeper=KIMS)


@aim("trade")
def trade_at_another_price(s: Scenario, c: Choices) -> Outcome:
    """Have the executor answer for a price that is not the oracle's."""
    account, market = any_holder(s, c)
    size = s.size(account, market)
    part = c.amount(1, abs(size) + 1)
    price = s.price(market) * c.integer(9_000, 11_000) // 10_000
    return s.trade(account, market, -part if size > 0 else part, price=c.pick((price, price, 0, 1)))
