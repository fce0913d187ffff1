"""Every entry point, generated from the ABI, called by a receiver in the middle of each call that goes out (I31)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from sim.protocol.mocks.hostile_token import Plan, Trick
from sim.protocol.types.order import OrderKind, Terms
from steelyard.evm.abi import signature
from steelyard.evm.deployment import LIQUIDITY
from steelyard.evm.machine import Machine
from steelyard.fuzz.moves.vault import fulfil, provide, ready
from steelyard.fuzz.scenario import (
    ALICE,
    KIM,
    KIMS,
    MALLORY,
    OSCAR,
    TOKEN,
    TRADING_ACCOUNTS,
    WAD,
    WALLET,
)
from tests.parity.entry_points import EXECUTED, RESTING, SETTLED, arguments, changing
from tests.parity.other_code import code_at, passing_on, signing_if_passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.scenario import Scenario
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

ALICES = TRADING_ACCOUNTS[0]
HOUSE, VAULT, BOOK = "Clearinghouse", "LiquidityVault", "OrderBook"
LOCKED = "0x3ee5aeb5"
"""`ReentrancyGuardReentrantCall()`."""
Door = tuple[str, str, str, tuple[Any, ...]]

DOORS: Final[dict[str, tuple[Door, tuple[str, ...]]]] = {
    "deposit": ((ALICE, HOUSE, "deposit", (ALICES, TOKEN)), (HOUSE,)),
    "withdraw": ((ALICE, HOUSE, "withdraw", (ALICES, TOKEN, MALLORY)), (HOUSE,)),
    "fundInsurance": ((ALICE, HOUSE, "fundInsurance", (TOKEN,)), (HOUSE,)),
    "fundPool": ((LIQUIDITY, HOUSE, "fundPool", (TOKEN,)), (HOUSE,)),
    "requestDeposit": ((ALICE, VAULT, "requestDeposit", (TOKEN, ALICE, ALICE)), (VAULT,)),
    "fulfil": ((KIM, VAULT, "fulfil", (50, 0)), (VAULT, HOUSE)),
    "claim": ((ALICE, VAULT, "withdraw", (1, MALLORY, ALICE)), (VAULT,)),
}
"""Calls in which tokens move, and the contracts that are locked meanwhile."""

UNLOCKED: Final = {
    # A signer's own nonces; who may call is the authority's to say, and only the authority moves it.
    HOUSE: {"cancelNonces", "setAuthority"},
    # Shares are a plain token beside the queues.
    VAULT: {"approve", "transfer", "transferFrom", "setOperator"},
    # They call nothing that could call back before they are done, or have no rights but anyone's.
    BOOK: {"commit", "place", "updatePrices", "batch", "cancelNonces"},
}
"""Functions without a lock, each for a reason."""


def _prepared(stage: Stage) -> Iterator[Scenario]:
    """Give a scenario in which each door opens: a deposit is due, and assets can be claimed."""
    with stage.scenario() as s:
        provide(s, ALICE, 20 * TOKEN)
        s.must(ALICE, VAULT, "requestRedeem", WAD, ALICE, ALICE)
        ready(s)
        fulfil(s)
        s.must(ALICE, VAULT, "requestDeposit", TOKEN, ALICE, ALICE)
        s.must(ALICE, BOOK, "place", *RESTING)
        ready(s)
        yield s


@pytest.fixture
def prepared(stage: Stage) -> Iterator[Scenario]:
    yield from _prepared(stage)


@pytest.mark.parametrize("name", DOORS)
def test_receiver__calls_any_entry_point_from_within__finds_it_locked(
    prepared: Scenario, stage: Stage, artefacts: Artefacts, name: str
) -> None:
    """The token calls back before and after tokens move; what is not locked is named, and nothing else passes."""
    (sender, contract, function, args), locked = DOORS[name]
    wrong = []
    for other in locked:
        for entry in changing(artefacts, other):
            called = stage.chain.abi.function(other, signature(entry)).pack(arguments(prepared, other, entry))
            for trick in (Trick.CALL_FIRST, Trick.CALL_AFTER):
                plan = Plan(trick, False, prepared.pair.addresses[other], 0, "0x" + called.hex())
                stage.chain.snapshot()
                assert stage.chain.call(OSCAR, "LocalToken", "arm", (plan,)).ok
                outcome = stage.chain.call(sender, contract, function, args)
                stage.chain.restore()
                assert outcome.ok, (entry["name"], outcome.error)
                (back,) = [event.args for event in outcome.events if event.name == "CalledBack"]
                is_locked = back[1:] == (False, LOCKED)
                if is_locked == (entry["name"] in UNLOCKED[other]):
                    wrong.append((other, entry["name"], Trick(trick).name, back[1:]))
    assert not wrong


def test_wallet__calls_any_entry_point_from_within__changes_nothing(
    scenario: Scenario, stage: Stage, artefacts: Artefacts
) -> None:
    """A contract that is asked for its signature is asked without the right to change anything."""
    s, machine = scenario, stage.chain
    assert isinstance(machine, Machine)
    s.must(ALICE, BOOK, "place", *RESTING)
    order = s.order(int(WALLET, 16) << 96, 0, WAD)
    terms = Terms(OrderKind.LIMIT, s.price(0))
    permit = (WALLET, OSCAR, 1, s.now + 100, 7)
    asked = (
        (BOOK, "commitSigned", (order, 7, WALLET, "0x1234")),
        (BOOK, "placeSigned", (order, terms, 7, WALLET, "0x1234")),
        (HOUSE, "permitOperator", (*permit, "0x1234")),
    )
    s.pair.catch_up()
    passed = []
    for contract in (BOOK, HOUSE, VAULT):
        for entry in changing(artefacts, contract):
            data = machine.abi.function(contract, signature(entry)).pack(arguments(s, contract, entry))
            with code_at(machine, WALLET, signing_if_passed(s.pair.addresses[contract], data)):
                for house, function, args in asked:
                    outcome = machine.call(KIM, house, function, args)
                    if outcome.error is None or outcome.error.name != "SignatureInvalid":
                        passed.append((contract, entry["name"], function, outcome.error))
    assert not passed


def test_wallet__calls_what_passes__is_taken_for_a_signature(scenario: Scenario, stage: Stage) -> None:
    """The wallet of the test above does call: what it may, a view, passes."""
    s, machine = scenario, stage.chain
    assert isinstance(machine, Machine)
    s.pair.catch_up()
    data = machine.abi.function(BOOK, "MIN_DELAY_SECONDS").pack(())
    order = s.order(int(WALLET, 16) << 96, 0, WAD)
    with code_at(machine, WALLET, signing_if_passed(s.pair.addresses[BOOK], data)):
        assert machine.call(KIM, BOOK, "commitSigned", (order, 7, WALLET, "0x1234")).ok


ASKING: Final[dict[str, tuple[Any, ...]]] = {
    "settle": (SETTLED, KIMS),
    "execute": (*EXECUTED, KIMS),
    "provePrice": (0, 1),
}
"""Functions of the book that ask for prices, and what they are called with before the update."""


@pytest.fixture
def asking(scenario: Scenario) -> Scenario:
    """Give a scenario in which each of them passes, and in which there is an order that rests."""
    scenario.must(ALICE, BOOK, "place", *RESTING)
    scenario.must(ALICE, BOOK, "commit", SETTLED)
    scenario.must(ALICE, BOOK, "place", *EXECUTED)
    scenario.pair.wait(scenario.min_delay)
    scenario.pair.catch_up()
    return scenario


@pytest.mark.parametrize("function", ASKING)
def test_pyth__calls_any_entry_point_of_the_book_from_within__finds_it_locked(
    asking: Scenario, stage: Stage, artefacts: Artefacts, function: str
) -> None:
    """Who is asked for a price may change things: nothing of the book but what is named opens to it meanwhile."""
    machine, addresses = stage.chain, asking.pair.addresses
    assert isinstance(machine, Machine)
    update = (asking.update_data(0, asking.price(0), previous=0),)
    args = (*ASKING[function], update)
    wrong = []
    for entry in changing(artefacts, BOOK):
        data = machine.abi.function(BOOK, signature(entry)).pack(arguments(asking, BOOK, entry))
        with code_at(machine, addresses["LocalPyth"], passing_on(addresses[BOOK], data)):
            result = machine.call_raw(KIM, BOOK, machine.abi.function(BOOK, function).pack(args))
        assert not result.ok
        is_locked = "0x" + result.data.hex() == LOCKED
        if is_locked == (entry["name"] in UNLOCKED[BOOK]):
            wrong.append((entry["name"], result.data.hex()))
    assert not wrong
    # With the honest code in its place again, the call passes.
    assert asking.call(KIM, BOOK, function, *args, value=asking.fee(update)).ok


def test_receiver__of_what_a_batch_left__finds_the_book_as_anyone_does(
    scenario: Scenario, stage: Stage, artefacts: Artefacts
) -> None:
    """Value that is returned calls its receiver: what she calls does what it does from outside, and keeps no value."""
    s = scenario
    s.must(ALICE, BOOK, "place", *RESTING)
    for entry in changing(artefacts, BOOK):
        called = stage.chain.abi.function(BOOK, signature(entry)).pack(arguments(s, BOOK, entry))
        direct = s.pair.addresses[BOOK], 0, "0x" + called.hex()
        stage.chain.snapshot()
        alone = stage.chain.call(OSCAR, "HostileActor", "act", ((direct,), False))
        stage.chain.restore()
        stage.chain.snapshot()
        assert stage.chain.call(OSCAR, "HostileActor", "setAnswer", ((direct,), False)).ok
        batch = s.message(BOOK, "batch", (), (), value=5)
        inside = stage.chain.call(OSCAR, "HostileActor", "act", ((batch,), True), value=5)
        assert stage.chain.balance(s.pair.addresses[BOOK]) == 0
        stage.chain.restore()
        results = [next(event.args for event in one.events if event.name == "Called") for one in (alone, inside)]
        assert results[0] == results[1], entry["name"]
