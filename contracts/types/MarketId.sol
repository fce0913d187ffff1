// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibBit} from "solady/utils/LibBit.sol";

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

/// @dev A bitmap without its lowest market; the empty one stays empty.
function withoutLowest(uint256 bitmap) pure returns (uint256) {
    unchecked {
        return bitmap & (bitmap - 1);
    }
}

/// @dev The lowest market of a bitmap that is not empty.
function lowestMarket(uint256 bitmap) pure returns (MarketId) {
    return MarketId.wrap(uint8(LibBit.ffs(bitmap)));
}
