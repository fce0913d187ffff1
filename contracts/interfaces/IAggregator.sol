// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What is read of a Chainlink aggregator, or of its proxy: a price feed, or an L2 sequencer uptime feed.
/// @dev The oracle trusts it with nothing but a veto: whatever it answers, or does not, makes a price unconfirmed at worst.
interface IAggregator {
    /// @notice The latest round.
    /// @return roundId of it
    /// @return answer price with `decimals` decimals; of an uptime feed 0 while the sequencer is up, 1 while it is down
    /// @return startedAt when the round started [seconds]; of an uptime feed since when the answer holds
    /// @return updatedAt when the answer was written [seconds]
    /// @return answeredInRound deprecated
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice Decimals of the answer.
    function decimals() external view returns (uint8);
}
