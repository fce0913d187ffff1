"""The cast of the demonstration."""

from __future__ import annotations

from collections import Counter

from steelyard.client import MarginMode
from steelyard.demo.traders import LEVERAGES, Action, cast


def test_cast__fifty_traders__has_every_leverage_mode_and_side() -> None:
    found = {(trader.leverage, trader.mode, trader.side) for trader in cast(50, 96, 3, 1)}
    assert found == {
        (leverage, mode, side) for leverage in LEVERAGES for mode in MarginMode for side in ("long", "short")
    }


def test_cast__portfolio__hedges() -> None:
    for trader in cast(120, 96, 3, 1):
        if trader.mode is MarginMode.PORTFOLIO:
            assert len(trader.legs) >= 2
            assert all((leg.percent > 0) != (trader.legs[0].percent > 0) for leg in trader.legs[1:])


def test_cast__same_seed__is_the_same() -> None:
    assert cast(120, 96, 3, 1) == cast(120, 96, 3, 1)
    assert cast(120, 96, 3, 1) != cast(120, 96, 3, 2)


def test_cast__isolated__has_one_market_and_a_reserve() -> None:
    for trader in cast(120, 96, 3, 1):
        if trader.mode is MarginMode.ISOLATED:
            assert len(trader.legs) == 1
            assert trader.reserve is not None
            assert trader.reserve_deposit > 0
        else:
            assert trader.reserve is None
            assert 1 <= len(trader.legs) <= 3


def test_cast__legs__add_up_and_lean_to_the_side() -> None:
    for trader in cast(300, 96, 3, 5):
        assert sum(abs(leg.percent) for leg in trader.legs) == 100
        assert len({leg.market for leg in trader.legs}) == len(trader.legs)
        assert (trader.legs[0].percent > 0) == (trader.side == "long")


def test_cast__any_window__acts_inside_it() -> None:
    for ticks in (2, 4, 24, 96, 1_440):
        for trader in cast(60, ticks, 3, 3):
            assert 1 <= trader.opens_at <= ticks - 1
            assert all(trader.opens_at < plan.tick <= ticks for plan in trader.plans)


def test_cast__many_traders__do_everything() -> None:
    actions = Counter(plan.action for trader in cast(300, 96, 3, 1) for plan in trader.plans)
    assert set(actions) == set(Action)
