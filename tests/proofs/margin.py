"""Margins with the contracts' rounding: over the integers, amounts in wei and parameters in 1e-4.

``z`` is a position's signed margin, ``h`` its hedgeable part, ``hedgeable = sum h |z|``, ``risk = max(root up, loss)``;
each inequality is of one position or step, so that it adds up for any number of markets.
"""

from __future__ import annotations

from typing import Final

from z3 import And, ArithRef, If, Ints, IntVal, Or, Reals

from tests.proofs.statement import Statement, magnitude, maximum, minimum

__all__ = ["LEMMAS"]

_ONE: Final = 10**4
_MAX_HEDGEABLE: Final = 9_900
_MAX_FRACTION: Final = 8_000

r, Q, S, hedgeable, risk, total, saving, loss, h, z = Ints("r Q S hedgeable risk total saving loss h z")
r2, r3, total2, total3, hedgeable2, hedgeable3, t = Ints("r2 r3 total2 total3 hedgeable2 hedgeable3 t")
value, product, m, ratio, growth, fraction, scaled = Ints("value product m ratio growth fraction scaled")
initial, maintenance, extra, owed, least, floor = Ints("initial maintenance extra owed least floor")
root, square, cap = Ints("root square cap")
x, c, m_, e, d = Reals("x c m_ e d")


def _up(numerator: ArithRef, denominator: int) -> ArithRef:
    """Return ``ceil(numerator / denominator)``; z3's division by a positive constant is down."""
    return -((-numerator) / IntVal(denominator))


def _needed(total: ArithRef, hedgeable: ArithRef, risk: ArithRef) -> ArithRef:
    """Return what ``Portfolio.savingDown`` leaves of margins that add up to `total`."""
    return total - (hedgeable - risk) / IntVal(_ONE)


_IS_ROOT: Final = And(r >= 0, r * r >= Q, Or(r == 0, (r - 1) * (r - 1) < Q))
_grown_initial = minimum(ratio * growth, IntVal(_ONE**2))
_grown = minimum(m * growth, IntVal(_ONE**2))


LEMMAS: Final[dict[str, Statement]] = {
    # ---- (a) nothing underflows, and portfolio <= cross
    "the root, rounded up, is at most an integer that it is at most": Statement(
        r <= S, {"the square": Q <= S * S}, (_IS_ROOT, S >= 0)
    ),
    "the larger risk is known from its square": Statement(
        If(loss * loss < Q, r, loss) == maximum(r, loss), {"a loss is at least nothing": loss >= 0}, (_IS_ROOT,)
    ),
    "the saving is not negative": Statement(
        (hedgeable - risk) / IntVal(_ONE) >= 0, {"risk is at most what is hedgeable": risk <= hedgeable}
    ),
    "a position adds at most 99% of its margin to what is hedgeable": Statement(
        hedgeable + h * z <= _MAX_HEDGEABLE * (total + z),
        {"so far": hedgeable <= _MAX_HEDGEABLE * total, "h <= 0.99": h <= _MAX_HEDGEABLE},
        (z >= 0,),
    ),
    "the saving is less than the margins added up": Statement(
        Or(total == 0, (hedgeable - risk) / IntVal(_ONE) < total),
        {"at most 99%": hedgeable <= _MAX_HEDGEABLE * total, "risk": risk >= 0},
        (total >= 0,),
    ),
    "cross margin of a position is at least the margin that nets": Statement(
        _up(product, 10**26) >= scaled / IntVal(10**22),
        {"value * min(ratio * growth, 1) >= value * m * 1e4": product >= _ONE * scaled},
    ),
    "a grown ratio is at least the market's": Statement(
        _grown_initial >= m * _ONE,
        {"growth >= 1": growth >= _ONE, "ratio >= m": ratio >= m, "m <= 1": m <= _ONE},
        (m >= 0,),
    ),
    "maintenance margin of a position is at least its fraction of the margin that nets": Statement(
        _up(product, 10**30) >= (scaled / IntVal(10**22)) * fraction / IntVal(_ONE),
        {"value * min(m * growth, 1) * k >= value * m * k * 1e4": product >= _ONE * scaled * fraction},
        (scaled >= 0, fraction >= 0, fraction <= _MAX_FRACTION),
    ),
    "the saving at maintenance is at most the maintenance margins": Statement(
        saving * fraction / IntVal(_ONE) <= maintenance,
        {"the saving": saving <= total, "of all positions": _ONE * maintenance >= fraction * total},
        (saving >= 0, total >= 0, fraction >= 0),
    ),
    "portfolio initial margin is at most cross": Statement(
        maximum(initial - saving, maintenance - owed) <= initial,
        {"saving >= 0": saving >= 0, "saving at maintenance >= 0": owed >= 0, "cross": maintenance <= initial},
    ),
    # ---- (b) one market
    "one market saves nothing, to the wei": Statement(
        (h * magnitude(z) - maximum(r, loss)) / IntVal(_ONE) == 0,
        {"the square is (h z)^2": h * z * h * z == Q, "the loss is at most h |z|": loss <= h * magnitude(z)},
        (_IS_ROOT, h >= 0),
    ),
    # ---- (c) homogeneous: `t` times the book needs `t` times as much, less up to t + 1 wei
    "t times the book needs at most t times as much": Statement(
        _needed(t * total, t * hedgeable, r2) <= t * _needed(total, hedgeable, r),
        {"the larger root, up": r2 <= t * r, "t >= 0": t >= 0},
    ),
    "t times the book needs at least t times as much, but for rounding": Statement(
        _needed(t * total, t * hedgeable, r2) >= t * _needed(total, hedgeable, r) - t,
        {"the larger root, up": r2 >= t * (r - 1), "t >= 0": t >= 0},
    ),
    # ---- (d) sub-additive, to the wei
    "two books never need more together, to the wei": Statement(
        _needed(total3, hedgeable3, r3) <= _needed(total, hedgeable, r) + _needed(total2, hedgeable2, r2),
        {
            "the floors are": _ONE * total3 - hedgeable3 <= _ONE * (total + total2) - hedgeable - hedgeable2,
            "the risks are": r3 <= r + r2,
        },
    ),
    "rounding the roots up keeps them sub-additive": Statement(
        r3 <= r + r2, {"real roots": d <= x + c}, (d > r3 - 1, x <= r, c <= r2)
    ),
    # ---- (e) covers each named loss, to the wei
    "the requirement covers each named loss, to the wei": Statement(
        _ONE * _needed(total, hedgeable, maximum(r, loss)) >= loss,
        {"at most 99% is hedgeable": hedgeable <= _MAX_HEDGEABLE * total},
        (total >= 0,),
        {"the saving ignores losses": _ONE * _needed(total, hedgeable, r) >= loss},
    ),
    # ---- (i) initial >= maintenance
    "initial margin of a position is at least its maintenance margin": Statement(
        _up(value, 10**26) >= _up(product * fraction, 10**30),
        {"ratio": product <= value, "k <= 0.8": fraction <= _MAX_FRACTION},
        (product >= 0,),
    ),
    "the grown initial ratio is at least the grown ratio": Statement(
        _grown_initial >= _grown, {"ratio >= m": ratio >= m}, (growth >= 0,)
    ),
    "a ratio that volatility raises is at least the market's": Statement(
        If(square >= cap * cap, cap, root) >= m,
        {
            "isVolatile": value > m * m * 10**14,
            "m <= 1": m <= _ONE,
        },
        (
            m >= 1,
            cap == minimum(4 * m, IntVal(_ONE)),
            square == _up(value, 10**14),
            And(root >= 0, root * root >= square, (root - 1) * (root - 1) < square),
        ),
    ),
    "the floors keep initial margin the larger one": Statement(
        maximum(initial, floor) >= maximum(maintenance, least),
        {"before the floors": initial >= maintenance, "minInitialMargin >= 5 minReward": floor >= 5 * least},
        (least >= 0,),
    ),
    "a portfolio's initial margin is at least its maintenance margin": Statement(
        maximum(initial - saving, maintenance - owed) >= maintenance - owed,
        mutants={"without the maximum": initial - saving >= maintenance - owed},
    ),
}
