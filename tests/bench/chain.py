"""An Anvil of its own, spoken to in JSON over its unix socket."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from steelyard import toolchain

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["EVM_VERSION", "GENESIS_AT", "Anvil", "ChainError", "Receipt", "RpcError"]

GENESIS_AT = 1_750_000_000
"""Timestamp of the first block [seconds]."""

EVM_VERSION = "cancun"
"""As in `ape-config.yaml`."""

_START_SECONDS = 20.0
_ANSWER_SECONDS = 60.0


class ChainError(RuntimeError):
    """Anvil did not start, went away, or dropped a transaction."""


class RpcError(RuntimeError):
    """A call was answered with an error; `data` is what a contract reverted with."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        data = error.get("data")
        self.data = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction."""

    hash: str
    succeeded: bool
    gas_used: int
    address: str | None
    """Of the contract created, if any."""


class Anvil:
    """A chain that mines each transaction in a block of its own, at the time that it is told.

    The fork is the contracts' EVM version, any address may send, and gas is free. Blocks are mined on demand: a
    snapshot taken back right after an automatic block may lose the transaction that follows.
    """

    now: int
    """Timestamp of the latest block [seconds]."""

    def __init__(self, *, traces_steps: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="steelyard-bench-")
        path = Path(self._folder.name) / "anvil.ipc"
        self._log = (Path(self._folder.name) / "log").open("w+")
        options = {
            "--port": "0",
            "--ipc": path,
            "--hardfork": EVM_VERSION,
            "--timestamp": GENESIS_AT,
            "--block-base-fee-per-gas": 0,
            "--gas-price": 0,
            "--accounts": 1,
        }
        flags = [
            "--no-mining",
            "--auto-impersonate",
            "--disable-code-size-limit",
            *toolchain.ANVIL_HISTORY,
            *(["--steps-tracing"] if traces_steps else []),
        ]
        command = [str(toolchain.anvil()), *flags, *(str(part) for option in options.items() for part in option)]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        self._ids = itertools.count(1)
        self._buffer = b""
        self._decoder = json.JSONDecoder()
        self.now = GENESIS_AT
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a JSON-RPC call."""
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        self._socket.sendall(json.dumps(request).encode())
        answer = self._receive()
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]

    def call(self, to: str, data: bytes, sender: str | None = None, value: int = 0) -> bytes:
        """Return what a view returns at the latest block."""
        request = {"to": to, "data": f"0x{data.hex()}", "value": hex(value)}
        result: str = self.rpc("eth_call", request if sender is None else request | {"from": sender}, "latest")
        return bytes.fromhex(result.removeprefix("0x"))

    def send(self, sender: str, to: str | None, data: bytes, *, wait: int, value: int = 0) -> Receipt:
        """Mine one transaction in a block `wait` seconds after the latest one."""
        transaction = {
            "from": sender,
            "data": f"0x{data.hex()}",
            "value": hex(value),
            "gas": hex(15_000_000),
            "gasPrice": "0x0",
        }
        if to is not None:
            transaction["to"] = to
        tx_hash = self.rpc("eth_sendTransaction", transaction)
        self.now += wait
        self.rpc("evm_setNextBlockTimestamp", self.now)
        self.rpc("evm_mine")
        raw = self.rpc("eth_getTransactionReceipt", tx_hash)
        if raw is None:
            raise ChainError(f"transaction {tx_hash} was not mined")
        return Receipt(tx_hash, int(raw["status"], 16) == 1, int(raw["gasUsed"], 16), raw["contractAddress"])

    def snapshot(self) -> tuple[str, int]:
        """Return a mark to `restore`."""
        return self.rpc("evm_snapshot"), self.now

    def restore(self, mark: tuple[str, int]) -> None:
        """Take back all that happened since `mark`, which is used up."""
        if not self.rpc("evm_revert", mark[0]):
            raise ChainError("a snapshot was lost")
        self.now = mark[1]

    def _connect(self, path: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._socket.connect(str(path))
            except OSError:
                time.sleep(0.02)
            else:
                self._socket.settimeout(_ANSWER_SECONDS)
                return
        self._log.seek(0)
        raise ChainError(f"anvil did not start: {self._log.read().strip()[-500:]}")

    def _receive(self) -> dict[str, Any]:
        while True:
            try:
                text = self._buffer.decode().lstrip()
                answer, end = self._decoder.raw_decode(text)
            except ValueError:
                chunk = self._socket.recv(1 << 20)
                if not chunk:
                    raise ChainError("anvil went away") from None
                self._buffer += chunk
            else:
                self._buffer = text[end:].encode()
                return dict(answer)
