"""Portfolio margin is a norm of the signed margins: never more than their sum, and never less than a named loss."""

from __future__ import annotations

from dataclasses import replace
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue as Error
from sim.protocol.clearinghouse import MAX_OPEN_MARKETS
from sim.protocol.libraries import margin
from sim.protocol.libraries.portfolio import Netting, factor_risk_up, saving_down, stress_risk
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from sim.protocol.types.account import AccountRisk, MarginMode, Position
from sim.protocol.types.mark import price_of, to_mark
from sim.protocol.types.market import MarketConfig, PortfolioConfig
from sim.protocol.types.views import MarginTerm
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BITCOIN, ETHER, RISK, TOKEN, WAD, Exchange, feed
from tests.unit.protocol.strategies import market_configs, portfolio_configs, prices

margins = st.integers(-(2**104) + 1, 2**104 - 1) | st.integers(-(10**24), 10**24)
"""Signed margins of the whole range, and more often ordinary ones [quote wad]."""

marks = st.builds(to_mark, prices, st.integers(0, 2**64 - 1) | st.integers(10**14, 10**17))
"""Prices with variances of the whole type, and more often ordinary ones."""

HEDGED = PortfolioConfig(9_000, (8_900, 500, 0), (-9_000, 9_000, *(0,) * 6))
"""Nearly all risk is common to all markets."""


@st.composite
def books(draw: st.DrawFn) -> tuple[list[int], list[PortfolioConfig]]:
    """Return signed margins, and how their markets net."""
    size = draw(st.integers(1, MAX_OPEN_MARKETS))
    return (
        draw(st.lists(margins, min_size=size, max_size=size)),
        draw(st.lists(portfolio_configs(), min_size=size, max_size=size)),
    )


def required(book: list[int], configs: list[PortfolioConfig]) -> int:
    """Return what the margins need together, up [quote wad]."""
    return sum(map(abs, book)) - saving_down(book, configs)


@given(books())
def test_saving_down__any_book__is_never_negative_and_leaves_the_floor(
    book: tuple[list[int], list[PortfolioConfig]],
) -> None:
    together, configs = book
    floor = sum((10_000 - config.hedgeable) * abs(z) for config, z in zip(configs, together, strict=True))
    assert floor <= 10_000 * required(together, configs) <= 10_000 * sum(map(abs, together))


@given(margins, portfolio_configs())
def test_saving_down__one_market__is_nothing(margin: int, config: PortfolioConfig) -> None:
    assert saving_down([margin], [config]) == 0


@given(books(), st.integers(0, 7))
def test_saving_down__any_book__covers_each_named_loss(
    book: tuple[list[int], list[PortfolioConfig]], scenario: int
) -> None:
    together, configs = book
    loss = -sum(config.shocks[scenario] * z for config, z in zip(configs, together, strict=True))
    assert 10_000 * required(together, configs) >= loss


@given(books(), st.integers(1, 1_000))
def test_saving_down__book_times_a_number__is_that_many_times(
    book: tuple[list[int], list[PortfolioConfig]], factor: int
) -> None:
    together, configs = book
    smaller = [z // 1_000 for z in together]
    one, many = required(smaller, configs), required([z * factor for z in smaller], configs)
    # Root and quote are each rounded up, once in `many` and `factor` times in what it is compared with.
    assert factor * (one - 1) <= many <= factor * one


@given(st.data(), st.integers(2, MAX_OPEN_MARKETS))
def test_saving_down__two_books__never_need_more_together(data: st.DataObject, count: int) -> None:
    configs = data.draw(st.lists(portfolio_configs(), min_size=count, max_size=count))
    halves = st.lists(st.integers(-(2**103) + 1, 2**103 - 1), min_size=count, max_size=count)
    first, second = data.draw(halves), data.draw(halves)
    together = [a + b for a, b in zip(first, second, strict=True)]
    assert required(together, configs) <= required(first, configs) + required(second, configs)


@given(st.data(), st.integers(1, MAX_OPEN_MARKETS), marks)
def test_settle__any_positions__need_at_most_their_cross_margin(data: st.DataObject, count: int, mark: int) -> None:
    netting, cross = Netting(), AccountRisk()
    for _ in range(count):
        config, size = data.draw(market_configs()), data.draw(st.integers(-(2**96) + 1, 2**96 - 1))
        margin.add(cross, Position(), size, 0, config, mark)
        netting.add(size, price_of(mark), config, data.draw(portfolio_configs()))
    assert cross.maintenance_margin <= cross.initial_margin
    together = replace(cross)
    netting.settle(together)
    assert 0 <= together.maintenance_margin <= cross.maintenance_margin
    assert together.maintenance_margin <= together.initial_margin <= cross.initial_margin
    assert count > 1 or together == cross


@given(books())
def test_factor_risk_up__any_book__is_the_exact_root_up(book: tuple[list[int], list[PortfolioConfig]]) -> None:
    together, configs = book
    square = 0
    for factor in range(3):
        square += sum(config.loadings[factor] * z for config, z in zip(configs, together, strict=True)) ** 2
    for config, z in zip(configs, together, strict=True):
        square += (config.hedgeable**2 - sum(loading**2 for loading in config.loadings)) * z * z
    assert factor_risk_up(together, configs)[1] == isqrt(square) + (isqrt(square) ** 2 < square)


def test_stress_risk__several_equal__names_the_first() -> None:
    config = PortfolioConfig(9_000, shocks=(0, -5_000, -5_000, *(0,) * 5))
    assert stress_risk([WAD], [config]) == (5_000 * WAD, 1)
    assert stress_risk([-WAD], [config]) == (0, 0)


@given(market_configs(), prices)
def test_netting__margin_beyond_its_bound__saves_nothing(config: MarketConfig, price: int) -> None:
    netting, risk = Netting(), AccountRisk(0, 2**140, 2**140)
    size = 2**104 * 10**22 // (price * config.margin_ratio) + 1
    netting.add(size, price, config, HEDGED)
    netting.add(-size, price, config, HEDGED)
    netting.settle(risk)
    assert netting.initial == [0, 0]
    assert risk.initial_margin == risk.maintenance_margin == 2**140


def test_settle__unequal_fractions__initial_margin_is_not_the_lower_one() -> None:
    low, high = BITCOIN._replace(maintenance_fraction=500), BITCOIN._replace(maintenance_fraction=8_000)
    netting = Netting()
    netting.add(WAD, 50_000 * WAD, low, HEDGED)
    netting.add(-WAD, 50_000 * WAD, high, HEDGED)
    risk = AccountRisk(0, 5_000 * WAD, 2_125 * WAD)
    netting.settle(risk)
    assert risk.initial_margin == risk.maintenance_margin > 5_000 * WAD - saving_down(netting.initial, netting.configs)


# ---- accounts


def hedged_exchange() -> tuple[Exchange, int]:
    """Return an exchange and an account in portfolio mode, long bitcoin against ether at the same notional."""
    # A penalty above what a hedge needs would close all of it at once.
    risk = RISK._replace(reward_ratio=200, penalty_ratio=500)
    exchange = Exchange((BITCOIN, ETHER._replace(margin_ratio=500)), risk=risk)
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**7 * TOKEN)
    account = exchange.fund(ALICE, 20_000)
    for market in (0, 1):
        exchange.must(ADMIN, "Clearinghouse", "setPortfolio", market, HEDGED)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.PORTFOLIO)
    assert exchange.trade(account, 0, 2 * WAD).ok
    assert exchange.trade(account, 1, -40 * WAD).ok
    return exchange, account


def test_margins_of__hedge__needs_less_as_a_portfolio() -> None:
    exchange, account = hedged_exchange()
    cross, isolated, portfolio = exchange.world.read("Lens", "marginsOf", account)
    assert cross[1] == isolated[1] == 10_000 * WAD
    assert cross[3] == MarginTerm.SUM
    assert portfolio[3] == MarginTerm.FACTORS
    # The floor of a tenth of both legs, and what is each market's own: sqrt(9000^2 - 8900^2 - 500^2) of each leg.
    own = isqrt(2 * (9_000**2 - 8_900**2 - 500**2) * (5_000 * WAD) ** 2) // 10_000
    assert abs(portfolio[1] - (1_000 * WAD + own)) <= 2
    assert portfolio[6] == cross[1] - portfolio[1]
    assert tuple(exchange.world.read("Clearinghouse", "riskOf", account))[1] == portfolio[1]


def test_set_margin_mode__out_of_a_hedge_with_too_little__is_refused() -> None:
    exchange, account = hedged_exchange()
    free = 12_000 * WAD
    exchange.must(ALICE, "Clearinghouse", "transfer", account, account ^ 1, free)
    error = exchange.error(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.CROSS)
    assert error.name == "MarginInsufficient"
    exchange.must(ALICE, "Clearinghouse", "transfer", account ^ 1, account, free)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.CROSS)


def test_trade__one_leg_of_a_thin_hedge__cannot_be_closed_alone() -> None:
    exchange, account = hedged_exchange()
    exchange.must(ALICE, "Clearinghouse", "transfer", account, account ^ 1, 17_500 * WAD)
    error = exchange.trade(account, 1, 40 * WAD).error
    assert error is not None
    assert error.name == "MaintenanceInsufficient"
    assert exchange.trade(account, 0, -WAD // 10).ok, "both legs can shrink in steps"


def test_trade__other_leg_uncertain__can_still_be_reduced() -> None:
    exchange, account = hedged_exchange()
    exchange.world.advance(1)
    quoted = Price(50_000 * 10**8, 2_500 * 10**8, -8, exchange.world.timestamp)
    update = encode_update(PriceFeed(feed(0), quoted, quoted), exchange.world.timestamp - 1)
    exchange.must(ADMIN, "PriceOracle", "update", (0,), (update,))
    size = exchange.world.clearinghouse.position_of(account, 1).shares
    assert exchange.trade(account, 1, size // 10).error == Error("PriceUncertain", (0, 50_000, 10_000))
    assert exchange.trade(account, 1, -size // 10).ok
    exchange.world.check_invariants()


def test_liquidate__hedge_under_water__keeps_its_proportions() -> None:
    exchange, account = hedged_exchange()
    exchange.must(ALICE, "Clearinghouse", "transfer", account, account ^ 1, 17_400 * WAD)
    exchange.publish(1, 2_540 * WAD)
    before = [exchange.world.clearinghouse.position_of(account, market).shares for market in (0, 1)]
    risk = exchange.world.clearinghouse.risk_of(account)
    assert risk.equity < risk.maintenance_margin
    exchange.must(ALICE, "Clearinghouse", "liquidate", account, account ^ 1)
    after = [exchange.world.clearinghouse.position_of(account, market).shares for market in (0, 1)]
    risk = exchange.world.clearinghouse.risk_of(account)
    assert 0 < after[0] < before[0]
    assert abs(after[0] * before[1] - after[1] * before[0]) <= 2 * max(abs(before[0]), abs(before[1]))
    assert 10_000 * risk.equity >= 12_500 * risk.maintenance_margin


def test_set_portfolio__unlisted_market__is_refused() -> None:
    error = Exchange().error(ADMIN, "Clearinghouse", "setPortfolio", 2, HEDGED)
    assert error == Error("MarketUnknown", (2,))


@pytest.mark.parametrize(
    ("config", "parameter", "values"),
    [
        (HEDGED._replace(hedgeable=9_901), "hedgeable", (9_901, 0, 9_900)),
        (HEDGED._replace(loadings=(0, -9_001, 0)), "loading", (9_001, 0, 9_000)),
        (HEDGED._replace(loadings=(9_000, 0, 1)), "loadings", (9_000**2 + 1, 0, 9_000**2)),
        (HEDGED._replace(shocks=(*(0,) * 7, 9_001)), "shock", (9_001, 0, 9_000)),
    ],
)
def test_set_portfolio__out_of_bounds__is_refused(
    config: PortfolioConfig, parameter: str, values: tuple[int, ...]
) -> None:
    error = Exchange().error(ADMIN, "Clearinghouse", "setPortfolio", 0, config)
    assert error == Error("ParameterOutOfBounds", ("0x" + parameter.encode().ljust(32, b"\0").hex(), *values))
