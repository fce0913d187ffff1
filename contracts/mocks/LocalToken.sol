// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title LocalToken
/// @notice A settlement token for local chains and test networks: anyone mints any amount.
contract LocalToken is ERC20 {
    uint8 private immutable _DECIMALS;

    /// @param decimals_ 6 for the clearinghouse, which refuses all else
    constructor(uint8 decimals_) ERC20("Local USD", "USDL") {
        _DECIMALS = decimals_;
    }

    /// @notice Mints `amount` token units to `account`.
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _DECIMALS;
    }
}
