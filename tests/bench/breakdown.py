"""Where the gas of one transaction went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.bench.chain import Anvil

__all__ = ["INTRINSIC", "KINDS", "breakdown", "gas_in"]

INTRINSIC = 21_000
"""Gas of a transaction that does nothing."""
_KIND_OF = {
    "SLOAD": "storage",
    "SSTORE": "storage",
    "TLOAD": "transient",
    "TSTORE": "transient",
    "KECCAK256": "hashing",
    "CALL": "calls",
    "DELEGATECALL": "calls",
    "STATICCALL": "calls",
} | {f"LOG{topics}": "logs" for topics in range(5)}

KINDS = ("calldata", "storage", "logs", "calls", "hashing", "transient", "compute", "refund")
"""Kinds of gas beside the 21,000 that a transaction costs. Calls count without what is done inside; compute is the
rest, memory included."""


def breakdown(chain: Anvil, tx_hash: str) -> Counter[str]:
    """Return gas by kind, of a chain that traces steps; the refund is negative."""
    transaction = chain.rpc("eth_getTransactionByHash", tx_hash)
    used = int(chain.rpc("eth_getTransactionReceipt", tx_hash)["gasUsed"], 16)
    options = {"disableMemory": True, "disableStack": True, "disableStorage": True}
    steps = chain.rpc("debug_traceTransaction", tx_hash, options)["structLogs"]
    kinds = Counter({"calldata": sum(16 if byte else 4 for byte in bytes.fromhex(transaction["input"][2:]))})
    for position, step in enumerate(steps):
        kind = _KIND_OF.get(step["op"], "compute")
        kinds[kind] += _call_cost(steps, position) if kind == "calls" else step["gasCost"]
    kinds["refund"] = used - INTRINSIC - kinds.total()
    return kinds


def gas_in(chain: Anvil, tx_hash: str, contract: str) -> int:
    """Return the gas that a transaction used in calls to `contract`, whatever that called included."""
    return sum(_gas_in(chain.rpc("debug_traceTransaction", tx_hash, {"tracer": "callTracer"}), contract.lower()))


def _gas_in(frame: Mapping[str, Any], contract: str) -> Iterator[int]:
    if frame["to"] == contract:
        yield int(frame["gasUsed"], 16)
    else:
        for inner in frame.get("calls", []):
            yield from _gas_in(inner, contract)


def _call_cost(steps: Sequence[Mapping[str, Any]], position: int) -> int:
    """Return what a call cost the caller, less what the steps inside used."""
    call = steps[position]
    end = next(place for place in range(position + 1, len(steps)) if steps[place]["depth"] <= call["depth"])
    cost = call["gas"] - steps[end]["gas"]
    if end > position + 1:
        last = steps[end - 1]
        cost -= steps[position + 1]["gas"] - (last["gas"] - last["gasCost"])
    return int(cost)
