// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Words} from "../libraries/Words.sol";

/// @notice What is asked of a price, each including those before it.
/// @param Fresh not older than the market allows
/// @param Certain with a confidence interval not wider than the market allows
/// @param Confirmed by the market's guard when it was stored, where the market has one
enum PriceQuality {
    Fresh,
    Certain,
    Confirmed
}

/// @notice A market's price.
/// @param price USD per base unit [wad]
/// @param publishedAt when the price was published, 0 before the first
/// @param confidence half-width of the confidence interval [1e-6 of price], up, saturating
/// @param variance exponentially weighted variance of returns [wad per day]
/// @param maxAge oldest price that may be used [seconds]
/// @param maxConfidence widest confidence that may be used [1e-4 of price]
/// @param isGuarded whether a guard is asked about the next price
/// @param isConfirmed whether the guard confirmed this one, or there was none to ask
struct PriceState {
    uint256 price;
    uint256 publishedAt;
    uint256 confidence;
    uint256 variance;
    uint256 maxAge;
    uint256 maxConfidence;
    bool isGuarded;
    bool isConfirmed;
}

/// @dev price uint96 | publishedAt uint40 << 96 | confidence uint24 << 136 | variance uint64 << 160 | maxAge uint16 << 224
/// | maxConfidence uint14 << 240 | isGuarded uint1 << 254 | isConfirmed uint1 << 255
type PriceWord is uint256;

using Words for PriceState global;
using Words for PriceWord global;
