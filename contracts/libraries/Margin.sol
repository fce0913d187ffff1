// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {AccountRisk, Position} from "../types/Account.sol";
import {CENT, Ledger} from "../types/Ledger.sol";
import {Mark} from "../types/Mark.sol";
import {MarketConfig} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Pricing} from "./Pricing.sol";

/// @notice Value and requirements of an account, one position at a time.
/// @dev Unchecked: a notional < 2^193 times a ratio of at most 1e8 and a fraction < 2^14 stays under 2^234, and there are at
/// most 120 positions.
library Margin {
    using FixedPoint for int256;

    /// @dev marginRatio (1e4) * size (wad) * price (wad) / RATIO_SCALE = quote wad.
    uint256 private constant RATIO_SCALE = 1e22;
    /// @dev maintenanceFraction (1e4) on top.
    uint256 private constant MAINTENANCE_SCALE = 1e26;
    /// @dev The same for a ratio with concentration (1e8).
    uint256 private constant GROWN_SCALE = 1e26;
    uint256 private constant GROWN_MAINTENANCE_SCALE = 1e30;
    /// @dev How often its margin ratio volatility may ask of a position: one bad print cannot freeze a market.
    uint256 private constant MAX_VOLATILITY_FACTOR = 4;

    /// @notice Adds a position of `size` to `risk`, as if it were alone.
    /// @dev equity += floor(size * price) - ceil(|shares| * (index - entryIndex));
    /// initial += ceil(min(max(m, volatility) * g, 1) * |size| * price) and maintenance += ceil(k * min(m * g, 1) * |size| *
    /// price), where g = 1 + concentration * |size| / skewScale. Volatility moves initial margin only: it liquidates nobody.
    /// @param index of the position's side, brought up to date
    function add(
        AccountRisk memory risk,
        Position memory position,
        int256 size,
        int256 index,
        MarketConfig memory config,
        Mark mark
    ) internal pure {
        unchecked {
            uint256 price = mark.price();
            uint256 value = size.abs() * price;
            risk.equity += Pricing.worthDown(size, price) - position.shares.indexedUp(index - position.entryIndex);
            uint256 growth = growthUp(config, size.abs());
            risk.initialMargin += FixedPoint.ratioUp(
                value * grown(initialRatioUp(config, mark.variance()), growth), GROWN_SCALE
            );
            risk.maintenanceMargin += FixedPoint.ratioUp(
                value * grown(config.marginRatio, growth) * config.maintenanceFraction, GROWN_MAINTENANCE_SCALE
            );
            risk.notional += FixedPoint.ratioUp(value, 1e18);
        }
    }

    /// @notice What concentration multiplies the margin ratio of a position of `size` by, up [1e-4].
    function growthUp(MarketConfig memory config, uint256 size) internal pure returns (uint256) {
        unchecked {
            if (config.concentration == 0) return 1e4;
            return 1e4 + FixedPoint.ratioUp(config.concentration * size, Pricing.depth(config));
        }
    }

    /// @notice A margin ratio times its growth, up to all of the notional [1e-8].
    function grown(uint256 ratio, uint256 growth) internal pure returns (uint256) {
        unchecked {
            return FixedPointMathLib.min(ratio * growth, 1e8);
        }
    }

    /// @notice Initial margin ratio: that of the market, or what its volatility asks for, up to four times as much and
    /// to all of the notional, up [1e-4].
    /// @dev volatilityMultiple * sqrt(variance): the square is compared first, so that a root is drawn only where it counts.
    function initialRatioUp(MarketConfig memory config, uint256 variance) internal pure returns (uint256 ratio) {
        unchecked {
            ratio = config.marginRatio;
            if (!isVolatile(config, variance)) return ratio;
            uint256 cap = FixedPointMathLib.min(MAX_VOLATILITY_FACTOR * ratio, 1e4);
            uint256 square = FixedPoint.ratioUp(config.volatilityMultiple * config.volatilityMultiple * variance, 1e14);
            return square >= cap * cap ? cap : FixedPoint.sqrtUp(square);
        }
    }

    /// @notice Whether volatility asks for more than the market's margin ratio.
    function isVolatile(MarketConfig memory config, uint256 variance) internal pure returns (bool) {
        unchecked {
            uint256 ratio = config.marginRatio;
            return config.volatilityMultiple * config.volatilityMultiple * variance > ratio * ratio * 1e14;
        }
    }

    /// @notice Signed margin of a position before volatility and concentration, towards zero: what offsets count with.
    function baseMargin(MarketConfig memory config, int256 size, uint256 price) internal pure returns (int256) {
        unchecked {
            return size * int256(price * config.marginRatio) / int256(RATIO_SCALE);
        }
    }

    /// @notice Maintenance margin of `size` at `price` without concentration, up.
    function maintenanceUp(MarketConfig memory config, uint256 size, uint256 price) internal pure returns (uint256) {
        unchecked {
            uint256 margin = size * price * config.marginRatio;
            return FixedPoint.ratioUp(margin * config.maintenanceFraction, MAINTENANCE_SCALE);
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
