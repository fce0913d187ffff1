"""Value and requirements of an account, one position at a time (``Margin.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.types.ledger import CENT

if TYPE_CHECKING:
    from sim.protocol.types.account import AccountRisk, Position
    from sim.protocol.types.ledger import Ledger
    from sim.protocol.types.market import MarketConfig

__all__ = ["add", "apply_floors", "maintenance_up"]

_WAD: Final = 10**18
_RATIO_SCALE: Final = 10**22
_MAINTENANCE_SCALE: Final = 10**26


def add(risk: AccountRisk, position: Position, size: int, index: int, config: MarketConfig, price: int) -> None:
    """Add a position to `risk`, in place (``Margin.sol::add``).

    ``equity += floor(size * price) - ceil(|shares| * (index - entry_index))``;
    ``initial += ceil(m * |size| * price)``; ``maintenance += ceil(k * m * |size| * price)``.

    Parameters
    ----------
    risk : AccountRisk
        Sums so far [quote wad].
    position : Position
        To add.
    size : int
        Its size [base wad].
    index : int
        Index of its side, brought up to date [quote wad per share].
    config : MarketConfig
        Of its market.
    price : int
        Oracle price [wad].
    """
    value = abs(size) * price
    owed = -(-abs(position.shares) * (index - position.entry_index) // _WAD)
    risk.equity += size * price // _WAD - owed
    initial = value * config.margin_ratio
    risk.initial_margin -= -initial // _RATIO_SCALE
    risk.maintenance_margin -= -initial * config.maintenance_fraction // _MAINTENANCE_SCALE
    risk.notional -= -value // _WAD


def maintenance_up(config: MarketConfig, size: int, price: int) -> int:
    """Return the maintenance margin of a position [quote wad], up (``Margin.sol::maintenanceUp``).

    Parameters
    ----------
    config : MarketConfig
        Of its market.
    size : int
        Magnitude [base wad].
    price : int
        Oracle price [wad].
    """
    return -(-size * price * config.margin_ratio * config.maintenance_fraction // _MAINTENANCE_SCALE)


def apply_floors(risk: AccountRisk, ledger: Ledger) -> None:
    """Raise the requirements of an account with a position to their floors, in place (``Margin.sol::applyFloors``)."""
    risk.initial_margin = max(risk.initial_margin, ledger.min_initial_margin * CENT)
    risk.maintenance_margin = max(risk.maintenance_margin, ledger.min_reward * CENT)
