"""Trades, fills and liquidations (``Fill.sol``)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Fill", "LiquidationResult", "Trade"]


class Trade(NamedTuple):
    """What an executor asks of the clearinghouse.

    Parameters
    ----------
    account : int
        Account that trades.
    market : int
        Market traded.
    size_delta : int
        Change of the position [base wad], positive buys.
    price : int
        Oracle price of the fill before skew [wad].
    acceptable_price : int
        Worst average fill price [wad].
    keeper : int
        Account that gets the keeper fee.
    keeper_fee : int
        Paid by the account [quote wad].
    reduce_only : bool
        Whether `size_delta` is clamped to what brings the position to zero.
    is_confirmed : bool
        Whether the market's guard confirms `price`, which a fill that raises risk needs.
    """

    account: int
    market: int
    size_delta: int
    price: int
    acceptable_price: int
    keeper: int
    keeper_fee: int
    reduce_only: bool = False
    is_confirmed: bool = True


class Fill(NamedTuple):
    """What a fill did.

    Parameters
    ----------
    size_delta : int
        Change of the position [base wad].
    cost : int
        Quote paid for it, negative when received [wad].
    fee : int
        Taker and maker fee [quote wad].
    funding : int
        Settled on the way, negative when received [quote wad].
    """

    size_delta: int
    cost: int
    fee: int
    funding: int


class LiquidationResult(NamedTuple):
    """What a liquidation did [quote wad].

    Parameters
    ----------
    closed_notional : int
        Notional closed at oracle prices, down.
    reward : int
        Paid to the liquidator.
    penalty : int
        Paid to the insurance fund beyond the reward.
    bad_debt : int
        Paid by the insurance fund and the pool.
    """

    closed_notional: int
    reward: int
    penalty: int
    bad_debt: int
