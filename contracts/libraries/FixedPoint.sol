// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Signed division with the rounding in the name; Solidity's own goes towards zero.
library FixedPoint {
    int256 internal constant WAD = 1e18;

    /// @notice `floor(numerator / denominator)`.
    /// @dev `denominator > 0`, by every caller.
    function divDown(int256 numerator, int256 denominator) internal pure returns (int256 quotient) {
        quotient = numerator / denominator;
        if (numerator % denominator < 0) quotient -= 1;
    }

    /// @notice `ceil(numerator / denominator)`.
    /// @dev `denominator > 0`, by every caller.
    function divUp(int256 numerator, int256 denominator) internal pure returns (int256 quotient) {
        quotient = numerator / denominator;
        if (numerator % denominator > 0) quotient += 1;
    }

    /// @notice `min(max(value, -bound), bound)`.
    function clampSymmetric(int256 value, int256 bound) internal pure returns (int256) {
        if (value > bound) return bound;
        return value < -bound ? -bound : value;
    }

    function abs(int256 value) internal pure returns (uint256) {
        return value < 0 ? uint256(-value) : uint256(value);
    }
}
