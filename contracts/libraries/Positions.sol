// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Position} from "../types/Account.sol";
import {Fill} from "../types/Fill.sol";
import {Market, Side} from "../types/Market.sol";
import {ONE_MULTIPLIER, Shares, toShares} from "../types/Shares.sol";
import {FundingRate} from "./FundingRate.sol";
import {Pricing} from "./Pricing.sol";

/// @notice Changes positions and the totals of their market together, in memory.
library Positions {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice Open interest of one side would exceed its cap [base wad].
    error OpenInterestExceeded(uint256 openInterest, uint256 cap);

    /// @notice The side of `market` that `shares` belong to.
    function sideOf(Market memory market, Shares shares) internal pure returns (Side memory) {
        return shares.isLong() ? market.longs : market.shorts;
    }

    /// @notice Size of `position` [base wad].
    function sizeOf(Market memory market, Position memory position) internal pure returns (int256) {
        return position.shares.toSize(sideOf(market, position.shares).multiplier);
    }

    /// @notice Open interest of a side [base wad].
    function openInterest(Side memory side) internal pure returns (uint256) {
        return uint256(side.shares) * side.multiplier / ONE_MULTIPLIER;
    }

    /// @notice Longs less shorts [base wad].
    function skewOf(Market memory market) internal pure returns (int256) {
        return int256(openInterest(market.longs)) - int256(openInterest(market.shorts));
    }

    function requireOpenInterest(Side memory side, uint256 cap) internal pure {
        uint256 open = openInterest(side);
        if (open > cap) revert OpenInterestExceeded(open, cap);
    }

    /// @notice Settles the position's funding and changes its size by about `sizeDelta` at `price` moved by skew.
    /// @dev The caller has accrued the market. Flipping through zero closes one side and opens the other. Sizes round
    /// to whole shares, so `fill.sizeDelta` is what really changed. A side that grows must stay within its cap, which also
    /// keeps the cost's bracket from going negative.
    function change(Market memory market, Position memory position, int256 sizeDelta, uint256 price)
        internal
        pure
        returns (Fill memory fill)
    {
        int256 skew = skewOf(market);
        int256 sizeBefore = sizeOf(market, position);
        fill.funding = _remove(market, position);
        _put(market, position, sizeBefore + sizeDelta);
        int256 sizeAfter = sizeOf(market, position);
        fill.sizeDelta = sizeAfter - sizeBefore;
        if (sizeAfter != 0 && (sizeAfter > 0) == (fill.sizeDelta > 0)) {
            requireOpenInterest(sideOf(market, position.shares), Pricing.openInterestCap(market.config));
        }
        fill.cost = Pricing.costUp(fill.sizeDelta, price, skew, Pricing.depth(market.config));
        fill.fee = Pricing.feeUp(market.config, fill.sizeDelta, price, skew);
        market.funding.velocity = FundingRate.velocityAt(market.config, skewOf(market));
    }

    /// @dev Takes the position out of its side's totals; returns the funding that it owes.
    function _remove(Market memory market, Position memory position) private pure returns (int256 funding) {
        Shares shares = position.shares;
        if (shares.isZero()) return 0;
        Side memory side = sideOf(market, shares);
        funding = shares.indexedUp(int256(side.index) - position.entryIndex);
        side.shares -= uint96(shares.magnitude());
        market.funding.entrySum = (int256(market.funding.entrySum) - shares.indexedDown(position.entryIndex)).toInt128();
    }

    /// @dev Puts a position of `size` into the totals of its side, at the side's index of now.
    function _put(Market memory market, Position memory position, int256 size) private pure {
        Side memory side = size > 0 ? market.longs : market.shorts;
        Shares shares = toShares(size, side.multiplier);
        position.shares = shares;
        position.entryIndex = shares.isZero() ? int128(0) : side.index;
        side.shares = (side.shares + shares.magnitude()).toUint96();
        market.funding.entrySum = (int256(market.funding.entrySum) + shares.indexedDown(position.entryIndex)).toInt128();
    }
}
