"""Deposits, withdrawals, transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.moves.parts import any_account, any_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import (
    ACCOUNTS,
    EVERYBODY,
    INSURANCE,
    OSCAR,
    PEOPLE,
    POOL,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    UINT128_MAX,
    WAD,
    owner_of,
)

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

TRADE = 1
MARGIN = 2
WITHDRAW = 4


@aim("deposit")
def deposit(s: Scenario, c: Choices) -> Outcome:
    """Deposit, for oneself or for another."""
    account = any_account(c)
    payer = owner_of(account) if c.chance(80) else c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "deposit", account, c.amount(1, min(s.tokens(payer), 10**6 * TOKEN)))


@aim("deposit", "AmountZero")
def deposit_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "deposit", any_account(c), 0)


@aim("deposit", "AccountReserved")
def deposit_reserved(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "deposit", c.pick((0, POOL, INSURANCE, 2**96 - 1)), TOKEN)


@aim("deposit", "ERC20InsufficientBalance")
def deposit_more_than_there_is(s: Scenario, c: Choices) -> Outcome:
    payer = c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "deposit", any_account(c), s.tokens(payer) + c.amount(1, 10**20))


@aim("deposit", "ERC20InsufficientAllowance")
def deposit_without_allowance(s: Scenario, c: Choices) -> Outcome:
    return s.call(OSCAR, "Clearinghouse", "deposit", any_account(c), c.amount(1, 10**20))


@aim("deposit", "SafeCastOverflowedIntDowncast")
def deposit_beyond_the_type(s: Scenario, c: Choices) -> Outcome:
    return s.call(
        c.pick(TRADERS), "Clearinghouse", "deposit", any_account(c), c.amount(2**127 // 10**12 + 1, UINT128_MAX)
    )


@aim("withdraw")
def withdraw(s: Scenario, c: Choices) -> Outcome:
    """Withdraw what margin allows, as the owner or an operator."""
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    most = max(1, min(s.free(account), max(0, s.balance(account))) // 10**12)
    owner = owner_of(account)
    if c.chance(20):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, WITHDRAW, s.now)
        return s.call(OSCAR, "Clearinghouse", "withdraw", account, c.amount(1, most), owner)
    recipient = owner if c.chance(70) else c.pick(EVERYBODY)
    return s.call(owner, "Clearinghouse", "withdraw", account, c.amount(1, most), recipient)


@aim("withdraw", "MarginInsufficient")
def withdraw_too_much(s: Scenario, c: Choices) -> Outcome:
    account = any_holder(s, c)[0] if c.chance(70) else any_account(c)
    amount = s.free(account) // 10**12 + c.amount(1, 10**12)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, amount, owner_of(account))


@aim("withdraw", "AccountUnauthorized")
def withdraw_unasked(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    thief = c.pick([who for who in PEOPLE if who != owner_of(account)])
    return s.call(thief, "Clearinghouse", "withdraw", account, c.amount(1, TOKEN), thief)


@aim("withdraw", "RecipientUnauthorized")
def withdraw_elsewhere(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    s.must(owner_of(account), "Clearinghouse", "setOperator", OSCAR, c.pick((WITHDRAW, 7)), s.now + 5)
    return s.call(OSCAR, "Clearinghouse", "withdraw", account, c.amount(1, TOKEN), OSCAR)


@aim("withdraw", "AmountZero")
def withdraw_nothing(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 0, owner_of(account))


@aim("withdraw", "TransferMismatch")
def withdraw_to_the_clearinghouse(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, s.pair.addresses["Clearinghouse"])


@aim("withdraw", "ERC20InvalidReceiver")
def withdraw_to_nobody(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, "0x" + "00" * 20)


@aim("withdraw", "PriceStale")
def withdraw_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, owner_of(account))


@aim("transfer")
def transfer(s: Scenario, c: Choices) -> Outcome:
    """Move quote between two accounts of one owner."""
    s.freshen()
    source = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) > 0] or TRADING_ACCOUNTS)
    amount = max(1, c.amount(1, s.free(source)))
    owner = owner_of(source)
    sender = owner
    if c.chance(20):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, MARGIN, s.now + 10)
        sender = OSCAR
    return s.call(sender, "Clearinghouse", "transfer", source, source ^ 1, min(amount, UINT128_MAX))


@aim("transfer", "MarginInsufficient")
def transfer_too_much(s: Scenario, c: Choices) -> Outcome:
    source = any_holder(s, c)[0] if c.chance(70) else any_account(c)
    amount = min(UINT128_MAX, s.free(source) + c.amount(1, 10**24))
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, source ^ 1, amount)


@aim("transfer", "AccountPairInvalid")
def transfer_to_another(s: Scenario, c: Choices) -> Outcome:
    source = any_account(c)
    target = c.pick([a for a in ACCOUNTS if owner_of(a) != owner_of(source)] + [source, POOL])
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, target, c.amount(1, WAD))


@aim("transfer", "AccountUnauthorized")
def transfer_unasked(s: Scenario, c: Choices) -> Outcome:
    source = any_account(c)
    s.must(owner_of(source), "Clearinghouse", "setOperator", OSCAR, c.pick((MARGIN, TRADE)), s.now)
    s.pair.wait(c.integer(1, 3))
    return s.call(OSCAR, "Clearinghouse", "transfer", source, source ^ 1, 1)


@aim("transfer", "AmountZero")
def transfer_nothing(s: Scenario, c: Choices) -> Outcome:
    source = any_account(c)
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, source ^ 1, 0)
