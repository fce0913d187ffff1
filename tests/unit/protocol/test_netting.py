"""I20 and I21: what positions need together, of whole accounts, and what each planted mistake of the margin breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol.invariants import InvariantBroken, check_netting
from sim.protocol.libraries import portfolio
from sim.protocol.types.market import PortfolioConfig
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BITCOIN, ETHER, TOKEN, WAD, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.protocol.types.account import AccountRisk

    Saving = Callable[[Sequence[int], Sequence[PortfolioConfig]], int]

COMMON = PortfolioConfig(9_000, (8_900, 500, 0), (-9_000, 9_000, *(0,) * 6))
CRASH = PortfolioConfig(9_000, shocks=(-9_000, *(0,) * 7))
"""Nothing is common to the markets, but for a day on which all fall."""

saving_down, factor_risk_up = portfolio.saving_down, portfolio.factor_risk_up


def exchange_with(config: PortfolioConfig, *sizes: int, fractions: tuple[int, int] = (5_000, 5_000)) -> Exchange:
    """Return an exchange with an account that is long `sizes` [1e-3 base], in markets that net by `config`."""
    markets = [
        market._replace(margin_ratio=1_000, maintenance_fraction=fraction)
        for market, fraction in zip((BITCOIN, ETHER), fractions, strict=True)
    ]
    exchange = Exchange(tuple(markets))
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**7 * TOKEN)
    account = exchange.fund(ALICE, 100_000)
    for market, size in enumerate(sizes):
        exchange.must(ADMIN, "Clearinghouse", "setPortfolio", market, config)
        assert exchange.trade(account, market, size * WAD // 1_000).ok
    return exchange


def account_of(exchange: Exchange) -> int:
    return next(iter(exchange.world.clearinghouse.stored_accounts()))


@pytest.mark.parametrize("config", [COMMON, CRASH, PortfolioConfig()])
@pytest.mark.parametrize("sizes", [(2_000,), (2_000, -40_000), (2_000, 40_000), (-1_000, 3_333), (-1_000, -60_000)])
@pytest.mark.parametrize("fractions", [(5_000, 5_000), (500, 8_000)])
def test_check_netting__any_account__holds(
    config: PortfolioConfig, sizes: tuple[int, ...], fractions: tuple[int, int]
) -> None:
    exchange = exchange_with(config, *sizes, fractions=fractions)
    exchange.world.check_invariants()


def charge_for_offsets(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return -saving_down(margins, configs)


def save_always(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return saving_down(margins, configs) + 10**9


def save_up(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    hedgeable, factors = factor_risk_up(margins, configs)
    return -(max(factors, portfolio.stress_risk(margins, configs)[0]) - hedgeable) // 10**4 + 3


def save_up_to(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return min(saving_down(margins, configs), 5_000 * WAD)


def save_more_than_there_is(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return 2 * sum(map(abs, margins)) if len(margins) > 1 else 0


def save_of_lopsided_books_only(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return saving_down(margins, configs) if max(map(abs, margins)) > 2 * min(map(abs, margins)) else 0


def ignore_crashes(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    hedgeable, factors = factor_risk_up(margins, configs)
    return (hedgeable - factors) // 10**4


def ignore_half_of_each_leg(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return saving_down(margins, configs) + sum(map(abs, margins)) // 2 * (len(margins) > 1)


@pytest.mark.parametrize(
    ("planted", "config", "sizes", "broken"),
    [
        (charge_for_offsets, COMMON, (2_000, -40_000), "I20: portfolio initial <= cross initial"),
        (save_always, COMMON, (2_000,), "I20: one market"),
        (ignore_crashes, CRASH, (2_000, 40_000), r"I20: requirement of .* >= loss"),
        (ignore_half_of_each_leg, CRASH, (2_000, 40_000), r"I20: requirement of .* >= loss"),
        (save_more_than_there_is, COMMON, (2_000, -40_000), "I20: requirement"),
        (save_up, COMMON, (2_000, -40_000), "I21: twice"),
        (save_up_to, COMMON, (2_000, -40_000), "I21: twice"),
        (save_of_lopsided_books_only, COMMON, (2_000, -40_000), "I21: .* in two"),
    ],
)
def test_check_netting__margin_with_a_mistake__names_what_it_breaks(
    monkeypatch: pytest.MonkeyPatch, planted: Saving, config: PortfolioConfig, sizes: tuple[int, ...], broken: str
) -> None:
    exchange = exchange_with(config, *sizes)
    monkeypatch.setattr(portfolio, "saving_down", planted)
    with pytest.raises(InvariantBroken, match=broken):
        check_netting(exchange.world, account_of(exchange))


def test_check_netting__initial_margin_under_maintenance__is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(self: portfolio.Netting, risk: AccountRisk) -> None:
        risk.initial_margin -= portfolio.saving_down(self.initial, self.configs)
        risk.maintenance_margin -= portfolio.saving_down(self.maintenance, self.configs)

    exchange = exchange_with(COMMON, 2_000, -40_000, fractions=(500, 8_000))
    monkeypatch.setattr(portfolio.Netting, "settle", settle)
    with pytest.raises(InvariantBroken, match="I20: portfolio maintenance <= portfolio initial"):
        check_netting(exchange.world, account_of(exchange))
