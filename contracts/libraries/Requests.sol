// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Claim, Queue, Request} from "../types/Queue.sol";

/// @title Requests that are settled in their order, and claims that add up by controller.
/// @dev A request covers the amounts from `end - amount` to `end` of its controller's claims, which are claimed from the
/// oldest on: so neither settling nor claiming loops over requests.
library Requests {
    /// @notice An amount of zero.
    error AmountZero();
    /// @notice More than can be claimed.
    error ClaimExceeded(uint256 requested, uint256 claimable);
    /// @notice There is no such request, or it is over.
    error RequestUnknown(uint256 requestId);

    /// @dev Sets the queue up, once.
    function open(Queue storage self) internal {
        (self.done, self.made) = (1, 1);
    }

    /// @dev Appends a request.
    function push(Queue storage self, address controller, uint128 amount) internal returns (uint256 id) {
        id = ++self.made;
        Request storage request = self.requests[id];
        request.controller = controller;
        request.requestedAt = uint40(block.timestamp);
        request.setAmount(amount);
    }

    /// @dev Makes `amount` of a controller's oldest requests claimable for `payout`.
    /// @return end of that amount among his claims
    function fill(Queue storage self, address controller, uint128 amount, uint128 payout)
        internal
        returns (uint128 end)
    {
        Claim storage claim = self.claims[controller];
        amount += claim.amount;
        (claim.amount, claim.payout) = (amount, claim.payout + payout);
        return claim.claimed + amount;
    }

    /// @dev Takes what is not settled of a request out of the queue. A head that goes was the last to be filled.
    /// @return controller whose request it was
    /// @return amount that was not settled
    function cancel(Queue storage self, uint256 id) internal returns (address controller, uint128 amount) {
        Request storage request = self.requests[id];
        (controller, amount) = (request.controller, request.amount());
        uint256 head = uint256(self.done) + 1;
        if (id < head || amount == 0) revert RequestUnknown(id);
        uint128 filled = id == head ? self.filled : 0;
        if (id == head) (self.done, self.filled) = (uint64(id), 0);
        if (filled == 0) {
            delete self.requests[id];
            return (controller, amount);
        }
        Claim storage claim = self.claims[controller];
        request.setAmount(filled);
        request.end = claim.claimed + claim.amount;
        return (controller, amount - filled);
    }

    /// @dev Claims `amount` of what was requested. payout = amount * claim.payout / claim.amount, down
    function takeAmount(Claim storage self, uint256 amount) internal returns (uint256 payout) {
        (uint256 most, uint256 payable_) = (self.amount, self.payout);
        if (amount == 0) revert AmountZero();
        if (amount > most) revert ClaimExceeded(amount, most);
        payout = amount * payable_ / most;
        _take(self, most, payable_, amount, payout);
    }

    /// @dev Claims `payout`. amount = payout * claim.amount / claim.payout, up
    function takePayout(Claim storage self, uint256 payout) internal returns (uint256 amount) {
        (uint256 most, uint256 payable_) = (self.amount, self.payout);
        if (payout == 0) revert AmountZero();
        if (payout > payable_) revert ClaimExceeded(payout, payable_);
        amount = Math.ceilDiv(payout * most, payable_);
        _take(self, most, payable_, amount, payout);
    }

    /// @dev Controller, time, amount and end of a request.
    function requestOf(Queue storage self, uint256 id) internal view returns (address, uint256, uint256, uint256) {
        Request storage request = self.requests[id];
        return (request.controller, request.requestedAt, request.amount(), request.end);
    }

    /// @dev Amount of a request that is not settled.
    function pendingOf(Queue storage self, uint256 id, address controller) internal view returns (uint256) {
        Request storage request = self.requests[id];
        uint256 done = self.done;
        if (id <= done || request.controller != controller) return 0;
        return id == done + 1 ? request.amount() - self.filled : request.amount();
    }

    /// @dev Amount of a request that is settled and not claimed.
    function claimableOf(Queue storage self, uint256 id, address controller) internal view returns (uint256) {
        Request storage request = self.requests[id];
        if (request.controller != controller) return 0;
        uint256 done = self.done;
        Claim storage claim = self.claims[controller];
        if (id > done) return id == done + 1 ? Math.min(self.filled, claim.amount) : 0;
        return Math.min(request.amount(), Math.saturatingSub(request.end, claim.claimed));
    }

    /// @dev Amount requested, what was cancelled taken off.
    function amount(Request storage self) internal view returns (uint128) {
        return uint128(self.high) << 56 | self.low;
    }

    /// @dev Leaves the second slot alone where it need not change.
    function setAmount(Request storage self, uint128 amount_) internal {
        self.low = uint56(amount_);
        uint72 high = uint72(amount_ >> 56);
        if (self.high != high) self.high = high;
    }

    /// @dev Parts are at most the whole, so that they fit.
    function _take(Claim storage self, uint256 most, uint256 payable_, uint256 amount, uint256 payout) private {
        (self.amount, self.payout) = (uint128(most - amount), uint128(payable_ - payout));
        self.claimed += uint128(amount);
    }
}
