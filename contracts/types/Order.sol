// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountId} from "./AccountId.sol";
import {MarketId} from "./MarketId.sol";

/// @notice An order to change a position.
/// @param account that trades
/// @param market traded
/// @param slot of the account's 256 order slots
/// @param expiresAt last time at which it may settle [seconds]
/// @param sizeDelta change of the position [base wad], positive buys
/// @param acceptablePrice worst average fill price [wad]
/// @param keeperFee paid to whoever settles [quote wad]
struct Order {
    AccountId account;
    MarketId market;
    uint8 slot;
    uint40 expiresAt;
    int128 sizeDelta;
    uint128 acceptablePrice;
    uint96 keeperFee;
}
