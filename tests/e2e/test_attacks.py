"""Attacks that the contracts once allowed, replayed on contracts and model: each must fail now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.evm.machine import Machine
from steelyard.fuzz.scenario import ALICE, ANY_BUY, BOB, KIM, KIMS, OSCAR, TOKEN, WAD, Scenario, account_of
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.parameters import SystemParameters

BTC, ETH, SOL = range(3)
ALICES, BOBS = account_of(ALICE), account_of(BOB)
TRADE = 1


@pytest.fixture
def exchange(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Iterator[Scenario]:
    """Give an exchange with prices, a funded pool, and tokens in everybody's hands."""
    with Stage.built(Machine(artefacts, abi), parameters).pair() as pair:
        scenario = Scenario(pair)
        scenario.open()
        yield scenario


def _trade(exchange: Scenario, account: int, market: int, size: int, *, keeper: int = KIMS, fee: int = 0) -> str:
    exchange.freshen()
    worst = ANY_BUY if size > 0 else 0
    order = (account, market, size, exchange.price(market), worst, keeper, fee, False, True)
    error = exchange.call(KIM, "Clearinghouse", "trade", order).error
    return error.name if error else ""


def test_straddle_from_an_empty_account__keeper_settles__uses_both_orders_up(exchange: Scenario) -> None:
    """Commit both ways without a margin, wait, fund and settle what won: an option for nothing.

    A keeper's settlement reverted for want of margin, and the commitment survived until its owner liked it.
    """
    orders = [exchange.order(ALICES, BTC, size * WAD, slot=slot) for slot, size in enumerate((100, -100))]
    for order in orders:
        assert exchange.commit(order).ok
    for order in orders:
        settled = exchange.settle(order)
        assert settled.ok
        assert [event.name for event in settled.events if event.contract == "OrderBook"] == ["OrderFailed"]
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 1_000_000 * TOKEN)
    for order in orders:
        exchange.orders[order[0], order[2]] = order, exchange.now
        error = exchange.settle(order).error
        assert error is not None
        assert error.name == "OrderUnknown"


def test_order_with_an_unreachable_price__keeper_settles__is_used_up(exchange: Scenario) -> None:
    """An acceptable price out of reach made an order fail until the oracle's price had moved far enough."""
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 100_000 * TOKEN)
    order = exchange.order(ALICES, BTC, WAD, acceptable=exchange.price(BTC) - WAD)
    assert exchange.commit(order).ok
    settled = exchange.settle(order)
    assert settled.ok
    assert [event.name for event in settled.events if event.contract == "OrderBook"] == ["OrderFailed"]
    assert exchange.pair.get("OrderBook", "commitmentOf", ALICES, 0)[0] == 0
    assert exchange.open_markets(ALICES) == []


def test_operator_who_may_trade__keeper_fee_for_himself__is_bounded(exchange: Scenario) -> None:
    """An operator committed a tiny order whose keeper fee was all that the owner had, and settled it himself."""
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 100_000 * TOKEN)
    exchange.must(ALICE, "Clearinghouse", "setOperator", OSCAR, TRADE, exchange.now + 1_000)
    error = exchange.commit(exchange.order(ALICES, BTC, WAD // 1_000, fee=99_900 * WAD), OSCAR).error
    assert error is not None
    assert (error.name, error.args) == ("KeeperFeeExceeded", (99_900 * WAD, WAD))


def test_keeper_fee_for_the_owner__on_a_reduction__leaves_initial_margin(exchange: Scenario) -> None:
    """A reduction needed maintenance only, so a keeper fee to oneself took out what a withdrawal could not."""
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 50_000 * TOKEN)
    assert _trade(exchange, ALICES, BTC, 20 * WAD) == ""
    risk = exchange.risk(ALICES)
    assert risk is not None
    equity, initial, maintenance, _ = risk
    above_maintenance = equity - maintenance - 100 * WAD
    assert above_maintenance > equity - initial
    assert _trade(exchange, ALICES, BTC, -WAD // 1_000, keeper=account_of(ALICE, 1), fee=above_maintenance) == (
        "MarginInsufficient"
    )


def test_dust_position__drained_by_keeper_fees__farms_no_reward(exchange: Scenario) -> None:
    """Equity taken down to the least reward, then liquidated by oneself: the insurance fund paid the reward."""
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 100 * TOKEN)
    assert _trade(exchange, ALICES, BTC, 63 * WAD // 10_000) == ""
    drained = _trade(exchange, ALICES, BTC, -WAD // 1_000, keeper=account_of(ALICE, 1), fee=94 * WAD)
    assert drained == "MarginInsufficient"
    price = exchange.price(BTC)
    exchange.publish({BTC: price * 98 // 100, ETH: exchange.price(ETH), SOL: exchange.price(SOL)})
    error = exchange.call(ALICE, "Clearinghouse", "liquidate", ALICES, account_of(ALICE, 2)).error
    assert error is not None
    assert error.name == "AccountHealthy"


def test_uncertain_price_of_a_small_position__under_maintenance__shields_nobody(exchange: Scenario) -> None:
    """A speck of a market whose confidence widened kept a bankrupt account from being liquidated."""
    exchange.must(BOB, "Clearinghouse", "deposit", BOBS, 50_000 * TOKEN)
    assert _trade(exchange, BOBS, BTC, 20 * WAD) == ""
    assert _trade(exchange, BOBS, SOL, 2 * WAD // 10) == ""
    exchange.publish({SOL: exchange.price(SOL)}, confidence=15_000)
    exchange.publish({BTC: exchange.price(BTC) * 95 // 100, ETH: exchange.price(ETH)})
    assert exchange.risk(BOBS) is None
    assert exchange.call(KIM, "Clearinghouse", "liquidate", BOBS, KIMS).ok


def test_settle__any_gas__fills_the_order_or_leaves_it(exchange: Scenario) -> None:
    """A keeper who withholds gas must not use up somebody's order: it is filled, or the transaction reverts.

    Sixty-three of sixty-four parts of the gas go to the fill; what is left could book its failure.
    """
    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, 100_000 * TOKEN)
    order = exchange.order(ALICES, BTC, WAD)
    assert exchange.commit(order).ok
    exchange.pair.wait(exchange.min_delay)
    exchange.pair.catch_up()
    machine = exchange.pair.chain
    assert isinstance(machine, Machine)
    committed = exchange.orders[order[0], order[2]][1] + exchange.min_delay
    update = exchange.update_data(BTC, exchange.price(BTC), at=exchange.now, previous=committed - 1)
    data = machine.abi.function("OrderBook", "settle").pack((order, KIMS, (update,)))
    address = machine.address("OrderBook")
    ends: set[str] = set()
    for gas in range(40_000, 420_000, 1_000):
        machine.snapshot()
        try:
            machine._evm.message_call(KIM, address, data, value=exchange.fee((update,)), gas=gas)
        except RuntimeError:
            ends.add("reverted")
        else:
            assert machine.view("Clearinghouse", "positionOf", ALICES, BTC) == (WAD, 0), f"used up with {gas} gas"
            ends.add("filled")
        machine.restore()
    assert ends == {"reverted", "filled"}
