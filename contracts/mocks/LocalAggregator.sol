// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregator} from "../interfaces/IAggregator.sol";

/// @notice How an aggregator answers.
/// @param Full as it should
/// @param Refuse reverts
/// @param Short one word less
/// @param Long a hundred thousand bytes
/// @param Burn spends all gas it is given
enum Reply {
    Full,
    Refuse,
    Short,
    Long,
    Burn
}

/// @title A Chainlink aggregator of local chains that answers what it is told to, well or badly.
/// @dev Anyone makes any answer, so never deploy it where money is.
contract LocalAggregator is IAggregator {
    uint8 public immutable decimals;

    Reply public reply;
    int256 private _answer;
    uint256 private _startedAt;
    uint256 private _updatedAt;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    /// @notice Sets the round, and that it is answered as it should be.
    function setRound(int256 answer, uint256 startedAt, uint256 updatedAt) external {
        _answer = answer;
        _startedAt = startedAt;
        _updatedAt = updatedAt;
        reply = Reply.Full;
    }

    /// @notice Sets how it answers until the next round.
    function setReply(Reply reply_) external {
        reply = reply_;
    }

    /// @inheritdoc IAggregator
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        if (reply == Reply.Refuse) {
            assembly ("memory-safe") {
                revert(0, 0)
            }
        }
        if (reply == Reply.Burn) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (reply != Reply.Full) _return(reply == Reply.Short ? 0x80 : 100_000);
        return (1, _answer, _startedAt, _updatedAt, 1);
    }

    /// @dev Returns the round, cut or with zeros behind it.
    function _return(uint256 length) private view {
        bytes memory round = abi.encode(uint256(1), _answer, _startedAt, _updatedAt, uint256(1));
        assembly ("memory-safe") {
            return(add(round, 0x20), length)
        }
    }
}
