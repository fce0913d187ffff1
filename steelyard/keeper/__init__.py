"""Keepers: programs that do for the exchange what anyone may do."""

from steelyard.keeper.liquidator import Deleveraging, Liquidation, Liquidator, Round, Status

__all__ = ["Deleveraging", "Liquidation", "Liquidator", "Round", "Status"]
