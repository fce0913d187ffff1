// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {CENT, RiskConfig} from "../types/Ledger.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Closed-form partial liquidation.
/// @dev Unchecked: quote amounts of an account < 2^140, sizes < 2^96, ratios < 2^64.
library Liquidation {
    using FixedPoint for int256;

    uint256 private constant WAD = 1e18;
    uint256 private constant RATIO_SCALE = 1e6;
    int256 private constant HEALTH_SCALE = 1e4;

    /// @notice Fraction of every position to close so that equity ends at `targetHealth` times maintenance, up [wad].
    /// @dev c = 1 if h*MM <= C else clamp((h*MM - E) / (h*MM - C), 0, 1). Closing costs are convex in c, so the
    /// account ends at or above the target; the least reward, a fixed cost, comes off equity first.
    /// @param equity before [quote wad], under `maintenance`
    /// @param maintenance margin before [quote wad]
    /// @param closeCost penalty, fees and impact of closing everything [quote wad], negative if closing pays
    function fractionUp(int256 equity, uint256 maintenance, int256 closeCost, RiskConfig memory config)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            int256 target = (int256(maintenance) * int256(uint256(config.targetHealth))).divUp(HEALTH_SCALE);
            if (target <= closeCost) return WAD;
            int256 missing = target - equity + int256(uint256(config.minReward) * CENT);
            int256 fraction = (missing * FixedPoint.WAD).divUp(target - closeCost);
            return fraction > FixedPoint.WAD ? WAD : uint256(fraction);
        }
    }

    /// @notice Whether `equity` is at least `targetHealth` times `maintenance`.
    function isHealed(int256 equity, uint256 maintenance, RiskConfig memory config) internal pure returns (bool) {
        unchecked {
            return equity * HEALTH_SCALE >= int256(maintenance * config.targetHealth);
        }
    }

    /// @notice `fraction` of `size`, up, and all of it where less than `minSize` would be left.
    function portionUp(uint256 size, uint256 fraction, uint256 minSize) internal pure returns (uint256 closed) {
        unchecked {
            closed = FixedPointMathLib.divUp(size * fraction, WAD);
            if (size - closed < minSize) closed = size;
        }
    }

    /// @notice Penalty on `notional`, up [quote wad].
    function penaltyUp(uint256 notional, RiskConfig memory config) internal pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.divUp(notional * config.penaltyRatio, RATIO_SCALE);
        }
    }

    /// @notice The liquidator's reward for `notional`: clamp(rewardRatio * notional, minReward, maxReward), down.
    function rewardDown(uint256 notional, RiskConfig memory config) internal pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.clamp(
                notional * config.rewardRatio / RATIO_SCALE, config.minReward * CENT, config.maxReward * CENT
            );
        }
    }
}
