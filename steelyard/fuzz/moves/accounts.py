"""Margin modes, leverage, operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, GUARDIAN
from steelyard.fuzz.moves.parts import any_account, any_holder, enlarge
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import ACCOUNTS, KIM, OSCAR, TRADERS, TRADING_ACCOUNTS, UINT128_MAX, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


@aim("mode")
def set_mode(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    mode = c.pick((0, 1)) if len(s.open_markets(account)) <= 1 else 0
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
    return s.call(c.pick((KIM, ADMIN, GUARDIAN)), "Clearinghouse", "setMarginMode", account, c.integer(0, 1))


@aim("mode", "(no data)")
def set_mode_that_is_none(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, c.integer(2, 255))


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
