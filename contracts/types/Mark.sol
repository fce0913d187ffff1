// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a margin check asks of the oracle, in one word: price uint96 | variance uint64 << 96 | isConfirmed << 160.
/// A price alone is a mark without variance: one at which volatility raises nothing.
type Mark is uint256;

using {price, variance, isConfirmed} for Mark global;

/// @notice USD per base unit [wad].
function price(Mark mark) pure returns (uint256) {
    return uint96(Mark.unwrap(mark));
}

/// @notice Exponentially weighted variance of returns [wad per day].
function variance(Mark mark) pure returns (uint256) {
    return uint64(Mark.unwrap(mark) >> 96);
}

/// @notice Whether the market's guard confirmed the price, or there was none to ask.
function isConfirmed(Mark mark) pure returns (bool) {
    return Mark.unwrap(mark) >> 160 != 0;
}
