// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SignedMessages} from "./SignedMessages.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IClearinghouseCore} from "./interfaces/IClearinghouseCore.sol";
import {IOrderBook} from "./interfaces/IOrderBook.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {OrderHashes} from "./libraries/OrderHashes.sol";
import {Positions} from "./libraries/Positions.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Triggers} from "./libraries/Triggers.sol";
import {PERMISSION_TRADE} from "./types/Account.sol";
import {AccountId} from "./types/AccountId.sol";
import {Fill, Trade} from "./types/Fill.sol";
import {MarketId} from "./types/MarketId.sol";
import {Leg, Order, OrderKind, Progress, Terms} from "./types/Order.sol";
import {ProvenPrice, toProvenPrice} from "./types/ProvenPrice.sol";

/// @title Orders that cannot pick their price; see IOrderBook.
contract OrderBook is IOrderBook, SignedMessages, ReentrancyGuardTransient {
    using Triggers for Terms;
    using OrderHashes for Order;
    using OrderHashes for Terms;

    /// @dev A slot that is free but not zero; what is held in it is more.
    uint256 private constant FREE = 1;
    /// @dev Of a commitment that rests: it keeps its slot until it is over.
    uint256 private constant RESTING = 1 << 255;

    /// @dev An operator may set the fee, and may be the keeper.
    uint96 public constant MAX_KEEPER_FEE = 1e18;

    IClearinghouse public immutable CLEARINGHOUSE;
    IPriceOracle public immutable ORACLE;
    uint64 public immutable MIN_DELAY_SECONDS;
    uint64 public immutable WINDOW_SECONDS;

    /// @dev `isResting << 255 | committedAt << 216 | orderHash`, one word.
    mapping(AccountId account => mapping(uint8 slot => uint256)) private _commitments;
    mapping(AccountId account => mapping(uint8 slot => Progress)) private _progress;

    /// @dev The last price that was proven in this transaction.
    ProvenPrice private transient _proven;

    /// @dev What an order asks for at a settlement.
    struct Intent {
        int128 sizeDelta;
        uint128 acceptablePrice;
        bool reduceOnly;
        uint64 earliest;
        uint64 latest;
    }

    constructor(IClearinghouse clearinghouse, uint64 minDelaySeconds, uint64 windowSeconds) {
        Bounds.check("minDelaySeconds", minDelaySeconds, 1, 1 hours);
        Bounds.check("windowSeconds", windowSeconds, 1, 1 days);
        CLEARINGHOUSE = clearinghouse;
        ORACLE = clearinghouse.ORACLE();
        MIN_DELAY_SECONDS = minDelaySeconds;
        WINDOW_SECONDS = windowSeconds;
    }

    // ---- by who may trade for the account

    /// @inheritdoc IOrderBook
    /// @dev Without reentrancy guard: the only call out is a view of the clearinghouse.
    function commit(Order calldata order) external {
        _commit(order, msg.sender);
    }

    /// @inheritdoc IOrderBook
    function place(Order calldata order, Terms calldata terms) external {
        _place(order, terms, msg.sender);
    }

    /// @inheritdoc IOrderBook
    function commitSigned(Order calldata order, uint256 nonce, address signer, bytes calldata signature)
        external
        nonReentrant
    {
        _useSigned(order.hashSigned(signer, nonce), nonce, signer, signature);
        _commit(order, signer);
    }

    /// @inheritdoc IOrderBook
    function placeSigned(
        Order calldata order,
        Terms calldata terms,
        uint256 nonce,
        address signer,
        bytes calldata signature
    ) external nonReentrant {
        _useSigned(order.hashSigned(terms, signer, nonce), nonce, signer, signature);
        _place(order, terms, signer);
    }

    /// @inheritdoc IOrderBook
    function cancel(Order calldata order) external nonReentrant {
        _authorize(order.account, msg.sender);
        uint64 earliest = _take(order);
        uint64 latest = _latest(order, earliest);
        if (block.timestamp <= latest) revert OrderPending(latest);
        emit OrderCancelled(order.account, order.slot);
    }

    /// @inheritdoc IOrderBook
    function cancelPlaced(Order calldata order, Terms calldata terms) external nonReentrant {
        (uint256 placedAt, Progress memory progress) = _placed(order, terms);
        if (block.timestamp <= order.expiresAt || progress.leg != Leg.Entry) _authorize(order.account, msg.sender);
        _requireIdle(order, terms, placedAt, progress);
        _release(order);
        emit OrderCancelled(order.account, order.slot);
    }

    // ---- anyone

    /// @inheritdoc IOrderBook
    function settle(Order calldata order, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        nonReentrant
        returns (Fill memory fill)
    {
        uint64 earliest = _take(order);
        uint64 latest = _latest(order, earliest);
        if (block.timestamp > latest) revert OrderExpired(latest);
        Intent memory intent = Intent(order.sizeDelta, order.acceptablePrice, order.reduceOnly, earliest, latest);
        uint256 price;
        bytes memory reason;
        (fill, price, reason) = _fill(order, intent, keeper, updateData);
        if (reason.length != 0) emit OrderFailed(order.account, order.slot, price, reason);
    }

    /// @inheritdoc IOrderBook
    function trigger(Order calldata order, Terms calldata terms) external nonReentrant {
        (uint256 placedAt, Progress memory progress) = _placed(order, terms);
        _requireIdle(order, terms, placedAt, progress);
        if (progress.leg == Leg.Entry && block.timestamp + MIN_DELAY_SECONDS > order.expiresAt) {
            revert OrderExpired(order.expiresAt);
        }
        (uint256 price,) = _priceAfter(order.market, _waitingSince(placedAt, progress));
        (bool isTriggered, Leg leg) = terms.triggered(progress, order.sizeDelta > 0, price);
        if (!isTriggered) revert TriggerUnmet(price);
        progress.leg = leg;
        progress.triggeredAt = uint40(block.timestamp);
        _progress[order.account][order.slot] = progress;
        emit OrderTriggered(order.account, order.slot, leg, price);
    }

    /// @inheritdoc IOrderBook
    function trail(Order calldata order, Terms calldata terms) external nonReentrant {
        (uint256 placedAt, Progress memory progress) = _placed(order, terms);
        if (terms.kind != OrderKind.TrailingStop) revert Triggers.TermsInvalid(terms.kind);
        _requireIdle(order, terms, placedAt, progress);
        (uint256 price, uint256 publishedAt) = _priceAfter(order.market, _waitingSince(placedAt, progress));
        if (!Triggers.isBetter(progress, order.sizeDelta > 0, price)) revert MarkUnmoved(price, progress.mark);
        progress.mark = uint96(price);
        progress.markedAt = uint40(publishedAt);
        _progress[order.account][order.slot] = progress;
        emit OrderTrailed(order.account, order.slot, price, publishedAt);
    }

    /// @inheritdoc IOrderBook
    function execute(Order calldata order, Terms calldata terms, AccountId keeper, bytes[] calldata updateData)
        external
        payable
        nonReentrant
        returns (Fill memory fill)
    {
        (uint256 placedAt, Progress memory progress) = _placed(order, terms);
        Intent memory intent = _intent(order, terms, placedAt, progress);
        uint256 held = _commitments[order.account][order.slot];
        bool goesOn = _advance(order, terms, progress);
        uint256 price;
        bytes memory reason;
        (fill, price, reason) = _fill(order, intent, keeper, updateData);
        if (reason.length == 0) return fill;
        if (terms.kind != OrderKind.Twap) {
            goesOn = bytes4(reason) == IClearinghouseCore.PriceUnacceptable.selector;
            if (goesOn) _rest(order, progress, held);
            else _release(order);
        }
        if (goesOn) emit OrderRested(order.account, order.slot, price, reason);
        else emit OrderFailed(order.account, order.slot, price, reason);
    }

    /// @inheritdoc IOrderBook
    function provePrice(MarketId market, uint64 earliest, bytes[] calldata updateData) external payable nonReentrant {
        _proven = _parseFirst(market, earliest, type(uint64).max, updateData);
    }

    /// @inheritdoc IOrderBook
    function updatePrices(MarketId[] calldata markets, bytes[] calldata updateData) external payable {
        ORACLE.update{value: msg.value}(markets, updateData);
    }

    /// @inheritdoc IOrderBook
    /// @dev Calls itself from outside, so that each call is undone alone, and has no rights but anyone's. The gas that is
    /// left is shared out evenly, so that a signer's contract that burns all it gets burns one call's share.
    function batch(bytes[] calldata calls, uint256[] calldata values)
        external
        payable
        returns (bool[] memory succeeded)
    {
        if (calls.length != values.length) {
            revert BatchMalformed(calls.length, values.length);
        }
        succeeded = new bool[](calls.length);
        uint256 left = msg.value;
        for (uint256 i; i < calls.length; ++i) {
            if (values[i] > left) revert BatchUnpaid(i, values[i], left);
            bytes memory result;
            uint256 share = gasleft() / (calls.length - i);
            (succeeded[i], result) = address(this).call{value: values[i], gas: share}(calls[i]);
            if (succeeded[i]) left -= values[i];
            else emit CallFailed(i, result);
        }
        if (left > 0) Address.sendValue(payable(msg.sender), left);
    }

    // ---- views

    /// @inheritdoc IOrderBook
    function commitmentOf(AccountId account, uint8 slot)
        external
        view
        returns (uint40 committedAt, bool isResting, uint216 orderHash)
    {
        uint256 commitment = _commitments[account][slot];
        return (_committedAt(commitment), commitment >= RESTING, uint216(commitment));
    }

    /// @inheritdoc IOrderBook
    function progressOf(AccountId account, uint8 slot) external view returns (Progress memory) {
        return _progress[account][slot];
    }

    /// @inheritdoc IOrderBook
    function hashOf(Order calldata order) external pure returns (uint216) {
        return uint216(uint256(order.hash()));
    }

    /// @inheritdoc IOrderBook
    function hashOfPlaced(Order calldata order, Terms calldata terms) external pure returns (uint216) {
        return uint216(uint256(order.hash(terms)));
    }

    // ---- making and ending

    function _commit(Order calldata order, address trader) private {
        _put(order, trader, block.timestamp << 216 | uint216(uint256(order.hash())));
        emit OrderCommitted(order.account, order);
    }

    function _place(Order calldata order, Terms calldata terms, address trader) private {
        terms.check(order, MIN_DELAY_SECONDS + WINDOW_SECONDS);
        _put(order, trader, RESTING | block.timestamp << 216 | uint216(uint256(order.hash(terms))));
        if (terms.kind == OrderKind.Twap) {
            uint256 end =
                block.timestamp + MIN_DELAY_SECONDS + WINDOW_SECONDS + uint256(terms.slices - 1) * terms.interval;
            if (end > order.expiresAt) revert OrderExpired(order.expiresAt);
        }
        Progress memory progress;
        if (terms.kind == OrderKind.Bracket && terms.triggerPrice == 0) progress.triggeredAt = uint40(block.timestamp);
        _progress[order.account][order.slot] = progress;
        emit OrderPlaced(order.account, order, terms);
    }

    function _put(Order calldata order, address trader, uint256 commitment) private {
        if (order.sizeDelta == 0) revert SizeZero();
        if (order.keeperFee > MAX_KEEPER_FEE) revert KeeperFeeExceeded(order.keeperFee, MAX_KEEPER_FEE);
        unchecked {
            if (block.timestamp + MIN_DELAY_SECONDS > order.expiresAt) revert OrderExpired(order.expiresAt);
        }
        _authorize(order.account, trader);
        mapping(uint8 slot => uint256) storage commitments = _commitments[order.account];
        uint8 slot = order.slot;
        uint256 held = commitments[slot];
        if (
            held > FREE
                && (held >= RESTING || block.timestamp <= _committedAt(held) + MIN_DELAY_SECONDS + WINDOW_SECONDS)
        ) {
            revert SlotOccupied(order.account, slot);
        }
        commitments[slot] = commitment;
    }

    /// @dev Frees the slot of a delayed order; returns the earliest time of its price.
    function _take(Order calldata order) private returns (uint64) {
        uint256 held = _commitments[order.account][order.slot];
        uint256 committedAt = _committedAt(held);
        if (committedAt == 0 || held >= RESTING || uint216(held) != uint216(uint256(order.hash()))) {
            revert OrderUnknown(order.account, order.slot);
        }
        _commitments[order.account][order.slot] = FREE;
        return uint64(committedAt) + MIN_DELAY_SECONDS;
    }

    function _release(Order calldata order) private {
        _commitments[order.account][order.slot] = FREE;
        delete _progress[order.account][order.slot];
    }

    // ---- resting orders

    function _placed(Order calldata order, Terms calldata terms)
        private
        view
        returns (uint256 placedAt, Progress memory progress)
    {
        uint256 held = _commitments[order.account][order.slot];
        if (held < RESTING || uint216(held) != uint216(uint256(order.hash(terms)))) {
            revert OrderUnknown(order.account, order.slot);
        }
        return (_committedAt(held), _progress[order.account][order.slot]);
    }

    /// @dev Bounds of the settlement price that may be known already, or known soon, of an order that waits for its
    /// settlement; zero where it does not.
    function _pending(Order calldata order, Terms calldata terms, uint256 placedAt, Progress memory progress)
        private
        view
        returns (uint256 earliest, uint256 latest)
    {
        if (terms.kind == OrderKind.Twap) {
            uint256 number = (block.timestamp - placedAt) / terms.interval;
            if (number < progress.slices || number >= terms.slices) return (0, 0);
            earliest = placedAt + MIN_DELAY_SECONDS + number * terms.interval;
        } else {
            if (progress.triggeredAt == 0) return (0, 0);
            earliest = progress.triggeredAt + MIN_DELAY_SECONDS;
        }
        latest = earliest + WINDOW_SECONDS;
        if (progress.leg == Leg.Entry) latest = FixedPointMathLib.min(latest, order.expiresAt);
        if (block.timestamp > latest) return (0, 0);
    }

    function _requireIdle(Order calldata order, Terms calldata terms, uint256 placedAt, Progress memory progress)
        private
        view
    {
        (, uint256 latest) = _pending(order, terms, placedAt, progress);
        if (latest != 0) revert OrderPending(latest);
    }

    function _waitingSince(uint256 placedAt, Progress memory progress) private pure returns (uint256) {
        return FixedPointMathLib.max(FixedPointMathLib.max(placedAt, progress.activeAt), progress.markedAt);
    }

    function _priceAfter(MarketId market, uint256 since) private view returns (uint256 price, uint256 publishedAt) {
        price = ORACLE.priceOf(market);
        publishedAt = ORACLE.priceState(market).publishedAt;
        if (publishedAt <= since) revert PricePremature(publishedAt, since);
    }

    /// @dev What is due of an order that rests; an exit of a bracket reduces what the entry opened.
    function _intent(Order calldata order, Terms calldata terms, uint256 placedAt, Progress memory progress)
        private
        view
        returns (Intent memory intent)
    {
        (uint256 earliest, uint256 latest) = _pending(order, terms, placedAt, progress);
        if (latest == 0) revert OrderUntriggered(order.account, order.slot);
        intent = Intent(order.sizeDelta, order.acceptablePrice, order.reduceOnly, uint64(earliest), uint64(latest));
        if (terms.kind == OrderKind.Twap) {
            progress.slices = uint16((block.timestamp - placedAt) / terms.interval);
            intent.sizeDelta = int128(Triggers.sliceOf(order.sizeDelta, terms.slices, progress.slices));
        } else if (progress.leg != Leg.Entry) {
            intent.sizeDelta = -order.sizeDelta;
            intent.reduceOnly = true;
            bool isStop = progress.leg == Leg.Stop;
            intent.acceptablePrice = order.sizeDelta > 0 ? 0 : type(uint128).max;
            if (!isStop) intent.acceptablePrice = terms.targetPrice;
        }
    }

    /// @dev Moves an order on as if it filled; returns whether it goes on after that.
    function _advance(Order calldata order, Terms calldata terms, Progress memory progress)
        private
        returns (bool goesOn)
    {
        if (terms.kind == OrderKind.Twap) {
            goesOn = ++progress.slices < terms.slices;
            if (goesOn) _progress[order.account][order.slot] = progress;
        } else if (terms.kind == OrderKind.Bracket && progress.leg == Leg.Entry) {
            goesOn = true;
            Progress storage exits = _progress[order.account][order.slot];
            (exits.leg, exits.triggeredAt, exits.activeAt) = (Leg.Exits, 0, uint40(block.timestamp));
        }
        if (!goesOn) _release(order);
    }

    /// @dev Puts an order back to where it was before it was triggered.
    function _rest(Order calldata order, Progress memory progress, uint256 held) private {
        _commitments[order.account][order.slot] = held;
        if (progress.leg != Leg.Entry) progress.leg = Leg.Exits;
        progress.triggeredAt = 0;
        _progress[order.account][order.slot] = progress;
    }

    // ---- fills

    /// @return fill all zero where the order failed
    /// @return price the settlement price
    /// @return reason of a failure that is the order's own, as the encoded error
    function _fill(Order calldata order, Intent memory intent, AccountId keeper, bytes[] calldata updateData)
        private
        returns (Fill memory fill, uint256 price, bytes memory reason)
    {
        ProvenPrice first = _firstPrice(order.market, intent, updateData);
        price = Pricing.worstOf(first.price(), first.confidence(), intent.sizeDelta > 0);
        try CLEARINGHOUSE.trade(
            Trade({
                account: order.account,
                market: order.market,
                sizeDelta: intent.sizeDelta,
                price: uint96(price),
                acceptablePrice: intent.acceptablePrice,
                keeper: keeper,
                keeperFee: order.keeperFee,
                reduceOnly: intent.reduceOnly,
                isConfirmed: first.isConfirmed()
            })
        ) returns (
            Fill memory done
        ) {
            fill = done;
            emit OrderSettled(order.account, order.slot, keeper, price, done.sizeDelta);
        } catch (bytes memory error_) {
            if (!_isFinal(bytes4(error_))) LowLevelCall.bubbleRevert(error_);
            reason = error_;
        }
    }

    /// @dev A price that was proven before now is in the window: `latest` is not over.
    function _firstPrice(MarketId market, Intent memory intent, bytes[] calldata updateData)
        private
        returns (ProvenPrice)
    {
        if (updateData.length != 0 || msg.value != 0) {
            return _parseFirst(market, intent.earliest, intent.latest, updateData);
        }
        if (!_proven.covers(market, intent.earliest)) revert PriceUnproven(market, intent.earliest);
        return _proven;
    }

    function _parseFirst(MarketId market, uint64 earliest, uint64 latest, bytes[] calldata updateData)
        private
        returns (ProvenPrice)
    {
        (uint256 price, uint256 confidence, bool isConfirmed, uint256 publishedAt) =
            ORACLE.parseFirst{value: msg.value}(market, updateData, earliest, latest);
        return toProvenPrice(market, earliest, publishedAt, price, confidence, isConfirmed);
    }

    /// @dev Failures that are the order's or its account's own, and so use it up: else whoever settles could wait for a
    /// moment in which it goes through. Not those that the caller brings about: gas withheld, another market's price not
    /// updated, a keeper's account that does not exist.
    function _isFinal(bytes4 selector) private pure returns (bool) {
        return selector == IClearinghouseCore.MarginInsufficient.selector
            || selector == IClearinghouseCore.MaintenanceInsufficient.selector
            || selector == IClearinghouseCore.AccountBankrupt.selector
            || selector == IClearinghouseCore.PriceUnacceptable.selector
            || selector == IClearinghouseCore.RiskPaused.selector || selector == IPriceOracle.PriceUnconfirmed.selector
            || selector == IClearinghouseCore.SizeBelowMinimum.selector
            || selector == IClearinghouseCore.SizeZero.selector
            || selector == IClearinghouseCore.OpenMarketsExceeded.selector
            || selector == IClearinghouseCore.MarketUnknown.selector
            || selector == Positions.OpenInterestExceeded.selector;
    }

    // ---- parts

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Steelyard orders", "1");
    }

    function _authorize(AccountId account, address trader) private view {
        if (trader == account.owner()) return;
        if (CLEARINGHOUSE.isAuthorized(account, trader, PERMISSION_TRADE)) return;
        revert AccountUnauthorized(account, trader, PERMISSION_TRADE);
    }

    function _latest(Order calldata order, uint64 earliest) private view returns (uint64) {
        return uint64(FixedPointMathLib.min(order.expiresAt, earliest + WINDOW_SECONDS));
    }

    function _committedAt(uint256 commitment) private pure returns (uint40) {
        return uint40((commitment & ~RESTING) >> 216);
    }
}
