"""A settlement token that misbehaves, and a contract that owns accounts, keeps and liquidates, and answers back.

The token is told what to do, tokens move through one of the doors, and the token is told to be honest again. What a
call inside of another one returned or reverted with stands in the events, where it is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol import ErrorValue
from sim.protocol.mocks.hostile_token import Plan, Trick
from sim.protocol.revert import revert_data
from steelyard.evm.deployment import LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_market, sink, weak_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import (
    BOB,
    KIM,
    MALLORY,
    MALLORYS,
    OSCAR,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    WAD,
    owner_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Outcome
    from sim.protocol.mocks.hostile_actor import Call
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

    Door = Callable[[], Outcome]

_UNIT = 10**12
_TRUE = (1).to_bytes(32, "big").hex()
_ALL = 7
_CALLS = (Trick.CALL_FIRST, Trick.CALL_AFTER)


# ---- doors, through which tokens move


def _paying_in(s: Scenario, c: Choices, *, least: int = 1) -> Door:
    """Return a call that takes at least `least` token units."""
    amount = c.amount(least, 1_000 * TOKEN)
    payer = c.pick(TRADERS)
    match c.integer(0, 3):
        case 0:
            return lambda: s.call(payer, "Clearinghouse", "fundInsurance", amount)
        case 1:
            return lambda: s.call(LIQUIDITY, "Clearinghouse", "fundPool", amount)
        case 2:
            return lambda: s.act(s.message("Clearinghouse", "deposit", MALLORYS[0], amount))
        case _:
            account = any_account(c)
            return lambda: s.call(payer, "Clearinghouse", "deposit", account, amount)


def _paying_out(s: Scenario, c: Choices, *, least: int = 1) -> Door:
    """Return a call that pays at least `least` token units out, where anybody can."""
    s.freshen()
    able = [a for a in (*MALLORYS, *TRADING_ACCOUNTS) if s.free(a) >= 2 * least * _UNIT]
    if not able:
        return _paying_in(s, c, least=least)
    account = c.pick(able)
    owner = owner_of(account)
    amount = c.amount(least, max(least, min(s.free(account), s.balance(account)) // _UNIT))
    if owner == MALLORY:
        return lambda: s.act(s.message("Clearinghouse", "withdraw", account, amount, MALLORY))
    return lambda: s.call(owner, "Clearinghouse", "withdraw", account, amount, c.pick((owner, MALLORY)))


def _any_door(s: Scenario, c: Choices) -> Door:
    return _paying_out(s, c) if c.chance(50) else _paying_in(s, c)


def through(s: Scenario, door: Door, plan: Plan) -> Outcome:
    """Go through a door while the token has a plan."""
    s.must(OSCAR, "LocalToken", "arm", plan)
    outcome = door()
    s.must(OSCAR, "LocalToken", "arm", Plan())
    return outcome


# ---- what is called from within


def _locked(s: Scenario, c: Choices) -> Call:
    """Return a call of an entry point that is closed while another one runs."""
    mine, other = MALLORYS if c.chance(50) else MALLORYS[::-1]
    market = any_market(s, c)
    config, risk = s.market(0)[3], s.pair.get("Clearinghouse", "riskConfig")
    deposit = s.message("Clearinghouse", "deposit", mine, 1)[2]
    function, args = c.pick(
        (
            ("withdraw", (mine, c.amount(1, TOKEN), MALLORY)),
            ("deposit", (mine, c.amount(1, TOKEN))),
            ("transfer", (mine, other, c.amount(1, WAD))),
            ("setMarginMode", (mine, 0)),
            ("setLeverage", (mine, other, WAD)),
            ("setOperator", (OSCAR, _ALL, s.now)),
            ("trade", ((mine, market, WAD, s.price(market), 2**128 - 1, 0, 0, False, True),)),
            ("liquidate", (c.pick(TRADING_ACCOUNTS), mine)),
            ("closeRemnant", (c.pick(TRADING_ACCOUNTS), market)),
            ("movePosition", (mine, other, market, WAD)),
            ("permitOperator", (MALLORY, OSCAR, _ALL, s.now, c.amount(0, WAD), "0x")),
            ("deleverage", ()),
            ("accrue", (market,)),
            ("fundInsurance", (1,)),
            ("collectTreasury", ()),
            ("multicall", ((deposit,),)),
            ("fundPool", (1,)),
            ("defundPool", (1, MALLORY)),
            ("listMarket", (config, 0)),
            ("setMarket", (market, config, 0)),
            ("setPortfolio", (market, s.pair.get("Clearinghouse", "portfolioOf", market))),
            ("setInsuranceCap", (market, c.amount(0, 2**64 - 1))),
            ("setRiskConfig", (risk,)),
            ("setExecutor", (MALLORY, True)),
            ("setVault", (MALLORY,)),
            ("pauseRisk", ()),
            ("unpauseRisk", ()),
        )
    )
    return s.message("Clearinghouse", function, *args)


def _settlement(s: Scenario, c: Choices) -> Call:
    """Return a call that settles an order, which is due."""
    s.freshen()
    market = any_market(s, c)
    sign = c.pick((1, -1))
    order = s.order(
        MALLORYS[0], market, sign * s.min_size(market), slot=c.integer(0, 255), lasts=s.min_delay + s.window
    )
    earliest = s.now + s.min_delay
    s.act(s.message("OrderBook", "commit", order), is_strict=False)
    s.pair.wait(s.min_delay)
    data = (s.update_data(market, s.price(market), at=earliest, previous=earliest - 1),)
    return s.message("OrderBook", "settle", order, MALLORYS[1], data, value=s.fee(data))


def _view(s: Scenario, c: Choices) -> Call:
    """Return a call of a view of the state that is about to change."""
    account, market = c.pick((*MALLORYS, *TRADING_ACCOUNTS)), any_market(s, c)
    contract, function, args = c.pick(
        (
            ("Clearinghouse", "balanceOf", (account,)),
            ("Clearinghouse", "riskOf", (account,)),
            ("Clearinghouse", "ledger", ()),
            ("Clearinghouse", "marketOf", (market,)),
            ("Lens", "accountView", (account,)),
            ("Lens", "poolView", ()),
            ("Lens", "quote", (account, market, WAD)),
            ("LocalToken", "balanceOf", (s.pair.addresses["Clearinghouse"],)),
            ("LocalToken", "allowance", (MALLORY, s.pair.addresses["Clearinghouse"])),
            ("PriceOracle", "priceOf", (market,)),
        )
    )
    return s.message(contract, function, *args)


def _open(s: Scenario, c: Choices) -> Call:
    """Return a call that goes through at any time: prices, orders, tokens."""
    market = any_market(s, c)
    match c.integer(0, 3):
        case 0:
            data = (s.update_data(market, s.price(market) * c.integer(9_900, 10_100) // 10_000),)
            return s.message("PriceOracle", "update", (market,), data, value=s.fee(data))
        case 1:
            return s.message("LocalToken", "transfer", c.pick(TRADERS), c.amount(0, TOKEN))
        case 2:
            return s.message("LocalToken", "mint", MALLORY, c.amount(0, TOKEN))
        case _:
            order = s.order(MALLORYS[0], market, WAD, slot=c.integer(0, 255))
            return s.message("OrderBook", c.pick(("commit", "cancel")), order)


def calling(s: Scenario, c: Choices, call: Call, *, is_strict: bool) -> Plan:
    """Return the plan to make a call from within: as the token, through Mallory, or by her answer to being called."""
    trick = c.pick(_CALLS)
    target, value, data = call
    if value == 0 and c.chance(30):
        return Plan(trick, is_strict, target, 0, data)
    if c.chance(50):
        s.must(KIM, "HostileActor", "setAnswer", ((target, 0, data),) if value == 0 else (call,), is_strict)
        if value == 0:
            return Plan(trick, is_strict, MALLORY, 0, "0x")
    # What Mallory sends she has: the stage gives her native currency.
    return Plan(trick, is_strict, MALLORY, 0, s.message("HostileActor", "act", (call,), is_strict)[2])


@aim("hostile", "ReentrancyGuardReentrantCall")
def enter_again(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    call = _locked(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=True))


@aim("hostile", "ReentrancyGuardReentrantCall")
def settle_within(s: Scenario, c: Choices) -> Outcome:
    call = _settlement(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=True))


@aim("hostile")
def enter_again_and_carry_on(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    call = _locked(s, c) if c.chance(80) else _settlement(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=False))


@aim("hostile")
def look_from_within(s: Scenario, c: Choices) -> Outcome:
    """Read the state in the middle of a call (I34)."""
    s.freshen()
    call = _view(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=True))


@aim("hostile")
def act_within(s: Scenario, c: Choices) -> Outcome:
    """Move prices, orders and tokens in the middle of a call."""
    s.freshen()
    call = _open(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=False))


# ---- other tricks


@aim("hostile", "TransferMismatch")
def keep_a_part(s: Scenario, c: Choices) -> Outcome:
    return through(s, _paying_in(s, c), Plan(Trick.KEEP_PART, amount=c.amount(1, 10**9)))


@aim("hostile")
def keep_a_part_of_what_is_paid_out(s: Scenario, c: Choices) -> Outcome:
    """Cost the receiver, and not the exchange."""
    s.freshen()
    amount = c.amount(1, 10**9)
    payment = s.message("Clearinghouse", "withdraw", MALLORYS[0], 1, MALLORY)
    s.act(s.message("Clearinghouse", "deposit", MALLORYS[0], TOKEN))
    return through(s, lambda: s.act(payment), Plan(Trick.KEEP_PART, amount=amount))


@aim("hostile", "TransferMismatch")
def take_more(s: Scenario, c: Choices) -> Outcome:
    return through(s, _any_door(s, c), Plan(Trick.TAKE_MORE, amount=c.amount(1, TOKEN)))


@aim("hostile", "SafeERC20FailedOperation")
def return_something_else(s: Scenario, c: Choices) -> Outcome:
    data = c.pick(("00" * 32, "00" * 31 + "02", "ff" * 32, "01", "01" + "00" * 31, "00" * 4_096, "02" * 4_096))
    return through(s, _any_door(s, c), Plan(Trick.RETURN, data="0x" + data))


@aim("hostile")
def return_nothing_or_too_much(s: Scenario, c: Choices) -> Outcome:
    data = c.pick(("", _TRUE, _TRUE + "ff" * c.amount(1, 10_000)))
    return through(s, _any_door(s, c), Plan(Trick.RETURN, data="0x" + data))


@aim("hostile", "(no data)")
def refuse_without_a_word(s: Scenario, c: Choices) -> Outcome:
    return through(s, _any_door(s, c), Plan(c.pick((Trick.REFUSE, Trick.HALT))))


@aim("hostile", "MarginInsufficient")
def refuse_in_the_name_of_another(s: Scenario, c: Choices) -> Outcome:
    """Revert with an error that is the ledger's own."""
    error = ErrorValue("MarginInsufficient", (c.integer(0, 9), c.amount(0, 2**256 - 1)))
    return through(s, _any_door(s, c), Plan(Trick.REFUSE, data="0x" + revert_data(error).hex()))


@aim("hostile", "(no data)")
def burn_all_gas_within(s: Scenario, c: Choices) -> Outcome:
    s.must(KIM, "HostileActor", "setAnswer", (s.message("HostileActor", "halt"),), True)
    return through(s, _any_door(s, c), Plan(c.pick(_CALLS), True, MALLORY))


@aim("hostile", "TransferMismatch")
def lie_about_what_came(s: Scenario, c: Choices) -> Outcome:
    house = s.pair.addresses["Clearinghouse"]
    return through(s, _paying_in(s, c), Plan(Trick.LIE, False, house, c.amount(1, 2**128)))


@aim("hostile", "Panic")
def lie_beyond_what_moved(s: Scenario, c: Choices) -> Outcome:
    """Let the balance seem to fall where it rose, or to rise where it fell."""
    house = s.pair.addresses["Clearinghouse"]
    if c.chance(50):
        return through(s, _paying_in(s, c), Plan(Trick.LIE, False, house, 2**256 - 1_001 * TOKEN))
    s.act(s.message("Clearinghouse", "deposit", MALLORYS[0], TOKEN))
    s.freshen()
    payment = s.message("Clearinghouse", "withdraw", MALLORYS[0], 1, MALLORY)
    return through(s, lambda: s.act(payment), Plan(Trick.LIE, False, house, c.amount(2, 2**128)))


@aim("hostile")
def lie_all_along(s: Scenario, c: Choices) -> Outcome:
    """Tell the same lie before and after, which changes nothing."""
    house = s.pair.addresses["Clearinghouse"]
    lying = s.message("LocalToken", "transfer", BOB, 0)

    def twice() -> Outcome:
        s.act(lying)
        return door()

    door = _any_door(s, c)
    return through(s, twice, Plan(Trick.LIE, False, house, c.amount(1, 2**128)))


# ---- a contract as owner, operator, keeper, liquidator


@aim("hostile")
def operate_by_a_contract(s: Scenario, c: Choices) -> Outcome:
    """Withdraw for an owner who allows it, and enter again from the token's call."""
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 2 * _UNIT] or TRADING_ACCOUNTS)
    owner = owner_of(account)
    s.must(owner, "Clearinghouse", "setOperator", MALLORY, _ALL, s.now + 10)
    again = s.message("Clearinghouse", "withdraw", account, 1, owner)
    s.must(KIM, "HostileActor", "setAnswer", (again,), False)
    return through(s, lambda: s.act(again), Plan(c.pick(_CALLS), False, MALLORY))


@aim("hostile")
def liquidate_and_withdraw(s: Scenario, c: Choices) -> Outcome:
    """Liquidate and take the reward in one transaction."""
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=c.chance(30))
    mine = c.pick(MALLORYS)
    calls = (
        s.message("Clearinghouse", "liquidate", account, mine),
        s.message("Clearinghouse", "withdraw", mine, c.amount(1, 10 * TOKEN), MALLORY),
    )
    return s.act(*calls, is_strict=False)


@aim("hostile")
def overpay_the_oracle(s: Scenario, c: Choices) -> Outcome:
    """Send more than the fee: nothing comes back, and nothing stays in the protocol's contracts."""
    s.pair.wait(1)
    market = any_market(s, c)
    data = (s.update_data(market, s.price(market)),)
    return s.act(s.message("PriceOracle", "update", (market,), data, value=s.fee(data) + c.amount(0, WAD)))


@aim("hostile")
def commit_and_settle_at_once(s: Scenario, c: Choices) -> Outcome:
    """Commit, publish and try to settle in one transaction."""
    s.freshen()
    market = any_market(s, c)
    order = s.order(MALLORYS[0], market, c.pick((1, -1)) * s.min_size(market), slot=c.integer(0, 255))
    data = (s.update_data(market, s.price(market), at=s.now + s.min_delay, previous=s.now),)
    calls = (
        s.message("OrderBook", "commit", order),
        s.message("OrderBook", "settle", order, MALLORYS[1], data, value=s.fee(data)),
        s.message("OrderBook", "cancel", order),
    )
    return s.act(*calls, is_strict=False)


# ---- code that runs for another contract


@aim("hostile", "DelegateCallRequired")
def call_the_extension(s: Scenario, c: Choices) -> Outcome:
    """Call the clearinghouse's other code where it is, not where it runs."""
    function, args = c.pick(
        (
            ("fundPool", (c.amount(1, TOKEN),)),
            ("fundInsurance", (c.amount(1, TOKEN),)),
            ("defundPool", (c.amount(1, TOKEN), OSCAR)),
            ("accrue", (any_market(s, c),)),
            ("deleverage", ()),
            ("collectTreasury", ()),
            ("setVault", (OSCAR,)),
            ("pauseRisk", ()),
        )
    )
    return s.call(c.pick((*TRADERS, LIQUIDITY, OSCAR)), "ClearinghouseExt", function, *args)
