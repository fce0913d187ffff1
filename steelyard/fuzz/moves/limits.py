"""What the lens calls the largest order is placed, and what is beyond it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.invariants import InvariantBroken
from steelyard.fuzz.moves.parts import any_account, any_holder, any_market
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import WAD

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


_UNFORESEEN = ("PriceUnconfirmed", "SafeCastOverflowed")


def _largest(s: Scenario, account: int, market: int, sign: int) -> int:
    told = s.pair.read("Lens", "largestOrder", account, market, sign > 0)
    size: int = told.returns[0] if told.ok else 0
    return size


@aim("trade")
def place_the_largest(s: Scenario, c: Choices) -> Outcome:
    """Place the largest order (I43), of a trader with a position more often than not.

    The lens looks neither whether prices are confirmed, nor whether balances and totals fit their types, which prices
    beyond reason can make them leave.
    """
    s.freshen()
    account, market = any_holder(s, c) if c.chance(60) else (any_account(c), any_market(s, c))
    size = _largest(s, account, market, c.pick((1, -1)))
    outcome = s.trade(account, market, size or WAD)
    if size and outcome.error and not outcome.error.name.startswith(_UNFORESEEN):
        raise InvariantBroken("I43", f"an order of {size} in market {market} was told to pass: {outcome.error}")
    return outcome


@aim("trade", "MarginInsufficient")
def place_a_wei_more(s: Scenario, c: Choices) -> Outcome:
    """Place one wei more than the largest order, which may pass only where it reduces (I43)."""
    s.freshen()
    account, market = any_account(c), any_market(s, c)
    sign = c.pick((1, -1))
    beyond = _largest(s, account, market, sign) + sign
    held = s.size(account, market)
    outcome = s.trade(account, market, beyond)
    if outcome.ok and (held * sign >= 0 or abs(beyond) > abs(held)):
        raise InvariantBroken("I43", f"an order of {beyond} in market {market} was told to be too large")
    return outcome
