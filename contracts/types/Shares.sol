// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Shares of one side of a market [wad], positive on the long side, negative on the short side.
/// A position's size is `shares * multiplier`; a type of its own, so that shares and sizes cannot be mixed.
/// @dev Shares of a position fit 128 bits, prices and indices 97 bits, multipliers 50 bits: no product here overflows.
type Shares is int256;

using {magnitude, isLong, isZero, toSize, indexedUp} for Shares global;

/// @dev A multiplier of one. It only falls, pro rata, when a side is deleveraged.
uint256 constant ONE_MULTIPLIER = 1e15;

/// @notice `size / multiplier`, towards zero: whoever trades never gets more than was asked for.
function toShares(int256 size, uint256 multiplier) pure returns (Shares) {
    unchecked {
        return Shares.wrap((size * int256(ONE_MULTIPLIER)) / int256(multiplier));
    }
}

/// @notice `shares * multiplier`, down [base wad]: a long has no more than its part of the side's open interest, a short
/// owes no less, so that what all positions claim never exceeds what the pool owes.
function toSize(Shares shares, uint256 multiplier) pure returns (int256 size) {
    unchecked {
        int256 product = Shares.unwrap(shares) * int256(multiplier);
        size = product / int256(ONE_MULTIPLIER);
        if (product % int256(ONE_MULTIPLIER) < 0) size -= 1;
    }
}

function magnitude(Shares shares) pure returns (uint256) {
    unchecked {
        int256 raw = Shares.unwrap(shares);
        return uint256(raw < 0 ? -raw : raw);
    }
}

function isLong(Shares shares) pure returns (bool) {
    return Shares.unwrap(shares) > 0;
}

function isZero(Shares shares) pure returns (bool) {
    return Shares.unwrap(shares) == 0;
}

/// @notice `|shares| * perShare`, up: what a position pays when `perShare` is a growth of its side's index, and what it
/// adds to its market's entry sum, which is taken from the pool's claim.
function indexedUp(Shares shares, int256 perShare) pure returns (int256 quote) {
    unchecked {
        int256 product = int256(shares.magnitude()) * perShare;
        quote = product / 1e18;
        if (product % 1e18 > 0) quote += 1;
    }
}
