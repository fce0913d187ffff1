// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Account, AccountRisk, MarginMode, Permission, Position} from "../types/Account.sol";
import {AccountId} from "../types/AccountId.sol";
import {Fill, LiquidationResult, Trade} from "../types/Fill.sol";
import {Ledger, RiskConfig} from "../types/Ledger.sol";
import {Market, MarketConfig, PortfolioConfig} from "../types/Market.sol";
import {MarketId} from "../types/MarketId.sol";
import {ParameterBounds} from "../ParameterBounds.sol";
import {IPriceOracle} from "./IPriceOracle.sol";

/// @title The ledger of a perpetuals exchange: accounts, markets, margin and liquidation.
/// @notice Quote amounts, sizes, prices and leverage are wad; token amounts are in the token's 6 decimals and say so.
/// Every division rounds against the account. The sum of all balances equals the tokens held, always.
/// @dev Assumes of the token: 6 decimals, no fee on transfer, no rebasing; a transfer that moves less than asked reverts
/// here. Assumes of an executor: its prices are the oracle's and could not be picked by the trader.
interface IClearinghouse {
    /// @notice The account belongs to the zero address: the pool, the insurance fund or nobody.
    error AccountReserved(AccountId account);
    /// @notice `caller` is neither the owner nor an operator with this permission that has not expired.
    error AccountUnauthorized(AccountId account, address caller, uint8 permission);
    /// @notice The two accounts have different owners, or are one account.
    error AccountPairInvalid(AccountId from, AccountId to);
    /// @notice An operator may withdraw to the owner only.
    error RecipientUnauthorized(address recipient);
    /// @notice An amount of zero.
    error AmountZero();
    /// @notice A trade of zero, or one too small to change the position by a share.
    error SizeZero();
    /// @notice A position smaller than the market's minimum would be left.
    error SizeBelowMinimum(uint256 size, uint256 minSize);
    /// @notice No such market is listed.
    error MarketUnknown(MarketId market);
    /// @notice All markets are listed.
    error MarketsExhausted();
    /// @notice The account would have positions in too many markets for its mode.
    error OpenMarketsExceeded(AccountId account, uint256 openMarkets, uint256 maximum);
    /// @notice The average fill price is worse than the acceptable one.
    error PriceUnacceptable(uint256 fillPrice, uint256 acceptablePrice);
    /// @notice What would be left is under the initial margin.
    error MarginInsufficient(int256 equity, uint256 initialMargin);
    /// @notice A reducing trade would leave the account under the maintenance margin, and pays a keeper or costs more than
    /// it releases.
    error MaintenanceInsufficient(int256 equity, uint256 maintenanceMargin);
    /// @notice The last position would close with a negative balance: only a liquidation books bad debt.
    error AccountBankrupt(AccountId account, int256 balance);
    /// @notice The account is not under its maintenance margin.
    error AccountHealthy(int256 equity, uint256 maintenanceMargin);
    /// @notice The account has no position.
    error AccountFlat(AccountId account);
    /// @notice Leverage of zero.
    error LeverageZero();
    /// @notice Only an executor trades.
    error ExecutorUnauthorized(address caller);
    /// @notice The guardian has stopped what raises risk.
    error RiskPaused();
    /// @notice The token moved another amount than it was asked to.
    error TransferMismatch(uint256 requested, uint256 received);
    /// @notice The settlement token has other than 6 decimals.
    error TokenDecimalsMismatch(uint8 decimals);
    /// @notice The insurance fund holds no more than the treasury threshold.
    error SurplusMissing(uint256 insuranceBalance, uint256 threshold);
    /// @notice A parameter is outside [min, max].
    error ParameterOutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);

    /// @notice `amount` in token units; `balance` is the account's new balance, here and below.
    event Deposited(AccountId indexed account, address indexed payer, uint256 amount, int256 balance);
    event Withdrawn(AccountId indexed account, address indexed recipient, uint256 amount, int256 balance);
    event Transferred(
        AccountId indexed from, AccountId indexed to, uint256 amount, int256 fromBalance, int256 toBalance
    );
    event OperatorSet(address indexed owner, address indexed operator, uint8 flags, uint40 expiresAt);
    event MarginModeSet(AccountId indexed account, MarginMode mode);
    event LeverageSet(AccountId indexed account, AccountId indexed fundedBy, uint256 leverage);
    /// @notice One fill, also those of a liquidation. `funding` was settled on the way, `fundingRate` is the market's after
    /// it; indices and positions follow from these events by the rules of the twin.
    event Traded(
        AccountId indexed account,
        MarketId indexed market,
        int256 sizeDelta,
        int256 cost,
        uint256 fee,
        int256 funding,
        int256 fundingRate,
        int256 balance
    );
    event KeeperPaid(AccountId indexed account, AccountId indexed keeper, uint256 fee, int256 keeperBalance);
    /// @notice Funding was brought up to date without a fill.
    event FundingAccrued(MarketId indexed market, int256 rate, int256 longIndex, int256 shortIndex);
    /// @notice `balance` is the account's before the reward is credited, which matters to one that liquidates itself.
    event Liquidated(
        AccountId indexed account,
        AccountId indexed liquidator,
        uint256 closedNotional,
        uint256 reward,
        uint256 penalty,
        int256 balance
    );
    event BadDebtBooked(AccountId indexed account, uint256 fromInsurance, uint256 fromPool);
    /// @notice One side of a market was shrunk by `cut` of its multiplier [1e-15]; both multipliers afterwards.
    event Deleveraged(
        MarketId indexed market, bool isLong, uint256 cut, uint256 longMultiplier, uint256 shortMultiplier
    );
    event TreasuryCollected(AccountId indexed treasury, uint256 amount, int256 balance);
    event MarketSet(MarketId indexed market, MarketConfig config, uint16 maxRate);
    event PortfolioSet(MarketId indexed market, PortfolioConfig config);
    event RiskConfigSet(RiskConfig config);
    event ExecutorSet(address indexed executor, bool allowed);
    event RiskPauseSet(bool paused);

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

    /// @notice Lets `operator` use `flags` on all accounts of the caller until `expiresAt`, inclusive; 0 flags revoke.
    function setOperator(address operator, uint8 flags, uint40 expiresAt) external;

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
    /// @dev Errors: AccountHealthy, the oracle's.
    function deleverage() external returns (uint256 fraction);

    /// @notice Brings a market's funding up to date.
    /// @dev Errors: MarketUnknown, the oracle's.
    function accrue(MarketId market) external;

    /// @notice Donates `amount` token units to the insurance fund.
    function fundInsurance(uint128 amount) external;

    /// @notice Moves what the insurance fund holds above its threshold to the treasury's account.
    /// @dev Errors: SurplusMissing.
    function collectTreasury() external;

    // ---- governance and guardian

    /// @notice Adds `amount` token units to the pool. Restricted, until the vault issues shares for it.
    function fundPool(uint128 amount) external;

    /// @notice Pays `amount` token units of the pool out, if what is left meets its initial margin. Restricted.
    /// @dev Errors: AmountZero, MarginInsufficient, TransferMismatch, the oracle's.
    function defundPool(uint128 amount, address recipient) external;

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

    /// @notice Sets liquidation parameters, floors and the fee split. Restricted.
    /// @dev Errors: ParameterOutOfBounds.
    function setRiskConfig(RiskConfig calldata config) external;

    /// @notice Lets a contract trade for accounts, or stops it. Restricted.
    function setExecutor(address executor, bool allowed) external;

    /// @notice Stops trades that raise risk, and nothing else. Restricted to the guardian.
    function pauseRisk() external;

    /// @notice Allows them again. Restricted.
    function unpauseRisk() external;

    // ---- views

    function TOKEN() external view returns (IERC20);
    function ORACLE() external view returns (IPriceOracle);
    function BOUNDS() external view returns (ParameterBounds);
    function TREASURY() external view returns (AccountId);
    function marketCount() external view returns (uint8);

    /// @notice Ledger balance of any account, the pool and the insurance fund included [quote wad].
    function balanceOf(AccountId account) external view returns (int256);
    function accountOf(AccountId account) external view returns (Account memory);
    function positionOf(AccountId account, MarketId market) external view returns (Position memory);
    function marketOf(MarketId market) external view returns (Market memory);
    function portfolioOf(MarketId market) external view returns (PortfolioConfig memory);
    function ledger() external view returns (Ledger memory);
    function riskConfig() external view returns (RiskConfig memory);
    function permissionOf(address owner, address operator) external view returns (Permission memory);
    function isExecutor(address executor) external view returns (bool);

    /// @notice Whether `caller` owns `account` or is an operator with `permission` now.
    function isAuthorized(AccountId account, address caller, uint8 permission) external view returns (bool);

    /// @notice Equity and requirements of an account at current prices, pending funding included.
    /// @dev Errors: the oracle's.
    function riskOf(AccountId account) external view returns (AccountRisk memory);

    /// @notice The same of the pool, as a portfolio of what each market's skew leaves it.
    /// @dev Errors: the oracle's.
    function poolRisk() external view returns (AccountRisk memory);
}
