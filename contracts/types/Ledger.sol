// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What every fill touches, one slot.
/// @param poolBalance quote of the liquidity pool [wad], signed
/// @param insuranceBalance quote of the insurance fund [wad]
/// @param poolFeeShare part of each fee that the pool gets [1e-4]; the rest feeds the insurance fund
/// @param riskPaused the guardian has stopped all that raises risk
struct Ledger {
    int128 poolBalance;
    uint104 insuranceBalance;
    uint16 poolFeeShare;
    bool riskPaused;
}

/// @notice Parameters of liquidations and floors, one slot.
/// @param minReward least reward of a liquidator [1e-6 quote]
/// @param maxReward largest reward of a liquidator [1e-6 quote]
/// @param minInitialMargin least initial margin of an account with a position [1e-6 quote]
/// @param rewardRatio reward [1e-6 of the notional closed], at most penaltyRatio
/// @param penaltyRatio penalty [1e-6 of the notional closed]
/// @param targetHealth equity over maintenance margin after a partial liquidation [1e-4], at least 1
/// @param treasuryThreshold insurance balance [quote units] above which the treasury collects the surplus
struct RiskConfig {
    uint48 minReward;
    uint48 maxReward;
    uint48 minInitialMargin;
    uint16 rewardRatio;
    uint16 penaltyRatio;
    uint16 targetHealth;
    uint64 treasuryThreshold;
}
