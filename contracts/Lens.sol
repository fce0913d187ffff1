// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IClearinghouseCore} from "./interfaces/IClearinghouseCore.sol";
import {ILens} from "./interfaces/ILens.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {FundingRate} from "./libraries/FundingRate.sol";
import {Margin} from "./libraries/Margin.sol";
import {Netting, Portfolio} from "./libraries/Portfolio.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Account, AccountRisk, MarginMode, PoolRisk, Position} from "./types/Account.sol";
import {AccountId} from "./types/AccountId.sol";
import {Fill} from "./types/Fill.sol";
import {CENT, Ledger} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {Market, PortfolioWord, Side} from "./types/Market.sol";
import {MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceQuality, PriceState} from "./types/PriceState.sol";
import {ONE_MULTIPLIER} from "./types/Shares.sol";
import {
    AccountView,
    MarginChange,
    MarginTerm,
    MarginView,
    MarketView,
    PoolView,
    PositionView,
    Quote
} from "./types/Views.sol";

/// @title Read-only views; see ILens.
contract Lens is ILens {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Portfolio for Netting;
    using Positions for Market;

    /// @dev marginRatio (1e4) * concentration (1e4) * maintenanceFraction (1e4).
    int256 private constant RATIO_SCALE = 1e12;

    IClearinghouse public immutable CLEARINGHOUSE;
    IPriceOracle private immutable _ORACLE;

    /// @dev One market of an account in memory.
    struct Holding {
        MarketId market;
        Mark mark;
        int256 size;
        Market state;
        Position position;
        PortfolioWord netting;
    }

    /// @dev An account in memory; `cash` is its balance.
    struct Book {
        int256 cash;
        MarginMode mode;
        Ledger ledger;
        Holding[] holdings;
    }

    constructor(IClearinghouse clearinghouse) {
        CLEARINGHOUSE = clearinghouse;
        _ORACLE = clearinghouse.ORACLE();
    }

    /// @inheritdoc ILens
    function accountView(AccountId id) public view returns (AccountView memory view_) {
        if (id.isReserved()) revert IClearinghouseCore.AccountReserved(id);
        Account memory account = CLEARINGHOUSE.accountOf(id);
        view_.account = id;
        view_.balance = CLEARINGHOUSE.balanceOf(id);
        view_.mode = account.mode;
        view_.openMarkets = account.openMarkets;
        view_.risk = CLEARINGHOUSE.riskOf(id);
        int256 equity = view_.risk.equity;
        uint256 maintenance = view_.risk.maintenanceMargin;
        view_.leverage = equity > 0 ? Math.ceilDiv(view_.risk.notional * 1e18, uint256(equity)) : type(uint256).max;
        view_.health = maintenance == 0 ? type(int256).max : (equity * FixedPoint.WAD).divDown(int256(maintenance));
        view_.isLiquidatable = equity < int256(maintenance);
    }

    /// @inheritdoc ILens
    function accountViews(AccountId[] calldata accounts) external view returns (AccountView[] memory views) {
        views = new AccountView[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            views[i] = accountView(accounts[i]);
        }
    }

    /// @inheritdoc ILens
    function balancesOf(AccountId[] calldata accounts) external view returns (int256[] memory balances) {
        balances = new int256[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            balances[i] = CLEARINGHOUSE.balanceOf(accounts[i]);
        }
    }

    /// @inheritdoc ILens
    function positionsOf(AccountId id) external view returns (PositionView[] memory positions) {
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets);
        positions = new PositionView[](book.holdings.length);
        for (uint256 i; i < positions.length; ++i) {
            Holding memory held = book.holdings[i];
            positions[i] = PositionView({
                market: held.market,
                size: held.size,
                notional: Math.ceilDiv(held.size.abs() * held.mark.price(), 1e18),
                unsettledFunding: _owedUp(held),
                liquidationPrice: liquidationPrice(id, held.market)
            });
        }
    }

    /// @inheritdoc ILens
    function marginsOf(AccountId id) external view returns (MarginView[3] memory views) {
        (, views) = _inAllModes(_bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets));
    }

    /// @inheritdoc ILens
    function liquidationPrice(AccountId id, MarketId market) public view returns (uint256) {
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets);
        Holding memory held = _holdingOf(book, market);
        if (held.size == 0) revert IClearinghouseCore.PositionMissing(id, market);
        return _isNetted(book) ? _searchedPrice(book, held) : _solvedPrice(book, held);
    }

    /// @inheritdoc ILens
    function liquidationFactors(AccountId id) external view returns (uint256 lowest, uint256 highest) {
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets);
        int256 floor = book.holdings.length == 0 ? int256(0) : int256(book.ledger.minReward * CENT);
        book.ledger.minReward = 0;
        (AccountRisk memory risk,) = _valued(book);
        int256 worth;
        for (uint256 i; i < book.holdings.length; ++i) {
            Holding memory held = book.holdings[i];
            book.cash -= _owedUp(held);
            worth += held.size * int256(held.mark.price());
        }
        int256 maintenance = int256(risk.maintenanceMargin) * FixedPoint.WAD;
        (lowest, highest) = _narrowed(0, type(uint256).max, worth - maintenance, -book.cash);
        (lowest, highest) = _narrowed(lowest, highest, worth, floor - book.cash);
    }

    /// @inheritdoc ILens
    function largestOrder(AccountId id, MarketId market, bool isBuy) external view returns (int128) {
        if (market.toUint() >= CLEARINGHOUSE.marketCount()) revert IClearinghouseCore.MarketUnknown(market);
        uint256 openMarkets = CLEARINGHOUSE.accountOf(id).openMarkets;
        Book memory book = _bookOf(id, openMarkets | market.toBit());
        Holding memory held = _holdingOf(book, market);
        uint256 limit = book.mode == MarginMode.Isolated ? 1 : CLEARINGHOUSE.MAX_OPEN_MARKETS();
        if (openMarkets & market.toBit() == 0 && LibBit.popCount(openMarkets) >= limit) return 0;
        int256 sign = isBuy ? int256(1) : int256(-1);
        uint256 largest = _largestAllowed(book, held, sign, _largestMargined(book, held, sign));
        return int128(sign * int256(largest));
    }

    /// @inheritdoc ILens
    function quote(AccountId id, MarketId market, int128 sizeDelta) external view returns (Quote memory quote_) {
        if (sizeDelta == 0) revert SizeZero();
        if (market.toUint() >= CLEARINGHOUSE.marketCount()) revert IClearinghouseCore.MarketUnknown(market);
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets | market.toBit());
        (AccountRisk[3] memory before,) = _inAllModes(book);
        Holding memory held = _holdingOf(book, market);
        Fill memory fill = _fill(book, held, sizeDelta);
        if (fill.sizeDelta == 0) revert SizeZero();
        quote_.sizeAfter = held.size;
        quote_.sizeDelta = fill.sizeDelta;
        quote_.fillPrice = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        quote_.cost = fill.cost;
        quote_.fee = fill.fee;
        quote_.funding = fill.funding;
        (AccountRisk[3] memory risks, MarginView[3] memory margins) = _inAllModes(book);
        quote_.riskBefore = before[uint8(book.mode)];
        quote_.riskAfter = risks[uint8(book.mode)];
        quote_.marginAfter = margins[uint8(book.mode)];
        for (uint256 i; i < risks.length; ++i) {
            quote_.marginChanges[i] = MarginChange(
                int256(risks[i].initialMargin) - int256(before[i].initialMargin),
                int256(risks[i].maintenanceMargin) - int256(before[i].maintenanceMargin)
            );
        }
    }

    /// @inheritdoc ILens
    function marketViews() external view returns (MarketView[] memory views) {
        views = new MarketView[](CLEARINGHOUSE.marketCount());
        for (uint8 i; i < views.length; ++i) {
            MarketId id = MarketId.wrap(i);
            PriceState memory state = _ORACLE.priceState(id);
            Market memory market = _accruedMarket(id, state.price);
            views[i] = MarketView({
                market: id,
                price: state.price,
                publishedAt: state.publishedAt,
                variance: state.variance,
                skew: market.skewOf(),
                longOpenInterest: Positions.openInterest(market.longs),
                shortOpenInterest: Positions.openInterest(market.shorts),
                openInterestCap: Pricing.openInterestCap(market.config),
                fundingRate: market.funding.rate,
                fundingVelocity: market.funding.velocity,
                longIndex: market.longs.index,
                shortIndex: market.shorts.index
            });
        }
    }

    /// @inheritdoc ILens
    function poolView() external view returns (PoolView memory view_) {
        Ledger memory state = CLEARINGHOUSE.ledger();
        view_.balance = state.poolBalance;
        view_.insurance = state.insuranceBalance;
        view_.tokensHeld = CLEARINGHOUSE.TOKEN().balanceOf(address(CLEARINGHOUSE));
        PoolRisk memory risk = CLEARINGHOUSE.poolRisk();
        view_.equity = risk.equity;
        view_.netAssetValue = risk.netAssetValue;
    }

    // ---- an account in memory

    /// @dev The positions of an account in `markets`, which may be some that it has none in, accrued.
    function _bookOf(AccountId id, uint256 markets) private view returns (Book memory book) {
        book.cash = CLEARINGHOUSE.balanceOf(id);
        book.mode = CLEARINGHOUSE.accountOf(id).mode;
        book.ledger = CLEARINGHOUSE.ledger();
        Mark[] memory marks = _ORACLE.marksOf(markets, PriceQuality.Certain);
        book.holdings = new Holding[](marks.length);
        for (uint256 i; i < marks.length; ++i) {
            Holding memory held = book.holdings[i];
            held.market = lowestMarket(markets);
            markets = withoutLowest(markets);
            held.mark = marks[i];
            held.state = _accruedMarket(held.market, marks[i].price());
            held.position = CLEARINGHOUSE.positionOf(id, held.market);
            held.size = held.state.sizeOf(held.position);
            held.netting = CLEARINGHOUSE.portfolioOf(held.market).pack();
        }
    }

    function _holdingOf(Book memory book, MarketId market) private pure returns (Holding memory held) {
        for (uint256 i; i < book.holdings.length; ++i) {
            if (book.holdings[i].market.toUint() == market.toUint()) return book.holdings[i];
        }
    }

    function _owedUp(Holding memory held) private pure returns (int256) {
        return held.position.shares.indexedUp(held.state.indexOf(held.position) - held.position.entryIndex);
    }

    function _countOf(Book memory book) private pure returns (uint256 count) {
        for (uint256 i; i < book.holdings.length; ++i) {
            if (book.holdings[i].size != 0) ++count;
        }
    }

    function _isNetted(Book memory book) private pure returns (bool) {
        return book.mode == MarginMode.Portfolio && _countOf(book) > 1;
    }

    function _addTo(AccountRisk memory risk, Holding memory held) private pure {
        risk.add(held.position, held.size, held.state.indexOf(held.position), held.state.config, held.mark);
    }

    /// @dev Trades as the clearinghouse does, in memory.
    function _fill(Book memory book, Holding memory held, int256 sizeDelta) private pure returns (Fill memory fill) {
        held.size = held.state.change(held.position, held.size, sizeDelta, held.mark.price(), fill);
        book.cash -= fill.cost + int256(fill.fee) + fill.funding;
    }

    /// @dev The same book in each mode, in the order of `MarginMode`.
    function _inAllModes(Book memory book)
        private
        pure
        returns (AccountRisk[3] memory risks, MarginView[3] memory views)
    {
        MarginMode mode = book.mode;
        for (uint8 i; i < views.length; ++i) {
            book.mode = MarginMode(i);
            (risks[i], views[i]) = _valued(book);
        }
        book.mode = mode;
    }

    /// @dev Value and requirements, and what they are made of. Isolated means each position in an account of its own,
    /// which has the floors of its own.
    function _valued(Book memory book) private pure returns (AccountRisk memory risk, MarginView memory view_) {
        risk.equity = book.cash;
        view_.mode = book.mode;
        bool isIsolated = book.mode == MarginMode.Isolated;
        Netting memory netting;
        bool isNetted = _isNetted(book);
        if (isNetted) netting = Portfolio.start(_countOf(book));
        bool isFloored;
        for (uint256 i; i < book.holdings.length; ++i) {
            Holding memory held = book.holdings[i];
            if (held.size == 0) continue;
            AccountRisk memory alone;
            _addTo(alone, held);
            if (Margin.isVolatile(held.state.config, held.mark.variance())) {
                view_.volatileMarkets |= held.market.toBit();
            }
            if (isIsolated) isFloored = _floored(alone, book.ledger) || isFloored;
            if (isNetted) netting.add(held.size, held.mark.price(), held.state.config, held.netting);
            risk.equity += alone.equity;
            risk.initialMargin += alone.initialMargin;
            risk.maintenanceMargin += alone.maintenanceMargin;
            risk.notional += alone.notional;
        }
        if (_countOf(book) == 0) return (risk, view_);
        view_.binding = MarginTerm.Sum;
        if (isNetted) {
            uint256 sum = risk.initialMargin;
            netting.settle(risk);
            view_.saving = sum - risk.initialMargin;
            (view_.binding, view_.scenario) = _bindingOf(netting, sum, risk);
        }
        if (!isIsolated) isFloored = _floored(risk, book.ledger);
        if (isFloored) view_.binding = MarginTerm.Floor;
        view_.initialMargin = risk.initialMargin;
        view_.maintenanceMargin = risk.maintenanceMargin;
    }

    function _floored(AccountRisk memory risk, Ledger memory state) private pure returns (bool) {
        uint256 required = risk.initialMargin;
        risk.applyFloors(state);
        return risk.initialMargin > required;
    }

    /// @param sum initial margins added up
    function _bindingOf(Netting memory netting, uint256 sum, AccountRisk memory risk)
        private
        pure
        returns (MarginTerm, uint256 scenario)
    {
        if (risk.initialMargin > sum - Portfolio.savingDown(netting.initial[0])) {
            return (MarginTerm.Maintenance, 0);
        }
        uint256 stress;
        (stress, scenario) = Portfolio.stressRisk(netting.initial[0]);
        return stress > FixedPoint.sqrtUp(Portfolio.factorSquare(netting.initial[0]))
            ? (MarginTerm.Stress, scenario)
            : (MarginTerm.Factors, 0);
    }

    // ---- liquidation prices

    /// @dev Requirements add up: solved for the price.
    function _solvedPrice(Book memory book, Holding memory held) private pure returns (uint256) {
        int256 size = held.size;
        int256 magnitude = int256(size.abs());
        int256 ratio = int256(
            Margin.grown(held.state.config.marginRatio, Margin.growthUp(held.state.config, size.abs()))
                * held.state.config.maintenanceFraction
        );
        AccountRisk memory rest;
        rest.equity = book.cash - _owedUp(held);
        held.size = 0;
        for (uint256 i; i < book.holdings.length; ++i) {
            if (book.holdings[i].size != 0) _addTo(rest, book.holdings[i]);
        }
        int256 missing = (int256(rest.maintenanceMargin) - rest.equity) * 1e18;
        AccountRisk memory floors;
        floors.applyFloors(book.ledger);
        int256 missingToFloor = (int256(floors.maintenanceMargin) - rest.equity) * 1e18;
        int256 price = size > 0
            ? SignedMath.max(
                (missing * RATIO_SCALE).divUp(magnitude * (RATIO_SCALE - ratio)), missingToFloor.divUp(magnitude)
            )
            : SignedMath.min(
                (-missing * RATIO_SCALE).divDown(magnitude * (RATIO_SCALE + ratio)),
                (-missingToFloor).divDown(magnitude)
            );
        return price > 0 ? uint256(price) : 0;
    }

    /// @dev Requirements net: searched, because health only grows with the price of a long, and falls with that of a short,
    /// by less than the requirement can change.
    function _searchedPrice(Book memory book, Holding memory held) private pure returns (uint256) {
        bool isLong = held.size > 0;
        uint256 low;
        uint256 high = type(uint96).max;
        while (low < high) {
            uint256 middle = isLong ? (low + high) / 2 : (low + high + 1) / 2;
            held.mark = Mark.wrap(middle);
            (AccountRisk memory risk,) = _valued(book);
            bool isHealthy = risk.equity >= int256(risk.maintenanceMargin);
            if (isLong) (low, high) = isHealthy ? (low, middle) : (middle + 1, high);
            else (low, high) = isHealthy ? (middle, high) : (low, middle - 1);
        }
        return low;
    }

    /// @dev The factors from `lowest` to `highest` with factor * slope >= needed; from the maximum to 0 where there are none.
    /// @param slope [1e-36 quote per factor of one]
    /// @param needed [quote wad]
    function _narrowed(uint256 lowest, uint256 highest, int256 slope, int256 needed)
        private
        pure
        returns (uint256, uint256)
    {
        if (slope <= 0 && needed > 0) return (type(uint256).max, 0);
        if (slope > 0 && needed > 0) return (Math.max(lowest, uint256((needed * 1e36).divUp(slope))), highest);
        if (slope < 0) return (lowest, Math.min(highest, uint256((-needed * 1e36).divDown(-slope))));
        return (lowest, highest);
    }

    // ---- the largest order

    /// @dev The largest order in the direction of `sign` that margin allows, whatever it leaves; 0 where there is none.
    /// Every step keeps one that passes below one that does not.
    function _largestMargined(Book memory book, Holding memory held, int256 sign) private pure returns (uint256) {
        (uint256 closing, uint256 high) = _reach(book, held, sign);
        if (high == 0 || _isMargined(book, held, sign * int256(high))) return high;
        uint256 low;
        if (closing != 0 && _isMargined(book, held, sign * int256(closing))) {
            low = closing;
        } else if (_slackOf(book) < 0) {
            low = _firstMargined(book, held, sign, high);
            if (low == 0) return 0;
        }
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (_isMargined(book, held, sign * int256(middle))) low = middle;
            else high = middle;
        }
        return low;
    }

    /// @dev Any order up to `high` that margin allows, on the way to the one that leaves most; 0 where that one is not allowed.
    function _firstMargined(Book memory book, Holding memory held, int256 sign, uint256 high)
        private
        pure
        returns (uint256)
    {
        uint256 low;
        while (high - low >= 8) {
            uint256 middle = (low + high) / 2;
            uint256 beyond = middle + (high - low) / 8;
            (int256 slack,) = _slackAfter(book, held, sign * int256(middle));
            if (slack >= 0) return middle;
            (int256 slackBeyond,) = _slackAfter(book, held, sign * int256(beyond));
            if (slackBeyond >= 0) return beyond;
            if (slack < slackBeyond) low = middle;
            else high = beyond;
        }
        return 0;
    }

    /// @dev Steps back to where an order of at most `largest` leaves no position under the smallest.
    function _largestAllowed(Book memory book, Holding memory held, int256 sign, uint256 largest)
        private
        pure
        returns (uint256)
    {
        if (largest == 0) return 0;
        uint256 minSize = Pricing.minSize(held.state.config);
        (, int256 size) = _slackAfter(book, held, sign * int256(largest));
        if (size == held.size) return 0;
        uint256 closing = _closing(held, sign);
        if (largest == closing || size.abs() >= minSize) return largest;
        if (largest > closing) {
            largest = closing;
        } else {
            if (closing <= minSize) return 0;
            largest = closing - minSize;
            (, size) = _slackAfter(book, held, sign * int256(largest));
            if (size.abs() < minSize) --largest;
        }
        return largest != 0 && _isMargined(book, held, sign * int256(largest)) ? largest : 0;
    }

    /// @dev What closes the position where `sign` opposes it, 0 where not.
    function _closing(Holding memory held, int256 sign) private pure returns (uint256) {
        int256 size = sign * held.size;
        return size < 0 ? uint256(-size) : 0;
    }

    /// @return closing what closes the position, 0 where `sign` does not oppose it
    /// @return reach the largest order that the cap on open interest allows, and a pause of risk
    function _reach(Book memory book, Holding memory held, int256 sign)
        private
        pure
        returns (uint256 closing, uint256 reach)
    {
        closing = _closing(held, sign);
        if (book.ledger.riskPaused) return (closing, closing);
        Side memory side = sign > 0 ? held.state.longs : held.state.shorts;
        bool isOwnSide = held.position.shares.isLong() == (sign > 0);
        uint256 others = isOwnSide ? side.shares - held.position.shares.magnitude() : side.shares;
        if (others != 0 && Positions.isRemnant(side)) return (closing, closing);
        uint256 multiplier = others == 0 ? ONE_MULTIPLIER : side.multiplier;
        uint256 cap = ((Pricing.openInterestCap(held.state.config) + 1) * ONE_MULTIPLIER - 1) / multiplier;
        cap = Math.min(cap, type(uint96).max);
        if (cap < others) return (closing, closing);
        int256 largest = int256(((cap - others + 1) * multiplier - 1) / ONE_MULTIPLIER) - sign * held.size;
        return (closing, largest > 0 ? uint256(largest) : 0);
    }

    function _isMargined(Book memory book, Holding memory held, int256 sizeDelta) private pure returns (bool) {
        (int256 slack,) = _slackAfter(book, held, sizeDelta);
        return slack >= 0;
    }

    /// @dev Equity less initial margin, and the position, after a trade; the book stays as it is.
    function _slackAfter(Book memory book, Holding memory held, int256 sizeDelta)
        private
        pure
        returns (int256 slack, int256 size)
    {
        (int256 cash, int256 sizeBefore) = (book.cash, held.size);
        (Market memory state, Position memory position) = (held.state, held.position);
        held.state = abi.decode(abi.encode(state), (Market));
        held.position = Position(position.shares, position.entryIndex);
        _fill(book, held, sizeDelta);
        (slack, size) = (_slackOf(book), held.size);
        (book.cash, held.size, held.state, held.position) = (cash, sizeBefore, state, position);
    }

    function _slackOf(Book memory book) private pure returns (int256) {
        (AccountRisk memory risk,) = _valued(book);
        return risk.equity - int256(risk.initialMargin);
    }

    function _accruedMarket(MarketId id, uint256 price) private view returns (Market memory market) {
        market = CLEARINGHOUSE.marketOf(id);
        FundingRate.accrue(market, price, block.timestamp);
    }
}
