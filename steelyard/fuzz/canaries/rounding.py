"""Divisions that round the wrong way, casts, units and formulas."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_COST_UP = "FixedPointMathLib.divUp(FixedPointMathLib.divUp(notional, WAD) * bracket, 2 * scale)"
_PRICING = "libraries/Pricing.sol"
_MARGIN = "libraries/Margin.sol"
_LIQUIDATION = "libraries/Liquidation.sol"
_WORDS = "libraries/Words.sol"
_ORACLE = "PriceOracle.sol"

ROUNDING = (
    Canary(
        "round-cost-of-buying",
        "rounding",
        _PRICING,
        f"return int256({_COST_UP});",
        "return int256(FixedPointMathLib.divUp(notional, WAD) * bracket / (2 * scale));",
        "what a buyer pays is rounded down",
    ),
    Canary(
        "round-proceeds-of-selling",
        "rounding",
        _PRICING,
        "return -int256(notional / WAD * bracket / (2 * scale));",
        "return -int256(FixedPointMathLib.divUp(notional / WAD * bracket, 2 * scale));",
        "what a seller gets is rounded up",
    ),
    Canary(
        "round-fee",
        "rounding",
        _PRICING,
        "return FixedPointMathLib.divUp(charged * price, FEE_SCALE);",
        "return charged * price / FEE_SCALE;",
        "the trading fee is rounded down",
    ),
    Canary(
        "round-average-price",
        "rounding",
        _PRICING,
        "sizeDelta > 0 ? FixedPointMathLib.divUp(value, uint256(sizeDelta)) : value / uint256(-sizeDelta)",
        "sizeDelta > 0 ? value / uint256(sizeDelta) : value / uint256(-sizeDelta)",
        "a buyer's average price is rounded down, under an acceptable price that it exceeds",
    ),
    Canary(
        "round-worth",
        "rounding",
        _PRICING,
        "return (sizeDelta * int256(price)).divDown(FixedPoint.WAD);",
        "return (sizeDelta * int256(price)).divUp(FixedPoint.WAD);",
        "a position's worth is rounded up",
    ),
    Canary(
        "round-funding-payment",
        "rounding",
        "libraries/FundingRate.sol",
        "return (int256(side.multiplier) * accrual * int256(price)).divUp(INDEX_SCALE);",
        "return (int256(side.multiplier) * accrual * int256(price)).divDown(INDEX_SCALE);",
        "the payment per share is rounded down: funding makes money",
    ),
    Canary(
        "round-owed-funding",
        "rounding",
        "types/Shares.sol",
        "if (product % 1e18 > 0) quote += 1;",
        "",
        "what a position owes is rounded towards zero",
    ),
    Canary(
        "round-initial-margin",
        "rounding",
        _MARGIN,
        "value * grown(initialRatioUp(config, mark.variance()), growth), GROWN_SCALE\n            );",
        "value * grown(initialRatioUp(config, mark.variance()), growth), 1\n            ) / GROWN_SCALE;",
        "initial margin is rounded down",
    ),
    Canary(
        "round-maintenance-margin",
        "rounding",
        _MARGIN,
        (
            "value * grown(config.marginRatio, growth) * config.maintenanceFraction, GROWN_MAINTENANCE_SCALE\n"
            "            );"
        ),
        (
            "value * grown(config.marginRatio, growth) * config.maintenanceFraction, 1\n"
            "            ) / GROWN_MAINTENANCE_SCALE;"
        ),
        "maintenance margin is rounded down",
    ),
    Canary(
        "round-portion",
        "rounding",
        _LIQUIDATION,
        "closed = FixedPointMathLib.divUp(size * fraction, WAD);",
        "closed = size * fraction / WAD;",
        "a liquidation closes a unit less than heals the account",
    ),
    Canary(
        "round-fraction",
        "rounding",
        _LIQUIDATION,
        "(missing * FixedPoint.WAD).divUp(target - closeCost)",
        "(missing * FixedPoint.WAD).divDown(target - closeCost)",
        "the fraction to close is rounded down",
    ),
    Canary(
        "round-penalty",
        "rounding",
        _LIQUIDATION,
        "return FixedPointMathLib.divUp(notional * config.penaltyRatio, RATIO_SCALE);",
        "return notional * config.penaltyRatio / RATIO_SCALE;",
        "the penalty is rounded down",
    ),
    Canary(
        "round-fee-split",
        "rounding",
        "Clearinghouse.sol",
        "uint256 poolFee = fill.fee * state.poolFeeShare / 1e4;",
        "uint256 poolFee = FixedPointMathLib.divUp(fill.fee * state.poolFeeShare, 1e4);",
        "the pool's part of a fee is rounded up",
    ),
    Canary(
        "round-confidence",
        "rounding",
        _ORACLE,
        "FixedPointMathLib.divUp(uint256(update_.conf) * 1e6, raw)",
        "uint256(update_.conf) * 1e6 / raw",
        "confidence is rounded down, under a limit that it exceeds",
    ),
    Canary(
        "round-towards-zero",
        "rounding",
        "libraries/FixedPoint.sol",
        "if (numerator % denominator < 0) quotient -= 1;",
        "",
        "division down goes towards zero for negative numbers",
    ),
)

NUMBERS = (
    Canary(
        "cast-balance",
        "cast",
        _WORDS,
        "SafeCast.toInt128(account.balance)",
        "int128(account.balance)",
        "a balance too large for its bits is truncated",
    ),
    Canary(
        "cast-pool-balance",
        "cast",
        _WORDS,
        "SafeCast.toInt104(ledger.poolBalance)",
        "int104(ledger.poolBalance)",
        "the pool's balance is truncated",
    ),
    Canary(
        "cast-insurance-balance",
        "cast",
        _WORDS,
        "SafeCast.toUint96(ledger.insuranceBalance)",
        "uint96(ledger.insuranceBalance)",
        "the insurance fund's balance is truncated",
    ),
    Canary(
        "cast-price",
        "cast",
        _ORACLE,
        "if (price > type(uint96).max) revert PriceInvalid(market, update_.price, update_.expo);",
        "",
        "a price too large for its bits spills into its neighbours",
    ),
    Canary(
        "sign-of-velocity",
        "cast",
        _WORDS,
        (
            "funding.entrySum = int128(uint128(raw));\n"
            "        funding.rate = int48(uint48(raw >> 128));\n"
            "        funding.velocity = int32(uint32(raw >> 176));"
        ),
        (
            "funding.entrySum = int128(uint128(raw));\n"
            "        funding.rate = int48(uint48(raw >> 128));\n"
            "        funding.velocity = int256(uint256(uint32(raw >> 176)));"
        ),
        "a negative velocity is read from storage as a large positive one",
    ),
    Canary(
        "sign-of-entry-index",
        "cast",
        _WORDS,
        "position.entryIndex = int256(raw) >> 128;",
        "position.entryIndex = int256(raw >> 128);",
        "a negative entry index is read from storage as a large positive one",
    ),
    Canary(
        "bits-of-confidence",
        "cast",
        _WORDS,
        "state.confidence = uint24(raw >> 136);",
        "state.confidence = uint16(raw >> 136);",
        "a wide confidence is read from storage without its high bits",
    ),
    Canary(
        "exponent-ignored",
        "unit",
        _ORACLE,
        "price = raw * 10 ** uint256(int256(18 + update_.expo));",
        "price = raw * 1e10;",
        "every price is taken for one with eight decimals",
    ),
    Canary(
        "multiplier-of-listing",
        "multiplier",
        "ClearinghouseExt.sol",
        "market.shorts.multiplier = ONE_MULTIPLIER;",
        "market.shorts.multiplier = ONE_MULTIPLIER / 2;",
        "the short side of a new market starts at half a unit per share",
    ),
    Canary(
        "variance-formula",
        "variance",
        "libraries/Volatility.sol",
        "change * WAD / price * change / previous",
        "change * WAD / previous * change / previous",
        "the squared return is not symmetric in rises and falls",
    ),
    Canary(
        "variance-cap",
        "variance",
        "libraries/Volatility.sol",
        "if (squaredReturn > MAX_SQUARED_RETURN) squaredReturn = MAX_SQUARED_RETURN;",
        "",
        "one print moves the variance without bound",
    ),
    Canary(
        "variance-of-time",
        "variance",
        "libraries/Volatility.sol",
        "/ (tau + elapsed);",
        "/ tau;",
        "the variance does not fade",
    ),
)
