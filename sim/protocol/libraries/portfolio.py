"""Portfolio margin as what offsets save of the margins added up (``Portfolio.sol``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sim.protocol.libraries.fixed_point import sqrt_up
from sim.protocol.libraries.margin import base_margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.protocol.types.account import AccountRisk
    from sim.protocol.types.market import MarketConfig, PortfolioConfig

__all__ = ["Netting", "factor_risk_up", "saving_down", "stress_risk"]

_MAX_MARGIN: Final = 2**104
"""Larger margins save nothing."""
_SCALE: Final = 10**4


@dataclass(slots=True)
class Netting:
    """Signed margins of an account's positions, for what they save together.

    Parameters
    ----------
    initial : list of int
        Margin of each position before volatility and concentration, negative for shorts [quote wad].
    maintenance : list of int
        The same times each market's maintenance fraction [quote wad].
    fractions : set of int
        The maintenance fractions [1e-4].
    configs : list of PortfolioConfig
        How each market nets.
    """

    initial: list[int] = field(default_factory=list)
    maintenance: list[int] = field(default_factory=list)
    fractions: set[int] = field(default_factory=set)
    configs: list[PortfolioConfig] = field(default_factory=list)

    def add(self, size: int, price: int, config: MarketConfig, portfolio: PortfolioConfig) -> None:
        """Add a position of `size` [base wad] at `price` [wad] (``Portfolio.sol::add``)."""
        margin = base_margin(config, size, price)
        if abs(margin) >= _MAX_MARGIN:
            margin = 0
        fraction = config.maintenance_fraction
        scaled = abs(margin) * fraction // _SCALE
        self.fractions.add(fraction)
        self.initial.append(margin)
        self.maintenance.append(scaled if margin > 0 else -scaled)
        self.configs.append(portfolio)

    def settle(self, risk: AccountRisk) -> None:
        """Lower the requirements by what the positions save together, in place (``Portfolio.sol::settle``)."""
        saving = saving_down(self.initial, self.configs)
        if len(self.fractions) == 1:
            risk.maintenance_margin -= saving * next(iter(self.fractions)) // _SCALE
        else:
            risk.maintenance_margin -= saving_down(self.maintenance, self.configs)
        risk.initial_margin = max(risk.initial_margin - saving, risk.maintenance_margin)


def saving_down(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    """Return what `margins` need less together than one by one [quote wad], down (``Portfolio.sol::savingDown``).

    ``sum |z| - M(z)``, where ``M(z) = sum (1 - h) |z| + max(sqrt(sum_k (sum b_k z)^2 + sum (h^2 - |b|^2) z^2),
    max_j -sum s_j z)``.
    """
    hedgeable, factors = factor_risk_up(margins, configs)
    stress, _ = stress_risk(margins, configs)
    return (hedgeable - max(factors, stress)) // _SCALE


def factor_risk_up(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> tuple[int, int]:
    """Return what `margins` could save one by one, and the standard deviation of what they lose together, up.

    Both in 1e-4 of quote wad (``Portfolio.sol::factorRiskUp``).
    """
    parts = [config.hedgeable * margin for config, margin in zip(configs, margins, strict=True)]
    square = sum(part * part for part in parts)
    for loadings in zip(*(config.loadings for config in configs), strict=True):
        exposures = [loading * margin for loading, margin in zip(loadings, margins, strict=True)]
        square += sum(exposures) ** 2 - sum(exposure * exposure for exposure in exposures)
    return sum(map(abs, parts)), sqrt_up(square)


def stress_risk(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> tuple[int, int]:
    """Return the largest joint loss [1e-4 of quote wad] and its scenario (``Portfolio.sol::stressRisk``)."""
    risk = worst = 0
    for scenario, shocks in enumerate(zip(*(config.shocks for config in configs), strict=True)):
        loss = -sum(shock * margin for shock, margin in zip(shocks, margins, strict=True))
        if loss > risk:
            risk, worst = loss, scenario
    return risk, worst
