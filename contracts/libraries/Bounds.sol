// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A parameter is within its bounds, at both ends.
library Bounds {
    /// @notice A parameter is outside [min, max].
    error ParameterOutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);

    function check(bytes32 parameter, uint256 value, uint256 min, uint256 max) internal pure {
        if (value < min || value > max) revert ParameterOutOfBounds(parameter, value, min, max);
    }
}
