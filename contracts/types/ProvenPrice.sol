// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketId} from "./MarketId.sol";

/// @notice The first price of a market published since some time.
/// @dev price uint96 | confidence uint24 << 96 | isConfirmed uint1 << 120 | since uint40 << 128 | publishedAt uint40 << 168
/// | market uint8 << 208
type ProvenPrice is uint256;

using {covers, price, confidence, isConfirmed} for ProvenPrice global;

/// @notice The price published at `publishedAt`, none being published from `since` until then.
/// @dev Its parts are those that `IPriceOracle.parseFirst` returns, and fit; `since` is at most `publishedAt`.
function toProvenPrice(
    MarketId market,
    uint256 since,
    uint256 publishedAt,
    uint256 price_,
    uint256 confidence_,
    bool isConfirmed_
) pure returns (ProvenPrice) {
    uint256 flag = isConfirmed_ ? 1 << 120 : 0;
    return ProvenPrice.wrap(
        price_ | confidence_ << 96 | flag | since << 128 | publishedAt << 168 | uint256(MarketId.unwrap(market)) << 208
    );
}

/// @notice Whether it is the market's first price since `earliest` as well.
function covers(ProvenPrice proven, MarketId market, uint256 earliest) pure returns (bool) {
    uint256 word = ProvenPrice.unwrap(proven);
    return word >> 208 == MarketId.unwrap(market) && uint40(word >> 128) <= earliest && earliest <= uint40(word >> 168);
}

function price(ProvenPrice proven) pure returns (uint256) {
    return uint96(ProvenPrice.unwrap(proven));
}

function confidence(ProvenPrice proven) pure returns (uint256) {
    return uint24(ProvenPrice.unwrap(proven) >> 96);
}

function isConfirmed(ProvenPrice proven) pure returns (bool) {
    return ProvenPrice.unwrap(proven) >> 120 & 1 == 1;
}
