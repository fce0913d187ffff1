// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {Volatility} from "./libraries/Volatility.sol";
import {Mark} from "./types/Mark.sol";
import {MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceState, PriceWord} from "./types/PriceState.sol";

/// @title Pyth prices with realised variance; see IPriceOracle.
contract PriceOracle is IPriceOracle, AccessManaged {
    /// @dev Time constant of the variance: half of it fades in about 17 hours.
    uint256 public constant VARIANCE_TAU_SECONDS = 1 days;

    IPyth public immutable PYTH;

    mapping(MarketId market => PriceWord) private _prices;
    mapping(MarketId market => bytes32) public feedOf;

    constructor(address authority, IPyth pyth) AccessManaged(authority) {
        PYTH = pyth;
    }

    /// @inheritdoc IPriceOracle
    function update(MarketId[] calldata markets, bytes[] calldata updateData) external payable {
        PythStructs.PriceFeed[] memory feeds = _parse(markets, updateData, 0, uint64(block.timestamp), false);
        for (uint256 i; i < markets.length; ++i) {
            _record(markets[i], feeds[i].price);
        }
    }

    /// @inheritdoc IPriceOracle
    function parseFirst(MarketId market, bytes[] calldata updateData, uint64 minPublishTime, uint64 maxPublishTime)
        external
        payable
        returns (uint256 price)
    {
        MarketId[] memory markets = new MarketId[](1);
        markets[0] = market;
        PythStructs.PriceFeed[] memory feeds = _parse(
            markets, updateData, minPublishTime, uint64(FixedPointMathLib.min(maxPublishTime, block.timestamp)), true
        );
        uint256 confidence;
        (price, confidence) = _toWad(market, feeds[0].price);
        PriceState memory state = _record(market, feeds[0].price);
        _requireCertain(market, confidence, state.maxConfidence);
    }

    /// @inheritdoc IPriceOracle
    function setFeed(MarketId market, bytes32 feedId, uint16 maxAge, uint16 maxConfidence) external restricted {
        Bounds.check("maxAge", maxAge, 1, type(uint16).max);
        Bounds.check("maxConfidence", maxConfidence, 1, 1e4);
        PriceState memory state = _prices[market].unpack();
        if (feedOf[market] != feedId) delete state;
        feedOf[market] = feedId;
        state.maxAge = maxAge;
        state.maxConfidence = maxConfidence;
        _prices[market] = state.pack();
        emit FeedSet(market, feedId, maxAge, maxConfidence);
    }

    /// @inheritdoc IPriceOracle
    function priceOf(MarketId market) external view returns (uint256) {
        return _certain(market).price();
    }

    /// @inheritdoc IPriceOracle
    function markOf(MarketId market) public view returns (Mark) {
        return _certain(market).mark();
    }

    /// @inheritdoc IPriceOracle
    function marksOf(uint256 markets) external view returns (Mark[] memory marks) {
        marks = new Mark[](LibBit.popCount(markets));
        for (uint256 i; i < marks.length; ++i) {
            marks[i] = markOf(lowestMarket(markets));
            markets = withoutLowest(markets);
        }
    }

    /// @inheritdoc IPriceOracle
    function freshMarksOf(uint256 markets) external view returns (Mark[] memory marks) {
        marks = new Mark[](LibBit.popCount(markets));
        for (uint256 i; i < marks.length; ++i) {
            marks[i] = _fresh(lowestMarket(markets)).mark();
            markets = withoutLowest(markets);
        }
    }

    /// @inheritdoc IPriceOracle
    function priceState(MarketId market) external view returns (PriceState memory) {
        return _prices[market].unpack();
    }

    function _certain(MarketId market) private view returns (PriceWord word) {
        word = _fresh(market);
        _requireCertain(market, word.confidence(), word.maxConfidence());
    }

    function _fresh(MarketId market) private view returns (PriceWord word) {
        word = _prices[market];
        uint256 publishedAt = word.publishedAt();
        if (publishedAt == 0) revert PriceMissing(market);
        unchecked {
            if (block.timestamp > publishedAt + word.maxAge()) revert PriceStale(market, publishedAt, word.maxAge());
        }
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

    /// @dev Stores a price that is newer than what is held, and moves the variance; an older one changes nothing.
    function _record(MarketId market, PythStructs.Price memory update_) private returns (PriceState memory state) {
        state = _prices[market].unpack();
        if (update_.publishTime <= state.publishedAt) return state;
        (uint256 price, uint256 confidence) = _toWad(market, update_);
        if (state.publishedAt != 0) {
            uint256 elapsed = update_.publishTime - state.publishedAt;
            state.variance =
                Volatility.updatedVariance(state.variance, state.price, price, elapsed, VARIANCE_TAU_SECONDS);
        }
        state.price = price;
        state.confidence = confidence;
        state.publishedAt = update_.publishTime;
        _prices[market] = state.pack();
        emit PriceUpdated(market, price, confidence, update_.publishTime, state.variance);
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
