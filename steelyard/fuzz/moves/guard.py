"""Guards: aggregators that follow, lag, err and break, and what waits for them or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.invariants import InvariantBroken
from sim.protocol.mocks.local_aggregator import Reply
from steelyard.evm.deployment import GUARDIAN, LIQUIDITY, STEWARD
from steelyard.fuzz.moves.parts import any_account, any_holder, enlarge, side_of, sink, weak_holder
from steelyard.fuzz.moves.pool import weaken
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.vault import ready, refill
from steelyard.fuzz.scenario import (
    KIM,
    KIMS,
    OSCAR,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    UINT256_MAX,
    WAD,
    owner_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Outcome
    from sim.protocol.types.guard import Guard
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

GUARDABLE = (0, 1)
"""Markets that get guards: the aggregator of each goes by its number."""
_NOBODY = "0x" + "00" * 20
_DAY = 86_400
_ANSWER_LIMIT = 2**96


# ---- parts


def guard_of(s: Scenario, market: int) -> Guard:
    """Return the guard of a market."""
    return s.pair.model.oracle.guard_of(market)


def set_guard(s: Scenario, market: int, max_age: int, max_deviation: int) -> Outcome:
    """Set the guard of a market, or remove it where `max_age` is zero."""
    aggregator = s.pair.addresses[f"Aggregator{market}"] if max_age else _NOBODY
    return s.call(STEWARD, "PriceOracle", "setGuard", market, aggregator, max_age, max_deviation)


def guarded(s: Scenario, c: Choices, market: int | None = None) -> int:
    """Return a market whose guard confirms its price, a given one or any."""
    if market not in GUARDABLE:
        market = c.pick(GUARDABLE)
    if s.pair.addresses[f"Aggregator{market}"] != guard_of(s, market).aggregator or c.chance(10):
        set_guard(s, market, c.pick((3_600, 1, 604_800)), c.pick((100, 1, 5_000, c.integer(1, 5_000))))
    s.freshen()
    return market


def say(s: Scenario, market: int, answer: int, *, age: int = 0) -> None:
    """Let the aggregator of a market answer so, written `age` seconds ago."""
    s.must(KIM, f"Aggregator{market}", "setRound", answer, s.now, s.now - age)


def bounds_of(s: Scenario, market: int) -> tuple[int, int]:
    """Return the lowest and the highest answer that confirms the price that is held."""
    guard = guard_of(s, market)
    price, unit = s.price(market) * 10_000, 10 ** (18 - guard.decimals)
    return -(-price // ((10_000 + guard.max_deviation) * unit)), price // ((10_000 - guard.max_deviation) * unit)


def _far(s: Scenario, c: Choices, market: int) -> None:
    lowest, highest = bounds_of(s, market)
    say(s, market, c.pick((lowest - 1, highest + 1, highest * 3, lowest // 3)))


def _old(s: Scenario, c: Choices, market: int) -> None:
    guard = guard_of(s, market)
    say(s, market, s.price(market) // 10 ** (18 - guard.decimals), age=guard.max_age + c.amount(1, _DAY))


def _early(s: Scenario, c: Choices, market: int) -> None:
    say(s, market, s.price(market) // 10 ** (18 - guard_of(s, market).decimals), age=-c.integer(1, _DAY))


def _absurd(s: Scenario, c: Choices, market: int) -> None:
    say(s, market, c.pick((0, -1, -s.price(market), -(2**255), 2**255 - 1, _ANSWER_LIMIT, 2**128)))


def _broken(s: Scenario, c: Choices, market: int) -> None:
    s.must(KIM, f"Aggregator{market}", "setReply", int(c.pick((Reply.REFUSE, Reply.SHORT, Reply.LONG, Reply.BURN))))


def _halted(s: Scenario, c: Choices, market: int) -> None:
    """Let the sequencer be down, just up, up in the future or never, or its feed broken, while the guard agrees."""
    s.follow({market: s.price(market)})
    grace = c.pick((3_600, 1, _DAY))
    s.must(STEWARD, "PriceOracle", "setSequencer", s.pair.addresses["Sequencer"], grace)
    if c.chance(25):
        s.must(KIM, "Sequencer", "setReply", int(c.pick((Reply.REFUSE, Reply.SHORT, Reply.LONG, Reply.BURN))))
        return
    rounds = ((1, s.now - _DAY), (0, s.now - grace + 1), (0, 0), (0, s.now + 1), (0, UINT256_MAX), (2, 1), (-1, 1))
    answer, started = c.pick(rounds)
    s.must(KIM, "Sequencer", "setRound", answer, started, s.now)


WAYS: tuple[Callable[[Scenario, Choices, int], None], ...] = (_far, _far, _old, _early, _absurd, _broken, _halted)
"""How it comes that a guard does not confirm the price that is published now."""


def doubt(s: Scenario, c: Choices, market: int) -> None:
    """Publish the price of a guarded market again, which its guard does not confirm."""
    s.pair.wait(1)
    c.pick(WAYS)(s, c, market)
    s.publish({market: s.price(market)}, wait=0, is_followed=False)


def doubted_holder(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return an account with a position in a market whose price is not confirmed."""
    market = guarded(s, c)
    found = [account for account in TRADING_ACCOUNTS if s.size(account, market)]
    account = c.pick(found) if found else any_account(c)
    if not found:
        enlarge(s, c, account, market, share=300)
    doubt(s, c, market)
    return account, market


def _part(s: Scenario, c: Choices, account: int, market: int) -> int:
    """Return a change that reduces a position, or closes it."""
    size = s.size(account, market)
    return -size if c.chance(40) else -(c.amount(1, abs(size)) * ((size > 0) - (size < 0)))


def _goes_on(outcome: Outcome) -> Outcome:
    """Require that no guard was in the way (I44)."""
    if outcome.error and outcome.error.name == "PriceUnconfirmed":
        raise InvariantBroken("I44", f"what lowers risk waits for a guard: {outcome.error}")
    return outcome


def _waits(s: Scenario, account: int, outcome: Outcome) -> Outcome:
    """Require that what raises risk was refused, of an account with a position whose price is not confirmed (I44)."""
    held = [market for market in s.open_markets(account) if not s.price_state(market)[7]]
    if outcome.ok and held:
        raise InvariantBroken("I44", f"what raises risk went through, unconfirmed in {held}")
    return outcome


# ---- governance


@aim("guard")
def guard_a_market(s: Scenario, c: Choices) -> Outcome:
    return set_guard(s, c.pick(GUARDABLE), c.pick((3_600, 1, 604_800)), c.pick((100, 1, 5_000)))


@aim("guard")
def remove_a_guard(s: Scenario, c: Choices) -> Outcome:
    """Remove a guard while it does not confirm: its market goes on without."""
    market = guarded(s, c)
    if c.chance(50):
        doubt(s, c, market)
    outcome = set_guard(s, market, 0, c.integer(0, 100))
    enlarge(s, c, any_account(c), market)
    return outcome


@aim("guard")
def name_a_sequencer(s: Scenario, c: Choices) -> Outcome:
    feed = c.pick((_NOBODY, s.pair.addresses["Sequencer"], OSCAR))
    outcome = s.call(STEWARD, "PriceOracle", "setSequencer", feed, c.pick((0, 3_600, _DAY)))
    market = guarded(s, c)
    s.publish({market: s.price(market)})
    if feed == OSCAR:
        s.must(STEWARD, "PriceOracle", "setSequencer", _NOBODY, 0)
    return outcome


@aim("guard")
def change_the_feed_of_a_guarded_market(s: Scenario, c: Choices) -> Outcome:
    """Change the feed: the guard stays."""
    market = guarded(s, c)
    price = s.price(market)
    outcome = s.call(STEWARD, "PriceOracle", "setFeed", market, f"0x{c.integer(1, 2**64):064x}", 120, 100)
    _broken(s, c, market)
    s.publish({market: price}, is_followed=False)
    return outcome


@aim("guard", "ParameterOutOfBounds")
def set_a_guard_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    age, deviation = c.pick(((0, 100), (604_801, 100), (3_600, 0), (3_600, 5_001)))
    name = "Aggregator0"
    if c.chance(20):
        name, age, deviation = "Aggregator2", 3_600, 100
    return s.call(STEWARD, "PriceOracle", "setGuard", 0, s.pair.addresses[name], age, deviation)


@aim("guard", "ParameterOutOfBounds")
def set_a_grace_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "PriceOracle", "setSequencer", s.pair.addresses["Sequencer"], _DAY + c.integer(1, 9))


@aim("guard", "AccessManagedUnauthorized")
def set_a_guard_unasked(s: Scenario, c: Choices) -> Outcome:
    sender = c.pick((*TRADERS, GUARDIAN))
    if c.chance(50):
        return s.call(sender, "PriceOracle", "setSequencer", _NOBODY, 0)
    return s.call(sender, "PriceOracle", "setGuard", 0, _NOBODY, 0, 0)


@aim("guard", "(no data)")
def set_a_guard_without_decimals(s: Scenario, c: Choices) -> Outcome:
    nobody = c.pick((OSCAR, s.pair.addresses["PriceOracle"]))
    return s.call(STEWARD, "PriceOracle", "setGuard", c.pick(GUARDABLE), nobody, 3_600, 100)


@aim("guard", "PriceUnconfirmed")
def guard_by_what_is_no_aggregator(s: Scenario, c: Choices) -> Outcome:
    """Let the settlement token be the guard, which tells decimals, and no price."""
    s.freshen()
    market = c.pick(GUARDABLE)
    s.must(STEWARD, "PriceOracle", "setGuard", market, s.pair.addresses["LocalToken"], 3_600, 100)
    if c.chance(50):
        s.publish({market: s.price(market)})
    account = any_account(c)
    outcome = s.trade(account, market, side_of(s, c, account, market) * max(WAD, s.min_size(market)))
    set_guard(s, market, 0, 0)
    return outcome


# ---- what the guard confirms


@aim("guard")
def enlarge_at_the_edge(s: Scenario, c: Choices) -> Outcome:
    """Open at a price that the guard just confirms: as far, as old and as soon after a sequencer's halt as may be."""
    market = guarded(s, c)
    s.pair.wait(1)
    guard, grace = guard_of(s, market), c.pick((0, 1, 3_600))
    s.must(STEWARD, "PriceOracle", "setSequencer", s.pair.addresses["Sequencer"], grace)
    s.must(KIM, "Sequencer", "setRound", 0, s.now - grace, s.now - c.integer(0, _DAY))
    say(s, market, c.pick(bounds_of(s, market)), age=c.pick((0, guard.max_age)))
    s.publish({market: s.price(market)}, wait=0, is_followed=False)
    account = any_account(c)
    most = s.capacity(account, market, sign := side_of(s, c, account, market))
    return s.trade(account, market, sign * max(1, c.amount(min(s.min_size(market), most), most)))


@aim("guard")
def settle_by_the_guard_of_now(s: Scenario, c: Choices) -> Outcome:
    """Settle an order at a price that is confirmed or not, older or newer than what is held."""
    market = guarded(s, c)
    account = any_account(c)
    most = s.capacity(account, market, sign := side_of(s, c, account, market))
    order = s.order(account, market, sign * max(1, c.amount(min(s.min_size(market), most), most)), slot=c.integer(0, 3))
    committed = s.commit(order)
    if not committed.ok:
        return committed
    earliest, price = s.now + s.min_delay, s.price(market)
    s.pair.wait(s.min_delay + 1)
    if c.chance(50):
        s.publish({market: price}, wait=0, is_followed=c.chance(50))
    else:
        s.follow({market: price})
    if c.chance(60):
        c.pick(WAYS)(s, c, market)
    confidence = c.pick((0, 0, 1, s.price_state(market)[5] * 100))
    data = (s.update_data(market, price, confidence=confidence, at=earliest, previous=earliest - 1),)
    return s.call(KIM, "OrderBook", "settle", order, c.pick((KIMS, account)), data, value=s.fee(data))


@aim("guard")
def first_price_by_the_guard(s: Scenario, c: Choices) -> Outcome:
    market = guarded(s, c)
    s.pair.wait(1)
    if c.chance(70):
        c.pick(WAYS)(s, c, market)
    data = (s.update_data(market, s.price(market), at=s.now, previous=s.now - 1),)
    return s.call(OSCAR, "PriceOracle", "parseFirst", market, data, s.now, s.now, value=s.fee(data))


# ---- what goes on without it


@aim("guard")
def reduce_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, market = doubted_holder(s, c)
    size = _part(s, c, account, market)
    outcome = s.trade(account, market, size or 1, confirmed=c.chance(50))
    return _goes_on(outcome) if size else outcome


@aim("guard")
def reduce_another_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    """Reduce a position in a market without doubt, of an account that holds one with."""
    account, market = doubted_holder(s, c)
    other = c.pick([held for held in s.open_markets(account) if held != market] or [market])
    return s.trade(account, other, _part(s, c, account, other) or 1, keeper=KIMS, fee=c.pick((0, 0, WAD // 100)))


@aim("guard")
def liquidate_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    market = guarded(s, c)
    account, held = weak_holder(s, c)
    sink(s, c, account, held, bankrupt=c.chance(30))
    doubt(s, c, market if s.size(account, market) else guarded(s, c, held))
    return _goes_on(s.call(KIM, "Clearinghouse", "liquidate", account, KIMS))


@aim("guard")
def deleverage_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    market = guarded(s, c, weaken(s, c))
    doubt(s, c, market)
    outcome = _goes_on(s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage"))
    refill(s)
    return outcome


@aim("guard")
def add_margin_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, market = doubted_holder(s, c)
    owner = owner_of(account)
    if c.chance(30):
        return _goes_on(s.call(OSCAR, "Clearinghouse", "accrue", market))
    if c.chance(50) and not s.open_markets(account ^ 1):
        funds = max(0, s.balance(account ^ 1))
        if funds:
            return _goes_on(s.call(owner, "Clearinghouse", "transfer", account ^ 1, account, c.amount(1, funds)))
    return _goes_on(s.call(owner, "Clearinghouse", "deposit", account, c.amount(1, 10_000 * TOKEN)))


# ---- what waits for it


@aim("guard", "PriceUnconfirmed")
def enlarge_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, market = doubted_holder(s, c)
    size = s.size(account, market)
    change = (size > 0) - (size < 0) or 1
    grown = c.pick((change * WAD // 10, -size - change * max(WAD // 10, s.min_size(market))))
    return _waits(s, account, s.trade(account, market, grown))


@aim("guard", "PriceUnconfirmed")
def enlarge_at_a_price_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    """Enlarge at a price that the executor does not know to be confirmed, while the one that is held is."""
    account, market = any_holder(s, c)
    sign = 1 if s.size(account, market) > 0 else -1
    return s.trade(account, market, sign * max(WAD // 10, s.min_size(market)), confirmed=False)


@aim("guard", "PriceUnconfirmed")
def enlarge_another_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, market = doubted_holder(s, c)
    other = c.pick([listed for listed in s.markets if listed != market and s.price_state(listed)[1]] or [market])
    sign = side_of(s, c, account, other)
    return _waits(s, account, s.trade(account, other, sign * max(WAD // 10, s.min_size(other))))


@aim("guard", "PriceUnconfirmed")
def take_money_out_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, _ = doubted_holder(s, c)
    owner = owner_of(account)
    if c.chance(50):
        return _waits(s, account, s.call(owner, "Clearinghouse", "withdraw", account, 1, owner))
    return _waits(s, account, s.call(owner, "Clearinghouse", "transfer", account, account ^ 1, 1))


@aim("guard", "PriceUnconfirmed")
def lower_margin_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, _ = doubted_holder(s, c)
    risk = s.risk(account)
    outcome = s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, 10**6 * WAD)
    # What has less equity than that is given some.
    return outcome if risk is None or risk[0] * 10**6 <= risk[3] else _waits(s, account, outcome)


@aim("guard", "PriceUnconfirmed")
def leave_a_portfolio_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    market = guarded(s, c)
    account = any_account(c)
    s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 2)
    for held in (market, market ^ 1):
        if not s.size(account, held):
            enlarge(s, c, account, held, share=300)
    doubt(s, c, market)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 0)


@aim("guard", "PriceUnconfirmed")
def move_a_position_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    account, market = doubted_holder(s, c)
    size = abs(s.size(account, market))
    outcome = s.call(owner_of(account), "Clearinghouse", "movePosition", account, account ^ 1, market, max(1, size))
    return _waits(s, account, outcome)


@aim("guard", "PriceUnconfirmed")
def settle_the_vault_without_the_guard(s: Scenario, c: Choices) -> Outcome:
    market = guarded(s, c)
    if not any(s.open_interest(market)):
        enlarge(s, c, any_account(c), market, share=300)
    owner = c.pick((*TRADERS, LIQUIDITY))
    s.call(owner, "LiquidityVault", "requestDeposit", c.amount(TOKEN, 1_000 * TOKEN), owner, owner)
    ready(s)
    s.pair.wait(1)
    c.pick(WAYS)(s, c, market)
    s.publish({m: s.price(m) for m in s.markets if int(s.feed(m), 16)}, wait=0, is_followed=False)
    return s.call(KIM, "LiquidityVault", "fulfil", 50, 50)
