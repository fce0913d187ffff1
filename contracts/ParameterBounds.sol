// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {RiskConfig} from "./types/Ledger.sol";
import {MarketConfig, PortfolioConfig} from "./types/Market.sol";
import {MarketId} from "./types/MarketId.sol";

/// @title Every parameter of the clearinghouse is bounded at both ends.
/// @notice Has the clearinghouse's own setters, which return where all is within bounds and revert by name where not. The
/// clearinghouse hands it each setter's calldata as it came, so that checks that run once a month cost its code nothing.
/// @dev Errors: ParameterOutOfBounds.
contract ParameterBounds {
    function listMarket(MarketConfig calldata config, uint16 maxRate) external pure {
        _checkMarket(config, maxRate);
    }

    function setMarket(MarketId, MarketConfig calldata config, uint16 maxRate) external pure {
        _checkMarket(config, maxRate);
    }

    /// @dev A floor of at least 1% keeps a hedge from being free. Loadings within `hedgeable` leave the market's own risk
    /// a square that is not negative, and with the shocks' bound no portfolio requires more than its margins added up.
    function setPortfolio(MarketId, PortfolioConfig calldata config) external pure {
        Bounds.check("hedgeable", config.hedgeable, 0, 9900);
        uint256 squares;
        for (uint256 i; i < config.loadings.length; ++i) {
            squares += _checkMagnitude("loading", config.loadings[i], config.hedgeable) ** 2;
        }
        Bounds.check("loadings", squares, 0, config.hedgeable * config.hedgeable);
        for (uint256 i; i < config.shocks.length; ++i) {
            _checkMagnitude("shock", config.shocks[i], config.hedgeable);
        }
    }

    /// @dev Initial margin of at least five times the least reward outlives the charges of a reducing trade. A least
    /// reward of more than nothing covers the dust of a partial liquidation.
    function setRiskConfig(RiskConfig calldata config) external pure {
        Bounds.check("minReward", config.minReward, 1, 1e4);
        Bounds.check("minInitialMargin", config.minInitialMargin, 5 * uint256(config.minReward), 6e4);
        Bounds.check("maxReward", config.maxReward, config.minReward, 1e8);
        Bounds.check("penaltyRatio", config.penaltyRatio, 0, 5e4);
        Bounds.check("rewardRatio", config.rewardRatio, 0, config.penaltyRatio);
        Bounds.check("targetHealth", config.targetHealth, 1e4, 4e4);
        Bounds.check("treasuryThreshold", config.treasuryThreshold, 0, 1e10);
        Bounds.check("poolFeeShare", config.poolFeeShare, 0, 1e4);
    }

    /// @dev The maker fee is at most the taker fee, which keeps the cost of closing convex (see `Liquidation`).
    function _checkMarket(MarketConfig calldata config, uint16 maxRate) private pure {
        Bounds.check("skewScale", config.skewScale, 1, type(uint64).max);
        Bounds.check("maxOpenInterest", config.maxOpenInterest, 1, 1e4);
        Bounds.check("minSize", config.minSize, 1, type(uint48).max);
        Bounds.check("maxFundingVelocity", config.maxFundingVelocity, 0, uint32(type(int32).max));
        Bounds.check("takerFee", config.takerFee, 0, 1e4);
        Bounds.check("makerFee", config.makerFee, 0, config.takerFee);
        Bounds.check("marginRatio", config.marginRatio, 50, 1e4);
        Bounds.check("maintenanceFraction", config.maintenanceFraction, 500, 8000);
        Bounds.check("concentration", config.concentration, 0, 5e4);
        Bounds.check("volatilityMultiple", config.volatilityMultiple, 0, 2e3);
        Bounds.check("maxRate", maxRate, 0, 5e4);
    }

    function _checkMagnitude(bytes32 parameter, int256 value, uint256 max) private pure returns (uint256 magnitude) {
        magnitude = FixedPointMathLib.abs(value);
        Bounds.check(parameter, magnitude, 0, max);
    }
}
