"""The closed form of a partial liquidation, over the reals.

Closing the fraction ``c`` of each position costs ``K(c)``, with ``K(0) = 0`` and ``K(1) = C``. What follows holds of
each position, and so of their sum: a convex cost is at most ``c * C``, and what is left needs at most ``(1 - c) * MM``.
``x`` is a size, ``p`` the price, ``w`` the skew in the direction of the position, ``D`` the depth.
"""

from __future__ import annotations

from typing import Final

from z3 import And, ArithRef, Ints, Not, Reals

from tests.proofs.statement import Statement, maximum, minimum

__all__ = ["LEMMAS"]

x, p, w, D, c, E, MM, C, R, H, K = Reals("x p w D c E MM C R H K")
maker, taker, skew, m, growth, k = Reals("maker taker skew m growth k")
after, MM_after, saving, saving_after, penalty, reward, most, notional = Reals(
    "after MM_after saving saving_after penalty reward most notional"
)
equity, maintenance, target, cost, reward_wei, fraction = Ints("equity maintenance target cost reward_wei fraction")
size, closed = Ints("size closed")


def _impact(part: ArithRef | int) -> ArithRef:
    """Return `Pricing.closeCostUp` of a part of `x` before fees, without rounding: the fill's cost less its worth."""
    return -part * x * p * (2 * D + 2 * w - part * x) / (2 * D) + part * x * p


def _fee(part: ArithRef | int) -> ArithRef:
    """Return `Pricing.feeUp` on closing a part of a position `x` against a skew of the same sign."""
    making = minimum(part * x, skew)
    return (making * maker + (part * x - making) * taker) * p


def _required(size: ArithRef) -> ArithRef:
    """Return the margin of `size` with concentration, up to all of its notional."""
    return minimum(m * (1 + growth * size), 1) * size * p


_PART: Final = {"c >= 0": c >= 0, "c <= 1": c <= 1}
_CHARGE: Final = maximum(c * penalty, minimum(maximum(reward * c * notional, R), most))

_WAD: Final = 10**18
_UP: Final = -((-(target - equity + reward_wei) * _WAD) / (target - cost))

LEMMAS: Final[dict[str, Statement]] = {
    "impact is p (c^2 x^2 - 2 c x w) / 2D": Statement(
        _impact(c) * 2 * D == p * (c * c * x * x - 2 * c * x * w),
        given=(D > 0,),
        mutants={"without the size": _impact(c) * 2 * D == -2 * p * c * x * w},
    ),
    "impact of a part is at most that part of the impact": Statement(
        _impact(c) <= c * _impact(1), _PART, (D > 0, p >= 0), {"half of it": _impact(c) <= c * _impact(1) / 2}
    ),
    "fees of a part are at most that part of the fees": Statement(
        _fee(c) <= c * _fee(1), {"maker <= taker": maker <= taker, **_PART}, (x >= 0, p >= 0, skew >= 0, maker >= 0)
    ),
    "what is charged on top is at most that part of the penalty, and the least reward": Statement(
        c * penalty + R >= _CHARGE,
        {"reward <= penalty": reward * notional <= penalty, "c >= 0": c >= 0},
        (R >= 0, most >= R, penalty >= 0, notional >= 0),
    ),
    "what is left of a position needs at most that part of its margin": Statement(
        _required((1 - c) * x) <= (1 - c) * _required(x), _PART, (x >= 0, p >= 0, m > 0, growth >= 0)
    ),
    "what is left of a portfolio needs at most that part of its margin": Statement(
        after - saving_after <= (1 - c) * (MM - saving),
        {
            "each position": after <= (1 - c) * MM,
            "the saving is homogeneous": saving_after == (1 - c) * saving,
        },
    ),
    "the account ends with the target health": Statement(
        H * MM_after <= E - K - R,
        {
            "the fraction, up": c * (H * MM - C) >= H * MM - E + R,
            "convex": c * C >= K,
            "margin of what is left": MM_after <= (1 - c) * MM,
        },
        (H >= 1, MM >= 0),
        {"twice the target": 2 * H * MM_after <= E - K - R},
    ),
    # ---- over the integers
    "the fraction is rounded up, and above nothing": Statement(
        And(fraction > 0, fraction * (target - cost) >= (target - equity + reward_wei) * _WAD),
        {"the account is under water": equity < maintenance, "the target is at least that": maintenance <= target},
        (reward_wei >= 0, cost < target, fraction == _UP),
        {"above a wad": fraction > _WAD},
    ),
    "what is left after the costs is above nothing": Statement(
        target - cost >= 1, {"target > closeCost": Not(target <= cost)}
    ),
    "no more is closed than there is": Statement(
        closed <= size,
        {"the fraction is at most one": fraction <= _WAD},
        (size >= 0, fraction >= 0, (closed - 1) * _WAD < size * fraction),
    ),
}
