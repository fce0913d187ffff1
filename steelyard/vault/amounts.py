"""Decimals at the edge, integers inside."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

import click

__all__ = ["SHARES", "TOKENS", "AmountParameter", "decimal_of"]

_UINT128_MAX: Final = 2**128 - 1
_DIGITS: Final = 39
"""Of the largest."""


class AmountParameter(click.ParamType):
    """A decimal amount above zero, exact: `1000`, `0.25`, `1_000_000`.

    Parameters
    ----------
    decimals : int
        Of the token; more digits than it has are refused, not rounded.
    """

    name = "amount"

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return units of the token."""
        if isinstance(value, int):
            return value
        try:
            amount = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no decimal number", param, ctx)
        if not amount.is_finite() or amount <= 0:
            self.fail(f"{value!r} is not above zero", param, ctx)
        # Magnitudes first: 1e-999999999 is never written out.
        is_fine = amount.adjusted() < -self.decimals
        exact = Fraction(0) if is_fine or amount.adjusted() > _DIGITS else Fraction(amount) * 10**self.decimals
        if is_fine or exact.denominator != 1:
            self.fail(f"{value!r} has more than {self.decimals} decimals", param, ctx)
        if not 0 < exact <= _UINT128_MAX:
            self.fail(f"{value!r} is too large", param, ctx)
        return int(exact)


TOKENS: Final = AmountParameter(6)
"""Of the settlement token."""

SHARES: Final = AmountParameter(18)
"""Of the pool."""


def decimal_of(units: int, decimals: int) -> str:
    """Return an amount as an exact decimal with thousands apart and no zeros at its end."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    whole, rest = divmod(units, 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{sign}{whole:,}{'.' if fraction else ''}{fraction}"
