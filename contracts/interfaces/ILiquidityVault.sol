// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IClearinghouse} from "./IClearinghouse.sol";

/// @title Shares of the liquidity pool: ERC-4626 with asynchronous deposits and redemptions (ERC-7540, ERC-7575).
/// @notice Request now, be settled later at the pool's net asset value, then claim. A request is settled only at prices
/// that were all published `SETTLE_DELAY_SECONDS` or more after it, and that are `MAX_PRICE_AGE_SECONDS` old at most:
/// nobody trades on a price already seen. Each request has an id of its own, and each queue is settled in its order.
/// Redemptions take the pool down to its initial margin and no further; what does not fit waits at the head of the queue.
/// Assets are token units with 6 decimals, shares have 18.
/// @dev Assets of pending deposits and of claimable redemptions lie here, and so do shares of pending redemptions and of
/// claimable deposits; the pool holds all else. What claims of one controller pay is added up over his requests.
/// The pool's value before there are shares belongs to the virtual shares, that is to nobody: deploy on an empty pool.
/// Assumes of the token what IClearinghouse assumes.
interface ILiquidityVault is IERC4626, IERC165 {
    /// @notice `caller` is neither `account` nor its operator.
    error CallerUnauthorized(address account, address caller);
    /// @notice A request for the zero address, which nobody could claim.
    error ControllerZero();
    /// @notice Less than the smallest request.
    error AmountTooSmall(uint256 amount, uint256 minimum);
    /// @notice More than the largest request.
    error AmountTooLarge(uint256 amount, uint256 maximum);
    /// @notice The request can be cancelled from `cancellableAt` on.
    error RequestLocked(uint256 requestId, uint256 cancellableAt);
    /// @notice Nothing in the queues can be settled now, within the numbers that were asked for.
    error RequestsUnready();
    /// @notice The oldest price that the net asset value is made of is too old to settle at.
    error PriceOutdated(uint256 pricedAt, uint256 maxAge);
    /// @notice The pool has no net asset value [wad] to settle at: a negative one, or none for the shares that there are.
    error PoolExhausted(int256 netAssetValue);
    /// @notice The pool is under its maintenance margin: it must be deleveraged first, which changes what a share is worth.
    error PoolUnhealthy(int256 netAssetValue, uint256 maintenanceMargin);
    /// @notice What a claim will pay is known once its request is settled, and then by `max*`.
    error PreviewUnavailable();
    /// @notice The token moved another amount than it was asked to.
    error TransferMismatch(uint256 requested, uint256 received);

    event DepositRequest(
        address indexed controller, address indexed owner, uint256 indexed requestId, address sender, uint256 assets
    );
    event RedeemRequest(
        address indexed controller, address indexed owner, uint256 indexed requestId, address sender, uint256 shares
    );
    event OperatorSet(address indexed controller, address indexed operator, bool approved);
    event DepositFulfilled(address indexed controller, uint256 indexed requestId, uint256 assets, uint256 shares);
    event RedeemFulfilled(address indexed controller, uint256 indexed requestId, uint256 shares, uint256 assets);
    /// @notice The pool [token units, down] and its shares after requests were settled.
    event Fulfilled(uint256 netAssetValue, uint256 totalSupply);
    event DepositCancelled(address indexed controller, uint256 indexed requestId, address receiver, uint256 assets);
    event RedeemCancelled(address indexed controller, uint256 indexed requestId, address receiver, uint256 shares);

    // ---- requests

    /// @notice Takes `assets` from `owner` and appends a request of `controller`. By the owner or his operator.
    /// @dev Errors: CallerUnauthorized, ControllerZero, AmountTooSmall, AmountTooLarge, TransferMismatch, the token's.
    function requestDeposit(uint256 assets, address controller, address owner) external returns (uint256 requestId);

    /// @notice Takes `shares` from `owner` and appends a request of `controller`. By the owner, his operator, or whoever may
    /// spend them. At least what was worth a token unit when requests were last settled.
    /// @dev Errors: ControllerZero, AmountTooSmall, ERC-20's.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice Takes a deposit that is not settled back, `CANCEL_DELAY_SECONDS` after its request. By its controller or his
    /// operator.
    /// @dev Errors: RequestUnknown, CallerUnauthorized, RequestLocked, TransferMismatch, the token's.
    function cancelDeposit(uint256 requestId, address receiver) external returns (uint256 assets);

    /// @notice Takes the part of a redemption that is not settled back, `CANCEL_DELAY_SECONDS` after its request. By its
    /// controller or his operator.
    /// @dev Errors: RequestUnknown, CallerUnauthorized, RequestLocked, ERC-20's.
    function cancelRedeem(uint256 requestId, address receiver) external returns (uint256 shares);

    /// @notice Lets `operator` do all of this for the caller, his assets and shares included, or stops it.
    function setOperator(address operator, bool approved) external returns (bool);

    // ---- anyone

    /// @notice Settles requests in their order at the pool's net asset value of now, rounded against each. Deposits make
    /// room for redemptions. Looks at no more requests than asked for, cancelled ones included.
    /// @return deposits looked at and done with
    /// @return redemptions looked at and done with; one that was settled in part is not done with
    /// @dev Errors: PriceOutdated, PoolExhausted, PoolUnhealthy, RequestsUnready, TransferMismatch, the oracle's, the token's.
    function fulfil(uint256 maxDeposits, uint256 maxRedemptions)
        external
        returns (uint256 deposits, uint256 redemptions);

    // ---- claims

    /// @notice Claims shares for `assets` of settled deposits. By the controller or his operator.
    /// @dev Errors: CallerUnauthorized, AmountZero, ClaimExceeded, ERC-20's.
    function deposit(uint256 assets, address receiver, address controller) external returns (uint256 shares);

    /// @notice Claims `shares` of settled deposits. By the controller or his operator.
    /// @dev Errors: CallerUnauthorized, AmountZero, ClaimExceeded, ERC-20's.
    function mint(uint256 shares, address receiver, address controller) external returns (uint256 assets);

    // ---- views

    function CLEARINGHOUSE() external view returns (IClearinghouse);

    /// @notice Least time from a request to the prices that settle it.
    function SETTLE_DELAY_SECONDS() external view returns (uint40);

    /// @notice Largest age of a price that settles anything.
    function MAX_PRICE_AGE_SECONDS() external view returns (uint40);

    /// @notice Time from a request to where it can be cancelled.
    function CANCEL_DELAY_SECONDS() external view returns (uint40);

    /// @notice The vault is its own share token (ERC-7575).
    function share() external view returns (address);

    function isOperator(address controller, address operator) external view returns (bool);

    /// @notice Assets of a request that are not settled.
    function pendingDepositRequest(uint256 requestId, address controller) external view returns (uint256 assets);

    /// @notice Assets of a request that are settled and not claimed, older requests being claimed first.
    function claimableDepositRequest(uint256 requestId, address controller) external view returns (uint256 assets);

    /// @notice Shares of a request that are not settled.
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);

    /// @notice Shares of a request that are settled and not claimed, older requests being claimed first.
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);

    /// @notice Ids of the last deposit that is over and of the last one that was requested.
    function depositQueue() external view returns (uint256 done, uint256 made);

    /// @notice The same of redemptions, and what is settled of the one after `done` [shares].
    function redeemQueue() external view returns (uint256 done, uint256 made, uint256 filled);

    /// @notice A request to deposit; zeros where there is none or it was cancelled.
    /// @return controller whose it is
    /// @return requestedAt [seconds]
    /// @return amount requested, what was cancelled taken off
    /// @return end claims of the controller, in the order of his requests, that it ends at; zero until it is over
    function depositRequestOf(uint256 requestId)
        external
        view
        returns (address controller, uint256 requestedAt, uint256 amount, uint256 end);

    /// @notice A request to redeem; zeros where there is none or it was cancelled.
    /// @return controller whose it is
    /// @return requestedAt [seconds]
    /// @return amount requested, what was cancelled taken off
    /// @return end claims of the controller, in the order of his requests, that it ends at; zero until it is over
    function redeemRequestOf(uint256 requestId)
        external
        view
        returns (address controller, uint256 requestedAt, uint256 amount, uint256 end);

    /// @notice The pool's net asset value after requests were last settled [token units].
    function lastNetAssetValue() external view returns (uint256);
}
