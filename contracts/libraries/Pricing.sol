// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {MarketConfig} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice Skew-priced fills: the cost of a fill is a difference of the potential `price * skew^2 / (2 * scale)`
/// beside `sizeDelta * price`, so splitting an order gains nothing and a round trip at one price costs its fees.
/// @dev Unchecked: sizes < 2^97, prices and depths < 2^96, so a notional < 2^193, in wad < 2^134, times a bracket < 2^99.
library Pricing {
    using FixedPoint for int256;

    uint256 private constant WAD = 1e18;
    /// @dev 1e-6 fee units times wad.
    uint256 private constant FEE_SCALE = 1e24;

    /// @notice Quote paid for `sizeDelta` at `skew`, up; negative when received.
    /// @dev sizeDelta * price * (2*scale + 2*skew + sizeDelta) / (2*scale), rounded twice, both times against the
    /// trader. The bracket is not negative, because open interest, and so |skew| before and after, is at most scale.
    function costUp(int256 sizeDelta, uint256 price, int256 skew, uint256 scale) internal pure returns (int256) {
        unchecked {
            uint256 bracket = uint256(2 * (int256(scale) + skew) + sizeDelta);
            uint256 notional = sizeDelta.abs() * price;
            if (sizeDelta < 0) return -int256(notional / WAD * bracket / (2 * scale));
            return int256(FixedPointMathLib.divUp(FixedPointMathLib.divUp(notional, WAD) * bracket, 2 * scale));
        }
    }

    /// @notice Taker fee on the part of `sizeDelta` that grows |skew|, maker fee on the part that shrinks it, up.
    function feeUp(MarketConfig memory config, int256 sizeDelta, uint256 price, int256 skew)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 size = sizeDelta.abs();
            uint256 making = (sizeDelta ^ skew) < 0 ? FixedPointMathLib.min(size, skew.abs()) : 0;
            uint256 charged = making * config.makerFee + (size - making) * config.takerFee;
            return FixedPointMathLib.divUp(charged * price, FEE_SCALE);
        }
    }

    /// @notice What closing `size` loses against the oracle price: impact and fee, up; negative where impact pays.
    function closeCostUp(MarketConfig memory config, int256 size, uint256 price, int256 skew)
        internal
        pure
        returns (int256)
    {
        unchecked {
            return costUp(-size, price, skew, depth(config)) - worthDown(-size, price)
                + int256(feeUp(config, -size, price, skew));
        }
    }

    /// @notice What traders would be paid beyond the oracle price for unwinding `skew`, up: price * skew^2 / (2*scale).
    function potentialUp(MarketConfig memory config, int256 skew, uint256 price) internal pure returns (uint256) {
        uint256 magnitude = skew.abs();
        return FixedPointMathLib.fullMulDivUp(magnitude * price, magnitude, 2 * depth(config) * WAD);
    }

    /// @notice The end of a price's confidence interval that is worse for the trader; at most what a price can be.
    /// @dev price +- ceil(price * confidence / 1e6), with a confidence of at most 1e6. Unchecked: prices < 2^96.
    function worstOf(uint256 price, uint256 confidence, bool isBuy) internal pure returns (uint256) {
        unchecked {
            uint256 width = FixedPointMathLib.divUp(price * confidence, 1e6);
            return isBuy ? FixedPointMathLib.min(price + width, type(uint96).max) : price - width;
        }
    }

    /// @notice Average price of a fill, rounded against the trader.
    function averagePrice(int256 sizeDelta, int256 cost) internal pure returns (uint256) {
        unchecked {
            uint256 value = cost.abs() * WAD;
            return sizeDelta > 0 ? FixedPointMathLib.divUp(value, uint256(sizeDelta)) : value / uint256(-sizeDelta);
        }
    }

    /// @notice `sizeDelta` at `price`, down [quote wad].
    function worthDown(int256 sizeDelta, uint256 price) internal pure returns (int256) {
        unchecked {
            return (sizeDelta * int256(price)).divDown(FixedPoint.WAD);
        }
    }

    /// @notice The depth of a market in base wad.
    function depth(MarketConfig memory config) internal pure returns (uint256) {
        unchecked {
            return config.skewScale * 1e9;
        }
    }

    /// @notice The cap on the open interest of one side in base wad, down.
    function openInterestCap(MarketConfig memory config) internal pure returns (uint256) {
        unchecked {
            return config.skewScale * 1e9 * config.maxOpenInterest / 1e4;
        }
    }

    /// @notice The smallest position in base wad.
    function minSize(MarketConfig memory config) internal pure returns (uint256) {
        unchecked {
            return config.minSize * 1e9;
        }
    }
}
