"""When an order that rests comes to its turn, and with how much (``Triggers.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.errors import TermsInvalid
from sim.protocol.evm import ceil_div, trunc_div
from sim.protocol.types.order import Leg, OrderKind

if TYPE_CHECKING:
    from sim.protocol.types.order import Order, Progress, Terms

__all__ = ["check", "is_better", "slice_of", "trailing_stop", "triggered"]

_UNIT: Final = 1_000_000
_INT128_MIN: Final = -(2**127)


def check(terms: Terms, order: Order, min_interval: int) -> None:
    """Check that terms are complete and hold nothing that their kind has no use for (``Triggers.sol::check``).

    Raises
    ------
    TermsInvalid
        As named.
    """
    if not _is_valid(terms, order, min_interval):
        raise TermsInvalid(terms.kind)


def triggered(terms: Terms, progress: Progress, is_buy: bool, price: int) -> tuple[bool, int]:
    """Return whether `price` triggers a leg, and which (``Triggers.sol::triggered``)."""
    if terms.kind == OrderKind.LIMIT:
        return _is_met(is_buy, price, terms.trigger_price), Leg.ENTRY
    if terms.kind == OrderKind.STOP:
        return _is_met(not is_buy, price, terms.trigger_price), Leg.ENTRY
    if terms.kind == OrderKind.TRAILING_STOP:
        has_mark = progress.mark != 0
        return has_mark and _is_met(not is_buy, price, trailing_stop(terms, progress, is_buy)), Leg.ENTRY
    if terms.kind == OrderKind.TWAP:
        return False, Leg.ENTRY
    if progress.leg == Leg.ENTRY:
        return terms.trigger_price == 0 or _is_met(is_buy, price, terms.trigger_price), Leg.ENTRY
    if _is_met(is_buy, price, terms.stop_price):
        return True, Leg.STOP
    return _is_met(not is_buy, price, terms.target_price), Leg.TARGET


def trailing_stop(terms: Terms, progress: Progress, is_buy: bool) -> int:
    """Return where a trailing stop stands [wad], rounded towards its mark (``Triggers.sol::trailingStop``)."""
    if is_buy:
        return progress.mark * (_UNIT + terms.distance) // _UNIT
    return ceil_div(progress.mark * (_UNIT - terms.distance), _UNIT)


def is_better(progress: Progress, is_buy: bool, price: int) -> bool:
    """Return whether `price` is a better mark (``Triggers.sol::isBetter``)."""
    if progress.mark == 0:
        return True
    return price < progress.mark if is_buy else price > progress.mark


def slice_of(size_delta: int, slices: int, number: int) -> int:
    """Return the size of a slice [base wad]; all slices add up to the order (``Triggers.sol::sliceOf``)."""
    return trunc_div(size_delta * (number + 1), slices) - trunc_div(size_delta * number, slices)


def _is_met(is_below: bool, price: int, bound: int) -> bool:
    return price <= bound if is_below else price >= bound


def _is_valid(terms: Terms, order: Order, min_interval: int) -> bool:
    kind = terms.kind
    is_bracket, is_twap = kind == OrderKind.BRACKET, kind == OrderKind.TWAP
    used = (
        (terms.trigger_price, kind in (OrderKind.LIMIT, OrderKind.STOP) or (is_bracket and terms.trigger_price != 0)),
        (terms.stop_price, is_bracket),
        (terms.target_price, is_bracket),
        (terms.distance, kind == OrderKind.TRAILING_STOP),
        (terms.slices, is_twap),
        (terms.interval, is_twap),
    )
    if kind == OrderKind.MARKET or any((value != 0) != is_used for value, is_used in used) or terms.distance >= _UNIT:
        return False
    if is_bracket:
        if order.reduce_only or order.size_delta == _INT128_MIN:
            return False
        stop, target = terms.stop_price, terms.target_price
        return stop < target if order.size_delta > 0 else stop > target
    return not is_twap or (
        terms.slices > 1 and terms.interval >= min_interval and abs(order.size_delta) >= terms.slices
    )
