"""Requirements of one position: concentration raises them with size, volatility the initial one alone."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isqrt
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.libraries import margin
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.mark import price_of, to_mark, variance_of
from tests.unit.protocol.strategies import market_configs, prices

if TYPE_CHECKING:
    from sim.protocol.types.market import MarketConfig

variances = st.integers(0, 2**64 - 1) | st.integers(0, 10**16)


def risk_of(config: MarketConfig, size: int, price: int, variance: int = 0) -> AccountRisk:
    """Return what a position of `size` needs alone."""
    risk = AccountRisk()
    margin.add(risk, Position(size, 0), size, 0, config, to_mark(price, variance))
    return risk


@given(prices, variances)
def test_to_mark__any_price_and_variance__come_back(price: int, variance: int) -> None:
    mark = to_mark(price, variance)
    assert (price_of(mark), variance_of(mark)) == (price, variance)


@given(market_configs(), st.integers(1, 2**64), prices, variances)
def test_add__any_position__is_the_exact_requirement_up(
    config: MarketConfig, size: int, price: int, variance: int
) -> None:
    size = min(size, config.skew_scale * 10**9)
    growth = 10_000 + ceil(Fraction(config.concentration * size, config.skew_scale * 10**9))
    square = Fraction(config.volatility_multiple**2 * variance, 10**14)
    root = isqrt(ceil(square)) + (isqrt(ceil(square)) ** 2 < ceil(square))
    initial = max(config.margin_ratio, min(root, 4 * config.margin_ratio, 10_000))
    risk = risk_of(config, size, price, variance)
    notional = Fraction(size * price, 10**18)
    assert risk.initial_margin == ceil(notional * Fraction(min(initial * growth, 10**8), 10**8))
    fraction = Fraction(config.maintenance_fraction, 10_000)
    assert risk.maintenance_margin == ceil(
        notional * Fraction(min(config.margin_ratio * growth, 10**8), 10**8) * fraction
    )


@given(market_configs(), st.integers(1, 2**64), prices, variances)
def test_add__volatility__moves_initial_margin_only(config: MarketConfig, size: int, price: int, variance: int) -> None:
    calm, wild = risk_of(config, size, price), risk_of(config, size, price, variance)
    assert wild.maintenance_margin == calm.maintenance_margin
    assert calm.initial_margin <= wild.initial_margin <= 4 * calm.initial_margin
    assert (wild.initial_margin > calm.initial_margin) <= margin.is_volatile(config, variance)


@given(market_configs(), st.integers(2, 2**80), prices, st.integers(1, 9))
def test_add__smaller_part__needs_no_more_than_its_share(
    config: MarketConfig, size: int, price: int, tenths: int
) -> None:
    size = min(size, config.skew_scale * 10**9)
    part = size * tenths // 10
    whole, less = risk_of(config, size, price), risk_of(config, part, price)
    assert less.initial_margin * size <= whole.initial_margin * part + size
    assert less.maintenance_margin * size <= whole.maintenance_margin * part + size


@given(market_configs(), st.integers(1, 2**64), prices)
def test_base_margin__long_and_short__are_opposite_and_never_above_the_requirement(
    config: MarketConfig, size: int, price: int
) -> None:
    base = margin.base_margin(config, size, price)
    assert margin.base_margin(config, -size, price) == -base
    assert 0 <= base <= risk_of(config, size, price).initial_margin
