"""What actors do. Each move aims at success or at one named error, and builds its arguments to get there.

A move need not hit: whatever happens, it must happen on both sides. Aims are there so that everything that can happen
does, about equally often. A new move is a function with `@aim` in the module of its theme.
"""

from steelyard.fuzz.moves import (
    accounts,
    batches,
    claims,
    edges,
    governance,
    guard,
    hostile,
    hostile_vault,
    limits,
    liquidations,
    money,
    oracle,
    orders,
    pool,
    prices,
    profit,
    profit_orders,
    relocations,
    resting,
    signed,
    tokens,
    trades,
    upkeep,
    vault,
)
from steelyard.fuzz.moves.registry import AIMS, Aim, Move, aim

__all__ = [
    "AIMS",
    "Aim",
    "Move",
    "accounts",
    "aim",
    "batches",
    "claims",
    "edges",
    "governance",
    "guard",
    "hostile",
    "hostile_vault",
    "limits",
    "liquidations",
    "money",
    "oracle",
    "orders",
    "pool",
    "prices",
    "profit",
    "profit_orders",
    "relocations",
    "resting",
    "signed",
    "tokens",
    "trades",
    "upkeep",
    "vault",
]
