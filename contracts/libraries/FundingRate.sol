// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FundingState, Market, MarketConfig, Side} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Skew-velocity funding: the rate drifts in proportion to skew, the indices add up what it costs per share.
library FundingRate {
    using FixedPoint for int256;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev 1e-4 per day in 1e-18 per second, times 86,400.
    int256 private constant RATE_SCALE = 1e14;
    int256 private constant SECONDS_PER_DAY = 86_400;
    /// @dev multiplier (1e15) * accrual (1e18) * price (wad) / INDEX_SCALE = quote wad per share.
    int256 private constant INDEX_SCALE = 1e33;

    /// @notice Brings rate and both indices of `market`, in memory, up to `timestamp` at `price`.
    /// @return advanced whether any time had passed
    function accrue(Market memory market, uint256 price, uint256 timestamp) internal pure returns (bool advanced) {
        FundingState memory funding = market.funding;
        if (timestamp == funding.accruedAt) return false;
        (int256 rate, int256 accrual) = integrate(funding, timestamp);
        market.longs.index = (int256(market.longs.index) + paymentUp(market.longs, accrual, price)).toInt96();
        market.shorts.index = (int256(market.shorts.index) + paymentUp(market.shorts, -accrual, price)).toInt96();
        funding.rate = int48(rate);
        funding.accruedAt = timestamp.toUint32();
        return true;
    }

    /// @notice The index that `side` would have after an accrual; `isLong` tells which side it is.
    function previewIndex(FundingState memory funding, Side memory side, bool isLong, uint256 price, uint256 timestamp)
        internal
        pure
        returns (int256)
    {
        if (timestamp == funding.accruedAt) return side.index;
        (, int256 accrual) = integrate(funding, timestamp);
        return int256(side.index) + paymentUp(side, isLong ? accrual : -accrual, price);
    }

    /// @notice Rate at `timestamp`, and the integral of the rate since `accruedAt` [1e-18].
    /// @dev rate = clamp(r + v*dt); accrual = (r + rate)/2 * dt where the bound is not met, else exactly
    /// rate*dt - (rate - r)^2 / (2v), so that accruing more often never changes the sum beyond rounding.
    /// `velocity` is not zero where the bound is met, because a stored rate is always within it.
    function integrate(FundingState memory funding, uint256 timestamp)
        internal
        pure
        returns (int256 rate, int256 accrual)
    {
        int256 elapsed = int256(timestamp - funding.accruedAt);
        int256 unbounded = int256(funding.rate) + int256(funding.velocity) * elapsed;
        rate = unbounded.clampSymmetric(maxRatePerSecond(funding.maxRate));
        int256 change = rate - funding.rate;
        accrual = rate == unbounded
            ? rate * elapsed - (change * elapsed) / 2
            : rate * elapsed - (change * change) / (2 * int256(funding.velocity));
    }

    /// @notice What one share of `side` pays for `accrual`, up: against the account on both sides [quote wad].
    function paymentUp(Side memory side, int256 accrual, uint256 price) internal pure returns (int256) {
        return (int256(uint256(side.multiplier)) * accrual * int256(price)).divUp(INDEX_SCALE);
    }

    /// @notice Velocity for a skew: `maxFundingVelocity * clamp(skew / skewScale, -1, 1)`, towards zero.
    function velocityAt(MarketConfig memory config, int256 skew) internal pure returns (int32) {
        int256 scale = int256(uint256(config.skewScale)) * 1e9;
        return (int256(uint256(config.maxFundingVelocity)) * skew.clampSymmetric(scale) / scale).toInt32();
    }

    /// @notice The bound on |rate| [1e-18 per second], down.
    function maxRatePerSecond(uint16 maxRate) internal pure returns (int256) {
        return int256(uint256(maxRate)) * RATE_SCALE / SECONDS_PER_DAY;
    }
}
