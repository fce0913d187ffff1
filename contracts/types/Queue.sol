// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Requests} from "../libraries/Requests.sol";

/// @notice One request of a queue. Two slots, of which a deposit leaves the second alone until it is settled; a cancelled
/// one is all zero.
/// @param controller whose it is
/// @param requestedAt [seconds]
/// @param low bits of the amount requested, what was cancelled taken off: asset units of a deposit, shares of a redemption
/// @param high bits of it
/// @param end claims of the controller, in the order of his requests, that this one ends at; zero until it is over
struct Request {
    address controller;
    uint40 requestedAt;
    uint56 low;
    uint72 high;
    uint128 end;
}

/// @notice What a controller may claim of all his requests of a queue. Two slots.
/// @param amount of what was requested
/// @param payout for it
/// @param claimed amount so far
struct Claim {
    uint128 amount;
    uint128 payout;
    uint128 claimed;
}

/// @notice Requests in their order. Ids start at 2: the slot is never zero, and the first request costs what others do.
/// @param done id of the last request that is over; the head of the queue is the next one
/// @param made id of the last request
/// @param filled part of the head's amount that is settled already
struct Queue {
    uint64 done;
    uint64 made;
    uint128 filled;
    mapping(uint256 id => Request) requests;
    mapping(address controller => Claim) claims;
}

using Requests for Queue global;
using Requests for Claim global;
using Requests for Request global;
