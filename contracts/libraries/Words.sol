// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Account, AccountWord, MarginMode, Position, PositionWord} from "../types/Account.sol";
import {Ledger, LedgerWord} from "../types/Ledger.sol";
import {Mark} from "../types/Mark.sol";
import {
    ConfigWord,
    FundingState,
    FundingWord,
    Market,
    MarketConfig,
    MarketWords,
    PortfolioConfig,
    PortfolioWord,
    Side,
    SideWord
} from "../types/Market.sol";
import {PriceState, PriceWord} from "../types/PriceState.sol";
import {Shares} from "../types/Shares.sol";

/// @notice Packs records into storage words and back: one SLOAD or SSTORE each, where the compiler's own structs touch a
/// slot once per field. Layouts stand beside the word types. Fields in memory are whole words, so no cast is repeated;
/// what could be too large for its bits is cast here, checked, and nowhere else. `unpackInto` fills a record that is there:
/// a record returned is allocated and cleared once more.
library Words {
    function unpack(AccountWord word) internal pure returns (Account memory account) {
        uint256 raw = AccountWord.unwrap(word);
        account.balance = int128(uint128(raw));
        account.mode = MarginMode(uint8(raw >> 128));
        account.openMarkets = raw >> 136;
    }

    /// @dev The balance's cast is checked; a bitmap has one bit per listed market.
    function pack(Account memory account) internal pure returns (AccountWord) {
        return AccountWord.wrap(
            uint256(uint128(SafeCast.toInt128(account.balance))) | (uint256(account.mode) << 128)
                | (account.openMarkets << 136)
        );
    }

    function unpackInto(PositionWord word, Position memory position) internal pure {
        uint256 raw = PositionWord.unwrap(word);
        position.shares = Shares.wrap(int128(uint128(raw)));
        position.entryIndex = int256(raw) >> 128;
    }

    /// @dev Both fit where the position's side was packed: shares are part of its 96 bits, the index is its index.
    function pack(Position memory position) internal pure returns (PositionWord) {
        return PositionWord.wrap(
            uint256(uint128(int128(Shares.unwrap(position.shares)))) | (uint256(position.entryIndex) << 128)
        );
    }

    function unpack(LedgerWord word) internal pure returns (Ledger memory ledger) {
        uint256 raw = LedgerWord.unwrap(word);
        ledger.poolBalance = int104(uint104(raw));
        ledger.insuranceBalance = uint96(raw >> 104);
        ledger.poolFeeShare = uint16(raw >> 200);
        ledger.minReward = uint16(raw >> 216);
        ledger.minInitialMargin = uint16(raw >> 232);
        ledger.riskPaused = raw >> 248 != 0;
    }

    /// @dev The balances' casts are checked: 10 trillion and 79 billion quote.
    function pack(Ledger memory ledger) internal pure returns (LedgerWord) {
        return LedgerWord.wrap(
            uint256(uint104(SafeCast.toInt104(ledger.poolBalance)))
                | (uint256(SafeCast.toUint96(ledger.insuranceBalance)) << 104) | (ledger.poolFeeShare << 200)
                | (ledger.minReward << 216) | (ledger.minInitialMargin << 232)
                | (uint256(ledger.riskPaused ? 1 : 0) << 248)
        );
    }

    function unpackInto(SideWord word, Side memory side) internal pure {
        uint256 raw = SideWord.unwrap(word);
        side.shares = uint96(raw);
        side.index = int96(uint96(raw >> 96));
        side.multiplier = raw >> 192;
    }

    function hasShares(SideWord word) internal pure returns (bool) {
        return uint96(SideWord.unwrap(word)) != 0;
    }

    /// @dev Casts are checked; a multiplier never exceeds one.
    function pack(Side memory side) internal pure returns (SideWord) {
        return SideWord.wrap(
            uint256(SafeCast.toUint96(side.shares)) | (uint256(uint96(SafeCast.toInt96(side.index))) << 96)
                | (side.multiplier << 192)
        );
    }

    function unpackInto(FundingWord word, FundingState memory funding) internal pure {
        uint256 raw = FundingWord.unwrap(word);
        funding.entrySum = int128(uint128(raw));
        funding.rate = int48(uint48(raw >> 128));
        funding.velocity = int32(uint32(raw >> 176));
        funding.accruedAt = uint32(raw >> 208);
        funding.maxRate = raw >> 240;
    }

    /// @notice Fills what an accrual reads of a market's funding, and nothing else.
    function unpackRateInto(FundingWord word, FundingState memory funding) internal pure {
        uint256 raw = FundingWord.unwrap(word);
        funding.rate = int48(uint48(raw >> 128));
        funding.velocity = int32(uint32(raw >> 176));
        funding.accruedAt = uint32(raw >> 208);
        funding.maxRate = raw >> 240;
    }

    /// @dev The sum's cast is checked. |rate| <= maxRate and |velocity| <= maxFundingVelocity fit by `Bounds`, and a 32-bit
    /// clock runs until 2106.
    function pack(FundingState memory funding) internal pure returns (FundingWord) {
        return FundingWord.wrap(
            uint256(uint128(SafeCast.toInt128(funding.entrySum))) | (uint256(uint48(int48(funding.rate))) << 128)
                | (uint256(uint32(int32(funding.velocity))) << 176) | (uint256(uint32(funding.accruedAt)) << 208)
                | (funding.maxRate << 240)
        );
    }

    function unpackInto(ConfigWord word, MarketConfig memory config) internal pure {
        uint256 raw = ConfigWord.unwrap(word);
        config.skewScale = uint64(raw);
        config.maxOpenInterest = uint16(raw >> 64);
        config.minSize = uint48(raw >> 80);
        config.maxFundingVelocity = uint32(raw >> 128);
        config.takerFee = uint16(raw >> 160);
        config.makerFee = uint16(raw >> 176);
        config.marginRatio = uint16(raw >> 192);
        config.maintenanceFraction = uint16(raw >> 208);
        config.concentration = uint16(raw >> 224);
        config.volatilityMultiple = raw >> 240;
    }

    /// @notice Fills what `Margin` reads of a market's parameters, and nothing else.
    function unpackMarginInto(ConfigWord word, MarketConfig memory config) internal pure {
        uint256 raw = ConfigWord.unwrap(word);
        config.skewScale = uint64(raw);
        config.marginRatio = uint16(raw >> 192);
        config.maintenanceFraction = uint16(raw >> 208);
        config.concentration = uint16(raw >> 224);
        config.volatilityMultiple = raw >> 240;
    }

    /// @dev Every field fits by `Bounds.checkMarket`.
    function pack(MarketConfig memory config) internal pure returns (ConfigWord) {
        return ConfigWord.wrap(
            config.skewScale | (config.maxOpenInterest << 64) | (config.minSize << 80)
                | (config.maxFundingVelocity << 128) | (config.takerFee << 160) | (config.makerFee << 176)
                | (config.marginRatio << 192) | (config.maintenanceFraction << 208) | (config.concentration << 224)
                | (config.volatilityMultiple << 240)
        );
    }

    function unpack(PortfolioWord word) internal pure returns (PortfolioConfig memory config) {
        config.hedgeable = word.hedgeable();
        for (uint256 i; i < config.loadings.length; ++i) {
            config.loadings[i] = word.signedAt(16 + 16 * i);
        }
        for (uint256 i; i < config.shocks.length; ++i) {
            config.shocks[i] = word.signedAt(64 + 16 * i);
        }
    }

    /// @dev Every field fits by `Bounds.checkPortfolio`.
    function pack(PortfolioConfig memory config) internal pure returns (PortfolioWord) {
        uint256 raw = config.hedgeable;
        for (uint256 i; i < config.loadings.length; ++i) {
            raw |= uint256(uint16(int16(config.loadings[i]))) << (16 + 16 * i);
        }
        for (uint256 i; i < config.shocks.length; ++i) {
            raw |= uint256(uint16(int16(config.shocks[i]))) << (64 + 16 * i);
        }
        return PortfolioWord.wrap(raw);
    }

    function hedgeable(PortfolioWord word) internal pure returns (uint256) {
        return uint16(PortfolioWord.unwrap(word));
    }

    /// @notice The loading or shock that stands at `bit`.
    function signedAt(PortfolioWord word, uint256 bit) internal pure returns (int256) {
        return int16(uint16(PortfolioWord.unwrap(word) >> bit));
    }

    function unpack(PriceWord word) internal pure returns (PriceState memory state) {
        uint256 raw = PriceWord.unwrap(word);
        state.price = uint96(raw);
        state.publishedAt = uint40(raw >> 96);
        state.confidence = uint24(raw >> 136);
        state.variance = uint64(raw >> 160);
        state.maxAge = uint16(raw >> 224);
        state.maxConfidence = word.maxConfidence();
        state.isGuarded = (raw >> 254) & 1 != 0;
        state.isConfirmed = word.isConfirmed();
    }

    /// @notice The price alone; a record would be allocated for one field of it.
    function price(PriceWord word) internal pure returns (uint256) {
        return uint96(PriceWord.unwrap(word));
    }

    /// @notice Price, variance and whether they are confirmed, as a margin check asks for them.
    function mark(PriceWord word) internal pure returns (Mark) {
        uint256 raw = PriceWord.unwrap(word);
        return Mark.wrap(uint96(raw) | (uint256(uint64(raw >> 160)) << 96) | ((raw >> 255) << 160));
    }

    function publishedAt(PriceWord word) internal pure returns (uint256) {
        return uint40(PriceWord.unwrap(word) >> 96);
    }

    function confidence(PriceWord word) internal pure returns (uint256) {
        return uint24(PriceWord.unwrap(word) >> 136);
    }

    function maxAge(PriceWord word) internal pure returns (uint256) {
        return uint16(PriceWord.unwrap(word) >> 224);
    }

    function maxConfidence(PriceWord word) internal pure returns (uint256) {
        return (PriceWord.unwrap(word) >> 240) & 0x3fff;
    }

    function isConfirmed(PriceWord word) internal pure returns (bool) {
        return PriceWord.unwrap(word) >> 255 != 0;
    }

    /// @dev Price, confidence and variance are bounded where they are made, the widest confidence is at most 1e4; a 40-bit
    /// clock outlasts everything.
    function pack(PriceState memory state) internal pure returns (PriceWord) {
        return PriceWord.wrap(
            state.price | (uint256(uint40(state.publishedAt)) << 96) | (state.confidence << 136)
                | (state.variance << 160) | (state.maxAge << 224) | (state.maxConfidence << 240)
                | (uint256(state.isGuarded ? 1 : 0) << 254) | (uint256(state.isConfirmed ? 1 : 0) << 255)
        );
    }

    function unpackInto(MarketWords storage words, Market memory market) internal view {
        words.longs.unpackInto(market.longs);
        words.shorts.unpackInto(market.shorts);
        words.funding.unpackInto(market.funding);
        words.config.unpackInto(market.config);
    }
}
