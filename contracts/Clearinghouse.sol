// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {ClearinghouseCore} from "./ClearinghouseCore.sol";
import {ClearinghouseExt} from "./ClearinghouseExt.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {ISignedMessages} from "./interfaces/ISignedMessages.sol";
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
    MarginMode,
    PERMISSION_MARGIN,
    PERMISSION_WITHDRAW,
    Permission,
    PoolRisk,
    Position,
    PositionWord
} from "./types/Account.sol";
import {AccountId, INSURANCE_ACCOUNT, POOL_ACCOUNT} from "./types/AccountId.sol";
import {Fill, LiquidationResult, Trade} from "./types/Fill.sol";
import {InsuranceDraw, Ledger, RiskConfig} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {Market, MarketConfig, MarketWords, PortfolioConfig, Side} from "./types/Market.sol";
import {MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceQuality} from "./types/PriceState.sol";

/// @title The ledger of the exchange; see IClearinghouse.
/// @dev What it does seldom is code of `ClearinghouseExt`, which it creates and runs on its own storage.
contract Clearinghouse is IClearinghouse, ClearinghouseCore, Multicall {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Portfolio for Netting;
    using Positions for Market;

    /// @dev Bounds the gas of the largest liquidation.
    uint256 public constant MAX_OPEN_MARKETS = 16;

    /// @inheritdoc IClearinghouse
    address public immutable EXTENSION;

    constructor(address authority, IERC20Metadata token, IPriceOracle oracle, address treasury)
        ClearinghouseCore(authority, token, oracle, treasury)
    {
        uint8 decimals = token.decimals();
        if (decimals != 6) revert TokenDecimalsMismatch(decimals);
        if (TREASURY.isReserved()) revert AccountReserved(TREASURY);
        EXTENSION = address(new ClearinghouseExt(authority, token, oracle, treasury));
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
    function movePosition(AccountId from, AccountId to, MarketId market, uint128 size)
        external
        nonReentrant
        returns (int256 moved)
    {
        _authorize(from, PERMISSION_MARGIN);
        _requirePair(from, to);
        if (size == 0) revert SizeZero();
        OpenPosition memory open;
        _load(open, _positions[from], market);
        if (open.position.shares.isZero()) revert PositionMissing(from, market);
        open.mark = ORACLE.markOf(market);
        FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
        int256 part = int256(FixedPointMathLib.min(size, open.size.abs()));
        Ledger memory state = _ledger.unpack();
        moved = -_resize(from, open, open.size > 0 ? -part : part, state);
        if (moved == 0) revert SizeZero();
        _positions[to][market].unpackInto(open.position);
        open.size = open.market.sizeOf(open.position);
        moved = _resize(to, open, moved, state);
        _ledger = state.pack();
        emit PositionMoved(from, to, market, moved);
        _requireInitialMargin(from);
        _requireInitialMargin(to);
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
        AccountId id = order.account;
        Account memory account = _accounts[id].unpack();
        OpenPosition memory open;
        _load(open, _positions[id], order.market);
        int256 sizeBefore = open.size;
        int256 sizeDelta = order.reduceOnly
            ? Positions.reducing(order.sizeDelta, sizeBefore, Pricing.minSize(open.market.config))
            : order.sizeDelta;
        if (sizeDelta == 0) revert SizeZero();
        open.mark = ORACLE.markOf(order.market);
        bool isOpposite = sizeDelta < 0 ? sizeBefore > 0 : sizeBefore < 0;
        uint256 requiredBefore =
            isOpposite && _isNetted(account) ? _riskOf(id, PriceQuality.Fresh).maintenanceMargin : 0;
        FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
        open.size = open.market.change(open.position, sizeBefore, sizeDelta, order.price, fill);
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
            if (!order.isConfirmed || !open.mark.isConfirmed()) revert IPriceOracle.PriceUnconfirmed(order.market);
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
        _distribute(id, account, positions, state, config, result);
        _ledger = state.pack();
        _accounts[id] = account.pack();
        _credit(liquidator, int256(result.reward));
        emit Liquidated(id, liquidator, result.closedNotional, result.reward, result.penalty, account.balance);
    }

    /// @inheritdoc IClearinghouse
    function closeRemnant(AccountId id, MarketId market) external nonReentrant {
        Account memory account = _accounts[id].unpack();
        OpenPosition memory open;
        _load(open, _positions[id], market);
        if (open.position.shares.isZero()) revert PositionMissing(id, market);
        Side memory side = open.position.shares.isLong() ? open.market.longs : open.market.shorts;
        if (!Positions.isRemnant(side)) revert PositionWhole(id, market, side.multiplier);
        open.mark = ORACLE.markOf(market);
        FundingRate.accrue(open.market, open.mark.price(), block.timestamp);
        Ledger memory state = _ledger.unpack();
        Fill memory fill;
        _close(open, FixedPointMathLib.WAD, fill);
        fill.fee = 0;
        _setOpen(account, open);
        _apply(account, state, fill);
        if (account.openMarkets == 0 && account.balance < 0) revert AccountBankrupt(id, account.balance);
        _ledger = state.pack();
        _accounts[id] = account.pack();
        _store(_positions[id], open);
        _emitTraded(id, open, fill, account.balance);
    }

    // ---- by the extension

    /// @inheritdoc IClearinghouse
    function permitOperator(address, address, uint8, uint40, uint256, bytes calldata) external {
        _extend();
    }

    /// @inheritdoc ISignedMessages
    function cancelNonces(uint256, uint256) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function deleverage() external returns (uint256) {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function accrue(MarketId) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function fundInsurance(uint128) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function fundPool(uint128) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function defundPool(uint128, address) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function collectTreasury() external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function listMarket(MarketConfig calldata, uint16) external returns (MarketId) {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setMarket(MarketId, MarketConfig calldata, uint16) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setPortfolio(MarketId, PortfolioConfig calldata) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setInsuranceCap(MarketId, uint64) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setRiskConfig(RiskConfig calldata) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setExecutor(address, bool) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function setVault(address) external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function pauseRisk() external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function unpauseRisk() external {
        _extend();
    }

    /// @inheritdoc IClearinghouse
    function poolRisk() external view returns (PoolRisk memory) {
        _asView(_extend)();
    }

    /// @inheritdoc ISignedMessages
    function isNonceUsed(address, uint256) external view returns (bool) {
        _asView(_extend)();
    }

    /// @notice What messages to this contract are signed for (ERC-5267).
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        _asView(_extend)();
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
    function insuranceOf(MarketId id) external view returns (InsuranceDraw memory) {
        return _markets[id].insurance;
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
    function riskOf(AccountId id) public view returns (AccountRisk memory risk) {
        return _riskOf(id, PriceQuality.Certain);
    }

    // ---- the extension

    /// @dev Runs this call by the extension's code, and ends with what that returns or reverts with.
    function _extend() private {
        address extension = EXTENSION;
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let ok := delegatecall(gas(), extension, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(ok) { revert(data, returndatasize()) }
            return(data, returndatasize())
        }
    }

    /// @dev A view of the extension: the compiler cannot know that a delegatecall changes nothing.
    function _asView(function() internal extend) private pure returns (function() internal view viewed) {
        assembly ("memory-safe") {
            viewed := extend
        }
    }

    // ---- checks

    function _authorize(AccountId id, uint8 permission) private view {
        if (!isAuthorized(id, msg.sender, permission)) revert AccountUnauthorized(id, msg.sender, permission);
    }

    function _requirePair(AccountId from, AccountId to) private pure {
        if (from == to || from.owner() != to.owner()) revert AccountPairInvalid(from, to);
    }

    function _requireMarketLimit(AccountId id, Account memory account) private pure {
        uint256 maximum = account.mode == MarginMode.Isolated ? 1 : MAX_OPEN_MARKETS;
        uint256 count = LibBit.popCount(account.openMarkets);
        if (count > maximum) revert OpenMarketsExceeded(id, count, maximum);
    }

    function _requireInitialMargin(AccountId id) private view {
        AccountRisk memory risk = _riskOf(id, PriceQuality.Confirmed);
        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
    }

    /// @dev A reduction that costs, at the mark, less than the maintenance margin that it releases needs no price of
    /// another market, and none that is stale can keep anybody in a position; one that costs more needs maintenance. A
    /// keeper fee leaves the protocol's hands, and the keeper may be the owner: with one, an account that costs are
    /// covered for needs maintenance, any other initial margin, as for a withdrawal. A portfolio whose positions offset
    /// each other may need more when one shrinks: what it releases is known from all its prices, fresh but maybe uncertain.
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
            : int256(requiredBefore) - int256(_riskOf(order.account, PriceQuality.Fresh).maintenanceMargin);
        int256 charged = fill.cost - Pricing.worthDown(fill.sizeDelta, price) + int256(fill.fee);
        bool covered = charged + int256(uint256(order.keeperFee)) < released;
        if (covered && order.keeperFee == 0) return;
        if (!covered && order.keeperFee > 0) return _requireInitialMargin(order.account);
        AccountRisk memory risk =
            _riskOf(order.account, requiredBefore == 0 ? PriceQuality.Certain : PriceQuality.Fresh);
        if (risk.equity < int256(risk.maintenanceMargin)) {
            revert MaintenanceInsufficient(risk.equity, risk.maintenanceMargin);
        }
    }

    function _requireMinSize(OpenPosition memory open) private pure {
        uint256 minSize = Pricing.minSize(open.market.config);
        uint256 size = open.size.abs();
        if (!open.position.shares.isZero() && size < minSize) revert SizeBelowMinimum(size, minSize);
    }

    function _checkFill(Trade calldata order, Fill memory fill, OpenPosition memory open) private pure {
        if (fill.sizeDelta == 0) revert SizeZero();
        _requireMinSize(open);
        uint256 price = Pricing.averagePrice(fill.sizeDelta, fill.cost);
        if (fill.sizeDelta > 0 ? price > order.acceptablePrice : price < order.acceptablePrice) {
            revert PriceUnacceptable(price, order.acceptablePrice);
        }
    }

    // ---- fills

    /// @dev Changes a position by about `sizeDelta` at the oracle price, without fee; returns by how much.
    function _resize(AccountId id, OpenPosition memory open, int256 sizeDelta, Ledger memory state)
        private
        returns (int256)
    {
        Fill memory fill;
        Account memory account = _accounts[id].unpack();
        open.size = open.market.resize(open.position, open.size, sizeDelta, fill);
        _requireMinSize(open);
        fill.cost = -Pricing.worthDown(-fill.sizeDelta, open.mark.price());
        if (_setOpen(account, open)) _requireMarketLimit(id, account);
        _apply(account, state, fill);
        _accounts[id] = account.pack();
        _store(_positions[id], open);
        _emitTraded(id, open, fill, account.balance);
        return fill.sizeDelta;
    }

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
            uint256 closed = fill.sizeDelta.abs() * open.mark.price() / 1e18;
            open.closedNotional += closed;
            closedNotional += closed;
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
        OpenPosition[] memory positions,
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
                uint256 fromInsurance = _drawInsurance(positions, state, result);
                state.poolBalance -= int256(result.badDebt - fromInsurance);
                account.balance = 0;
                emit BadDebtBooked(id, fromInsurance, result.badDebt - fromInsurance);
            }
            result.penalty = FixedPointMathLib.min(result.penalty, uint256(account.balance));
        }
        account.balance -= int256(result.penalty);
        state.insuranceBalance += result.penalty;
    }

    /// @dev Lets each market pay its part of the bad debt, in proportion to what was closed in it, out of the insurance
    /// fund, as far as its cap of the day goes. Rounding falls on the last market.
    /// @return paid by the insurance fund
    function _drawInsurance(OpenPosition[] memory positions, Ledger memory state, LiquidationResult memory result)
        private
        returns (uint256 paid)
    {
        uint256 left = result.badDebt;
        uint256 today = block.timestamp / 1 days;
        for (uint256 i; i < positions.length; ++i) {
            OpenPosition memory open = positions[i];
            uint256 part = i + 1 == positions.length
                ? left
                : FixedPointMathLib.fullMulDiv(
                    result.badDebt, open.closedNotional, FixedPointMathLib.max(result.closedNotional, 1)
                );
            left -= part;
            InsuranceDraw memory draw = _markets[open.id].insurance;
            if (draw.day != today) draw.drawn = 0;
            uint256 allowed = FixedPointMathLib.zeroFloorSub(uint256(draw.cap) * 1e18, draw.drawn);
            part = FixedPointMathLib.min(FixedPointMathLib.min(part, allowed), state.insuranceBalance);
            if (part == 0) continue;
            state.insuranceBalance -= part;
            paid += part;
            _markets[open.id].insurance = InsuranceDraw(draw.cap, uint32(today), uint128(draw.drawn + part));
            emit InsuranceDrawn(open.id, part, draw.drawn + part);
        }
    }

    // ---- risk

    /// @dev Risk of an account as it is stored.
    /// @param quality that prices must have
    function _riskOf(AccountId id, PriceQuality quality) private view returns (AccountRisk memory risk) {
        Account memory account = _accounts[id].unpack();
        risk.equity = account.balance;
        if (account.openMarkets == 0) return risk;
        OpenPosition memory scratch;
        Netting memory netting = _nettingOf(account);
        _addPending(risk, netting, id, account.openMarkets, scratch, quality);
        _settleRisk(risk, netting, _ledger.unpack());
    }

    /// @dev Risk of an account after a fill. The position filled is accrued in memory, which then serves the others.
    function _riskAfter(AccountId id, Account memory account, OpenPosition memory open, Ledger memory state)
        private
        view
        returns (AccountRisk memory risk)
    {
        risk.equity = account.balance;
        Netting memory netting = _nettingOf(account);
        _addAccrued(risk, netting, open);
        _addPending(risk, netting, id, account.openMarkets & ~open.id.toBit(), open, PriceQuality.Confirmed);
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
        OpenPosition memory scratch,
        PriceQuality quality
    ) private view {
        if (markets == 0) return;
        Mark[] memory marks = ORACLE.marksOf(markets, quality);
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
        Mark[] memory marks = ORACLE.marksOf(markets, PriceQuality.Fresh);
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

    function _store(mapping(MarketId => PositionWord) storage positions, OpenPosition memory open) private {
        positions[open.id] = open.position.pack();
        _storeMarket(open.id, open.market);
    }

    // ---- balances

    function _move(AccountId from, AccountId to, int256 amount) private {
        _requirePair(from, to);
        int256 fromBalance = _credit(from, -amount);
        int256 toBalance = _credit(to, amount);
        emit Transferred(from, to, uint256(amount), fromBalance, toBalance);
    }
}
