"""Closed-form partial liquidation (``Liquidation.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.types.ledger import CENT

if TYPE_CHECKING:
    from sim.protocol.types.ledger import RiskConfig

__all__ = ["fraction_up", "is_healed", "penalty_up", "portion_up", "reward_down"]

_WAD: Final = 10**18
_RATIO_SCALE: Final = 10**6
_HEALTH_SCALE: Final = 10**4


def fraction_up(equity: int, maintenance: int, close_cost: int, config: RiskConfig) -> int:
    """Return the fraction of every position to close [wad], up (``Liquidation.sol::fractionUp``).

    ``1 if h*MM <= C else clamp((h*MM - E) / (h*MM - C), 0, 1)``, the least reward taken off `equity` first.

    Parameters
    ----------
    equity : int
        Before, under `maintenance` [quote wad].
    maintenance : int
        Before [quote wad].
    close_cost : int
        Penalty, fees and impact of closing everything [quote wad].
    config : RiskConfig
        Target health and least reward.
    """
    target = -(-maintenance * config.target_health // _HEALTH_SCALE)
    if target <= close_cost:
        return _WAD
    missing = target - equity + config.min_reward * CENT
    fraction = -(-missing * _WAD // (target - close_cost))
    return min(fraction, _WAD)


def is_healed(equity: int, maintenance: int, config: RiskConfig) -> bool:
    """Return whether `equity` is at least target health times `maintenance` (``Liquidation.sol::isHealed``)."""
    return equity * _HEALTH_SCALE >= maintenance * config.target_health


def portion_up(size: int, fraction: int, min_size: int) -> int:
    """Return `fraction` of `size` [base wad], up; all where too little is left (``Liquidation.sol::portionUp``).

    Parameters
    ----------
    size, min_size : int
        Magnitudes [base wad].
    fraction : int
        Part to close [wad], at most one.
    """
    closed = -(-size * fraction // _WAD)
    return size if size - closed < min_size else closed


def penalty_up(notional: int, config: RiskConfig) -> int:
    """Return the penalty on `notional` [quote wad], up (``Liquidation.sol::penaltyUp``)."""
    return -(-notional * config.penalty_ratio // _RATIO_SCALE)


def reward_down(notional: int, config: RiskConfig) -> int:
    """Return the liquidator's reward [quote wad], down (``Liquidation.sol::rewardDown``)."""
    reward = notional * config.reward_ratio // _RATIO_SCALE
    return min(max(reward, config.min_reward * CENT), config.max_reward * CENT)
