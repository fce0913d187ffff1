"""Follows the events of an order book into an index, over reorganisations and restarts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.protocol.types.order import Order, Progress, Terms
from steelyard.client.calls import decode_logs
from steelyard.client.errors import ChainError, RpcRejected
from steelyard.keeper.book import EVENTS, OpenOrder

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.client import Block
    from steelyard.client.exchange import Exchange
    from steelyard.keeper.backoff import Backoff
    from steelyard.keeper.book import Book

__all__ = ["Followed", "Follower", "StateForeign"]

_VERSION = 1
_TIMED = frozenset({"OrderCommitted", "OrderPlaced", "OrderTriggered", "OrderSettled", "OrderRested"})
"""Events whose time is that of their block."""


class StateForeign(ChainError):
    """A state file is of another order book or another chain."""

    def __init__(self, path: Path, found: object, expected: object) -> None:
        super().__init__(f"{path} is of {found}, not of {expected}")


@dataclass(frozen=True, slots=True)
class Followed:
    """What one reading brought.

    Attributes
    ----------
    head : Block
        That the index is at.
    events : int
        That were read.
    rewound_to : int or None
        Block after which the chain had been replaced.
    note : str or None
        Why a state file was of no use.
    """

    head: Block
    events: int
    rewound_to: int | None = None
    note: str | None = None


class Follower:
    """Keeps a book as the chain has it.

    Every reading ends at a block whose hash is remembered. Where the chain no longer has it, the book goes back to one
    that it has, at most `depth` blocks and a reading ago, else to the beginning, and reads on from there.

    Parameters
    ----------
    exchange : Exchange
        Whose order book.
    book : Book
        That is kept.
    backoff : Backoff
        For a node that does not answer.
    first_block : int
        Where events begin: that of the deployment.
    span : int
        Blocks per request for events.
    depth : int
        Blocks that the chain may replace.
    path : Path, optional
        State file: the book as of `depth` blocks ago, or earlier, so that a start need not read everything again. It
        may be deleted at any time.
    """

    def __init__(
        self,
        exchange: Exchange,
        book: Book,
        backoff: Backoff,
        *,
        first_block: int = 0,
        span: int = 5_000,
        depth: int = 64,
        path: Path | None = None,
    ) -> None:
        self._exchange = exchange
        self._book = book
        self._backoff = backoff
        self._first_block = first_block
        self._span = span
        self._depth = depth
        self._path = path
        self._known: list[tuple[int, str]] = []
        self._is_loaded = False

    def read(self) -> Followed:
        """Read on to the latest block.

        Raises
        ------
        RpcUnreachable, RpcRejected
            The node did not answer, or refused. What was read until then is kept.
        StateForeign
            The state file is of another order book.
        """
        note = None if self._is_loaded else self._load()
        self._is_loaded = True
        head = self._backoff.run(self._exchange.chain.block)
        rewound_to = self._rewind()
        events = 0
        settled = head.number - self._depth
        if self._next_block <= settled:
            # A block that the chain does not replace any more, to come back to.
            events += self._read_to(self._backoff.run(partial(self._exchange.chain.block, settled)))
        events += self._read_to(head)
        return Followed(head, events, rewound_to, note)

    def save(self) -> None:
        """Write the state file, if there is to be one; a crash in between leaves the one before."""
        if self._path is None or not self._known:
            return
        block, hash_ = self._known[0]
        orders = [[held.order, held.terms, held.made_at, held.progress] for held in self._book.as_of(block)]
        state = {"version": _VERSION, **self._identity(), "block": block, "hash": hash_, "orders": orders}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".new")
        with draft.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    # ---- blocks

    @property
    def _next_block(self) -> int:
        return self._known[-1][0] + 1 if self._known else self._first_block

    def _rewind(self) -> int | None:
        """Go back to the last block that the chain still has; returns its number if that is not where we were."""
        place = len(self._known)
        while place and not self._has(*self._known[place - 1]):
            place -= 1
        if place == len(self._known):
            return None
        del self._known[place:]
        if place:
            self._book.rewind(self._known[-1][0])
        else:
            self._book.clear()
        return self._next_block - 1

    def _has(self, number: int, hash_: str) -> bool:
        try:
            return self._backoff.run(partial(self._exchange.chain.block, number)).hash == hash_
        except RpcRejected:
            return False

    def _read_to(self, last: Block) -> int:
        """Read events up to a block and remember it; returns how many."""
        events, first = 0, self._next_block
        if first > last.number:
            return 0
        while first <= last.number:
            until = min(first + self._span - 1, last.number)
            try:
                raw_logs = self._backoff.run(partial(self._request, first, until))
            except RpcRejected:
                # Nodes bound the blocks, or the events, of one request; by how much differs.
                if self._span == 1:
                    raise
                self._span = -(-self._span // 2)
                continue
            self._apply(raw_logs)
            events += len(raw_logs)
            first = until + 1
            if until < last.number:
                # A node that fails later finds this done.
                self._remember(self._backoff.run(partial(self._exchange.chain.block, until)))
        self._remember(last)
        return events

    def _remember(self, block: Block) -> None:
        """Note a block to come back to, and give up those that are not needed any more."""
        self._known.append((block.number, block.hash))
        settled = block.number - self._depth
        while len(self._known) > 1 and self._known[1][0] <= settled:
            del self._known[0]
        self._book.settle_history(self._known[0][0])

    # ---- events

    def _request(self, first: int, last: int) -> list[dict[str, Any]]:
        contract = self._exchange.order_book
        query = {
            "address": contract.address,
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": [[contract.abi.topic(name) for name in EVENTS]],
        }
        found: list[dict[str, Any]] = self._exchange.chain.rpc("eth_getLogs", query)
        return found

    def _apply(self, raw_logs: list[dict[str, Any]]) -> None:
        times = {
            int(raw["blockNumber"], 16): int(raw["blockTimestamp"], 16) for raw in raw_logs if "blockTimestamp" in raw
        }
        for log in decode_logs(self._exchange.order_book, raw_logs, *EVENTS):
            if log.name in _TIMED and log.block not in times:
                # Not every node tells a log's time.
                times[log.block] = self._backoff.run(partial(self._exchange.chain.block, log.block)).timestamp
            self._book.apply(log.name, log.arguments, log.block, times.get(log.block, 0))

    # ---- the state file

    def _identity(self) -> dict[str, Any]:
        return {"chain_id": self._exchange.chain.chain_id, "order_book": self._exchange.order_book.address.lower()}

    def _load(self) -> str | None:
        """Start from the state file; returns why it is of no use, if it is not."""
        if self._path is None or not self._path.exists():
            return None
        try:
            state = json.loads(self._path.read_text())
            version, block, hash_ = state["version"], int(state["block"]), str(state["hash"])
            found = {name: state[name] for name in ("chain_id", "order_book")}
            orders = [
                OpenOrder(Order(*order), None if terms is None else Terms(*terms), made_at, Progress(*progress))
                for order, terms, made_at, progress in state["orders"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            return f"{self._path} cannot be read ({type(error).__name__}: {error}): all events are read again"
        if version != _VERSION:
            return f"{self._path} is of version {version}: all events are read again"
        if found != self._identity():
            raise StateForeign(self._path, found, self._identity())
        if not self._has(block, hash_):
            return f"{self._path} ends at a block that the chain does not have: all events are read again"
        self._book.restore(orders)
        self._known = [(block, hash_)]
        return None
