// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @notice Division with the rounding in the name; Solidity's own goes towards zero. Denominators are positive.
library FixedPoint {
    int256 internal constant WAD = 1e18;

    /// @notice `floor(numerator / denominator)`.
    function divDown(int256 numerator, int256 denominator) internal pure returns (int256 quotient) {
        unchecked {
            quotient = numerator / denominator;
            if (numerator % denominator < 0) quotient -= 1;
        }
    }

    /// @notice `ceil(numerator / denominator)`.
    function divUp(int256 numerator, int256 denominator) internal pure returns (int256 quotient) {
        unchecked {
            quotient = numerator / denominator;
            if (numerator % denominator > 0) quotient += 1;
        }
    }

    /// @notice `ceil(numerator / denominator)`, of numerators that leave room for the denominator.
    function ratioUp(uint256 numerator, uint256 denominator) internal pure returns (uint256) {
        unchecked {
            return (numerator + denominator - 1) / denominator;
        }
    }

    /// @notice `min(max(value, -bound), bound)`.
    function clampSymmetric(int256 value, int256 bound) internal pure returns (int256) {
        unchecked {
            if (value > bound) return bound;
            return value < -bound ? -bound : value;
        }
    }

    /// @notice `ceil(sqrt(square))`.
    function sqrtUp(uint256 square) internal pure returns (uint256 root) {
        unchecked {
            root = FixedPointMathLib.sqrt(square);
            if (root * root < square) root += 1;
        }
    }

    /// @dev Of any value but the type's minimum, which no bounded product reaches.
    function abs(int256 value) internal pure returns (uint256) {
        unchecked {
            return uint256(value < 0 ? -value : value);
        }
    }
}
