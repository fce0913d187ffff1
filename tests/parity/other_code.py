"""Other code in the place of a contract, and code that calls another one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyrevm import AccountInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.machine import Machine

__all__ = ["code_at", "passing_on", "relaying", "signing_if_passed"]

_HEADER = 0x6A
"""Length of code before the data that it calls with [bytes]."""


@contextmanager
def code_at(machine: Machine, address: str, code: bytes) -> Iterator[None]:
    """Let a contract have other code for a while; what is done meanwhile stays."""
    evm = machine._evm
    own = evm.basic(address).code
    evm.insert_account_info(address, AccountInfo(evm.basic(address).balance, code=code))
    try:
        yield
    finally:
        evm.insert_account_info(address, AccountInfo(evm.basic(address).balance, code=own))


def signing_if_passed(target: str, data: bytes) -> bytes:
    """Return code of a wallet that calls `target`, and takes a signature for good if that passed."""
    # mstore(0, passed * magic), return(0, 32)
    return _calling(target, data, "7f1626ba7e" + "00" * 28 + "025f5260205ff3")


def passing_on(target: str, data: bytes) -> bytes:
    """Return code that calls `target`, and reverts with what that returned or reverted with."""
    # pop, returndatacopy(0, 0, returndatasize), revert(0, returndatasize)
    return _calling(target, data, "503d5f5f3e3d5ffd")


def relaying(target: str, data: bytes) -> bytes:
    """Return code that calls `target` with the value that it gets, and returns or reverts as that did."""
    # returndatacopy(0, 0, returndatasize), jump if passed, revert(0, returndatasize), return(0, returndatasize)
    return _calling(target, data, "3d5f5f3e602f573d5ffd5b3d5ff3")


def _calling(target: str, data: bytes, then: str) -> bytes:
    """Return code that calls `target` with the value that it gets, and goes on with whether that passed."""
    size = len(data).to_bytes(2, "big").hex()
    # codecopy(0, header, size), call(gas, target, callvalue, 0, size, 0, 0)
    code = f"61{size}60{_HEADER:02x}5f395f5f61{size}5f3473{target[2:]}5af1{then}"
    return bytes.fromhex(code).ljust(_HEADER, b"\x00") + data
