// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FundingState, Market, MarketConfig, Side} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Pricing} from "./Pricing.sol";

/// @notice Skew-velocity funding: the rate drifts in proportion to skew, the indices add up what it costs per share.
/// @dev Unchecked: rate < 2^47, velocity < 2^31, elapsed < 2^32, so an accrual < 2^96; times multiplier < 2^50 and
/// price < 2^96 stays under 2^242.
library FundingRate {
    using FixedPoint for int256;

    /// @dev 1e-4 per day in 1e-18 per second, times 86,400.
    uint256 private constant RATE_SCALE = 1e14;
    uint256 private constant SECONDS_PER_DAY = 86_400;
    /// @dev multiplier (1e15) * accrual (1e18) * price (wad) / INDEX_SCALE = quote wad per share.
    int256 private constant INDEX_SCALE = 1e33;

    /// @notice Brings rate and both indices of `market`, in memory, up to `timestamp` at `price`.
    function accrue(Market memory market, uint256 price, uint256 timestamp) internal pure {
        FundingState memory funding = market.funding;
        if (timestamp == funding.accruedAt) return;
        (int256 rate, int256 accrual) = integrate(funding, timestamp);
        unchecked {
            market.longs.index += paymentUp(market.longs, accrual, price);
            market.shorts.index += paymentUp(market.shorts, -accrual, price);
        }
        funding.rate = rate;
        funding.accruedAt = timestamp;
    }

    /// @notice The index that `side` would have after an accrual; `isLong` tells which side it is.
    function previewIndex(FundingState memory funding, Side memory side, bool isLong, uint256 price, uint256 timestamp)
        internal
        pure
        returns (int256)
    {
        if (timestamp == funding.accruedAt) return side.index;
        (, int256 accrual) = integrate(funding, timestamp);
        unchecked {
            return side.index + paymentUp(side, isLong ? accrual : -accrual, price);
        }
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
        unchecked {
            int256 elapsed = int256(timestamp - funding.accruedAt);
            int256 velocity = funding.velocity;
            int256 unbounded = funding.rate + velocity * elapsed;
            rate = unbounded.clampSymmetric(maxRatePerSecond(funding.maxRate));
            int256 change = rate - funding.rate;
            accrual = rate * elapsed - (rate == unbounded ? (change * elapsed) / 2 : (change * change) / (2 * velocity));
        }
    }

    /// @notice What one share of `side` pays for `accrual`, up: against the account on both sides [quote wad].
    function paymentUp(Side memory side, int256 accrual, uint256 price) internal pure returns (int256) {
        unchecked {
            return (int256(side.multiplier) * accrual * int256(price)).divUp(INDEX_SCALE);
        }
    }

    /// @notice Velocity for a skew: `maxFundingVelocity * clamp(skew / skewScale, -1, 1)`, towards zero.
    function velocityAt(MarketConfig memory config, int256 skew) internal pure returns (int256) {
        unchecked {
            int256 scale = int256(Pricing.depth(config));
            return int256(config.maxFundingVelocity) * skew.clampSymmetric(scale) / scale;
        }
    }

    /// @notice The bound on |rate| [1e-18 per second], down.
    function maxRatePerSecond(uint256 maxRate) internal pure returns (int256) {
        unchecked {
            return int256(maxRate * RATE_SCALE / SECONDS_PER_DAY);
        }
    }
}
