"""The pool: liquidity that comes and goes, and a pool that cannot bear its skew any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market, enlarge
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.vault import refill, thin
from steelyard.fuzz.scenario import KIM, OSCAR, TOKEN, TRADERS, TRADING_ACCOUNTS, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


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


@aim("pool")
def donate(s: Scenario, c: Choices) -> Outcome:
    """Give the pool something: it is its holders', and nobody's where there are no shares."""
    payer = c.pick((*TRADERS, LIQUIDITY))
    return s.call(payer, "Clearinghouse", "fundPool", c.amount(1, min(s.tokens(payer), 10**4 * TOKEN)))


@aim("pool", "VaultUnauthorized")
def defund_unasked(s: Scenario, c: Choices) -> Outcome:
    sender = c.pick((*TRADERS, KIM, OSCAR, ADMIN))
    return s.call(sender, "Clearinghouse", "defundPool", c.amount(1, TOKEN), sender)


def _blur(s: Scenario, c: Choices, market: int) -> None:
    """Publish the price of a market once more, of too little confidence."""
    s.publish({market: s.price(market)}, confidence=s.price_state(market)[5] * 100 + c.integer(1, 10**5))


def _weaken(s: Scenario, c: Choices) -> int:
    """Bring the pool under its maintenance margin; return the market that did it."""
    market = _skewed(s, c)
    thin(s)
    s.freshen()
    risk = s.pool_risk()
    skew = _skew(s, market)
    if risk is not None and skew:
        equity, _, maintenance, _ = risk
        loss = max(0, equity - maintenance) * 26 // 25 + c.amount(WAD, max(WAD, maintenance))
        price = s.price(market)
        change = -(-loss * WAD // abs(skew))
        moved = max(price // 20, min(price * 20, price + change if skew > 0 else price - change))
        s.publish({m: moved if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})
    return market


@aim("deleverage")
def deleverage_a_weak_pool(s: Scenario, c: Choices) -> Outcome:
    _weaken(s, c)
    outcome = s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
    refill(s)
    return outcome


@aim("deleverage")
def deleverage_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    _blur(s, c, _weaken(s, c))
    outcome = s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
    refill(s)
    return outcome


def _empty(s: Scenario, c: Choices) -> int:
    """Leave one side alone in a market, and let it win so much that all of its skew is closed; return the market."""
    market = _skewed(s, c)
    skew = _skew(s, market)
    for account in TRADING_ACCOUNTS:
        if (size := s.size(account, market)) and (size > 0) != (skew > 0):
            s.trade(account, market, -size)
    thin(s)
    s.freshen()
    price = s.price(market)
    won = price * 20 if skew > 0 else price // 20
    s.publish({m: won if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})
    s.call(KIM, "Clearinghouse", "deleverage")
    return market


@aim("deleverage")
def close_a_remnant(s: Scenario, c: Choices) -> Outcome:
    market = _empty(s, c)
    left = [account for account in TRADING_ACCOUNTS if market in s.open_markets(account)]
    account = c.pick(left or TRADING_ACCOUNTS)
    outcome = s.call(c.pick((KIM, OSCAR, owner_of(account))), "Clearinghouse", "closeRemnant", account, market)
    refill(s)
    return outcome


@aim("deleverage", "SkewMissing")
def deleverage_what_is_left(s: Scenario, c: Choices) -> Outcome:
    _empty(s, c)
    outcome = s.call(KIM, "Clearinghouse", "deleverage")
    refill(s)
    return outcome


@aim("deleverage", "PositionWhole")
def close_what_is_whole(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    return s.call(KIM, "Clearinghouse", "closeRemnant", account, market)


@aim("deleverage", "PositionMissing")
def close_what_is_not_there(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    market = c.pick([m for m in s.markets if not s.size(account, m)] or s.markets)
    return s.call(KIM, "Clearinghouse", "closeRemnant", account, market)


@aim("deleverage", "AccountHealthy")
def deleverage_a_strong_pool(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    refill(s)
    return s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
