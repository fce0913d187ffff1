// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Exponentially weighted variance of returns at irregular times, without logarithm or exponential.
/// @dev Unchecked: prices < 2^96, variance < 2^64, times < 2^40.
library Volatility {
    uint256 private constant WAD = 1e18;
    uint256 private constant SECONDS_PER_DAY = 86_400;
    /// @dev Largest squared return that one update may count [wad]: one print cannot move the variance without bound.
    uint256 private constant MAX_SQUARED_RETURN = 0.25e18;

    /// @notice `(variance * tau + squaredReturn * day) / (tau + elapsed)`, down [wad per day], saturating.
    /// @dev squaredReturn = (price - previous)^2 / (price * previous), capped. A return spread over `elapsed` has the
    /// daily variance `squaredReturn * day / elapsed` and the weight `elapsed / (tau + elapsed)`.
    function updatedVariance(uint256 variance, uint256 previous, uint256 price, uint256 elapsed, uint256 tau)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 change = price > previous ? price - previous : previous - price;
            uint256 squaredReturn = change * WAD / price * change / previous;
            if (squaredReturn > MAX_SQUARED_RETURN) squaredReturn = MAX_SQUARED_RETURN;
            uint256 updated = (variance * tau + squaredReturn * SECONDS_PER_DAY) / (tau + elapsed);
            return updated > type(uint64).max ? type(uint64).max : updated;
        }
    }
}
