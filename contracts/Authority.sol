// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Authority
/// @notice Roles and delays of the whole protocol: OpenZeppelin's AccessManager, named so that it is compiled and
/// deployed with the pinned settings.
contract Authority is AccessManager {
    /// @param initialAdmin holder of the admin role
    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
