// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {AccountRisk, Position} from "../types/Account.sol";
import {CENT, Ledger} from "../types/Ledger.sol";
import {MarketConfig} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Pricing} from "./Pricing.sol";

/// @notice Value and requirements of an account, one position at a time.
/// @dev Unchecked: a notional < 2^192 times two ratios < 2^14 stays under 2^220, and there are at most 16 positions.
library Margin {
    using FixedPoint for int256;

    /// @dev marginRatio (1e4) * size (wad) * price (wad) / RATIO_SCALE = quote wad.
    uint256 private constant RATIO_SCALE = 1e22;
    /// @dev maintenanceFraction (1e4) on top.
    uint256 private constant MAINTENANCE_SCALE = 1e26;

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
        unchecked {
            uint256 value = size.abs() * price;
            uint256 margin = value * config.marginRatio;
            risk.equity += Pricing.worthDown(size, price) - position.shares.indexedUp(index - position.entryIndex);
            risk.initialMargin += FixedPointMathLib.divUp(margin, RATIO_SCALE);
            risk.maintenanceMargin += FixedPointMathLib.divUp(margin * config.maintenanceFraction, MAINTENANCE_SCALE);
            risk.notional += FixedPointMathLib.divUp(value, 1e18);
        }
    }

    /// @notice Maintenance margin of `size` at `price`, up.
    function maintenanceUp(MarketConfig memory config, uint256 size, uint256 price) internal pure returns (uint256) {
        unchecked {
            uint256 margin = size * price * config.marginRatio;
            return FixedPointMathLib.divUp(margin * config.maintenanceFraction, MAINTENANCE_SCALE);
        }
    }

    /// @notice Raises the requirements of an account with a position to their floors.
    /// @dev maintenance >= least reward, and initial above it, so that farming rewards with dust loses money.
    function applyFloors(AccountRisk memory risk, Ledger memory ledger) internal pure {
        unchecked {
            risk.initialMargin = FixedPointMathLib.max(risk.initialMargin, ledger.minInitialMargin * CENT);
            risk.maintenanceMargin = FixedPointMathLib.max(risk.maintenanceMargin, ledger.minReward * CENT);
        }
    }
}
