"""No `unchecked` result of the margin libraries can leave its type, whatever the parameters within their bounds.

The libraries' own syntax trees are run on intervals, with the parameters' bounds read from `Bounds.sol` and the widths
from the words that hold prices, sizes and indices. Where intervals cannot tell enough, a proved statement does.
"""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol.libraries import liquidation, margin
from sim.protocol.libraries.portfolio import factor_risk_up, saving_down, stress_risk
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.mark import to_mark
from sim.protocol.types.market import MarketConfig, PortfolioConfig
from steelyard.fuzz.canaries.build import read_sources
from steelyard.fuzz.coverage.probes import syntax_trees
from tests.proofs.intervals import Interval
from tests.proofs.ranges import DoesNotFit, Ranges
from tests.proofs.test_statements import STATEMENTS
from tests.unit.protocol.strategies import market_configs, prices, risk_configs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sim.protocol.types.ledger import RiskConfig
    from tests.proofs.ranges import Node, Record

MARKETS: Final = 120
"""Bits of the bitmap of an account's markets."""
UNSIGNED: Final = Interval(0, 2**256)
PORTFOLIO: Final = "contracts/libraries/Portfolio.sol"
LIMIT: Final = "if (margin.abs() >= MAX_MARGIN) margin = 0;"

PROVED: Final = {
    "uint256(sums.own + factors[0] * factors[0] + factors[1] * factors[1] + factors[2] * factors[2])": (
        "norm: the square is not negative",
        UNSIGNED,
    ),
    "sums.hedgeable - risk": ("margin: the saving is not negative", UNSIGNED),
    "risk.initialMargin - saving": ("margin: portfolio initial margin is at most cross", UNSIGNED),
    "risk.maintenanceMargin -= netting.isMixed ? savingDown(_maintenanceOf(netting)) "
    ": saving * netting.fraction / 1e4": (
        "margin: the saving at maintenance is at most the maintenance margins",
        UNSIGNED,
    ),
    "target - closeCost": ("liquidation: what is left after the costs is above nothing", Interval(1, 2**256)),
    "uint256(fraction)": ("liquidation: the fraction is rounded up, and above nothing", UNSIGNED),
    "size - closed": ("liquidation: no more is closed than there is", UNSIGNED),
}
"""Expressions of which a statement tells more than their interval does."""

WIDTHS: Final = {
    "price": Interval(0, 2**96 - 1),
    "variance": Interval(0, 2**64 - 1),
    "size": Interval(1 - 2**97, 2**97 - 1),
    "shares": Interval(1 - 2**127, 2**127 - 1),
    "index": Interval(1 - 2**97, 2**97 - 1),
    "balance": Interval(-(2**127), 2**127 - 1),
    "markets": Interval(0, MARKETS),
}


@cache
def compiled(dropped: str = "") -> tuple[dict[str, Node], dict[str, str]]:
    """Return the syntax trees of libraries and types, and their texts, without a statement of `Portfolio`."""
    sources = {path: text for path, text in read_sources().items() if "/libraries/" in path or "/types/" in path}
    assert dropped in sources[PORTFOLIO]
    sources[PORTFOLIO] = sources[PORTFOLIO].replace(dropped, "") if dropped else sources[PORTFOLIO]
    return syntax_trees(sources), sources


class Engine:
    """The libraries on intervals.

    Parameters
    ----------
    widths : mapping of str to Interval, optional
        Other ones than `WIDTHS`, by name.
    without : str, optional
        Expression whose statement is not to be used.
    dropped : str, optional
        Statement that `Portfolio` is to be without.
    """

    def __init__(self, widths: Mapping[str, Interval] | None = None, without: str = "", dropped: str = "") -> None:
        self.widths = {**WIDTHS, **(widths or {})}
        lemmas = {text: held for text, (_, held) in PROVED.items() if text != without}
        trees, sources = compiled(dropped)
        inputs = {name: self.widths[name] for name in ("price", "variance")}
        self.ranges = Ranges(trees, sources, inputs, lemmas)
        self.market = self._bounded("Bounds.checkMarket")
        self.risk = self._bounded("Bounds.checkRisk")
        inputs["hedgeable"] = hedgeable = self._bounded("Bounds.checkPortfolio").fields["hedgeable"]
        inputs["signedAt"] = hedgeable.join(-hedgeable)

    def _bounded(self, function: str) -> Record:
        """Return parameters within the bounds that a function of `Bounds` holds them to."""
        config = self.ranges.new()
        for value, low, high in _checks(self.ranges.declared(function)):
            ends = [self.ranges.evaluate(end, config=config) for end in (low, high)]
            config.fields[value["memberName"]] = Interval(ends[0].low, ends[1].high)
        return config

    def account(self) -> Record:
        """Run `Margin` and `Portfolio` on an account with as many markets as there can be; return its risk."""
        call, widths = self.ranges.call, self.widths
        nothing = Interval(0, 0)
        risk = self.ranges.new(
            equity=widths["balance"], initialMargin=nothing, maintenanceMargin=nothing, notional=nothing
        )
        position = self.ranges.new(shares=widths["shares"], entryIndex=widths["index"])
        netting = call("Portfolio.start", widths["markets"])
        for _ in range(widths["markets"].high):
            call("Margin.add", risk, position, widths["size"], widths["index"], self.market, "mark")
            call("Portfolio.add", netting, widths["size"], widths["price"], self.market, "word")
        call("Portfolio.settle", netting, risk)
        floors = self.ranges.new(minInitialMargin=Interval(0, 2**16 - 1), minReward=Interval(0, 2**16 - 1))
        call("Margin.applyFloors", risk, floors)
        magnitude = Interval(0, widths["size"].high)
        call("Margin.maintenanceUp", self.market, magnitude, widths["price"])
        return risk

    def liquidate(self, risk: Record) -> None:
        """Run `Liquidation` on an account."""
        call, notional = self.ranges.call, risk.fields["notional"]
        penalty = call("Liquidation.penaltyUp", notional, self.risk)
        call("Liquidation.rewardDown", notional, self.risk)
        # Impact is at most the notional, either way, and fees are at most a hundredth of it.
        cost = penalty + (notional * Interval(2, 2)).join(-notional)
        equity, maintenance = risk.fields["equity"], risk.fields["maintenanceMargin"]
        fraction = call("Liquidation.fractionUp", equity, maintenance, cost, self.risk)
        assert fraction.high == 10**18
        call("Liquidation.isHealed", equity - penalty, maintenance, self.risk)
        magnitude = Interval(0, self.widths["size"].high)
        call("Liquidation.portionUp", magnitude, fraction, Interval(0, 2**48 * 10**9))


def _checks(function: Node) -> Iterator[tuple[Node, Node, Node]]:
    """Yield value, least and largest of the parameters that a function checks."""
    for statement in function["body"]["statements"]:
        called: dict[str, Any] = statement.get("expression") or {}
        if called.get("nodeType") == "FunctionCall" and called["arguments"][1]["nodeType"] == "MemberAccess":
            _, value, low, high = called["arguments"]
            yield value, low, high


def test_bounds__as_they_are__are_those_of_the_contract() -> None:
    engine = Engine()
    assert engine.market.fields["marginRatio"] == Interval(50, 10**4)
    assert engine.market.fields["maintenanceFraction"] == Interval(500, 8_000)
    assert engine.risk.fields["minInitialMargin"] == Interval(5, 60_000)
    assert len(engine.market.fields) == 10


def test_unchecked__largest_account__fits_and_uses_each_statement() -> None:
    engine = Engine()
    engine.liquidate(engine.account())
    assert engine.ranges.used == set(PROVED)
    assert {name for name, _ in PROVED.values()} <= set(STATEMENTS)


def test_unchecked__largest_account__stays_as_small_as_the_libraries_say() -> None:
    engine = Engine()
    engine.account()
    widest = {text: max(-held.low, held.high) for text, held in engine.ranges.checked.items()}
    assert widest["int256(word.hedgeable()) * margin"] < 2**118
    for at in range(3):
        assert widest[f"word.signedAt({16 + 16 * at}) * margin"] < 2**118
        assert widest[f"factors[{at}] += part"] < 2**125
    for at in range(8):
        assert widest[f"word.signedAt({64 + 16 * at}) * margin"] < 2**118
        assert widest[f"losses[{at}] -= word.signedAt({64 + 16 * at}) * margin"] < 2**125
    assert widest["sums.hedgeable += part.abs()"] < 2**125
    assert widest["risk * risk"] < 2**250
    assert max(widest.values()) < 2**252


@pytest.mark.parametrize("text", PROVED)
def test_unchecked__without_a_statement__does_not_fit(text: str) -> None:
    engine = Engine(without=text)
    with pytest.raises((DoesNotFit, ZeroDivisionError)):
        engine.liquidate(engine.account())


@pytest.mark.parametrize(
    ("name", "wider"),
    [
        ("price", Interval(0, 2**160)),
        ("size", Interval(-(2**160), 2**160)),
        ("shares", Interval(-(2**160), 2**160)),
        ("index", Interval(-(2**140), 2**140)),
        ("variance", Interval(0, 2**240)),
        ("markets", Interval(0, 700)),
    ],
)
def test_unchecked__wider_than_its_word__does_not_fit(name: str, wider: Interval) -> None:
    with pytest.raises(DoesNotFit):
        Engine({name: wider}).account()


def test_unchecked__without_the_limit_on_margins__overflows() -> None:
    with pytest.raises(DoesNotFit, match=r"part \* part"):
        Engine(dropped=LIMIT).account()
    largest = (2**97 - 1) * (2**96 - 1) * 10**4 // 10**22
    assert factor_risk_up([largest], [PortfolioConfig(9_900)])[1] ** 2 >= 2**255


def test_saving__of_a_loss_that_no_account_has__overflows() -> None:
    ranges = Engine().ranges
    sums = ranges.call("Portfolio.start", Interval(1, 1)).fields["initial"].item
    sums.fields["losses"].fields["7"] = Interval(0, 2**128)
    with pytest.raises(DoesNotFit, match=r"risk \* risk"):
        ranges.call("Portfolio.savingDown", sums)


# ---- the intervals themselves


def one(value: int) -> Interval:
    return Interval(value, value)


def hull(values: tuple[int, int]) -> Interval:
    return Interval(min(values), max(values))


def record(ranges: Ranges, *configs: Any) -> Record:
    """Return a struct whose fields hold those of one or two configs."""
    names = configs[0]._fields
    fields = {}
    for name in names:
        values = [getattr(config, name) for config in configs]
        camel = name.split("_")[0] + "".join(part.capitalize() for part in name.split("_")[1:])
        fields[camel] = Interval(min(values), max(values))
    return ranges.new(**fields)


sizes = st.integers(1 - 2**96, 2**96 - 1) | st.integers(-(10**21), 10**21)
variances = st.integers(0, 2**64 - 1) | st.integers(10**14, 10**17)
indices = st.integers(1 - 2**95, 2**95 - 1) | st.integers(-(10**18), 10**18)
positions = st.tuples(sizes, prices, variances, indices, market_configs())


def model_of(book: tuple[int, int, int, int, MarketConfig]) -> tuple[int, ...]:
    """Return what the exact model adds for a position."""
    size, price, variance, index, config = book
    risk = AccountRisk()
    margin.add(risk, Position(size, 0), size, index, config, to_mark(price, variance))
    return risk.as_tuple()


def range_of(*books: tuple[int, int, int, int, MarketConfig]) -> list[Interval]:
    """Return what the contract can add for positions between two."""
    lows = [Interval(min(column), max(column)) for column in zip(*(book[:4] for book in books), strict=True)]
    size, price, variance, index = lows
    ranges = Ranges(*compiled(), {"price": price, "variance": variance}, {})
    nothing = one(0)
    risk = ranges.new(equity=nothing, initialMargin=nothing, maintenanceMargin=nothing, notional=nothing)
    position = ranges.new(shares=size, entryIndex=nothing)
    ranges.call("Margin.add", risk, position, size, index, record(ranges, *(book[4] for book in books)), "mark")
    return [risk.fields[name] for name in ("equity", "initialMargin", "maintenanceMargin", "notional")]


@given(positions)
def test_ranges__of_one_position__are_what_the_model_says(book: tuple[int, int, int, int, MarketConfig]) -> None:
    assert range_of(book) == [one(value) for value in model_of(book)]


@given(positions, positions)
def test_ranges__between_two_positions__hold_both(
    first: tuple[int, int, int, int, MarketConfig], second: tuple[int, int, int, int, MarketConfig]
) -> None:
    found = range_of(first, second)
    for book in (first, second):
        assert all(held.low <= value <= held.high for held, value in zip(found, model_of(book), strict=True))


@given(st.lists(st.integers(1 - 2**104, 2**104 - 1), max_size=5), st.integers(0, 9_900), st.data())
def test_ranges__of_some_markets__are_what_the_model_says(book: list[int], hedgeable: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(-isqrt(hedgeable**2 // 3), isqrt(hedgeable**2 // 3)))
    configs = [PortfolioConfig(hedgeable, (part,) * 3, (part,) * 8)] * len(book)
    ranges = Ranges(*compiled(), {"hedgeable": one(hedgeable), "signedAt": one(part)}, {})
    sums = ranges.call("Portfolio.start", one(len(book))).fields["initial"].item
    for z in book:
        ranges.call("Portfolio.include", sums, one(z), "word")
    square = ranges.call("Portfolio.factorSquare", sums)
    found = sums.fields["hedgeable"], ranges.call("FixedPoint.sqrtUp", square)
    assert found == tuple(map(one, factor_risk_up(book, configs) if book else (0, 0)))
    assert ranges.call("Portfolio.stressRisk", sums) == tuple(map(one, stress_risk(book, configs)))
    assert ranges.call("Portfolio.savingDown", sums) == one(saving_down(book, configs))


amounts = st.integers(-(2**140), 2**140)


@given(amounts, st.integers(0, 2**140), amounts, risk_configs())
def test_ranges__of_one_liquidation__are_what_the_model_says(
    equity: int, maintenance: int, cost: int, config: RiskConfig
) -> None:
    equity = min(equity, maintenance - 1)
    ranges = Ranges(*compiled(), {}, {})
    found = ranges.call("Liquidation.fractionUp", one(equity), one(maintenance), one(cost), record(ranges, config))
    assert found == one(liquidation.fraction_up(equity, maintenance, cost, config))
