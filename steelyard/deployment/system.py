"""The system on a chain: ape compiles and signs, and what it signed is sent and waited for here.

ape itself takes a node that mines on its own clock for one that is told when to mine, and does not wait for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from steelyard.client.chain import AccountSender, Chain, Contract
from steelyard.deployment.errors import BuildMissing, TransactionsPending

if TYPE_CHECKING:
    from steelyard.client import Receipt

__all__ = ["ApeChain", "hash_of"]


_PENDING_SECONDS = 120.0
_POLL_SECONDS = 0.5


def hash_of(code: bytes) -> str:
    """Return the keccak of code as hexadecimal."""
    return "0x" + keccak(code).hex()


class ApeChain:
    """What a deployment needs of the chain that ape is connected to.

    Parameters
    ----------
    account : ape.api.AccountAPI
        That sends the transactions.
    project : ape.Project
        That holds the compiled contracts.
    """

    def __init__(self, account: Any, project: Any) -> None:
        from ape import networks

        self.account = account
        self._project = project
        self._provider = networks.active_provider
        if self._provider is None:
            raise RuntimeError("ape is not connected to a network")
        self._chain = Chain(str(self._provider.http_uri))
        self._sender = AccountSender(account)

    @property
    def deployer(self) -> str:
        """Address that sends the transactions."""
        return str(self.account.address)

    @property
    def chain_id(self) -> int:
        """Of the chain, as the node says."""
        return int(self._provider.make_request("eth_chainId", []), 16)

    @property
    def network(self) -> str:
        """As ape calls it."""
        return str(self._provider.network_choice)

    @property
    def block_number(self) -> int:
        """Of the latest block."""
        return int(self._provider.make_request("eth_blockNumber", []), 16)

    @property
    def genesis_hash(self) -> str:
        """Of the first block."""
        return str(self._provider.make_request("eth_getBlockByNumber", ["0x0", False])["hash"])

    @property
    def compiler(self) -> dict[str, Any]:
        """Version and settings of the compiler."""
        settings = self._project.config.solidity
        return {
            "name": "solc",
            "version": str(settings.version),
            "evm_version": settings.evm_version,
            "via_ir": bool(settings.via_ir),
            "optimize": bool(settings.optimize),
            "optimization_runs": int(getattr(settings, "optimization_runs", 200)),
        }

    def next_address(self) -> str:
        """Return where the deployer's next contract will be."""
        return str(self.account.get_deployment_address())

    def code_at(self, address: str) -> bytes:
        """Return the code at an address."""
        return bytes.fromhex(self._provider.make_request("eth_getCode", [address, "latest"])[2:])

    def creation_code(self, contract: str, arguments: tuple[Any, ...]) -> bytes:
        """Return the creation code of a contract with its arguments."""
        return bytes(self._container(contract)(*arguments).data)

    def simulated_code(self, creation_code: bytes) -> bytes:
        """Return the code that a creation would leave.

        Raises
        ------
        ContractReverted
            The constructor refuses, by name.
        """
        request = {"from": self.deployer, "data": "0x" + creation_code.hex()}
        return bytes.fromhex(self._chain.rpc("eth_call", request, "latest")[2:])

    def wait_for_pending(self, timeout: float = _PENDING_SECONDS) -> None:
        """Wait until all that the deployer sent is mined: a run that was stopped may have left something.

        Raises
        ------
        TransactionsPending
            It is not mined after `timeout` [s].
        """
        deadline = time.monotonic() + timeout
        while (pending := self._nonce("pending") - self._nonce("latest")) > 0:
            if time.monotonic() >= deadline:
                raise TransactionsPending(self.deployer, pending, timeout)
            time.sleep(_POLL_SECONDS)

    def deploy(self, contract: str, arguments: tuple[Any, ...]) -> tuple[str, str, int]:
        """Deploy a contract; return its address, the hash of the transaction and the block."""
        address, receipt = self._chain.create(self._sender, self.creation_code(contract, arguments))
        return to_checksum_address(address), receipt.hash, receipt.block

    def read(self, contract: str, address: str, function: str, *arguments: Any) -> Any:
        """Return what a view says; addresses come in lower case."""
        return self._chain.call(Contract.at(contract, address), function, *arguments)

    def send(self, contract: str, address: str, function: str, *arguments: Any) -> Receipt:
        """Send a transaction to a contract and wait until it is mined."""
        return self._chain.send(self._sender, Contract.at(contract, address), function, *arguments)

    def selector(self, contract: str, function: str) -> bytes:
        """Return the first four bytes of a function's call data."""
        entry = next(abi for abi in self._container(contract).contract_type.abi if getattr(abi, "name", "") == function)
        return keccak(text=entry.selector)[:4]

    def _nonce(self, block: str) -> int:
        return int(self._chain.rpc("eth_getTransactionCount", self.deployer, block), 16)

    def _container(self, contract: str) -> Any:
        from ape.contracts import ContractContainer

        # Not through `get_contract`, which looks for the source among the first 500 files of the folder only.
        types = self._project.manifest.contract_types or {}
        if contract not in types:
            raise BuildMissing(contract)
        return ContractContainer(types[contract])
