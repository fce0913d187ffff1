// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One side of a market, one slot.
/// @param shares of all positions of the side [wad]
/// @param index cumulative payment per share [quote wad]; a position pays its growth, a fall is income
/// @param multiplier base units per share [1e15 = 1]
struct Side {
    uint96 shares;
    int96 index;
    uint56 multiplier;
}

/// @notice Funding of a market, one slot. Per-second units make `rate + velocity * dt` exact.
/// @param entrySum sum over positions of `floor(|shares| * entryIndex)` [quote wad]
/// @param rate funding rate [1e-18 per second], longs pay when positive
/// @param velocity change of the rate [1e-18 per second^2]; constant between fills, as skew is
/// @param accruedAt when the indices were last brought up to date
/// @param maxRate bound on |rate| [1e-4 per day]; beside the rate, so that valuing a position reads one slot less
struct FundingState {
    int128 entrySum;
    int48 rate;
    int32 velocity;
    uint32 accruedAt;
    uint16 maxRate;
}

/// @notice Parameters of a market, one slot.
/// @param skewScale skew at which the price moves by all of itself [1e-9 base units]
/// @param maxOpenInterest cap on each side [1e-4 of skewScale], at most 1: no fill price is negative
/// @param minSize smallest position [1e-9 base units]
/// @param maxFundingVelocity velocity at full skew [1e-18 per second^2]
/// @param takerFee on what grows |skew| [1e-6 of notional]
/// @param makerFee on what shrinks |skew| [1e-6 of notional]
/// @param marginRatio initial margin [1e-4 of notional]
/// @param maintenanceFraction maintenance margin [1e-4 of initial margin]
struct MarketConfig {
    uint64 skewScale;
    uint16 maxOpenInterest;
    uint48 minSize;
    uint32 maxFundingVelocity;
    uint16 takerFee;
    uint16 makerFee;
    uint16 marginRatio;
    uint16 maintenanceFraction;
}

/// @notice All of a market: four slots.
struct Market {
    Side longs;
    Side shorts;
    FundingState funding;
    MarketConfig config;
}
