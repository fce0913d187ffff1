// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title HostileActor
/// @notice A contract that owns accounts, keeps, liquidates and operates, many calls to a transaction; who pays it, or
/// calls it without data, gets called in return.
/// @dev For fuzzing only: it does what anyone says.
contract HostileActor {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    /// @dev Call[] and whether a call that fails ends it all, encoded; empty for no answer.
    bytes public answer;
    bool private transient _isAnswering;

    event Called(address target, bool ok, bytes returned);
    event AnswerSet(bytes answer);
    event Received(address sender, uint256 value);

    /// @notice Answers whoever calls without data by calls of its own.
    // solhint-disable-next-line no-complex-fallback
    receive() external payable {
        emit Received(msg.sender, msg.value);
        if (_isAnswering || answer.length == 0) return;
        _isAnswering = true;
        (Call[] memory calls, bool isStrict) = abi.decode(answer, (Call[], bool));
        _run(calls, isStrict);
        _isAnswering = false;
    }

    /// @notice Runs `calls`, one after the other; with `isStrict` one that fails takes all with it.
    function act(Call[] calldata calls, bool isStrict) external payable {
        _run(calls, isStrict);
    }

    /// @notice Says what it answers; no calls for none.
    function setAnswer(Call[] calldata calls, bool isStrict) external {
        answer = calls.length == 0 ? bytes("") : abi.encode(calls, isStrict);
        emit AnswerSet(answer);
    }

    /// @notice Burns all gas.
    function halt() external pure {
        assembly ("memory-safe") {
            invalid()
        }
    }

    function _run(Call[] memory calls, bool isStrict) private {
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory returned) = calls[i].target.call{value: calls[i].value}(calls[i].data);
            if (!ok && isStrict) {
                assembly ("memory-safe") {
                    revert(add(returned, 0x20), mload(returned))
                }
            }
            emit Called(calls[i].target, ok, returned);
        }
    }
}
