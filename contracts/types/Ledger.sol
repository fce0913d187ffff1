// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Words} from "../libraries/Words.sol";

/// @notice What every fill and every margin check touches.
/// @param poolBalance quote of the liquidity pool [wad], signed
/// @param insuranceBalance quote of the insurance fund [wad]
/// @param poolFeeShare part of each fee that the pool gets [1e-4]; the rest feeds the insurance fund
/// @param minReward least reward of a liquidator, and floor of maintenance margin [1e-2 quote]
/// @param minInitialMargin floor of initial margin [1e-2 quote]
/// @param riskPaused the guardian has stopped all that raises risk
struct Ledger {
    int256 poolBalance;
    uint256 insuranceBalance;
    uint256 poolFeeShare;
    uint256 minReward;
    uint256 minInitialMargin;
    bool riskPaused;
}

/// @notice Parameters of liquidations and floors; `Bounds.checkRisk` holds their ranges.
/// @param minReward least reward of a liquidator, and floor of maintenance margin [1e-2 quote]
/// @param minInitialMargin floor of initial margin [1e-2 quote]
/// @param maxReward largest reward of a liquidator [1e-2 quote]
/// @param rewardRatio reward [1e-6 of the notional closed], at most penaltyRatio
/// @param penaltyRatio penalty [1e-6 of the notional closed]
/// @param targetHealth equity over maintenance margin after a partial liquidation [1e-4], at least 1
/// @param treasuryThreshold insurance balance above which the treasury collects the surplus [quote]
/// @param poolFeeShare part of each fee that the pool gets [1e-4]
struct RiskConfig {
    uint16 minReward;
    uint16 minInitialMargin;
    uint32 maxReward;
    uint16 rewardRatio;
    uint16 penaltyRatio;
    uint16 targetHealth;
    uint64 treasuryThreshold;
    uint16 poolFeeShare;
}

/// @notice What bad debt in one market may take from the insurance fund. Days are those of UTC.
/// @param cap per day [quote]
/// @param day of the last draw, since 1970
/// @param drawn on that day [quote wad]
struct InsuranceDraw {
    uint64 cap;
    uint32 day;
    uint128 drawn;
}

/// @dev poolBalance int104 | insuranceBalance uint96 << 104 | poolFeeShare uint16 << 200 | minReward uint16 << 216
/// | minInitialMargin uint16 << 232 | riskPaused bool << 248
type LedgerWord is uint256;

/// @dev Wad per hundredth of quote.
uint256 constant CENT = 1e16;

using Words for LedgerWord global;
using Words for Ledger global;
