"""A local Anvil whose clock follows the data, with ape connected to it.

It is not started by ape, which traces every step of every transaction: that takes ten times as long.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard import toolchain
from steelyard.client import Chain
from steelyard.deployment.command import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AnvilUnresponsive", "LocalChain", "local_chain"]

_ETHER = 10**18
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_LISTENING = re.compile(r"Listening on (\S+)")


class AnvilUnresponsive(toolchain.ToolchainError):
    """Anvil did not start."""


class LocalChain(Chain):
    """A chain whose time and accounts are at our command.

    Blocks take the time that they are told, and several may share one: each transaction is mined in a block of its own.
    """

    def start_clock(self, timestamp: int) -> None:
        """Mine a block at `timestamp` [Unix s], and let the clock stand still between orders."""
        self.rpc("anvil_setBlockTimestampInterval", 0)
        self.move_to(timestamp)

    def move_to(self, timestamp: int) -> None:
        """Move the clock on to `timestamp` [Unix s]."""
        if timestamp > self.block().timestamp:
            self.rpc("evm_setNextBlockTimestamp", timestamp)
            self.rpc("evm_mine")

    def fill(self, address: str) -> None:
        """Give an address native currency for fees."""
        self.rpc("anvil_setBalance", address, hex(1_000 * _ETHER))


@contextmanager
def local_chain(timestamp: int) -> Iterator[LocalChain]:
    """Start Anvil on a free port with its clock at `timestamp` [Unix s], connect ape to it, and end it afterwards.

    The node signs for any address.

    Raises
    ------
    AnvilNotFound
        There is no anvil.
    AnvilUnresponsive
        It did not start.
    """
    program = toolchain.anvil()
    command = [str(program), "--port", "0", "--timestamp", str(timestamp), "--base-fee", "0"]
    flags = ["--hardfork", "cancun", "--auto-impersonate", *toolchain.ANVIL_HISTORY]
    with tempfile.TemporaryDirectory(prefix="steelyard-anvil-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *flags], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            url = f"http://{_address(process, log)}"
            with connected("ethereum:local:foundry", host=url):
                chain = LocalChain(url, timeout=120.0)
                try:
                    chain.start_clock(timestamp + 1)
                    yield chain
                finally:
                    chain.close()
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return host and port once the node listens."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _LISTENING.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        time.sleep(0.02)
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    raise AnvilUnresponsive(f"anvil did not start: {said or 'it said nothing'}")
