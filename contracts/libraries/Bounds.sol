// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {RiskConfig} from "../types/Ledger.sol";
import {MarketConfig, PortfolioConfig} from "../types/Market.sol";

/// @notice Every parameter is bounded at both ends.
library Bounds {
    /// @notice A parameter is outside [min, max].
    error ParameterOutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);

    function check(bytes32 parameter, uint256 value, uint256 min, uint256 max) internal pure {
        if (value < min || value > max) revert ParameterOutOfBounds(parameter, value, min, max);
    }

    /// @dev A floor of at least 1% keeps a hedge from being free. Loadings within `hedgeable` leave the market's own risk
    /// a square that is not negative, and with the shocks' bound no portfolio requires more than its margins added up.
    function checkPortfolio(PortfolioConfig calldata config) internal pure {
        check("hedgeable", config.hedgeable, 0, 9900);
        uint256 squares;
        for (uint256 i; i < config.loadings.length; ++i) {
            squares += _checkMagnitude("loading", config.loadings[i], config.hedgeable) ** 2;
        }
        check("loadings", squares, 0, config.hedgeable * config.hedgeable);
        for (uint256 i; i < config.shocks.length; ++i) {
            _checkMagnitude("shock", config.shocks[i], config.hedgeable);
        }
    }

    /// @dev Initial margin of at least five times the least reward outlives the charges of a reducing trade. A least
    /// reward of more than nothing covers the dust of a partial liquidation.
    function checkRisk(RiskConfig calldata config) internal pure {
        check("minReward", config.minReward, 1, 1e4);
        check("minInitialMargin", config.minInitialMargin, 5 * uint256(config.minReward), 6e4);
        check("maxReward", config.maxReward, config.minReward, 1e8);
        check("penaltyRatio", config.penaltyRatio, 0, 5e4);
        check("rewardRatio", config.rewardRatio, 0, config.penaltyRatio);
        check("targetHealth", config.targetHealth, 1e4, 4e4);
        check("treasuryThreshold", config.treasuryThreshold, 0, 1e10);
        check("poolFeeShare", config.poolFeeShare, 0, 1e4);
    }

    /// @dev The maker fee is at most the taker fee, which keeps the cost of closing convex (see `Liquidation`).
    function checkMarket(MarketConfig calldata config, uint16 maxRate) internal pure {
        check("skewScale", config.skewScale, 1, type(uint64).max);
        check("maxOpenInterest", config.maxOpenInterest, 1, 1e4);
        check("minSize", config.minSize, 1, type(uint48).max);
        check("maxFundingVelocity", config.maxFundingVelocity, 0, uint32(type(int32).max));
        check("takerFee", config.takerFee, 0, 1e4);
        check("makerFee", config.makerFee, 0, config.takerFee);
        check("marginRatio", config.marginRatio, 50, 1e4);
        check("maintenanceFraction", config.maintenanceFraction, 500, 8000);
        check("concentration", config.concentration, 0, 5e4);
        check("volatilityMultiple", config.volatilityMultiple, 0, 2e3);
        check("maxRate", maxRate, 0, 5e4);
    }

    function _checkMagnitude(bytes32 parameter, int256 value, uint256 max) private pure returns (uint256 magnitude) {
        magnitude = FixedPointMathLib.abs(value);
        check(parameter, magnitude, 0, max);
    }
}
