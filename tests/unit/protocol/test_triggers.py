"""When orders that rest come to their turn: each kind, both ways, to the wei."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.errors import TermsInvalid
from sim.protocol.libraries import positions, triggers
from sim.protocol.types.order import Leg, Order, OrderKind, Progress, Terms

WAD = 10**18
PRICES = st.integers(1, 2**96 - 1)
SIZES = st.integers(-(2**127), 2**127 - 1)
PRICE = 100 * WAD
MIN_INTERVAL = 62


_UNBEGUN = Progress()


@dataclass(frozen=True)
class Case:
    """Terms, progress, side, and the lowest and highest price that triggers."""

    terms: Terms
    is_buy: bool
    lowest: int
    highest: int
    leg: int = Leg.ENTRY
    progress: Progress = _UNBEGUN


_ALL = 2**96 - 1
_TRAILING = Terms(OrderKind.TRAILING_STOP, distance=10_000)
_LONG = Terms(OrderKind.BRACKET, PRICE, stop_price=90 * WAD, target_price=120 * WAD)
_SHORT = Terms(OrderKind.BRACKET, PRICE, stop_price=120 * WAD, target_price=90 * WAD)
_EXITS = Progress(leg=Leg.EXITS)
_MARK = Progress(mark=PRICE + 1)
CASES = {
    "limit_buy": Case(Terms(OrderKind.LIMIT, PRICE), True, 1, PRICE),
    "limit_sale": Case(Terms(OrderKind.LIMIT, PRICE), False, PRICE, _ALL),
    "stop_buy": Case(Terms(OrderKind.STOP, PRICE), True, PRICE, _ALL),
    "stop_sale": Case(Terms(OrderKind.STOP, PRICE), False, 1, PRICE),
    # A hundredth from a mark of 100 and a wei: 101 and 1.01 wei, 99 and 0.99 wei, both rounded towards the mark.
    "trailing_buy": Case(_TRAILING, True, 101 * WAD + 1, _ALL, progress=_MARK),
    "trailing_sale": Case(_TRAILING, False, 1, 99 * WAD + 1, progress=_MARK),
    "bracket_entry_buy": Case(_LONG, True, 1, PRICE),
    "bracket_entry_sale": Case(_SHORT, False, PRICE, _ALL),
    "bracket_entry_at_once": Case(_LONG._replace(trigger_price=0), True, 1, _ALL),
    "stop_of_a_long": Case(_LONG, True, 1, 90 * WAD, Leg.STOP, _EXITS),
    "target_of_a_long": Case(_LONG, True, 120 * WAD, _ALL, Leg.TARGET, _EXITS),
    "stop_of_a_short": Case(_SHORT, False, 120 * WAD, _ALL, Leg.STOP, _EXITS),
    "target_of_a_short": Case(_SHORT, False, 1, 90 * WAD, Leg.TARGET, _EXITS),
    "stop_after_a_target_that_lapsed": Case(_LONG, True, 1, 90 * WAD, Leg.STOP, Progress(leg=Leg.TARGET)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_triggered__at_and_beyond_the_bound__says_so(case: Case) -> None:
    def leg_at(price: int) -> int | None:
        is_triggered, leg = triggers.triggered(case.terms, case.progress, case.is_buy, price)
        return leg if is_triggered else None

    assert leg_at(case.lowest) == case.leg
    assert leg_at(case.highest) == case.leg
    if case.lowest > 1:
        assert leg_at(case.lowest - 1) is None or leg_at(case.lowest - 1) != case.leg
    if case.highest < _ALL:
        assert leg_at(case.highest + 1) is None or leg_at(case.highest + 1) != case.leg


@given(PRICES, st.booleans())
def test_triggered__trailing_stop_without_mark__is_not(price: int, is_buy: bool) -> None:
    assert triggers.triggered(_TRAILING, Progress(), is_buy, price) == (False, Leg.ENTRY)


@given(PRICES, st.booleans())
def test_triggered__twap__is_not(price: int, is_buy: bool) -> None:
    assert not triggers.triggered(Terms(OrderKind.TWAP, slices=2, interval=99), Progress(), is_buy, price)[0]


@given(PRICES, st.sampled_from([_LONG, _SHORT]))
def test_triggered__exits_of_a_bracket__never_both(price: int, terms: Terms) -> None:
    is_buy = terms is _LONG
    stop = price <= terms.stop_price if is_buy else price >= terms.stop_price
    target = price >= terms.target_price if is_buy else price <= terms.target_price
    assert not (stop and target)
    is_triggered, leg = triggers.triggered(terms, _EXITS, is_buy, price)
    assert is_triggered == (stop or target)
    assert not is_triggered or leg == (Leg.STOP if stop else Leg.TARGET)


@given(st.lists(PRICES, min_size=1, max_size=20), st.booleans(), st.integers(1, 999_999))
def test_is_better__any_prices__mark_is_the_best_of_them(prices: list[int], is_buy: bool, distance: int) -> None:
    """The mark only ever gets better, ends as the best price, and the stop never lies beyond it."""
    terms, progress = Terms(OrderKind.TRAILING_STOP, distance=distance), Progress()
    for price in prices:
        if triggers.is_better(progress, is_buy, price):
            before = progress.mark
            progress = progress._replace(mark=price)
            assert before == 0 or (price < before if is_buy else price > before)
        stop = triggers.trailing_stop(terms, progress, is_buy)
        assert stop >= progress.mark if is_buy else stop <= progress.mark
    assert progress.mark == (min(prices) if is_buy else max(prices))


@given(SIZES, st.integers(2, 2**16 - 1), st.data())
def test_slice_of__all_slices__add_up_and_differ_by_a_wei(size: int, slices: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, slices - 1))
    part = triggers.slice_of(size, slices, number)
    assert abs(abs(part) - abs(size) // slices) <= 1
    assert part == 0 or (part > 0) == (size > 0)
    few = min(slices, 40)
    assert sum(triggers.slice_of(size, few, each) for each in range(few)) == size


@given(SIZES, SIZES, st.integers(0, 10**20))
def test_reducing__any_size_and_position__never_grows_and_never_flips(
    size_delta: int, size: int, min_size: int
) -> None:
    """I46: a reduce-only order brings a position nearer to zero, as far as it asks, and leaves nothing too small."""
    clamped = positions.reducing(size_delta, size, min_size)
    after = size + clamped
    assert abs(after) <= abs(size)
    assert after == 0 or (after > 0) == (size > 0)
    if size_delta and size and (size_delta > 0) != (size > 0):
        asked = min(abs(size_delta), abs(size))
        assert after == 0 or abs(after) > min_size
        assert abs(clamped) == (abs(size) if abs(size) - asked <= min_size else asked)
    else:
        assert clamped == 0


# ---- terms

_ORDER = Order(1 << 96, 0, 0, 2**40 - 1, 10 * WAD, 2**128 - 1, 0)
GOOD = {
    OrderKind.LIMIT: Terms(OrderKind.LIMIT, PRICE),
    OrderKind.STOP: Terms(OrderKind.STOP, PRICE),
    OrderKind.TRAILING_STOP: _TRAILING,
    OrderKind.TWAP: Terms(OrderKind.TWAP, slices=2, interval=MIN_INTERVAL),
    OrderKind.BRACKET: _LONG,
}
_USED = {
    OrderKind.LIMIT: {"trigger_price"},
    OrderKind.STOP: {"trigger_price"},
    OrderKind.TRAILING_STOP: {"distance"},
    OrderKind.TWAP: {"slices", "interval"},
    OrderKind.BRACKET: {"stop_price", "target_price"},
}


@pytest.mark.parametrize("terms", GOOD.values(), ids=[kind.name for kind in GOOD])
def test_check__terms_of_a_kind__pass_and_nothing_more_or_less(terms: Terms) -> None:
    kind = OrderKind(terms.kind)
    triggers.check(terms, _ORDER, MIN_INTERVAL)
    for field in set(terms._fields) - {"kind"}:
        if kind == OrderKind.BRACKET and field == "trigger_price":
            continue
        changed = terms._replace(**{field: 0 if field in _USED[kind] else 5})
        with pytest.raises(TermsInvalid):
            triggers.check(changed, _ORDER, MIN_INTERVAL)


@pytest.mark.parametrize(
    ("terms", "order"),
    [
        (Terms(OrderKind.MARKET), _ORDER),
        (_TRAILING._replace(distance=1_000_000), _ORDER),
        (GOOD[OrderKind.TWAP]._replace(slices=1), _ORDER),
        (GOOD[OrderKind.TWAP]._replace(interval=MIN_INTERVAL - 1), _ORDER),
        (GOOD[OrderKind.TWAP], _ORDER._replace(size_delta=1)),
        (_LONG, _ORDER._replace(reduce_only=True)),
        (_LONG, _ORDER._replace(size_delta=-WAD)),
        (_SHORT, _ORDER),
        (_LONG._replace(stop_price=_LONG.target_price), _ORDER),
        (_SHORT, _ORDER._replace(size_delta=-(2**127))),
    ],
)
def test_check__terms_that_make_no_sense__are_refused(terms: Terms, order: Order) -> None:
    with pytest.raises(TermsInvalid):
        triggers.check(terms, order, MIN_INTERVAL)
