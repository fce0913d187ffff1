"""Requests of the vault, their queues, and what they leave to claim (``Queue.sol``)."""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.protocol.evm import ZERO_ADDRESS, Address

__all__ = ["REQUEST", "Claim", "Header", "Request"]

REQUEST: Final = "(address,uint256,uint256,uint256)"
"""What views return of a `Request`."""


class Request(NamedTuple):
    """One request of a queue; a cancelled one is all zero.

    Parameters
    ----------
    controller : Address
        Whose it is.
    requested_at : int
        [seconds]
    amount : int
        Requested, what was cancelled taken off: asset units of a deposit, shares of a redemption.
    end : int
        Claims of the controller, in the order of his requests, that this one ends at; zero until it is over.
    """

    controller: Address = ZERO_ADDRESS
    requested_at: int = 0
    amount: int = 0
    end: int = 0


class Claim(NamedTuple):
    """What a controller may claim of all his requests of a queue.

    Parameters
    ----------
    amount : int
        Of what was requested.
    payout : int
        For it.
    claimed : int
        Amount so far.
    """

    amount: int = 0
    payout: int = 0
    claimed: int = 0


class Header(NamedTuple):
    """Where a queue stands. Ids start at 2.

    Parameters
    ----------
    done : int
        Id of the last request that is over; the head of the queue is the next one.
    made : int
        Id of the last request.
    filled : int
        Part of the head's amount that is settled already.
    """

    done: int = 1
    made: int = 1
    filled: int = 0
