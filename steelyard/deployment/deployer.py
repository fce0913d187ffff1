"""Deploys the system step by step; each step is in the artefact once it is mined, and a rerun goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.client.errors import ContractReverted
from steelyard.deployment.artefact import (
    LOCAL_CHAIN_IDS,
    Artefact,
    ContractRecord,
    StepRecord,
    hash_of_parameters,
    plain,
    read_artefact,
    write_artefact,
)
from steelyard.deployment.errors import (
    ArtefactForeign,
    ArtefactMissing,
    BuildChanged,
    ChainUnexpected,
    CodeMismatch,
    ContractMissing,
    MockForbidden,
    ParametersChanged,
    StepFailed,
    TokenDecimalsMismatch,
    VerificationFailed,
)
from steelyard.deployment.plan import CONTRACTS, Holders, Setting, Settings, constructor_arguments
from steelyard.deployment.system import hash_of
from steelyard.evm.abi import AbiDataMalformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steelyard.deployment.system import ApeChain
    from steelyard.parameters import SystemParameters

__all__ = ["Deployer", "Outcome"]

_TOKEN_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    artefact : Artefact
        Complete.
    path : Path
        Of its file.
    transactions : int
        Sent by this run: 0 where all was done before.
    """

    artefact: Artefact
    path: Path
    transactions: int


class Deployer:
    """One deployment.

    Parameters
    ----------
    chain : ApeChain
        Where to.
    parameters : SystemParameters
        What.
    path : Path
        Of the artefact.
    name : str
        Of the deployment.
    parameters_file : str
        Name of the file that the parameters come from.
    chain_ids : iterable of int
        Chains that are allowed beside those that the parameters name.
    say : callable
        Told one line per step.
    """

    def __init__(
        self,
        chain: ApeChain,
        parameters: SystemParameters,
        *,
        path: Path,
        name: str,
        parameters_file: str,
        chain_ids: Iterable[int] = (),
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._chain = chain
        self._parameters = parameters
        self._path = path
        self._name = name
        self._parameters_file = parameters_file
        self._chain_ids = (*parameters.network.chain_ids, *chain_ids)
        self._say = say or _say_nothing
        self._holders = Holders.of(parameters, chain.deployer)
        self._sent = 0

    def run(self) -> Outcome:
        """Deploy what is missing, read everything back, and return the artefact.

        Raises
        ------
        ChainUnexpected, MockForbidden, ContractMissing, TokenDecimalsMismatch
            Before anything is sent.
        ArtefactMalformed, ArtefactForeign, ParametersChanged, BuildChanged, CodeMismatch
            The artefact does not belong to this chain, these parameters or these contracts.
        TransactionsPending
            What a run that was stopped had sent is not mined yet.
        StepFailed
            A transaction was refused; what was mined before it is kept.
        VerificationFailed
            The chain says otherwise than what was meant.
        """
        self._check_chain()
        artefact = self._resume()
        self._chain.wait_for_pending()
        was_complete = artefact.complete
        for role, contract in CONTRACTS:
            self._contract(artefact, role, contract)
        settings = Settings(self._chain, self._parameters, artefact.addresses, self._holders)
        if not was_complete:
            self._apply(artefact, settings)
        problems = self._problems(artefact, settings)
        if problems:
            raise VerificationFailed(problems)
        if not was_complete:
            artefact.complete = True
            write_artefact(self._path, artefact)
        return Outcome(artefact, self._path, self._sent)

    # ---- before anything is sent

    def _check_chain(self) -> None:
        chain_id = self._chain.chain_id
        if chain_id not in self._chain_ids:
            raise ChainUnexpected(chain_id, self._chain_ids)
        network = self._parameters.network
        for contract, entry, address in (("LocalToken", "token", network.token), ("LocalPyth", "pyth", network.pyth)):
            if address is None and chain_id not in LOCAL_CHAIN_IDS:
                raise MockForbidden(contract, entry, chain_id)
        if network.pyth is not None and not self._chain.code_at(network.pyth):
            raise ContractMissing("Pyth contract", network.pyth)
        if network.token is not None:
            self._check_token(network.token)

    def _check_token(self, address: str) -> None:
        if not self._chain.code_at(address):
            raise ContractMissing("token", address)
        try:
            decimals = int(self._chain.read("LocalToken", address, "decimals"))
        except (ContractReverted, AbiDataMalformed) as error:
            raise ContractMissing("token with decimals", address) from error
        if decimals != _TOKEN_DECIMALS:
            raise TokenDecimalsMismatch(address, decimals)

    def _resume(self) -> Artefact:
        """Return the artefact to go on with, or a new one."""
        genesis = self._chain.genesis_hash
        try:
            artefact = read_artefact(self._path)
        except ArtefactMissing:
            return self._new(genesis)
        if self._chain.chain_id in LOCAL_CHAIN_IDS and not self._is_same_chain(artefact, genesis):
            self._say(f"{self._path.name} is of a local chain that is gone: starting over")
            return self._new(genesis)
        if artefact.genesis_hash != genesis:
            raise ArtefactForeign(self._path, artefact.genesis_hash, genesis)
        if artefact.parameters_hash != hash_of_parameters(self._parameters):
            raise ParametersChanged(self._path, self._changed(artefact))
        if artefact.deployer.lower() != self._chain.deployer.lower():
            raise ParametersChanged(self._path, [f"deployer {artefact.deployer}"])
        return artefact

    def _is_same_chain(self, artefact: Artefact, genesis: str) -> bool:
        """Tell whether a local chain is that of the artefact; two that start at the same second share a first block."""
        records = artefact.contracts.values()
        return artefact.genesis_hash == genesis and any(self._chain.code_at(record.address) for record in records)

    def _new(self, genesis: str) -> Artefact:
        return Artefact(
            name=self._name,
            network=self._chain.network,
            chain_id=self._chain.chain_id,
            genesis_hash=genesis,
            deployer=self._chain.deployer,
            first_block=self._chain.block_number,
            parameters_file=self._parameters_file,
            parameters_hash=hash_of_parameters(self._parameters),
            parameters=plain(self._parameters),
            compiler=self._chain.compiler,
        )

    def _changed(self, artefact: Artefact) -> list[str]:
        now = plain(self._parameters)
        changed = [key for key in now if artefact.parameters.get(key) != now[key]]
        return changed or ["their hash"]

    # ---- contracts

    def _contract(self, artefact: Artefact, role: str, contract: str) -> None:
        given = {"Token": self._parameters.network.token, "Pyth": self._parameters.network.pyth}.get(role)
        if given is not None:
            from eth_utils.address import to_checksum_address

            code_hash = hash_of(self._chain.code_at(given))
            artefact.contracts[role] = ContractRecord("", to_checksum_address(given), code_hash=code_hash)
            return
        arguments = constructor_arguments(
            role, self._parameters, artefact.addresses, self._holders, self._chain.deployer
        )
        creation_code = self._chain.creation_code(contract, arguments)
        creation_hash = hash_of(creation_code)
        record = artefact.contracts.get(role)
        if record is not None and record.creation_hash != creation_hash:
            raise BuildChanged(self._path, contract)
        if record is None or not self._is_there(record, creation_code):
            self._create(artefact, role, contract, arguments, creation_code)

    def _is_there(self, record: ContractRecord, creation_code: bytes) -> bool:
        code = self._chain.code_at(record.address)
        if record.code_hash:
            if hash_of(code) != record.code_hash:
                raise CodeMismatch(record.contract, record.address, missing=not code)
            return True
        # Sent, but this was not seen to be mined: the code tells.
        if not code:
            return False
        if code != self._chain.simulated_code(creation_code):
            raise CodeMismatch(record.contract, record.address, missing=False)
        record.code_hash = hash_of(code)
        self._say(f"{record.contract} is at {record.address}")
        return True

    def _create(
        self, artefact: Artefact, role: str, contract: str, arguments: tuple[Any, ...], creation_code: bytes
    ) -> None:
        record = ContractRecord(contract, self._chain.next_address(), list(arguments), hash_of(creation_code))
        try:
            self._chain.simulated_code(creation_code)
            artefact.contracts[role] = record
            write_artefact(self._path, artefact)
            record.address, record.transaction, record.block = self._chain.deploy(contract, arguments)
        except Exception as error:
            raise StepFailed(f"deploy {contract}", _reason(error)) from error
        self._sent += 1
        record.code_hash = hash_of(self._chain.code_at(record.address))
        write_artefact(self._path, artefact)
        self._say(f"{contract} deployed to {record.address}")

    # ---- settings

    def _apply(self, artefact: Artefact, settings: Settings) -> None:
        for setting in settings.in_order():
            if setting.by_steward and not setting.is_done:
                self._set(artefact, settings.borrow_steward())
            self._set(artefact, setting)
        for setting in settings.hand_over():
            self._set(artefact, setting)

    def _set(self, artefact: Artefact, setting: Setting) -> None:
        if setting.is_done:
            artefact.steps.setdefault(setting.name, StepRecord())
            return
        try:
            receipt = setting.send()
        except Exception as error:
            raise StepFailed(setting.name, _reason(error)) from error
        self._sent += 1
        artefact.steps[setting.name] = StepRecord(receipt.hash, receipt.block)
        write_artefact(self._path, artefact)
        self._say(setting.name)

    # ---- reading back

    def _problems(self, artefact: Artefact, settings: Settings) -> list[str]:
        problems = []
        addresses, orders, vault = artefact.addresses, self._parameters.orders, self._parameters.vault
        facts: list[tuple[str, str, Any]] = [
            ("PriceOracle", "authority", addresses["Authority"]),
            ("PriceOracle", "PYTH", addresses["Pyth"]),
            ("Clearinghouse", "authority", addresses["Authority"]),
            ("Clearinghouse", "TOKEN", addresses["Token"]),
            ("Clearinghouse", "ORACLE", addresses["PriceOracle"]),
            ("Clearinghouse", "TREASURY", int(self._holders.treasury, 16) << 96),
            ("Clearinghouse", "marketCount", len(self._parameters.markets)),
            ("OrderBook", "CLEARINGHOUSE", addresses["Clearinghouse"]),
            ("OrderBook", "ORACLE", addresses["PriceOracle"]),
            ("OrderBook", "MIN_DELAY_SECONDS", orders.min_delay),
            ("OrderBook", "WINDOW_SECONDS", orders.window),
            ("Lens", "CLEARINGHOUSE", addresses["Clearinghouse"]),
            ("LiquidityVault", "CLEARINGHOUSE", addresses["Clearinghouse"]),
            ("LiquidityVault", "asset", addresses["Token"]),
            ("LiquidityVault", "SETTLE_DELAY_SECONDS", vault.settle_delay),
            ("LiquidityVault", "MAX_PRICE_AGE_SECONDS", vault.max_price_age),
            ("LiquidityVault", "CANCEL_DELAY_SECONDS", vault.cancel_delay),
        ]
        for contract, view, wanted in facts:
            found = self._chain.read(contract, addresses[contract], view)
            if found != (wanted.lower() if isinstance(wanted, str) else wanted):
                problems.append(f"{contract}.{view} is {found}, not {wanted}")
        for setting in (*settings.in_order(), *settings.hand_over()):
            found = setting.read()
            if found != setting.wanted:
                problems.append(f"{setting.name}: {found}, not {setting.wanted}")
        return problems


def _say_nothing(line: str) -> None:
    del line


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ContractReverted) else f"{type(error).__name__}: {error}"
