// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title LocalWallet
/// @notice A contract that owns accounts and signs (EIP-1271) what it was told to.
/// @dev For local chains only: it does what anyone says.
contract LocalWallet is IERC1271 {
    mapping(bytes32 hash => bool) public isApproved;

    event ApprovalSet(bytes32 indexed hash, bool approved);

    /// @notice Approves a hash, or takes that back.
    function setApproval(bytes32 hash, bool approved) external {
        isApproved[hash] = approved;
        emit ApprovalSet(hash, approved);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return isApproved[hash] ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
