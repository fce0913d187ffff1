// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {ParameterBounds} from "./ParameterBounds.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {FundingRate} from "./libraries/FundingRate.sol";
import {Liquidation} from "./libraries/Liquidation.sol";
import {Margin} from "./libraries/Margin.sol";
import {Netting, Portfolio} from "./libraries/Portfolio.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {
    Account,
    AccountRisk,
    AccountWord,
    MarginMode,
    PERMISSION_MARGIN,
    PERMISSION_WITHDRAW,
    Permission,
    Position,
    PositionWord
} from "./types/Account.sol";
import {AccountId, INSURANCE_ACCOUNT, POOL_ACCOUNT, toAccountId} from "./types/AccountId.sol";
import {Fill, LiquidationResult, Trade} from "./types/Fill.sol";
import {Ledger, LedgerWord, RiskConfig} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {FundingState, Market, MarketConfig, MarketWords, PortfolioConfig, Side} from "./types/Market.sol";
import {MAX_MARKETS, MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {ONE_MULTIPLIER} from "./types/Shares.sol";

/// @title The ledger of the exchange; see IClearinghouse.
/// @dev Every entry point has one shape: authorise, load and accrue, change memory, check, store, event, interaction.
contract Clearinghouse is IClearinghouse, AccessManaged, Multicall, ReentrancyGuardTransient {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Portfolio for Netting;
    using Positions for Market;
    using SafeERC20 for IERC20;

    /// @dev Bounds the gas of the largest liquidation.
    uint256 public constant MAX_OPEN_MARKETS = 16;
    /// @dev Wad per unit of the settlement token.
    uint256 private constant UNIT = 1e12;

    IERC20 public immutable TOKEN;
    IPriceOracle public immutable ORACLE;
    AccountId public immutable TREASURY;
    ParameterBounds public immutable BOUNDS;

    mapping(AccountId account => AccountWord) private _accounts;
    mapping(AccountId account => mapping(MarketId market => PositionWord)) private _positions;
    mapping(MarketId market => MarketWords) private _markets;
    mapping(address owner => mapping(address operator => Permission)) private _permissions;
    mapping(address executor => bool allowed) public isExecutor;
    LedgerWord private _ledger;
    RiskConfig private _riskConfig;
    uint8 public marketCount;

    /// @dev One market of an account in memory.
    struct OpenPosition {
        MarketId id;
        Mark mark;
        int256 size;
        Market market;
        Position position;
    }

    /// @dev The parameters of the call are within bounds: asks the contract that knows them, by the same calldata.
    modifier bounded() {
        (bool ok, bytes memory reason) = address(BOUNDS).staticcall(msg.data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        _;
    }

    constructor(address authority, IERC20Metadata token, IPriceOracle oracle, ParameterBounds bounds, address treasury)
        AccessManaged(authority)
    {
        uint8 decimals = token.decimals();
        if (decimals != 6) revert TokenDecimalsMismatch(decimals);
        TOKEN = token;
        ORACLE = oracle;
        BOUNDS = bounds;
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
        _push(recipient, amount);
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
        Account memory account = _accounts[id].unpack();
        bool isNetted = _isNetted(account);
        account.mode = mode;
        _requireMarketLimit(id, account);
        _accounts[id] = account.pack();
        if (isNetted) _requireInitialMargin(id);
        emit MarginModeSet(id, mode);
    }

    /// @inheritdoc IClearinghouse
    function setLeverage(AccountId id, AccountId fundedBy, uint128 leverage) external nonReentrant {
        _authorize(id, PERMISSION_MARGIN);
        if (leverage == 0) revert LeverageZero();
        AccountRisk memory risk = riskOf(id);
        if (risk.notional == 0) revert AccountFlat(id);
        int256 missing = int256(FixedPointMathLib.divUp(risk.notional * 1e18, leverage)) - risk.equity;
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
        AccountId id = order.account;
        Account memory account = _accounts[id].unpack();
        OpenPosition memory open;
        _load(open, _positions[id], order.market);
        int256 sizeBefore = open.size;
        open.mark = ORACLE.markOf(order.market);
        bool isOpposite = order.sizeDelta < 0 ? sizeBefore > 0 : sizeBefore < 0;
        uint256 requiredBefore = isOpposite && _isNetted(account) ? riskOf(id).maintenanceMargin : 0;
        FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
        open.size = open.market.change(open.position, sizeBefore, order.sizeDelta, order.price, fill);
        _checkFill(order, fill, open);
        if (_setOpen(account, open)) _requireMarketLimit(id, account);

        Ledger memory state = _ledger.unpack();
        _apply(account, state, fill);
        account.balance -= int256(uint256(order.keeperFee));
        _ledger = state.pack();
        _accounts[id] = account.pack();
        _store(_positions[id], open);
        _emitTraded(id, open, fill, account.balance);

        if (sizeBefore ^ fill.sizeDelta < 0 && fill.sizeDelta.abs() <= sizeBefore.abs()) {
            _requireReduction(order, fill, open, account, requiredBefore);
        } else {
            if (state.riskPaused) revert RiskPaused();
            AccountRisk memory risk = _riskAfter(id, account, open, state);
            if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
        }
        if (order.keeperFee > 0) _payKeeper(order);
    }

    // ---- anyone

    /// @inheritdoc IClearinghouse
    function liquidate(AccountId id, AccountId liquidator)
        external
        nonReentrant
        returns (LiquidationResult memory result)
    {
        if (liquidator.isReserved()) revert AccountReserved(liquidator);
        Account memory account = _accounts[id].unpack();
        if (account.openMarkets == 0) revert AccountFlat(id);
        RiskConfig memory config = _riskConfig;
        Ledger memory state = _ledger.unpack();
        OpenPosition[] memory positions = _loadAll(id, account.openMarkets);

        uint256 fraction = _fractionToClose(account, positions, state, config);
        result.closedNotional = _closeAll(id, account, positions, state, fraction);
        if (!_isHealed(account, positions, state, config, result.closedNotional)) {
            result.closedNotional += _closeAll(id, account, positions, state, FixedPointMathLib.WAD);
        }
        mapping(MarketId => PositionWord) storage words = _positions[id];
        for (uint256 i; i < positions.length; ++i) {
            _store(words, positions[i]);
        }
        _distribute(id, account, state, config, result);
        _ledger = state.pack();
        _accounts[id] = account.pack();
        _credit(liquidator, int256(result.reward));
        emit Liquidated(id, liquidator, result.closedNotional, result.reward, result.penalty, account.balance);
    }

    /// @inheritdoc IClearinghouse
    function deleverage() external nonReentrant returns (uint256 fraction) {
        Ledger memory state = _ledger.unpack();
        OpenPosition[] memory skewed = _loadSkewed(false);
        AccountRisk memory risk = _poolRisk(skewed, state);
        if (risk.equity >= int256(risk.maintenanceMargin)) revert AccountHealthy(risk.equity, risk.maintenanceMargin);
        fraction = Liquidation.fractionUp(risk.equity, risk.maintenanceMargin, 0, _riskConfig);
        for (uint256 i; i < skewed.length; ++i) {
            OpenPosition memory open = skewed[i];
            uint256 cut = open.market.deleverage(fraction, open.mark.price());
            _storeMarket(open.id, open.market);
            _emitAccrued(open.id, open.market);
            emit Deleveraged(open.id, open.size < 0, cut, open.market.longs.multiplier, open.market.shorts.multiplier);
        }
    }

    /// @inheritdoc IClearinghouse
    function accrue(MarketId id) external nonReentrant {
        Market memory market;
        _loadMarket(market, id);
        FundingRate.accrue(market, ORACLE.priceOf(id), block.timestamp);
        _storeMarket(id, market);
        _emitAccrued(id, market);
    }

    /// @inheritdoc IClearinghouse
    function fundInsurance(uint128 amount) external nonReentrant {
        Ledger memory state = _ledger.unpack();
        state.insuranceBalance += _toWad(amount);
        _ledger = state.pack();
        emit Deposited(INSURANCE_ACCOUNT, msg.sender, amount, int256(state.insuranceBalance));
        _pull(amount);
    }

    /// @inheritdoc IClearinghouse
    function collectTreasury() external nonReentrant {
        Ledger memory state = _ledger.unpack();
        uint256 threshold = uint256(_riskConfig.treasuryThreshold) * 1e18;
        if (state.insuranceBalance <= threshold) revert SurplusMissing(state.insuranceBalance, threshold);
        uint256 surplus = state.insuranceBalance - threshold;
        state.insuranceBalance = threshold;
        _ledger = state.pack();
        emit TreasuryCollected(TREASURY, surplus, _credit(TREASURY, int256(surplus)));
    }

    // ---- governance and guardian

    /// @inheritdoc IClearinghouse
    function fundPool(uint128 amount) external nonReentrant restricted {
        Ledger memory state = _ledger.unpack();
        state.poolBalance += int256(_toWad(amount));
        _ledger = state.pack();
        emit Deposited(POOL_ACCOUNT, msg.sender, amount, state.poolBalance);
        _pull(amount);
    }

    /// @inheritdoc IClearinghouse
    function defundPool(uint128 amount, address recipient) external nonReentrant restricted {
        Ledger memory state = _ledger.unpack();
        state.poolBalance -= int256(_toWad(amount));
        _ledger = state.pack();
        AccountRisk memory risk = _poolRisk(_loadSkewed(true), state);
        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
        emit Withdrawn(POOL_ACCOUNT, recipient, amount, state.poolBalance);
        _push(recipient, amount);
    }

    /// @inheritdoc IClearinghouse
    function listMarket(MarketConfig calldata config, uint16 maxRate)
        external
        nonReentrant
        restricted
        bounded
        returns (MarketId id)
    {
        if (marketCount == MAX_MARKETS) revert MarketsExhausted();
        id = MarketId.wrap(marketCount++);
        Market memory market;
        market.longs.multiplier = ONE_MULTIPLIER;
        market.shorts.multiplier = ONE_MULTIPLIER;
        market.funding.accruedAt = block.timestamp;
        market.funding.maxRate = maxRate;
        _markets[id].config = config.pack();
        _storeMarket(id, market);
        emit MarketSet(id, config, maxRate);
    }

    /// @inheritdoc IClearinghouse
    function setMarket(MarketId id, MarketConfig calldata config, uint16 maxRate)
        external
        nonReentrant
        restricted
        bounded
    {
        Market memory market;
        _loadMarket(market, id);
        FundingRate.accrue(market, ORACLE.priceState(id).price, block.timestamp);
        Positions.requireOpenInterest(market.longs, Pricing.depth(config));
        Positions.requireOpenInterest(market.shorts, Pricing.depth(config));
        FundingState memory funding = market.funding;
        funding.maxRate = maxRate;
        funding.rate = funding.rate.clampSymmetric(FundingRate.maxRatePerSecond(maxRate));
        funding.velocity = FundingRate.velocityAt(config, market.skewOf());
        _markets[id].config = config.pack();
        _storeMarket(id, market);
        _emitAccrued(id, market);
        emit MarketSet(id, config, maxRate);
    }

    /// @inheritdoc IClearinghouse
    function setPortfolio(MarketId id, PortfolioConfig calldata config) external nonReentrant restricted bounded {
        if (id.toUint() >= marketCount) revert MarketUnknown(id);
        _markets[id].portfolio = config.pack();
        emit PortfolioSet(id, config);
    }

    /// @inheritdoc IClearinghouse
    function setRiskConfig(RiskConfig calldata config) external nonReentrant restricted bounded {
        _riskConfig = config;
        Ledger memory state = _ledger.unpack();
        state.poolFeeShare = config.poolFeeShare;
        state.minReward = config.minReward;
        state.minInitialMargin = config.minInitialMargin;
        _ledger = state.pack();
        emit RiskConfigSet(config);
    }

    /// @inheritdoc IClearinghouse
    function setExecutor(address executor, bool allowed) external nonReentrant restricted {
        isExecutor[executor] = allowed;
        emit ExecutorSet(executor, allowed);
    }

    /// @inheritdoc IClearinghouse
    function pauseRisk() external nonReentrant restricted {
        _setRiskPaused(true);
    }

    /// @inheritdoc IClearinghouse
    function unpauseRisk() external nonReentrant restricted {
        _setRiskPaused(false);
    }

    // ---- views

    /// @inheritdoc IClearinghouse
    function balanceOf(AccountId id) external view returns (int256) {
        if (id == POOL_ACCOUNT) return _ledger.unpack().poolBalance;
        if (id == INSURANCE_ACCOUNT) return int256(_ledger.unpack().insuranceBalance);
        return _accounts[id].unpack().balance;
    }

    /// @inheritdoc IClearinghouse
    function accountOf(AccountId id) external view returns (Account memory) {
        return _accounts[id].unpack();
    }

    /// @inheritdoc IClearinghouse
    function positionOf(AccountId id, MarketId market) external view returns (Position memory position) {
        _positions[id][market].unpackInto(position);
    }

    /// @inheritdoc IClearinghouse
    function marketOf(MarketId id) external view returns (Market memory market) {
        _markets[id].unpackInto(market);
    }

    /// @inheritdoc IClearinghouse
    function portfolioOf(MarketId id) external view returns (PortfolioConfig memory) {
        return _markets[id].portfolio.unpack();
    }

    /// @inheritdoc IClearinghouse
    function ledger() external view returns (Ledger memory) {
        return _ledger.unpack();
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
    function poolRisk() external view returns (AccountRisk memory) {
        return _poolRisk(_loadSkewed(true), _ledger.unpack());
    }

    /// @inheritdoc IClearinghouse
    function riskOf(AccountId id) public view returns (AccountRisk memory risk) {
        Account memory account = _accounts[id].unpack();
        risk.equity = account.balance;
        if (account.openMarkets == 0) return risk;
        OpenPosition memory scratch;
        Netting memory netting = _nettingOf(account);
        _addPending(risk, netting, id, account.openMarkets, scratch);
        _settleRisk(risk, netting, _ledger.unpack());
    }

    // ---- checks

    function _authorize(AccountId id, uint8 permission) private view {
        if (!isAuthorized(id, msg.sender, permission)) revert AccountUnauthorized(id, msg.sender, permission);
    }

    function _requireMarketLimit(AccountId id, Account memory account) private pure {
        uint256 maximum = account.mode == MarginMode.Isolated ? 1 : MAX_OPEN_MARKETS;
        uint256 count = LibBit.popCount(account.openMarkets);
        if (count > maximum) revert OpenMarketsExceeded(id, count, maximum);
    }

    function _requireInitialMargin(AccountId id) private view {
        AccountRisk memory risk = riskOf(id);
        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
    }

    /// @dev A reduction that costs, at the mark, less than the maintenance margin that it releases needs no price of
    /// another market, and none that is stale can keep anybody in a position; one that costs more needs maintenance. A
    /// keeper fee leaves the protocol's hands, and the keeper may be the owner: with one, an account that costs are
    /// covered for needs maintenance, any other initial margin, as for a withdrawal. A portfolio whose positions offset
    /// each other may need more when one shrinks: what it releases is known from all its prices only.
    /// @param requiredBefore maintenance margin before, of a portfolio of several markets
    function _requireReduction(
        Trade calldata order,
        Fill memory fill,
        OpenPosition memory open,
        Account memory account,
        uint256 requiredBefore
    ) private view {
        if (account.openMarkets == 0) {
            if (account.balance < 0) revert AccountBankrupt(order.account, account.balance);
            return;
        }
        uint256 price = open.mark.price();
        int256 released = requiredBefore == 0
            ? int256(Margin.maintenanceUp(open.market.config, fill.sizeDelta.abs(), price))
            : int256(requiredBefore) - int256(riskOf(order.account).maintenanceMargin);
        int256 charged = fill.cost - Pricing.worthDown(fill.sizeDelta, price) + int256(fill.fee);
        bool covered = charged + int256(uint256(order.keeperFee)) < released;
        if (covered && order.keeperFee == 0) return;
        if (!covered && order.keeperFee > 0) return _requireInitialMargin(order.account);
        AccountRisk memory risk = riskOf(order.account);
        if (risk.equity < int256(risk.maintenanceMargin)) {
            revert MaintenanceInsufficient(risk.equity, risk.maintenanceMargin);
        }
    }

    function _checkFill(Trade calldata order, Fill memory fill, OpenPosition memory open) private pure {
        if (fill.sizeDelta == 0) revert SizeZero();
        uint256 minSize = Pricing.minSize(open.market.config);
        uint256 size = open.size.abs();
        if (!open.position.shares.isZero() && size < minSize) revert SizeBelowMinimum(size, minSize);
        uint256 price = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        if (fill.sizeDelta > 0 ? price > order.acceptablePrice : price < order.acceptablePrice) {
            revert PriceUnacceptable(price, order.acceptablePrice);
        }
    }

    // ---- fills

    /// @dev Moves the quote of a fill: cost and funding to the pool, the fee to pool and insurance fund.
    function _apply(Account memory account, Ledger memory state, Fill memory fill) private pure {
        unchecked {
            int256 paid = fill.cost + fill.funding;
            uint256 poolFee = fill.fee * state.poolFeeShare / 1e4;
            account.balance -= paid + int256(fill.fee);
            state.poolBalance += paid + int256(poolFee);
            state.insuranceBalance += fill.fee - poolFee;
        }
    }

    /// @return opened whether the account had no position in the market before
    function _setOpen(Account memory account, OpenPosition memory open) private pure returns (bool opened) {
        uint256 bit = open.id.toBit();
        uint256 before = account.openMarkets;
        account.openMarkets = open.position.shares.isZero() ? before & ~bit : before | bit;
        return account.openMarkets > before;
    }

    function _payKeeper(Trade calldata order) private {
        if (order.keeper.isReserved()) revert AccountReserved(order.keeper);
        int256 balance = _credit(order.keeper, int256(uint256(order.keeperFee)));
        emit KeeperPaid(order.account, order.keeper, order.keeperFee, balance);
    }

    function _emitTraded(AccountId id, OpenPosition memory open, Fill memory fill, int256 balance) private {
        emit Traded(id, open.id, fill.sizeDelta, fill.cost, fill.fee, fill.funding, open.market.funding.rate, balance);
    }

    // ---- liquidation

    /// @dev Fraction to close; reverts for an account that is not under its maintenance margin.
    function _fractionToClose(
        Account memory account,
        OpenPosition[] memory positions,
        Ledger memory state,
        RiskConfig memory config
    ) private view returns (uint256) {
        AccountRisk memory risk = _riskInMemory(account, positions, state);
        if (risk.equity >= int256(risk.maintenanceMargin)) revert AccountHealthy(risk.equity, risk.maintenanceMargin);
        int256 closeCost = int256(Liquidation.penaltyUp(risk.notional, config));
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            closeCost += Pricing.closeCostUp(open.market.config, open.size, open.mark.price(), open.market.skewOf());
        }
        return Liquidation.fractionUp(risk.equity, risk.maintenanceMargin, closeCost, config);
    }

    /// @dev Closes `fraction` of each position at the oracle price moved by skew.
    function _closeAll(
        AccountId id,
        Account memory account,
        OpenPosition[] memory positions,
        Ledger memory state,
        uint256 fraction
    ) private returns (uint256 closedNotional) {
        Fill memory fill;
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            if (open.position.shares.isZero()) continue;
            _close(open, fraction, fill);
            _setOpen(account, open);
            _apply(account, state, fill);
            _emitTraded(id, open, fill, account.balance);
            closedNotional += fill.sizeDelta.abs() * open.mark.price() / 1e18;
        }
    }

    function _close(OpenPosition memory open, uint256 fraction, Fill memory fill) private pure {
        int256 size = open.size;
        int256 closed = int256(Liquidation.portionUp(size.abs(), fraction, Pricing.minSize(open.market.config)));
        open.size = open.market.change(open.position, size, size > 0 ? -closed : closed, open.mark.price(), fill);
    }

    /// @dev Whether an account with positions left has the target health once penalty and reward are paid.
    function _isHealed(
        Account memory account,
        OpenPosition[] memory positions,
        Ledger memory state,
        RiskConfig memory config,
        uint256 closedNotional
    ) private view returns (bool) {
        if (account.openMarkets == 0) return true;
        AccountRisk memory risk = _riskInMemory(account, positions, state);
        uint256 charged = FixedPointMathLib.max(
            Liquidation.penaltyUp(closedNotional, config), Liquidation.rewardDown(closedNotional, config)
        );
        return Liquidation.isHealed(risk.equity - int256(charged), risk.maintenanceMargin, config);
    }

    /// @dev Waterfall: the account pays the reward and what it can of the penalty; bad debt falls on the insurance
    /// fund, then on the pool. The penalty never makes bad debt, the reward may.
    function _distribute(
        AccountId id,
        Account memory account,
        Ledger memory state,
        RiskConfig memory config,
        LiquidationResult memory result
    ) private {
        result.reward = Liquidation.rewardDown(result.closedNotional, config);
        result.penalty =
            FixedPointMathLib.zeroFloorSub(Liquidation.penaltyUp(result.closedNotional, config), result.reward);
        account.balance -= int256(result.reward);
        if (account.openMarkets == 0) {
            if (account.balance < 0) {
                result.badDebt = uint256(-account.balance);
                uint256 fromInsurance = FixedPointMathLib.min(result.badDebt, state.insuranceBalance);
                state.insuranceBalance -= fromInsurance;
                state.poolBalance -= int256(result.badDebt - fromInsurance);
                account.balance = 0;
                emit BadDebtBooked(id, fromInsurance, result.badDebt - fromInsurance);
            }
            result.penalty = FixedPointMathLib.min(result.penalty, uint256(account.balance));
        }
        account.balance -= int256(result.penalty);
        state.insuranceBalance += result.penalty;
    }

    // ---- risk

    /// @dev Risk of an account after a fill. The position filled is accrued in memory, which then serves the others.
    function _riskAfter(AccountId id, Account memory account, OpenPosition memory open, Ledger memory state)
        private
        view
        returns (AccountRisk memory risk)
    {
        risk.equity = account.balance;
        Netting memory netting = _nettingOf(account);
        _addAccrued(risk, netting, open);
        _addPending(risk, netting, id, account.openMarkets & ~open.id.toBit(), open);
        _settleRisk(risk, netting, state);
    }

    /// @dev Risk of an account whose positions are accrued in memory.
    function _riskInMemory(Account memory account, OpenPosition[] memory positions, Ledger memory state)
        private
        view
        returns (AccountRisk memory risk)
    {
        risk.equity = account.balance;
        Netting memory netting = _nettingOf(account);
        for (uint256 i; i < positions.length; ++i) {
            if (!positions[i].position.shares.isZero()) _addAccrued(risk, netting, positions[i]);
        }
        _settleRisk(risk, netting, state);
    }

    /// @dev Risk of the pool, whose position in each market is what its skew leaves. It owes, or is owed, what the indices
    /// have moved since all positions were entered; its margin is that of a portfolio, without floors.
    function _poolRisk(OpenPosition[] memory skewed, Ledger memory state)
        private
        view
        returns (AccountRisk memory risk)
    {
        risk.equity = state.poolBalance;
        Netting memory netting = Portfolio.start(skewed.length);
        Position memory none;
        for (uint256 i; i < skewed.length; ++i) {
            OpenPosition memory open = skewed[i];
            risk.equity += open.market.unsettledDown();
            risk.add(none, open.size, 0, open.market.config, open.mark);
            netting.add(open.size, open.mark.price(), open.market.config, _markets[open.id].portfolio);
        }
        netting.settle(risk);
    }

    function _addAccrued(AccountRisk memory risk, Netting memory netting, OpenPosition memory open) private view {
        MarketConfig memory config = open.market.config;
        risk.add(open.position, open.size, open.market.indexOf(open.position), config, open.mark);
        if (netting.words.length != 0) netting.add(open.size, open.mark.price(), config, _markets[open.id].portfolio);
    }

    /// @dev Whether offsets between positions count: with one position there are none.
    function _isNetted(Account memory account) private pure returns (bool) {
        return account.mode == MarginMode.Portfolio && withoutLowest(account.openMarkets) != 0;
    }

    function _nettingOf(Account memory account) private pure returns (Netting memory netting) {
        if (_isNetted(account)) netting = Portfolio.start(LibBit.popCount(account.openMarkets));
    }

    function _settleRisk(AccountRisk memory risk, Netting memory netting, Ledger memory state) private pure {
        if (netting.words.length != 0) netting.settle(risk);
        risk.applyFloors(state);
    }

    /// @dev Adds the positions of an account in `markets`, with `scratch` as memory. Of a market it reads what values a
    /// position: the position's side, funding and parameters.
    function _addPending(
        AccountRisk memory risk,
        Netting memory netting,
        AccountId id,
        uint256 markets,
        OpenPosition memory scratch
    ) private view {
        if (markets == 0) return;
        Mark[] memory marks = ORACLE.marksOf(markets);
        mapping(MarketId => PositionWord) storage positions = _positions[id];
        Market memory market = scratch.market;
        for (uint256 i; i < marks.length; ++i) {
            MarketId marketId = lowestMarket(markets);
            markets = withoutLowest(markets);
            positions[marketId].unpackInto(scratch.position);
            MarketWords storage words = _markets[marketId];
            words.funding.unpackRateInto(market.funding);
            words.config.unpackMarginInto(market.config);
            bool isLong = scratch.position.shares.isLong();
            Side memory side = isLong ? market.longs : market.shorts;
            (isLong ? words.longs : words.shorts).unpackInto(side);
            Mark mark = marks[i];
            int256 index = FundingRate.previewIndex(market.funding, side, isLong, mark.price(), block.timestamp);
            int256 size = scratch.position.shares.toSize(side.multiplier);
            risk.add(scratch.position, size, index, market.config, mark);
            if (netting.words.length != 0) netting.add(size, mark.price(), market.config, words.portfolio);
        }
    }

    // ---- storage

    function _load(OpenPosition memory open, mapping(MarketId => PositionWord) storage positions, MarketId id)
        private
        view
    {
        open.id = id;
        positions[id].unpackInto(open.position);
        _loadMarket(open.market, id);
        open.size = open.market.sizeOf(open.position);
    }

    function _loadAll(AccountId account, uint256 markets) private view returns (OpenPosition[] memory positions) {
        Mark[] memory marks = ORACLE.freshMarksOf(markets);
        positions = new OpenPosition[](marks.length);
        mapping(MarketId => PositionWord) storage words = _positions[account];
        for (uint256 i; i < marks.length; ++i) {
            OpenPosition memory open = positions[i];
            _load(open, words, lowestMarket(markets));
            markets = withoutLowest(markets);
            open.mark = marks[i];
            FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
        }
    }

    /// @dev Every market with positions, accrued; `size` is what the pool holds of it.
    /// @param isCertain whether prices must be certain, too
    function _loadSkewed(bool isCertain) private view returns (OpenPosition[] memory skewed) {
        uint256 markets;
        for (uint256 i; i < marketCount; ++i) {
            MarketWords storage words = _markets[MarketId.wrap(uint8(i))];
            if (words.longs.hasShares() || words.shorts.hasShares()) markets |= 1 << i;
        }
        Mark[] memory marks = isCertain ? ORACLE.marksOf(markets) : ORACLE.freshMarksOf(markets);
        skewed = new OpenPosition[](marks.length);
        for (uint256 i; i < marks.length; ++i) {
            OpenPosition memory open = skewed[i];
            open.id = lowestMarket(markets);
            markets = withoutLowest(markets);
            open.mark = marks[i];
            _loadMarket(open.market, open.id);
            FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
            open.size = -open.market.skewOf();
        }
    }

    /// @dev A multiplier is never zero once a market is listed.
    function _loadMarket(Market memory market, MarketId id) private view {
        _markets[id].unpackInto(market);
        if (market.longs.multiplier == 0) revert MarketUnknown(id);
    }

    function _store(mapping(MarketId => PositionWord) storage positions, OpenPosition memory open) private {
        positions[open.id] = open.position.pack();
        _storeMarket(open.id, open.market);
    }

    function _storeMarket(MarketId id, Market memory market) private {
        MarketWords storage words = _markets[id];
        words.longs = market.longs.pack();
        words.shorts = market.shorts.pack();
        words.funding = market.funding.pack();
    }

    function _emitAccrued(MarketId id, Market memory market) private {
        emit FundingAccrued(id, market.funding.rate, market.longs.index, market.shorts.index);
    }

    function _setRiskPaused(bool paused) private {
        Ledger memory state = _ledger.unpack();
        state.riskPaused = paused;
        _ledger = state.pack();
        emit RiskPauseSet(paused);
    }

    // ---- balances

    function _credit(AccountId id, int256 amount) private returns (int256 balance) {
        Account memory account = _accounts[id].unpack();
        balance = account.balance + amount;
        account.balance = balance;
        _accounts[id] = account.pack();
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

    /// @dev Pays `amount` token units out.
    function _push(address recipient, uint128 amount) private {
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransfer(recipient, amount);
        uint256 paid = held - TOKEN.balanceOf(address(this));
        if (paid != amount) revert TransferMismatch(amount, paid);
    }

    /// @dev Takes `amount` token units from the caller; a token that keeps a part of it is refused.
    function _pull(uint128 amount) private {
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - held;
        if (received != amount) revert TransferMismatch(amount, received);
    }
}
