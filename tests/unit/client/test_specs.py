"""Orders as a trader says them, and the integers that the contracts take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from steelyard.client.errors import AmountInvalid, OrderInvalid
from steelyard.client.records import AccountId, OrderKind, Terms
from steelyard.client.specs import (
    NEVER,
    Bracket,
    Limit,
    Market,
    OrderSpec,
    Situation,
    Stop,
    TrailingStop,
    Twap,
    compose,
    needs_quote,
)
from steelyard.client.units import to_wad

WAD = 10**18
NOW = 1_700_000_000
SITUATION = Situation(account=AccountId(7 << 96), market=1, slot=3, now=NOW, keeper_fee=WAD // 10)
QUOTED = replace(SITUATION, quote=2_500 * WAD)


def test_compose__market_order__is_bound_around_its_quote() -> None:
    order, terms = compose(Market(market="ETH", size="1.5"), QUOTED)
    assert terms is None
    assert (order.account, order.market, order.slot, order.size_delta) == (7 << 96, 1, 3, 15 * WAD // 10)
    assert (order.acceptable_price, order.keeper_fee, order.expires_at) == (2_525 * WAD, WAD // 10, NOW + 600)
    sale, _ = compose(Market(market="ETH", size="-1", slippage="0.5", keeper_fee=0), QUOTED)
    assert (sale.acceptable_price, sale.keeper_fee) == (24_875 * WAD // 10, 0)


def test_compose__slippage_that_does_not_divide__is_rounded_to_the_quote() -> None:
    odd = replace(SITUATION, quote=10**18 + 1)
    assert compose(Market(market="ETH", size=1, slippage="0.1"), odd)[0].acceptable_price == 1_001 * 10**15 + 1
    assert compose(Market(market="ETH", size=-1, slippage="0.1"), odd)[0].acceptable_price == 999 * 10**15 + 1


@pytest.mark.parametrize(
    ("spec", "terms", "acceptable"),
    [
        (Limit(market=1, size=1, price=2_400), Terms(kind=OrderKind.LIMIT, trigger_price=2_400 * WAD), 2_400 * WAD),
        (Stop(market=1, size=1, price=2_600), Terms(kind=OrderKind.STOP, trigger_price=2_600 * WAD), 2_626 * WAD),
        (
            Stop(market=1, size=-1, price=2_400, reduce_only=True),
            Terms(kind=OrderKind.STOP, trigger_price=2_400 * WAD),
            0,
        ),
        (
            Stop(market=1, size=-1, price=2_400, slippage=5, reduce_only=True),
            Terms(kind=OrderKind.STOP, trigger_price=2_400 * WAD),
            2_280 * WAD,
        ),
        (
            TrailingStop(market=1, size=1, distance="2.5", reduce_only=True),
            Terms(kind=OrderKind.TRAILING_STOP, distance=25_000),
            2**128 - 1,
        ),
        (
            Twap(market=1, size=-1, slices=4, interval=timedelta(minutes=2)),
            Terms(kind=OrderKind.TWAP, slices=4, interval=120),
            0,
        ),
        (
            Bracket(market=1, size=1, stop_price=2_300, target_price=2_700, price=2_450),
            Terms(
                kind=OrderKind.BRACKET,
                trigger_price=2_450 * WAD,
                stop_price=2_300 * WAD,
                target_price=2_700 * WAD,
            ),
            2_450 * WAD,
        ),
        (
            Limit(market=1, size=1, price=2_400, acceptable_price=2_500),
            Terms(kind=OrderKind.LIMIT, trigger_price=2_400 * WAD),
            2_500 * WAD,
        ),
    ],
)
def test_compose__resting_order__has_terms_and_never_expires(spec: OrderSpec, terms: Terms, acceptable: int) -> None:
    order, made = compose(spec, SITUATION)
    assert (made, order.acceptable_price, order.expires_at) == (terms, acceptable, NEVER)
    assert order.reduce_only == spec.reduce_only
    assert not needs_quote(spec)


def test_compose__bracket_at_once__is_bound_and_expires() -> None:
    spec = Bracket(market=1, size=-1, stop_price=2_700, target_price=2_300)
    assert needs_quote(spec)
    order, terms = compose(spec, QUOTED)
    assert terms is not None
    assert (terms.trigger_price, order.acceptable_price, order.expires_at) == (0, 2_475 * WAD, NOW + 600)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("position", "reduce_only", "is_taken"),
    [
        ("0", False, False),
        ("0", True, True),
        ("1", False, True),
        ("-1", False, True),
        ("-0.101", False, True),
        ("-0.0014", False, False),
        ("-0.0005", False, True),
        ("0.0005", False, True),
        ("0.0004", False, False),
    ],
)
def test_compose__slice_that_leaves_less_than_the_smallest_position__is_refused(
    side: int, position: str, reduce_only: bool, is_taken: bool
) -> None:
    situation = replace(SITUATION, position=side * to_wad(position, "position"), min_size=WAD // 1_000)
    spec = Twap(market=1, size=side * Decimal("0.05"), slices=100, interval=60, reduce_only=reduce_only)
    if is_taken:
        compose(spec, situation)
    else:
        with pytest.raises(OrderInvalid, match=r"a slice of 0\.0005 .* the market's minimum of 0\.001"):
            compose(spec, situation)


def test_compose__slice_of_the_smallest_position__is_taken() -> None:
    for size, situation in ((1, SITUATION), (-1, SITUATION)):
        compose(Twap(market=1, size=size, slices=4, interval=60), replace(situation, min_size=WAD // 4))


@pytest.mark.parametrize(
    ("size", "stop", "target", "wrong"),
    [
        (1, 2_499, 2_501, None),
        (1, 2_500, 2_600, "the stop of a buy has to lie under {}, not at 2500"),
        (1, 2_550, 2_600, "the stop of a buy has to lie under {}, not at 2550"),
        (1, 2_400, 2_500, "the target of a buy has to lie above {}, not at 2500"),
        (-1, 2_501, 2_499, None),
        (-1, 2_500, 2_400, "the stop of a sale has to lie above {}, not at 2500"),
        (-1, 2_600, 2_550, "the target of a sale has to lie under {}, not at 2550"),
    ],
)
@pytest.mark.parametrize(("price", "latest"), [(None, 2_500), (2_500, 1)])
def test_compose__bracket__is_entered_between_its_exits(
    size: int, stop: int, target: int, wrong: str | None, price: int | None, latest: int
) -> None:
    spec = Bracket(market=1, size=size, stop_price=stop, target_price=target, price=price)
    situation = replace(QUOTED, price=latest * WAD)
    if wrong is None:
        compose(spec, situation)
        return
    entry = "the latest price 2500" if price is None else "the entry's limit 2500"
    with pytest.raises(OrderInvalid, match=wrong.format(entry) + ": the position would be left at once"):
        compose(spec, situation)


def test_compose__bracket_at_once_without_a_price__is_left_to_the_contract() -> None:
    compose(Bracket(market=1, size=1, stop_price=2, target_price=3, acceptable_price=4), SITUATION)


@pytest.mark.parametrize("position", [WAD, -3 * WAD])
def test_compose__exit_without_size__is_all_of_the_position(position: int) -> None:
    spec = Stop(market=1, price=2_400, reduce_only=True)
    assert compose(spec, replace(SITUATION, position=position))[0].size_delta == -position


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (NOW + 5, NOW + 5),
        (timedelta(hours=1), NOW + 3_600),
        (datetime(2030, 1, 1, tzinfo=UTC), 1_893_456_000),
    ],
)
def test_compose__expiry__is_a_time_or_a_while(expires: Any, expected: int) -> None:
    assert compose(Limit(market=1, size=1, price=1, expires=expires), SITUATION)[0].expires_at == expected


@pytest.mark.parametrize(
    "spec",
    [
        Market(market=1),
        Market(market=1, size=1),
        Limit(market=1, size=1, price=1, slippage=1),
        Limit(market=1, size=1, price=1, slippage=1, acceptable_price=1),
        TrailingStop(market=1, size=1, distance=1, slippage=1),
        Twap(market=1, size=1, slices=1, interval=60),
        Bracket(market=1, size=1, stop_price=2, target_price=1, price=3),
        Bracket(market=1, size=-1, stop_price=1, target_price=1, price=3),
        Bracket(market=1, size=1, stop_price=1, target_price=2, price=1, reduce_only=True),
        Limit(market=1, size=1, price=1, expires=datetime(2030, 1, 1)),
    ],
)
def test_compose__order_that_contradicts_itself__is_refused(spec: OrderSpec) -> None:
    with pytest.raises(OrderInvalid):
        compose(spec, SITUATION)


@pytest.mark.parametrize(
    ("spec", "amount"),
    [
        (Limit(market=1, size=0, price=1), "size"),
        (Limit(market=1, size=2**127, price=1), "size"),
        (Limit(market=1, size=1, price=0), "price"),
        (Limit(market=1, size=1, price=-1), "price"),
        (Limit(market=1, size=1, price=2**96), "price"),
        (Limit(market=1, size=1, price=1, keeper_fee=-1), "keeper fee"),
        (Limit(market=1, size=1, price=1, expires=2**40), "expiry"),
        (Limit(market=1, size=1, price=1, expires=timedelta(seconds=-1)), "expiry"),
        (TrailingStop(market=1, size=1, distance=100), "distance"),
        (TrailingStop(market=1, size=1, distance="0.00001"), "distance"),
        (Stop(market=1, size=1, price=1, slippage=101), "slippage"),
        (Twap(market=1, size=1, slices=2**16, interval=60), "slices"),
        (Twap(market=1, size=1, slices=2, interval=timedelta(milliseconds=1)), "interval"),
    ],
)
def test_compose__amount_out_of_range__is_refused_by_name(spec: OrderSpec, amount: str) -> None:
    with pytest.raises(AmountInvalid) as refused:
        compose(spec, SITUATION)
    assert refused.value.amount == amount
