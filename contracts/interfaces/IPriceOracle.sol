// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregator} from "./IAggregator.sol";
import {Guard, Sequencer} from "../types/Guard.sol";
import {Mark} from "../types/Mark.sol";
import {MarketId} from "../types/MarketId.sol";
import {PriceQuality, PriceState} from "../types/PriceState.sol";

/// @title Prices of all markets: Pyth pull updates, checked for age and confidence, with realised variance; compared, where
/// a market has a guard, with Chainlink's.
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
    /// @notice The market's guard did not confirm the price when it was stored.
    error PriceUnconfirmed(MarketId market);
    /// @notice Pyth published a price or exponent that is not usable.
    error PriceInvalid(MarketId market, int64 price, int32 exponent);
    /// @notice Lists of unequal lengths, or empty ones.
    error UpdateMalformed(uint256 markets, uint256 updates);

    /// @notice A newer price was stored.
    event PriceUpdated(
        MarketId indexed market, uint256 price, uint256 confidence, uint256 publishedAt, uint256 variance
    );
    /// @notice The market's guard did not confirm the price that was just stored.
    event PriceDoubted(MarketId indexed market, uint256 publishedAt);
    /// @notice A market's guard was set, or removed where it is all zero; the price held is confirmed just without one.
    event GuardSet(MarketId indexed market, Guard guard);
    /// @notice The sequencer's feed was set.
    event SequencerSet(IAggregator feed, uint32 gracePeriod);
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
    /// @return confidence half-width of its confidence interval [1e-6 of price], up
    /// @return isConfirmed whether the market's guard confirms it now, or the market has none
    /// @return publishedAt when it was published
    /// @dev Errors: those of `update`, PriceUncertain.
    function parseFirst(MarketId market, bytes[] calldata updateData, uint64 minPublishTime, uint64 maxPublishTime)
        external
        payable
        returns (uint256 price, uint256 confidence, bool isConfirmed, uint256 publishedAt);

    /// @notice Sets the feed and the limits of a market. Restricted. The price starts missing when the feed changes.
    /// @dev Errors: ParameterOutOfBounds.
    function setFeed(MarketId market, bytes32 feedId, uint16 maxAge, uint16 maxConfidence) external;

    /// @notice Sets the guard of a market: prices stored from now on are confirmed just when `aggregator` answers with a
    /// price near them. Restricted. The price that is held stays unconfirmed until a newer one comes.
    /// @param aggregator of Chainlink, for the same price; zero removes the guard, and the price held needs it no longer
    /// @param maxAge oldest answer that may be used [seconds]
    /// @param maxDeviation of a price from the answer [1e-4 of the answer]
    /// @dev Errors: ParameterOutOfBounds; the aggregator must tell its decimals.
    function setGuard(MarketId market, IAggregator aggregator, uint32 maxAge, uint16 maxDeviation) external;

    /// @notice Sets the L2 sequencer's uptime feed: while it does not say that the sequencer has been up for `gracePeriod`
    /// seconds, no guard confirms a price. Restricted.
    /// @param feed of Chainlink; zero removes it
    /// @dev Errors: ParameterOutOfBounds.
    function setSequencer(IAggregator feed, uint32 gracePeriod) external;

    /// @notice Price of `market` [wad].
    /// @dev Errors: PriceMissing, PriceStale, PriceUncertain.
    function priceOf(MarketId market) external view returns (uint256 price);

    /// @notice Price and variance of `market`, and whether they are confirmed.
    /// @dev Errors: those of `priceOf`.
    function markOf(MarketId market) external view returns (Mark);

    /// @notice Price and variance of the markets of a bitmap, lowest first, each of at least `quality`.
    /// @dev Errors: PriceMissing, PriceStale; PriceUncertain where they must be certain; PriceUnconfirmed where confirmed.
    function marksOf(uint256 markets, PriceQuality quality) external view returns (Mark[] memory marks);

    /// @notice All that is held of a market, unchecked.
    function priceState(MarketId market) external view returns (PriceState memory);

    /// @notice The Pyth feed of a market, zero if none.
    function feedOf(MarketId market) external view returns (bytes32);

    /// @notice The guard of a market, all zero if none.
    function guardOf(MarketId market) external view returns (Guard memory);

    /// @notice The feed of the L2 sequencer, all zero if none.
    function sequencer() external view returns (Sequencer memory);
}
