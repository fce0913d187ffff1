"""Intervals of integers, and that what is said of a product or a quotient holds: statements that z3 proves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from z3 import If, Ints, IntVal, Reals

from tests.proofs.statement import Statement, maximum, minimum

__all__ = ["LEMMAS", "Interval", "compare", "compute"]


@dataclass(frozen=True, slots=True)
class Interval:
    """All integers from `low` to `high`, both included."""

    low: int
    high: int

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        corners = [mine * its for mine in (self.low, self.high) for its in (other.low, other.high)]
        return Interval(min(corners), max(corners))

    def __truediv__(self, other: Interval) -> Interval:
        """Divide towards zero, by positive numbers."""
        if other.low <= 0:
            raise ZeroDivisionError(f"division by {other}")
        corners = [_towards_zero(mine, its) for mine in (self.low, self.high) for its in (other.low, other.high)]
        return Interval(min(corners), max(corners))

    def __mod__(self, other: Interval) -> Interval:
        """Return what is left of a division towards zero, by positive numbers."""
        if other.low <= 0:
            raise ZeroDivisionError(f"remainder by {other}")
        if self.low == self.high and other.low == other.high:
            return self - self / other * other
        return Interval(max(self.low, 1 - other.high) if self.low < 0 else 0, min(max(self.high, 0), other.high - 1))

    def join(self, other: Interval) -> Interval:
        """Return the least interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def meet(self, other: Interval) -> Interval | None:
        """Return what both hold, if anything."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None


def compute(operator: str, left: Interval, right: Interval) -> Interval:
    """Return what an operator makes of two intervals."""
    if operator == "<<":
        return left * Interval(1 << right.low, 1 << right.high)
    name = {"+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "%": "__mod__"}[operator]
    result = getattr(left, name)(right)
    assert isinstance(result, Interval)
    return result


def compare(operator: str, left: Interval, right: Interval) -> bool | None:
    """Return whether a comparison holds, None where it can be either way."""
    if operator in ("==", "!="):
        if left.meet(right) is None:
            return operator == "!="
        return (operator == "==") if left == right and left.low == left.high else None
    if operator in (">", ">="):
        left, right = right, left
    if operator in ("<", ">"):
        return True if left.high < right.low else False if left.low >= right.high else None
    return True if left.high <= right.low else False if left.low > right.high else None


def _towards_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


x, y, a, b, c, d = Reals("x y a b c d")
n, low, high, divisor = Ints("n low high divisor")
_WITHIN: Final = {"a <= x": a <= x, "x <= b": x <= b, "c <= y": c <= y, "y <= d": y <= d}
_CORNERS: Final = (a * c, a * d, b * c, b * d)
_QUOTIENT: Final = If(n >= 0, n / divisor, -(-n / divisor))

LEMMAS: Final[dict[str, Statement]] = {
    "a product is at most its largest corner": Statement(x * y <= maximum(*_CORNERS), _WITHIN),
    "a product is at least its smallest corner": Statement(x * y >= minimum(*_CORNERS), _WITHIN),
    "a difference is at most that of the ends": Statement(
        x - y <= b - c, {"x <= b": x <= b, "c <= y": c <= y}, mutants={"of the lower ends": x - y <= a - c}
    ),
    "a quotient towards zero grows with what is divided": Statement(
        If(high >= 0, high / divisor, -(-high / divisor)) >= _QUOTIENT, {"n <= high": n <= high}, (divisor > 0,)
    ),
    "a quotient towards zero is no further from zero": Statement(
        If(n >= 0, n, IntVal(0)) >= _QUOTIENT, {"a divisor of at least one": divisor >= 1}
    ),
}
