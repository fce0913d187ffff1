"""Liquidations, and what leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.invariants import check_liquidated
from steelyard.fuzz.moves.parts import any_account, any_holder, sink, weak_holder
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import ACCOUNTS, INSURANCE, KIM, KIMS, OSCAR, POOL, account_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


def _liquidate(s: Scenario, c: Choices, account: int) -> Outcome:
    liquidator = KIMS if c.chance(70) else c.pick((account, account_of(OSCAR)))
    outcome = s.call(KIM, "Clearinghouse", "liquidate", account, liquidator)
    if outcome.ok:
        check_liquidated(s.pair.model, account)
    return outcome


@aim("liquidate")
def liquidate(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=False)
    return _liquidate(s, c, account)


@aim("liquidate")
def liquidate_bankrupt(s: Scenario, c: Choices) -> Outcome:
    account, market = weak_holder(s, c)
    sink(s, c, account, market, bankrupt=True)
    return _liquidate(s, c, account)


@aim("liquidate")
def liquidate_after_a_shock_to_all(s: Scenario, c: Choices) -> Outcome:
    """Move every price one way, then liquidate whoever can be."""
    account, _ = weak_holder(s, c)
    factor = c.pick((7_000, 8_500, 11_500, 13_000))
    s.publish({m: s.price(m) * factor // 10_000 for m in s.markets if s.price_state(m)[1]})
    risks = [(a, s.risk(a)) for a in ACCOUNTS]
    weak = [a for a, risk in risks if risk is not None and risk[3] and risk[0] < risk[2]]
    return _liquidate(s, c, c.pick(weak) if weak else account)


@aim("liquidate", "AccountHealthy")
def liquidate_healthy(s: Scenario, c: Choices) -> Outcome:
    account, _ = any_holder(s, c)
    return _liquidate(s, c, account)


@aim("liquidate", "AccountFlat")
def liquidate_flat(s: Scenario, c: Choices) -> Outcome:
    account = c.pick([a for a in ACCOUNTS if not s.open_markets(a)] or ACCOUNTS)
    return _liquidate(s, c, account)


@aim("liquidate", "AccountReserved")
def liquidate_for_the_pool(s: Scenario, c: Choices) -> Outcome:
    return s.call(KIM, "Clearinghouse", "liquidate", c.pick((any_account(c), POOL)), c.pick((POOL, INSURANCE, 0)))


@aim("liquidate", "PriceStale")
def liquidate_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.call(KIM, "Clearinghouse", "liquidate", account, KIMS)
