"""Published liquidation prices, out of the contracts and out of the model."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import pytest

from steelyard.evm.deployment import STEWARD
from steelyard.fuzz.scenario import ALICE, ANY_BUY, KIM, KIMS, TOKEN, WAD, account_of

if TYPE_CHECKING:
    from steelyard.fuzz.scenario import Scenario

ENTRY = 100_000
FEED = "0x" + "5e" * 32


@pytest.mark.parametrize(
    ("leverage", "margin_ratio", "maintenance_fraction", "published"),
    [
        # Hyperliquid docs, liquidation price formula: entry 100,000, 10x long, maintenance leverage 80.
        pytest.param(10, 500, 2_500, "91139.2405", id="hyperliquid_long_10x"),
        # Isolated as at Binance, exact, maintenance follows the price: entry 100,000, 20x long, ratio 0.5%.
        pytest.param(20, 500, 1_000, "95477.387", id="binance_isolated_long_20x"),
    ],
)
def test_liquidation_price__published_vectors__come_out_within_a_wei(
    scenario: Scenario, leverage: int, margin_ratio: int, maintenance_fraction: int, published: str
) -> None:
    market = len(scenario.markets)
    scenario.must(STEWARD, "PriceOracle", "setFeed", market, FEED, 3_600, 100)
    config = (10**18, 10_000, 10**6, 0, 0, 0, margin_ratio, maintenance_fraction, 0, 0)
    scenario.must(STEWARD, "Clearinghouse", "listMarket", config, 0)
    assert scenario.publish({market: ENTRY * WAD}).ok
    account, other = account_of(ALICE), account_of(ALICE, 1)
    trade = (account, market, WAD, ENTRY * WAD, ANY_BUY, KIMS, 0, False, True)
    scenario.must(ALICE, "Clearinghouse", "deposit", account, 50_000 * TOKEN)
    scenario.must(KIM, "Clearinghouse", "trade", trade)
    scenario.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage * WAD)

    (price,) = scenario.pair.read("Lens", "liquidationPrice", account, market).returns

    exact = ENTRY * (1 - Fraction(1, leverage)) / (1 - Fraction(margin_ratio * maintenance_fraction, 10**8))
    assert price == ceil(exact * WAD)
    digits = len(published.partition(".")[2])
    assert round(Fraction(price, WAD), digits) == Fraction(published)
