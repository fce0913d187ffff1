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
/// @param keeperFee paid to whoever settles, for each fill [quote wad]
/// @param reduceOnly whether it only brings a position nearer to zero: clamped to it when filled; a rest of the smallest size or
/// less goes along
struct Order {
    AccountId account;
    MarketId market;
    uint8 slot;
    uint40 expiresAt;
    int128 sizeDelta;
    uint128 acceptablePrice;
    uint96 keeperFee;
    bool reduceOnly;
}

/// @notice What an order waits for.
/// Limit: a price at least as good as `triggerPrice`; with `reduceOnly` a take-profit. Stop: a price at least as bad; with
/// `reduceOnly` a stop-loss. TrailingStop: a price worse by `distance` than the best since it was placed. Twap: its turn,
/// slice by slice. Bracket: an entry, then whichever of stop and target comes first.
enum OrderKind {
    Market,
    Limit,
    Stop,
    TrailingStop,
    Twap,
    Bracket
}

/// @notice The terms of an order that rests; what its kind has no use for is zero.
/// @param kind what it waits for
/// @param triggerPrice of a limit or a stop; limit of a bracket's entry, zero for an entry at once [wad]
/// @param stopPrice of a bracket [wad]
/// @param targetPrice of a bracket, and the worst fill of its target [wad]
/// @param distance of a trailing stop from the best price [1e-6]
/// @param slices of a TWAP
/// @param interval from slice to slice [seconds]
struct Terms {
    OrderKind kind;
    uint96 triggerPrice;
    uint96 stopPrice;
    uint96 targetPrice;
    uint32 distance;
    uint16 slices;
    uint32 interval;
}

/// @notice What of a resting order is next: its only fill, or a bracket's entry; then both exits of a bracket; one of
/// them, once it is triggered.
enum Leg {
    Entry,
    Exits,
    Stop,
    Target
}

/// @notice How far a resting order is. One slot, zero until something happens to it.
/// @param leg that is next
/// @param triggeredAt when it was triggered, zero while it waits [seconds]
/// @param activeAt when the bracket's exits began to wait [seconds]
/// @param slices of a TWAP that are over
/// @param mark best price of a trailing stop so far, zero before the first [wad]
/// @param markedAt when the mark was published [seconds]
struct Progress {
    Leg leg;
    uint40 triggeredAt;
    uint40 activeAt;
    uint16 slices;
    uint96 mark;
    uint40 markedAt;
}
