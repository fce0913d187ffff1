// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
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
import {Ledger} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {Market, PortfolioWord} from "./types/Market.sol";
import {MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceState} from "./types/PriceState.sol";
import {AccountView, MarginTerm, MarginView, MarketView, PoolView, PositionView, Quote} from "./types/Views.sol";

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
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets);
        for (uint8 mode; mode < views.length; ++mode) {
            book.mode = MarginMode(mode);
            (, views[mode]) = _valued(book);
        }
    }

    /// @inheritdoc ILens
    function liquidationPrice(AccountId id, MarketId market) public view returns (uint256) {
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets);
        Holding memory held = _holdingOf(book, market);
        if (held.size == 0) revert IClearinghouseCore.PositionMissing(id, market);
        return _isNetted(book) ? _searchedPrice(book, held) : _solvedPrice(book, held);
    }

    /// @inheritdoc ILens
    function quote(AccountId id, MarketId market, int128 sizeDelta) external view returns (Quote memory quote_) {
        if (sizeDelta == 0) revert SizeZero();
        if (market.toUint() >= CLEARINGHOUSE.marketCount()) revert IClearinghouseCore.MarketUnknown(market);
        Book memory book = _bookOf(id, CLEARINGHOUSE.accountOf(id).openMarkets | market.toBit());
        (quote_.riskBefore,) = _valued(book);
        Holding memory held = _holdingOf(book, market);
        Fill memory fill;
        held.size = held.state.change(held.position, held.size, sizeDelta, held.mark.price(), fill);
        if (fill.sizeDelta == 0) revert SizeZero();
        quote_.sizeAfter = held.size;
        quote_.sizeDelta = fill.sizeDelta;
        quote_.fillPrice = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        quote_.cost = fill.cost;
        quote_.fee = fill.fee;
        quote_.funding = fill.funding;
        book.cash -= fill.cost + int256(fill.fee) + fill.funding;
        (quote_.riskAfter, quote_.marginAfter) = _valued(book);
    }

    /// @inheritdoc ILens
    function marketViews() external view returns (MarketView[] memory views) {
        views = new MarketView[](CLEARINGHOUSE.marketCount());
        for (uint8 i; i < views.length; ++i) {
            MarketId id = MarketId.wrap(i);
            uint256 price = _ORACLE.priceOf(id);
            Market memory market = _accruedMarket(id, price);
            PriceState memory state = _ORACLE.priceState(id);
            views[i] = MarketView({
                market: id,
                price: price,
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
        Mark[] memory marks = _ORACLE.marksOf(markets);
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
        (uint256 hedgeable, uint256 factors) = Portfolio.factorRiskUp(netting.initial, netting.words);
        uint256 stress;
        (stress, scenario) = Portfolio.stressRisk(netting.initial, netting.words);
        uint256 netted = sum - (hedgeable - Math.max(factors, stress)) / 1e4;
        if (risk.initialMargin > netted) return (MarginTerm.Maintenance, 0);
        return stress > factors ? (MarginTerm.Stress, scenario) : (MarginTerm.Factors, 0);
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

    function _accruedMarket(MarketId id, uint256 price) private view returns (Market memory market) {
        market = CLEARINGHOUSE.marketOf(id);
        FundingRate.accrue(market, price, block.timestamp);
    }
}
