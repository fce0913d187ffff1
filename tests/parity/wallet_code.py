"""Other code in the place of the contract that signs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyrevm import AccountInfo

from steelyard.fuzz.scenario import WALLET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.machine import Machine

__all__ = ["wallet_with"]


@contextmanager
def wallet_with(machine: Machine, code: bytes) -> Iterator[None]:
    """Let the wallet have other code for a while; what is done meanwhile is taken back, as the code is."""
    machine.snapshot()
    info = machine._evm.basic(WALLET)
    machine._evm.insert_account_info(WALLET, AccountInfo(code=code))
    try:
        yield
    finally:
        machine.restore()
        # Code is not part of a snapshot.
        machine._evm.insert_account_info(WALLET, info)
