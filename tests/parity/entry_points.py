"""Every entry point of a contract, generated from its ABI, with arguments to call it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.clearinghouse_ext import hash_permit
from sim.protocol.types.order import OrderKind, Terms
from steelyard.evm.abi import signature
from steelyard.evm.deployment import STEWARD
from steelyard.fuzz.moves.signed import digest_of, signature_of
from steelyard.fuzz.moves.vault import fulfil, provide, ready
from steelyard.fuzz.scenario import ALICE, ANY_BUY, KIMS, OSCAR, TOKEN, TRADING_ACCOUNTS, WAD
from steelyard.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.scenario import Order, Scenario

__all__ = ["EXECUTED", "RESTING", "SETTLED", "arguments", "changing", "payment", "set_occasions", "zero_of"]

ALICES, SECOND, BOBS = TRADING_ACCOUNTS[:3]
NEVER = 2**40 - 1


def _order(slot: int, size: int = WAD) -> Order:
    return ALICES, 0, slot, NEVER, size, ANY_BUY if size > 0 else 0, 0, False


RESTING = _order(9), Terms(OrderKind.LIMIT, WAD)
"""An order of Alice's that rests."""
LAPSED, SETTLED = _order(20), _order(21)
"""Orders of hers that were committed: one whose time is over, and one that is due."""
EXECUTED = _order(22), Terms(OrderKind.BRACKET, 0, WAD, 10**6 * WAD)
"""It waits for its entry's price as soon as it is placed."""
TRIGGERED = _order(23), Terms(OrderKind.LIMIT, 10**6 * WAD)
TRAILED = (*_order(24, -WAD)[:-1], True), Terms(OrderKind.TRAILING_STOP, distance=10_000)


def set_occasions(s: Scenario) -> None:
    """Let there be a case for each entry point, with which it passes for whoever may call it.

    Alice has a position, orders of each kind, and requests that are pending, due and claimable in the vault; an account
    of Bob's can be liquidated, and the insurance fund has more than it needs.
    """
    provide(s, ALICE, 20 * TOKEN)
    for is_claimable in (True, False):
        s.must(ALICE, "LiquidityVault", "requestDeposit", TOKEN, ALICE, ALICE)
        s.must(ALICE, "LiquidityVault", "requestRedeem", WAD, ALICE, ALICE)
        ready(s)
        if is_claimable:
            assert fulfil(s).ok
    threshold = s.pair.model.clearinghouse.risk_config().treasury_threshold
    s.must(ALICE, "Clearinghouse", "fundInsurance", threshold * TOKEN)
    assert s.trade(ALICES, 0, WAD).ok
    assert s.trade(BOBS, 2, s.capacity(BOBS, 2, 1)).ok
    s.must(ALICE, "OrderBook", "commit", LAPSED)
    s.pair.wait(max(s.min_delay + s.window + 1, s.vault.cancel_delay_seconds()))
    s.must(ALICE, "OrderBook", "commit", SETTLED)
    for resting in (RESTING, EXECUTED, TRIGGERED, TRAILED):
        s.must(ALICE, "OrderBook", "place", *resting)
    s.publish({0: s.price(0), 1: s.price(1), 2: s.price(2) * 93 // 100}, wait=s.min_delay)


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


def payment(s: Scenario, entry: dict[str, Any]) -> int:
    """Return what Pyth asks for an update where an entry point passes it on [wei]; a batch returns what is left."""
    is_paid = entry["stateMutability"] == "payable" and entry["name"] != "batch"
    return s.fee((s.update_data(0, s.price(0)),)) if is_paid else 0


def arguments(s: Scenario, contract: str, entry: dict[str, Any]) -> tuple[Any, ...]:
    """Return arguments that pass what is checked before the caller is, on Alice's account where there is one.

    With `set_occasions` most of them pass altogether.
    """
    told = _TOLD[contract](s) if contract in _TOLD else {}
    zeros = tuple(zero_of(part) for part in entry["inputs"])
    return told.get(entry["name"]) or told.get(signature(entry), zeros)


def _of_clearinghouse(s: Scenario) -> dict[str, tuple[Any, ...]]:
    permit = ALICE, OSCAR, 1, NEVER, 7
    get, house = s.pair.get, s.pair.model.clearinghouse
    config = s.market(0)[3]
    return {
        "deposit": (ALICES, TOKEN),
        "withdraw": (ALICES, 1, ALICE),
        "transfer": (ALICES, SECOND, 1),
        "setMarginMode": (ALICES, 0),
        "setLeverage": (ALICES, SECOND, WAD),
        "movePosition": (ALICES, SECOND, 0, WAD),
        "setOperator": (OSCAR, 1, NEVER),
        "permitOperator": (*permit, signature_of(ALICE, house.digest(hash_permit(*permit)))),
        "cancelNonces": (0, 1),
        "trade": ((ALICES, 0, WAD, s.price(0), ANY_BUY, 0, 0, False, True),),
        "multicall": ((s.pair.model.calldata("Clearinghouse", "accrue", (0,)),),),
        "liquidate": (BOBS, KIMS),
        "closeRemnant": (ALICES, 0),
        **dict.fromkeys(("fundInsurance", "fundPool"), (TOKEN,)),
        "defundPool": (1, ALICE),
        "listMarket": (config, 5_000),
        "setMarket": (0, config, 5_000),
        "setPortfolio": (0, get("Clearinghouse", "portfolioOf", 0)),
        "setInsuranceCap": (0, 1),
        "setRiskConfig": (get("Clearinghouse", "riskConfig"),),
        "setExecutor": (OSCAR, True),
        "setVault": (OSCAR,),
    }


def _of_book(s: Scenario) -> dict[str, tuple[Any, ...]]:
    # The first price since any time but the first second.
    update = (s.update_data(0, s.price(0), previous=0),)
    order, terms = _order(30), Terms(OrderKind.LIMIT, s.price(0))
    signed = [signature_of(ALICE, digest_of(s, order, of, 3, ALICE)) for of in (None, terms)]
    return {
        "batch": ((s.pair.model.calldata("OrderBook", "commit", (order,)),), (0,)),
        "commit": (order,),
        "place": (order, terms),
        "commitSigned": (order, 3, ALICE, signed[0]),
        "placeSigned": (order, terms, 3, ALICE, signed[1]),
        "cancel": (LAPSED,),
        "cancelPlaced": RESTING,
        "settle": (SETTLED, KIMS, update),
        "execute": (*EXECUTED, KIMS, update),
        "trigger": TRIGGERED,
        "trail": TRAILED,
        "provePrice": (0, 1, update),
        "updatePrices": ((0,), update),
        "cancelNonces": (0, 1),
    }


def _of_oracle(s: Scenario) -> dict[str, tuple[Any, ...]]:
    update = (s.update_data(0, s.price(0), previous=0),)
    return {
        "update": ((0,), update),
        "parseFirst": (0, update, 1, 2**64 - 1),
        "setFeed": (0, s.feed(0), 120, 100),
    }


def _of_vault(s: Scenario) -> dict[str, tuple[Any, ...]]:
    return {
        "approve": (OSCAR, 1),
        "transfer": (OSCAR, 0),
        "transferFrom": (ALICE, OSCAR, 0),
        "setOperator": (OSCAR, True),
        "fulfil": (50, 50),
        "requestDeposit": (TOKEN, ALICE, ALICE),
        "requestRedeem": (WAD, ALICE, ALICE),
        "cancelDeposit": (s.vault.deposits.header.made, ALICE),
        "cancelRedeem": (s.vault.redemptions.header.made, ALICE),
        **dict.fromkeys(("withdraw", "redeem"), (1, ALICE, ALICE)),
        **dict.fromkeys((f"{name}(uint256,address,address)" for name in ("deposit", "mint")), (1, ALICE, ALICE)),
    }


def _of_authority(s: Scenario) -> dict[str, tuple[Any, ...]]:
    steward, book = Role.STEWARD, s.pair.addresses["OrderBook"]
    return {
        "updateAuthority": (s.pair.addresses["PriceOracle"], s.pair.addresses["Authority"]),
        "grantRole": (steward, OSCAR, 0),
        "revokeRole": (steward, STEWARD),
        "labelRole": (steward, "steward"),
        **dict.fromkeys(("setRoleAdmin", "setRoleGuardian", "setGrantDelay"), (steward, 0)),
        "setTargetClosed": (book, False),
        "setTargetAdminDelay": (book, 0),
        "setTargetFunctionRole": (book, (), steward),
    }


_TOLD: dict[str, Callable[[Scenario], dict[str, tuple[Any, ...]]]] = {
    "Clearinghouse": _of_clearinghouse,
    "OrderBook": _of_book,
    "PriceOracle": _of_oracle,
    "LiquidityVault": _of_vault,
    "Authority": _of_authority,
}
"""Arguments of functions by contract; those that are not told are called with zeros."""
