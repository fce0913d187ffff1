// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Words} from "../libraries/Words.sol";
import {InsuranceDraw} from "./Ledger.sol";

/// @notice One side of a market.
/// @param shares of all positions of the side [wad]
/// @param index cumulative payment per share [quote wad]; a position pays its growth, a fall is income
/// @param multiplier base units per share [1e15 = 1]
struct Side {
    uint256 shares;
    int256 index;
    uint256 multiplier;
}

/// @notice Funding of a market. Per-second units make `rate + velocity * dt` exact.
/// @param entrySum sum over positions of `ceil(|shares| * entryIndex)` [quote wad]
/// @param rate funding rate [1e-18 per second], longs pay when positive
/// @param velocity change of the rate [1e-18 per second^2]; constant between fills, as skew is
/// @param accruedAt when the indices were last brought up to date
/// @param maxRate bound on |rate| [1e-4 per day]; beside the rate, so that valuing a position reads one slot less
struct FundingState {
    int256 entrySum;
    int256 rate;
    int256 velocity;
    uint256 accruedAt;
    uint256 maxRate;
}

/// @notice Parameters of a market; `Bounds.checkMarket` holds their ranges.
/// @param skewScale skew at which the price moves by all of itself [1e-9 base units]
/// @param maxOpenInterest cap on each side [1e-4 of skewScale], at most 1: no fill price is negative
/// @param minSize smallest position [1e-9 base units]
/// @param maxFundingVelocity velocity at full skew [1e-18 per second^2]
/// @param takerFee on what grows |skew| [1e-6 of notional]
/// @param makerFee on what shrinks |skew| [1e-6 of notional]
/// @param marginRatio initial margin [1e-4 of notional]
/// @param maintenanceFraction maintenance margin [1e-4 of initial margin, before volatility]
/// @param concentration what the margin ratio grows by at a size of skewScale, in proportion to size [1e-4 of itself]
/// @param volatilityMultiple least initial margin in daily standard deviations of the price [1e-2], 0 for none
struct MarketConfig {
    uint256 skewScale;
    uint256 maxOpenInterest;
    uint256 minSize;
    uint256 maxFundingVelocity;
    uint256 takerFee;
    uint256 makerFee;
    uint256 marginRatio;
    uint256 maintenanceFraction;
    uint256 concentration;
    uint256 volatilityMultiple;
}

/// @notice How a position's margin nets with that of positions in other markets; `Bounds.checkPortfolio` holds the ranges.
/// All parts are in 1e-4 of the market's own margin, so that they hold whatever the margin ratio is.
/// @param hedgeable what offsetting positions may save at most; the rest is a floor that is always required
/// @param loadings on three common factors; what they leave of `hedgeable`, in squares, is the market's own risk
/// @param shocks price moves in eight joint scenarios, negative for a fall, |shock| <= hedgeable
struct PortfolioConfig {
    uint256 hedgeable;
    int256[3] loadings;
    int256[8] shocks;
}

/// @notice All of a market in memory.
struct Market {
    Side longs;
    Side shorts;
    FundingState funding;
    MarketConfig config;
}

/// @dev shares uint96 | index int96 << 96 | multiplier uint56 << 192
type SideWord is uint256;

/// @dev entrySum int128 | rate int48 << 128 | velocity int32 << 176 | accruedAt uint32 << 208 | maxRate uint16 << 240
type FundingWord is uint256;

/// @dev skewScale uint64 | maxOpenInterest uint16 << 64 | minSize uint48 << 80 | maxFundingVelocity uint32 << 128
/// | takerFee uint16 << 160 | makerFee uint16 << 176 | marginRatio uint16 << 192 | maintenanceFraction uint16 << 208
/// | concentration uint16 << 224 | volatilityMultiple uint16 << 240
type ConfigWord is uint256;

/// @dev hedgeable uint16 | loadings int16[3] << 16 | shocks int16[8] << 64
type PortfolioWord is uint256;

/// @notice All of a market in storage: four slots, one that only accounts in portfolio mode read, and one for bad debt.
struct MarketWords {
    SideWord longs;
    SideWord shorts;
    FundingWord funding;
    ConfigWord config;
    PortfolioWord portfolio;
    InsuranceDraw insurance;
}

using Words for SideWord global;
using Words for FundingWord global;
using Words for ConfigWord global;
using Words for PortfolioWord global;
using Words for MarketWords global;
using Words for Side global;
using Words for FundingState global;
using Words for MarketConfig global;
using Words for PortfolioConfig global;
