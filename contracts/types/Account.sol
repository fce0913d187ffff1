// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Words} from "../libraries/Words.sol";
import {Shares} from "./Shares.sol";

/// @notice How an account's positions share its margin.
/// @param Cross many markets, requirements add up
/// @param Isolated at most one market
/// @param Portfolio many markets, positions that offset each other require less; never more than Cross
enum MarginMode {
    Cross,
    Isolated,
    Portfolio
}

/// @notice The header of an account.
/// @param balance quote [wad], signed: a fill moves its whole cost through it
/// @param mode how positions share the margin
/// @param openMarkets bit `m` is set while the account has a position in market `m`
struct Account {
    int256 balance;
    MarginMode mode;
    uint256 openMarkets;
}

/// @notice A position.
/// @param shares of the position's side, signed [wad]
/// @param entryIndex the side's index when funding was last settled [quote wad per share]
struct Position {
    Shares shares;
    int256 entryIndex;
}

/// @dev balance int128 | mode uint8 << 128 | openMarkets uint120 << 136
type AccountWord is uint256;

/// @dev shares int128 | entryIndex int128 << 128
type PositionWord is uint256;

using Words for AccountWord global;
using Words for PositionWord global;
using Words for Account global;
using Words for Position global;

/// @notice What an operator may do for an owner until `expiresAt`, inclusive.
struct Permission {
    uint8 flags;
    uint40 expiresAt;
}

/// @dev Commit and cancel orders.
uint8 constant PERMISSION_TRADE = 1;
/// @dev Move quote between the owner's accounts, set modes and leverage.
uint8 constant PERMISSION_MARGIN = 2;
/// @dev Withdraw, to the owner's own address only.
uint8 constant PERMISSION_WITHDRAW = 4;

/// @notice Value and requirements of an account at current prices [quote wad].
/// @param equity balance + positions at the oracle price - unsettled funding, down
/// @param initialMargin what must be left after more risk is taken or quote leaves, up
/// @param maintenanceMargin under it the account can be liquidated, up
/// @param notional gross notional of all positions, up
struct AccountRisk {
    int256 equity;
    uint256 initialMargin;
    uint256 maintenanceMargin;
    uint256 notional;
}

/// @notice Value and requirements of the pool, as a portfolio of what each market's skew leaves it [quote wad].
/// @param equity balance + positions at the oracle price + unsettled funding of all traders, down
/// @param netAssetValue equity less what traders would be paid for unwinding all skew, down: it does not move when they do
/// @param initialMargin what must be left after money leaves, up
/// @param maintenanceMargin under it the pool can be deleveraged, up
/// @param notional gross notional of all skews, up
/// @param pricedAt publish time of the oldest price that this is made of; now where no market has positions
struct PoolRisk {
    int256 equity;
    int256 netAssetValue;
    uint256 initialMargin;
    uint256 maintenanceMargin;
    uint256 notional;
    uint256 pricedAt;
}
