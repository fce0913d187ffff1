// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";

/// @title LocalPyth
/// @notice The SDK's mock of the Pyth contract for local chains, driven by the same update path as the real one.
/// @dev Updates come from `createPriceFeedUpdateData`; anyone can make any price, so never deploy it where money is.
contract LocalPyth is MockPyth {
    /// @param validTimePeriodSeconds age after which `getPrice` reverts
    /// @param singleUpdateFee fee per update [wei]
    constructor(uint256 validTimePeriodSeconds, uint256 singleUpdateFee)
        MockPyth(validTimePeriodSeconds, singleUpdateFee)
    {}
}
