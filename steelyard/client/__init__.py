"""Typed access to a deployed exchange.

`Client` and `AsyncClient` are for traders: amounts as `Decimal`, orders that are waited for, over web3.py. `Exchange`
on a `Chain` is for keepers: amounts as the contracts have them, over a connection of its own. See `docs/client.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.client.chain import (
    AccountSender,
    Block,
    Chain,
    Contract,
    Log,
    Receipt,
    Sender,
    UnlockedSender,
)
from steelyard.client.errors import (
    ChainError,
    ContractReverted,
    RpcRejected,
    RpcUnreachable,
    TransactionFailed,
)
from steelyard.client.exchange import Exchange
from steelyard.client.records import (
    INSURANCE_ACCOUNT,
    POOL_ACCOUNT,
    AccountId,
    AccountRisk,
    AccountView,
    JointMove,
    Leg,
    MarginChange,
    MarginMode,
    MarginTerm,
    MarginView,
    MarketView,
    Order,
    OrderKind,
    PoolRisk,
    PoolView,
    PositionView,
    Progress,
    Quote,
    Terms,
    owner_of,
    to_account_id,
)

if TYPE_CHECKING:
    from steelyard.client.client import AsyncClient, Client

__all__ = [
    "INSURANCE_ACCOUNT",
    "POOL_ACCOUNT",
    "AccountId",
    "AccountRisk",
    "AccountSender",
    "AccountView",
    "AsyncClient",
    "Block",
    "Chain",
    "ChainError",
    "Client",
    "Contract",
    "ContractReverted",
    "Exchange",
    "JointMove",
    "Leg",
    "Log",
    "MarginChange",
    "MarginMode",
    "MarginTerm",
    "MarginView",
    "MarketView",
    "Order",
    "OrderKind",
    "PoolRisk",
    "PoolView",
    "PositionView",
    "Progress",
    "Quote",
    "Receipt",
    "RpcRejected",
    "RpcUnreachable",
    "Sender",
    "Terms",
    "TransactionFailed",
    "UnlockedSender",
    "owner_of",
    "to_account_id",
]


def __getattr__(name: str) -> Any:
    """Import the trader's clients only where they are used: web3.py takes long to load."""
    if name in ("AsyncClient", "Client"):
        from steelyard.client import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
