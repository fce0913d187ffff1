"""Calls of the order book that go together in transactions, each of which may fail alone."""

from __future__ import annotations

from dataclasses import dataclass
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

__all__ = ["Batcher", "Call", "Sent"]

_INTRINSIC_GAS = 21_000
_BYTE_GAS = 40
"""The most that a byte of call data costs (EIP-7623)."""
_CALL_GAS = 10_000
"""Of the loop around a call."""
_UPDATE_GAS = 150_000
"""Limit for each price that is stored, with Pyth's checks."""
_TURN_GAS = 250_000
"""Limit for a trigger or a trail."""


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
        What it does; None where it stores prices.
    value : int
        For Pyth [wei].
    """

    data: bytes
    gas: int
    due: Due | None = None
    value: int = 0


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

    def fill(self, due: Due, keeper: int, data: tuple[bytes, ...], fee: int) -> Call:
        """Return the call that settles what is due of an order."""
        what = (due.held.order,) if due.action is Action.SETTLE else (due.held.order, due.held.terms)
        encoded = self._book.abi.encode(due.action.value, (*what, keeper, data))
        return Call(encoded, self._fill_gas, due, fee)

    def split(self, calls: Sequence[Call]) -> Iterator[tuple[Call, ...]]:
        """Yield calls in their order, as many at once as the limit allows, at least one."""
        part: list[Call] = []
        for call in calls:
            if part and _gas_of([*part, call]) > self._max_gas:
                yield tuple(part)
                part = []
            part.append(call)
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
                failures[place] = yield from self._cause(call)
        passing = [place for place in range(len(calls)) if place not in failures]
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


def _gas_of(calls: Sequence[Call]) -> int:
    """Return a limit under which no call lacks gas: the contract shares what is left out evenly."""
    most = max(one.gas for one in calls) * 64 // 63
    return _INTRINSIC_GAS + sum(_BYTE_GAS * (len(one.data) + 128) + most + _CALL_GAS for one in calls)
