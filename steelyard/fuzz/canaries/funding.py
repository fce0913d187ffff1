"""Funding in the wrong order, of the wrong time or sign; totals that drift; mistakes at zero."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_HOUSE = "Clearinghouse.sol"
_EXT = "ClearinghouseExt.sol"
_FUNDING = "libraries/FundingRate.sol"
_POSITIONS = "libraries/Positions.sol"
_SETTLE = (
    "            fill.funding = _remove(market, position);\n"
    "            Side memory side = size + sizeDelta > 0 ? market.longs : market.shorts;\n"
    "            _put(market, side, position, size + sizeDelta);\n"
)

FUNDING = (
    Canary(
        "funding-after-change",
        "funding order",
        _POSITIONS,
        _SETTLE,
        (
            "            int256 entryIndex = position.entryIndex;\n"
            "            _remove(market, position);\n"
            "            Side memory side = size + sizeDelta > 0 ? market.longs : market.shorts;\n"
            "            _put(market, side, position, size + sizeDelta);\n"
            "            fill.funding = position.shares.indexedUp(side.index - entryIndex);\n"
        ),
        "funding is settled after the change, on the new size",
    ),
    Canary(
        "stale-index-in-risk",
        "stale index",
        _HOUSE,
        "FundingRate.previewIndex(market.funding, side, isLong, mark.price(), block.timestamp)",
        "side.index",
        "an account is valued without the funding since the last accrual",
    ),
    Canary(
        "preview-sides-swapped",
        "stale index",
        _FUNDING,
        "return side.index + paymentUp(side, isLong ? accrual : -accrual, price);",
        "return side.index + paymentUp(side, isLong ? -accrual : accrual, price);",
        "pending funding is valued with the sides swapped",
    ),
    Canary(
        "no-accrual-before-trade",
        "missing accrual",
        _HOUSE,
        (
            "FundingRate.accrue(open.market, open.mark.price(), block.timestamp);\n"
            "        open.size = open.market.change("
        ),
        "open.size = open.market.change(",
        "a trade does not bring its market up to date first",
    ),
    Canary(
        "no-accrual-before-liquidation",
        "missing accrual",
        _HOUSE,
        "open.mark = marks[i];\n            FundingRate.accrue(open.market, open.mark.price(), block.timestamp);",
        "open.mark = marks[i];",
        "a liquidation does not bring its markets up to date first",
    ),
    Canary(
        "no-accrual-before-parameters",
        "missing accrual",
        _EXT,
        "Positions.requireOpenInterest(market.longs, Pricing.depth(config));",
        "_loadMarket(market, id);\n        Positions.requireOpenInterest(market.longs, Pricing.depth(config));",
        "new parameters apply to time that has passed already",
    ),
    Canary(
        "parameters-need-a-price",
        "price staleness",
        _EXT,
        "ORACLE.priceState(id).price, block.timestamp",
        "ORACLE.priceOf(id), block.timestamp",
        "parameters cannot change while a feed is dead",
    ),
    Canary(
        "accrued-twice",
        "missing accrual",
        _FUNDING,
        "funding.accruedAt = timestamp;",
        "",
        "an accrual does not remember its time, so time counts again and again",
    ),
    Canary(
        "accrual-past-the-bound",
        "funding formula",
        _FUNDING,
        "(rate == unbounded ? (change * elapsed) / 2 : (change * change) / (2 * velocity))",
        "((change * elapsed) / 2)",
        "where the rate meets its bound on the way, the average of its ends is paid",
    ),
    Canary(
        "accrual-at-the-last-rate",
        "funding formula",
        _FUNDING,
        (
            "accrual = rate * elapsed - "
            "(rate == unbounded ? (change * elapsed) / 2 : (change * change) / (2 * velocity));"
        ),
        "accrual = rate * elapsed;",
        "all the time that passed is paid at the last rate",
    ),
    Canary(
        "both-sides-pay",
        "funding sign",
        _FUNDING,
        "market.shorts.index += paymentUp(market.shorts, -accrual, price);",
        "market.shorts.index += paymentUp(market.shorts, accrual, price);",
        "both sides pay what one should receive",
    ),
    Canary(
        "velocity-not-updated",
        "funding formula",
        _POSITIONS,
        (
            "fill.sizeDelta = sizeAfter - size;\n"
            "        }\n"
            "        market.funding.velocity = FundingRate.velocityAt(market.config, skewOf(market));"
        ),
        "fill.sizeDelta = sizeAfter - size;\n        }",
        "the rate drifts on as before after a fill",
    ),
    Canary(
        "rate-over-a-lowered-bound",
        "funding formula",
        _EXT,
        "funding.rate = funding.rate.clampSymmetric(FundingRate.maxRatePerSecond(maxRate));",
        "",
        "a rate stays above a bound that is lowered",
    ),
    Canary(
        "rate-per-hour",
        "unit",
        _FUNDING,
        "SECONDS_PER_DAY = 86_400;",
        "SECONDS_PER_DAY = 3_600;",
        "the bound on the rate is taken per hour, not per day",
    ),
)

POSITIONS = (
    Canary(
        "flip-on-the-old-side",
        "crossing zero",
        _POSITIONS,
        "Side memory side = size + sizeDelta > 0 ? market.longs : market.shorts;",
        "Side memory side = size > 0 || (size == 0 && sizeDelta > 0) ? market.longs : market.shorts;",
        "a position that flips is put on the side that it leaves",
    ),
    Canary(
        "flip-passes-as-reduction",
        "crossing zero",
        _HOUSE,
        "if (sizeBefore ^ fill.sizeDelta < 0 && fill.sizeDelta.abs() <= sizeBefore.abs()) {",
        "if (sizeBefore ^ fill.sizeDelta < 0) {",
        "a flip needs no initial margin and passes while paused",
    ),
    Canary(
        "flip-escapes-cap",
        "crossing zero",
        _POSITIONS,
        "if (sizeAfter != 0 && sizeAfter ^ sizeDelta >= 0) {",
        "if (sizeAfter != 0 && size ^ sizeDelta >= 0) {",
        "a flip is not held to the cap of the side that it opens",
    ),
    Canary(
        "maker-fee-beyond-zero",
        "crossing zero",
        "libraries/Pricing.sol",
        "(sizeDelta ^ skew) < 0 ? FixedPointMathLib.min(size, skew.abs()) : 0",
        "(sizeDelta ^ skew) < 0 ? size : 0",
        "what takes the skew through zero pays the maker fee on all of it",
    ),
    Canary(
        "skew-against-itself",
        "sign",
        "libraries/Pricing.sol",
        "uint256(2 * (int256(scale) + skew) + sizeDelta)",
        "uint256(2 * (int256(scale) - skew) + sizeDelta)",
        "skew moves the price the wrong way",
    ),
    Canary(
        "impact-of-the-fill",
        "pricing",
        "libraries/Pricing.sol",
        "uint256(2 * (int256(scale) + skew) + sizeDelta)",
        "uint256(2 * (int256(scale) + skew))",
        "a fill is priced at the skew before it, so splitting an order pays",
    ),
    Canary(
        "shares-stay-in-total",
        "aggregate drift",
        _POSITIONS,
        "side.shares -= shares.magnitude();",
        "",
        "a position that changes leaves its shares in the side's total",
    ),
    Canary(
        "entry-sum-at-index-of-now",
        "aggregate drift",
        _POSITIONS,
        "market.funding.entrySum -= shares.indexedUp(position.entryIndex);",
        "market.funding.entrySum -= shares.indexedUp(side.index);",
        "the entry sum loses another term than was added",
    ),
    Canary(
        "bitmap-not-cleared",
        "aggregate drift",
        _HOUSE,
        "open.position.shares.isZero() ? before & ~bit : before | bit",
        "before | bit",
        "a closed position stays in the account's bitmap",
    ),
    Canary(
        "bitmap-not-cleared-by-liquidation",
        "aggregate drift",
        _HOUSE,
        "_setOpen(account, open);\n            _apply(account, state, fill);",
        "_apply(account, state, fill);",
        "a liquidation leaves closed positions in the account's bitmap",
    ),
    Canary(
        "entry-index-of-nothing",
        "aggregate drift",
        _POSITIONS,
        "position.entryIndex = 0;\n                return;",
        "return;",
        "a closed position keeps its entry index",
    ),
)
