// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LocalToken} from "./LocalToken.sol";

/// @title LocalFeeToken
/// @notice A token that keeps a part of each transfer, to prove that the clearinghouse refuses it.
contract LocalFeeToken is LocalToken {
    /// @notice Part of each transfer that the token keeps [1e-4].
    uint256 public immutable FEE_BPS;

    /// @param decimals_ as for LocalToken
    /// @param feeBps part of each transfer that the token keeps [1e-4], at most 1e4
    constructor(uint8 decimals_, uint256 feeBps) LocalToken(decimals_) {
        FEE_BPS = feeBps;
    }

    /// @dev The fee goes first, to the token itself; minting is free of it.
    function _update(address from, address to, uint256 value) internal override {
        uint256 fee;
        if (from != address(0) && to != address(0)) {
            fee = value * FEE_BPS / 1e4;
            super._update(from, address(this), fee);
        }
        super._update(from, to, value - fee);
    }
}
