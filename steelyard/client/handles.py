"""An order on the chain: looked at, waited for, cancelled, saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from steelyard.client.calls import block_of
from steelyard.client.errors import DocumentInvalid, RpcUnreachable, WaitTimeout
from steelyard.client.lifecycle import state_of
from steelyard.client.records import OrderKind
from steelyard.client.session import OrderRecord
from steelyard.client.signing import order_from_json, order_hash, order_to_json, terms_from_json, terms_to_json, whole
from steelyard.client.steps import Asynchronous, Pause, Steps, Synchronous, operation
from steelyard.client.units import from_wad
from steelyard.client.values import account_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from steelyard.client.calls import Log, Receipt
    from steelyard.client.lifecycle import OrderState
    from steelyard.client.records import Order, Terms
    from steelyard.client.session import Session
    from steelyard.client.steps import Step

__all__ = ["AsyncPlacedOrder", "OrderHandle", "PlacedOrder", "record_from_json"]

_FORMAT = "steelyard-order/1"
_OVERLAP_BLOCKS = 12
_FIRST_POLL_SECONDS = 0.1
_LAST_POLL_SECONDS = 2.0


class OrderHandle:
    """What `PlacedOrder` and `AsyncPlacedOrder` have in common.

    Attributes
    ----------
    record : OrderRecord
        As it was made.
    """

    def __init__(self, session: Session, record: OrderRecord, answer: Callable[[Step], Any]) -> None:
        self.record = record
        self._session = session
        self._answer_step = answer
        self._logs: list[Log] = []
        self._next_block = record.block

    def __repr__(self) -> str:
        return f"<{self.kind.name.lower()} order for {self.size} {self.market} in slot {self.slot} of {self.account}>"

    @property
    def order(self) -> Order:
        """As the contract has it, in its units."""
        return self.record.order

    @property
    def terms(self) -> Terms | None:
        """Of an order that rests, in the contract's units."""
        return self.record.terms

    @property
    def kind(self) -> OrderKind:
        """What it waits for."""
        return OrderKind.MARKET if self.record.terms is None else self.record.terms.kind

    @property
    def account(self) -> str:
        """That trades: `0xOWNER/NUMBER`."""
        return account_name(self.order.account)

    @property
    def market(self) -> str:
        """Symbol."""
        return self._session.symbol(self.order.market)

    @property
    def slot(self) -> int:
        """Of the account's 256."""
        return self.order.slot

    @property
    def size(self) -> Decimal:
        """Change of the position [base], negative for a sale."""
        return from_wad(self.order.size_delta)

    @property
    def transaction(self) -> str:
        """Hash of the transaction that made it."""
        return self.record.transaction

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON, from which `load` makes the order again: the chain holds only a hash of it."""
        record = self.record
        return {
            "format": _FORMAT,
            "chain_id": self._session.chain_id,
            "order_book": self._session.views.order_book.address,
            "order": order_to_json(record.order),
            "terms": terms_to_json(record.terms),
            "made_at": record.made_at,
            "block": record.block,
            "index": record.index,
            "transaction": record.transaction,
        }

    @operation
    def state(self) -> Steps[OrderState]:
        """Return what has become of the order, as of the latest block."""
        return (yield from self._state())

    @operation
    def wait(self, timeout: float = 120.0, *, fills: int | None = None) -> Steps[OrderState]:
        """Wait until the order is over: settled, failed, cancelled or expired.

        Parameters
        ----------
        timeout : float
            Longest wait [s].
        fills : int, optional
            Wait no longer than until there are so many: 1 for the entry of a bracket, or the first slice of a TWAP.

        Returns
        -------
        OrderState
            With the fills, and why it failed.

        Raises
        ------
        WaitTimeout
            It is not over yet. The order is none the worse for it.
        RpcUnreachable
            The node does not answer, still.
        """
        deadline = time.monotonic() + timeout
        poll = _FIRST_POLL_SECONDS
        while True:
            state, lost = None, None
            try:
                state = yield from self._state()
            except RpcUnreachable as error:
                lost = error
            if state is not None and (state.is_over or (fills is not None and len(state.fills) >= fills)):
                return state
            if time.monotonic() >= deadline:
                if lost is not None:
                    raise lost
                raise WaitTimeout(f"{self!r} is not over after {timeout:g} s")
            yield Pause(poll)
            poll = min(1.5 * poll, _LAST_POLL_SECONDS)

    @operation
    def cancel(self) -> Steps[Receipt]:
        """Cancel the order.

        Raises
        ------
        OrderPending
            Its price may be known: it settles, or can be cancelled after its window.
        OrderUnknown
            It is over.
        """
        book = self._session.views.order_book
        if self.terms is None:
            return (yield from self._session.send(book, "cancel", self.order.encoded()))
        return (yield from self._session.send(book, "cancelPlaced", self.order.encoded(), self.terms.encoded()))

    def _state(self) -> Steps[OrderState]:
        session, record, order = self._session, self.record, self.record.order
        rules = yield from session.rules()
        head = yield from block_of()
        first = max(record.block, self._next_block - _OVERLAP_BLOCKS)
        known = [log for log in self._logs if log.block < first]
        new = yield from session.events(order.account, first, head.number)
        self._logs = known + [log for log in new if (log.block, log.index) > (record.block, record.index)]
        self._next_block = head.number + 1
        held = yield from session.views.commitment_of(order.account, order.slot, block=head.number)
        is_held = held.order_hash == order_hash(order, record.terms) and held.committed_at == record.made_at
        progress = None
        if is_held and record.terms is not None:
            progress = yield from session.views.progress_of(order.account, order.slot, block=head.number)
        return state_of(
            order,
            record.terms,
            is_held=is_held,
            made_at=record.made_at,
            logs=self._logs,
            progress=progress,
            head=head,
            rules=rules,
        )


class PlacedOrder(OrderHandle, Synchronous):
    """An order of `Client`."""

    def _answer(self, step: Step) -> Any:
        return self._answer_step(step)


class AsyncPlacedOrder(OrderHandle, Asynchronous):
    """An order of `AsyncClient`."""

    async def _answer(self, step: Step) -> Any:
        return await self._answer_step(step)


def record_from_json(document: Any, session: Session) -> OrderRecord:
    """Return a saved order.

    Raises
    ------
    DocumentInvalid
        It is none, is not whole, or is of another deployment.
    """
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise DocumentInvalid(f"not an order of format {_FORMAT}")
    book = session.views.order_book.address
    try:
        if document["chain_id"] != session.chain_id or document["order_book"].lower() != book.lower():
            raise DocumentInvalid(
                f"an order of {document['order_book']} on chain {document['chain_id']}, not of {book}"
            )
        return OrderRecord(
            order=order_from_json(document["order"]),
            terms=terms_from_json(document["terms"]),
            made_at=whole(document["made_at"], "uint64", "made_at"),
            block=whole(document["block"], "uint64", "block"),
            index=whole(document["index"], "uint64", "index"),
            transaction=str(document["transaction"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise DocumentInvalid(f"a saved order that is not whole: {error}") from None
