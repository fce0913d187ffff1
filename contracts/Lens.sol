// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {ILens} from "./interfaces/ILens.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {FundingRate} from "./libraries/FundingRate.sol";
import {Margin} from "./libraries/Margin.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Account, AccountRisk, Position} from "./types/Account.sol";
import {AccountId} from "./types/AccountId.sol";
import {Fill} from "./types/Fill.sol";
import {Ledger} from "./types/Ledger.sol";
import {Market} from "./types/Market.sol";
import {MarketId, lowestMarket} from "./types/MarketId.sol";
import {PriceState} from "./types/PriceState.sol";
import {AccountView, MarketView, PoolView, PositionView, Quote} from "./types/Views.sol";

/// @title Read-only views; see ILens.
contract Lens is ILens {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Positions for Market;

    /// @dev marginRatio (1e4) * maintenanceFraction (1e4).
    int256 private constant RATIO_SCALE = 1e8;

    IClearinghouse public immutable CLEARINGHOUSE;
    IPriceOracle private immutable _ORACLE;

    constructor(IClearinghouse clearinghouse) {
        CLEARINGHOUSE = clearinghouse;
        _ORACLE = clearinghouse.ORACLE();
    }

    /// @inheritdoc ILens
    function accountView(AccountId id) public view returns (AccountView memory view_) {
        if (id.isReserved()) revert IClearinghouse.AccountReserved(id);
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
        uint256 markets = CLEARINGHOUSE.accountOf(id).openMarkets;
        uint256[] memory prices = _ORACLE.pricesOf(markets);
        positions = new PositionView[](prices.length);
        for (uint256 i; i < prices.length; ++i) {
            MarketId market = lowestMarket(markets);
            markets &= markets - 1;
            (Market memory state, Position memory position) = _accrued(id, market, prices[i]);
            positions[i] = PositionView({
                market: market,
                size: state.sizeOf(position),
                notional: Math.ceilDiv(state.sizeOf(position).abs() * prices[i], 1e18),
                unsettledFunding: position.shares.indexedUp(state.indexOf(position) - position.entryIndex),
                liquidationPrice: liquidationPrice(id, market)
            });
        }
    }

    /// @inheritdoc ILens
    function liquidationPrice(AccountId id, MarketId market) public view returns (uint256) {
        Market memory state = CLEARINGHOUSE.marketOf(market);
        Position memory position = CLEARINGHOUSE.positionOf(id, market);
        int256 size = state.sizeOf(position);
        if (size == 0) revert PositionMissing(id, market);
        FundingRate.accrue(state, _ORACLE.priceOf(market), block.timestamp);
        AccountRisk memory rest = _riskWithout(id, market);
        int256 owed = position.shares.indexedUp(state.indexOf(position) - position.entryIndex);
        int256 equity = rest.equity - owed;
        int256 missing = (int256(rest.maintenanceMargin) - equity) * 1e18;
        AccountRisk memory floors;
        floors.applyFloors(CLEARINGHOUSE.ledger());
        int256 missingToFloor = (int256(floors.maintenanceMargin) - equity) * 1e18;
        int256 ratio = int256(state.config.marginRatio * state.config.maintenanceFraction);
        int256 magnitude = int256(size.abs());
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

    /// @inheritdoc ILens
    function quote(AccountId id, MarketId market, int128 sizeDelta) external view returns (Quote memory quote_) {
        if (sizeDelta == 0) revert SizeZero();
        if (market.toUint() >= CLEARINGHOUSE.marketCount()) revert IClearinghouse.MarketUnknown(market);
        uint256 price = _ORACLE.priceOf(market);
        (Market memory state, Position memory position) = _accrued(id, market, price);
        Fill memory fill;
        quote_.sizeAfter = state.change(position, state.sizeOf(position), sizeDelta, price, fill);
        if (fill.sizeDelta == 0) revert SizeZero();
        quote_.sizeDelta = fill.sizeDelta;
        quote_.fillPrice = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        quote_.cost = fill.cost;
        quote_.fee = fill.fee;
        quote_.funding = fill.funding;
        quote_.riskBefore = CLEARINGHOUSE.riskOf(id);
        AccountRisk memory risk = _riskWithout(id, market);
        risk.equity -= fill.cost + int256(fill.fee) + fill.funding;
        risk.add(position, quote_.sizeAfter, state.indexOf(position), state.config, price);
        if (risk.notional > 0) risk.applyFloors(CLEARINGHOUSE.ledger());
        quote_.riskAfter = risk;
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
    /// @dev equity = balance - sum(skew * P) + sum(L*I_L + S*I_S - entrySum); NAV = equity - sum(P * skew^2 / (2*scale))
    function poolView() external view returns (PoolView memory view_) {
        Ledger memory state = CLEARINGHOUSE.ledger();
        view_.balance = state.poolBalance;
        view_.insurance = state.insuranceBalance;
        view_.tokensHeld = CLEARINGHOUSE.TOKEN().balanceOf(address(CLEARINGHOUSE));
        view_.equity = state.poolBalance;
        uint256 potential;
        uint256 count = CLEARINGHOUSE.marketCount();
        for (uint8 i; i < count; ++i) {
            MarketId id = MarketId.wrap(i);
            uint256 price = _ORACLE.priceOf(id);
            Market memory market = _accruedMarket(id, price);
            int256 skew = market.skewOf();
            int256 accrued =
                int256(market.longs.shares) * market.longs.index + int256(market.shorts.shares) * market.shorts.index;
            view_.equity += (-skew * int256(price)).divDown(FixedPoint.WAD) + accrued.divDown(FixedPoint.WAD)
            - market.funding.entrySum;
            uint256 depth = 2 * Pricing.depth(market.config);
            potential += Math.mulDiv(skew.abs() * price, skew.abs(), depth * 1e18, Math.Rounding.Ceil);
        }
        view_.netAssetValue = view_.equity - int256(potential);
    }

    /// @dev Value and requirements of an account without its position in `market`, before the floors.
    function _riskWithout(AccountId id, MarketId market) private view returns (AccountRisk memory risk) {
        risk.equity = CLEARINGHOUSE.balanceOf(id);
        uint256 markets = CLEARINGHOUSE.accountOf(id).openMarkets & ~market.toBit();
        uint256[] memory prices = _ORACLE.pricesOf(markets);
        for (uint256 i; i < prices.length; ++i) {
            (Market memory state, Position memory position) = _accrued(id, lowestMarket(markets), prices[i]);
            markets &= markets - 1;
            risk.add(position, state.sizeOf(position), state.indexOf(position), state.config, prices[i]);
        }
    }

    function _accrued(AccountId id, MarketId market, uint256 price)
        private
        view
        returns (Market memory state, Position memory position)
    {
        return (_accruedMarket(market, price), CLEARINGHOUSE.positionOf(id, market));
    }

    function _accruedMarket(MarketId id, uint256 price) private view returns (Market memory market) {
        market = CLEARINGHOUSE.marketOf(id);
        FundingRate.accrue(market, price, block.timestamp);
    }
}
