"""A local Anvil, started through ape, whose clock follows the data."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from steelyard.client import Chain
from steelyard.deployment.command import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LocalChain", "local_chain"]

_ETHER = 10**18


class LocalChain(Chain):
    """A chain whose time and accounts are at our command.

    Blocks take the time they are told, and several may share one: each transaction is mined in a block of its own.
    """

    def start_clock(self, timestamp: int) -> None:
        """Set the clock [Unix s], back too, and let it stand still between orders."""
        self.rpc("evm_setTime", timestamp)
        self.rpc("anvil_setBlockTimestampInterval", 0)
        self.rpc("evm_setNextBlockTimestamp", timestamp)
        self.rpc("evm_mine")

    def move_to(self, timestamp: int) -> None:
        """Move the clock on to `timestamp` [Unix s]."""
        if timestamp > self.block().timestamp:
            self.rpc("evm_setNextBlockTimestamp", timestamp)
            self.rpc("evm_mine")

    def adopt(self, address: str) -> None:
        """Let the node sign for an address, and give it native currency for fees."""
        self.rpc("anvil_impersonateAccount", address)
        self.rpc("anvil_setBalance", address, hex(1_000 * _ETHER))


@contextmanager
def local_chain(*, timeout: float = 60.0) -> Iterator[LocalChain]:
    """Start Anvil on a free port and connect ape to it; it ends with the context.

    Raises
    ------
    AnvilNotFound
        There is no anvil.
    """
    with connected("ethereum:local:foundry") as provider:
        chain = LocalChain(str(provider.http_uri), timeout=math.ceil(timeout))
        try:
            yield chain
        finally:
            chain.close()
