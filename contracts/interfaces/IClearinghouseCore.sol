// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MarginMode} from "../types/Account.sol";
import {AccountId} from "../types/AccountId.sol";
import {RiskConfig} from "../types/Ledger.sol";
import {MarketConfig, PortfolioConfig} from "../types/Market.sol";
import {MarketId} from "../types/MarketId.sol";
import {IPriceOracle} from "./IPriceOracle.sol";

/// @title What the clearinghouse reverts with and logs, and what it was made of.
interface IClearinghouseCore {
    /// @notice The account belongs to the zero address: the pool, the insurance fund or nobody.
    error AccountReserved(AccountId account);
    /// @notice `caller` is neither the owner nor an operator with this permission that has not expired.
    error AccountUnauthorized(AccountId account, address caller, uint8 permission);
    /// @notice The two accounts have different owners, or are one account.
    error AccountPairInvalid(AccountId from, AccountId to);
    /// @notice A signed permission that has expired.
    error PermitExpired(uint256 expiresAt);
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
    /// @notice The account has no position in the market.
    error PositionMissing(AccountId account, MarketId market);
    /// @notice The position's side was not deleveraged to a thousandth.
    error PositionWhole(AccountId account, MarketId market, uint256 multiplier);
    /// @notice No side has anything left to give up.
    error SkewMissing();
    /// @notice Only the vault takes money out of the pool.
    error VaultUnauthorized(address caller);
    /// @notice The pool has its vault, for good.
    error VaultAlreadySet(address vault);
    /// @notice The extension works on the clearinghouse's storage only.
    error DelegateCallRequired();
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
    /// @notice Bad debt in `market` took `amount` from the insurance fund, `drawnToday` since midnight UTC.
    event InsuranceDrawn(MarketId indexed market, uint256 amount, uint256 drawnToday);
    /// @notice `sizeDelta` is what `to` got; both accounts' `Traded` come before.
    event PositionMoved(AccountId indexed from, AccountId indexed to, MarketId indexed market, int256 sizeDelta);
    event TreasuryCollected(AccountId indexed treasury, uint256 amount, int256 balance);
    event MarketSet(MarketId indexed market, MarketConfig config, uint16 maxRate);
    event PortfolioSet(MarketId indexed market, PortfolioConfig config);
    event InsuranceCapSet(MarketId indexed market, uint64 cap);
    event VaultSet(address indexed vault);
    event RiskConfigSet(RiskConfig config);
    event ExecutorSet(address indexed executor, bool allowed);
    event RiskPauseSet(bool paused);

    function TOKEN() external view returns (IERC20);
    function ORACLE() external view returns (IPriceOracle);
    function TREASURY() external view returns (AccountId);
    function marketCount() external view returns (uint8);
    function isExecutor(address executor) external view returns (bool);

    /// @notice The only one to take money out of the pool; the zero address until it is set, once.
    function vault() external view returns (address);
}
