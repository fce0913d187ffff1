"""Prices that are stale, uncertain, early or not the first; views."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_ORACLE = "PriceOracle.sol"
_LENS = "Lens.sol"

PRICES = (
    Canary(
        "stale-price",
        "price staleness",
        _ORACLE,
        "if (block.timestamp > publishedAt + word.maxAge())",
        "if (word.maxAge() == 0)",
        "a price of any age is used",
    ),
    Canary(
        "stale-a-second-early",
        "off by one",
        _ORACLE,
        "if (block.timestamp > publishedAt + word.maxAge())",
        "if (block.timestamp >= publishedAt + word.maxAge())",
        "a price is refused in the last second in which it may be used",
    ),
    Canary(
        "uncertain-price",
        "price confidence",
        _ORACLE,
        "_requireCertain(market, word.confidence(), word.maxConfidence());",
        "",
        "a price of any confidence is used",
    ),
    Canary(
        "uncertain-settlement",
        "price confidence",
        _ORACLE,
        "_requireCertain(market, confidence, state.maxConfidence);",
        "",
        "an order settles at a price of any confidence",
    ),
    Canary(
        "not-the-first-price",
        "selectable price",
        _ORACLE,
        "uint64(FixedPointMathLib.min(maxPublishTime, block.timestamp)), true",
        "uint64(FixedPointMathLib.min(maxPublishTime, block.timestamp)), false",
        "a keeper may pick any price of the window",
    ),
    Canary(
        "price-of-the-future",
        "selectable price",
        _ORACLE,
        "uint64(FixedPointMathLib.min(maxPublishTime, block.timestamp)), true",
        "maxPublishTime, true",
        "an order settles at a price that is not yet due",
    ),
    Canary(
        "older-price-overwrites",
        "price staleness",
        _ORACLE,
        "if (update_.publishTime <= state.publishedAt) continue;",
        "if (update_.publishTime < state.publishedAt) continue;",
        "a second price of the same time overwrites the first",
    ),
    Canary(
        "settlement-price-forgotten",
        "price staleness",
        _ORACLE,
        "if (publishedAt > state.publishedAt) _store(market, state, price, confidence, publishedAt, isConfirmed);",
        "",
        "the price at which an order settles is not stored",
    ),
    Canary(
        "price-of-the-old-feed",
        "price staleness",
        _ORACLE,
        "delete state;\n            state.isGuarded = isGuarded;",
        "state.isGuarded = isGuarded;",
        "a new feed starts with the price of the old one",
    ),
)

VIEWS = (
    Canary(
        "pool-view-without-entry-sum",
        "view",
        "libraries/Positions.sol",
        "return accrued.divDown(FixedPoint.WAD) - market.funding.entrySum;",
        "return accrued.divDown(FixedPoint.WAD);",
        "the pool's equity counts funding that was settled already",
    ),
    Canary(
        "quote-without-funding",
        "view",
        _LENS,
        "book.cash -= fill.cost + int256(fill.fee) + fill.funding;",
        "book.cash -= fill.cost + int256(fill.fee);",
        "a quote leaves out the funding that the trade settles",
    ),
    Canary(
        "liquidation-price-of-shorts",
        "view",
        _LENS,
        "divDown(magnitude * (RATIO_SCALE + ratio))",
        "divDown(magnitude * (RATIO_SCALE - ratio))",
        "a short's liquidation price has the requirement on the wrong side",
    ),
)
