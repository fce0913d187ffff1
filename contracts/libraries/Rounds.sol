// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregator} from "../interfaces/IAggregator.sol";
import {Guard, Sequencer} from "../types/Guard.sol";

/// @notice Reads aggregators, and judges prices by them, so that nothing that one of them does can make the caller fail.
library Rounds {
    /// @notice Too little gas is left for an aggregator to answer: else a caller could choose that it does not.
    error GasWithheld(uint256 minimum);

    /// @dev What an aggregator may spend: one that burns all it gets cannot block an update.
    uint256 private constant GAS = 100_000;
    /// @dev What must be left for it to get that: 64/63 of it, and what the call itself costs.
    uint256 private constant MIN_GAS = 110_000;
    uint256 private constant LENGTH = 0xa0;
    /// @dev An answer that fits beside 10^18.
    uint256 private constant MAX_ANSWER = type(uint96).max;

    /// @notice Whether the latest answer is positive, not of the future and not old, and `price` near it.
    /// @dev |price - answer| <= maxDeviation * answer, exactly. Unchecked: under 2^96 * 10^18 * 10^4 < 2^170.
    function confirms(Guard memory guard, uint256 price) internal view returns (bool) {
        (bool ok, int256 answer,, uint256 updatedAt) = latest(guard.aggregator);
        if (!ok || answer <= 0 || uint256(answer) > MAX_ANSWER || updatedAt > block.timestamp) return false;
        unchecked {
            if (block.timestamp - updatedAt > guard.maxAge) return false;
            uint256 reference_ = uint256(answer) * 10 ** (18 - guard.decimals);
            uint256 deviation = price > reference_ ? price - reference_ : reference_ - price;
            return deviation * 1e4 <= reference_ * guard.maxDeviation;
        }
    }

    /// @notice Whether the sequencer is up, and has been for the grace period; a round that never started proves nothing.
    function isUp(Sequencer memory sequencer) internal view returns (bool) {
        (bool ok, int256 answer, uint256 startedAt,) = latest(sequencer.feed);
        if (!ok || answer != 0 || startedAt == 0 || startedAt > block.timestamp) return false;
        unchecked {
            return block.timestamp - startedAt >= sequencer.gracePeriod;
        }
    }

    /// @notice The latest round of an aggregator; not `ok` where it reverts, has no code, or answers anything but five words.
    /// @dev At most five words are copied, however long the answer.
    function latest(IAggregator aggregator)
        internal
        view
        returns (bool ok, int256 answer, uint256 startedAt, uint256 updatedAt)
    {
        if (gasleft() < MIN_GAS) revert GasWithheld(MIN_GAS);
        bytes4 selector = IAggregator.latestRoundData.selector;
        uint256 gas_ = GAS;
        uint256 length = LENGTH;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, selector)
            ok := staticcall(gas_, aggregator, buffer, 4, buffer, length)
            ok := and(ok, eq(returndatasize(), length))
            answer := mload(add(buffer, 0x20))
            startedAt := mload(add(buffer, 0x40))
            updatedAt := mload(add(buffer, 0x60))
        }
    }
}
