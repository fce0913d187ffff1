"""Recipes: read and built unchanged they are the same trace, and what changes stays consistent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from steelyard.evm.chain import START
from steelyard.fuzz.actors import ALICE, ANY_BUY, KIM, KIMS, WAD, account_of
from steelyard.fuzz.pair import Step
from steelyard.fuzz.recipe import decoded_update, numbers, renamed, shortened, with_numbers
from tests.unit.fuzz.traces import played

if TYPE_CHECKING:
    from steelyard.fuzz.recipe import Action, Grammar, Name
    from steelyard.parameters import SystemParameters

ACCOUNT = account_of(ALICE)


def _update(feed: str, price: int, published: int) -> str:
    value = Price(price * 10**8, 0, -8, published)
    return encode_update(PriceFeed(feed, value, value), published - 1)


def _waited(action: Action, seconds: int) -> Action:
    values = [number.value for number in numbers(action)]
    return with_numbers(action, [seconds, *values[1:]])


@pytest.mark.evm
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_grammar__trace_of_a_campaign__is_built_as_it_was_read(grammar: Grammar, seed: int) -> None:
    trace = played(seed, 1_000)
    recipe = grammar.read(trace)
    assert grammar.build(recipe) == trace
    again = tuple(with_numbers(action, [number.value for number in numbers(action)]) for action in recipe)
    assert again == recipe


@pytest.fixture
def orders(parameters: SystemParameters) -> tuple[Step, ...]:
    """Return an order, its settlement 3 seconds later, and a trade at the price of that."""
    order = (ACCOUNT, 0, 7, START + 10 + 60, 5 * WAD, ANY_BUY, 0, False)
    data = (_update(parameters.markets[0].oracle.feed, 39_000, START + 13),)
    trade = (ACCOUNT, 0, -WAD, 39_000 * WAD, 0, 0, 0, False, True)
    return (
        Step(ALICE, "OrderBook", "commit", (order,), wait=10),
        Step(KIM, "OrderBook", "settle", (order, KIMS, data), value=parameters.pyth.update_fee, wait=3),
        Step(KIM, "Clearinghouse", "trade", (trade,)),
    )


def test_grammar__wait_before_an_order__moves_all_times_with_it(grammar: Grammar, orders: tuple[Step, ...]) -> None:
    commit, settle, trade = grammar.read(orders)
    built = grammar.build((_waited(commit, 0), settle, trade))
    order = built[0].args[0]
    assert order[3] == START + 60
    assert built[1].args[0] == order
    decoded: Any = decoded_update(built[1].args[2][0])
    assert decoded[0][1][3] == START + 3


def test_grammar__fields_of_an_order__are_settled_as_committed(grammar: Grammar, orders: tuple[Step, ...]) -> None:
    commit, settle, trade = grammar.read(orders)
    values = [number.value for number in numbers(commit)]
    smaller = with_numbers(
        commit, [WAD if value == 5 * WAD else value - 7 if value == 7 else value for value in values]
    )
    built = grammar.build((smaller, settle, trade))
    assert built[0].args[0][2:5:2] == (0, WAD)
    assert built[1].args[0] == built[0].args[0]


def test_grammar__published_price__is_the_one_of_the_trade(grammar: Grammar, orders: tuple[Step, ...]) -> None:
    commit, settle, trade = grammar.read(orders)
    values = [number.value for number in numbers(settle)]
    cheaper = with_numbers(settle, [30_000 * 10**8 if value == 39_000 * 10**8 else value for value in values])
    assert grammar.build((commit, cheaper, trade))[2].args[0][3] == 30_000 * WAD


def test_grammar__settlement_without_its_commit__keeps_its_own_order(
    grammar: Grammar, orders: tuple[Step, ...]
) -> None:
    _, settle, trade = grammar.read(orders)
    built = grammar.build((replace(settle, wait=replace(settle.wait, value=13)), trade))
    assert built[0] == orders[1]._replace(wait=13)


def test_renamed__market__takes_its_feed_along(
    grammar: Grammar, orders: tuple[Step, ...], parameters: SystemParameters
) -> None:
    def naming(name: Name) -> Name:
        return replace(name, value=1) if name.kind == "market" else name

    built = grammar.build(tuple(renamed(action, naming) for action in grammar.read(orders)))
    decoded: Any = decoded_update(built[1].args[2][0])
    assert decoded[0][0] == parameters.markets[1].oracle.feed
    assert [step.args[0][1] for step in built] == [1, 1, 1]


def test_shortened__multicall__gives_each_call_and_each_call_less(grammar: Grammar, rehearsal: Any) -> None:
    world = rehearsal.stage.model()
    data = tuple(
        world.calldata("Clearinghouse", function, args)
        for function, args in (("deposit", (ACCOUNT, 5)), ("transfer", (ACCOUNT, ACCOUNT + 1, 6)))
    )
    (action,) = grammar.read((Step(ALICE, "Clearinghouse", "multicall", (data,)),))
    built = [grammar.build((shorter,))[0] for shorter in shortened(action)]
    assert [step.args for step in built] == [
        (ACCOUNT, 5),
        (ACCOUNT, ACCOUNT + 1, 6),
        ((data[1],),),
        ((data[0],),),
    ]
    assert [step.function.partition("(")[0] for step in built] == ["deposit", "transfer", "multicall", "multicall"]


def test_shortened__update_of_two_markets__drops_market_and_update_together(
    grammar: Grammar, parameters: SystemParameters
) -> None:
    feeds = [market.oracle.feed for market in parameters.markets]
    data = tuple(_update(feed, 100, START) for feed in feeds[:2])
    step = Step(KIM, "PriceOracle", "update", ((0, 1), data), value=2 * parameters.pyth.update_fee)
    built = [grammar.build((shorter,))[0] for shorter in shortened(grammar.read((step,))[0])]
    assert [(one.args, one.value) for one in built] == [
        (((1,), (data[1],)), parameters.pyth.update_fee),
        (((0,), (data[0],)), parameters.pyth.update_fee),
    ]
