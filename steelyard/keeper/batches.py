"""Calls of the order book that go together in transactions, each of which may fail alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from steelyard.client.abi import decode_revert
from steelyard.client.calls import Receipt, decode_logs
from steelyard.client.errors import ContractReverted, TransactionFailed
from steelyard.client.steps import Request, Synchronous
from steelyard.keeper.book import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steelyard.client import Sender
    from steelyard.client.exchange import Exchange
    from steelyard.client.steps import Step, Steps
    from steelyard.keeper.book import Due
    from steelyard.keeper.prices import Update

__all__ = ["Batcher", "Call", "Priced", "Sent"]

_INTRINSIC_GAS = 21_000
_BYTE_GAS = 40
"""The most that a byte of call data costs (EIP-7623)."""
_CALL_GAS = 10_000
"""Of the loop around a call."""
_UPDATE_GAS = 200_000
"""Limit for each price that is stored or proven, with Pyth's checks and a guard."""
_TURN_GAS = 250_000
"""Limit for a trigger or a trail."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What is due, the update that holds its price, and Pyth's fee for it [wei]."""

    due: Due
    update: Update
    fee: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a batch.

    Attributes
    ----------
    data : bytes
        Call data.
    gas : int
        That it may use.
    due : Due or None
        What it does; None where it stores or proves prices.
    value : int
        For Pyth [wei].
    proof : Call or None
        What has to come before it in its transaction.
    alone : Call or None
        What does the same without its proof.
    """

    data: bytes
    gas: int
    due: Due | None = None
    value: int = 0
    proof: Call | None = None
    alone: Call | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch: its calls, why some of them failed by their place, and its transaction; None where none was sent."""

    calls: tuple[Call, ...]
    failures: dict[int, ContractReverted]
    receipt: Receipt | None


class Batcher(Synchronous):
    """Makes calls, and sends them so many in one transaction as its gas allows.

    Parameters
    ----------
    exchange : Exchange
        Where.
    sender : Sender
        Who pays.
    max_gas : int
        Limit of one transaction.
    fill_gas : int
        Limit of one fill with its price; what is not used is not paid.
    """

    def __init__(self, exchange: Exchange, sender: Sender, *, max_gas: int, fill_gas: int) -> None:
        self._exchange = exchange
        self._book = exchange.order_book
        self._sender = sender
        self._max_gas = max_gas
        self._fill_gas = fill_gas

    def _answer(self, step: Step) -> Any:
        return self._exchange.chain.answer(step)

    # ---- calls

    def update(self, markets: Sequence[int], data: tuple[bytes, ...], fee: int) -> Call:
        """Return the call that stores prices of markets."""
        gas = _UPDATE_GAS * (1 + len(markets))
        return Call(self._book.abi.encode("updatePrices", (tuple(markets), data)), gas, None, fee)

    def turn(self, due: Due) -> Call:
        """Return the call that trails, triggers or clears an order."""
        data = self._book.abi.encode(due.action.value, (due.held.order, due.held.terms))
        return Call(data, _TURN_GAS, due)

    def fills(self, priced: Sequence[Priced], keeper: int) -> list[Call]:
        """Return the calls that settle what is due of orders: those with the same first price after one proof of it."""
        groups: dict[tuple[int, int], list[Priced]] = defaultdict(list)
        for one in priced:
            groups[one.due.held.order.market, one.update.published_at].append(one)
        return [call for group in groups.values() for call in self._fills_at(group, keeper)]

    def _fills_at(self, group: Sequence[Priced], keeper: int) -> Iterator[Call]:
        alone = [self._fill(one.due, keeper, one.update.data, one.fee) for one in group]
        if len(group) == 1:
            yield from alone
            return
        first = min(group, key=lambda one: one.due.earliest)
        market, data = first.due.held.order.market, first.update.data
        proof = Call(
            self._book.abi.encode("provePrice", (market, first.due.earliest, data)), _UPDATE_GAS, None, first.fee
        )
        for one, call in zip(group, alone, strict=True):
            yield replace(self._fill(one.due, keeper, (), 0), proof=proof, alone=call)

    def _fill(self, due: Due, keeper: int, data: tuple[bytes, ...], fee: int) -> Call:
        what = (due.held.order,) if due.action is Action.SETTLE else (due.held.order, due.held.terms)
        encoded = self._book.abi.encode(due.action.value, (*what, keeper, data))
        return Call(encoded, self._fill_gas, due, fee)

    def split(self, calls: Sequence[Call]) -> Iterator[tuple[Call, ...]]:
        """Yield calls in their order, as many at once as the limit allows, at least one, each with its proof before."""
        part: list[Call] = []
        for call in calls:
            if part and _gas_of([*part, *_missing(call, part), call]) > self._max_gas:
                yield tuple(part)
                part = []
            part += [*_missing(call, part), call]
        if part:
            yield tuple(part)

    # ---- transactions

    def send(self, calls: Sequence[Call], *, is_dry: bool = False) -> Sent:
        """Try calls without sending, then send those that pass, in one transaction.

        Raises
        ------
        ContractReverted, TransactionFailed
            The batch as a whole reverts: it is not paid for.
        RpcUnreachable, RpcRejected
            The node's fault; whether the transaction was sent is not known.
        """
        return self._run(self._send(tuple(calls), is_dry))

    def _send(self, calls: tuple[Call, ...], is_dry: bool) -> Steps[Sent]:
        failures: dict[int, ContractReverted] = {}
        transaction = self._transaction(calls)
        answer = yield Request("eth_call", (transaction, "latest"))
        succeeded = self._book.abi.decode("batch", bytes.fromhex(answer[2:]))
        for place, (call, passes) in enumerate(zip(calls, succeeded, strict=True)):
            if not passes:
                failures[place] = yield from self._cause(call.alone or call)
        needed = [call.proof for place, call in enumerate(calls) if place not in failures]
        proofs = [call.proof for call in calls if call.proof is not None]
        passing = [
            place
            for place, call in enumerate(calls)
            if place not in failures and (call not in proofs or call in needed)
        ]
        if is_dry or all(calls[place].due is None for place in passing):
            return Sent(calls, failures, None)
        raw = yield from self._sender.submit(self._transaction([calls[place] for place in passing]))
        if int(raw["status"], 16) != 1:
            raise TransactionFailed(raw["transactionHash"], None)
        receipt = Receipt(
            raw["transactionHash"], int(raw["blockNumber"], 16), int(raw["gasUsed"], 16), tuple(raw["logs"])
        )
        for log in decode_logs(self._book, receipt.raw_logs, "CallFailed"):
            failures[passing[log.arguments["index"]]] = decode_revert(bytes.fromhex(log.arguments["reason"][2:]))
        return Sent(calls, failures, receipt)

    def _transaction(self, calls: Sequence[Call]) -> dict[str, Any]:
        data = self._book.abi.encode("batch", (tuple(one.data for one in calls), tuple(one.value for one in calls)))
        return {
            "from": self._sender.address,
            "to": self._book.address,
            "data": "0x" + data.hex(),
            "value": hex(sum(one.value for one in calls)),
            # An estimate finds gas with which the batch passes while its calls fail.
            "gas": hex(_gas_of(calls)),
        }

    def _cause(self, call: Call) -> Steps[ContractReverted]:
        """Return why a call fails: as it does alone, without the calls before it."""
        transaction = {
            "from": self._sender.address,
            "to": self._book.address,
            "data": "0x" + call.data.hex(),
            "value": hex(call.value),
        }
        try:
            yield Request("eth_call", (transaction, "latest"))
        except ContractReverted as error:
            return error
        return ContractReverted("FailsInBatch", {}, b"")


def _missing(call: Call, part: Sequence[Call]) -> tuple[Call, ...]:
    """Return the proof that a call needs and that is not the last one of a transaction so far."""
    last = next((one.proof for one in reversed(part) if one.proof is not None), None)
    return () if call.proof is None or call.proof == last else (call.proof,)


def _gas_of(calls: Sequence[Call]) -> int:
    """Return a limit under which no call lacks gas: the contract shares what is left out evenly."""
    most = max(one.gas for one in calls) * 64 // 63
    return _INTRINSIC_GAS + sum(_BYTE_GAS * (len(one.data) + 128) + most + _CALL_GAS for one in calls)
