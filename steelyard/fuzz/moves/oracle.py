"""Feeds, and updates that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from steelyard.evm.deployment import GUARDIAN, STEWARD
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, TRADERS, WAD

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


@aim("oracle")
def set_feed(s: Scenario, c: Choices) -> Outcome:
    """Change a market's limits, and sometimes its feed: then its price is missing until the next update."""
    market = c.pick(s.markets)
    feed = s.feed(market)
    return s.call(STEWARD, "PriceOracle", "setFeed", market, feed, c.pick((120, 60, 65_535)), c.pick((100, 10_000, 1)))


@aim("oracle")
def change_feed(s: Scenario, c: Choices) -> Outcome:
    market = c.pick(s.markets)
    price = s.price(market)
    feed = f"0x{c.integer(1, 2**64):064x}"
    outcome = s.call(STEWARD, "PriceOracle", "setFeed", market, feed, 120, 100)
    s.compare_balances()
    s.publish({market: price})
    return outcome


@aim("oracle", "ParameterOutOfBounds")
def set_feed_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    age, confidence = c.pick(((0, 100), (120, 0), (120, 10_001)))
    return s.call(STEWARD, "PriceOracle", "setFeed", c.pick(s.markets), s.feed(0), age, confidence)


@aim("oracle", "AccessManagedUnauthorized")
def set_feed_unasked(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick((*TRADERS, GUARDIAN)), "PriceOracle", "setFeed", 0, s.feed(0), 120, 100)


@aim("oracle", "FeedUnknown")
def update_unknown(s: Scenario, c: Choices) -> Outcome:
    market = c.integer(len(s.markets), 255)
    data = (s.update_data(0, WAD),)
    return s.call(KIM, "PriceOracle", "update", (0, market), data, value=s.fee(data))


@aim("oracle", "UpdateMalformed")
def update_nothing(s: Scenario, c: Choices) -> Outcome:
    markets, data = c.pick((((), ()), ((0,), ()), ((), (s.update_data(0, WAD),))))
    return s.call(KIM, "PriceOracle", "update", markets, data, value=s.fee(data))


@aim("oracle", "PriceInvalid")
def update_invalid(s: Scenario, c: Choices) -> Outcome:
    s.pair.wait(1)
    price, exponent = c.pick(((0, -8), (-1, -8), (5, 1), (5, -19), (2**63 - 1, 0), (-(2**63), -8), (8 * 10**10, 0)))
    value = Price(price, 1, exponent, s.now)
    data = (encode_update(PriceFeed(s.feed(0), value, value), s.now - 1),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))


@aim("oracle", "InsufficientFee")
def update_without_fee(s: Scenario, c: Choices) -> Outcome:
    s.pair.wait(1)
    return s.call(KIM, "PriceOracle", "update", (0,), (s.update_data(0, s.price(0)),), value=0)


@aim("oracle", "PriceFeedNotFoundWithinRange")
def update_of_the_future(s: Scenario, c: Choices) -> Outcome:
    data = (s.update_data(0, s.price(0), at=s.now + c.integer(1, 100)),)
    if c.chance(50):
        data = (s.update_data(0, s.price(0), feed="0x" + "ab" * 32),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))


@aim("oracle", "(no data)")
def update_garbage(s: Scenario, c: Choices) -> Outcome:
    good = s.update_data(0, s.price(0))
    data = (c.pick(("0x", "0x1234", good[:-2], "0x" + "ff" * 320)),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))
