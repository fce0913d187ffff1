"""Margin modes, leverage, operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, GUARDIAN, STEWARD
from steelyard.fuzz.moves.parts import any_account, any_holder, enlarge
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import ACCOUNTS, KIM, OSCAR, TOKEN, TRADERS, TRADING_ACCOUNTS, UINT128_MAX, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


HEDGEABLE = 9_000
_STAKE = 50_000
"""What a hedge is built with at least [USD]."""
LOADINGS = ((8_900, 500, 0), (500, 0, 8_900), (0, -8_900, 500))
"""Of a market of which nearly all risk is common to all markets, by one of the factors."""
SHOCKS = (-9_000, 9_000, *(0,) * 6)


@aim("mode")
def set_mode(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    mode = c.pick((0, 1, 2)) if len(s.open_markets(account)) <= 1 else c.pick((2, 2, 0))
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, mode)


@aim("mode", "OpenMarketsExceeded")
def isolate_many(s: Scenario, c: Choices) -> Outcome:
    many = [a for a in TRADING_ACCOUNTS if len(s.open_markets(a)) > 1]
    account = c.pick(many or TRADING_ACCOUNTS)
    if not many:
        s.freshen()
        for market in (0, 1):
            enlarge(s, c, account, market, share=200)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 1)


@aim("mode", "AccountUnauthorized")
def set_mode_unasked(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(c.pick((KIM, ADMIN, GUARDIAN)), "Clearinghouse", "setMarginMode", account, c.integer(0, 2))


@aim("mode", "(no data)")
def set_mode_that_is_none(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, c.integer(3, 255))


def _hedge(s: Scenario, c: Choices) -> int:
    """Return an account in portfolio mode, long in one market and short in another, with margin for little more."""
    s.freshen()
    flat = [a for a in TRADING_ACCOUNTS if not s.open_markets(a)]
    account = c.pick(flat or TRADING_ACCOUNTS)
    if s.free(account) < _STAKE * WAD:
        s.call(owner_of(account), "Clearinghouse", "deposit", account, _STAKE * TOKEN)
    s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 2)
    loadings = c.pick(LOADINGS)
    for market in (0, 1):
        s.must(STEWARD, "Clearinghouse", "setPortfolio", market, (HEDGEABLE, loadings, SHOCKS))
    first = c.integer(0, 1)
    long_share = enlarge(s, c, account, first, share=c.integer(300, 500))
    size = s.size(account, first)
    other = 1 - first
    against = -size * s.price(first) // s.price(other)
    if long_share.ok and against:
        s.trade(account, other, against)
    free = min(s.free(account), UINT128_MAX)
    if free > WAD:
        s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, free - WAD)
    return account


@aim("mode")
def hedge(s: Scenario, c: Choices) -> Outcome:
    account = _hedge(s, c)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 2)


@aim("mode", "MarginInsufficient")
def leave_a_hedge(s: Scenario, c: Choices) -> Outcome:
    account = _hedge(s, c)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 0)


@aim("mode", "MarginInsufficient")
def strip_a_hedge_of_unlike_markets(s: Scenario, c: Choices) -> Outcome:
    """Offset in two markets of other maintenance fractions: the legs offset less there than at initial margin."""
    for market, fraction in enumerate(c.pick(((500, 8_000), (8_000, 500), (5_000, 6_000)))):
        config, rate = s.market(market)[3], s.market(market)[2][4]
        s.must(STEWARD, "Clearinghouse", "setMarket", market, (*config[:7], fraction, *config[8:]), rate)
    account = _hedge(s, c)
    more = min(s.free(account), UINT128_MAX // 2) + c.amount(1, 100 * WAD)
    return s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, more)


@aim("mode", "MarginInsufficient")
def strip_a_hedge_that_a_scenario_breaks(s: Scenario, c: Choices) -> Outcome:
    """Offset what factors move together, where one of the scenarios says that both legs lose."""
    account = _hedge(s, c)
    worst, loadings = c.pick((7, 7, 0, c.integer(1, 6))), c.pick(LOADINGS)
    for market in (0, 1):
        shock = -6_000 if s.size(account, market) > 0 else 6_000
        shocks = tuple([shock if number == worst else shock // 3 for number in range(8)])
        s.must(STEWARD, "Clearinghouse", "setPortfolio", market, (HEDGEABLE, loadings, shocks))
    more = min(s.free(account), UINT128_MAX // 2) + c.amount(1, 100 * WAD)
    return s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, more)


@aim("trade", "MaintenanceInsufficient")
def unhedge(s: Scenario, c: Choices) -> Outcome:
    account = _hedge(s, c)
    markets = s.open_markets(account)
    market = c.pick(markets) if markets else 0
    return s.trade(account, market, -s.size(account, market) or 1)


def _leverage(s: Scenario, account: int, percent: int) -> int:
    """Return a leverage, in percent of what the account has."""
    risk = s.risk(account)
    if risk is None or risk[0] <= 0:
        return 5 * WAD
    return max(1, min(UINT128_MAX, risk[3] * WAD // risk[0] * percent // 100))


@aim("leverage")
def lower_leverage(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    return s.call(
        owner_of(account),
        "Clearinghouse",
        "setLeverage",
        account,
        account ^ 1,
        _leverage(s, account, c.integer(50, 100)),
    )


@aim("leverage")
def raise_leverage(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    leverage = c.pick((_leverage(s, account, c.integer(100, 200)), 20 * WAD, 25 * WAD, 5 * WAD))
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, leverage)


@aim("leverage", "MarginInsufficient")
def raise_leverage_too_far(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    leverage = c.pick((26 * WAD, 100 * WAD, UINT128_MAX, _leverage(s, account, 1)))
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, leverage)


@aim("leverage", "LeverageZero")
def zero_leverage(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, 0)


@aim("leverage", "AccountFlat")
def leverage_of_nothing(s: Scenario, c: Choices) -> Outcome:
    account = c.pick([a for a in TRADING_ACCOUNTS if not s.open_markets(a)] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, c.amount(1, 20 * WAD))


@aim("leverage", "AccountPairInvalid")
def leverage_from_another(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    other = c.pick([a for a in ACCOUNTS if owner_of(a) != owner_of(account)] + [account])
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, other, c.amount(WAD, 20 * WAD))


@aim("leverage", "SafeCastOverflowedIntDowncast")
def leverage_next_to_nothing(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, c.amount(1, 9))


@aim("leverage", "AccountUnauthorized")
def leverage_unasked(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(KIM, "Clearinghouse", "setLeverage", account, account ^ 1, WAD)


@aim("operator")
def set_operator(s: Scenario, c: Choices) -> Outcome:
    expires = c.pick((0, s.now, s.now + 1, s.now + 3_600, 2**40 - 1))
    return s.call(
        c.pick(TRADERS), "Clearinghouse", "setOperator", c.pick((OSCAR, KIM)), c.pick((0, 1, 2, 4, 3, 7, 255)), expires
    )
