"""Prices that are stale, uncertain, early or not the first; orders that settle twice, early or late; views."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_ORACLE = "PriceOracle.sol"
_BOOK = "OrderBook.sol"
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
        "if (update_.publishTime > state.publishedAt) {\n            _store(",
        "if (false) {\n            _store(",
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

ORDERS = (
    Canary(
        "settled-twice",
        "slot not freed",
        _BOOK,
        "_commitments[order.account][order.slot] = FREE;",
        "",
        "an order can be settled again and again",
    ),
    Canary(
        "cancelled-while-pending",
        "free option",
        _BOOK,
        "if (block.timestamp <= latest) revert OrderPending(latest);",
        "",
        "a trader may cancel once the price is known",
    ),
    Canary(
        "cancelled-a-second-early",
        "off by one",
        _BOOK,
        "if (block.timestamp <= latest) revert OrderPending(latest);",
        "if (block.timestamp < latest) revert OrderPending(latest);",
        "an order can be cancelled in the last second in which it may settle",
    ),
    Canary(
        "settled-late",
        "expiry",
        _BOOK,
        "if (block.timestamp > latest) revert OrderExpired(latest);",
        "",
        "an order settles after its window",
    ),
    Canary(
        "settled-a-second-early-no-more",
        "off by one",
        _BOOK,
        "if (block.timestamp > latest) revert OrderExpired(latest);",
        "if (block.timestamp >= latest) revert OrderExpired(latest);",
        "an order cannot settle in its last second",
    ),
    Canary(
        "order-outlives-its-expiry",
        "expiry",
        _BOOK,
        "latest = uint64(Math.min(order.expiresAt, earliest + WINDOW_SECONDS));",
        "latest = earliest + WINDOW_SECONDS;",
        "an order settles after the time that its owner set",
    ),
    Canary(
        "price-without-delay",
        "free option",
        _BOOK,
        "earliest = uint64(committedAt) + MIN_DELAY_SECONDS;",
        "earliest = uint64(committedAt);",
        "an order settles at a price that its owner knew",
    ),
    Canary(
        "another-order-settles",
        "stale order",
        _BOOK,
        "if (committedAt == 0 || uint216(commitment) != hashOf(order)) revert",
        "if (committedAt == 0) revert",
        "any order settles in the place of the one that was committed",
    ),
    Canary(
        "commitment-overwritten",
        "free option",
        _BOOK,
        "if (committedAt != 0 && block.timestamp <= committedAt + MIN_DELAY_SECONDS + WINDOW_SECONDS) {",
        "if (committedAt != 0 && block.timestamp <= committedAt + MIN_DELAY_SECONDS) {",
        "a pending order can be replaced once its price is known",
    ),
    Canary(
        "commit-unauthorised",
        "missing permission",
        _BOOK,
        "_authorize(order.account);\n        uint256 committedAt",
        "uint256 committedAt",
        "anybody may commit an order for anybody",
    ),
    Canary(
        "commit-by-another-permission",
        "missing permission",
        _BOOK,
        "if (CLEARINGHOUSE.isAuthorized(account, msg.sender, PERMISSION_TRADE)) return;",
        "if (CLEARINGHOUSE.isAuthorized(account, msg.sender, 2)) return;",
        "who may move margin may trade, and who may trade may not",
    ),
    Canary(
        "failed-order-lives-on",
        "free option",
        _BOOK,
        "if (!_isFinal(bytes4(reason))) LowLevelCall.bubbleRevert(reason);",
        "LowLevelCall.bubbleRevert(reason);",
        "a keeper may try an order until it goes through",
    ),
    Canary(
        "order-used-up-by-the-keeper",
        "griefing",
        _BOOK,
        "if (!_isFinal(bytes4(reason))) LowLevelCall.bubbleRevert(reason);",
        "",
        "a keeper may use up an order by a failure of his own",
    ),
    Canary(
        "order-used-up-by-governance",
        "griefing",
        _BOOK,
        "return selector == IClearinghouseCore.MarginInsufficient.selector",
        (
            "return selector == IClearinghouseCore.ExecutorUnauthorized.selector\n"
            "            || selector == IClearinghouseCore.MarginInsufficient.selector"
        ),
        "orders that are settled while the book may not trade are lost to their owners",
    ),
    Canary(
        "keeper-fee-unbounded",
        "keeper fee",
        _BOOK,
        "if (order.keeperFee > MAX_KEEPER_FEE) revert KeeperFeeExceeded(order.keeperFee, MAX_KEEPER_FEE);",
        "",
        "an operator may pay himself any fee",
    ),
    Canary(
        "commit-that-cannot-settle",
        "expiry",
        _BOOK,
        "if (block.timestamp + MIN_DELAY_SECONDS > order.expiresAt) revert",
        "if (block.timestamp > order.expiresAt) revert",
        "an order that ends before its delay is taken",
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
