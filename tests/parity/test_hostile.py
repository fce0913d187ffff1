"""A token and a receiver that misbehave: what gets through, what does not, and what is seen from within."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol import ErrorValue, Event
from sim.protocol.mocks.hostile_token import Plan, Trick
from sim.protocol.revert import TYPES
from steelyard.fuzz.scenario import ALICE, BOB, KIM, MALLORY, MALLORYS, TOKEN, TRADING_ACCOUNTS, UINT256_MAX, WAD

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.fuzz.scenario import Scenario

pytestmark = pytest.mark.evm

ALICES = TRADING_ACCOUNTS[0]
WORD = 32


def test_types__of_errors__are_those_of_the_contracts(abi: AbiIndex) -> None:
    declared = {
        error.name: "(" + ",".join(part.kind for part in error.inputs.parts) + ")" for error in abi.errors.values()
    }
    assert {name: types for name, types in TYPES.items() if name in declared} == {
        name: types for name, types in declared.items() if name in TYPES
    }
    assert set(TYPES) - set(declared) == {"SafeCastOverflowedUintToInt"}


def test_withdraw__receiver_that_withdraws_again__gets_its_money_once(scenario: Scenario) -> None:
    """The owner is a contract, the token calls it, and it comes back for more (I31)."""
    withdrawal = scenario.message("Clearinghouse", "withdraw", MALLORYS[0], TOKEN, MALLORY)
    scenario.must(KIM, "HostileActor", "setAnswer", (withdrawal,), False)
    scenario.must(KIM, "LocalToken", "arm", Plan(Trick.CALL_AFTER, True, MALLORY))
    before, held = scenario.tokens(MALLORY), scenario.balance(MALLORYS[0])
    outcome = scenario.act(withdrawal)
    assert outcome.ok
    guarded = "0x3ee5aeb5"  # ReentrancyGuardReentrantCall()
    house = scenario.pair.addresses["Clearinghouse"]
    assert Event("HostileActor", "Called", (house, False, guarded)) in outcome.events
    assert scenario.tokens(MALLORY) - before == TOKEN
    assert held - scenario.balance(MALLORYS[0]) == WAD


def test_deposit__seen_from_within__is_booked_and_not_yet_paid(scenario: Scenario) -> None:
    """Credit comes before the tokens: whoever is called in between sees a claim that is not yet held (I34)."""
    house = scenario.pair.addresses["Clearinghouse"]
    looks = (
        scenario.message("Clearinghouse", "balanceOf", ALICES),
        scenario.message("LocalToken", "balanceOf", house),
    )
    held, balance = scenario.tokens(house), scenario.balance(ALICES)
    for trick, moved in ((Trick.CALL_FIRST, 0), (Trick.CALL_AFTER, TOKEN)):
        look = scenario.message("HostileActor", "act", looks, True)[2]
        scenario.must(KIM, "LocalToken", "arm", Plan(trick, True, MALLORY, 0, look))
        events = scenario.must(ALICE, "Clearinghouse", "deposit", ALICES, TOKEN).events
        balance += WAD
        seen = [int(event.args[2], 16) for event in events if event.name == "Called"]
        assert seen == [balance, held + moved]
        held += TOKEN


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (Plan(Trick.KEEP_PART, amount=1), ErrorValue("TransferMismatch", (TOKEN, TOKEN - 1))),
        (Plan(Trick.TAKE_MORE, amount=1), ErrorValue("TransferMismatch", (TOKEN, TOKEN + 1))),
        (Plan(Trick.TAKE_MORE, amount=UINT256_MAX), ErrorValue("Panic", (0x11,))),
        (Plan(Trick.HALT), ErrorValue("")),
        (Plan(Trick.REFUSE), ErrorValue("")),
        (Plan(Trick.RETURN, data="0x"), None),
        (Plan(Trick.RETURN, data="0x" + "00" * (WORD - 1) + "01" + "ff" * 70_000), None),
    ],
    ids=lambda value: Trick(value.trick).name.lower() if isinstance(value, Plan) else None,
)
def test_deposit__token_with_a_plan__is_refused_or_whole(
    scenario: Scenario, plan: Plan, error: ErrorValue | None
) -> None:
    scenario.must(KIM, "LocalToken", "arm", plan)
    before = scenario.balance(ALICES)
    outcome = scenario.call(ALICE, "Clearinghouse", "deposit", ALICES, TOKEN)
    assert outcome.error == error
    assert scenario.balance(ALICES) == before + (WAD if error is None else 0)


def test_token__moved_by_people__is_honest(scenario: Scenario) -> None:
    scenario.must(KIM, "LocalToken", "arm", Plan(Trick.KEEP_PART, amount=UINT256_MAX))
    before = scenario.tokens(BOB)
    scenario.must(ALICE, "LocalToken", "transfer", BOB, TOKEN)
    assert scenario.tokens(BOB) == before + TOKEN


def test_receive__native_currency__is_answered(scenario: Scenario) -> None:
    """Whoever pays Mallory is called: a refund by any contract of the protocol would show."""
    deposit = scenario.message("Clearinghouse", "deposit", MALLORYS[1], TOKEN)
    scenario.must(KIM, "HostileActor", "setAnswer", (deposit,), True)
    before = scenario.balance(MALLORYS[1])
    outcome = scenario.act((MALLORY, 5, "0x"))
    assert Event("HostileActor", "Received", (MALLORY, 5)) in outcome.events
    assert scenario.balance(MALLORYS[1]) == before + WAD


def test_update__paid_too_much__keeps_nothing_and_pays_nobody(scenario: Scenario) -> None:
    scenario.pair.wait(1)
    data = (scenario.update_data(0, scenario.price(0)),)
    call = scenario.message("PriceOracle", "update", (0,), data, value=scenario.fee(data) + WAD)
    outcome = scenario.act(call)
    assert outcome.ok
    assert not [event for event in outcome.events if event.name == "Received"]
    scenario.compare()


def test_donation__from_within_a_transaction__is_past_the_ledger(scenario: Scenario) -> None:
    house = scenario.pair.addresses["Clearinghouse"]
    scenario.act(scenario.message("LocalToken", "transfer", house, 7))
    assert scenario.pair.model.donated == 7
    scenario.pair.model.check_invariants()
