"""The pool: liquidity that comes and goes, and a pool that cannot bear its skew any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_market, enlarge
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, OSCAR, TOKEN, TRADERS, UINT128_MAX, WAD

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

_UNIT = 10**12
_REFILL = 20_000_000 * TOKEN


def _skew(s: Scenario, market: int) -> int:
    longs, shorts = s.open_interest(market)
    return longs - shorts


def _skewed(s: Scenario, c: Choices) -> int:
    """Return the market whose skew is worth most, opening a position where nobody has one."""
    s.freshen()
    market = max(s.markets, key=lambda m: abs(_skew(s, m)) * s.price(m))
    if _skew(s, market) == 0:
        market = any_market(s, c)
        enlarge(s, c, any_account(c), market, share=800)
    return market


def _free(s: Scenario) -> int:
    """Return what may leave the pool [token units]."""
    risk = s.pool_risk()
    return min(max(0, risk[0] - risk[1]) // _UNIT, UINT128_MAX) if risk else 0


def _thin(s: Scenario) -> None:
    """Leave the pool with little more than its initial margin."""
    free = _free(s)
    if free > 1:
        s.call(LIQUIDITY, "Clearinghouse", "defundPool", free - 1, LIQUIDITY)


@aim("pool")
def defund(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    free = _free(s)
    outcome = s.call(LIQUIDITY, "Clearinghouse", "defundPool", c.amount(1, max(1, free)), c.pick((LIQUIDITY, *TRADERS)))
    s.call(LIQUIDITY, "Clearinghouse", "fundPool", _REFILL)
    return outcome


@aim("pool", "MarginInsufficient")
def defund_too_much(s: Scenario, c: Choices) -> Outcome:
    _skewed(s, c)
    free = _free(s)
    return s.call(LIQUIDITY, "Clearinghouse", "defundPool", min(UINT128_MAX, free + c.amount(1, 10**12)), LIQUIDITY)


@aim("pool", "AmountZero")
def defund_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(LIQUIDITY, "Clearinghouse", "defundPool", 0, c.pick(TRADERS))


@aim("pool", "VaultUnauthorized")
def defund_unasked(s: Scenario, c: Choices) -> Outcome:
    sender = c.pick((*TRADERS, KIM, OSCAR, ADMIN))
    return s.call(sender, "Clearinghouse", "defundPool", c.amount(1, TOKEN), sender)


@aim("deleverage")
def deleverage_a_weak_pool(s: Scenario, c: Choices) -> Outcome:
    market = _skewed(s, c)
    _thin(s)
    risk = s.pool_risk()
    skew = _skew(s, market)
    if risk is not None and skew:
        equity, _, maintenance, _ = risk
        loss = max(0, equity - maintenance) * 26 // 25 + c.amount(WAD, max(WAD, maintenance))
        price = s.price(market)
        change = -(-loss * WAD // abs(skew))
        moved = max(price // 20, min(price * 20, price + change if skew > 0 else price - change))
        s.publish({m: moved if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})
    outcome = s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
    s.call(LIQUIDITY, "Clearinghouse", "fundPool", _REFILL)
    return outcome


@aim("deleverage", "AccountHealthy")
def deleverage_a_strong_pool(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    s.call(LIQUIDITY, "Clearinghouse", "fundPool", _REFILL)
    return s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
