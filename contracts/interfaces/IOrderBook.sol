// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountId} from "../types/AccountId.sol";
import {Fill} from "../types/Fill.sol";
import {Order} from "../types/Order.sol";

/// @title Orders that cannot pick their price: commit, then settle at the first price published after a delay.
/// @notice An order is stored as a hash in a numbered slot of its account; the order itself travels in calldata.
/// It fills at the first price published at or after `committedAt + MIN_DELAY_SECONDS`, which
/// nobody knew at commit and of which there is only one, so neither trader nor keeper chooses it.
/// @dev A slot stays non-zero once used: the next commit in it costs an overwrite, not a new word.
interface IOrderBook {
    /// @notice A size of zero.
    error SizeZero();
    /// @notice `caller` may not trade for the account.
    error AccountUnauthorized(AccountId account, address caller, uint8 permission);
    /// @notice The account's slot holds an order that has neither settled nor been cancelled.
    error SlotOccupied(AccountId account, uint8 slot);
    /// @notice A keeper fee above the largest allowed [quote wad].
    error KeeperFeeExceeded(uint256 keeperFee, uint256 maximum);
    /// @notice The slot does not hold this order.
    error OrderUnknown(AccountId account, uint8 slot);
    /// @notice The order's own expiry, or its window, has passed, or passes before it could settle.
    error OrderExpired(uint256 latest);
    /// @notice The order can still settle until `latest`: its price may be known, and a cancel would be a free option.
    error OrderPending(uint256 latest);

    /// @notice At the time of its block.
    event OrderCommitted(AccountId indexed account, Order order);
    event OrderSettled(
        AccountId indexed account, uint8 indexed slot, AccountId indexed keeper, uint256 price, int256 sizeDelta
    );
    /// @notice The order met its price and failed for a reason of its own, given as the encoded error: it is used up.
    event OrderFailed(AccountId indexed account, uint8 indexed slot, uint256 price, bytes reason);
    event OrderCancelled(AccountId indexed account, uint8 indexed slot);

    /// @notice Commits to an order. By the account's owner or an operator who may trade.
    /// Market, size and margin are checked at settlement, against the state of that moment. What an operator committed
    /// while permitted stands.
    /// @dev Errors: SizeZero, KeeperFeeExceeded, OrderExpired, AccountUnauthorized, SlotOccupied.
    function commit(Order calldata order) external;

    /// @notice Settles an order at the first price after its delay. By anyone; the keeper fee goes to `keeper`.
    /// An order that then fails for a reason of its own (margin, acceptable price, size, caps, pause) is used up, with an
    /// event and without fee, so that nobody can wait for a moment in which it goes through.
    /// @param order as committed
    /// @param keeper account that gets the order's keeper fee
    /// @param updateData Pyth update that holds that price; send Pyth's fee as value
    /// @return fill what was done, all zero if the order failed
    /// @dev Errors: OrderUnknown, OrderExpired, the oracle's, Pyth's, those of `IClearinghouse.trade` that are the caller's.
    function settle(Order calldata order, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        returns (Fill memory fill);

    /// @notice Cancels an order once it can no longer settle. By the account's owner or an operator who may trade.
    /// @dev Errors: AccountUnauthorized, OrderUnknown, OrderPending.
    function cancel(Order calldata order) external;

    /// @notice Time from commit to the earliest settlement price.
    function MIN_DELAY_SECONDS() external view returns (uint64);

    /// @notice Length of the window in which the settlement price must be published and the order settled: waiting
    /// longer would be a free option for whoever settles.
    function WINDOW_SECONDS() external view returns (uint64);

    /// @notice When and as what the order in a slot was committed; a free slot has `committedAt` 0.
    function commitmentOf(AccountId account, uint8 slot) external view returns (uint40 committedAt, uint216 orderHash);

    /// @notice The hash under which an order is stored.
    function hashOf(Order calldata order) external pure returns (uint216);
}
