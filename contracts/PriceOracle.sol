// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IAggregator} from "./interfaces/IAggregator.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {Rounds} from "./libraries/Rounds.sol";
import {Volatility} from "./libraries/Volatility.sol";
import {Guard, Sequencer} from "./types/Guard.sol";
import {Mark} from "./types/Mark.sol";
import {MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceQuality, PriceState, PriceWord} from "./types/PriceState.sol";

/// @title Pyth prices with realised variance, confirmed by Chainlink where a market has a guard; see IPriceOracle.
contract PriceOracle is IPriceOracle, AccessManaged {
    using Rounds for Guard;
    using Rounds for Sequencer;

    /// @dev Time constant of the variance: half of it fades in about 17 hours.
    uint256 public constant VARIANCE_TAU_SECONDS = 1 days;

    IPyth public immutable PYTH;

    mapping(MarketId market => PriceWord) private _prices;
    mapping(MarketId market => bytes32) public feedOf;
    mapping(MarketId market => Guard) private _guards;
    Sequencer private _sequencer;

    constructor(address authority, IPyth pyth) AccessManaged(authority) {
        PYTH = pyth;
    }

    /// @inheritdoc IPriceOracle
    function update(MarketId[] calldata markets, bytes[] calldata updateData) external payable {
        PythStructs.PriceFeed[] memory feeds = _parse(markets, updateData, 0, uint64(block.timestamp), false);
        for (uint256 i; i < markets.length; ++i) {
            MarketId market = markets[i];
            PythStructs.Price memory update_ = feeds[i].price;
            PriceState memory state = _prices[market].unpack();
            if (update_.publishTime <= state.publishedAt) continue;
            (uint256 price, uint256 confidence) = _toWad(market, update_);
            _store(market, state, price, confidence, update_.publishTime, _isConfirmed(market, state, price));
        }
    }

    /// @inheritdoc IPriceOracle
    function parseFirst(MarketId market, bytes[] calldata updateData, uint64 minPublishTime, uint64 maxPublishTime)
        external
        payable
        returns (uint256 price, uint256 confidence, bool isConfirmed, uint256 publishedAt)
    {
        MarketId[] memory markets = new MarketId[](1);
        markets[0] = market;
        PythStructs.Price memory update_ =
        _parse(
            markets, updateData, minPublishTime, uint64(FixedPointMathLib.min(maxPublishTime, block.timestamp)), true
        )[0].price;
        PriceState memory state = _prices[market].unpack();
        (price, confidence) = _toWad(market, update_);
        isConfirmed = _isConfirmed(market, state, price);
        publishedAt = update_.publishTime;
        if (publishedAt > state.publishedAt) _store(market, state, price, confidence, publishedAt, isConfirmed);
        _requireCertain(market, confidence, state.maxConfidence);
    }

    /// @inheritdoc IPriceOracle
    function setFeed(MarketId market, bytes32 feedId, uint16 maxAge, uint16 maxConfidence) external restricted {
        Bounds.check("maxAge", maxAge, 1, type(uint16).max);
        Bounds.check("maxConfidence", maxConfidence, 1, 1e4);
        PriceState memory state = _prices[market].unpack();
        if (feedOf[market] != feedId) {
            bool isGuarded = state.isGuarded;
            delete state;
            state.isGuarded = isGuarded;
        }
        feedOf[market] = feedId;
        state.maxAge = maxAge;
        state.maxConfidence = maxConfidence;
        _prices[market] = state.pack();
        emit FeedSet(market, feedId, maxAge, maxConfidence);
    }

    /// @inheritdoc IPriceOracle
    function setGuard(MarketId market, IAggregator aggregator, uint32 maxAge, uint16 maxDeviation) external restricted {
        PriceState memory state = _prices[market].unpack();
        state.isGuarded = address(aggregator) != address(0);
        state.isConfirmed = !state.isGuarded;
        Guard memory guard;
        if (state.isGuarded) {
            Bounds.check("maxAge", maxAge, 1, 7 days);
            Bounds.check("maxDeviation", maxDeviation, 1, 5e3);
            guard = Guard(aggregator, maxAge, maxDeviation, aggregator.decimals());
            Bounds.check("decimals", guard.decimals, 0, 18);
        }
        _guards[market] = guard;
        _prices[market] = state.pack();
        emit GuardSet(market, guard);
    }

    /// @inheritdoc IPriceOracle
    function setSequencer(IAggregator feed, uint32 gracePeriod) external restricted {
        Bounds.check("gracePeriod", gracePeriod, 0, 1 days);
        _sequencer = Sequencer(feed, gracePeriod);
        emit SequencerSet(feed, gracePeriod);
    }

    /// @inheritdoc IPriceOracle
    function priceOf(MarketId market) external view returns (uint256) {
        return _wordOf(market, PriceQuality.Certain).price();
    }

    /// @inheritdoc IPriceOracle
    function markOf(MarketId market) external view returns (Mark) {
        return _wordOf(market, PriceQuality.Certain).mark();
    }

    /// @inheritdoc IPriceOracle
    function marksOf(uint256 markets, PriceQuality quality) external view returns (Mark[] memory marks) {
        marks = new Mark[](LibBit.popCount(markets));
        for (uint256 i; i < marks.length; ++i) {
            marks[i] = _wordOf(lowestMarket(markets), quality).mark();
            markets = withoutLowest(markets);
        }
    }

    /// @inheritdoc IPriceOracle
    function priceState(MarketId market) external view returns (PriceState memory) {
        return _prices[market].unpack();
    }

    /// @inheritdoc IPriceOracle
    function guardOf(MarketId market) external view returns (Guard memory) {
        return _guards[market];
    }

    /// @inheritdoc IPriceOracle
    function sequencer() external view returns (Sequencer memory) {
        return _sequencer;
    }

    function _wordOf(MarketId market, PriceQuality quality) private view returns (PriceWord word) {
        word = _prices[market];
        uint256 publishedAt = word.publishedAt();
        if (publishedAt == 0) revert PriceMissing(market);
        unchecked {
            if (block.timestamp > publishedAt + word.maxAge()) revert PriceStale(market, publishedAt, word.maxAge());
        }
        if (quality == PriceQuality.Fresh) return word;
        _requireCertain(market, word.confidence(), word.maxConfidence());
        if (quality == PriceQuality.Confirmed && !word.isConfirmed()) revert PriceUnconfirmed(market);
    }

    /// @dev Verification is Pyth's. With `isFirst` it also proves that no price of the feed was published between
    /// `minPublishTime` and the one returned.
    function _parse(
        MarketId[] memory markets,
        bytes[] calldata updateData,
        uint64 minPublishTime,
        uint64 maxPublishTime,
        bool isFirst
    ) private returns (PythStructs.PriceFeed[] memory feeds) {
        if (markets.length == 0 || updateData.length == 0) {
            revert UpdateMalformed(markets.length, updateData.length);
        }
        bytes32[] memory feedIds = new bytes32[](markets.length);
        for (uint256 i; i < markets.length; ++i) {
            feedIds[i] = feedOf[markets[i]];
            if (feedIds[i] == 0) revert FeedUnknown(markets[i]);
        }
        (feeds,) = PYTH.parsePriceFeedUpdatesWithConfig{value: msg.value}(
            updateData, feedIds, minPublishTime, maxPublishTime, isFirst, false, false
        );
    }

    /// @dev Asks the guard now: a price that is held is never asked about again. Without guard this reads nothing.
    function _isConfirmed(MarketId market, PriceState memory state, uint256 price) private view returns (bool) {
        if (!state.isGuarded) return true;
        Sequencer memory sequencer_ = _sequencer;
        if (address(sequencer_.feed) != address(0) && !sequencer_.isUp()) return false;
        return _guards[market].confirms(price);
    }

    /// @dev Stores a price that is newer than what is held, and moves the variance.
    function _store(
        MarketId market,
        PriceState memory state,
        uint256 price,
        uint256 confidence,
        uint256 publishedAt,
        bool isConfirmed
    ) private {
        if (state.publishedAt != 0) {
            uint256 elapsed = publishedAt - state.publishedAt;
            state.variance =
                Volatility.updatedVariance(state.variance, state.price, price, elapsed, VARIANCE_TAU_SECONDS);
        }
        state.price = price;
        state.confidence = confidence;
        state.publishedAt = publishedAt;
        state.isConfirmed = isConfirmed;
        _prices[market] = state.pack();
        emit PriceUpdated(market, price, confidence, publishedAt, state.variance);
        if (!isConfirmed) emit PriceDoubted(market, publishedAt);
    }

    function _requireCertain(MarketId market, uint256 confidence, uint256 maxConfidence) private pure {
        if (confidence > maxConfidence * 100) revert PriceUncertain(market, confidence, maxConfidence * 100);
    }

    /// @dev price * 10^(18 + exponent), exact for the exponents allowed, and under 2^96, so that it fits beside the
    /// largest sizes everywhere; confidence as 1e-6 of price, up, saturating. Unchecked: 2^63 * 10^18 < 2^123.
    function _toWad(MarketId market, PythStructs.Price memory update_)
        private
        pure
        returns (uint256 price, uint256 confidence)
    {
        if (update_.price <= 0 || update_.expo > 0 || update_.expo < -18) {
            revert PriceInvalid(market, update_.price, update_.expo);
        }
        unchecked {
            uint256 raw = uint64(update_.price);
            price = raw * 10 ** uint256(int256(18 + update_.expo));
            if (price > type(uint96).max) revert PriceInvalid(market, update_.price, update_.expo);
            confidence =
                FixedPointMathLib.min(FixedPointMathLib.divUp(uint256(update_.conf) * 1e6, raw), type(uint24).max);
        }
    }
}
