"""Actors who try to take out more than they brought: each step at one price must add nothing to what they are worth.

What a step may gain all the same is told beside it, and no more is allowed: see `steelyard.fuzz.profit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.invariants import InvariantBroken
from sim.protocol.libraries import positions, pricing
from sim.protocol.mocks.hostile_token import Plan, Trick
from steelyard.fuzz.moves.parts import any_market, enlarge, sink, weak_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.profit import Coalition
from steelyard.fuzz.scenario import (
    KIM,
    KIMS,
    MALLORY,
    MALLORYS,
    OSCAR,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    UINT128_MAX,
    WAD,
    account_of,
    owner_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Order, Scenario

_UNIT = 10**12
_BOOK = "OrderBook"


def coalition(s: Scenario, c: Choices) -> Coalition:
    """Return both accounts of a trader, sometimes with those of another and the keeper's."""
    owners = [c.pick(TRADERS)]
    if c.chance(40):
        owners.append(c.pick([trader for trader in TRADERS if trader not in owners]))
    accounts = [account_of(owner, index) for owner in owners for index in range(2)]
    return Coalition(s.pair.model, [*accounts, KIMS] if c.chance(30) else accounts)


def traders_of(who: Coalition) -> list[int]:
    """Return the accounts of a coalition that trade."""
    return [account for account in who.accounts if account in TRADING_ACCOUNTS]


def _trade(
    s: Scenario, who: Coalition, invariant: str, account: int, market: int, size: int, *, keeper: int = 0, fee: int = 0
) -> Outcome:
    with who.gains_nothing(invariant):
        return s.trade(account, market, max(-UINT128_MAX // 2, min(UINT128_MAX // 2, size)), keeper=keeper, fee=fee)


def _some_size(s: Scenario, c: Choices, account: int, market: int) -> int:
    sign = c.pick((1, -1))
    return sign * max(s.min_size(market), c.amount(1, max(1, s.capacity(account, market, sign))))


def close_all(s: Scenario, who: Coalition, invariant: str) -> None:
    """Close every position of a coalition."""
    for account in traders_of(who):
        for market in s.open_markets(account):
            _trade(s, who, invariant, account, market, -s.size(account, market))


def _withdraw_all(s: Scenario, who: Coalition, account: int) -> None:
    """Withdraw what margin allows; what is left has its margin (I16), and nobody can liquidate it."""
    amount = min(s.free(account), max(0, s.balance(account))) // _UNIT
    if amount == 0:
        return
    owner = owner_of(account)
    with who.gains_nothing("I10"):
        outcome = s.call(owner, "Clearinghouse", "withdraw", account, min(amount, UINT128_MAX), owner)
    if outcome.ok:
        who.require_margin(account)


def deposit(s: Scenario, who: Coalition, account: int, amount: int) -> Outcome:
    """Deposit token units, which gains nothing."""
    with who.gains_nothing("I10"):
        return s.call(owner_of(account), "Clearinghouse", "deposit", account, amount)


def _liquidate(s: Scenario, who: Coalition, account: int, liquidator: int) -> Outcome:
    """Liquidate an account of the coalition; what others bear of its debt is a gain that the waterfall allows."""
    with who.gains_nothing("I18") as allowed:
        outcome = s.call(KIM, "Clearinghouse", "liquidate", account, liquidator)
        if outcome.ok:
            allowed.amount = outcome.returns[0][3]
    return outcome


@aim("profit")
def go_around(s: Scenario, c: Choices) -> Outcome:
    """Trade to and fro at one price, and close (I11)."""
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    for _ in range(c.integer(1, 4)):
        account = c.pick(traders_of(who))
        _trade(s, who, "I11", account, market, _some_size(s, c, account, market))
    close_all(s, who, "I11")
    return deposit(s, who, who.accounts[0], 1)


@aim("profit")
def pay_in_trade_pay_out(s: Scenario, c: Choices) -> Outcome:
    """Deposit, trade, withdraw all that margin allows, close, withdraw the rest (I10, I16)."""
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    account = c.pick(traders_of(who))
    for _ in range(c.integer(1, 2)):
        deposit(s, who, account, c.amount(1, 100_000 * TOKEN))
        _trade(s, who, "I10", account, market, _some_size(s, c, account, market))
        _withdraw_all(s, who, account)
    close_all(s, who, "I10")
    _withdraw_all(s, who, account)
    return deposit(s, who, account, c.amount(1, 100_000 * TOKEN))


@aim("profit")
def straddle(s: Scenario, c: Choices) -> Outcome:
    """Go long here and short there, take out what is free, and leave the loser to the liquidator, who is oneself."""
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    first, second = traders_of(who)[:2]
    size = min(s.capacity(first, market, 1), s.capacity(second, market, -1)) * c.integer(500, 1_000) // 1_000
    _trade(s, who, "I10", first, market, max(1, size))
    _trade(s, who, "I10", second, market, -max(1, size))
    for account in (first, second):
        _withdraw_all(s, who, account)
    s.publish({market: s.price(market) * c.pick((9_600, 10_400, 8_000, 12_500)) // 10_000})
    for account, other in ((first, second), (second, first)):
        for _ in range(c.integer(1, 2)):
            _liquidate(s, who, account, c.pick((other, account)))
    close_all(s, who, "I18")
    return deposit(s, who, first, c.amount(1, 100_000 * TOKEN))


@aim("profit")
def liquidate_oneself(s: Scenario, c: Choices) -> Outcome:
    """Fall under maintenance, and take the reward oneself, part by part (I18)."""
    account, market = weak_holder(s, c)
    who = Coalition(s.pair.model, (account, account ^ 1))
    sink(s, c, account, market, bankrupt=c.chance(30))
    if c.chance(50):
        with who.gains_nothing("I10"):
            s.call(owner_of(account), "Clearinghouse", "fundInsurance", c.amount(1, 1_000 * TOKEN))
    for _ in range(c.integer(1, 3)):
        _liquidate(s, who, account, c.pick((account ^ 1, account)))
    if c.chance(50):
        with who.gains_nothing("I10"):
            s.call(OSCAR, "Clearinghouse", "collectTreasury")
    close_all(s, who, "I18")
    return deposit(s, who, account, c.amount(1, 100_000 * TOKEN))


@aim("profit")
def pay_oneself_as_keeper(s: Scenario, c: Choices) -> Outcome:
    """Pay one's own keeper out of an account that has little left (I16)."""
    account, market = weak_holder(s, c)
    who = Coalition(s.pair.model, (account, account ^ 1))
    if c.chance(50):
        sink(s, c, account, market, bankrupt=c.chance(30))
    for _ in range(c.integer(1, 3)):
        size = s.size(account, market)
        part = c.amount(1, max(1, abs(size) - s.min_size(market)))
        _trade(s, who, "I16", account, market, -part if size > 0 else part, keeper=account ^ 1, fee=c.amount(1, WAD))
    return deposit(s, who, account, c.amount(1, 100_000 * TOKEN))


@aim("profit")
def shuffle(s: Scenario, c: Choices) -> Outcome:
    """Move quote and leverage between one's own accounts (I10, I16)."""
    account, _ = weak_holder(s, c)
    owner = owner_of(account)
    who = Coalition(s.pair.model, (account, account ^ 1))
    for _ in range(c.integer(1, 4)):
        source, target = c.pick(((account, account ^ 1), (account ^ 1, account)))
        free = s.free(source)
        with who.gains_nothing("I10"):
            if c.chance(50):
                moved = min(UINT128_MAX, max(1, c.amount(1, free + 1)))
                outcome = s.call(owner, "Clearinghouse", "transfer", source, target, moved)
                payer = source
            else:
                before = s.balance(source)
                leverage = c.integer(1, 25) * WAD
                outcome = s.call(owner, "Clearinghouse", "setLeverage", source, target, leverage)
                payer = source if s.balance(source) < before else target
        if outcome.ok:
            who.require_margin(payer)
    return deposit(s, who, account, c.amount(1, 100_000 * TOKEN))


# ---- orders and prices


def _commit(s: Scenario, c: Choices, who: Coalition, account: int, market: int, size: int) -> Order | None:
    slot = c.integer(0, 255)
    order = s.order(account, market, size, slot=slot, lasts=s.min_delay + s.window)
    with who.gains_nothing("I13"):
        return order if s.commit(order).ok else None


def filled(outcome: Outcome) -> tuple[int, int, int]:
    """Return size, cost and fee of the fill of a settlement, zeros where the order was used up."""
    for event in outcome.events:
        if event.name == "Traded":
            return event.args[2], event.args[3], event.args[4]
    return 0, 0, 0


def offer_prices(
    s: Scenario,
    c: Choices,
    who: Coalition,
    function: str,
    args: tuple[Any, ...],
    offers: Sequence[tuple[int, int, int]],
    earliest: int,
) -> None:
    """Let the coalition's keeper offer prices to a settlement, each with its call and, proven before, in a batch.

    Parameters
    ----------
    function, args
        The book's, and what it is called with: an order first, and no update.
    offers : sequence of (int, int, int)
        Prices [wad], when they were published and when the ones before them were [s]; the last is the first one since
        `earliest`, which alone may be taken.
    earliest : int
        Since when the order waits for a price [s].

    Raises
    ------
    InvariantBroken
        Another price was taken, or the coalition gained by the one that was.
    """
    market, first = args[0][1], offers[-1][0]
    for price, at, previous in offers:
        data = (s.update_data(market, price, at=at, previous=previous),)
        ways = [_offer_directly, _offer_proven]
        for way in ways if c.chance(50) else ways[::-1]:
            state = s.pair.model.clearinghouse.market_of(market)
            skew, config = positions.skew_of(state), state.config
            newest = price if at > s.price_state(market)[1] else s.price_state(market)[0]
            with who.gains_nothing("I13", {market: newest}) as allowed:
                outcome, is_taken = way(s, function, args, data, c.pick((at, earliest - 1, earliest, earliest + 1)))
                size, cost, fee = filled(outcome)
                if size and newest != price:
                    fair = pricing.cost_up(size, newest, skew, pricing.depth(config))
                    allowed.amount = max(0, fair + pricing.fee_up(config, size, newest, skew) - cost - fee)
            if is_taken and price != first:
                raise InvariantBroken("I13", f"settled at {price}, published at {at}, and the first price is {first}")


def _offer_directly(
    s: Scenario, function: str, args: tuple[Any, ...], data: tuple[str, ...], _: int
) -> tuple[Outcome, bool]:
    """Settle with an update; return what came of it, and whether its price was taken."""
    outcome = s.call(KIM, _BOOK, function, *args, data, value=s.fee(data))
    return outcome, outcome.ok


def _offer_proven(
    s: Scenario, function: str, args: tuple[Any, ...], data: tuple[str, ...], since: int
) -> tuple[Outcome, bool]:
    """Prove that a price is the first one `since` some time [s], and settle without an update, in one transaction."""
    proof = s.pair.model.calldata(_BOOK, "provePrice", (args[0][1], since, data))
    settlement = s.pair.model.calldata(_BOOK, function, (*args, ()))
    fee = s.fee(data)
    outcome = s.call(KIM, _BOOK, "batch", (proof, settlement), (fee, 0), value=fee)
    return outcome, outcome.ok and outcome.returns[0][1]


@aim("profit")
def sandwich_an_update(s: Scenario, c: Choices) -> Outcome:
    """Commit on both sides before a price that is known, and settle each at whatever price is best for it (I13).

    Only the first price after the delay is accepted. Where a later one is held by then, the difference of the two is a
    gain that the window allows.
    """
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    before, committed = s.price(market), s.now
    orders = []
    for account, sign in zip(traders_of(who), (1, -1), strict=False):
        size = max(s.min_size(market), s.capacity(account, market, sign) // c.integer(2, 9))
        order = _commit(s, c, who, account, market, sign * size)
        if order is not None:
            orders.append(order)
    s.pair.wait(s.min_delay + c.integer(1, 5))
    earliest = committed + s.min_delay
    first = before * c.pick((9_700, 10_300, 9_950, 10_050)) // 10_000 // 10**10 * 10**10
    later = first * c.pick((9_900, 10_100)) // 10_000 // 10**10 * 10**10
    is_late = c.chance(50)
    if is_late:
        s.publish({market: later})
    candidates = (
        (before, committed, committed - 1),
        (later, earliest + 1, earliest),
        (first, earliest, earliest - 1),
    )
    for order in orders:
        offer_prices(s, c, who, "settle", (order, KIMS), candidates, earliest)
    s.freshen()
    close_all(s, who, "I11")
    return deposit(s, who, who.accounts[0], 1)


@aim("profit")
def split_an_order(s: Scenario, c: Choices) -> Outcome:
    """Trade in parts, and compare with one fill from end to end (I24)."""
    s.freshen()
    who, market = coalition(s, c), any_market(s, c)
    account = c.pick(traders_of(who))
    state = s.pair.model.clearinghouse.market_of(market)
    skew, config, price = positions.skew_of(state), state.config, s.price(market)
    whole = _some_size(s, c, account, market)
    cuts = sorted(c.integer(0, abs(whole)) for _ in range(c.integer(1, 3)))
    sign = 1 if whole > 0 else -1
    filled = paid = fills = 0
    for start, end in zip((0, *cuts), (*cuts, abs(whole)), strict=True):
        outcome = _trade(s, who, "I24", account, market, sign * (end - start))
        if outcome.ok:
            size, cost, fee, _ = outcome.returns[0]
            filled, paid, fills = filled + size, paid + cost + fee, fills + 1
    once = pricing.cost_up(filled, price, skew, pricing.depth(config)) + pricing.fee_up(config, filled, price, skew)
    # Each fill rounds twice in its cost and once in its fee.
    dust = 3 * (fills + 1)
    if s.pair.model.clearinghouse.was_deleveraged(market):
        # A size of a deleveraged side rounds to a wei of the base.
        dust += (fills + 1) * (price // WAD + 1)
    if not -dust <= paid - once <= dust:
        raise InvariantBroken("I24", f"{fills} fills cost {paid}, one costs {once}, dust {dust}")
    return deposit(s, who, account, 1)


@aim("profit")
def trade_around_a_liquidation(s: Scenario, c: Choices) -> Outcome:
    """Stand on one side of a victim's liquidation: the reward, and what the skew that it moves is worth, are all."""
    victim, market = weak_holder(s, c)
    own = c.pick([account for account in TRADING_ACCOUNTS if owner_of(account) != owner_of(victim)])
    who = Coalition(s.pair.model, (own, own ^ 1))
    enlarge(s, c, own, market, share=c.integer(1, 500))
    sink(s, c, victim, market, bankrupt=c.chance(30))
    house = s.pair.model.clearinghouse
    held = [(m, s.size(own, m) + s.size(own ^ 1, m), positions.skew_of(house.market_of(m))) for m in s.markets]
    with who.gains_nothing("I11") as allowed:
        outcome = s.call(KIM, "Clearinghouse", "liquidate", victim, own)
        if outcome.ok:
            allowed.amount = outcome.returns[0][1]
            for m, net, skew in held:
                state = house.market_of(m)
                moved = abs(positions.skew_of(state) - skew)
                taker, maker = state.config.taker_fee, state.config.maker_fee
                value = abs(net) * s.price(m) // WAD
                allowed.amount += value * moved // pricing.depth(state.config) + value * (taker - maker) // 10**6 + 2
    close_all(s, who, "I11")
    return deposit(s, who, own, 1)


@aim("profit")
def all_in_one_transaction(s: Scenario, c: Choices) -> Outcome:
    """Do many things at once, with a token that calls back in between (I10, I31)."""
    s.freshen()
    mine, other = MALLORYS
    who = Coalition(s.pair.model, MALLORYS)
    amount = c.amount(1, 1_000 * TOKEN)
    possible = (
        s.message("Clearinghouse", "deposit", mine, amount),
        s.message("Clearinghouse", "withdraw", mine, amount, MALLORY),
        s.message("Clearinghouse", "transfer", mine, other, amount * _UNIT),
        s.message("Clearinghouse", "transfer", other, mine, amount * _UNIT),
        s.message("Clearinghouse", "setLeverage", mine, other, c.integer(1, 25) * WAD),
        s.message("Clearinghouse", "liquidate", mine, other),
        s.message("Clearinghouse", "fundInsurance", 1),
        s.message("Clearinghouse", "collectTreasury"),
        s.message("Clearinghouse", "accrue", any_market(s, c)),
    )
    calls = [c.pick(possible) for _ in range(c.integer(1, 6))]
    within = s.message("HostileActor", "act", tuple([c.pick(possible) for _ in range(c.integer(0, 2))]), False)[2]
    plan = Plan(c.pick((Trick.NONE, Trick.CALL_FIRST, Trick.CALL_AFTER)), False, MALLORY, 0, within)
    s.must(OSCAR, "LocalToken", "arm", plan)
    with who.gains_nothing("I10"):
        outcome = s.act(*calls, is_strict=False)
    s.must(OSCAR, "LocalToken", "arm", Plan())
    return outcome
