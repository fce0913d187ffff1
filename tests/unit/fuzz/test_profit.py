"""What a coalition is worth, and that gaining shows: each planted fault pays somebody, and the worth alone tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.protocol.clearinghouse import Clearinghouse
from sim.protocol.invariants import InvariantBroken
from sim.protocol.libraries import liquidation, positions, pricing
from steelyard.fuzz.profit import Coalition
from tests.unit.protocol.exchange import ALICE, BITCOIN, BOB, ETHER, WAD, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sim.protocol.types.fill import Fill
    from sim.protocol.types.market import Market, MarketConfig

STAKE = 100_000
FREE = BITCOIN._replace(taker_fee=0, maker_fee=0)
ROUNDING = 20
"""Of a few fills [quote wei]."""

_cost_up, _fee_up, _change = pricing.cost_up, pricing.fee_up, positions.change


def _staged(config: MarketConfig = BITCOIN) -> tuple[Exchange, Coalition]:
    exchange = Exchange((config, ETHER))
    mine, other = exchange.fund(ALICE, STAKE), exchange.fund(ALICE, STAKE, 1)
    exchange.fund(BOB, STAKE)
    return exchange, Coalition(exchange.world, (mine, other))


def test_worth__flat__is_the_cash() -> None:
    exchange, who = _staged()
    tokens = exchange.world.token.held_by(ALICE) * 10**12
    assert who.worth() == tokens + 2 * STAKE * WAD


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-(10**20), 10**20)), max_size=6),
    st.integers(-(10**20), 10**20),
)
def test_worth__any_trades_at_one_price__never_rises_and_is_paid_at_most(
    trades: list[tuple[int, int, int]], skewed: int
) -> None:
    """Whatever skew another one left, trades lower the worth, and closing everything pays no more than it said."""
    exchange, who = _staged()
    if skewed:
        exchange.trade(exchange.fund(BOB, 10**9), 0, skewed)
    for account, market, size in trades:
        with who.gains_nothing("I11"):
            if size:
                exchange.trade(who.accounts[account], market, size)
    said = who.worth()
    house = exchange.world.clearinghouse
    for account in who.accounts:
        for market in (0, 1):
            state = house.market_of(market)
            size = positions.size_of(state, house.position_of(account, market))
            if size:
                assert exchange.trade(account, market, -size).ok
    assert who.worth() <= said + ROUNDING


def test_worth__one_position__is_what_closing_it_pays() -> None:
    exchange, who = _staged()
    assert exchange.trade(who.accounts[0], 0, 2 * WAD).ok
    exchange.world.advance(3_600)
    exchange.publish(0, 51_000 * WAD)
    said = who.worth()
    assert exchange.trade(who.accounts[0], 0, -2 * WAD).ok
    assert said - ROUNDING <= who.worth() <= said + ROUNDING


def _fee_paid_back(config: MarketConfig, size_delta: int, price: int, skew: int) -> int:
    return -_fee_up(BITCOIN, size_delta, price, skew)


def _without_impact(size_delta: int, price: int, skew: int, scale: int) -> int:
    """Charge no impact where it grows, and pay it where it shrinks."""
    return min(_cost_up(size_delta, price, skew, scale), size_delta * price // WAD)


def _stale_skew(market: Market, position: Any, size: int, size_delta: int, price: int) -> tuple[int, Fill]:
    """Fill at the skew of an empty market."""
    after, fill = _change(market, position, size, size_delta, price)
    return after, fill._replace(cost=_cost_up(fill.size_delta, price, 0, pricing.depth(market.config)))


def _go_around(exchange: Exchange, who: Coalition) -> None:
    first, second = who.accounts
    for account, size in ((first, 3 * WAD), (second, 2 * WAD), (second, -2 * WAD), (first, -3 * WAD)):
        with who.gains_nothing("I11"):
            assert exchange.trade(account, 0, size).ok


@pytest.mark.parametrize(
    ("module", "name", "instead"),
    [
        (pricing, "fee_up", _fee_paid_back),
        (pricing, "cost_up", _without_impact),
        (positions, "change", _stale_skew),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_gains_nothing__planted_fault__is_caught(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, instead: Callable[..., Any]
) -> None:
    _go_around(*_staged(FREE))
    monkeypatch.setattr(module, name, instead)
    with pytest.raises(InvariantBroken, match="I11"):
        _go_around(*_staged(FREE))


def test_gains_nothing__reward_that_nobody_pays__is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A liquidator's reward that does not come out of the account is a profit of who liquidates himself (I18)."""

    def liquidated() -> None:
        exchange, who = _staged()
        mine, other = who.accounts
        assert exchange.trade(mine, 0, 15 * WAD).ok
        exchange.publish(0, 44_400 * WAD)
        with who.gains_nothing("I18"):
            assert exchange.call(BOB, "Clearinghouse", "liquidate", mine, other).ok

    distribute = Clearinghouse._distribute

    def generous(self: Clearinghouse, account: int, header: Any, *args: Any) -> Any:
        result = distribute(self, account, header, *args)
        header.balance += result.reward + result.penalty
        return result

    liquidated()
    monkeypatch.setattr(Clearinghouse, "_distribute", generous)
    monkeypatch.setattr(liquidation, "reward_down", lambda notional, _: notional // 10)
    with pytest.raises(InvariantBroken, match="I18"):
        liquidated()


def test_require_margin__account_without__is_caught() -> None:
    exchange, who = _staged()
    assert exchange.trade(who.accounts[0], 0, 15 * WAD).ok
    who.require_margin(who.accounts[0])
    exchange.publish(0, 45_500 * WAD)
    with pytest.raises(InvariantBroken, match="I16"):
        who.require_margin(who.accounts[0])
