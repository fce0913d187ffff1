"""Orders (``Order.sol``)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Order"]


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
        Paid to whoever settles [quote wad].
    """

    account: int
    market: int
    slot: int
    expires_at: int
    size_delta: int
    acceptable_price: int
    keeper_fee: int
