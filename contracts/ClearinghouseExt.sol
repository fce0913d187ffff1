// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {ClearinghouseCore} from "./ClearinghouseCore.sol";
import {SignedMessages} from "./SignedMessages.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {FundingRate} from "./libraries/FundingRate.sol";
import {Liquidation} from "./libraries/Liquidation.sol";
import {Margin} from "./libraries/Margin.sol";
import {Netting, Portfolio} from "./libraries/Portfolio.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {AccountRisk, Permission, PoolRisk, Position} from "./types/Account.sol";
import {INSURANCE_ACCOUNT, POOL_ACCOUNT} from "./types/AccountId.sol";
import {Ledger, RiskConfig} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {FundingState, Market, MarketConfig, MarketWords, PortfolioConfig} from "./types/Market.sol";
import {MAX_MARKETS, MarketId, lowestMarket, withoutLowest} from "./types/MarketId.sol";
import {PriceQuality} from "./types/PriceState.sol";
import {ONE_MULTIPLIER} from "./types/Shares.sol";

/// @title What the clearinghouse does seldom: the pool, the insurance fund, deleveraging, parameters.
/// @notice Code only: the clearinghouse created it, runs it by delegatecall, and holds all that it works on. See
/// IClearinghouse for its functions.
contract ClearinghouseExt is ClearinghouseCore, SignedMessages {
    using FixedPoint for int256;
    using Margin for AccountRisk;
    using Portfolio for Netting;
    using Positions for Market;

    bytes32 private constant OPERATOR_PERMIT_TYPEHASH =
        keccak256("OperatorPermit(address owner,address operator,uint8 flags,uint40 expiresAt,uint256 nonce)");

    address private immutable _SELF = address(this);

    /// @dev Called by itself it would work on storage of its own, and tokens sent to it would be lost.
    modifier delegated() {
        if (address(this) == _SELF) revert DelegateCallRequired();
        _;
    }

    constructor(address authority, IERC20 token, IPriceOracle oracle, address treasury)
        ClearinghouseCore(authority, token, oracle, treasury)
    {}

    // ---- signed permissions

    function permitOperator(
        address owner,
        address operator,
        uint8 flags,
        uint40 expiresAt,
        uint256 nonce,
        bytes calldata signature
    ) external delegated nonReentrant {
        if (block.timestamp > expiresAt) revert PermitExpired(expiresAt);
        bytes32 permit = keccak256(abi.encode(OPERATOR_PERMIT_TYPEHASH, owner, operator, flags, expiresAt, nonce));
        _useSigned(permit, nonce, owner, signature);
        _permissions[owner][operator] = Permission(flags, expiresAt);
        emit OperatorSet(owner, operator, flags, expiresAt);
    }

    /// @inheritdoc SignedMessages
    function cancelNonces(uint256 word, uint256 mask) public override delegated {
        super.cancelNonces(word, mask);
    }

    // ---- pool and insurance fund

    function fundPool(uint128 amount) external delegated nonReentrant {
        Ledger memory state = _ledger.unpack();
        state.poolBalance += int256(_toWad(amount));
        _ledger = state.pack();
        emit Deposited(POOL_ACCOUNT, msg.sender, amount, state.poolBalance);
        _pull(amount);
    }

    function defundPool(uint128 amount, address recipient) external delegated nonReentrant {
        if (msg.sender != vault) revert VaultUnauthorized(msg.sender);
        Ledger memory state = _ledger.unpack();
        state.poolBalance -= int256(_toWad(amount));
        _ledger = state.pack();
        (AccountRisk memory risk,) = _poolRisk(_loadSkewed(PriceQuality.Confirmed), state);
        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient(risk.equity, risk.initialMargin);
        emit Withdrawn(POOL_ACCOUNT, recipient, amount, state.poolBalance);
        _push(recipient, amount);
    }

    function deleverage() external delegated nonReentrant returns (uint256 fraction) {
        Ledger memory state = _ledger.unpack();
        OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Fresh);
        (AccountRisk memory risk, uint256 potential) = _poolRisk(skewed, state);
        if (risk.equity >= int256(risk.maintenanceMargin)) revert AccountHealthy(risk.equity, risk.maintenanceMargin);
        bool paysUnwinding = risk.equity > 0;
        int256 closeCost = paysUnwinding ? int256(0) : -int256(potential);
        fraction = Liquidation.fractionUp(risk.equity, risk.maintenanceMargin, closeCost, _riskConfig);
        uint256 cuts;
        for (uint256 i; i < skewed.length; ++i) {
            OpenPosition memory open = skewed[i];
            uint256 cut = open.market.deleverage(fraction, open.mark.price(), paysUnwinding);
            cuts += cut;
            _storeMarket(open.id, open.market);
            _emitAccrued(open.id, open.market);
            emit Deleveraged(open.id, open.size < 0, cut, open.market.longs.multiplier, open.market.shorts.multiplier);
        }
        if (cuts == 0) revert SkewMissing();
    }

    function fundInsurance(uint128 amount) external delegated nonReentrant {
        Ledger memory state = _ledger.unpack();
        state.insuranceBalance += _toWad(amount);
        _ledger = state.pack();
        emit Deposited(INSURANCE_ACCOUNT, msg.sender, amount, int256(state.insuranceBalance));
        _pull(amount);
    }

    function collectTreasury() external delegated nonReentrant {
        Ledger memory state = _ledger.unpack();
        uint256 threshold = uint256(_riskConfig.treasuryThreshold) * 1e18;
        if (state.insuranceBalance <= threshold) revert SurplusMissing(state.insuranceBalance, threshold);
        uint256 surplus = state.insuranceBalance - threshold;
        state.insuranceBalance = threshold;
        _ledger = state.pack();
        emit TreasuryCollected(TREASURY, surplus, _credit(TREASURY, int256(surplus)));
    }

    function accrue(MarketId id) external delegated nonReentrant {
        Market memory market;
        _loadMarket(market, id);
        FundingRate.accrue(market, ORACLE.priceOf(id), block.timestamp);
        _storeMarket(id, market);
        _emitAccrued(id, market);
    }

    // ---- governance and guardian

    function listMarket(MarketConfig calldata config, uint16 maxRate)
        external
        delegated
        nonReentrant
        restricted
        returns (MarketId id)
    {
        Bounds.checkMarket(config, maxRate);
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

    function setMarket(MarketId id, MarketConfig calldata config, uint16 maxRate)
        external
        delegated
        nonReentrant
        restricted
    {
        Bounds.checkMarket(config, maxRate);
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

    function setPortfolio(MarketId id, PortfolioConfig calldata config) external delegated nonReentrant restricted {
        Bounds.checkPortfolio(config);
        _requireMarket(id);
        _markets[id].portfolio = config.pack();
        emit PortfolioSet(id, config);
    }

    function setInsuranceCap(MarketId id, uint64 cap) external delegated nonReentrant restricted {
        Bounds.check("insuranceCap", cap, 0, 1e10);
        _requireMarket(id);
        _markets[id].insurance.cap = cap;
        emit InsuranceCapSet(id, cap);
    }

    function setRiskConfig(RiskConfig calldata config) external delegated nonReentrant restricted {
        Bounds.checkRisk(config);
        _riskConfig = config;
        Ledger memory state = _ledger.unpack();
        state.poolFeeShare = config.poolFeeShare;
        state.minReward = config.minReward;
        state.minInitialMargin = config.minInitialMargin;
        _ledger = state.pack();
        emit RiskConfigSet(config);
    }

    function setExecutor(address executor, bool allowed) external delegated nonReentrant restricted {
        isExecutor[executor] = allowed;
        emit ExecutorSet(executor, allowed);
    }

    function setVault(address vault_) external delegated nonReentrant restricted {
        if (vault != address(0)) revert VaultAlreadySet(vault);
        vault = vault_;
        emit VaultSet(vault_);
    }

    function pauseRisk() external delegated nonReentrant restricted {
        _setRiskPaused(true);
    }

    function unpauseRisk() external delegated nonReentrant restricted {
        _setRiskPaused(false);
    }

    // ---- views

    function poolRisk() external view returns (PoolRisk memory pool) {
        OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Confirmed);
        (AccountRisk memory risk, uint256 potential) = _poolRisk(skewed, _ledger.unpack());
        pool.equity = risk.equity + int256(potential);
        pool.netAssetValue = risk.equity;
        pool.initialMargin = risk.initialMargin;
        pool.maintenanceMargin = risk.maintenanceMargin;
        pool.notional = risk.notional;
        pool.pricedAt = block.timestamp;
        for (uint256 i; i < skewed.length; ++i) {
            pool.pricedAt = FixedPointMathLib.min(pool.pricedAt, ORACLE.priceState(skewed[i].id).publishedAt);
        }
    }

    // ---- the pool as an account

    /// @dev Risk of the pool, whose position in each market is what its skew leaves. It owes, or is owed, what the indices
    /// have moved since all positions were entered; its margin is that of a portfolio, without floors. Its equity is net
    /// asset value: what traders would be paid for unwinding is as good as gone.
    /// @return risk of the pool
    /// @return potential what they would be paid [quote wad]
    function _poolRisk(OpenPosition[] memory skewed, Ledger memory state)
        private
        view
        returns (AccountRisk memory risk, uint256 potential)
    {
        risk.equity = state.poolBalance;
        Netting memory netting = Portfolio.start(skewed.length);
        Position memory none;
        for (uint256 i; i < skewed.length; ++i) {
            OpenPosition memory open = skewed[i];
            risk.equity += open.market.unsettledDown();
            risk.add(none, open.size, 0, open.market.config, open.mark);
            potential += Pricing.potentialUp(open.market.config, open.size, open.mark.price());
            netting.add(open.size, open.mark.price(), open.market.config, _markets[open.id].portfolio);
        }
        risk.equity -= int256(potential);
        netting.settle(risk);
    }

    /// @dev Every market with positions, accrued; `size` is what the pool holds of it.
    /// @param quality that prices must have
    function _loadSkewed(PriceQuality quality) private view returns (OpenPosition[] memory skewed) {
        uint256 markets;
        for (uint256 i; i < marketCount; ++i) {
            MarketWords storage words = _markets[MarketId.wrap(uint8(i))];
            if (words.longs.hasShares() || words.shorts.hasShares()) markets |= 1 << i;
        }
        Mark[] memory marks = ORACLE.marksOf(markets, quality);
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

    function _requireMarket(MarketId id) private view {
        if (id.toUint() >= marketCount) revert MarketUnknown(id);
    }

    function _setRiskPaused(bool paused) private {
        Ledger memory state = _ledger.unpack();
        state.riskPaused = paused;
        _ledger = state.pack();
        emit RiskPauseSet(paused);
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Steelyard accounts", "1");
    }
}
