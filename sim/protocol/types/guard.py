"""A second opinion on prices (``Guard.sol``)."""

from __future__ import annotations

from typing import NamedTuple

from sim.protocol.evm import ZERO_ADDRESS

__all__ = ["Guard", "Sequencer"]


class Guard(NamedTuple):
    """A second opinion on a market's price.

    Parameters
    ----------
    aggregator : str
        Asked, zero if there is none.
    max_age : int
        Oldest answer that may be used [seconds].
    max_deviation : int
        Of the price from the answer [1e-4 of the answer].
    decimals : int
        Of the answer.
    """

    aggregator: str = ZERO_ADDRESS
    max_age: int = 0
    max_deviation: int = 0
    decimals: int = 0


class Sequencer(NamedTuple):
    """What tells whether the sequencer of an L2 runs.

    Parameters
    ----------
    feed : str
        Asked, zero if there is none.
    grace_period : int
        For which it must have run [seconds].
    """

    feed: str = ZERO_ADDRESS
    grace_period: int = 0
