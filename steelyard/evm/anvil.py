"""A real node in a process of its own, behind the same interface as the in-process EVM.

Raw JSON on the node's unix socket: a few hundred transactions a second, where HTTP makes a tenth of that. A block is
mined on demand and holds one transaction, because a node that mines by itself can lose the transaction that follows the
restoring of a snapshot.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from eth_utils.address import to_checksum_address

from steelyard import toolchain
from steelyard.evm.chain import CHAIN_ID, START, CallHalted, Chain, ChainError, Log, RawResult, TimeReversed
from steelyard.evm.machine import SnapshotMissing

if TYPE_CHECKING:
    from types import TracebackType

    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts

__all__ = ["AnvilMachine", "AnvilUnresponsive", "RpcError"]

_START_SECONDS = 30
_CALL_SECONDS = 60
_GAS = 14_000_000
"""Of each transaction: under half of a block, so that a base fee of zero stays zero."""


class AnvilUnresponsive(ChainError):
    """The node did not start, or stopped."""


class RpcError(ChainError):
    """The node refused a request."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        self.data: str | None = error.get("data")
        self.message: str = error.get("message") or ""


class AnvilMachine(Chain):
    """An Anvil node that lives as long as this object; close it, or use it as a context.

    Anybody can send, whether the node knows the key or not; gas costs nothing, as in `Machine`.

    Parameters
    ----------
    artefacts, index
        As for `Chain`.
    timestamp : int
        At which it starts [s].

    Raises
    ------
    AnvilNotFound
        There is no such program.
    AnvilUnresponsive
        It did not start.
    """

    def __init__(
        self, artefacts: Artefacts | None = None, index: AbiIndex | None = None, *, timestamp: int = START
    ) -> None:
        super().__init__(artefacts, index)
        program = toolchain.anvil()
        self._folder = Path(tempfile.mkdtemp(prefix="anvil-"))
        self._timestamp = timestamp
        self._snapshots: list[tuple[str, int]] = []
        self._ids = itertools.count(1)
        self._socket: socket.socket | None = None
        address = self._folder / "ipc"
        arguments = {
            "--port": "0",
            "--ipc": str(address),
            "--timestamp": str(timestamp),
            "--chain-id": str(CHAIN_ID),
            "--hardfork": "cancun",
            "--base-fee": "0",
            "--balance": "0",
        }
        flags = (
            "--silent",
            "--auto-impersonate",
            "--no-mining",
            "--disable-min-priority-fee",
            *toolchain.ANVIL_HISTORY,
        )
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [str(program), *flags, *itertools.chain.from_iterable(arguments.items())],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._socket = self._connect(address)
        except BaseException:
            self.close()
            raise

    def _connect(self, address: Path) -> socket.socket:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_CALL_SECONDS)
            try:
                connection.connect(str(address))
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                time.sleep(0.01)
            else:
                return connection
        said = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        raise AnvilUnresponsive(f"anvil did not start: {said.strip() or 'it said nothing'}")

    def close(self) -> None:
        """Stop the node and remove its folder; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Incomplete where the constructor raised.
        with contextlib.suppress(AttributeError):
            self.close()

    # ---- requests

    def request(self, method: str, *params: Any) -> Any:
        """Send a JSON-RPC request and return its result.

        Raises
        ------
        RpcError
            The node refused it.
        AnvilUnresponsive
            The node is gone.
        """
        if self._socket is None:
            raise AnvilUnresponsive("anvil was stopped")
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            self._socket.sendall(json.dumps(body).encode() + b"\n")
            answer = self._receive(self._socket)
        except OSError as error:
            raise AnvilUnresponsive(f"anvil does not answer {method}: {error}") from error
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]

    @staticmethod
    def _receive(connection: socket.socket) -> dict[str, Any]:
        buffer = b""
        while True:
            part = connection.recv(1 << 20)
            if not part:
                raise ConnectionResetError("connection closed")
            buffer += part
            # An answer ends with its brace, and so may a part of it.
            if buffer.rstrip().endswith(b"}"):
                try:
                    answer: dict[str, Any] = json.loads(buffer)
                except ValueError:
                    continue
                return answer

    # ---- time

    @property
    def timestamp(self) -> int:
        """Time that the next transaction will see [s]."""
        return self._timestamp

    def warp(self, seconds: int) -> None:
        """Move time on by `seconds`."""
        if seconds < 0:
            raise TimeReversed(self._timestamp + seconds, self._timestamp)
        self._timestamp += seconds

    # ---- state

    def storage(self, address: str, slot: int) -> int:
        """Return a word of storage."""
        return int(self.request("eth_getStorageAt", address, hex(slot), "latest"), 16)

    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""
        return int(self.request("eth_getBalance", address, "latest"), 16)

    def set_balance(self, address: str, amount: int) -> None:
        """Set the balance of native currency [wei]."""
        self.request("anvil_setBalance", address, hex(amount))

    def snapshot(self) -> int:
        """Remember state and time; return how many snapshots there are with this one."""
        self._snapshots.append((self.request("evm_snapshot"), self._timestamp))
        return len(self._snapshots)

    def restore(self) -> None:
        """Go back to the latest snapshot, state and time, and forget it; raises `SnapshotMissing` without one."""
        if not self._snapshots:
            raise SnapshotMissing
        identifier, self._timestamp = self._snapshots.pop()
        if self.request("evm_revert", identifier) is not True:
            raise ChainError(f"anvil could not go back to snapshot {identifier}")

    # ---- calls

    def _mine(self, transaction: dict[str, str]) -> tuple[dict[str, Any], bytes]:
        request = self.request
        request("evm_setNextBlockTimestamp", hex(self._timestamp))
        sent = {**transaction, "gas": hex(_GAS), "gasPrice": "0x0"}
        try:
            identifier = request("eth_sendTransaction", sent)
        except RpcError as error:
            raise CallHalted(error.message) from error
        request("evm_mine")
        receipt = request("eth_getTransactionReceipt", identifier)
        if receipt is None:
            raise ChainError(f"anvil lost the transaction {identifier}")
        trace = request("debug_traceTransaction", identifier, {"tracer": "callTracer"})
        if trace.get("error") not in (None, "execution reverted"):
            raise CallHalted(trace["error"])
        return receipt, bytes.fromhex(trace.get("output", "0x")[2:])

    def _create(self, sender: str, code: bytes) -> tuple[str, RawResult]:
        receipt, returned = self._mine({"from": sender, "data": "0x" + code.hex()})
        return receipt["contractAddress"] or "", _result(receipt, returned)

    def _transact(self, sender: str, address: str, data: bytes, value: int) -> RawResult:
        return _result(*self._mine({"from": sender, "to": address, "data": "0x" + data.hex(), "value": hex(value)}))

    def _view(self, sender: str, address: str, data: bytes) -> RawResult:
        message = {"from": sender, "to": address, "data": "0x" + data.hex()}
        try:
            returned = self.request("eth_call", message, "latest", None, {"time": hex(self._timestamp)})
        except RpcError as error:
            if error.data is None:
                raise CallHalted(error.message) from error
            return RawResult(False, bytes.fromhex(error.data[2:]), [])
        return RawResult(True, bytes.fromhex(returned[2:]), [])


def _result(receipt: dict[str, Any], returned: bytes) -> RawResult:
    logs: list[Log] = [
        (
            to_checksum_address(log["address"]),
            [bytes.fromhex(topic[2:]) for topic in log["topics"]],
            bytes.fromhex(log["data"][2:]),
        )
        for log in receipt["logs"]
    ]
    return RawResult(receipt["status"] == "0x1", returned, logs, int(receipt["gasUsed"], 16))
