// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IClearinghouseCore} from "./interfaces/IClearinghouseCore.sol";
import {IOrderBook} from "./interfaces/IOrderBook.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {Positions} from "./libraries/Positions.sol";
import {PERMISSION_TRADE} from "./types/Account.sol";
import {AccountId} from "./types/AccountId.sol";
import {Fill, Trade} from "./types/Fill.sol";
import {Order} from "./types/Order.sol";

/// @title Commit, then settle; see IOrderBook.
contract OrderBook is IOrderBook, ReentrancyGuardTransient {
    /// @dev A slot that is free but not zero.
    uint256 private constant FREE = 1;

    /// @dev An operator may set the fee, and may be the keeper.
    uint96 public constant MAX_KEEPER_FEE = 1e18;

    IClearinghouse public immutable CLEARINGHOUSE;
    IPriceOracle public immutable ORACLE;
    uint64 public immutable MIN_DELAY_SECONDS;
    uint64 public immutable WINDOW_SECONDS;

    /// @dev `committedAt << 216 | orderHash`, one word.
    mapping(AccountId account => mapping(uint8 slot => uint256)) private _commitments;

    constructor(IClearinghouse clearinghouse, uint64 minDelaySeconds, uint64 windowSeconds) {
        Bounds.check("minDelaySeconds", minDelaySeconds, 1, 1 hours);
        Bounds.check("windowSeconds", windowSeconds, 1, 1 days);
        CLEARINGHOUSE = clearinghouse;
        ORACLE = clearinghouse.ORACLE();
        MIN_DELAY_SECONDS = minDelaySeconds;
        WINDOW_SECONDS = windowSeconds;
    }

    /// @inheritdoc IOrderBook
    /// @dev Without reentrancy guard: the only call out is a view of the clearinghouse.
    function commit(Order calldata order) external {
        if (order.sizeDelta == 0) revert SizeZero();
        if (order.keeperFee > MAX_KEEPER_FEE) revert KeeperFeeExceeded(order.keeperFee, MAX_KEEPER_FEE);
        if (block.timestamp + MIN_DELAY_SECONDS > order.expiresAt) revert OrderExpired(order.expiresAt);
        _authorize(order.account);
        uint256 committedAt = _commitments[order.account][order.slot] >> 216;
        if (committedAt != 0 && block.timestamp <= committedAt + MIN_DELAY_SECONDS + WINDOW_SECONDS) {
            revert SlotOccupied(order.account, order.slot);
        }
        _commitments[order.account][order.slot] = (block.timestamp << 216) | hashOf(order);
        emit OrderCommitted(order.account, order);
    }

    /// @inheritdoc IOrderBook
    function settle(Order calldata order, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        nonReentrant
        returns (Fill memory fill)
    {
        (uint64 earliest, uint64 latest) = _free(order);
        if (block.timestamp > latest) revert OrderExpired(latest);
        uint256 price = ORACLE.parseFirst{value: msg.value}(order.market, updateData, earliest, latest);
        try CLEARINGHOUSE.trade(
            Trade({
                account: order.account,
                market: order.market,
                sizeDelta: order.sizeDelta,
                price: uint96(price),
                acceptablePrice: order.acceptablePrice,
                keeper: keeper,
                keeperFee: order.keeperFee
            })
        ) returns (
            Fill memory done
        ) {
            emit OrderSettled(order.account, order.slot, keeper, price, done.sizeDelta);
            return done;
        } catch (bytes memory reason) {
            if (!_isFinal(bytes4(reason))) LowLevelCall.bubbleRevert(reason);
            emit OrderFailed(order.account, order.slot, price, reason);
        }
    }

    /// @inheritdoc IOrderBook
    function cancel(Order calldata order) external nonReentrant {
        _authorize(order.account);
        (, uint64 latest) = _free(order);
        if (block.timestamp <= latest) revert OrderPending(latest);
        emit OrderCancelled(order.account, order.slot);
    }

    /// @inheritdoc IOrderBook
    function commitmentOf(AccountId account, uint8 slot) external view returns (uint40 committedAt, uint216 orderHash) {
        uint256 commitment = _commitments[account][slot];
        return (uint40(commitment >> 216), uint216(commitment));
    }

    /// @inheritdoc IOrderBook
    function hashOf(Order calldata order) public pure returns (uint216) {
        return uint216(uint256(keccak256(abi.encode(order))));
    }

    function _authorize(AccountId account) private view {
        if (msg.sender == account.owner()) return;
        if (CLEARINGHOUSE.isAuthorized(account, msg.sender, PERMISSION_TRADE)) return;
        revert AccountUnauthorized(account, msg.sender, PERMISSION_TRADE);
    }

    /// @dev Failures that are the order's or its account's own, and so use it up: else whoever settles could wait for a
    /// moment in which it goes through. Not those that the caller brings about: gas withheld, another market's price not
    /// updated, a keeper's account that does not exist.
    function _isFinal(bytes4 selector) private pure returns (bool) {
        return selector == IClearinghouseCore.MarginInsufficient.selector
            || selector == IClearinghouseCore.MaintenanceInsufficient.selector
            || selector == IClearinghouseCore.AccountBankrupt.selector
            || selector == IClearinghouseCore.PriceUnacceptable.selector
            || selector == IClearinghouseCore.RiskPaused.selector
            || selector == IClearinghouseCore.SizeBelowMinimum.selector
            || selector == IClearinghouseCore.SizeZero.selector
            || selector == IClearinghouseCore.OpenMarketsExceeded.selector
            || selector == IClearinghouseCore.MarketUnknown.selector
            || selector == Positions.OpenInterestExceeded.selector;
    }

    /// @dev Frees the slot of `order`; returns the bounds of its settlement price and of its settlement.
    function _free(Order calldata order) private returns (uint64 earliest, uint64 latest) {
        uint256 commitment = _commitments[order.account][order.slot];
        uint256 committedAt = commitment >> 216;
        if (committedAt == 0 || uint216(commitment) != hashOf(order)) revert OrderUnknown(order.account, order.slot);
        _commitments[order.account][order.slot] = FREE;
        earliest = uint64(committedAt) + MIN_DELAY_SECONDS;
        latest = uint64(Math.min(order.expiresAt, earliest + WINDOW_SECONDS));
    }
}
