"""Hypothesis strategies that build valid states; none filters."""

from __future__ import annotations

from math import isqrt

from hypothesis import strategies as st

from sim.protocol.libraries.funding_rate import max_rate_per_second
from sim.protocol.types.ledger import RiskConfig
from sim.protocol.types.market import FundingState, Market, MarketConfig, PortfolioConfig, Side
from sim.protocol.types.shares import ONE_MULTIPLIER

WAD = 10**18
START = 1_700_000_000

prices = st.integers(1, 2**96 - 1) | st.integers(10**12, 10**24)
"""Prices of the whole type, and more often ordinary ones [wad]."""


@st.composite
def market_configs(draw: st.DrawFn) -> MarketConfig:
    """Return parameters within their bounds."""
    taker_fee = draw(st.integers(0, 10_000))
    return MarketConfig(
        skew_scale=draw(st.integers(1, 2**64 - 1) | st.integers(10**9, 10**15)),
        max_open_interest=draw(st.integers(1, 10_000)),
        min_size=draw(st.integers(1, 10**6)),
        max_funding_velocity=draw(st.integers(0, 2**31 - 1)),
        taker_fee=taker_fee,
        maker_fee=draw(st.integers(0, taker_fee)),
        margin_ratio=draw(st.integers(50, 10_000)),
        maintenance_fraction=draw(st.integers(500, 8_000)),
        concentration=draw(st.integers(0, 50_000)),
        volatility_multiple=draw(st.integers(0, 2_000)),
    )


@st.composite
def portfolio_configs(draw: st.DrawFn) -> PortfolioConfig:
    """Return how a market nets, within its bounds."""
    hedgeable = draw(st.integers(0, 9_900))
    left, loadings = hedgeable**2, []
    for _ in range(3):
        bound = isqrt(left)
        loadings.append(draw(st.integers(-bound, bound)))
        left -= loadings[-1] ** 2
    shocks = draw(st.lists(st.integers(-hedgeable, hedgeable), min_size=8, max_size=8))
    return PortfolioConfig(hedgeable, tuple(loadings), tuple(shocks))


@st.composite
def risk_configs(draw: st.DrawFn) -> RiskConfig:
    """Return liquidation parameters within their bounds, with a least reward above zero."""
    min_reward = draw(st.integers(1, 10_000))
    penalty_ratio = draw(st.integers(0, 50_000))
    return RiskConfig(
        min_reward=min_reward,
        min_initial_margin=draw(st.integers(5 * min_reward, 60_000)),
        max_reward=draw(st.integers(min_reward, 10**8)),
        reward_ratio=draw(st.integers(0, penalty_ratio)),
        penalty_ratio=penalty_ratio,
        target_health=draw(st.integers(10_000, 40_000)),
        treasury_threshold=draw(st.integers(0, 10**10)),
        pool_fee_share=draw(st.integers(0, 10_000)),
    )


@st.composite
def funding_states(draw: st.DrawFn) -> FundingState:
    """Return funding whose rate is within its bound, as every stored one is."""
    max_rate = draw(st.integers(0, 50_000))
    bound = max_rate_per_second(max_rate)
    return FundingState(
        entry_sum=0,
        rate=draw(st.integers(-bound, bound)),
        velocity=draw(st.integers(-(2**31) + 1, 2**31 - 1)),
        accrued_at=START,
        max_rate=max_rate,
    )


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Return a market with open interest within its cap on both sides."""
    config = draw(market_configs())
    cap = config.skew_scale * 10**9 * config.max_open_interest // 10_000
    indices = st.integers(-(2**80), 2**80)
    return Market(
        Side(draw(st.integers(0, cap)), draw(indices), ONE_MULTIPLIER),
        Side(draw(st.integers(0, cap)), draw(indices), ONE_MULTIPLIER),
        draw(funding_states()),
        config,
    )
