// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountId} from "../types/AccountId.sol";
import {Fill} from "../types/Fill.sol";
import {MarketId} from "../types/MarketId.sol";
import {Leg, Order, Progress, Terms} from "../types/Order.sol";
import {ISignedMessages} from "./ISignedMessages.sol";

/// @title Orders that cannot pick their price: commit, then settle at the first price published after a delay.
/// @notice An order is stored as a hash in a numbered slot of its account; the order itself travels in calldata.
/// A delayed order is committed and fills at the first price published at or after `committedAt + MIN_DELAY_SECONDS`,
/// which nobody knew at commit and of which there is only one, so neither trader nor keeper chooses it.
/// An order that rests (limit, stop, trailing stop, TWAP, bracket) is placed with its terms. A price published after it
/// was placed triggers it, by anyone: from then on it is a delayed order, committed at its trigger. A TWAP needs no
/// trigger: the time of each slice is known from when it was placed.
/// @dev A slot stays non-zero once used: the next commit in it costs an overwrite, not a new word.
interface IOrderBook is ISignedMessages {
    /// @notice A size of zero.
    error SizeZero();
    /// @notice `trader` may not trade for the account.
    error AccountUnauthorized(AccountId account, address trader, uint8 permission);
    /// @notice The account's slot holds an order that can still settle, or one that rests.
    error SlotOccupied(AccountId account, uint8 slot);
    /// @notice A keeper fee above the largest allowed [quote wad].
    error KeeperFeeExceeded(uint256 keeperFee, uint256 maximum);
    /// @notice The slot does not hold this order.
    error OrderUnknown(AccountId account, uint8 slot);
    /// @notice The order's own expiry, or its window, has passed, or passes before it could settle.
    error OrderExpired(uint256 latest);
    /// @notice The order can settle until `latest`: its price may be known, and a cancel would be a free option.
    error OrderPending(uint256 latest);
    /// @notice Nothing of this order is due: it waits for its trigger, or for its next slice.
    error OrderUntriggered(AccountId account, uint8 slot);
    /// @notice The price does not trigger the order [wad].
    error TriggerUnmet(uint256 price);
    /// @notice The price is not a better one than the trailing stop's mark [wad].
    error MarkUnmoved(uint256 price, uint256 mark);
    /// @notice The latest price was published no later than the order, or what of it is next, began to wait.
    error PricePremature(uint256 publishedAt, uint256 since);
    /// @notice Neither an update was given, nor was the market's first price since `earliest` proven in this transaction.
    error PriceUnproven(MarketId market, uint256 earliest);
    /// @notice Lists of unequal lengths.
    error BatchMalformed(uint256 calls, uint256 values);
    /// @notice A call of a batch asks for more value than is left.
    error BatchUnpaid(uint256 index, uint256 value, uint256 left);

    /// @notice At the time of its block.
    event OrderCommitted(AccountId indexed account, Order order);
    /// @notice At the time of its block.
    event OrderPlaced(AccountId indexed account, Order order, Terms terms);
    /// @notice The order waits for its settlement from now on, as if committed at the time of this block.
    event OrderTriggered(AccountId indexed account, uint8 indexed slot, Leg leg, uint256 price);
    /// @notice The best price of a trailing stop moved.
    event OrderTrailed(AccountId indexed account, uint8 indexed slot, uint256 mark, uint256 publishedAt);
    event OrderSettled(
        AccountId indexed account, uint8 indexed slot, AccountId indexed keeper, uint256 price, int256 sizeDelta
    );
    /// @notice The order met its price and failed for a reason of its own, given as the encoded error: it is used up.
    event OrderFailed(AccountId indexed account, uint8 indexed slot, uint256 price, bytes reason);
    /// @notice The same, of an order that goes on: it waits for its next trigger, or for its next slice.
    event OrderRested(AccountId indexed account, uint8 indexed slot, uint256 price, bytes reason);
    event OrderCancelled(AccountId indexed account, uint8 indexed slot);
    /// @notice A call of a batch failed, and changed nothing.
    event CallFailed(uint256 indexed index, bytes reason);

    /// @notice Commits to a delayed order. By the account's owner or an operator who may trade.
    /// Market, size and margin are checked at settlement, against the state of that moment. What an operator committed
    /// while permitted stands.
    /// @dev Errors: SizeZero, KeeperFeeExceeded, OrderExpired, AccountUnauthorized, SlotOccupied.
    function commit(Order calldata order) external;

    /// @notice Places an order that rests until it is triggered, cancelled or expired. By whoever may commit. The exits of
    /// a bracket do not expire.
    /// @dev Errors: those of `commit`, TermsInvalid.
    function place(Order calldata order, Terms calldata terms) external;

    /// @notice Commits to a delayed order that `signer` signed. By anyone. The order is as new as this call.
    /// @param nonce any that the signer has not used
    /// @param signer the account's owner or an operator who may trade
    /// @param signature of `SignedOrder(Order order,address signer,uint256 nonce)`, or what the contract `signer` takes for one
    /// @dev Errors: those of `commit`, NonceUsed, SignatureInvalid.
    function commitSigned(Order calldata order, uint256 nonce, address signer, bytes calldata signature) external;

    /// @notice Places an order that `signer` signed. By anyone.
    /// @param signature of `SignedPlacedOrder(Order order,Terms terms,address signer,uint256 nonce)`
    /// @dev Errors: those of `place`, NonceUsed, SignatureInvalid.
    function placeSigned(
        Order calldata order,
        Terms calldata terms,
        uint256 nonce,
        address signer,
        bytes calldata signature
    ) external;

    /// @notice Cancels a delayed order once it can no longer settle. By whoever may commit.
    /// @dev Errors: AccountUnauthorized, OrderUnknown, OrderPending.
    function cancel(Order calldata order) external;

    /// @notice Cancels an order that rests, unless it waits for its settlement. By whoever may commit; by anyone once it
    /// has expired. A slice of a TWAP waits for its settlement from `MIN_DELAY_SECONDS` before its time.
    /// @dev Errors: AccountUnauthorized, OrderUnknown, OrderPending.
    function cancelPlaced(Order calldata order, Terms calldata terms) external;

    /// @notice Settles a delayed order at the first price after its delay. By anyone; the keeper fee goes to `keeper`.
    /// An order that then fails for a reason of its own (margin, acceptable price, size, caps, pause) is used up, with an
    /// event and without fee, so that nobody can wait for a moment in which it goes through.
    /// @param order as committed
    /// @param keeper account that gets the order's keeper fee
    /// @param updateData Pyth update that holds that price; send Pyth's fee as value; none, without value, where
    /// `provePrice` has proven it in this transaction
    /// @return fill what was done, all zero if the order failed
    /// @dev Errors: OrderUnknown, OrderExpired, PriceUnproven, the oracle's, Pyth's, those of `IClearinghouse.trade` that are the caller's.
    function settle(Order calldata order, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        returns (Fill memory fill);

    /// @notice Triggers an order that rests at the oracle's latest price, if that was published after the order began to
    /// wait. By anyone. The price only decides that the order is due, not where it fills.
    /// @dev Errors: OrderUnknown, OrderPending, OrderExpired, PricePremature, TriggerUnmet, the oracle's.
    function trigger(Order calldata order, Terms calldata terms) external;

    /// @notice Moves the mark of a trailing stop to the oracle's latest price, if that is a better one. By anyone.
    /// @dev Errors: OrderUnknown, TermsInvalid, OrderPending, PricePremature, MarkUnmoved, the oracle's.
    function trail(Order calldata order, Terms calldata terms) external;

    /// @notice Settles what is due of an order that rests, as `settle` does: at the first price after its trigger and the
    /// delay, or at the first price of its slice. One that fails at its acceptable price waits for its next trigger; a
    /// slice that fails, or is not settled in its window, is lost, and the others go on.
    /// @dev Errors: OrderUnknown, OrderUntriggered, PriceUnproven, the oracle's, Pyth's, those of `IClearinghouse.trade` that are the
    /// caller's.
    function execute(Order calldata order, Terms calldata terms, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        returns (Fill memory fill);

    /// @notice Proves the first price of a market published at or after `earliest`, for the settlements that follow in this
    /// transaction: of all orders whose earliest time lies between `earliest` and when that price was published, which
    /// have no other first price. Stores it if it is newer than what is held. The last proof counts.
    /// @param updateData Pyth update that holds that price; send Pyth's fee as value
    /// @dev Errors: those of `IPriceOracle.parseFirst`.
    function provePrice(MarketId market, uint64 earliest, bytes[] calldata updateData) external payable;

    /// @notice Stores newer prices, see `IPriceOracle.update`: so that a batch can trigger at them.
    function updatePrices(MarketId[] calldata markets, bytes[] calldata updateData) external payable;

    /// @notice Makes calls of this contract's functions in their order, each with a part of the value. By anyone, for
    /// functions that anyone may call. One that fails changes nothing and stops none; value that is left is returned.
    /// @return succeeded which calls did
    /// @dev Errors: BatchMalformed, BatchUnpaid.
    function batch(bytes[] calldata calls, uint256[] calldata values) external payable returns (bool[] memory succeeded);

    /// @notice Time from commit to the earliest settlement price.
    function MIN_DELAY_SECONDS() external view returns (uint64);

    /// @notice Length of the window in which the settlement price must be published and the order settled: waiting
    /// longer would be a free option for whoever settles.
    function WINDOW_SECONDS() external view returns (uint64);

    /// @notice When and as what the order in a slot was committed or placed; a free slot has `committedAt` 0.
    function commitmentOf(AccountId account, uint8 slot)
        external
        view
        returns (uint40 committedAt, bool isResting, uint216 orderHash);

    /// @notice How far the order that rests in a slot is.
    function progressOf(AccountId account, uint8 slot) external view returns (Progress memory);

    /// @notice The hash under which a delayed order is stored.
    function hashOf(Order calldata order) external pure returns (uint216);

    /// @notice The hash under which an order that rests is stored.
    function hashOfPlaced(Order calldata order, Terms calldata terms) external pure returns (uint216);
}
