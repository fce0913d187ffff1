"""What z3 finds once a bound of the parameters is dropped is real: the exact model shows the same.

The statements are over the integers, of books of two markets with one factor and one shock each, in 1e-4.
A bound that is dropped is one that `Bounds` holds.
"""

from __future__ import annotations

from typing import Final

import pytest
import z3

from sim.protocol.libraries import liquidation, margin, pricing
from sim.protocol.libraries.portfolio import factor_risk_up, saving_down
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.ledger import CENT, Ledger, RiskConfig
from sim.protocol.types.mark import to_mark
from sim.protocol.types.market import MarketConfig, PortfolioConfig
from tests.proofs.statement import Statement, counterexample, magnitude, prove

ONE: Final = 10**4
UNIT: Final = 10**18
"""What one of z3's small integers stands for [quote wad], so that rounding is nothing beside it."""

h, g, b, c, s, q, x, y, X, Y = z3.Ints("h g b c s q x y X Y")


def square(first: z3.ArithRef, second: z3.ArithRef) -> z3.ArithRef:
    """Return the square under the root of a book."""
    return (b * first + c * second) ** 2 + (h**2 - b**2) * first**2 + (g**2 - c**2) * second**2


HEDGEABLE: Final = h * magnitude(x) + g * magnitude(y)
LOSS: Final = -s * x - q * y
SMALL: Final = (
    *(z3.And(book >= -9, book <= 9) for book in (x, y, X, Y)),
    *(z3.And(part >= -20_000, part <= 20_000) for part in (b, c, s, q)),
    *(z3.And(part >= 0, part <= 20_000) for part in (h, g)),
)
LOADINGS: Final = {"|b| <= h": b**2 <= h**2, "|c| <= g": c**2 <= g**2}
SHOCKS: Final = {"|s| <= h": magnitude(s) <= h, "|q| <= g": magnitude(q) <= g}


def configs(found: dict[str, int]) -> list[PortfolioConfig]:
    """Return the markets of a counterexample."""
    return [
        PortfolioConfig(found.get(part, 0), (found.get(loading, 0), 0, 0), (found.get(shock, 0), *(0,) * 7))
        for part, loading, shock in (("h", "b", "s"), ("g", "c", "q"))
    ]


def margins(found: dict[str, int], *names: str) -> list[int]:
    """Return the book of a counterexample [quote wad]."""
    return [found.get(name, 0) * UNIT for name in names]


def needed(book: list[int], how: list[PortfolioConfig]) -> int:
    """Return what a book needs [quote wad]."""
    return sum(map(abs, book)) - saving_down(book, how)


@pytest.mark.parametrize("bound", LOADINGS)
def test_loadings__beyond_what_is_hedgeable__save_less_than_nothing(bound: str) -> None:
    statement = Statement(square(x, y) <= HEDGEABLE**2, LOADINGS, SMALL)
    prove(statement)
    found = counterexample(statement.without(bound))
    assert saving_down(margins(found, "x", "y"), configs(found)) < 0


@pytest.mark.parametrize("bound", LOADINGS)
def test_loadings__beyond_what_is_hedgeable__have_no_root(bound: str) -> None:
    statement = Statement(square(x, y) >= 0, LOADINGS, SMALL)
    prove(statement)
    found = counterexample(statement.without(bound))
    with pytest.raises(ValueError, match="nonnegative"):
        factor_risk_up(margins(found, "x", "y"), configs(found))


@pytest.mark.parametrize("bound", SHOCKS)
def test_shocks__beyond_what_is_hedgeable__save_less_than_nothing(bound: str) -> None:
    statement = Statement(LOSS <= HEDGEABLE, SHOCKS, SMALL)
    prove(statement)
    found = counterexample(statement.without(bound))
    assert saving_down(margins(found, "x", "y"), configs(found)) < 0


def test_shock__beyond_what_is_hedgeable__makes_one_market_dearer_than_its_margin() -> None:
    statement = Statement(-s * x <= h * magnitude(x), {"|s| <= h": magnitude(s) <= h}, SMALL)
    prove(statement)
    found = counterexample(statement.without("|s| <= h"))
    assert saving_down(margins(found, "x"), configs(found)[:1]) < 0


def test_hedgeable__more_than_all__leaves_a_loss_uncovered() -> None:
    # One market needs |x|, whatever it nets.
    statement = Statement(
        ONE * magnitude(x) >= -s * x, {"h <= 1": h <= ONE, "|s| <= h": magnitude(s) <= h}, (*SMALL, y == 0)
    )
    prove(statement)
    found = counterexample(statement.without("h <= 1"))
    book, how = margins(found, "x"), configs(found)[:1]
    assert ONE * needed(book, how) < -how[0].shocks[0] * book[0]


@pytest.mark.parametrize("bound", LOADINGS)
def test_loadings__beyond_what_is_hedgeable__make_two_books_dearer_together(bound: str) -> None:
    one, two, both = square(x, y), square(X, Y), square(x + X, y + Y)
    # sqrt(both) <= sqrt(one) + sqrt(two), squared twice.
    rest = both - one - two
    statement = Statement(
        z3.Or(rest <= 0, rest**2 <= 4 * one * two), LOADINGS, (*SMALL, one >= 0, two >= 0, both >= 0, h == g, h <= ONE)
    )
    found = counterexample(statement.without(bound))
    how = configs(found)
    first, second = margins(found, "x", "y"), margins(found, "X", "Y")
    together = [one_leg + other for one_leg, other in zip(first, second, strict=True)]
    roots = [factor_risk_up(book, how)[1] for book in (first, second, together)]
    assert roots[2] > roots[0] + roots[1]


# ---- margins and liquidation

MARKET: Final = MarketConfig(10**9, 10_000, 1, 0, 0, 0, 1_000, 5_000)
RISK: Final = RiskConfig(100, 500, 10_000, 0, 0, 12_500, 0, 0)


def test_maintenance_fraction__above_one__asks_more_at_maintenance_than_at_first() -> None:
    value, fraction = z3.Ints("value fraction")
    statement = Statement(
        ONE * value >= value * fraction, {"k <= 0.8": fraction <= 8_000}, (fraction > 0, fraction < 2**16, value > 0)
    )
    prove(statement)
    found = counterexample(statement.without("k <= 0.8"))
    config = MARKET._replace(maintenance_fraction=found["fraction"])
    risk = AccountRisk()
    margin.add(risk, Position(), UNIT, 0, config, to_mark(found["value"] * UNIT))
    assert risk.maintenance_margin > risk.initial_margin


def test_floors__of_initial_under_maintenance__turn_them_round() -> None:
    floor, least = z3.Ints("floor least")
    statement = Statement(floor >= least, {"bound": floor >= 5 * least}, (least > 0, floor > 0, least < 2**16))
    prove(statement)
    found = counterexample(statement.without("bound"))
    risk = AccountRisk()
    margin.apply_floors(risk, Ledger(min_reward=found["least"], min_initial_margin=found["floor"]))
    assert risk.maintenance_margin > risk.initial_margin


def test_maker_fee__above_the_taker_fee__makes_a_part_cost_more_than_its_part() -> None:
    size, part, skew, maker, taker = z3.Ints("size part skew maker taker")
    small = z3.And(part > 0, part < size, size < 100, skew > 0, skew < 100, taker >= 0, taker <= ONE, maker <= ONE)

    def fee(closed: z3.ArithRef) -> z3.ArithRef:
        making = z3.If(closed < skew, closed, skew)
        return making * maker + (closed - making) * taker

    statement = Statement(fee(part) * size <= part * fee(size), {"maker <= taker": maker <= taker}, (small, maker >= 0))
    prove(statement)
    found = counterexample(statement.without("maker <= taker"))
    config = MARKET._replace(taker_fee=found["taker"], maker_fee=found["maker"])
    charged = [
        pricing.fee_up(config, -found[closed] * UNIT, 10**6 * UNIT, found["skew"] * UNIT) for closed in ("part", "size")
    ]
    assert charged[0] * found["size"] > charged[1] * found["part"]


def test_target_health__under_one__closes_nothing() -> None:
    equity, maintenance, health = z3.Ints("equity maintenance health")
    statement = Statement(
        maintenance * health - equity * ONE > 0,
        {"target >= 1": health >= ONE, "under water": equity < maintenance},
        (maintenance > 0, maintenance < 10**6, equity >= 0, health > 0),
    )
    prove(statement)
    found = counterexample(statement.without("target >= 1"))
    config = RISK._replace(target_health=found["health"], min_reward=0)
    assert liquidation.fraction_up(found["equity"] * UNIT, found["maintenance"] * UNIT, 0, config) <= 0


def test_least_reward__not_counted__leaves_the_account_short() -> None:
    equity, maintenance, cost, part = z3.Ints("equity maintenance cost part")
    least, health = RISK.min_reward, RISK.target_health
    left = 1_000 - part
    # In cents; `part` is the fraction in thousandths, the largest that does not overshoot.
    statement = Statement(
        (1_000 * (equity - least) - part * cost) * ONE >= maintenance * left * health,
        {
            "the least reward is missing, too": part * (health * maintenance - ONE * cost)
            >= 1_000 * (health * maintenance - ONE * (equity - least))
        },
        (
            part > 0,
            part < 1_000,
            cost >= 0,
            cost * ONE < health * maintenance,
            equity < maintenance,
            maintenance < 10**6,
            part * (health * maintenance - ONE * cost) >= 1_000 * (health * maintenance - ONE * equity),
        ),
    )
    prove(statement)
    found = counterexample(statement.without("the least reward is missing, too"))
    before, required, all_of_it = (found.get(name, 0) * CENT for name in ("equity", "maintenance", "cost"))
    assert liquidation.fraction_up(before, required, all_of_it, RISK) > found["part"] * 10**15
    after = before - least * CENT - all_of_it * found["part"] // 1_000
    assert not liquidation.is_healed(after, required * (1_000 - found["part"]) // 1_000, RISK)
