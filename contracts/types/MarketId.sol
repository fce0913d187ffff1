// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A listed market: its number in the registry and its bit in an account's bitmap of open markets.
type MarketId is uint8;

using {toBit, toUint} for MarketId global;

/// @dev The bitmap of an account header has 120 bits, so there are at most 120 listed markets.
uint8 constant MAX_MARKETS = 120;

function toBit(MarketId market) pure returns (uint256) {
    return 1 << MarketId.unwrap(market);
}

function toUint(MarketId market) pure returns (uint256) {
    return MarketId.unwrap(market);
}

/// @dev The lowest market of a bitmap that is not empty: isolate the lowest bit, then take its binary logarithm.
function lowestMarket(uint256 bitmap) pure returns (MarketId) {
    uint256 bit = bitmap & (~bitmap + 1);
    uint8 position;
    if (bit >= 1 << 64) (bit, position) = (bit >> 64, 64);
    if (bit >= 1 << 32) (bit, position) = (bit >> 32, position + 32);
    if (bit >= 1 << 16) (bit, position) = (bit >> 16, position + 16);
    if (bit >= 1 << 8) (bit, position) = (bit >> 8, position + 8);
    if (bit >= 1 << 4) (bit, position) = (bit >> 4, position + 4);
    if (bit >= 1 << 2) (bit, position) = (bit >> 2, position + 2);
    if (bit >= 1 << 1) position += 1;
    return MarketId.wrap(position);
}
