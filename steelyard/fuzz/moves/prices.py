"""Time passes and prices move."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from steelyard.fuzz.moves.parts import any_market
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, OSCAR

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


@aim("time")
def wait(s: Scenario, c: Choices) -> Outcome:
    """Let a moment, an hour or a week pass, and touch something."""
    longest = c.pick((1, 30, 600, 7_200, 86_400, 604_800))
    return s.call(KIM, "LocalToken", "approve", OSCAR, c.integer(0, 9), wait=c.integer(0, longest))


@aim("price")
def quiet(s: Scenario, c: Choices) -> Outcome:
    """Move all prices by up to half a percent each."""
    prices = {m: s.price(m) * c.integer(9_950, 10_050) // 10_000 for m in s.markets if int(s.feed(m), 16)}
    return s.publish(prices, wait=c.integer(1, 60))


@aim("price")
def follow(s: Scenario, c: Choices) -> Outcome:
    """Follow real prices of all markets for a while, or wander where there are none."""
    rows = s.walk.rows if s.walk else ()
    steps = c.integer(1, 4)
    if s.walk is None or len(rows) <= steps:
        for _ in range(steps):
            quiet(s, c)
        return quiet(s, c)
    start = c.integer(0, len(rows) - 1 - steps)
    for before, after in pairwise(rows[start : start + steps + 1]):
        moved = {m: s.price(m) * after[m] // before[m] for m in s.markets[: len(after)] if int(s.feed(m), 16)}
        outcome = s.publish(moved, wait=s.walk.seconds)
    return outcome


@aim("price")
def jump(s: Scenario, c: Choices) -> Outcome:
    """Move one price by up to thirty percent."""
    market = any_market(s, c)
    factor = c.pick((9_500, 10_500, 9_000, 11_000, 7_000, 13_000))
    return s.publish({market: s.price(market) * factor // 10_000}, wait=c.integer(1, 20))


@aim("price")
def old(s: Scenario, c: Choices) -> Outcome:
    """Publish a price that is older than what is held, which changes nothing."""
    market = any_market(s, c)
    at = max(0, s.price_state(market)[1] - c.integer(0, 100))
    data = (s.update_data(market, s.price(market) * 2, at=at),)
    return s.call(OSCAR, "PriceOracle", "update", (market,), data, value=s.fee(data))


@aim("price")
def uncertain(s: Scenario, c: Choices) -> Outcome:
    """Publish a price with a wide confidence interval."""
    market = any_market(s, c)
    return s.publish({market: s.price(market)}, confidence=c.pick((10_000, 10_001, 500_000, 2_000_000)))


@aim("price")
def first(s: Scenario, c: Choices) -> Outcome:
    """Have the oracle prove a first price."""
    market = any_market(s, c)
    s.pair.wait(c.integer(1, 5))
    data = (s.update_data(market, s.price(market), at=s.now, previous=s.now - 1),)
    return s.call(OSCAR, "PriceOracle", "parseFirst", market, data, s.now, s.now + c.integer(0, 60), value=s.fee(data))
