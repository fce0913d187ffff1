// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregator} from "../interfaces/IAggregator.sol";

/// @notice A second opinion on a market's price. One slot.
/// @param aggregator asked, zero if there is none
/// @param maxAge oldest answer that may be used [seconds]
/// @param maxDeviation of the price from the answer [1e-4 of the answer]
/// @param decimals of the answer
struct Guard {
    IAggregator aggregator;
    uint32 maxAge;
    uint16 maxDeviation;
    uint8 decimals;
}

/// @notice What tells whether the sequencer of an L2 runs. One slot.
/// @param feed asked, zero if there is none
/// @param gracePeriod for which it must have run [seconds]
struct Sequencer {
    IAggregator feed;
    uint32 gracePeriod;
}
