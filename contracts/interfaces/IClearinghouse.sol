// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Account, AccountRisk, MarginMode, Permission, PoolRisk, Position} from "../types/Account.sol";
import {AccountId} from "../types/AccountId.sol";
import {Fill, LiquidationResult, Trade} from "../types/Fill.sol";
import {InsuranceDraw, Ledger, RiskConfig} from "../types/Ledger.sol";
import {Market, MarketConfig, PortfolioConfig} from "../types/Market.sol";
import {MarketId} from "../types/MarketId.sol";
import {IClearinghouseCore} from "./IClearinghouseCore.sol";
import {ISignedMessages} from "./ISignedMessages.sol";

/// @title The ledger of a perpetuals exchange: accounts, markets, margin and liquidation.
/// @notice Quote amounts, sizes, prices and leverage are wad; token amounts are in the token's 6 decimals and say so.
/// Every division rounds against the account. The sum of all balances equals the tokens held, always.
/// @dev Assumes of the token: 6 decimals, no fee on transfer, no rebasing; a transfer that moves less than asked reverts
/// here. Assumes of an executor: its prices are the oracle's and could not be picked by the trader.
interface IClearinghouse is IClearinghouseCore, ISignedMessages {
    // ---- owners and operators

    /// @notice Credits `amount` token units, paid by the caller, to any account but the reserved ones.
    /// @dev Errors: AccountReserved, AmountZero, TransferMismatch, the token's own.
    function deposit(AccountId account, uint128 amount) external;

    /// @notice Pays `amount` token units out to `recipient`, if what is left meets the initial margin.
    /// @dev Errors: AccountUnauthorized, RecipientUnauthorized, AmountZero, MarginInsufficient, TransferMismatch, the
    /// oracle's while positions are open.
    function withdraw(AccountId account, uint128 amount, address recipient) external;

    /// @notice Moves `amount` [wad] between two accounts of one owner, if what is left meets the initial margin.
    /// @dev Errors: AccountUnauthorized, AccountPairInvalid, AmountZero, MarginInsufficient, the oracle's.
    function transfer(AccountId from, AccountId to, uint128 amount) external;

    /// @notice Sets how an account's positions share its margin. An isolated account holds at most one market, and one
    /// that leaves portfolio mode must meet the initial margin that it then has.
    /// @dev Errors: AccountUnauthorized, OpenMarketsExceeded, MarginInsufficient, the oracle's.
    function setMarginMode(AccountId account, MarginMode mode) external;

    /// @notice Brings an account with positions to `leverage` = notional / equity [wad] by moving quote from, or to,
    /// `fundedBy`, another account of its owner. Positions stay as they are; whichever account pays must meet its
    /// initial margin afterwards, so lowering leverage is never refused for the account's own sake.
    /// @dev Errors: AccountUnauthorized, AccountPairInvalid, LeverageZero, AccountFlat, MarginInsufficient, the oracle's.
    function setLeverage(AccountId account, AccountId fundedBy, uint128 leverage) external;

    /// @notice Moves up to `size` of a position to another account of its owner at the oracle price, without fee or
    /// impact; what is there nets. Both accounts must meet their initial margin afterwards, so that none is left behind.
    /// @return moved change of the receiving position [base wad]
    /// @dev Errors: AccountUnauthorized, AccountPairInvalid, SizeZero, MarketUnknown, PositionMissing, SizeBelowMinimum,
    /// OpenMarketsExceeded, MarginInsufficient, the oracle's.
    function movePosition(AccountId from, AccountId to, MarketId market, uint128 size) external returns (int256 moved);

    /// @notice Lets `operator` use `flags` on all accounts of the caller until `expiresAt`, inclusive; 0 flags revoke.
    function setOperator(address operator, uint8 flags, uint40 expiresAt) external;

    /// @notice The same for `owner`, who signed it. By anyone. Permits have no order: one that was signed and is not to
    /// count any more has its nonce cancelled.
    /// @param nonce any that the owner has not used here
    /// @param signature of `OperatorPermit(address owner,address operator,uint8 flags,uint40 expiresAt,uint256 nonce)`, or
    /// what the contract `owner` takes for one
    /// @dev Errors: PermitExpired, NonceUsed, SignatureInvalid.
    function permitOperator(
        address owner,
        address operator,
        uint8 flags,
        uint40 expiresAt,
        uint256 nonce,
        bytes calldata signature
    ) external;

    // ---- executors

    /// @notice Changes a position at `price` moved by skew, and pays the keeper. A trade that only shrinks a position
    /// passes below initial margin too, and while risk is paused.
    /// @dev Errors: ExecutorUnauthorized, MarketUnknown, SizeZero, SizeBelowMinimum, OpenMarketsExceeded,
    /// OpenInterestExceeded, PriceUnacceptable, MarginInsufficient, MaintenanceInsufficient, AccountBankrupt,
    /// RiskPaused, AccountReserved, the oracle's.
    function trade(Trade calldata order) external returns (Fill memory fill);

    // ---- anyone

    /// @notice Closes as much of an account under maintenance margin as brings it to the target health, or all of it.
    /// Prices must be fresh but may be uncertain: confidence widens in crashes, and must not shield an account.
    /// @param liquidator account that gets the reward
    /// @dev Errors: AccountFlat, AccountHealthy, AccountReserved, the oracle's.
    function liquidate(AccountId account, AccountId liquidator) external returns (LiquidationResult memory result);

    /// @notice Shrinks the side that outweighs the other in every market by what brings a pool under its maintenance margin
    /// back to the target health. All positions of a side give up the same part of their size at the oracle price; nobody
    /// is picked. Prices must be fresh but may be uncertain.
    /// @return fraction of each market's skew that was closed [wad]
    /// @dev Errors: AccountHealthy, SkewMissing, the oracle's.
    function deleverage() external returns (uint256 fraction);

    /// @notice Closes a position of a side that was deleveraged to a thousandth or less, at the oracle price moved by skew and
    /// without fee: nobody can join such a side before it is empty and starts anew, so nobody may hold it up.
    /// @dev Errors: MarketUnknown, PositionMissing, PositionWhole, AccountBankrupt (liquidate it), the oracle's.
    function closeRemnant(AccountId account, MarketId market) external;

    /// @notice Brings a market's funding up to date.
    /// @dev Errors: MarketUnknown, the oracle's.
    function accrue(MarketId market) external;

    /// @notice Donates `amount` token units to the insurance fund.
    function fundInsurance(uint128 amount) external;

    /// @notice Donates `amount` token units to the pool: shares of it come from the vault.
    /// @dev Errors: AmountZero, TransferMismatch, the token's own.
    function fundPool(uint128 amount) external;

    /// @notice Pays `amount` token units of the pool out, if what is left meets its initial margin. For the vault only.
    /// @dev Errors: VaultUnauthorized, AmountZero, MarginInsufficient, TransferMismatch, the oracle's.
    function defundPool(uint128 amount, address recipient) external;

    /// @notice Moves what the insurance fund holds above its threshold to the treasury's account.
    /// @dev Errors: SurplusMissing.
    function collectTreasury() external;

    // ---- governance and guardian

    /// @notice Lists a market. Restricted.
    /// @dev Errors: ParameterOutOfBounds, MarketsExhausted.
    function listMarket(MarketConfig calldata config, uint16 maxRate) external returns (MarketId market);

    /// @notice Changes a market's parameters after an accrual at the old ones and the last price, fresh or not: a dead
    /// feed is when parameters must change. Restricted.
    /// @dev Errors: MarketUnknown, ParameterOutOfBounds, OpenInterestExceeded (the depth must cover what is open).
    function setMarket(MarketId market, MarketConfig calldata config, uint16 maxRate) external;

    /// @notice Sets how a market nets with others in portfolio mode; a market starts without any netting. Restricted.
    /// @dev Errors: MarketUnknown, ParameterOutOfBounds.
    function setPortfolio(MarketId market, PortfolioConfig calldata config) external;

    /// @notice Sets what bad debt in a market may take from the insurance fund per day [quote]; nothing until it is set.
    /// What it may not take falls on the pool. Restricted.
    /// @dev Errors: MarketUnknown, ParameterOutOfBounds.
    function setInsuranceCap(MarketId market, uint64 cap) external;

    /// @notice Sets liquidation parameters, floors and the fee split. Restricted.
    /// @dev Errors: ParameterOutOfBounds.
    function setRiskConfig(RiskConfig calldata config) external;

    /// @notice Lets a contract trade for accounts, or stops it. Restricted.
    function setExecutor(address executor, bool allowed) external;

    /// @notice Names the vault, once and for good: no later governance can take the pool's money. Restricted.
    /// @dev Errors: VaultAlreadySet.
    function setVault(address vault) external;

    /// @notice Stops trades that raise risk, and nothing else. Restricted to the guardian.
    function pauseRisk() external;

    /// @notice Allows them again. Restricted.
    function unpauseRisk() external;

    // ---- views

    /// @notice Code of what is done seldom, run by delegatecall; without use by itself.
    function EXTENSION() external view returns (address);

    /// @notice Most markets in which a cross or portfolio account has positions; an isolated one has one at most.
    function MAX_OPEN_MARKETS() external view returns (uint256);

    /// @notice Ledger balance of any account, the pool and the insurance fund included [quote wad].
    function balanceOf(AccountId account) external view returns (int256);
    function accountOf(AccountId account) external view returns (Account memory);
    function positionOf(AccountId account, MarketId market) external view returns (Position memory);
    function marketOf(MarketId market) external view returns (Market memory);
    function portfolioOf(MarketId market) external view returns (PortfolioConfig memory);
    function insuranceOf(MarketId market) external view returns (InsuranceDraw memory);
    function ledger() external view returns (Ledger memory);
    function riskConfig() external view returns (RiskConfig memory);
    function permissionOf(address owner, address operator) external view returns (Permission memory);

    /// @notice Whether `caller` owns `account` or is an operator with `permission` now.
    function isAuthorized(AccountId account, address caller, uint8 permission) external view returns (bool);

    /// @notice Equity and requirements of an account at current prices, pending funding included.
    /// @dev Errors: the oracle's.
    function riskOf(AccountId account) external view returns (AccountRisk memory);

    /// @notice The same of the pool, as a portfolio of what each market's skew leaves it.
    /// @dev Errors: the oracle's.
    function poolRisk() external view returns (PoolRisk memory);
}
