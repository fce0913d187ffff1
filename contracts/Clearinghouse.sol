// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {FundingRate} from "./libraries/FundingRate.sol";
import {Liquidation} from "./libraries/Liquidation.sol";
import {Margin} from "./libraries/Margin.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Slots} from "./libraries/Slots.sol";
import {
    Account,
    AccountRisk,
    MarginMode,
    PERMISSION_MARGIN,
    PERMISSION_WITHDRAW,
    Permission,
    Position
} from "./types/Account.sol";
import {AccountId, INSURANCE_ACCOUNT, POOL_ACCOUNT, toAccountId} from "./types/AccountId.sol";
import {Fill, LiquidationResult, Trade} from "./types/Fill.sol";
import {Ledger, RiskConfig} from "./types/Ledger.sol";
import {FundingState, Market, MarketConfig, Side} from "./types/Market.sol";
import {MAX_MARKETS, MarketId, lowestMarket} from "./types/MarketId.sol";
import {ONE_MULTIPLIER} from "./types/Shares.sol";

/// @title The ledger of the exchange; see IClearinghouse.
/// @dev Every entry point has one shape: authorise, load and accrue, change memory, check, store, event, interaction.
contract Clearinghouse is IClearinghouse, AccessManaged, Multicall, ReentrancyGuardTransient {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Positions for Market;
    using SafeCast for int256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using Slots for Side;
    using Slots for FundingState;

    /// @dev Bounds the gas of the largest liquidation.
    uint256 public constant MAX_OPEN_MARKETS = 16;
    /// @dev Wad per unit of the settlement token.
    uint256 private constant UNIT = 1e12;

    IERC20 public immutable TOKEN;
    IPriceOracle public immutable ORACLE;
    AccountId public immutable TREASURY;

    mapping(AccountId account => Account) private _accounts;
    mapping(AccountId account => mapping(MarketId market => Position)) private _positions;
    mapping(MarketId market => Market) private _markets;
    mapping(address owner => mapping(address operator => Permission)) private _permissions;
    mapping(address executor => bool allowed) public isExecutor;
    Ledger private _ledger;
    RiskConfig private _riskConfig;
    uint8 public marketCount;

    /// @dev One market of an account in memory.
    struct OpenPosition {
        MarketId id;
        uint256 price;
        Market market;
        Position position;
    }

    constructor(address authority, IERC20Metadata token, IPriceOracle oracle, address treasury)
        AccessManaged(authority)
    {
        uint8 decimals = token.decimals();
        if (decimals != 6) revert TokenDecimalsMismatch(decimals);
        TOKEN = token;
        ORACLE = oracle;
        TREASURY = toAccountId(treasury, 0);
        if (TREASURY.isReserved()) revert AccountReserved(TREASURY);
    }

    // ---- owners and operators

    /// @inheritdoc IClearinghouse
    function deposit(AccountId id, uint128 amount) external nonReentrant {
        if (id.isReserved()) revert AccountReserved(id);
        int256 balance = _credit(id, int256(_toWad(amount)));
        emit Deposited(id, msg.sender, amount, balance);
        _pull(amount);
    }

    /// @inheritdoc IClearinghouse
    function withdraw(AccountId id, uint128 amount, address recipient) external nonReentrant {
        _authorize(id, PERMISSION_WITHDRAW);
        if (msg.sender != id.owner() && recipient != id.owner()) revert RecipientUnauthorized(recipient);
        int256 balance = _credit(id, -int256(_toWad(amount)));
        _requireInitialMargin(id);
        emit Withdrawn(id, recipient, amount, balance);
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransfer(recipient, amount);
        uint256 paid = held - TOKEN.balanceOf(address(this));
        if (paid != amount) revert TransferMismatch(amount, paid);
    }

    /// @inheritdoc IClearinghouse
    function transfer(AccountId from, AccountId to, uint128 amount) external nonReentrant {
        _authorize(from, PERMISSION_MARGIN);
        if (amount == 0) revert AmountZero();
        _move(from, to, int256(uint256(amount)));
        _requireInitialMargin(from);
    }

    /// @inheritdoc IClearinghouse
    function setMarginMode(AccountId id, MarginMode mode) external nonReentrant {
        _authorize(id, PERMISSION_MARGIN);
        _requireMarketLimit(id, mode, _accounts[id].openMarkets);
        _accounts[id].mode = mode;
        emit MarginModeSet(id, mode);
    }

    /// @inheritdoc IClearinghouse
    function setLeverage(AccountId id, AccountId fundedBy, uint128 leverage) external nonReentrant {
        _authorize(id, PERMISSION_MARGIN);
        if (leverage == 0) revert LeverageZero();
        AccountRisk memory risk = riskOf(id);
        if (risk.notional == 0) revert AccountFlat(id);
        int256 missing = Math.ceilDiv(risk.notional * 1e18, leverage).toInt256() - risk.equity;
        if (missing > 0) {
            _move(fundedBy, id, missing);
            _requireInitialMargin(fundedBy);
        } else {
            _move(id, fundedBy, -missing);
            _requireInitialMargin(id);
        }
        emit LeverageSet(id, fundedBy, leverage);
    }

    /// @inheritdoc IClearinghouse
    function setOperator(address operator, uint8 flags, uint40 expiresAt) external nonReentrant {
        _permissions[msg.sender][operator] = Permission(flags, expiresAt);
        emit OperatorSet(msg.sender, operator, flags, expiresAt);
    }

    // ---- executors

    /// @inheritdoc IClearinghouse
    function trade(Trade calldata order) external nonReentrant returns (Fill memory fill) {
        if (!isExecutor[msg.sender]) revert ExecutorUnauthorized(msg.sender);
        if (order.account.isReserved()) revert AccountReserved(order.account);
        if (order.sizeDelta == 0) revert SizeZero();
        OpenPosition memory open = _load(order.account, order.market);
        _accrueTo(open, ORACLE.priceOf(order.market));
        Account memory account = _accounts[order.account];

        int256 sizeBefore = open.market.sizeOf(open.position);
        fill = open.market.change(open.position, order.sizeDelta, order.price);
        int256 sizeAfter = sizeBefore + fill.sizeDelta;
        _checkFill(order, fill, open.market, sizeAfter);
        _setOpen(order.account, account, order.market, sizeAfter != 0);
        _apply(account, fill);
        account.balance = (int256(account.balance) - int256(uint256(order.keeperFee))).toInt128();

        _accounts[order.account] = account;
        _store(order.account, open);
        _emitTraded(order.account, open, fill, account.balance);
        if (order.keeperFee > 0) _payKeeper(order);
        if (sizeAfter == 0 || (sizeBefore ^ sizeAfter >= 0 && sizeAfter.abs() < sizeBefore.abs())) {
            _requireReduction(order, fill, open, account);
        } else {
            if (_ledger.riskPaused) revert RiskPaused();
            _requireInitialMargin(order.account);
        }
    }

    // ---- anyone

    /// @inheritdoc IClearinghouse
    function liquidate(AccountId id, AccountId liquidator)
        external
        nonReentrant
        returns (LiquidationResult memory result)
    {
        if (liquidator.isReserved()) revert AccountReserved(liquidator);
        Account memory account = _accounts[id];
        if (account.openMarkets == 0) revert AccountFlat(id);
        RiskConfig memory config = _riskConfig;
        OpenPosition[] memory positions = _loadAll(id, account.openMarkets);

        uint256 fraction = _fractionToClose(account, positions, config);
        result.closedNotional = _closeAll(id, account, positions, fraction);
        if (!_isHealed(account, positions, result.closedNotional, config)) {
            result.closedNotional += _closeAll(id, account, positions, 1e18);
        }
        for (uint256 i; i < positions.length; ++i) {
            _store(id, positions[i]);
        }
        _distribute(id, account, config, result);
        _accounts[id] = account;
        _credit(liquidator, int256(result.reward));
        emit Liquidated(id, liquidator, result.closedNotional, result.reward, result.penalty, account.balance);
    }

    /// @inheritdoc IClearinghouse
    function accrue(MarketId id) external nonReentrant {
        _accrue(id);
    }

    /// @inheritdoc IClearinghouse
    function fundInsurance(uint128 amount) external nonReentrant {
        _ledger.insuranceBalance = SafeCast.toUint104(_ledger.insuranceBalance + _toWad(amount));
        emit Deposited(INSURANCE_ACCOUNT, msg.sender, amount, int256(uint256(_ledger.insuranceBalance)));
        _pull(amount);
    }

    /// @inheritdoc IClearinghouse
    function collectTreasury() external nonReentrant {
        uint256 threshold = uint256(_riskConfig.treasuryThreshold) * UNIT;
        uint256 held = _ledger.insuranceBalance;
        if (held <= threshold) revert SurplusMissing(held, threshold);
        _ledger.insuranceBalance = uint104(threshold);
        int256 balance = _credit(TREASURY, int256(held - threshold));
        emit TreasuryCollected(TREASURY, held - threshold, balance);
    }

    // ---- governance and guardian

    /// @inheritdoc IClearinghouse
    function fundPool(uint128 amount) external nonReentrant restricted {
        _ledger.poolBalance = (int256(_ledger.poolBalance) + int256(_toWad(amount))).toInt128();
        emit Deposited(POOL_ACCOUNT, msg.sender, amount, _ledger.poolBalance);
        _pull(amount);
    }

    /// @inheritdoc IClearinghouse
    function listMarket(MarketConfig calldata config, uint16 maxRate)
        external
        nonReentrant
        restricted
        returns (MarketId id)
    {
        if (marketCount == MAX_MARKETS) revert MarketsExhausted();
        Bounds.checkMarket(config, maxRate);
        id = MarketId.wrap(marketCount++);
        Market storage market = _markets[id];
        market.longs.multiplier = ONE_MULTIPLIER;
        market.shorts.multiplier = ONE_MULTIPLIER;
        market.funding.accruedAt = block.timestamp.toUint32();
        market.funding.maxRate = maxRate;
        market.config = config;
        emit MarketSet(id, config, maxRate);
    }

    /// @inheritdoc IClearinghouse
    function setMarket(MarketId id, MarketConfig calldata config, uint16 maxRate) external nonReentrant restricted {
        Bounds.checkMarket(config, maxRate);
        Market memory market = _accrue(id);
        Positions.requireOpenInterest(market.longs, Pricing.depth(config));
        Positions.requireOpenInterest(market.shorts, Pricing.depth(config));
        market.funding.maxRate = maxRate;
        market.funding.rate = int48(int256(market.funding.rate).clampSymmetric(FundingRate.maxRatePerSecond(maxRate)));
        market.funding.velocity = FundingRate.velocityAt(config, market.skewOf());
        _markets[id].funding.store(market.funding);
        _markets[id].config = config;
        emit MarketSet(id, config, maxRate);
    }

    /// @inheritdoc IClearinghouse
    function setRiskConfig(RiskConfig calldata config, uint16 poolFeeShare) external nonReentrant restricted {
        Bounds.checkRisk(config, poolFeeShare);
        _riskConfig = config;
        _ledger.poolFeeShare = poolFeeShare;
        emit RiskConfigSet(config, poolFeeShare);
    }

    /// @inheritdoc IClearinghouse
    function setExecutor(address executor, bool allowed) external nonReentrant restricted {
        isExecutor[executor] = allowed;
        emit ExecutorSet(executor, allowed);
    }

    /// @inheritdoc IClearinghouse
    function pauseRisk() external nonReentrant restricted {
        _ledger.riskPaused = true;
        emit RiskPauseSet(true);
    }

    /// @inheritdoc IClearinghouse
    function unpauseRisk() external nonReentrant restricted {
        _ledger.riskPaused = false;
        emit RiskPauseSet(false);
    }

    // ---- views

    /// @inheritdoc IClearinghouse
    function balanceOf(AccountId id) external view returns (int256) {
        if (id == POOL_ACCOUNT) return _ledger.poolBalance;
        if (id == INSURANCE_ACCOUNT) return int256(uint256(_ledger.insuranceBalance));
        return _accounts[id].balance;
    }

    /// @inheritdoc IClearinghouse
    function accountOf(AccountId id) external view returns (Account memory) {
        return _accounts[id];
    }

    /// @inheritdoc IClearinghouse
    function positionOf(AccountId id, MarketId market) external view returns (Position memory) {
        return _positions[id][market];
    }

    /// @inheritdoc IClearinghouse
    function marketOf(MarketId id) external view returns (Market memory) {
        return _markets[id];
    }

    /// @inheritdoc IClearinghouse
    function ledger() external view returns (Ledger memory) {
        return _ledger;
    }

    /// @inheritdoc IClearinghouse
    function riskConfig() external view returns (RiskConfig memory) {
        return _riskConfig;
    }

    /// @inheritdoc IClearinghouse
    function permissionOf(address owner, address operator) external view returns (Permission memory) {
        return _permissions[owner][operator];
    }

    /// @inheritdoc IClearinghouse
    function isAuthorized(AccountId id, address caller, uint8 permission) public view returns (bool) {
        if (caller == id.owner()) return true;
        Permission memory granted = _permissions[id.owner()][caller];
        return granted.flags & permission == permission && block.timestamp <= granted.expiresAt;
    }

    /// @inheritdoc IClearinghouse
    function riskOf(AccountId id) public view returns (AccountRisk memory risk) {
        Account memory account = _accounts[id];
        risk.equity = account.balance;
        uint256 markets = account.openMarkets;
        if (markets == 0) return risk;
        uint256[] memory prices = ORACLE.pricesOf(markets);
        for (uint256 i; i < prices.length; ++i) {
            MarketId market = lowestMarket(markets);
            markets &= markets - 1;
            _addPosition(risk, _positions[id][market], _markets[market], prices[i]);
        }
        risk.applyFloors(_riskConfig);
    }

    // ---- checks

    function _authorize(AccountId id, uint8 permission) private view {
        if (!isAuthorized(id, msg.sender, permission)) revert AccountUnauthorized(id, msg.sender, permission);
    }

    function _requireMarketLimit(AccountId id, MarginMode mode, uint256 markets) private pure {
        uint256 maximum = mode == MarginMode.Isolated ? 1 : MAX_OPEN_MARKETS;
        uint256 count = LibBit.popCount(markets);
        if (count > maximum) revert OpenMarketsExceeded(id, count, maximum);
    }

    function _requireInitialMargin(AccountId id) private view {
        AccountRisk memory risk = riskOf(id);
        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
    }

    /// @dev A reduction without keeper fee passes if it costs, at the mark, less than the maintenance margin that it
    /// releases: then no price of another market is needed, and none that is stale can keep anybody in a position. A
    /// keeper fee leaves the protocol's hands, so it takes an account that meets maintenance: else the owner of a
    /// bankrupt account could pay himself.
    function _requireReduction(Trade calldata order, Fill memory fill, OpenPosition memory open, Account memory account)
        private
        view
    {
        if (account.openMarkets == 0) {
            if (account.balance < 0) revert AccountBankrupt(order.account, account.balance);
            return;
        }
        if (order.keeperFee == 0) {
            uint256 released = Margin.maintenanceUp(open.market.config, fill.sizeDelta.abs() * open.price);
            int256 worth = (fill.sizeDelta * int256(open.price)).divDown(FixedPoint.WAD);
            if (fill.cost - worth + int256(fill.fee) < int256(released)) return;
        }
        AccountRisk memory risk = riskOf(order.account);
        if (risk.equity < int256(risk.maintenanceMargin)) {
            revert MaintenanceInsufficient(risk.equity, risk.maintenanceMargin);
        }
    }

    function _checkFill(Trade calldata order, Fill memory fill, Market memory market, int256 sizeAfter) private pure {
        if (fill.sizeDelta == 0) revert SizeZero();
        uint256 minSize = Pricing.minSize(market.config);
        if (sizeAfter != 0 && sizeAfter.abs() < minSize) revert SizeBelowMinimum(sizeAfter.abs(), minSize);
        uint256 price = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        if (fill.sizeDelta > 0 ? price > order.acceptablePrice : price < order.acceptablePrice) {
            revert PriceUnacceptable(price, order.acceptablePrice);
        }
    }

    // ---- fills

    /// @dev Moves the quote of a fill: cost and funding to the pool, the fee to pool and insurance fund.
    function _apply(Account memory account, Fill memory fill) private {
        Ledger memory state = _ledger;
        uint256 poolFee = fill.fee * state.poolFeeShare / 1e4;
        int256 paid = fill.cost + fill.funding;
        account.balance = (int256(account.balance) - paid - int256(fill.fee)).toInt128();
        state.poolBalance = (int256(state.poolBalance) + paid + int256(poolFee)).toInt128();
        state.insuranceBalance = SafeCast.toUint104(state.insuranceBalance + fill.fee - poolFee);
        _ledger = state;
    }

    function _setOpen(AccountId id, Account memory account, MarketId market, bool isOpen) private pure {
        uint256 bit = market.toBit();
        if (!isOpen) {
            account.openMarkets &= uint120(~bit);
        } else if (account.openMarkets & bit == 0) {
            account.openMarkets |= uint120(bit);
            _requireMarketLimit(id, account.mode, account.openMarkets);
        }
    }

    function _payKeeper(Trade calldata order) private {
        if (order.keeper.isReserved()) revert AccountReserved(order.keeper);
        int256 balance = _credit(order.keeper, int256(uint256(order.keeperFee)));
        emit KeeperPaid(order.account, order.keeper, order.keeperFee, balance);
    }

    function _emitTraded(AccountId id, OpenPosition memory open, Fill memory fill, int256 balance) private {
        emit Traded(
            id, open.id, fill.sizeDelta, fill.cost, fill.fee, fill.funding, open.position.shares.toInt(), balance
        );
    }

    // ---- liquidation

    /// @dev Fraction to close; reverts for an account that is not under its maintenance margin.
    function _fractionToClose(Account memory account, OpenPosition[] memory positions, RiskConfig memory config)
        private
        pure
        returns (uint256)
    {
        AccountRisk memory risk = _riskInMemory(account, positions, config);
        if (risk.equity >= int256(risk.maintenanceMargin)) revert AccountHealthy(risk.equity, risk.maintenanceMargin);
        int256 closeCost;
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            int256 closing = -open.market.sizeOf(open.position);
            int256 skew = open.market.skewOf();
            uint256 depth = Pricing.depth(open.market.config);
            closeCost += Pricing.costUp(closing, open.price, skew, depth)
            - (closing * int256(open.price)).divDown(FixedPoint.WAD)
            + int256(Pricing.feeUp(open.market.config, closing, open.price, skew));
        }
        closeCost += int256(Liquidation.penaltyUp(risk.notional, config));
        return Liquidation.fractionUp(risk.equity, risk.maintenanceMargin, closeCost, config);
    }

    /// @dev Closes `fraction` of each position at the oracle price moved by skew.
    function _closeAll(AccountId id, Account memory account, OpenPosition[] memory positions, uint256 fraction)
        private
        returns (uint256 closedNotional)
    {
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            int256 size = open.market.sizeOf(open.position);
            if (size == 0) continue;
            uint256 minSize = Pricing.minSize(open.market.config);
            int256 closed = int256(Liquidation.portionUp(size.abs(), fraction, minSize));
            Fill memory fill = open.market.change(open.position, size > 0 ? -closed : closed, open.price);
            if (open.position.shares.isZero()) _setOpen(id, account, open.id, false);
            _apply(account, fill);
            _emitTraded(id, open, fill, account.balance);
            closedNotional += fill.sizeDelta.abs() * open.price / 1e18;
        }
    }

    /// @dev Whether an account with positions left has the target health once penalty and reward are paid.
    function _isHealed(
        Account memory account,
        OpenPosition[] memory positions,
        uint256 closedNotional,
        RiskConfig memory config
    ) private pure returns (bool) {
        if (account.openMarkets == 0) return true;
        AccountRisk memory risk = _riskInMemory(account, positions, config);
        uint256 charged =
            Math.max(Liquidation.penaltyUp(closedNotional, config), Liquidation.rewardDown(closedNotional, config));
        return Liquidation.isHealed(risk.equity - int256(charged), risk.maintenanceMargin, config);
    }

    /// @dev Waterfall: the account pays the reward and what it can of the penalty; bad debt falls on the insurance
    /// fund, then on the pool. The penalty never makes bad debt, the reward may.
    function _distribute(
        AccountId id,
        Account memory account,
        RiskConfig memory config,
        LiquidationResult memory result
    ) private {
        result.reward = Liquidation.rewardDown(result.closedNotional, config);
        int256 balance = int256(account.balance) - int256(result.reward);
        uint256 charged = Math.max(Liquidation.penaltyUp(result.closedNotional, config), result.reward);
        result.penalty = charged - result.reward;
        Ledger memory state = _ledger;
        if (account.openMarkets == 0) {
            result.penalty = Math.min(result.penalty, balance > 0 ? uint256(balance) : 0);
            if (balance < 0) {
                result.badDebt = uint256(-balance);
                uint256 fromInsurance = Math.min(result.badDebt, state.insuranceBalance);
                uint256 fromPool = result.badDebt - fromInsurance;
                state.insuranceBalance -= uint104(fromInsurance);
                state.poolBalance = (int256(state.poolBalance) - int256(fromPool)).toInt128();
                balance = 0;
                emit BadDebtBooked(id, fromInsurance, fromPool);
            }
        }
        account.balance = (balance - int256(result.penalty)).toInt128();
        state.insuranceBalance = SafeCast.toUint104(state.insuranceBalance + result.penalty);
        _ledger = state;
    }

    /// @dev Like `riskOf`, of positions that are accrued in memory.
    function _riskInMemory(Account memory account, OpenPosition[] memory positions, RiskConfig memory config)
        private
        pure
        returns (AccountRisk memory risk)
    {
        risk.equity = account.balance;
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            Side memory side = open.market.sideOf(open.position.shares);
            int256 size = open.position.shares.toSize(side.multiplier);
            risk.add(open.position, size, side.index, open.market.config, open.price);
        }
        risk.applyFloors(config);
    }

    // ---- storage

    /// @dev The three slots that value a position beside its own: its side, funding and parameters of the market.
    function _addPosition(AccountRisk memory risk, Position memory position, Market storage market, uint256 price)
        private
        view
    {
        bool isLong = position.shares.isLong();
        Side memory side = isLong ? market.longs.load() : market.shorts.load();
        int256 index = FundingRate.previewIndex(market.funding.load(), side, isLong, price, block.timestamp);
        risk.add(position, position.shares.toSize(side.multiplier), index, market.config, price);
    }

    function _load(AccountId account, MarketId id) private view returns (OpenPosition memory open) {
        open.id = id;
        open.position = _positions[account][id];
        open.market = _loadMarket(id);
    }

    function _accrueTo(OpenPosition memory open, uint256 price) private {
        open.price = price;
        if (FundingRate.accrue(open.market, price, block.timestamp)) _emitAccrued(open.id, open.market);
    }

    function _loadAll(AccountId account, uint256 markets) private returns (OpenPosition[] memory positions) {
        uint256[] memory prices = ORACLE.pricesOf(markets);
        positions = new OpenPosition[](prices.length);
        for (uint256 i; i < prices.length; ++i) {
            positions[i] = _load(account, lowestMarket(markets));
            _accrueTo(positions[i], prices[i]);
            markets &= markets - 1;
        }
    }

    /// @dev A multiplier is never zero once a market is listed.
    function _loadMarket(MarketId id) private view returns (Market memory market) {
        Market storage slots = _markets[id];
        market.longs = slots.longs.load();
        if (market.longs.multiplier == 0) revert MarketUnknown(id);
        market.shorts = slots.shorts.load();
        market.funding = slots.funding.load();
        market.config = slots.config;
    }

    function _store(AccountId account, OpenPosition memory open) private {
        _positions[account][open.id] = open.position;
        _storeMarket(open.id, open.market);
    }

    function _storeMarket(MarketId id, Market memory market) private {
        Market storage slots = _markets[id];
        slots.longs.store(market.longs);
        slots.shorts.store(market.shorts);
        slots.funding.store(market.funding);
    }

    /// @dev Accrues and stores one market by itself.
    function _accrue(MarketId id) private returns (Market memory market) {
        market = _loadMarket(id);
        if (!FundingRate.accrue(market, ORACLE.priceOf(id), block.timestamp)) return market;
        _storeMarket(id, market);
        _emitAccrued(id, market);
    }

    function _emitAccrued(MarketId id, Market memory market) private {
        emit FundingAccrued(id, market.funding.rate, market.longs.index, market.shorts.index);
    }

    // ---- balances

    function _credit(AccountId id, int256 amount) private returns (int256 balance) {
        balance = int256(_accounts[id].balance) + amount;
        _accounts[id].balance = balance.toInt128();
    }

    function _move(AccountId from, AccountId to, int256 amount) private {
        if (from == to || from.owner() != to.owner()) revert AccountPairInvalid(from, to);
        int256 fromBalance = _credit(from, -amount);
        int256 toBalance = _credit(to, amount);
        emit Transferred(from, to, uint256(amount), fromBalance, toBalance);
    }

    function _toWad(uint128 amount) private pure returns (uint256) {
        if (amount == 0) revert AmountZero();
        return uint256(amount) * UNIT;
    }

    /// @dev Takes `amount` token units from the caller; a token that keeps a part of it is refused.
    function _pull(uint128 amount) private {
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - held;
        if (received != amount) revert TransferMismatch(amount, received);
    }
}
