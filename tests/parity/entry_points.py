"""Every entry point of a contract, generated from its ABI, with arguments to call it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.types.order import OrderKind, Terms
from steelyard.evm.abi import signature
from steelyard.fuzz.scenario import ALICE, ANY_BUY, TOKEN, TRADING_ACCOUNTS, WAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.scenario import Scenario

__all__ = ["RESTING", "arguments", "changing", "zero_of"]

ALICES, SECOND = TRADING_ACCOUNTS[:2]
RESTING = (ALICES, 0, 9, 2**40 - 1, WAD, ANY_BUY, 0, False), Terms(OrderKind.LIMIT, WAD)
"""An order of Alice's that rests."""


def changing(artefacts: Artefacts, contract: str) -> Iterator[dict[str, Any]]:
    """Yield functions that may change the state, inherited ones too."""
    for entry in artefacts[contract].abi:
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure"):
            yield entry


def zero_of(spec: dict[str, Any]) -> Any:
    """Return the zero of a type."""
    kind = spec["type"]
    if kind.endswith("[]"):
        return ()
    if kind.endswith("]"):
        item, _, count = kind[:-1].rpartition("[")
        return (zero_of({**spec, "type": item}),) * int(count)
    if kind == "tuple":
        return tuple(zero_of(part) for part in spec["components"])
    if kind == "bool":
        return False
    if kind == "address":
        return "0x" + "00" * 20
    if kind.startswith("bytes"):
        return "0x" + "00" * int(kind[5:] or 0)
    return "" if kind == "string" else 0


def arguments(s: Scenario, contract: str, entry: dict[str, Any]) -> tuple[Any, ...]:
    """Return arguments that pass what is checked before the caller is, on Alice's account where there is one."""
    order = s.order(ALICES, 0, WAD)
    told: dict[str, tuple[Any, ...]] = {
        "Clearinghouse.multicall": ((s.pair.model.calldata("Clearinghouse", "accrue", (0,)),),),
        "OrderBook.batch": ((s.pair.model.calldata("OrderBook", "commit", (order,)),), (0,)),
        "OrderBook.commit": (order,),
        "OrderBook.cancel": (order,),
        "OrderBook.place": (order, Terms(OrderKind.LIMIT, s.price(0))),
        "OrderBook.cancelPlaced": RESTING,
        "Clearinghouse.trade": ((ALICES, 0, WAD, s.price(0), ANY_BUY, 0, 0, False, True),),
        "Clearinghouse.withdraw": (ALICES, 1, ALICE),
        "Clearinghouse.transfer": (ALICES, SECOND, 1),
        "Clearinghouse.setMarginMode": (ALICES, 0),
        "Clearinghouse.setLeverage": (ALICES, SECOND, WAD),
        "Clearinghouse.movePosition": (ALICES, SECOND, 0, WAD),
        "LiquidityVault.requestDeposit": (TOKEN, ALICE, ALICE),
        "LiquidityVault.cancelDeposit": (s.vault.deposits.header.made, ALICE),
        "LiquidityVault.cancelRedeem": (s.vault.redemptions.header.made, ALICE),
        **dict.fromkeys(("LiquidityVault.withdraw", "LiquidityVault.redeem"), (1, ALICE, ALICE)),
        **dict.fromkeys(
            (f"LiquidityVault.{name}(uint256,address,address)" for name in ("deposit", "mint")), (1, ALICE, ALICE)
        ),
    }
    zeros = tuple(zero_of(part) for part in entry["inputs"])
    return told.get(f"{contract}.{entry['name']}") or told.get(f"{contract}.{signature(entry)}", zeros)
