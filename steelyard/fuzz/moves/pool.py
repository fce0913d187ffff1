"""The pool: liquidity that comes and goes, and a pool that cannot bear its skew any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.evm.deployment import ADMIN, LIQUIDITY
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.vault import (
    UNIT,
    VAULT,
    VIRTUAL_SHARES,
    claim_assets,
    fulfil,
    ready,
    refill,
    request_deposit,
    shares_of,
)
from steelyard.fuzz.scenario import (
    INT128_MAX,
    KIM,
    OSCAR,
    PEOPLE,
    START_PRICES,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    WAD,
    kept,
    owner_of,
)

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

_MOST_HOLDERS = 4
"""Who redeem what is taken out of the pool."""


# ---- parts


def _skew(s: Scenario, market: int) -> int:
    longs, shorts = s.open_interest(market)
    return longs - shorts


def _losable(s: Scenario, market: int) -> int:
    """Return what the pool loses at the worst price that may be published of a market [wad]."""
    skew, price = _skew(s, market), s.price(market)
    return abs(skew) * abs(_worst(market, price, skew) - price) // WAD


def _worst(market: int, price: int, skew: int) -> int:
    return kept(market, price * 20 if skew > 0 else price // 20)


def _skewed(s: Scenario) -> int:
    """Return the market in which the pool can lose most."""
    s.freshen()
    return max(s.markets, key=lambda market: _losable(s, market))


def _sinkable(s: Scenario, c: Choices) -> int:
    """Return a market in which the pool can lose all, a trader paying in and enlarging a skew that is too small."""
    market, risk = _skewed(s), s.pool_risk()
    if risk is None or _losable(s, market) > risk[0] * 2:
        return market
    if _skew(s, market) == 0:
        market = any_market(s, c)
    account, skew, price = any_account(c), _skew(s, market), s.price(market)
    sign = (skew > 0) - (skew < 0) or (1 if price < START_PRICES[market % 3] else -1)
    s.call(owner_of(account), "Clearinghouse", "deposit", account, min(risk[0] // UNIT // 2 + TOKEN, 10**7 * TOKEN))
    size = max(s.min_size(market), s.capacity(account, market, sign) * 9 // 10)
    s.trade(account, market, sign * min(size, INT128_MAX))
    return _skewed(s)


def _thin(s: Scenario) -> None:
    """Let holders redeem, the largest first, what takes the pool to its initial margin."""
    s.freshen()
    risk = s.pool_risk()
    if risk is None:
        return
    value, supply = risk[0] // UNIT + 1, s.vault.total_supply() + VIRTUAL_SHARES
    wanted = max(0, risk[0] - risk[1]) // UNIT * supply // max(1, value)
    least = s.vault.least_redemption()
    owners = sorted(PEOPLE, key=lambda owner: -shares_of(s, owner))[:_MOST_HOLDERS]
    asked = []
    for owner in owners:
        shares = min(wanted, shares_of(s, owner))
        if shares >= least:
            s.call(owner, VAULT, "requestRedeem", shares, owner, owner)
            asked.append(owner)
            wanted -= shares
    if asked:
        ready(s)
        fulfil(s)
        for owner in asked:
            claim_assets(s, owner)


def _lose(s: Scenario, market: int, percent: int) -> None:
    """Move one price so that of what the pool needs at maintenance it keeps so much, at net asset value.

    Everything is in proportion to the price in one market, the requirement too; that of other markets stays.
    """
    for _ in range(2):
        risk, skew, price = s.pool_risk(), _skew(s, market), s.price(market)
        if risk is None or skew == 0 or (risk[0] < risk[2] and percent >= 0):
            return
        config = s.market(market)[3]
        sign = 1 if skew > 0 else -1
        worth = abs(skew) * price // WAD
        potential = worth * abs(skew) // (2 * config[0] * 10**9)
        kept_margin = risk[2] * percent // 100
        lost = max(0, risk[0] - kept_margin) + WAD
        change = price * lost // max(1, worth + sign * (potential + kept_margin))
        worst = _worst(market, price, skew)
        moved = min(worst, price + change) if skew > 0 else max(worst, price - change)
        s.publish({m: moved if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})


def weaken(s: Scenario, c: Choices, percent: int | None = None) -> int:
    """Bring the pool under its maintenance margin, to a part of that [1e-2]; return the market that did it."""
    _thin(s)
    market = _sinkable(s, c)
    s.freshen()
    _lose(s, market, c.integer(40, 99) if percent is None else percent)
    return market


# ---- money


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


# ---- a pool that cannot bear its skew


@aim("deleverage")
def deleverage_a_weak_pool(s: Scenario, c: Choices) -> Outcome:
    weaken(s, c)
    outcome = s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
    refill(s)
    return outcome


@aim("deleverage")
def deleverage_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    _blur(s, c, weaken(s, c))
    outcome = s.call(c.pick((KIM, *TRADERS)), "Clearinghouse", "deleverage")
    refill(s)
    return outcome


def _empty(s: Scenario, c: Choices) -> int:
    """Leave one side alone in a market, and let it win so much that all of its skew is closed; return the market."""
    market = _sinkable(s, c)
    skew = _skew(s, market)
    for account in TRADING_ACCOUNTS:
        if (size := s.size(account, market)) and (size > 0) != (skew > 0):
            s.trade(account, market, -size)
    _thin(s)
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


@aim("vault", "PoolUnhealthy")
def fulfil_for_a_weak_pool(s: Scenario, c: Choices) -> Outcome:
    """Ask to settle while the pool can be deleveraged: that comes first."""
    request_deposit(s, c)
    weaken(s, c)
    ready(s)
    outcome = fulfil(s)
    s.call(KIM, "Clearinghouse", "deleverage")
    refill(s)
    return outcome


@aim("vault", "PoolExhausted")
def settle_without_value(s: Scenario, c: Choices) -> Outcome:
    """Let the pool lose more than it has: nobody gets in or out."""
    weaken(s, c, -c.integer(1, 50))
    outcome = fulfil(s)
    refill(s)
    return outcome
