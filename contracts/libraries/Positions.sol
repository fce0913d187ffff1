// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {Position} from "../types/Account.sol";
import {Fill} from "../types/Fill.sol";
import {Market, Side} from "../types/Market.sol";
import {ONE_MULTIPLIER, Shares, toShares} from "../types/Shares.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {FundingRate} from "./FundingRate.sol";
import {Pricing} from "./Pricing.sol";

/// @notice Changes positions and the totals of their market together, in memory.
/// @dev Unchecked: shares of a side fit 96 bits when loaded, a trade adds less than 2^128, and what does not fit when
/// stored is refused there.
/// Functions fill records that are there: one that returned a record would allocate and clear another first.
library Positions {
    using FixedPoint for int256;

    /// @dev A side that was deleveraged down to a billionth is as good as closed; under it shares would outgrow their type.
    uint256 private constant LEAST_MULTIPLIER = 1e6;
    uint256 private constant REMNANT_MULTIPLIER = ONE_MULTIPLIER / 1000;

    /// @notice Open interest of one side would exceed its cap [base wad].
    error OpenInterestExceeded(uint256 openInterest, uint256 cap);

    /// @notice Size of `position` [base wad].
    function sizeOf(Market memory market, Position memory position) internal pure returns (int256) {
        Side memory side = position.shares.isLong() ? market.longs : market.shorts;
        return position.shares.toSize(side.multiplier);
    }

    /// @notice `sizeDelta` as far as it brings `size` nearer to zero; all of `size` where no more than `minSize` would be left:
    /// nobody may hold less, and whole shares may be a wei less than what is asked for.
    function reducing(int256 sizeDelta, int256 size, uint256 minSize) internal pure returns (int256) {
        if (sizeDelta == 0 || (sizeDelta ^ size) >= 0) return 0;
        int256 left = size + sizeDelta;
        return (left ^ size) < 0 || left.abs() <= minSize ? -size : sizeDelta;
    }

    /// @notice Index of the side of `position` [quote wad per share].
    function indexOf(Market memory market, Position memory position) internal pure returns (int256) {
        return position.shares.isLong() ? market.longs.index : market.shorts.index;
    }

    /// @notice Open interest of a side [base wad].
    function openInterest(Side memory side) internal pure returns (uint256) {
        unchecked {
            return side.shares * side.multiplier / ONE_MULTIPLIER;
        }
    }

    /// @notice Longs less shorts [base wad].
    function skewOf(Market memory market) internal pure returns (int256) {
        unchecked {
            return int256(openInterest(market.longs)) - int256(openInterest(market.shorts));
        }
    }

    /// @notice What all positions owe the pool for funding and deleveraging since they were entered, down [quote wad].
    function unsettledDown(Market memory market) internal pure returns (int256) {
        unchecked {
            int256 accrued =
                int256(market.longs.shares) * market.longs.index + int256(market.shorts.shares) * market.shorts.index;
            return accrued.divDown(FixedPoint.WAD) - market.funding.entrySum;
        }
    }

    /// @notice Whether a side was deleveraged to a thousandth or less: nobody joins it before it is empty and starts anew.
    function isRemnant(Side memory side) internal pure returns (bool) {
        return side.multiplier <= REMNANT_MULTIPLIER;
    }

    function requireOpenInterest(Side memory side, uint256 cap) internal pure {
        uint256 open = openInterest(side);
        if (open > cap) revert OpenInterestExceeded(open, cap);
    }

    /// @notice Settles the position's funding and changes its size by about `sizeDelta` at `price` moved by skew.
    /// @dev The caller has accrued the market. Flipping through zero closes one side and opens the other. Sizes round
    /// to whole shares, so `fill.sizeDelta` is what really changed. A side that grows must stay within its cap, which also
    /// keeps the cost's bracket from going negative.
    /// @param size of the position before
    /// @param fill overwritten with what was done
    /// @return sizeAfter of the position
    function change(
        Market memory market,
        Position memory position,
        int256 size,
        int256 sizeDelta,
        uint256 price,
        Fill memory fill
    ) internal pure returns (int256 sizeAfter) {
        int256 skew = skewOf(market);
        sizeAfter = resize(market, position, size, sizeDelta, fill);
        sizeDelta = fill.sizeDelta;
        if (sizeAfter != 0 && sizeAfter ^ sizeDelta >= 0) {
            Side memory side = sizeAfter > 0 ? market.longs : market.shorts;
            requireOpenInterest(side, isRemnant(side) ? 0 : Pricing.openInterestCap(market.config));
        }
        fill.cost = Pricing.costUp(sizeDelta, price, skew, Pricing.depth(market.config));
        fill.fee = Pricing.feeUp(market.config, sizeDelta, price, skew);
    }

    /// @notice Settles the position's funding and changes its size by about `sizeDelta`; what that costs is for the caller
    /// to say.
    /// @dev See `change`. Of `fill` it sets `sizeDelta` and `funding`.
    function resize(Market memory market, Position memory position, int256 size, int256 sizeDelta, Fill memory fill)
        internal
        pure
        returns (int256 sizeAfter)
    {
        unchecked {
            fill.funding = _remove(market, position);
            Side memory side = size + sizeDelta > 0 ? market.longs : market.shorts;
            _put(market, side, position, size + sizeDelta);
            sizeAfter = position.shares.toSize(side.multiplier);
            fill.sizeDelta = sizeAfter - size;
        }
        market.funding.velocity = FundingRate.velocityAt(market.config, skewOf(market));
    }

    /// @notice Cuts the multiplier of the side that outweighs the other, so that `fraction` of the skew is gone, and pays
    /// every position of the side for what it loses, at `price`: each gives up the same part of its size and nothing else.
    /// @dev The caller has accrued the market. The multiplier keeps at least `LEAST_MULTIPLIER`. All roundings are against
    /// the positions.
    /// @param paysUnwinding whether the side shares what unwinding that much of the skew pays beyond `price`
    /// @return cut of the multiplier, 0 where nothing changed
    function deleverage(Market memory market, uint256 fraction, uint256 price, bool paysUnwinding)
        internal
        pure
        returns (uint256 cut)
    {
        unchecked {
            int256 skew = skewOf(market);
            Side memory side = skew > 0 ? market.longs : market.shorts;
            if (skew == 0 || side.multiplier <= LEAST_MULTIPLIER) return 0;
            uint256 closed = FixedPointMathLib.divUp(skew.abs() * fraction, 1e18);
            cut = FixedPointMathLib.min(
                FixedPointMathLib.divUp(side.multiplier * closed, openInterest(side)),
                side.multiplier - LEAST_MULTIPLIER
            );
            int256 paid = int256(cut * price);
            side.index += skew > 0 ? -paid.divDown(int256(ONE_MULTIPLIER)) : paid.divUp(int256(ONE_MULTIPLIER));
            side.multiplier -= cut;
            int256 skewAfter = skewOf(market);
            if (paysUnwinding) {
                uint256 released = FixedPointMathLib.zeroFloorSub(
                    Pricing.potentialUp(market.config, skew, price),
                    Pricing.potentialUp(market.config, skewAfter, price)
                );
                side.index -= int256(released * 1e18 / side.shares);
            }
            market.funding.velocity = FundingRate.velocityAt(market.config, skewAfter);
        }
    }

    /// @dev Takes the position out of its side's totals; returns the funding that it owes. A side that is left empty
    /// starts anew at a multiplier of one.
    function _remove(Market memory market, Position memory position) private pure returns (int256 funding) {
        unchecked {
            Shares shares = position.shares;
            if (shares.isZero()) return 0;
            Side memory side = shares.isLong() ? market.longs : market.shorts;
            funding = shares.indexedUp(side.index - position.entryIndex);
            side.shares -= shares.magnitude();
            if (side.shares == 0) side.multiplier = ONE_MULTIPLIER;
            market.funding.entrySum -= shares.indexedUp(position.entryIndex);
        }
    }

    /// @dev Puts a position of `size` into the totals of `side`, at its index of now.
    function _put(Market memory market, Side memory side, Position memory position, int256 size) private pure {
        unchecked {
            Shares shares = toShares(size, side.multiplier);
            position.shares = shares;
            if (shares.isZero()) {
                position.entryIndex = 0;
                return;
            }
            position.entryIndex = side.index;
            side.shares += shares.magnitude();
            market.funding.entrySum += shares.indexedUp(side.index);
        }
    }
}
