"""The deployment on a real node: what it leaves, how it goes on, what it refuses."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import ape
import pytest
from click.testing import CliRunner

from steelyard import parameters as parameter_files
from steelyard.cli import cli
from steelyard.client import Chain, Client, Contract, ContractReverted, UnlockedSender
from steelyard.deployment import artefact as artefacts
from steelyard.deployment import deployer as deployers
from steelyard.deployment import errors
from steelyard.deployment.command import deployed as find_deployed
from steelyard.deployment.command import quiet, select_account
from steelyard.deployment.deployer import Deployer, Outcome
from steelyard.deployment.system import ApeChain, hash_of
from steelyard.parameters import (
    GuardParameters,
    HolderParameters,
    NetworkParameters,
    RoleParameters,
    SequencerParameters,
    SystemParameters,
)
from steelyard.roles import Role
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil

PARAMETERS = parameter_files.load()
CONTRACTS = ("Authority", "Token", "Pyth", "PriceOracle", "Clearinghouse", "OrderBook", "Lens", "LiquidityVault")


def run(
    path: Path, *, parameters: SystemParameters = PARAMETERS, say: Callable[[str], None] | None = None, **options: Any
) -> Outcome:
    chain = ApeChain(select_account(None, 31337), ape.Project(ROOT))
    with quiet():
        return Deployer(
            chain, parameters, path=path, name=path.stem, parameters_file="local.yaml", say=say, **options
        ).run()


def sent_by_deployer(chain: LocalChain) -> int:
    return int(chain.rpc("eth_getTransactionCount", select_account(None, 31337).address, "latest"), 16)


def network(**changed: Any) -> SystemParameters:
    return replace(PARAMETERS, network=replace(PARAMETERS.network, **changed))


@pytest.fixture(scope="module")
def deployed(chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A deployment that no test changes."""
    return run(tmp_path_factory.mktemp("deployed") / "system.json")


@pytest.fixture
def path(deployed: Outcome, tmp_path: Path) -> Path:
    """The artefact of that deployment, to be changed."""
    copied = tmp_path / "system.json"
    copied.write_text(deployed.path.read_text())
    return copied


class Stopped(BaseException):
    """The process ends here."""


def test_run__fresh_chain__leaves_a_complete_artefact(chain: LocalChain, deployed: Outcome) -> None:
    document = json.loads(deployed.path.read_text())
    assert document["complete"]
    assert document["chain_id"] == 31337
    assert document["genesis_hash"] == chain.block(0).hash
    assert document["compiler"]["evm_version"] == "cancun"
    assert len(document["parameters_hash"]) == 64
    assert tuple(document["contracts"]) == CONTRACTS
    for record in document["contracts"].values():
        assert record["code_hash"] == hash_of(chain.code_at(record["address"]))
        receipt = chain.wait(record["transaction"])
        assert receipt["contractAddress"].lower() == record["address"].lower()
        assert int(receipt["blockNumber"], 16) == record["block"]
    assert document["contracts"]["OrderBook"]["arguments"][1:] == [
        PARAMETERS.orders.min_delay,
        PARAMETERS.orders.window,
    ]


def test_run__second_time__changes_nothing(chain: LocalChain, deployed: Outcome, path: Path) -> None:
    text, nonce, block = path.read_text(), sent_by_deployer(chain), chain.block().number
    second = run(path)
    assert second.transactions == 0
    assert second.artefact == deployed.artefact
    assert (path.read_text(), sent_by_deployer(chain), chain.block().number) == (text, nonce, block)


def test_run__guard_and_sequencer__are_set(chain: LocalChain, tmp_path: Path) -> None:
    ape_chain = ApeChain(select_account(None, 31337), ape.Project(ROOT))
    with quiet():
        aggregator, _, _ = ape_chain.deploy("LocalAggregator", (8,))
    guard, sequencer = GuardParameters(aggregator.lower(), 3_600, 200), SequencerParameters(aggregator.lower(), 1_800)
    bitcoin, *others = PARAMETERS.markets
    markets = (replace(bitcoin, oracle=replace(bitcoin.oracle, guard=guard)), *others)
    wanted = replace(network(sequencer=sequencer), markets=markets)
    path = tmp_path / "system.json"
    oracle = run(path, parameters=wanted).artefact.addresses["PriceOracle"]
    assert tuple(ape_chain.read("PriceOracle", oracle, "guardOf", 0)) == (aggregator.lower(), 3_600, 200, 8)
    assert tuple(ape_chain.read("PriceOracle", oracle, "sequencer")) == (aggregator.lower(), 1_800)
    assert not ape_chain.read("PriceOracle", oracle, "priceState", 1).isGuarded
    assert run(path, parameters=wanted).transactions == 0


@pytest.mark.parametrize("step", ["LocalPyth deployed", "OrderBook deployed", "market 1", "order book trades"])
def test_run__stopped_after_a_step__goes_on(chain: LocalChain, deployed: Outcome, tmp_path: Path, step: str) -> None:
    path = tmp_path / "system.json"
    before = sent_by_deployer(chain)

    def stop(line: str) -> None:
        if line.startswith(step):
            raise Stopped

    with pytest.raises(Stopped):
        run(path, say=stop)
    part = json.loads(path.read_text())
    assert not part["complete"]
    done = sent_by_deployer(chain) - before
    outcome = run(path)
    assert outcome.artefact.complete
    assert done + outcome.transactions == deployed.transactions
    for role, record in part["contracts"].items():
        assert outcome.artefact.addresses[role] == record["address"]
        assert outcome.artefact.contracts[role].transaction == record["transaction"]


def test_run__stopped_before_the_record__adopts_the_contract(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "system.json"
    before = sent_by_deployer(chain)
    deploy = ApeChain.deploy

    def deploy_and_stop(self: ApeChain, contract: str, arguments: tuple[Any, ...]) -> Any:
        deploy(self, contract, arguments)
        raise Stopped

    monkeypatch.setattr(ApeChain, "deploy", deploy_and_stop)
    with pytest.raises(Stopped):
        run(path)
    monkeypatch.undo()
    (sent,) = json.loads(path.read_text())["contracts"].values()
    assert sent["code_hash"] == ""
    outcome = run(path)
    assert outcome.artefact.contracts["Authority"].address == sent["address"]
    assert outcome.artefact.contracts["Authority"].transaction is None
    assert 1 + outcome.transactions == sent_by_deployer(chain) - before


@contextmanager
def mined_by_a_clock(chain: LocalChain, seconds: float) -> Iterator[None]:
    """Let the node mine every so often, whatever is sent."""
    stopped = threading.Event()
    own = Chain(chain.url)

    def mine() -> None:
        while not stopped.wait(seconds):
            own.rpc("evm_mine")

    clock = threading.Thread(target=mine)
    chain.rpc("evm_setAutomine", False)
    clock.start()
    try:
        yield
    finally:
        stopped.set()
        clock.join()
        own.close()
        chain.rpc("evm_setAutomine", True)


def test_run__node_mines_on_its_own_clock__is_waited_for(chain: LocalChain, deployed: Outcome, tmp_path: Path) -> None:
    with mined_by_a_clock(chain, 0.1):
        outcome = run(tmp_path / "system.json")
    assert outcome.artefact.complete
    assert outcome.transactions == deployed.transactions
    blocks = [record.block for record in outcome.artefact.contracts.values()]
    assert all(earlier is not None and later is not None and earlier < later for earlier, later in pairwise(blocks))


def test_run__transaction_of_a_stopped_run_pending__waits_until_it_is_mined(chain: LocalChain, tmp_path: Path) -> None:
    ape_chain = ApeChain(select_account(None, 31337), ape.Project(ROOT))
    chain.rpc("evm_setAutomine", False)
    try:
        chain.rpc("eth_sendTransaction", {"from": ape_chain.deployer, "to": ape_chain.deployer})
        with pytest.raises(errors.TransactionsPending, match="1 transactions of 0x"):
            ape_chain.wait_for_pending(0.1)
    finally:
        chain.rpc("evm_setAutomine", True)
    before = sent_by_deployer(chain)
    with mined_by_a_clock(chain, 0.1):
        assert run(tmp_path / "system.json").artefact.complete
    assert sent_by_deployer(chain) > before + 1


@pytest.mark.parametrize("step", ["LocalPyth deployed", "order book trades"])
def test_deployed__run_was_stopped__is_told_by_name(chain: LocalChain, tmp_path: Path, step: str) -> None:
    path = tmp_path / "31337" / "half.json"

    def stop(line: str) -> None:
        if line.startswith(step):
            raise Stopped

    with pytest.raises(Stopped):
        run(path, say=stop)
    with pytest.raises(errors.DeploymentIncomplete, match="half on chain 31337 is not complete"):
        find_deployed("half", tmp_path)
    with pytest.raises(errors.DeploymentIncomplete):
        Client(path, chain.url)
    where = ("--rpc", chain.url, "--name", "half", "--artefacts", str(tmp_path))
    told = CliRunner().invoke(cli, ["market", *where])
    assert (told.exit_code, told.output.startswith("Error: DeploymentIncomplete: ")) == (1, True)
    assert told.output.count("\n") == 1
    assert run(path).artefact.complete
    assert find_deployed("half", tmp_path)[1].complete


def test_run__other_holders__deployer_keeps_nothing(chain: LocalChain, tmp_path: Path) -> None:
    names = ("admin", "guardian", "steward")
    holders = {name: HolderParameters(f"0x{0xA0 + place:040x}", 3_600) for place, name in enumerate(names)}
    outcome = run(tmp_path / "system.json", parameters=network(roles=RoleParameters(**holders)))
    authority = Contract.at("Authority", outcome.artefact.addresses["Authority"])
    for name in names:
        role = int(Role[name.upper()])
        assert tuple(chain.call(authority, "hasRole", role, holders[name].holder)) == (True, 3_600)
        assert chain.call(authority, "hasRole", role, outcome.artefact.deployer)[0] is False
    assert run(tmp_path / "system.json", parameters=network(roles=RoleParameters(**holders))).transactions == 0


def test_run__token_of_the_chain__is_used(chain: LocalChain, deployed: Outcome, tmp_path: Path) -> None:
    token = deployed.artefact.addresses["Token"]
    outcome = run(tmp_path / "second.json", parameters=network(token=token.lower()))
    assert outcome.artefact.addresses["Token"] == token
    assert outcome.artefact.contracts["Token"].contract == ""
    house = Contract.at("Clearinghouse", outcome.artefact.addresses["Clearinghouse"])
    assert chain.call(house, "TOKEN") == token.lower()


def test_run__chain_not_named__refuses(chain: LocalChain, tmp_path: Path) -> None:
    nonce = sent_by_deployer(chain)
    with pytest.raises(errors.ChainUnexpected, match="31337"):
        run(tmp_path / "system.json", parameters=replace(PARAMETERS, network=NetworkParameters((1,))))
    assert sent_by_deployer(chain) == nonce
    assert not (tmp_path / "system.json").exists()


@pytest.mark.parametrize("entry", ["token", "pyth"])
def test_run__chain_not_local__refuses_stand_ins(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    nonce = sent_by_deployer(chain)
    monkeypatch.setattr(deployers, "LOCAL_CHAIN_IDS", frozenset())
    given = {"token": f"0x{1:040x}", "pyth": f"0x{1:040x}"}
    del given[entry]
    with pytest.raises(errors.MockForbidden, match=f"network.{entry}"):
        run(tmp_path / "system.json", parameters=network(**given))
    assert sent_by_deployer(chain) == nonce


def test_run__token_of_eighteen_decimals__refuses(chain: LocalChain, tmp_path: Path) -> None:
    with quiet():
        token = ApeChain(select_account(None, 31337), ape.Project(ROOT)).deploy("LocalToken", (18,))[0]
    nonce = sent_by_deployer(chain)
    with pytest.raises(errors.TokenDecimalsMismatch, match="18 decimals"):
        run(tmp_path / "system.json", parameters=network(token=token.lower()))
    assert sent_by_deployer(chain) == nonce


@pytest.mark.parametrize("entry", ["token", "pyth"])
def test_run__address_without_code__refuses(chain: LocalChain, tmp_path: Path, entry: str) -> None:
    nonce = sent_by_deployer(chain)
    with pytest.raises(errors.ContractMissing):
        run(tmp_path / "system.json", parameters=network(**{entry: f"0x{0xDEAD:040x}"}))
    assert sent_by_deployer(chain) == nonce


def test_run__token_without_decimals__refuses(chain: LocalChain, tmp_path: Path) -> None:
    with quiet():
        other = ApeChain(select_account(None, 31337), ape.Project(ROOT)).deploy("LocalPyth", (60, 1))[0]
    with pytest.raises(errors.ContractMissing, match="decimals"):
        run(tmp_path / "system.json", parameters=network(token=other.lower()))


def test_run__other_parameters__refuses(chain: LocalChain, path: Path) -> None:
    text, nonce = path.read_text(), sent_by_deployer(chain)
    risk = replace(PARAMETERS.risk, target_health=PARAMETERS.risk.target_health + 1)
    with pytest.raises(errors.ParametersChanged, match="risk"):
        run(path, parameters=replace(PARAMETERS, risk=risk))
    assert (path.read_text(), sent_by_deployer(chain)) == (text, nonce)


def test_run__other_code_in_the_artefact__refuses(chain: LocalChain, path: Path) -> None:
    document = json.loads(path.read_text())
    document["contracts"]["Lens"]["code_hash"] = "0x" + 64 * "0"
    path.write_text(json.dumps(document))
    with pytest.raises(errors.CodeMismatch, match="Lens"):
        run(path)


def test_run__contract_compiled_anew__refuses(chain: LocalChain, path: Path) -> None:
    document = json.loads(path.read_text())
    document["contracts"]["Lens"]["creation_hash"] = "0x" + 64 * "0"
    path.write_text(json.dumps(document))
    with pytest.raises(errors.BuildChanged, match="Lens"):
        run(path)


def test_run__changed_by_its_governors__is_told_and_left(chain: LocalChain, tmp_path: Path) -> None:
    path = tmp_path / "system.json"
    outcome = run(path)
    house = Contract.at("Clearinghouse", outcome.artefact.addresses["Clearinghouse"])
    stranger = UnlockedSender("0x00000000000000000000000000000000000000aa")
    governor = UnlockedSender(outcome.artefact.deployer)
    call = "setExecutor", outcome.artefact.addresses["OrderBook"], False
    chain.fill(stranger.address)
    with pytest.raises(ContractReverted) as refused:
        chain.send(stranger, house, *call)
    assert refused.value.name == "AccessManagedUnauthorized"
    chain.send(governor, house, *call)
    nonce = sent_by_deployer(chain)
    with pytest.raises(errors.VerificationFailed, match="order book trades"):
        run(path)
    assert sent_by_deployer(chain) == nonce


def test_run__artefact_of_a_chain_that_is_gone__starts_over(chain: LocalChain, deployed: Outcome, path: Path) -> None:
    document = json.loads(path.read_text())
    document["genesis_hash"] = "0x" + 64 * "0"
    path.write_text(json.dumps(document))
    assert run(path).artefact.addresses != deployed.artefact.addresses


def test_run__artefact_of_another_chain__refuses(
    chain: LocalChain, deployed: Outcome, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = deployed.artefact.addresses
    document = json.loads(path.read_text())
    document["genesis_hash"] = "0x" + 64 * "0"
    path.write_text(json.dumps(document))
    given = network(token=first["Token"].lower(), pyth=first["Pyth"].lower())
    monkeypatch.setattr(deployers, "LOCAL_CHAIN_IDS", frozenset())
    with pytest.raises(errors.ArtefactForeign):
        run(path, parameters=given)


@pytest.mark.parametrize("text", ["", '{"format": "steelyard-deployment/1"', "[]", '{"format": "another"}'])
def test_run__artefact_malformed__refuses(chain: LocalChain, tmp_path: Path, text: str) -> None:
    path = tmp_path / "system.json"
    path.write_text(text)
    nonce = sent_by_deployer(chain)
    with pytest.raises(errors.ArtefactMalformed):
        run(path)
    assert sent_by_deployer(chain) == nonce
    assert path.read_text() == text


def test_run__constructor_refuses__is_told_by_name(chain: LocalChain, tmp_path: Path) -> None:
    orders = replace(PARAMETERS.orders, min_delay=10**6)
    with pytest.raises(
        errors.StepFailed, match=r"deploy OrderBook: ParameterOutOfBounds\(parameter=minDelaySeconds, value=1000000"
    ):
        run(tmp_path / "system.json", parameters=replace(PARAMETERS, orders=orders))


def test_write_artefact__stopped_while_writing__keeps_the_old(
    deployed: Outcome, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = path.read_text()

    def stop(descriptor: int) -> None:
        raise Stopped

    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(Stopped):
        artefacts.write_artefact(path, replace(deployed.artefact, name="other"))
    assert path.read_text() == text
    assert artefacts.read_artefact(path) == deployed.artefact
