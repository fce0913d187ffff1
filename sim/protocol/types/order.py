"""Orders (``Order.sol``)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["Leg", "Order", "OrderKind", "Progress", "Terms"]


class Order(NamedTuple):
    """An order to change a position.

    Parameters
    ----------
    account : int
        Account that trades.
    market : int
        Market traded.
    slot : int
        One of the account's 256 order slots.
    expires_at : int
        Last time at which it may settle [seconds].
    size_delta : int
        Change of the position [base wad], positive buys.
    acceptable_price : int
        Worst average fill price [wad].
    keeper_fee : int
        Paid to whoever settles, for each fill [quote wad].
    reduce_only : bool
        Whether it only brings a position nearer to zero: clamped to it when filled.
    """

    account: int
    market: int
    slot: int
    expires_at: int
    size_delta: int
    acceptable_price: int
    keeper_fee: int
    reduce_only: bool = False


class OrderKind(IntEnum):
    """What an order waits for."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    TRAILING_STOP = 3
    TWAP = 4
    BRACKET = 5


class Terms(NamedTuple):
    """The terms of an order that rests; what its kind has no use for is zero.

    Parameters
    ----------
    kind : int
        What it waits for, see `OrderKind`.
    trigger_price : int
        Of a limit or a stop; limit of a bracket's entry, zero for an entry at once [wad].
    stop_price : int
        Of a bracket [wad].
    target_price : int
        Of a bracket, and the worst fill of its target [wad].
    distance : int
        Of a trailing stop from the best price [1e-6].
    slices : int
        Of a TWAP.
    interval : int
        From slice to slice [seconds].
    """

    kind: int
    trigger_price: int = 0
    stop_price: int = 0
    target_price: int = 0
    distance: int = 0
    slices: int = 0
    interval: int = 0


class Leg(IntEnum):
    """What of a resting order is next."""

    ENTRY = 0
    EXITS = 1
    STOP = 2
    TARGET = 3


class Progress(NamedTuple):
    """How far a resting order is.

    Parameters
    ----------
    leg : int
        That is next, see `Leg`.
    triggered_at : int
        When it was triggered, zero while it waits [seconds].
    active_at : int
        When the bracket's exits began to wait [seconds].
    slices : int
        Of a TWAP that are over.
    mark : int
        Best price of a trailing stop so far, zero before the first [wad].
    marked_at : int
        When the mark was published [seconds].
    """

    leg: int = Leg.ENTRY
    triggered_at: int = 0
    active_at: int = 0
    slices: int = 0
    mark: int = 0
    marked_at: int = 0
