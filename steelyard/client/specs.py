"""What a trader orders, and what of it the contracts take.

Sizes are in base units, positive to buy; prices in USD per base unit; slippage and distance in percent; times in
seconds. `compose` turns an order into the integers that are committed, placed or signed. It asks nobody: what it has to
know of the market it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from steelyard.client.errors import AmountInvalid, OrderInvalid
from steelyard.client.records import Order, OrderKind, Terms
from steelyard.client.units import from_wad, to_decimal, to_fixed, to_size, to_unsigned

if TYPE_CHECKING:
    from steelyard.client.records import AccountId
    from steelyard.client.units import Amount

__all__ = [
    "NEVER",
    "Bracket",
    "Expiry",
    "Limit",
    "Market",
    "OrderSpec",
    "Situation",
    "Stop",
    "TrailingStop",
    "Twap",
    "compose",
    "fills_at_once",
    "needs_quote",
    "size_of",
    "to_time",
]

NEVER = 2**40 - 1
"""The latest time there is: an order that does not expire [Unix s]."""

_WAD = 10**18
_DELAYED_SECONDS = 600
_DEFAULT_SLIPPAGE = Decimal(1)
_UNBOUNDED = 2**128 - 1

Expiry: TypeAlias = int | datetime | timedelta | None


@dataclass(frozen=True, kw_only=True)
class OrderSpec:
    """What all orders have in common.

    Attributes
    ----------
    market : str or int
        Symbol or number.
    size : Amount or None
        Change of the position [base], positive buys. None, where the order only reduces, for all of the position.
    reduce_only : bool
        Whether it only brings a position nearer to zero: clamped to it when filled, so that it cannot flip it.
    acceptable_price : Amount or None
        Worst average fill [USD]: the highest for a buy, the lowest for a sale.
    slippage : Amount or None
        The same as a distance from the price that the order starts from [%]: of a market order or a TWAP its quote of
        now, of a stop its trigger.
    keeper_fee : Amount or None
        Paid from the account to whoever settles, for each fill [USD]; None for the client's.
    expires : int, datetime, timedelta or None
        Last time at which it may settle [Unix s], or how long from now. None: ten minutes for an order that fills at
        once, never for one that rests.
    slot : int or None
        Which of the account's 256; None for the first free one.
    """

    market: str | int
    size: Amount | None = None
    reduce_only: bool = False
    acceptable_price: Amount | None = None
    slippage: Amount | None = None
    keeper_fee: Amount | None = None
    expires: Expiry = None
    slot: int | None = None


@dataclass(frozen=True, kw_only=True)
class Market(OrderSpec):
    """Fills at the first price after its delay. Without a bound, 1% around the quote of now."""


@dataclass(frozen=True, kw_only=True)
class Limit(OrderSpec):
    """Waits for a price at least as good as `price` [USD], and fills at it or better."""

    price: Amount


@dataclass(frozen=True, kw_only=True)
class Stop(OrderSpec):
    """Waits for a price at least as bad as `price` [USD].

    One that reduces has no bound if none is given, for a stop has to get out; one that enters has 1% from its trigger.
    """

    price: Amount


@dataclass(frozen=True, kw_only=True)
class TrailingStop(OrderSpec):
    """Waits for a price worse by `distance` [%, four decimals] than the best since it was placed."""

    distance: Amount


@dataclass(frozen=True, kw_only=True)
class Twap(OrderSpec):
    """Fills in `slices` equal parts, one each `interval` [s]; one that fails or is missed is lost.

    The first must not leave less than the market's smallest position, unless it only reduces.
    """

    slices: int
    interval: int | timedelta


@dataclass(frozen=True, kw_only=True)
class Bracket(OrderSpec):
    """An entry, then a stop and a target of which one cancels the other.

    Attributes
    ----------
    stop_price, target_price : Amount
        What ends the position [USD]: the stop without a bound, the target at its price or better. The entry lies
        between them.
    price : Amount or None
        Limit of the entry [USD]; None to enter at once, at about the latest price.
    """

    stop_price: Amount
    target_price: Amount
    price: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What an order's integers depend on besides itself.

    Attributes
    ----------
    account : AccountId
        That trades.
    market : int
        Number of the market.
    slot : int
        Free, or asked for.
    now : int
        Time of the chain [Unix s].
    position : int
        Size of the position [base wad].
    min_size : int
        Of a position that is not zero [base wad].
    price : int
        Latest of the oracle, whatever its age; zero for none [wad].
    quote : int or None
        Average fill price of now [wad]; None where `needs_quote` says so.
    keeper_fee : int
        Where the order names none [quote wad].
    min_interval : int
        From one slice of a TWAP to the next, at least [s].
    """

    account: AccountId
    market: int
    slot: int
    now: int
    position: int = 0
    min_size: int = 0
    price: int = 0
    quote: int | None = None
    keeper_fee: int = 0
    min_interval: int = 0


def fills_at_once(spec: OrderSpec) -> bool:
    """Return whether an order waits for nothing but the delay."""
    return isinstance(spec, Market) or (isinstance(spec, Bracket) and spec.price is None)


def needs_quote(spec: OrderSpec) -> bool:
    """Return whether the bound of an order is counted from the quote of now."""
    if spec.acceptable_price is not None:
        return False
    if fills_at_once(spec):
        return True
    return isinstance(spec, Twap) and spec.slippage is not None


def compose(spec: OrderSpec, situation: Situation) -> tuple[Order, Terms | None]:
    """Return what the contract takes: the order, and the terms of one that rests.

    Raises
    ------
    AmountInvalid
        An amount is not exact, or out of range.
    OrderInvalid
        The order says two things at once, or nothing.
    """
    if spec.acceptable_price is not None and spec.slippage is not None:
        raise OrderInvalid("an acceptable price and a slippage: give one of them")
    size = size_of(spec, situation.position)
    terms = _terms(spec, size, situation)
    order = Order(
        account=situation.account,
        market=situation.market,
        slot=_whole(situation.slot, 8, "slot"),
        expires_at=_expiry(spec, situation.now),
        size_delta=size,
        acceptable_price=_acceptable(spec, size, terms, situation.quote),
        keeper_fee=situation.keeper_fee
        if spec.keeper_fee is None
        else to_unsigned(spec.keeper_fee, 18, 96, "keeper fee"),
        reduce_only=spec.reduce_only,
    )
    return order, terms


def size_of(spec: OrderSpec, position: int) -> int:
    """Return the size of an order [base wad]: its own, or all of `position` where it only reduces.

    Raises
    ------
    AmountInvalid, OrderInvalid
        It is no size, or there is none.
    """
    if spec.size is not None:
        return to_size(spec.size)
    if not spec.reduce_only:
        raise OrderInvalid("an order that does not only reduce needs a size")
    return -position


def _terms(spec: OrderSpec, size: int, situation: Situation) -> Terms | None:
    match spec:
        case Limit():
            return Terms(kind=OrderKind.LIMIT, trigger_price=_price(spec.price, "price"))
        case Stop():
            return Terms(kind=OrderKind.STOP, trigger_price=_price(spec.price, "price"))
        case TrailingStop():
            distance = to_fixed(spec.distance, 4, "distance")
            if not 0 < distance < 10**6:
                raise AmountInvalid("distance", spec.distance, "not between 0% and 100%")
            return Terms(kind=OrderKind.TRAILING_STOP, distance=distance)
        case Twap():
            return _twap(spec, size, situation)
        case Bracket():
            return _bracket(spec, size, situation.price)
        case _:
            return None


def _bracket(spec: Bracket, size: int, latest: int) -> Terms:
    stop, target = _price(spec.stop_price, "stop price"), _price(spec.target_price, "target price")
    if spec.reduce_only:
        raise OrderInvalid("a bracket opens a position: it cannot only reduce")
    if (stop < target) != (size > 0) or stop == target:
        raise OrderInvalid("the stop of a buy lies under its target, that of a sale above it")
    limit = 0 if spec.price is None else _price(spec.price, "price")
    entry, entered_at = (limit, "the entry's limit") if limit else (latest, "the latest price")
    for exit_, name, is_under in ((stop, "stop", size > 0), (target, "target", size < 0)):
        if entry and (exit_ >= entry if is_under else exit_ <= entry):
            side, where = "buy" if size > 0 else "sale", "under" if is_under else "above"
            raise OrderInvalid(
                f"the {name} of a {side} has to lie {where} {entered_at} {from_wad(entry):f}, not at "
                f"{from_wad(exit_):f}: the position would be left at once"
            )
    return Terms(kind=OrderKind.BRACKET, trigger_price=limit, stop_price=stop, target_price=target)


def _twap(spec: Twap, size: int, situation: Situation) -> Terms:
    seconds = spec.interval
    if isinstance(seconds, timedelta):
        seconds = _seconds(seconds, "interval")
    if spec.slices < 2:
        raise OrderInvalid("a TWAP has two slices at least")
    interval = _whole(seconds, 32, "interval")
    if interval < situation.min_interval:
        raise AmountInvalid("interval", seconds, f"under the {situation.min_interval} s in which a slice may fill")
    slices = _whole(spec.slices, 16, "slices")
    first = abs(size) // slices
    after = abs(situation.position + (first if size > 0 else -first))
    if not spec.reduce_only and after < situation.min_size and (after or not first):
        raise OrderInvalid(
            f"a slice of {from_wad(first):f} would be lost: it would leave a position of {from_wad(after):f}, under "
            f"the market's minimum of {from_wad(situation.min_size):f}"
        )
    return Terms(kind=OrderKind.TWAP, slices=slices, interval=interval)


def _acceptable(spec: OrderSpec, size: int, terms: Terms | None, quote: int | None) -> int:
    if spec.acceptable_price is not None:
        return to_unsigned(spec.acceptable_price, 18, 128, "acceptable price")
    unbounded = _UNBOUNDED if size > 0 else 0
    slippage = None if spec.slippage is None else to_decimal(spec.slippage, "slippage")
    origin = quote
    if terms is not None and terms.kind in (OrderKind.LIMIT, OrderKind.BRACKET) and terms.trigger_price:
        if slippage is not None:
            raise OrderInvalid("a limit fills at its price or better: it has no slippage")
        return terms.trigger_price
    if terms is None or terms.kind is OrderKind.BRACKET:
        slippage = _DEFAULT_SLIPPAGE if slippage is None else slippage
    elif terms.kind is OrderKind.STOP:
        origin = terms.trigger_price
        if slippage is None and not spec.reduce_only:
            slippage = _DEFAULT_SLIPPAGE
    elif terms.kind is OrderKind.TRAILING_STOP and slippage is not None:
        raise OrderInvalid(
            "where a trailing stop triggers is not known: give an acceptable price instead of a slippage"
        )
    if slippage is None:
        return unbounded
    if origin is None:
        raise OrderInvalid("a slippage needs a quote to count from")
    share = to_fixed(slippage, 16, "slippage")
    if not 0 <= share <= _WAD:
        raise AmountInvalid("slippage", spec.slippage, "not between 0% and 100%")
    # Nearer to the quote than the exact bound by less than a wei.
    return origin * (_WAD + share) // _WAD if size > 0 else -(-origin * (_WAD - share) // _WAD)


def _expiry(spec: OrderSpec, now: int) -> int:
    if spec.expires is None:
        return now + _DELAYED_SECONDS if fills_at_once(spec) else NEVER
    return to_time(spec.expires, now)


def to_time(expires: int | datetime | timedelta, now: int) -> int:
    """Return the time of an expiry [Unix s]."""
    if isinstance(expires, timedelta):
        return _whole(now + _seconds(expires, "expiry"), 40, "expiry")
    if isinstance(expires, datetime):
        if expires.tzinfo is None:
            raise OrderInvalid("an expiry needs a time zone")
        return _whole(int(expires.timestamp()), 40, "expiry")
    return _whole(expires, 40, "expiry")


def _seconds(length: timedelta, name: str) -> int:
    if length <= timedelta(0) or length.microseconds:
        raise AmountInvalid(name, str(length), "not a positive number of whole seconds")
    return length // timedelta(seconds=1)


def _price(value: Amount, name: str) -> int:
    price = to_unsigned(value, 18, 96, name)
    if price == 0:
        raise AmountInvalid(name, value, "zero")
    return price


def _whole(value: object, bits: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**bits:
        raise AmountInvalid(name, value, f"not a whole number from 0 to {2**bits - 1}")
    return value
