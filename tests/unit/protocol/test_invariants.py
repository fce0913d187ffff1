from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.invariants import InvariantBroken, check_liquidated
from sim.protocol.types.account_id import AccountId, owner_of, to_account_id
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BITCOIN, BOB, CAROL, ETHER, RISK, TOKEN, WAD, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol.types.market import MarketConfig

OWNERS = (ALICE, BOB, CAROL)
ACCOUNTS = tuple(to_account_id(owner, index) for owner in OWNERS for index in (0, 1))
MARKETS: tuple[MarketConfig, ...] = (
    BITCOIN,
    ETHER._replace(max_funding_velocity=2**31 - 1),
    BITCOIN._replace(skew_scale=10**6 * 10**9, taker_fee=0, maker_fee=0),
)
PRICES = (50_000 * WAD, 2_500 * WAD, 20 * WAD)

parts = st.integers(0, 1_000)
"""Thousandths; what of is up to the step."""
steps = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(ACCOUNTS), st.integers(0, len(MARKETS) - 1), parts),
    min_size=1,
    max_size=40,
)


def step(exchange: Exchange, kind: int, account: AccountId, market: int, part: int) -> None:
    """Do something that mostly succeeds, sized by what the account has; failures change nothing."""
    world = exchange.world
    house = world.clearinghouse
    owner = owner_of(account)
    price = world.oracle.price_state(market).price
    size = house.position_of(account, market).shares
    notional = max(exchange.balance(account), 0) * (part - 500) // 25
    if kind in (0, 1, 2):
        exchange.trade(account, market, notional * WAD // price)
    elif kind == 3:
        exchange.trade(account, market, -size * part // 1_000)
    elif kind == 4:
        exchange.trade(account, market, -2 * size)
    elif kind == 5:
        world.advance(part * part)
        for listed in range(len(MARKETS)):
            exchange.publish(listed, world.oracle.price_state(listed).price)
    elif kind in (6, 7):
        exchange.publish(market, min(price * (750 + part // 2) // 1_000, 10**9 * WAD))
        for other in ACCOUNTS:
            if exchange.call(BOB, "Clearinghouse", "liquidate", other, ACCOUNTS[-1]).ok:
                check_liquidated(world, other)
    elif kind == 8:
        exchange.call(owner, "Clearinghouse", "setLeverage", account, account ^ 1, WAD + part * WAD // 50)
    else:
        exchange.call(owner, "Clearinghouse", "withdraw", account, max(exchange.balance(account), 0) // 10**15, owner)


@given(steps)
def test_check_invariants__any_row_of_calls__holds_after_each(calls: list[tuple[int, AccountId, int, int]]) -> None:
    """I1, I2, I3, I4, I6, I23, I25 after every call."""
    exchange = Exchange(MARKETS, PRICES, RISK)
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**6 * TOKEN)
    for account in ACCOUNTS:
        exchange.must(ADMIN, "Clearinghouse", "deposit", account, 10_000 * TOKEN)
    for kind, account, market, part in calls:
        step(exchange, kind, account, market, part)
        exchange.world.check_invariants()


def break_balance(exchange: Exchange) -> None:
    exchange.world.clearinghouse.account_of(ACCOUNTS[0]).balance += 1


def break_balance_downwards(exchange: Exchange) -> None:
    exchange.world.clearinghouse.account_of(ACCOUNTS[0]).balance -= 1


def break_shares(exchange: Exchange) -> None:
    exchange.world.clearinghouse.market_of(0).longs.shares += 1


def break_entry_sum(exchange: Exchange) -> None:
    exchange.world.clearinghouse.market_of(0).funding.entry_sum += 1


def break_bitmap(exchange: Exchange) -> None:
    exchange.world.clearinghouse.account_of(ACCOUNTS[0]).open_markets ^= 2


def break_index(exchange: Exchange) -> None:
    exchange.world.clearinghouse.market_of(0).longs.index -= WAD


def break_rate(exchange: Exchange) -> None:
    exchange.world.clearinghouse.market_of(0).funding.rate = 2**47


@pytest.mark.parametrize(
    ("breaking", "invariant"),
    [
        (break_balance, "I1"),
        (break_balance_downwards, "I2"),
        (break_shares, "I3"),
        (break_entry_sum, "I3"),
        (break_bitmap, "I3"),
        (break_index, "I6"),
        (break_rate, "I6"),
    ],
)
def test_check_invariants__state_broken__names_the_invariant(
    breaking: Callable[[Exchange], None], invariant: str
) -> None:
    exchange = Exchange(MARKETS, PRICES, RISK)
    exchange.fund(ALICE, 10_000)
    assert exchange.trade(ACCOUNTS[0], 0, WAD).ok
    exchange.world.check_invariants()
    breaking(exchange)
    with pytest.raises(InvariantBroken) as caught:
        exchange.world.check_invariants()
    assert caught.value.invariant == invariant
