"""A Chainlink aggregator that answers what it is told to (``LocalAggregator.sol``)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from sim.protocol.errors import EmptyRevert
from sim.protocol.evm import Address, Contract, external, view

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["LocalAggregator", "Reply", "Round"]


class Reply(IntEnum):
    """How an aggregator answers, as in ``LocalAggregator.sol``."""

    FULL = 0
    REFUSE = 1
    SHORT = 2
    LONG = 3
    BURN = 4


class Round(NamedTuple):
    """The answer, when its round started and when it was written [seconds]."""

    answer: int = 0
    started_at: int = 0
    updated_at: int = 0


class LocalAggregator(Contract):
    """An aggregator that anyone sets.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    decimals : int
        Of the answer.
    """

    def __init__(self, world: World, name: str, address: Address, *, decimals: int) -> None:
        super().__init__(world, name, address)
        self._decimals = decimals
        self._round = Round()
        self._reply = Reply.FULL

    @external("setRound(int256,uint256,uint256)")
    def set_round(self, _sender: Address, answer: int, started_at: int, updated_at: int) -> None:
        """Set the round, answered as it should be (``LocalAggregator.sol::setRound``)."""
        self._set("_round", Round(answer, started_at, updated_at))
        self._set("_reply", Reply.FULL)

    @external("setReply(uint8)")
    def set_reply(self, _sender: Address, reply: int) -> None:
        """Set how it answers until the next round (``LocalAggregator.sol::setReply``).

        Raises
        ------
        EmptyRevert
            There is no such reply.
        """
        if reply > Reply.BURN:
            raise EmptyRevert
        self._set("_reply", Reply(reply))

    @view("latestRoundData() -> (uint80,int256,uint256,uint256,uint80)")
    def latest_round_data(self) -> tuple[int, int, int, int, int]:
        """Return the round (``LocalAggregator.sol::latestRoundData``).

        Raises
        ------
        EmptyRevert
            It does not answer in full; on the chain the answer may also be short or long, which none of the types fits.
        """
        found = self.shown()
        if found is None:
            raise EmptyRevert
        return (1, *found, 1)

    @view("reply() -> (uint8)")
    def reply(self) -> int:
        """Return how it answers."""
        return self._reply

    @view("decimals() -> (uint8)")
    def decimals(self) -> int:
        """Return the decimals of the answer."""
        return self._decimals

    def round(self) -> Round:
        """Return the round that was set, however it answers."""
        return self._round

    def shown(self) -> Round | None:
        """Return the round as whoever accepts five words sees it, None where it answers anything else."""
        return self._round if self._reply == Reply.FULL else None
