from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.libraries import liquidation, margin, positions, pricing
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.ledger import CENT, Ledger, RiskConfig
from sim.protocol.types.market import FundingState, Market, Side
from sim.protocol.types.shares import ONE_MULTIPLIER
from tests.unit.protocol.strategies import market_configs, risk_configs

WAD = 10**18


class Portfolio(NamedTuple):
    """Positions, each in a market with others' open interest, and the balance behind them."""

    markets: list[Market]
    positions: list[Position]
    prices: list[int]
    balance: int
    risk: RiskConfig


def risk_of(portfolio: Portfolio, balance: int) -> AccountRisk:
    risk = AccountRisk(balance)
    for market, position, price in zip(portfolio.markets, portfolio.positions, portfolio.prices, strict=True):
        margin.add(risk, position, positions.size_of(market, position), 0, market.config, price)
    margin.apply_floors(risk, Ledger(min_reward=portfolio.risk.min_reward))
    return risk


@st.composite
def portfolios(draw: st.DrawFn) -> Portfolio:
    """Return a portfolio under its maintenance margin, of one to five markets.

    Half of them are ordinary, so that a part is closed; the others have any parameters, and may be insolvent.
    """
    is_ordinary = draw(st.booleans())
    listed, held, prices = [], [], []
    for _ in range(draw(st.integers(1, 5))):
        config = draw(market_configs())
        if is_ordinary:
            config = config._replace(
                skew_scale=draw(st.integers(10**12, 10**15)),
                max_open_interest=draw(st.integers(1_000, 10_000)),
                taker_fee=config.taker_fee // 20,
                maker_fee=config.maker_fee // 20,
                margin_ratio=draw(st.integers(200, 2_000)),
                maintenance_fraction=draw(st.integers(3_000, 8_000)),
            )
        cap = pricing.open_interest_cap(config)
        own = draw(st.integers(cap // 1_000, cap // 100) if is_ordinary else st.integers(1, cap))
        shares = own if draw(st.booleans()) else -own
        same, other = draw(st.integers(0, cap - own)) + own, draw(st.integers(0, cap))
        longs, shorts = (same, other) if shares > 0 else (other, same)
        sides = Side(longs, 0, ONE_MULTIPLIER), Side(shorts, 0, ONE_MULTIPLIER)
        listed.append(Market(*sides, FundingState(), config))
        held.append(Position(shares, 0))
        prices.append(draw(st.integers(10**18, 10**23) if is_ordinary else st.integers(10**12, 10**24)))
    config_of_risk = draw(risk_configs())
    if is_ordinary:
        config_of_risk = config_of_risk._replace(
            penalty_ratio=1 + config_of_risk.penalty_ratio // 50,
            reward_ratio=config_of_risk.reward_ratio // 50,
            target_health=draw(st.integers(10_000, 15_000)),
        )
    flat = Portfolio(listed, held, prices, 0, config_of_risk)
    risk = risk_of(flat, 0)
    # Equity from below zero to one wei under maintenance.
    least = risk.maintenance_margin // 2 if is_ordinary else -(risk.maintenance_margin // 4) - 1
    equity = draw(st.integers(least, risk.maintenance_margin - 1))
    return flat._replace(balance=equity - risk.equity)


def close_cost_of(portfolio: Portfolio) -> int:
    cost = liquidation.penalty_up(risk_of(portfolio, 0).notional, portfolio.risk)
    for market, position, price in zip(portfolio.markets, portfolio.positions, portfolio.prices, strict=True):
        size, skew = positions.size_of(market, position), positions.skew_of(market)
        cost += pricing.close_cost_up(market.config, size, price, skew)
    return cost


def close(portfolio: Portfolio, fraction: int) -> tuple[int, int]:
    """Close a fraction of everything, in place; return the balance and the notional closed."""
    balance, notional = portfolio.balance, 0
    for market, position, price in zip(portfolio.markets, portfolio.positions, portfolio.prices, strict=True):
        size = positions.size_of(market, position)
        closed = liquidation.portion_up(abs(size), fraction, pricing.min_size(market.config))
        _, fill = positions.change(market, position, size, -closed if size > 0 else closed, price)
        balance -= fill.cost + fill.fee
        notional += abs(fill.size_delta) * price // WAD
    return balance, notional


@given(portfolios())
def test_fraction_up__any_portfolio__leaves_target_health_or_nothing(portfolio: Portfolio) -> None:
    """I25: the closed form needs no second pass, wherever what is left requires more than the floor."""
    before = risk_of(portfolio, portfolio.balance)
    cost = close_cost_of(portfolio)
    fraction = liquidation.fraction_up(before.equity, before.maintenance_margin, cost, portfolio.risk)
    assert 0 < fraction <= WAD
    balance, notional = close(portfolio, fraction)
    after = risk_of(portfolio, balance)
    charged = max(liquidation.penalty_up(notional, portfolio.risk), liquidation.reward_down(notional, portfolio.risk))
    is_flat = all(position.shares == 0 for position in portfolio.positions)
    at_floor = after.maintenance_margin == portfolio.risk.min_reward * CENT
    healed = liquidation.is_healed(after.equity - charged, after.maintenance_margin, portfolio.risk)
    assert is_flat or at_floor or healed


@given(portfolios())
def test_fraction_up__everything_closed__only_where_the_target_is_out_of_reach(portfolio: Portfolio) -> None:
    before = risk_of(portfolio, portfolio.balance)
    cost = close_cost_of(portfolio)
    fraction = liquidation.fraction_up(before.equity, before.maintenance_margin, cost, portfolio.risk)
    # Equity after everything is closed, before what is paid for it, would still be short of its cost.
    is_short = before.equity <= cost + portfolio.risk.min_reward * CENT
    assert (fraction == WAD) <= is_short or before.maintenance_margin * portfolio.risk.target_health <= cost * 10**4


@given(st.integers(1, 2**96), st.integers(0, WAD), st.integers(0, 2**78))
def test_portion_up__any_fraction__leaves_nothing_or_the_minimum(size: int, fraction: int, min_size: int) -> None:
    closed = liquidation.portion_up(size, fraction, min_size)
    assert size * fraction <= closed * WAD
    assert closed == size or size - closed >= min_size
    assert closed <= size


@given(risk_configs(), st.integers(0, 2**140))
def test_reward_down__any_notional__is_within_its_bounds(config: RiskConfig, notional: int) -> None:
    reward = liquidation.reward_down(notional, config)
    assert config.min_reward * CENT <= reward <= config.max_reward * CENT
    assert liquidation.penalty_up(notional, config) * 10**6 >= notional * config.penalty_ratio


@pytest.mark.parametrize(
    ("equity", "maintenance", "close_cost", "expected"),
    [
        pytest.param(90, 100, 125, WAD, id="cost_of_closing_reaches_the_target"),
        pytest.param(90, 100, 25, 35 * WAD // 100, id="between"),
        pytest.param(25, 100, 25, WAD, id="equity_pays_for_closing_and_no_more"),
        pytest.param(-10, 100, 25, WAD, id="bankrupt"),
        pytest.param(99, 100, -75, 13 * WAD // 100, id="closing_is_paid_for"),
    ],
)
def test_fraction_up__by_hand__is_the_closed_form(
    equity: int, maintenance: int, close_cost: int, expected: int
) -> None:
    config = RiskConfig(target_health=12_500)
    assert liquidation.fraction_up(equity * WAD, maintenance * WAD, close_cost * WAD, config) == expected
