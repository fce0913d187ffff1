"""What anyone may do for the exchange: accrue, feed the insurance fund, collect its surplus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import STEWARD
from steelyard.fuzz.moves.parts import any_market
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import INSURANCE, OSCAR, TOKEN, TRADERS, UINT128_MAX, WAD

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

MAX_THRESHOLD = 10**10


@aim("accrue")
def accrue(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    return s.call(OSCAR, "Clearinghouse", "accrue", any_market(s, c), wait=c.integer(0, 60))


@aim("accrue", "MarketUnknown")
def accrue_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(OSCAR, "Clearinghouse", "accrue", c.integer(len(s.markets), 255))


@aim("accrue", "PriceStale")
def accrue_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = any_market(s, c)
    return s.call(OSCAR, "Clearinghouse", "accrue", market, wait=s.price_state(market)[4] + c.integer(1, 100))


@aim("insurance")
def fund_insurance(s: Scenario, c: Choices) -> Outcome:
    payer = c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "fundInsurance", c.amount(1, min(s.tokens(payer), 10**5 * TOKEN)))


@aim("insurance", "AmountZero")
def fund_insurance_with_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "fundInsurance", 0)


@aim("insurance", "SafeCastOverflowedUintDowncast")
def fund_insurance_beyond_the_type(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "fundInsurance", c.amount(2**96 // 10**12 + 1, UINT128_MAX))


def _set_threshold(s: Scenario, threshold: int) -> None:
    config = s.pair.get("Clearinghouse", "riskConfig")
    s.must(STEWARD, "Clearinghouse", "setRiskConfig", (*config[:6], threshold, config[7]))


@aim("insurance")
def collect(s: Scenario, c: Choices) -> Outcome:
    held = s.balance(INSURANCE) // WAD
    if held == 0:
        s.must(c.pick(TRADERS), "Clearinghouse", "fundInsurance", 5 * TOKEN)
        held = 5
    _set_threshold(s, c.amount(0, min(held - 1, MAX_THRESHOLD)))
    return s.call(OSCAR, "Clearinghouse", "collectTreasury")


@aim("insurance", "SurplusMissing")
def collect_nothing(s: Scenario, c: Choices) -> Outcome:
    _set_threshold(s, c.amount(min(-(-s.balance(INSURANCE) // WAD), MAX_THRESHOLD), MAX_THRESHOLD))
    return s.call(OSCAR, "Clearinghouse", "collectTreasury")
