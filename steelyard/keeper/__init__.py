"""Keepers: programs that do for the exchange what anyone may do."""

from steelyard.keeper.liquidator import Liquidation, Liquidator, Round, Status

__all__ = ["Liquidation", "Liquidator", "Round", "Status"]
