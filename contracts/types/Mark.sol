// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a margin check asks of the oracle, in one word: price uint96 | variance uint64 << 96.
/// A price alone is a mark without variance: one at which volatility raises nothing.
type Mark is uint256;

using {price, variance} for Mark global;

/// @notice USD per base unit [wad].
function price(Mark mark) pure returns (uint256) {
    return uint96(Mark.unwrap(mark));
}

/// @notice Exponentially weighted variance of returns [wad per day].
function variance(Mark mark) pure returns (uint256) {
    return Mark.unwrap(mark) >> 96;
}
