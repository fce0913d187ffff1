"""Portfolio margin is a norm, for any number of markets: lemmas over the reals, each step of an induction.

``h`` is a market's hedgeable part, ``b`` its loadings on three factors, ``s`` a shock, ``z`` its signed margin. Of the
markets so far, ``S = sum h |z|``, ``X_k = sum b_k z``, ``Q`` is the square under the root and ``loss`` a joint loss.
"""

from __future__ import annotations

from typing import Final

from z3 import Reals

from tests.proofs.statement import Statement, magnitude, maximum

__all__ = ["LEMMAS"]

h, g, z, y, s, S, Q, T, t = Reals("h g z y s S Q T t")
b1, b2, b3, c1, c2, c3, X1, X2, X3 = Reals("b1 b2 b3 c1 c2 c3 X1 X2 X3")
A, B, P, u, v, N, f, k, own = Reals("A B P u v N f k own")
loss, loss_f, loss_k = Reals("loss loss_f loss_k")

_B2: Final = b1**2 + b2**2 + b3**2
_C2: Final = c1**2 + c2**2 + c3**2
_BC: Final = b1 * c1 + b2 * c2 + b3 * c3
_EXPOSED: Final = (X1 + b1 * z) ** 2 + (X2 + b2 * z) ** 2 + (X3 + b3 * z) ** 2
_BX: Final = b1 * X1 + b2 * X2 + b3 * X3


LEMMAS: Final[dict[str, Statement]] = {
    # ---- (a) M(z) <= sum |z|
    "the square grows by the new market's own and by what it shares": Statement(
        _EXPOSED + own + (h**2 - _B2) * z**2 == X1**2 + X2**2 + X3**2 + own + h**2 * z**2 + 2 * z * _BX,
        mutants={"own risk is h^2": _EXPOSED + h**2 * z**2 == X1**2 + X2**2 + X3**2 + h**2 * z**2 + 2 * z * _BX},
    ),
    "Lagrange: what Cauchy and Schwarz leave is a sum of squares": Statement(
        (b1 * c2 - b2 * c1) ** 2 + (b1 * c3 - b3 * c1) ** 2 + (b2 * c3 - b3 * c2) ** 2 == _B2 * _C2 - _BC**2,
        mutants={"two factors": (b1 * c2 - b2 * c1) ** 2 == _B2 * _C2 - _BC**2},
    ),
    "two markets share at most the product of their hedgeable parts": Statement(
        magnitude(P) <= h * g,
        {"|b|^2 <= h^2": h**2 >= A, "|c|^2 <= g^2": g**2 >= B, "Cauchy and Schwarz": P**2 <= A * B},
        (h >= 0, g >= 0, A >= 0, B >= 0),
    ),
    "a new market shares at most h S with all markets so far": Statement(
        magnitude(T + P * y) <= h * (S + g * magnitude(y)),
        {"so far": magnitude(T) <= h * S, "with the next": magnitude(P) <= h * g},
    ),
    "the square stays under S^2": Statement(
        Q + 2 * z * T + h**2 * z**2 <= (S + h * magnitude(z)) ** 2,
        {"so far": Q <= S**2, "shared": magnitude(T) <= h * S},
        (h >= 0, S >= 0),
    ),
    "a joint loss stays under S": Statement(
        magnitude(loss - s * z) <= S + h * magnitude(z),
        {"so far": magnitude(loss) <= S, "|s| <= h": magnitude(s) <= h},
        (h >= 0, S >= 0),
    ),
    # ---- (g) the square is not negative
    "the square is not negative": Statement(
        _EXPOSED + own + (h**2 - _B2) * z**2 >= 0,
        {"|b|^2 <= h^2": h**2 >= _B2, "own risk so far": own >= 0},
    ),
    # ---- (b) one market
    "one market's square is (h z)^2": Statement(
        (b1 * z) ** 2 + (b2 * z) ** 2 + (b3 * z) ** 2 + (h**2 - _B2) * z**2 == (h * z) ** 2,
        mutants={"own risk is h^2": (b1 * z) ** 2 + (b2 * z) ** 2 + (b3 * z) ** 2 + (h * z) ** 2 == (h * z) ** 2},
    ),
    "one market's requirement is |z|": Statement(
        (1 - h) * magnitude(z) + maximum(h * magnitude(z), -s * z) == magnitude(z), {"|s| <= h": magnitude(s) <= h}
    ),
    # ---- (c) homogeneous
    "the square of t times a book is t^2 times the square": Statement(
        (t * X1 + b1 * (t * z)) ** 2
        + (t * X2 + b2 * (t * z)) ** 2
        + (t * X3 + b3 * (t * z)) ** 2
        + t**2 * own
        + (h**2 - _B2) * (t * z) ** 2
        == t**2 * (_EXPOSED + own + (h**2 - _B2) * z**2),
        mutants={
            "t": t * (_EXPOSED + own) == (t * X1 + b1 * t * z) ** 2 + (t * X2 + b2 * t * z) ** 2 + t * own,
        },
    ),
    "the larger of root and loss grows by t": Statement(
        maximum(t * f, t * loss) == t * maximum(f, loss), {"t >= 0": t >= 0}, (f >= 0,)
    ),
    # ---- (d) sub-additive
    "Cauchy and Schwarz, with one more coordinate": Statement(
        (P + u * v) ** 2 <= (A + u**2) * (B + v**2),
        {"so far": P**2 <= A * B, "A is a square": A >= 0, "B is a square": B >= 0},
    ),
    "Minkowski: the root of a sum of books is at most the sum of their roots": Statement(
        f + k >= N,
        {"Cauchy and Schwarz": P**2 <= A * B},
        (f >= 0, k >= 0, f**2 == A, k**2 == B, N**2 == A + 2 * P + B),
    ),
    "the larger of root and loss is sub-additive": Statement(
        maximum(N, loss) <= maximum(f, loss_f) + maximum(k, loss_k),
        {"the root is": f + k >= N, "the loss is": loss <= loss_f + loss_k},
    ),
    "the floor is sub-additive": Statement(
        (1 - h) * magnitude(z + y) <= (1 - h) * magnitude(z) + (1 - h) * magnitude(y), {"h <= 1": h <= 1}
    ),
    # ---- (e) covers each named loss
    "the requirement covers a named loss": Statement(
        N + maximum(f, loss) >= loss, {"the floor is not negative": N >= 0}, mutants={"no stress term": N + f >= loss}
    ),
    "the floor is not negative": Statement(N + (1 - h) * magnitude(z) >= 0, {"so far": N >= 0, "h <= 1": h <= 1}),
    # ---- and without an induction
    "two markets of three factors in one piece": Statement(
        (b1 * z + c1 * y) ** 2
        + (b2 * z + c2 * y) ** 2
        + (b3 * z + c3 * y) ** 2
        + (h**2 - _B2) * z**2
        + (g**2 - _C2) * y**2
        <= (h * magnitude(z) + g * magnitude(y)) ** 2,
        {"|b|^2 <= h^2": h**2 >= _B2, "|c|^2 <= g^2": g**2 >= _C2},
        (h >= 0, g >= 0),
    ),
    "three markets of one factor in one piece": Statement(
        (b1 * z + b2 * y + b3 * t) ** 2 + (h**2 - b1**2) * z**2 + (g**2 - b2**2) * y**2 + (k**2 - b3**2) * t**2
        <= (h * magnitude(z) + g * magnitude(y) + k * magnitude(t)) ** 2,
        {
            "the first": h**2 >= b1**2,
            "the second": g**2 >= b2**2,
            "the third": k**2 >= b3**2,
        },
        (h >= 0, g >= 0, k >= 0),
    ),
}
