"""Errors as people read them: amounts as decimals, accounts as `0xOWNER/NUMBER`."""

from __future__ import annotations

from typing import Final

from steelyard.client.errors import ContractReverted, TransactionFailed
from steelyard.client.records import AccountId
from steelyard.client.units import text_of
from steelyard.client.values import account_name

__all__ = ["AMOUNTS", "error_text"]

AMOUNTS: Final = {
    "AccountBankrupt": ("balance",),
    "AccountHealthy": ("equity", "maintenanceMargin"),
    "KeeperFeeExceeded": ("keeperFee", "maximum"),
    "MaintenanceInsufficient": ("equity", "maintenanceMargin"),
    "MarginInsufficient": ("equity", "initialMargin"),
    "MarkUnmoved": ("price", "mark"),
    "OpenInterestExceeded": ("openInterest", "cap"),
    "PoolExhausted": ("netAssetValue",),
    "PoolUnhealthy": ("netAssetValue", "maintenanceMargin"),
    "PriceUnacceptable": ("fillPrice", "acceptablePrice"),
    "SizeBelowMinimum": ("size", "minSize"),
    "SurplusMissing": ("insuranceBalance", "threshold"),
    "TriggerUnmet": ("price",),
}
"""Arguments in wad, by error: the ABI does not tell them from counts, times and units of tokens."""
_ACCOUNTS: Final = ("account", "from", "to")


def error_text(error: BaseException) -> str:
    """Return an error's words; of a contract's error with its amounts as decimals and its accounts by name."""
    if isinstance(error, TransactionFailed) and error.cause is not None:
        return str(error).replace(str(error.cause), error_text(error.cause))
    if not isinstance(error, ContractReverted):
        return str(error)
    return error.text({name: shown for name, value in error.arguments.items() if (shown := _shown(error, name, value))})


def _shown(error: ContractReverted, name: str, value: object) -> str | None:
    """Return an argument in other words than its own, None for none."""
    if not isinstance(value, int):
        return None
    if name in AMOUNTS.get(error.name, ()):
        return text_of(value)
    return account_name(AccountId(value)) if name in _ACCOUNTS else None
