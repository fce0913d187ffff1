"""Every parameter is bounded at both ends (``Bounds.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.errors import ParameterOutOfBounds

if TYPE_CHECKING:
    from sim.protocol.types.ledger import RiskConfig
    from sim.protocol.types.market import MarketConfig, PortfolioConfig

__all__ = ["check", "check_market", "check_portfolio", "check_risk"]


def check(parameter: str, value: int, low: int, high: int) -> None:
    """Check one parameter (``Bounds.sol::check``).

    Raises
    ------
    ParameterOutOfBounds
        The value is outside [low, high].
    """
    if not low <= value <= high:
        raise ParameterOutOfBounds("0x" + parameter.encode().ljust(32, b"\0").hex(), value, low, high)


def check_market(config: MarketConfig, max_rate: int) -> None:
    """Check the parameters of a market (``Bounds.sol::checkMarket``).

    Raises
    ------
    ParameterOutOfBounds
        The first that is out of bounds.
    """
    check("skewScale", config.skew_scale, 1, 2**64 - 1)
    check("maxOpenInterest", config.max_open_interest, 1, 10_000)
    check("minSize", config.min_size, 1, 2**48 - 1)
    check("maxFundingVelocity", config.max_funding_velocity, 0, 2**31 - 1)
    check("takerFee", config.taker_fee, 0, 10_000)
    check("makerFee", config.maker_fee, 0, config.taker_fee)
    check("marginRatio", config.margin_ratio, 50, 10_000)
    check("maintenanceFraction", config.maintenance_fraction, 500, 8_000)
    check("concentration", config.concentration, 0, 50_000)
    check("volatilityMultiple", config.volatility_multiple, 0, 2_000)
    check("maxRate", max_rate, 0, 50_000)


def check_portfolio(config: PortfolioConfig) -> None:
    """Check how a market nets with others (``Bounds.sol::checkPortfolio``).

    Raises
    ------
    ParameterOutOfBounds
        The first that is out of bounds.
    """
    check("hedgeable", config.hedgeable, 0, 9_900)
    for loading in config.loadings:
        check("loading", abs(loading), 0, config.hedgeable)
    check("loadings", sum(loading * loading for loading in config.loadings), 0, config.hedgeable**2)
    for shock in config.shocks:
        check("shock", abs(shock), 0, config.hedgeable)


def check_risk(config: RiskConfig) -> None:
    """Check the parameters of liquidations (``Bounds.sol::checkRisk``).

    Raises
    ------
    ParameterOutOfBounds
        The first that is out of bounds.
    """
    check("minReward", config.min_reward, 1, 10_000)
    check("minInitialMargin", config.min_initial_margin, 5 * config.min_reward, 60_000)
    check("maxReward", config.max_reward, config.min_reward, 10**8)
    check("penaltyRatio", config.penalty_ratio, 0, 50_000)
    check("rewardRatio", config.reward_ratio, 0, config.penalty_ratio)
    check("targetHealth", config.target_health, 10_000, 40_000)
    check("treasuryThreshold", config.treasury_threshold, 0, 10**10)
    check("poolFeeShare", config.pool_fee_share, 0, 10_000)
