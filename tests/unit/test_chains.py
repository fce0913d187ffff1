"""The in-process EVM and the node behind one interface: each test runs on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol.outcome import ErrorValue, Event, Outcome
from steelyard import toolchain
from steelyard.evm.anvil import AnvilMachine, AnvilUnresponsive, RpcError
from steelyard.evm.chain import (
    START,
    CallHalted,
    Chain,
    ChainError,
    ContractUnknown,
    DeploymentFailed,
    NameTaken,
    TimeReversed,
)
from steelyard.evm.deployment import ADMIN, TREASURY, SetupFailed, deploy_system
from steelyard.evm.machine import MAX_SNAPSHOTS, Machine, SnapshotMissing, SnapshotsExhausted
from steelyard.parameters import SystemParameters, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts

ALICE = "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc"
ALICES = int(ALICE, 16) << 96


@pytest.fixture(params=[Machine, pytest.param(AnvilMachine, marks=pytest.mark.anvil)])
def chain(request: pytest.FixtureRequest, artefacts: Artefacts, abi: AbiIndex) -> Iterator[Chain]:
    chain: Chain = request.param(artefacts, abi)
    yield chain
    if isinstance(chain, AnvilMachine):
        chain.close()


@pytest.fixture
def token(chain: Chain) -> Chain:
    chain.deploy("LocalToken", (6,), sender=ADMIN)
    return chain


def test_call__success__returns_values_and_events(token: Chain) -> None:
    assert token.call(ALICE, "LocalToken", "mint", (ALICE, 5)) == Outcome(
        True, (), None, (Event("LocalToken", "Transfer", ("0x" + "00" * 20, ALICE, 5)),)
    )
    assert token.call(ALICE, "LocalToken", "transfer", (ADMIN, 3)) == Outcome(
        True, (True,), None, (Event("LocalToken", "Transfer", (ALICE, ADMIN, 3)),)
    )
    assert token.view("LocalToken", "balanceOf", ADMIN) == 3


def test_call__revert__is_decoded_and_changes_nothing(token: Chain) -> None:
    failed = Outcome(False, (), ErrorValue("ERC20InsufficientBalance", (ALICE, 0, 1)), ())
    assert token.call(ALICE, "LocalToken", "transfer", (ADMIN, 1)) == failed
    overflow = (
        token.call(ALICE, "LocalToken", "mint", (ALICE, 2**256 - 1)),
        token.call(ALICE, "LocalToken", "mint", (ALICE, 1)),
    )
    assert overflow[0].ok
    assert overflow[1].error == ErrorValue("Panic", (0x11,))
    assert token.view("LocalToken", "totalSupply") == 2**256 - 1


def test_call__value_to_a_function_that_takes_none__reverts_without_data(token: Chain) -> None:
    token.set_balance(ALICE, 10)
    assert token.call(ALICE, "LocalToken", "mint", (ALICE, 1), value=3).error == ErrorValue("", ())
    assert token.balance(ALICE) == 10


def test_call__sender_without_funds__halts(token: Chain) -> None:
    with pytest.raises(CallHalted):
        token.call(ALICE, "LocalToken", "mint", (ALICE, 1), value=1)


def test_call__unknown_contract__refuses(token: Chain) -> None:
    with pytest.raises(ContractUnknown):
        token.call(ALICE, "Clearinghouse", "deposit", (ALICES, 1))


def test_call_raw__unknown_selector__reverts_without_data(token: Chain) -> None:
    result = token.call_raw(ALICE, "LocalToken", bytes.fromhex("01020304"))
    assert (result.ok, result.data, result.logs) == (False, b"", [])


def test_read__function_that_changes_state__changes_nothing(token: Chain) -> None:
    token.call(ALICE, "LocalToken", "mint", (ALICE, 5))
    before = token.view("LocalToken", "totalSupply")
    assert token.read("LocalToken", "balanceOf", (ALICE,)) == Outcome(True, (5,), None, ())
    assert token.view("LocalToken", "totalSupply") == before


def test_view__revert__raises(chain: Chain, parameters: SystemParameters) -> None:
    deploy_system(chain, parameters)
    assert chain.read("PriceOracle", "priceOf", (0,)).error == ErrorValue("PriceMissing", (0,))
    with pytest.raises(ChainError, match="PriceMissing"):
        chain.view("PriceOracle", "priceOf", 0)


def test_deploy__constructor_reverts__tells_why(token: Chain) -> None:
    chain = token
    authority = chain.deploy("Authority", (ADMIN,), sender=ADMIN)
    odd = chain.deploy("LocalToken", (18,), sender=ADMIN, name="Odd")
    with pytest.raises(DeploymentFailed, match="TokenDecimalsMismatch"):
        chain.deploy("Clearinghouse", (authority, odd, ADMIN, TREASURY), sender=ADMIN)


def test_deploy__name_taken__refuses(token: Chain) -> None:
    with pytest.raises(NameTaken):
        token.deploy("LocalToken", (6,), sender=ADMIN)


def test_deploy_system__addresses__do_not_depend_on_the_chain(chain: Chain, parameters: SystemParameters) -> None:
    reference = deploy_system(Machine(chain.artefacts, chain.abi), parameters)
    assert deploy_system(chain, parameters) == reference
    assert chain.view("Clearinghouse", "marketCount") == len(parameters.markets)
    assert chain.view("Clearinghouse", "isExecutor", reference["OrderBook"]) is True


def test_deploy_system__parameter_out_of_the_contracts_bounds__names_it(chain: Chain) -> None:
    text = (toolchain.ROOT / "parameters" / "local.yaml").read_text(encoding="utf-8")
    with pytest.raises(SetupFailed, match="ParameterOutOfBounds"):
        deploy_system(chain, parse(text.replace("taker_fee: 0.05%", "taker_fee: 2%", 1)))


def test_warp__time__is_what_transactions_and_views_see(chain: Chain, parameters: SystemParameters) -> None:
    deploy_system(chain, parameters)
    assert chain.timestamp == START
    for seconds in (0, 1, 86_400):
        chain.warp(seconds)
        assert chain.call(ADMIN, "OrderBook", "commit", ((ALICES, 0, 0, 0, 1, 0, 0, False),)).error == ErrorValue(
            "OrderExpired", (0,)
        )
    expired = chain.timestamp - 1
    assert chain.call(ADMIN, "OrderBook", "commit", ((ALICES, 0, 0, expired, 1, 0, 0, False),)).error == ErrorValue(
        "OrderExpired", (expired,)
    )
    settles = chain.timestamp + parameters.orders.min_delay
    assert chain.call(ALICE, "OrderBook", "commit", ((ALICES, 0, 0, settles, 1, 0, 0, False),)).ok
    assert chain.view("OrderBook", "commitmentOf", ALICES, 0)[0] == START + 86_401
    assert chain.call(ALICE, "Clearinghouse", "setOperator", (ADMIN, 1, chain.timestamp)).ok
    assert chain.view("Clearinghouse", "isAuthorized", ALICES, ADMIN, 1) is True
    chain.warp(1)
    assert chain.view("Clearinghouse", "isAuthorized", ALICES, ADMIN, 1) is False


def test_warp__backwards__refuses(chain: Chain) -> None:
    with pytest.raises(TimeReversed):
        chain.warp(-1)
    with pytest.raises(TimeReversed):
        chain.warp_to(START - 1)
    chain.warp_to(START + 7)
    assert chain.timestamp == START + 7


def test_restore__nested_snapshots__go_back_one_by_one(token: Chain) -> None:
    supplies = []
    for amount in (1, 10, 100):
        supplies.append((token.view("LocalToken", "totalSupply"), token.timestamp))
        token.snapshot()
        token.warp(10)
        token.call(ALICE, "LocalToken", "mint", (ALICE, amount))
    assert token.view("LocalToken", "totalSupply") == 111
    for expected in reversed(supplies):
        token.restore()
        assert (token.view("LocalToken", "totalSupply"), token.timestamp) == expected
    with pytest.raises(SnapshotMissing):
        token.restore()
    assert token.call(ALICE, "LocalToken", "mint", (ALICE, 4)).ok


def test_storage__slot__is_what_was_written(token: Chain) -> None:
    token.call(ALICE, "LocalToken", "mint", (ALICE, 77))
    # OpenZeppelin's ERC20: balances, allowances, supply.
    assert token.storage(token.address("LocalToken"), 2) == 77


def test_snapshot__too_many__refuses_and_leaves_depth_for_calls(artefacts: Artefacts, abi: AbiIndex) -> None:
    machine = Machine(artefacts, abi)
    machine.deploy("LocalToken", (6,), sender=ADMIN)
    for _ in range(MAX_SNAPSHOTS):
        machine.snapshot()
    with pytest.raises(SnapshotsExhausted):
        machine.snapshot()
    assert machine.call(ALICE, "LocalToken", "mint", (ALICE, 4)).ok
    for _ in range(MAX_SNAPSHOTS):
        machine.restore()
    assert machine.view("LocalToken", "totalSupply") == 0


def test_machine__a_thousand_calls_after_a_snapshot__are_undone(artefacts: Artefacts, abi: AbiIndex) -> None:
    machine = Machine(artefacts, abi)
    machine.deploy("LocalToken", (6,), sender=ADMIN)
    machine.snapshot()
    for _ in range(3_000):
        assert machine.call(ALICE, "LocalToken", "mint", (ALICE, 1)).ok
    machine.restore()
    assert machine.view("LocalToken", "totalSupply") == 0


def test_machine__code_over_the_limit__is_refused(artefacts: Artefacts, abi: AbiIndex) -> None:
    machine = Machine(artefacts, abi)
    with pytest.raises(CallHalted, match="CreateContractSizeLimit"):
        machine._create(ADMIN, bytes.fromhex("6160015ff3"))
    assert machine._create(ADMIN, bytes.fromhex("6160005ff3"))[1].ok


@pytest.mark.anvil
def test_anvil__closed__answers_no_more(artefacts: Artefacts, abi: AbiIndex) -> None:
    with AnvilMachine(artefacts, abi) as chain:
        folder = chain._folder
        with pytest.raises(RpcError, match="steel_nothing"):
            chain.request("steel_nothing")
    assert not folder.exists()
    with pytest.raises(AnvilUnresponsive):
        chain.request("eth_blockNumber")
    chain.close()


def test_anvil__no_such_program__is_named(
    artefacts: Artefacts, abi: AbiIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(toolchain, "_NODE_BIN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(toolchain.AnvilNotFound, match="make setup"):
        AnvilMachine(artefacts, abi)
