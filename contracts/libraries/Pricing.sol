// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MarketConfig} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Skew-priced fills: the cost of a fill is a difference of the potential `price * skew^2 / (2 * skewScale)`
/// beside `sizeDelta * price`, so splitting an order gains nothing and a round trip at one price costs its fees.
library Pricing {
    using FixedPoint for int256;
    using SafeCast for uint256;

    /// @dev 1e-6 fee units times wad.
    uint256 private constant FEE_SCALE = 1e24;

    /// @notice Quote paid for `sizeDelta` at `skew`, up; negative when received.
    /// @dev sizeDelta * price * (2*scale + 2*skew + sizeDelta) / (2*scale). The bracket is not negative, because open
    /// interest, and so |skew| before and after, is at most scale.
    function costUp(int256 sizeDelta, uint256 price, int256 skew, uint256 scale) internal pure returns (int256) {
        uint256 bracket = uint256(2 * int256(scale) + 2 * skew + sizeDelta);
        uint256 notional = sizeDelta.abs() * price;
        if (sizeDelta > 0) {
            return Math.mulDiv(notional, bracket, 2 * scale * 1e18, Math.Rounding.Ceil).toInt256();
        }
        return -Math.mulDiv(notional, bracket, 2 * scale * 1e18).toInt256();
    }

    /// @notice Taker fee on the part of `sizeDelta` that grows |skew|, maker fee on the part that shrinks it, up.
    function feeUp(MarketConfig memory config, int256 sizeDelta, uint256 price, int256 skew)
        internal
        pure
        returns (uint256)
    {
        uint256 size = sizeDelta.abs();
        uint256 making = (sizeDelta > 0) == (skew > 0) ? 0 : Math.min(size, skew.abs());
        uint256 charged = making * config.makerFee + (size - making) * config.takerFee;
        return Math.ceilDiv(charged * price, FEE_SCALE);
    }

    /// @notice Average price of a fill, rounded against the trader.
    function averagePrice(int256 sizeDelta, int256 cost) internal pure returns (uint256) {
        uint256 value = cost.abs() * 1e18;
        return sizeDelta > 0 ? Math.ceilDiv(value, sizeDelta.abs()) : value / sizeDelta.abs();
    }

    /// @notice The depth of a market in base wad.
    function depth(MarketConfig memory config) internal pure returns (uint256) {
        return uint256(config.skewScale) * 1e9;
    }

    /// @notice The cap on the open interest of one side in base wad, down.
    function openInterestCap(MarketConfig memory config) internal pure returns (uint256) {
        return depth(config) * config.maxOpenInterest / 1e4;
    }

    /// @notice The smallest position in base wad.
    function minSize(MarketConfig memory config) internal pure returns (uint256) {
        return uint256(config.minSize) * 1e9;
    }
}
