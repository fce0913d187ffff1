// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Mark} from "../types/Mark.sol";
import {MarketId} from "../types/MarketId.sol";
import {PriceState} from "../types/PriceState.sol";

/// @title Prices of all markets: Pyth pull updates, checked for age and confidence, with realised variance.
/// @dev Assumes of Pyth: prices are signed by its publishers' quorum, publish times never run ahead of the
/// chain's clock by more than the chain's drift, and one feed has one price per publish time.
interface IPriceOracle {
    /// @notice `market` has no feed.
    error FeedUnknown(MarketId market);
    /// @notice `market` has no price yet.
    error PriceMissing(MarketId market);
    /// @notice The latest price is older than `maxAge` seconds.
    error PriceStale(MarketId market, uint256 publishedAt, uint256 maxAge);
    /// @notice The price's confidence interval is wider than allowed [1e-6 of price].
    error PriceUncertain(MarketId market, uint256 confidence, uint256 maxConfidence);
    /// @notice Pyth published a price or exponent that is not usable.
    error PriceInvalid(MarketId market, int64 price, int32 exponent);
    /// @notice Lists of unequal lengths, or empty ones.
    error UpdateMalformed(uint256 markets, uint256 updates);

    /// @notice A newer price was stored.
    event PriceUpdated(
        MarketId indexed market, uint256 price, uint256 confidence, uint256 publishedAt, uint256 variance
    );
    /// @notice A market's feed and limits were set.
    event FeedSet(MarketId indexed market, bytes32 feedId, uint16 maxAge, uint16 maxConfidence);

    /// @notice Verifies Pyth updates and stores those that are newer than what is held; older ones change nothing.
    /// @param markets that the updates are for
    /// @param updateData as published by Pyth
    /// @dev Send Pyth's update fee as value. Errors: FeedUnknown, UpdateMalformed, PriceInvalid, and Pyth's own.
    function update(MarketId[] calldata markets, bytes[] calldata updateData) external payable;

    /// @notice Verifies that an update holds the first price published at or after `minPublishTime`, and not after
    /// `maxPublishTime`, nor in the future; stores it if it is newer than what is held.
    /// @return price [wad]
    /// @dev Errors: those of `update`, PriceUncertain.
    function parseFirst(MarketId market, bytes[] calldata updateData, uint64 minPublishTime, uint64 maxPublishTime)
        external
        payable
        returns (uint256 price);

    /// @notice Sets the feed and the limits of a market. Restricted. The price starts missing when the feed changes.
    /// @dev Errors: ParameterOutOfBounds.
    function setFeed(MarketId market, bytes32 feedId, uint16 maxAge, uint16 maxConfidence) external;

    /// @notice Price of `market` [wad].
    /// @dev Errors: PriceMissing, PriceStale, PriceUncertain.
    function priceOf(MarketId market) external view returns (uint256 price);

    /// @notice Price and variance of `market`.
    /// @dev Errors: those of `priceOf`.
    function markOf(MarketId market) external view returns (Mark);

    /// @notice Price and variance of the markets of a bitmap, lowest first.
    /// @dev Errors: those of `priceOf`.
    function marksOf(uint256 markets) external view returns (Mark[] memory marks);

    /// @notice The same, however wide the confidence interval: what liquidations and deleveragings go by.
    /// @dev Errors: PriceMissing, PriceStale.
    function freshMarksOf(uint256 markets) external view returns (Mark[] memory marks);

    /// @notice All that is held of a market, unchecked.
    function priceState(MarketId market) external view returns (PriceState memory);

    /// @notice The Pyth feed of a market, zero if none.
    function feedOf(MarketId market) external view returns (bytes32);
}
