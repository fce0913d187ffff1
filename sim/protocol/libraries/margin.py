"""Value and requirements of an account, one position at a time (``Margin.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.libraries.fixed_point import sqrt_up
from sim.protocol.libraries.pricing import depth
from sim.protocol.types.ledger import CENT
from sim.protocol.types.mark import price_of, variance_of

if TYPE_CHECKING:
    from sim.protocol.types.account import AccountRisk, Position
    from sim.protocol.types.ledger import Ledger
    from sim.protocol.types.market import MarketConfig

__all__ = [
    "add",
    "apply_floors",
    "base_margin",
    "grown",
    "growth_up",
    "initial_ratio_up",
    "is_volatile",
    "maintenance_up",
]

_WAD: Final = 10**18
_RATIO_SCALE: Final = 10**22
_MAINTENANCE_SCALE: Final = 10**26
_GROWN_SCALE: Final = 10**26
_GROWN_MAINTENANCE_SCALE: Final = 10**30
_SQUARE_SCALE: Final = 10**14
_ONE: Final = 10**4
_VOLATILITY_FACTOR: Final = 4


def add(risk: AccountRisk, position: Position, size: int, index: int, config: MarketConfig, mark: int) -> None:
    """Add a position to `risk`, in place (``Margin.sol::add``).

    ``equity += floor(size * price) - ceil(|shares| * (index - entry_index))``;
    ``initial += ceil(min(max(m, volatility) * g, 1) * |size| * price)``;
    ``maintenance += ceil(k * min(m * g, 1) * |size| * price)``; ``g = 1 + concentration * |size| / skew_scale``.

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
    mark : int
        Price and variance, see `sim.protocol.types.mark`.
    """
    price = price_of(mark)
    magnitude = abs(size)
    value = magnitude * price
    owed = -(-abs(position.shares) * (index - position.entry_index) // _WAD)
    risk.equity += size * price // _WAD - owed
    growth = growth_up(config, magnitude)
    initial = grown(initial_ratio_up(config, variance_of(mark)), growth)
    maintenance = grown(config.margin_ratio, growth) * config.maintenance_fraction
    risk.initial_margin -= -value * initial // _GROWN_SCALE
    risk.maintenance_margin -= -value * maintenance // _GROWN_MAINTENANCE_SCALE
    risk.notional -= -value // _WAD


def growth_up(config: MarketConfig, size: int) -> int:
    """Return what concentration multiplies the margin ratio of `size` by [1e-4], up (``Margin.sol::growthUp``)."""
    if config.concentration == 0:
        return _ONE
    return _ONE - -config.concentration * size // depth(config)


def grown(ratio: int, growth: int) -> int:
    """Return a margin ratio times its growth [1e-8], up to all of the notional (``Margin.sol::grown``)."""
    return min(ratio * growth, _ONE * _ONE)


def initial_ratio_up(config: MarketConfig, variance: int) -> int:
    """Return the initial margin ratio [1e-4], up (``Margin.sol::initialRatioUp``).

    ``max(m, min(volatility_multiple * sqrt(variance), 4 * m, 1))``.
    """
    ratio = config.margin_ratio
    if not is_volatile(config, variance):
        return ratio
    square = -(-(config.volatility_multiple**2) * variance // _SQUARE_SCALE)
    return min(sqrt_up(square), _VOLATILITY_FACTOR * ratio, _ONE)


def is_volatile(config: MarketConfig, variance: int) -> bool:
    """Return whether volatility asks for more than the market's margin ratio (``Margin.sol::isVolatile``)."""
    return config.volatility_multiple**2 * variance > config.margin_ratio**2 * _SQUARE_SCALE


def base_margin(config: MarketConfig, size: int, price: int) -> int:
    """Return the signed margin before volatility and concentration, towards zero (``Margin.sol::baseMargin``)."""
    margin = abs(size) * price * config.margin_ratio // _RATIO_SCALE
    return margin if size > 0 else -margin


def maintenance_up(config: MarketConfig, size: int, price: int) -> int:
    """Return the maintenance margin of a size without concentration [quote wad], up (``Margin.sol::maintenanceUp``).

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
