"""Every parameter of the clearinghouse is bounded at both ends (``ParameterBounds.sol``)."""

from __future__ import annotations

from typing import Any, Final

from sim.protocol.evm import Contract, view
from sim.protocol.libraries.bounds import check
from sim.protocol.types.ledger import RISK_CONFIG, RiskConfig
from sim.protocol.types.market import MARKET_CONFIG, PORTFOLIO_CONFIG, MarketConfig, PortfolioConfig

__all__ = ["ParameterBounds"]

_MAX_VELOCITY: Final = 2**31 - 1


class ParameterBounds(Contract):
    """Has the clearinghouse's own setters, which return where all is within bounds.

    Raises
    ------
    ParameterOutOfBounds
        The first parameter that is not.
    """

    @view(f"listMarket({MARKET_CONFIG},uint16)")
    def list_market(self, config: MarketConfig | tuple[int, ...], max_rate: int) -> None:
        """Check a new market (``ParameterBounds.sol::listMarket``)."""
        _check_market(MarketConfig(*config), max_rate)

    @view(f"setMarket(uint8,{MARKET_CONFIG},uint16)")
    def set_market(self, _market: int, config: MarketConfig | tuple[int, ...], max_rate: int) -> None:
        """Check the parameters of a market (``ParameterBounds.sol::setMarket``)."""
        _check_market(MarketConfig(*config), max_rate)

    @view(f"setPortfolio(uint8,{PORTFOLIO_CONFIG})")
    def set_portfolio(self, _market: int, config: PortfolioConfig | tuple[Any, ...]) -> None:
        """Check how a market nets (``ParameterBounds.sol::setPortfolio``)."""
        config = PortfolioConfig(*config)
        check("hedgeable", config.hedgeable, 0, 9_900)
        for loading in config.loadings:
            check("loading", abs(loading), 0, config.hedgeable)
        check("loadings", sum(loading * loading for loading in config.loadings), 0, config.hedgeable**2)
        for shock in config.shocks:
            check("shock", abs(shock), 0, config.hedgeable)

    @view(f"setRiskConfig({RISK_CONFIG})")
    def set_risk_config(self, config: RiskConfig | tuple[int, ...]) -> None:
        """Check the parameters of liquidations (``ParameterBounds.sol::setRiskConfig``)."""
        config = RiskConfig(*config)
        check("minReward", config.min_reward, 1, 10_000)
        check("minInitialMargin", config.min_initial_margin, 5 * config.min_reward, 60_000)
        check("maxReward", config.max_reward, config.min_reward, 10**8)
        check("penaltyRatio", config.penalty_ratio, 0, 50_000)
        check("rewardRatio", config.reward_ratio, 0, config.penalty_ratio)
        check("targetHealth", config.target_health, 10_000, 40_000)
        check("treasuryThreshold", config.treasury_threshold, 0, 10**10)
        check("poolFeeShare", config.pool_fee_share, 0, 10_000)


def _check_market(config: MarketConfig, max_rate: int) -> None:
    check("skewScale", config.skew_scale, 1, 2**64 - 1)
    check("maxOpenInterest", config.max_open_interest, 1, 10_000)
    check("minSize", config.min_size, 1, 2**48 - 1)
    check("maxFundingVelocity", config.max_funding_velocity, 0, _MAX_VELOCITY)
    check("takerFee", config.taker_fee, 0, 10_000)
    check("makerFee", config.maker_fee, 0, config.taker_fee)
    check("marginRatio", config.margin_ratio, 50, 10_000)
    check("maintenanceFraction", config.maintenance_fraction, 500, 8_000)
    check("concentration", config.concentration, 0, 50_000)
    check("volatilityMultiple", config.volatility_multiple, 0, 2_000)
    check("maxRate", max_rate, 0, 50_000)
