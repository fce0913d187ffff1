"""What both fuzzers play, each flow about equally often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.moves import liquidations, money, orders, prices, trades

if TYPE_CHECKING:
    from steelyard.fuzz.moves import Move

__all__ = ["FLOWS"]

FLOWS: dict[str, Move] = {
    "deposit": money.deposit,
    "withdraw": money.withdraw,
    "price": prices.quiet,
    "trade": trades.grow,
    "order": orders.settle_order,
    "liquidate": liquidations.liquidate,
}
