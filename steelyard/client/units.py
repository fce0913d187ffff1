"""Amounts: `Decimal` outside, integers inside, exact both ways."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from steelyard.client.errors import AmountInvalid

__all__ = [
    "TOKEN_DECIMALS",
    "WAD_DECIMALS",
    "Amount",
    "from_fixed",
    "from_token",
    "from_wad",
    "text_of",
    "to_decimal",
    "to_fixed",
    "to_size",
    "to_token",
    "to_unsigned",
    "to_wad",
]

Amount: TypeAlias = Decimal | int | str
"""An exact number. A float is none: 0.1 would be 0.1000000000000000055511151231257827."""

WAD_DECIMALS = 18
TOKEN_DECIMALS = 6
_DIGITS_MAX = 200


def to_decimal(value: Amount, name: str) -> Decimal:
    """Return an amount as a number.

    Raises
    ------
    AmountInvalid
        It is a float, no number, or not finite.
    """
    if isinstance(value, float):
        raise AmountInvalid(name, value, "a float is not exact: give a Decimal, an int, or text")
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise AmountInvalid(name, value, "not a number")
    try:
        number = Decimal(value.replace("_", "").strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise AmountInvalid(name, value, "not a number") from None
    if not number.is_finite():
        raise AmountInvalid(name, value, "not a finite number")
    return number


def to_fixed(value: Amount, decimals: int, name: str) -> int:
    """Return an amount as an integer of `10**-decimals`.

    Raises
    ------
    AmountInvalid
        As of `to_decimal`, or it has more decimals than that.
    """
    number = to_decimal(value, name)
    sign, digits, exponent = number.as_tuple()
    if not any(digits):
        return 0
    shift = int(exponent) + decimals
    if len(digits) > _DIGITS_MAX or shift > _DIGITS_MAX:
        raise AmountInvalid(name, value, "out of range")
    magnitude = int("".join(map(str, digits)))
    if shift < 0:
        magnitude, rest = divmod(magnitude, 10**-shift) if shift > -10_000 else (0, 1)
        if rest:
            raise AmountInvalid(name, value, f"more than {decimals} decimals")
    else:
        magnitude *= 10**shift
    return -magnitude if sign else magnitude


def to_unsigned(value: Amount, decimals: int, bits: int, name: str) -> int:
    """Return an amount as an integer of `10**-decimals` from 0 to `2**bits - 1`.

    Raises
    ------
    AmountInvalid
        As of `to_fixed`, or it is negative or too large.
    """
    number = to_fixed(value, decimals, name)
    if number < 0:
        raise AmountInvalid(name, value, "negative")
    if number >= 2**bits:
        raise AmountInvalid(name, value, "out of range")
    return number


def to_size(value: Amount) -> int:
    """Return the size of a trade in wad, negative for a sale.

    Raises
    ------
    AmountInvalid
        As of `to_fixed`, or it is zero, or has more than 127 bits.
    """
    size = to_wad(value, "size")
    if size == 0:
        raise AmountInvalid("size", value, "zero")
    if not -(2**127) < size < 2**127:
        raise AmountInvalid("size", value, "out of range")
    return size


def from_fixed(value: int, decimals: int) -> Decimal:
    """Return an integer of `10**-decimals` as a number, without trailing zeros; never rounded."""
    while decimals and value % 10 == 0:
        value, decimals = value // 10, decimals - 1
    return Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -decimals))


def text_of(value: int, decimals: int = WAD_DECIMALS) -> str:
    """Return an integer of `10**-decimals` as JSON tells amounts: the exact decimal, as text."""
    return format(from_fixed(value, decimals), "f")


def to_wad(value: Amount, name: str) -> int:
    """Return an amount in wad: 18 decimals."""
    return to_fixed(value, WAD_DECIMALS, name)


def from_wad(value: int) -> Decimal:
    """Return an amount in wad as a number."""
    return from_fixed(value, WAD_DECIMALS)


def to_token(value: Amount, name: str) -> int:
    """Return an amount of the settlement token, not negative, in its units: 6 decimals."""
    return to_unsigned(value, TOKEN_DECIMALS, 128, name)


def from_token(value: int) -> Decimal:
    """Return units of the settlement token as a number."""
    return from_fixed(value, TOKEN_DECIMALS)
