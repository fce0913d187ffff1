// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {ILiquidityVault} from "./interfaces/ILiquidityVault.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {PoolRisk} from "./types/Account.sol";
import {Queue, Request} from "./types/Queue.sol";

/// @title Shares of the liquidity pool; see ILiquidityVault.
contract LiquidityVault is ILiquidityVault, ERC20, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev Wad per unit of the settlement token.
    uint256 private constant UNIT = 1e12;
    /// @dev With one virtual asset they make a share worth 1 when nothing is there.
    uint256 private constant VIRTUAL_SHARES = 1e12;
    /// @dev Smallest deposit [token units]: worth at least 9 wei of shares, since the pool takes MAX_ASSETS at most.
    uint256 public constant MIN_DEPOSIT = 1e6;
    /// @dev Largest pool that takes deposits [token units]: fits the first part of a request, and is less than a hundredth of what
    /// the clearinghouse can count.
    uint256 public constant MAX_ASSETS = 7e16;
    /// @dev Most shares that deposits bring about: sums of a controller's claims stay within uint128 for 2^24 times as many.
    uint256 public constant MAX_SUPPLY = type(uint104).max;

    IClearinghouse public immutable CLEARINGHOUSE;
    IERC20 private immutable _TOKEN;
    uint40 public immutable SETTLE_DELAY_SECONDS;
    uint40 public immutable MAX_PRICE_AGE_SECONDS;
    uint40 public immutable CANCEL_DELAY_SECONDS;

    mapping(address controller => mapping(address operator => bool)) public isOperator;
    Queue private _deposits;
    Queue private _redemptions;
    uint256 public lastNetAssetValue;

    /// @dev One call of `fulfil`. Assets are token units.
    /// @param latest time of a request that can be settled
    /// @param supply of shares before, virtual ones included
    /// @param valueUp of the pool before, the virtual asset included
    /// @param valueDown of the same
    /// @param free what the pool has above its initial margin before [wad]; negative where it is under it
    /// @param deposited assets
    /// @param minted shares
    /// @param burned shares
    /// @param paid assets
    struct Settlement {
        uint256 latest;
        uint256 supply;
        uint256 valueUp;
        uint256 valueDown;
        int256 free;
        uint256 deposited;
        uint256 minted;
        uint256 burned;
        uint256 paid;
    }

    constructor(
        IClearinghouse clearinghouse,
        uint40 settleDelaySeconds,
        uint40 maxPriceAgeSeconds,
        uint40 cancelDelaySeconds
    ) ERC20("Steelyard Liquidity", "SLP") {
        Bounds.check("settleDelaySeconds", settleDelaySeconds, 10, 1 days);
        Bounds.check("maxPriceAgeSeconds", maxPriceAgeSeconds, 1, 5 minutes);
        Bounds.check("cancelDelaySeconds", cancelDelaySeconds, 1 hours, 30 days);
        CLEARINGHOUSE = clearinghouse;
        SETTLE_DELAY_SECONDS = settleDelaySeconds;
        MAX_PRICE_AGE_SECONDS = maxPriceAgeSeconds;
        CANCEL_DELAY_SECONDS = cancelDelaySeconds;
        _TOKEN = clearinghouse.TOKEN();
        _TOKEN.forceApprove(address(clearinghouse), type(uint256).max);
        _deposits.open();
        _redemptions.open();
    }

    // ---- requests

    /// @inheritdoc ILiquidityVault
    function requestDeposit(uint256 assets, address controller, address owner)
        external
        nonReentrant
        returns (uint256 requestId)
    {
        _authorize(owner);
        if (controller == address(0)) revert ControllerZero();
        if (assets < MIN_DEPOSIT) revert AmountTooSmall(assets, MIN_DEPOSIT);
        if (assets > MAX_ASSETS) revert AmountTooLarge(assets, MAX_ASSETS);
        requestId = _deposits.push(controller, uint128(assets));
        emit DepositRequest(controller, owner, requestId, msg.sender, assets);
        _pull(owner, assets);
    }

    /// @inheritdoc ILiquidityVault
    function requestRedeem(uint256 shares, address controller, address owner)
        external
        nonReentrant
        returns (uint256 requestId)
    {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) {
            _spendAllowance(owner, msg.sender, shares);
        }
        if (controller == address(0)) revert ControllerZero();
        uint256 minimum = Math.ceilDiv(totalSupply() + VIRTUAL_SHARES, lastNetAssetValue + 1);
        if (shares < minimum) revert AmountTooSmall(shares, minimum);
        _transfer(owner, address(this), shares);
        requestId = _redemptions.push(controller, shares.toUint128());
        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
    }

    /// @inheritdoc ILiquidityVault
    function cancelDeposit(uint256 requestId, address receiver) external nonReentrant returns (uint256 assets) {
        address controller;
        (controller, assets) = _cancel(_deposits, requestId);
        emit DepositCancelled(controller, requestId, receiver, assets);
        _push(receiver, assets);
    }

    /// @inheritdoc ILiquidityVault
    function cancelRedeem(uint256 requestId, address receiver) external nonReentrant returns (uint256 shares) {
        address controller;
        (controller, shares) = _cancel(_redemptions, requestId);
        emit RedeemCancelled(controller, requestId, receiver, shares);
        _transfer(address(this), receiver, shares);
    }

    /// @inheritdoc ILiquidityVault
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    // ---- anyone

    /// @inheritdoc ILiquidityVault
    function fulfil(uint256 maxDeposits, uint256 maxRedemptions)
        external
        nonReentrant
        returns (uint256 deposits, uint256 redemptions)
    {
        Settlement memory call = _settlement(CLEARINGHOUSE.poolRisk());
        deposits = _settleDeposits(call, maxDeposits);
        redemptions = _settleRedemptions(call, maxRedemptions);
        if (deposits + redemptions + call.burned == 0) revert RequestsUnready();
        if (call.minted > 0) _mint(address(this), call.minted);
        if (call.burned > 0) _burn(address(this), call.burned);
        lastNetAssetValue = call.valueDown - 1 + call.deposited - call.paid;
        emit Fulfilled(lastNetAssetValue, totalSupply());
        // What comes in pays what goes out: the pool moves by the difference, once.
        if (call.deposited > call.paid) CLEARINGHOUSE.fundPool(uint128(call.deposited - call.paid));
        if (call.deposited < call.paid) {
            CLEARINGHOUSE.defundPool((call.paid - call.deposited).toUint128(), address(this));
        }
    }

    // ---- claims

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) external returns (uint256 shares) {
        return deposit(assets, receiver, msg.sender);
    }

    /// @inheritdoc ILiquidityVault
    function deposit(uint256 assets, address receiver, address controller)
        public
        nonReentrant
        returns (uint256 shares)
    {
        _authorize(controller);
        shares = _deposits.claims[controller].takeAmount(assets);
        emit Deposit(controller, receiver, assets, shares);
        _transfer(address(this), receiver, shares);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external returns (uint256 assets) {
        return mint(shares, receiver, msg.sender);
    }

    /// @inheritdoc ILiquidityVault
    function mint(uint256 shares, address receiver, address controller) public nonReentrant returns (uint256 assets) {
        _authorize(controller);
        assets = _deposits.claims[controller].takePayout(shares);
        emit Deposit(controller, receiver, assets, shares);
        _transfer(address(this), receiver, shares);
    }

    /// @inheritdoc IERC4626
    /// @dev By the controller or his operator. Errors: CallerUnauthorized, AmountZero, ClaimExceeded, TransferMismatch.
    function withdraw(uint256 assets, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        _authorize(controller);
        shares = _redemptions.claims[controller].takePayout(assets);
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        _push(receiver, assets);
    }

    /// @inheritdoc IERC4626
    /// @dev By the controller or his operator. Errors: CallerUnauthorized, AmountZero, ClaimExceeded, TransferMismatch.
    function redeem(uint256 shares, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        _authorize(controller);
        assets = _redemptions.claims[controller].takeAmount(shares);
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        _push(receiver, assets);
    }

    // ---- views

    /// @inheritdoc IERC4626
    function asset() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc ILiquidityVault
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC4626
    /// @dev The pool's net asset value, at least zero; that of the last settlement where the oracle has no usable price.
    /// A call that runs out of gas reverts, so that nobody chooses the older value by the gas that he sends.
    function totalAssets() public view returns (uint256) {
        try CLEARINGHOUSE.poolRisk() returns (PoolRisk memory risk) {
            return risk.netAssetValue > 0 ? uint256(risk.netAssetValue) / UNIT : 0;
        } catch (bytes memory reason) {
            if (reason.length == 0) LowLevelCall.bubbleRevert(reason);
            return lastNetAssetValue;
        }
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) external view returns (uint256) {
        return Math.mulDiv(assets, totalSupply() + VIRTUAL_SHARES, totalAssets() + 1);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) external view returns (uint256) {
        return Math.mulDiv(shares, totalAssets() + 1, totalSupply() + VIRTUAL_SHARES);
    }

    /// @inheritdoc IERC4626
    function maxDeposit(address controller) external view returns (uint256) {
        return _deposits.claims[controller].amount;
    }

    /// @inheritdoc IERC4626
    function maxMint(address controller) external view returns (uint256) {
        return _deposits.claims[controller].payout;
    }

    /// @inheritdoc IERC4626
    function maxWithdraw(address controller) external view returns (uint256) {
        return _redemptions.claims[controller].payout;
    }

    /// @inheritdoc IERC4626
    function maxRedeem(address controller) external view returns (uint256) {
        return _redemptions.claims[controller].amount;
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc ILiquidityVault
    function pendingDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _deposits.pendingOf(requestId, controller);
    }

    /// @inheritdoc ILiquidityVault
    function claimableDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _deposits.claimableOf(requestId, controller);
    }

    /// @inheritdoc ILiquidityVault
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _redemptions.pendingOf(requestId, controller);
    }

    /// @inheritdoc ILiquidityVault
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _redemptions.claimableOf(requestId, controller);
    }

    /// @inheritdoc ILiquidityVault
    function depositQueue() external view returns (uint256 done, uint256 made) {
        return (_deposits.done, _deposits.made);
    }

    /// @inheritdoc ILiquidityVault
    function redeemQueue() external view returns (uint256 done, uint256 made, uint256 filled) {
        return (_redemptions.done, _redemptions.made, _redemptions.filled);
    }

    /// @inheritdoc ILiquidityVault
    function depositRequestOf(uint256 requestId) external view returns (address, uint256, uint256, uint256) {
        return _deposits.requestOf(requestId);
    }

    /// @inheritdoc ILiquidityVault
    function redeemRequestOf(uint256 requestId) external view returns (address, uint256, uint256, uint256) {
        return _redemptions.requestOf(requestId);
    }

    /// @inheritdoc IERC165
    /// @dev ERC-165; ERC-7540 operators, deposits, redemptions; ERC-7575 whole and in its five parts.
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0xe3bc4e65 || id == 0xce3bbe50 || id == 0x620ee8e4 || id == 0x2f0a18c5
            || id == 0x50a526d6 || id == 0xc1f329ef || id == 0xe1550342 || id == 0x2fd7d42a || id == 0x70dec094;
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public pure override(ERC20, IERC20Metadata) returns (uint8) {
        return 18;
    }

    // ---- settling

    function _settlement(PoolRisk memory risk) private view returns (Settlement memory call) {
        if (block.timestamp > risk.pricedAt + MAX_PRICE_AGE_SECONDS) {
            revert PriceOutdated(risk.pricedAt, MAX_PRICE_AGE_SECONDS);
        }
        int256 value = risk.netAssetValue;
        if (value < 0 || (value == 0 && totalSupply() != 0)) revert PoolExhausted(value);
        if (value < int256(risk.maintenanceMargin)) revert PoolUnhealthy(value, risk.maintenanceMargin);
        call.latest = risk.pricedAt - SETTLE_DELAY_SECONDS;
        call.supply = totalSupply() + VIRTUAL_SHARES;
        call.valueUp = Math.ceilDiv(uint256(value), UNIT) + 1;
        call.valueDown = uint256(value) / UNIT + 1;
        call.free = value - int256(risk.initialMargin);
    }

    /// @dev shares = assets * supply / valueUp, down
    function _settleDeposits(Settlement memory call, uint256 most) private returns (uint256 count) {
        Queue storage queue = _deposits;
        (uint256 done, uint256 made) = (queue.done, queue.made);
        for (; count < most && done < made; ++count) {
            Request storage request = queue.requests[++done];
            uint256 assets = request.amount();
            if (assets == 0) continue;
            uint256 shares = assets * call.supply / call.valueUp;
            if (
                request.requestedAt > call.latest || call.valueUp + call.deposited + assets > MAX_ASSETS
                    || call.supply + call.minted + shares > MAX_SUPPLY
            ) {
                --done;
                break;
            }
            call.deposited += assets;
            call.minted += shares;
            address controller = request.controller;
            request.end = queue.fill(controller, uint128(assets), uint128(shares));
            emit DepositFulfilled(controller, done, assets, shares);
        }
        queue.done = uint64(done);
    }

    /// @dev assets = shares * valueDown / supply, down
    function _settleRedemptions(Settlement memory call, uint256 most) private returns (uint256 count) {
        Queue storage queue = _redemptions;
        (uint256 done, uint256 made, uint256 filled) = (queue.done, queue.made, queue.filled);
        int256 free = call.free + int256(call.deposited * UNIT);
        uint256 room = free > 0 ? uint256(free) / UNIT : 0;
        for (; count < most && done < made; ++count) {
            Request storage request = queue.requests[done + 1];
            uint256 shares = request.amount();
            if (shares != 0) {
                if (request.requestedAt > call.latest) break;
                shares -= filled;
                uint256 assets = shares * call.valueDown / call.supply;
                bool isPart = assets > room - call.paid;
                if (isPart) {
                    shares = (room - call.paid) * call.supply / call.valueDown;
                    assets = shares * call.valueDown / call.supply;
                    if (assets == 0) break;
                }
                call.burned += shares;
                call.paid += assets;
                address controller = request.controller;
                uint128 end = queue.fill(controller, uint128(shares), assets.toUint128());
                emit RedeemFulfilled(controller, done + 1, shares, assets);
                if (isPart) {
                    filled += shares;
                    break;
                }
                request.end = end;
                filled = 0;
            }
            ++done;
        }
        (queue.done, queue.filled) = (uint64(done), uint128(filled));
    }

    /// @dev Takes what is not settled of a request out of its queue, for its controller or his operator.
    function _cancel(Queue storage queue, uint256 requestId) private returns (address controller, uint256 amount) {
        uint256 cancellableAt = uint256(queue.requests[requestId].requestedAt) + CANCEL_DELAY_SECONDS;
        (controller, amount) = queue.cancel(requestId);
        _authorize(controller);
        if (block.timestamp < cancellableAt) revert RequestLocked(requestId, cancellableAt);
    }

    function _authorize(address account) private view {
        if (msg.sender != account && !isOperator[account][msg.sender]) revert CallerUnauthorized(account, msg.sender);
    }

    // ---- tokens

    /// @dev Takes `assets` from `owner`; a token that keeps a part of them is refused.
    function _pull(address owner, uint256 assets) private {
        uint256 held = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransferFrom(owner, address(this), assets);
        uint256 received = _TOKEN.balanceOf(address(this)) - held;
        if (received != assets) revert TransferMismatch(assets, received);
    }

    function _push(address receiver, uint256 assets) private {
        uint256 held = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransfer(receiver, assets);
        uint256 paid = held - _TOKEN.balanceOf(address(this));
        if (paid != assets) revert TransferMismatch(assets, paid);
    }
}
