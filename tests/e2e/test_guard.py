"""Stale and selectable prices, tried on a market with a guard: contracts and model refuse the same things by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyrevm import AccountInfo

from sim.protocol.errors import PriceUnconfirmed
from sim.protocol.mocks.local_aggregator import Reply
from sim.protocol.revert import revert_data
from steelyard.evm.deployment import LIQUIDITY, STEWARD
from steelyard.evm.machine import Machine
from steelyard.fuzz.scenario import ALICE, BOB, KIM, KIMS, TOKEN, WAD, Scenario, account_of
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.protocol import Outcome
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.parameters import SystemParameters

pytestmark = pytest.mark.evm

BTC, ETH = range(2)
ALICES, SECOND, BOBS = account_of(ALICE), account_of(ALICE, 1), account_of(BOB)
MAX_AGE, MAX_DEVIATION, GRACE = 3_600, 100, 1_800
UNCONFIRMED = "PriceUnconfirmed"


@pytest.fixture
def exchange(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Iterator[Scenario]:
    """Give an exchange with a guard on bitcoin, a sequencer, and a position of Alice's that has won."""
    with Stage.built(Machine(artefacts, abi), parameters).scenario() as scenario:
        addresses = scenario.pair.addresses
        scenario.must(STEWARD, "PriceOracle", "setGuard", BTC, addresses["Aggregator0"], MAX_AGE, MAX_DEVIATION)
        scenario.must(STEWARD, "PriceOracle", "setSequencer", addresses["Sequencer"], GRACE)
        scenario.publish({BTC: scenario.price(BTC), ETH: scenario.price(ETH)})
        assert scenario.trade(ALICES, BTC, 10 * WAD).ok
        scenario.publish({BTC: scenario.price(BTC) * 101 // 100, ETH: scenario.price(ETH)})
        yield scenario


def _name(outcome: Outcome) -> str:
    return outcome.error.name if outcome.error else ""


def _publish_alone(exchange: Scenario, factor: int = 100) -> None:
    """Let Pyth publish `factor` percent of the price of bitcoin, and nobody tell the aggregator."""
    exchange.publish({BTC: exchange.price(BTC) * factor // 100, ETH: exchange.price(ETH)}, is_followed=False)


BREAKS = {
    "stale": lambda s: s.pair.wait(MAX_AGE + 1),
    "refuses": lambda s: s.must(KIM, "Aggregator0", "setReply", int(Reply.REFUSE)),
    "answers_short": lambda s: s.must(KIM, "Aggregator0", "setReply", int(Reply.SHORT)),
    "answers_long": lambda s: s.must(KIM, "Aggregator0", "setReply", int(Reply.LONG)),
    "burns_its_gas": lambda s: s.must(KIM, "Aggregator0", "setReply", int(Reply.BURN)),
    "answers_zero": lambda s: s.must(KIM, "Aggregator0", "setRound", 0, s.now, s.now),
    "answers_less_than_zero": lambda s: s.must(KIM, "Aggregator0", "setRound", -(2**255), s.now, s.now),
    "answers_from_the_future": lambda s: s.must(
        KIM, "Aggregator0", "setRound", s.price(BTC) // 10**10, s.now, s.now + 60
    ),
    "sequencer_down": lambda s: s.must(KIM, "Sequencer", "setRound", 1, s.now - 86_400, s.now),
    "sequencer_just_up": lambda s: s.must(KIM, "Sequencer", "setRound", 0, s.now - GRACE + 2, s.now),
    "sequencer_never_started": lambda s: s.must(KIM, "Sequencer", "setRound", 0, 0, s.now),
    "sequencer_feed_refuses": lambda s: s.must(KIM, "Sequencer", "setReply", int(Reply.REFUSE)),
}


@pytest.mark.parametrize("way", BREAKS)
def test_stale_price__guard_down__takes_nothing_out_and_traps_nobody(exchange: Scenario, way: str) -> None:
    """Nothing of the guard's stops an update, or what lowers risk; nothing that raises risk goes on without it."""
    BREAKS[way](exchange)
    _publish_alone(exchange)
    assert not exchange.price_state(BTC)[7]

    assert _name(exchange.trade(ALICES, BTC, WAD)) == UNCONFIRMED
    assert _name(exchange.trade(ALICES, ETH, WAD)) == UNCONFIRMED
    assert _name(exchange.trade(ALICES, BTC, -30 * WAD)) == UNCONFIRMED
    assert _name(exchange.call(ALICE, "Clearinghouse", "withdraw", ALICES, 1, ALICE)) == UNCONFIRMED
    assert _name(exchange.call(ALICE, "Clearinghouse", "transfer", ALICES, SECOND, 1)) == UNCONFIRMED
    assert _name(exchange.call(ALICE, "Clearinghouse", "setLeverage", ALICES, SECOND, 20 * WAD)) == UNCONFIRMED

    exchange.must(ALICE, "Clearinghouse", "deposit", ALICES, TOKEN)
    exchange.must(ALICE, "Clearinghouse", "transfer", SECOND, ALICES, WAD)
    exchange.must(KIM, "Clearinghouse", "accrue", BTC)
    assert exchange.trade(BOBS, ETH, WAD).ok
    assert exchange.trade(ALICES, BTC, -WAD, confirmed=False).ok
    _publish_alone(exchange, 72)
    exchange.must(KIM, "Clearinghouse", "liquidate", ALICES, KIMS)
    exchange.compare()


def test_stale_price__guard_down__vault_waits(exchange: Scenario) -> None:
    exchange.must(LIQUIDITY, "LiquidityVault", "requestDeposit", TOKEN, LIQUIDITY, LIQUIDITY)
    exchange.pair.wait(exchange.vault.settle_delay_seconds())
    exchange.publish({market: exchange.price(market) for market in exchange.markets}, is_followed=False)
    assert exchange.call(KIM, "LiquidityVault", "fulfil", 1, 0).ok
    exchange.must(LIQUIDITY, "LiquidityVault", "requestDeposit", TOKEN, LIQUIDITY, LIQUIDITY)
    exchange.pair.wait(exchange.vault.settle_delay_seconds())
    exchange.must(KIM, "Aggregator0", "setReply", int(Reply.REFUSE))
    exchange.publish({market: exchange.price(market) for market in exchange.markets}, is_followed=False)
    assert _name(exchange.call(KIM, "LiquidityVault", "fulfil", 1, 0)) == UNCONFIRMED
    exchange.publish({market: exchange.price(market) for market in exchange.markets})
    assert exchange.call(KIM, "LiquidityVault", "fulfil", 1, 0).ok


@pytest.mark.parametrize(("factor", "is_confirmed"), [(101, True), (102, False), (99, True), (98, False)])
def test_stale_price__pyth_off_by_more_than_the_deviation__is_not_confirmed(
    exchange: Scenario, factor: int, is_confirmed: bool
) -> None:
    _publish_alone(exchange, factor)
    assert exchange.price_state(BTC)[7] == is_confirmed
    assert _name(exchange.trade(ALICES, BTC, WAD)) == ("" if is_confirmed else UNCONFIRMED)


def test_selectable_price__profit_at_one_source__does_not_leave_by_another_account(exchange: Scenario) -> None:
    """Move a position at a price that only Pyth has seen: its profit would become cash of an account that is flat."""
    _publish_alone(exchange, 150)
    moved = exchange.call(ALICE, "Clearinghouse", "movePosition", ALICES, SECOND, BTC, 10 * WAD)
    assert _name(moved) == UNCONFIRMED


def test_selectable_price__settler_waits_for_the_guard__order_is_used_up(exchange: Scenario) -> None:
    """Settle while the guard refuses, and again when it agrees: whoever settles must not choose."""
    order = exchange.order(ALICES, BTC, WAD)
    assert exchange.commit(order).ok
    exchange.must(KIM, "Aggregator0", "setReply", int(Reply.REFUSE))
    settled = exchange.settle(order)
    assert settled.ok
    (failed,) = [event for event in settled.events if event.name == "OrderFailed"]
    assert failed.args[-1] == "0x" + revert_data(PriceUnconfirmed(BTC)).hex()
    exchange.follow({BTC: exchange.price(BTC)})
    exchange.orders[ALICES, 0] = order, exchange.now
    assert _name(exchange.settle(order)) == "OrderUnknown"


@pytest.mark.parametrize("size", [WAD, -WAD])
def test_selectable_price__wide_interval__fills_at_the_end_that_is_worse_for_the_trader(
    exchange: Scenario, size: int
) -> None:
    order = exchange.order(BOBS, BTC, size)
    assert exchange.commit(order).ok
    committed, price = exchange.now, exchange.price(BTC)
    exchange.pair.wait(exchange.min_delay)
    at = committed + exchange.min_delay
    data = (exchange.update_data(BTC, price, confidence=5_000, at=at, previous=at - 1),)
    settled = exchange.call(KIM, "OrderBook", "settle", order, KIMS, data, value=exchange.fee(data))
    (event,) = [event for event in settled.events if event.name == "OrderSettled"]
    assert event.args[3] == price + (price // 200 if size > 0 else -price // 200)


def _costly(rounds: int, answer: int, now: int) -> bytes:
    """Return code of an aggregator that counts down from `rounds`, 26 gas each, and then answers as it should."""
    words = (1, answer, now, now, 1)
    told = "".join(f"7f{word:064x}60{place * 32:02x}52" for place, word in enumerate(words))
    return bytes.fromhex(f"61{rounds:04x}5b600190038060035750{told}60a05ff3")


@pytest.mark.parametrize("rounds", [1, 1_000, 3_600], ids=["cheap", "26k", "94k"])
@pytest.mark.parametrize("name", ["update", "parseFirst", "parseFirst of an older price"])
def test_guard__gas_withheld__never_unconfirms_a_price(exchange: Scenario, name: str, rounds: int) -> None:
    """Try gas limits, a few apart, around the least with which the call succeeds: the guard's answer does not change.

    A caller who could make the guard's call fail, and the rest succeed, would use up the orders of others: where the
    price is not stored, and what follows is another call, little gas is needed for the rest.
    """
    machine, oracle = exchange.pair.chain, exchange.pair.addresses["PriceOracle"]
    assert isinstance(machine, Machine)
    exchange.pair.wait(2)
    exchange.publish({BTC: exchange.price(BTC), ETH: exchange.price(ETH)})
    exchange.pair.wait(2)
    at = exchange.now - 3 if "older" in name else exchange.now
    exchange.pair.catch_up()
    code = _costly(rounds, exchange.price(BTC) // 10**10, exchange.now)
    machine._evm.insert_account_info(exchange.pair.addresses["Aggregator0"], AccountInfo(code=code))
    data = (exchange.update_data(BTC, exchange.price(BTC), at=at, previous=at - 1),)
    function = name.partition(" ")[0]
    args = ((BTC,), data) if function == "update" else (BTC, data, at, at)
    calldata = bytes.fromhex(exchange.pair.model.calldata("PriceOracle", function, args)[2:])

    def confirmed_with(gas: int) -> bool | None:
        """Return whether the price is confirmed, None where the call fails."""
        machine.snapshot()
        try:
            returned = machine._message_call(KIM, oracle, calldata, exchange.fee(data), gas=gas)
            if function == "parseFirst":
                return bool(int.from_bytes(returned[64:96], "big"))
            return bool(machine.view("PriceOracle", "priceState", BTC)[7])
        except RuntimeError:
            return None
        finally:
            machine.restore()

    assert confirmed_with(1_000_000)
    assert confirmed_with(30_000) is None
    low, high = 30_000, 1_000_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if confirmed_with(middle) else (middle, high)
    assert {confirmed_with(gas) for gas in range(high - 40_000, high, 53)} == {None}
    assert {confirmed_with(gas) for gas in range(high, high + 200_000, 997)} == {True}
