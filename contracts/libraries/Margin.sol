// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {AccountRisk, Position} from "../types/Account.sol";
import {RiskConfig} from "../types/Ledger.sol";
import {MarketConfig} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Value and requirements of an account, one position at a time.
library Margin {
    using FixedPoint for int256;

    /// @dev marginRatio (1e4) * size (wad) * price (wad) / RATIO_SCALE = quote wad.
    uint256 private constant RATIO_SCALE = 1e22;
    /// @dev maintenanceFraction (1e4) on top.
    uint256 private constant MAINTENANCE_SCALE = 1e26;
    /// @dev Wad per unit of the settlement token.
    uint256 private constant UNIT = 1e12;

    /// @notice Adds a position of `size` to `risk`.
    /// @dev equity += floor(size * price) - ceil(|shares| * (index - entryIndex));
    /// initial += ceil(m * |size| * price); maintenance += ceil(k * m * |size| * price)
    /// @param index of the position's side, brought up to date
    function add(
        AccountRisk memory risk,
        Position memory position,
        int256 size,
        int256 index,
        MarketConfig memory config,
        uint256 price
    ) internal pure {
        uint256 value = size.abs() * price;
        int256 worth = (size < 0 ? -int256(value) : int256(value)).divDown(FixedPoint.WAD);
        risk.equity += worth - position.shares.indexedUp(index - position.entryIndex);
        risk.initialMargin += Math.ceilDiv(value * config.marginRatio, RATIO_SCALE);
        risk.maintenanceMargin += maintenanceUp(config, value);
        risk.notional += Math.ceilDiv(value, 1e18);
    }

    /// @notice Maintenance margin of a position worth `value` (size * price, not yet divided by wad), up.
    function maintenanceUp(MarketConfig memory config, uint256 value) internal pure returns (uint256) {
        return Math.ceilDiv(value * config.marginRatio * config.maintenanceFraction, MAINTENANCE_SCALE);
    }

    /// @notice Raises the requirements of an account with a position to their floors.
    /// @dev maintenance >= least reward, and initial above it, so that farming rewards with dust loses money.
    function applyFloors(AccountRisk memory risk, RiskConfig memory config) internal pure {
        risk.initialMargin = Math.max(risk.initialMargin, uint256(config.minInitialMargin) * UNIT);
        risk.maintenanceMargin = Math.max(risk.maintenanceMargin, uint256(config.minReward) * UNIT);
    }
}
