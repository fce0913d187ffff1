"""Ledger accounts: ``owner << 96 | index`` (``AccountId.sol``)."""

from __future__ import annotations

import functools
from typing import Final, NewType

from sim.protocol.evm import Address

__all__ = ["INSURANCE_ACCOUNT", "POOL_ACCOUNT", "AccountId", "index_of", "is_reserved", "owner_of", "to_account_id"]

AccountId = NewType("AccountId", int)

POOL_ACCOUNT: Final = AccountId(1)
"""The liquidity pool: counterparty of every fill, owned by nobody."""

INSURANCE_ACCOUNT: Final = AccountId(2)
"""The insurance fund: first payer of bad debt, owned by nobody."""

_INDEX_BITS: Final = 96


def to_account_id(owner: str, index: int) -> AccountId:
    """Return the `index`-th account of `owner` (``AccountId.sol::toAccountId``)."""
    return AccountId(int(owner, 16) << _INDEX_BITS | index)


@functools.lru_cache(maxsize=1 << 10)
def owner_of(account: int) -> Address:
    """Return the owner's address (``AccountId.sol::owner``)."""
    return Address(f"0x{account >> _INDEX_BITS:040x}")


def index_of(account: int) -> int:
    """Return the account's number among its owner's (``AccountId.sol::index``)."""
    return account & (1 << _INDEX_BITS) - 1


def is_reserved(account: int) -> bool:
    """Return whether the owner is the zero address (``AccountId.sol::isReserved``)."""
    return account >> _INDEX_BITS == 0
