// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {RiskConfig} from "../types/Ledger.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Closed-form partial liquidation.
library Liquidation {
    using FixedPoint for int256;

    uint256 private constant UNIT = 1e12;
    uint256 private constant RATIO_SCALE = 1e6;
    int256 private constant HEALTH_SCALE = 1e4;

    /// @notice Fraction of every position to close so that equity ends at `targetHealth` times maintenance, up [wad].
    /// @dev c = 1 if h*MM <= C else clamp((h*MM - E) / (h*MM - C), 0, 1). Closing costs are convex in c, so the
    /// account ends at or above the target; the least reward, a fixed cost, comes off equity first.
    /// @param equity before [quote wad]
    /// @param maintenance margin before, above equity [quote wad]
    /// @param closeCost penalty, fees and impact of closing everything [quote wad], negative if closing pays
    function fractionUp(int256 equity, uint256 maintenance, int256 closeCost, RiskConfig memory config)
        internal
        pure
        returns (uint256)
    {
        int256 target = (int256(maintenance) * int256(uint256(config.targetHealth))).divUp(HEALTH_SCALE);
        if (target <= closeCost) return 1e18;
        int256 missing = target - (equity - int256(uint256(config.minReward) * UNIT));
        if (missing <= 0) return 0;
        int256 fraction = (missing * FixedPoint.WAD).divUp(target - closeCost);
        return fraction > FixedPoint.WAD ? 1e18 : uint256(fraction);
    }

    /// @notice Whether `equity` is at least `targetHealth` times `maintenance`.
    function isHealed(int256 equity, uint256 maintenance, RiskConfig memory config) internal pure returns (bool) {
        return equity * HEALTH_SCALE >= int256(maintenance * config.targetHealth);
    }

    /// @notice `fraction` of `size`, up, and all of it where less than `minSize` would be left.
    function portionUp(uint256 size, uint256 fraction, uint256 minSize) internal pure returns (uint256 closed) {
        closed = Math.ceilDiv(size * fraction, 1e18);
        if (size - closed < minSize) closed = size;
    }

    /// @notice Penalty on `notional`, up [quote wad].
    function penaltyUp(uint256 notional, RiskConfig memory config) internal pure returns (uint256) {
        return Math.ceilDiv(notional * config.penaltyRatio, RATIO_SCALE);
    }

    /// @notice The liquidator's reward for `notional`: clamp(rewardRatio * notional, minReward, maxReward), down.
    function rewardDown(uint256 notional, RiskConfig memory config) internal pure returns (uint256) {
        uint256 reward = notional * config.rewardRatio / RATIO_SCALE;
        return Math.min(Math.max(reward, uint256(config.minReward) * UNIT), uint256(config.maxReward) * UNIT);
    }
}
