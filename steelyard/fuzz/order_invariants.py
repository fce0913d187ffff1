"""What orders may do, told by the events of each step and the positions that it left: not by the model of the book."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.protocol.evm import Contract
from sim.protocol.invariants import InvariantBroken
from sim.protocol.libraries.pricing import min_size
from sim.protocol.types.order import Leg, Order, OrderKind, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sim.protocol import Event, World

__all__ = ["OrderInvariants"]

_DUST = 2
"""By how much a fill on a side that was deleveraged may differ from what was asked for [base wei]."""
_BOOK = "OrderBook"


def _require(holds: bool, invariant: str, *detail: object) -> None:
    if not holds:
        raise InvariantBroken(invariant, " ".join(str(part) for part in detail))


@dataclass(slots=True)
class _Life:
    """What happened to an order so far."""

    order: Order
    terms: Terms | None
    since: int
    """When it was committed or placed [s]."""
    triggered_at: int = 0
    entered: int = 0
    """What a bracket's entry filled [base wad]."""
    is_entered: bool = False
    filled: int = 0
    slices: set[int] = field(default_factory=set)


class OrderInvariants:
    """I35, I45, I46 and I47, of every order that a step touched.

    Parameters
    ----------
    world : World
        The model, in any state.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        book = world.order_book
        self._delay, self._window = book.min_delay_seconds(), book.window_seconds()
        self._lives: dict[tuple[int, int], _Life] = {}
        for key, held in book.stored().items():
            if held is None:
                continue
            progress, life = book.progress_of(*key), _Life(held.order, held.terms, held.committed_at)
            life.triggered_at, life.slices = progress.triggered_at, set(range(progress.slices))
            if progress.leg != Leg.ENTRY:
                life.entered, life.is_entered = abs(held.order.size_delta), True
            self._lives[key] = life
        self._handlers: dict[str, Callable[[int, tuple[Any, ...]], None]] = {
            "OrderCommitted": self._made,
            "OrderPlaced": self._made,
            "OrderTriggered": self._triggered,
            "OrderSettled": self._settled,
            "OrderRested": self._rested,
            "OrderFailed": self._failed,
            "OrderCancelled": self._cancelled,
        }

    def check(self, events: Sequence[Event], touched: Iterable[tuple[dict[Any, Any], Any, Any]]) -> None:
        """Check the events of the last transaction; `touched` is `World.touched`.

        Raises
        ------
        InvariantBroken
            The first that does not hold.
        """
        ours = [event for event in events if event.contract == _BOOK and event.name in self._handlers]
        if not ours:
            return
        reductions = [self._reduction(event.args) for event in ours if event.name == "OrderSettled"]
        now = self._world.timestamp
        for event in ours:
            self._handlers[event.name](now, event.args)
        self._check_reductions([key for key in reductions if key is not None], events, touched)

    # ---- events

    def _made(self, now: int, args: tuple[Any, ...]) -> None:
        order = Order(*args[1])
        key = order.account, order.slot
        life = self._lives.get(key)
        if life is not None:
            lapsed = life.terms is None and now > life.since + self._delay + self._window
            _require(lapsed, "I35", "slot", order.slot, "holds an order that is not over:", life.order)
        terms = Terms(*args[2]) if len(args) > 2 else None
        life = _Life(order, terms, now)
        if terms is not None and terms.kind == OrderKind.BRACKET and terms.trigger_price == 0:
            life.triggered_at = now
        self._lives[key] = life

    def _life(self, args: tuple[Any, ...], what: str) -> _Life:
        life = self._lives.get((args[0], args[1]))
        if life is None:
            raise InvariantBroken("I35", f"{what} what was over: slot {args[1]} of {args[0]:#x}")
        return life

    def _window_of(self, life: _Life, now: int) -> tuple[int, int] | None:
        """Return between which times what is next of an order settles, None while it waits."""
        if life.terms is None:
            start = life.since
        elif life.terms.kind == OrderKind.TWAP:
            number = (now - life.since) // life.terms.interval
            if number >= life.terms.slices or number in life.slices:
                return None
            start = life.since + number * life.terms.interval
        elif life.triggered_at == 0:
            return None
        else:
            start = life.triggered_at
        latest = start + self._delay + self._window
        return start + self._delay, latest if life.is_entered else min(latest, life.order.expires_at)

    def _is_pending(self, life: _Life, now: int) -> bool:
        window = self._window_of(life, now)
        return window is not None and now <= window[1]

    def _triggered(self, now: int, args: tuple[Any, ...]) -> None:
        life = self._life(args, "triggered")
        _require(not self._is_pending(life, now), "I47", "triggered again while it can settle:", life.order)
        _require(self._world.oracle.price_state(life.order.market).published_at > life.since, "I47", life.order)
        life.triggered_at = now

    def _settled(self, now: int, args: tuple[Any, ...]) -> None:
        life, size = self._life(args, "settled"), args[4]
        window = self._window_of(life, now)
        if window is None or not window[0] <= now <= window[1]:
            raise InvariantBroken("I47", f"settled at {now}, due {window}: {life.order}")
        asked, terms = life.order.size_delta, life.terms
        is_exit = life.is_entered
        right_way = (size > 0) == ((asked > 0) != is_exit)
        _require(right_way, "I45", "filled", size, "of", asked, "exit" if is_exit else "")
        most = life.entered if is_exit else abs(asked)
        # What only reduces takes along what would be too small to be left.
        spare = _DUST
        if is_exit or life.order.reduce_only:
            spare += min_size(self._world.clearinghouse.market_of(life.order.market).config)
        life.filled += abs(size)
        if terms is not None and terms.kind == OrderKind.TWAP:
            part = -(-most // terms.slices) + spare
            _require(abs(size) <= part, "I45", "slice of", size, "<=", part)
            self._end_slice(life, now)
            spare *= len(life.slices) + 1
        _require(life.filled <= most + spare, "I45", "filled", life.filled, "<=", most)
        if terms is not None and terms.kind == OrderKind.BRACKET and not is_exit:
            life.entered, life.is_entered, life.filled, life.triggered_at = abs(size), True, 0, 0
        elif terms is None or terms.kind != OrderKind.TWAP:
            del self._lives[args[0], args[1]]

    def _end_slice(self, life: _Life, now: int) -> None:
        assert life.terms is not None
        number = (now - life.since) // life.terms.interval
        life.slices.add(number)
        if number + 1 == life.terms.slices:
            del self._lives[life.order.account, life.order.slot]

    def _rested(self, now: int, args: tuple[Any, ...]) -> None:
        life = self._life(args, "rested")
        _require(self._is_pending(life, now), "I47", "tried before or after its time:", life.order)
        _require(life.terms is not None, "I35", "a delayed order rests:", life.order)
        if life.terms is not None and life.terms.kind == OrderKind.TWAP:
            self._end_slice(life, now)
        life.triggered_at = 0

    def _failed(self, now: int, args: tuple[Any, ...]) -> None:
        life = self._life(args, "failed")
        _require(self._is_pending(life, now), "I47", "used up before or after its time:", life.order)
        del self._lives[args[0], args[1]]

    def _cancelled(self, now: int, args: tuple[Any, ...]) -> None:
        life = self._life(args, "cancelled")
        _require(not self._is_pending(life, now), "I13", "cancelled while it can settle:", life.order)
        del self._lives[args[0], args[1]]

    # ---- reductions

    def _reduction(self, args: tuple[Any, ...]) -> tuple[int, int] | None:
        """Return account and market of a settlement that only reduces, as things stood before it."""
        life = self._lives.get((args[0], args[1]))
        if life is None or not (life.order.reduce_only or life.is_entered):
            return None
        return life.order.account, life.order.market

    def _check_reductions(
        self,
        keys: Sequence[tuple[int, int]],
        events: Sequence[Event],
        touched: Iterable[tuple[dict[Any, Any], Any, Any]],
    ) -> None:
        if not keys:
            return
        trades = Counter((event.args[0], event.args[1]) for event in events if event.name == "Traded")
        held = self._world.clearinghouse.stored_positions()
        before: dict[tuple[int, int], Any] = {}
        for mapping, key, old in touched:
            if mapping is held:
                before.setdefault(key, old)
        for key in keys:
            if trades[key] != 1 or key not in before:
                continue
            old, new = 0 if isinstance(before[key], Contract) else before[key].shares, held[key].shares
            same_side = new == 0 or (new > 0) == (old > 0)
            _require(abs(new) <= abs(old) and same_side, "I46", "a reduction left", new, "shares of", old)
