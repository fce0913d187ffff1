// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {Leg, Order, OrderKind, Progress, Terms} from "../types/Order.sol";
import {FixedPoint} from "./FixedPoint.sol";

/// @notice When an order that rests comes to its turn, and with how much.
library Triggers {
    using FixedPoint for int256;

    uint256 private constant UNIT = 1e6;

    /// @notice Terms that no order of this kind can have: a price missing or without a use, a distance of all or nothing,
    /// slices that overlap or are empty, a stop on the wrong side of its target, a bracket that only reduces.
    error TermsInvalid(OrderKind kind);

    /// @notice Checks that terms are complete and hold nothing that their kind has no use for.
    /// @param minInterval between slices [seconds]
    /// @dev Errors: TermsInvalid.
    function check(Terms calldata terms, Order calldata order, uint256 minInterval) internal pure {
        if (!_isValid(terms, order, minInterval)) revert TermsInvalid(terms.kind);
    }

    /// @notice The leg that `price` triggers, and whether it triggers any.
    /// @dev A buy's limit and a sale's stop are met by low prices, the others by high ones. An exit trades the other way.
    function triggered(Terms calldata terms, Progress memory progress, bool isBuy, uint256 price)
        internal
        pure
        returns (bool, Leg)
    {
        if (terms.kind == OrderKind.Limit) return (_isMet(isBuy, price, terms.triggerPrice), Leg.Entry);
        if (terms.kind == OrderKind.Stop) return (_isMet(!isBuy, price, terms.triggerPrice), Leg.Entry);
        if (terms.kind == OrderKind.TrailingStop) {
            return (progress.mark != 0 && _isMet(!isBuy, price, trailingStop(terms, progress, isBuy)), Leg.Entry);
        }
        if (terms.kind == OrderKind.Twap) return (false, Leg.Entry);
        if (progress.leg == Leg.Entry) {
            return (terms.triggerPrice == 0 || _isMet(isBuy, price, terms.triggerPrice), Leg.Entry);
        }
        if (_isMet(isBuy, price, terms.stopPrice)) return (true, Leg.Stop);
        return (_isMet(!isBuy, price, terms.targetPrice), Leg.Target);
    }

    /// @notice Where a trailing stop stands: its mark less its distance for a sale, more for a buy, both nearer to the mark.
    function trailingStop(Terms calldata terms, Progress memory progress, bool isBuy) internal pure returns (uint256) {
        uint256 mark = progress.mark;
        return
            isBuy
                ? mark * (UNIT + terms.distance) / UNIT
                : FixedPointMathLib.divUp(mark * (UNIT - terms.distance), UNIT);
    }

    /// @notice Whether `price` is a better mark: higher for a sale, lower for a buy, any where there is none.
    function isBetter(Progress memory progress, bool isBuy, uint256 price) internal pure returns (bool) {
        if (progress.mark == 0) return true;
        return isBuy ? price < progress.mark : price > progress.mark;
    }

    /// @notice Size of a slice: what is due after it less what was due before it, each towards zero, so that all slices
    /// add up to the order.
    function sliceOf(int256 sizeDelta, uint256 slices, uint256 number) internal pure returns (int256) {
        int256 count = int256(slices);
        return sizeDelta * int256(number + 1) / count - sizeDelta * int256(number) / count;
    }

    /// @dev Whether a price is at most the bound, or at least.
    function _isMet(bool isBelow, uint256 price, uint256 bound) private pure returns (bool) {
        return isBelow ? price <= bound : price >= bound;
    }

    function _isValid(Terms calldata terms, Order calldata order, uint256 minInterval) private pure returns (bool) {
        OrderKind kind = terms.kind;
        bool isBracket = kind == OrderKind.Bracket;
        bool hasTrigger = kind == OrderKind.Limit || kind == OrderKind.Stop;
        if (kind == OrderKind.Market) return false;
        if (!isBracket && (terms.triggerPrice != 0) != hasTrigger) return false;
        if ((terms.stopPrice != 0) != isBracket || (terms.targetPrice != 0) != isBracket) return false;
        if ((terms.distance != 0) != (kind == OrderKind.TrailingStop) || terms.distance >= UNIT) return false;
        if ((terms.slices != 0) != (kind == OrderKind.Twap) || (terms.interval != 0) != (kind == OrderKind.Twap)) {
            return false;
        }
        if (isBracket) {
            return !order.reduceOnly && order.sizeDelta > type(int128).min
                && (order.sizeDelta > 0 ? terms.stopPrice < terms.targetPrice : terms.stopPrice > terms.targetPrice);
        }
        return kind != OrderKind.Twap
            || (terms.slices > 1 && terms.interval >= minInterval && int256(order.sizeDelta).abs() >= terms.slices);
    }
}
