"""Which orders cost a keeper gas without paying, and when each is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.protocol.types.order import OrderKind
from steelyard.keeper.book import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steelyard.keeper.book import Due, Key, OpenOrder

__all__ = ["Troubles"]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often in succession, the last time, and when it is tried again [Unix s]."""

    failures: int
    at: int
    until: int


class Troubles:
    """Failures of orders, and fills of accounts that did not pay, since one of theirs paid.

    What fails waits, twice as long each time. A fill counts as failed too where it was sent and the order rested or was
    used up: that has cost gas. Only a fill that is settled ends an order's troubles, and one that pays those of its
    account; no account waits for another.

    Parameters
    ----------
    first_wait, longest_wait : int
        Seconds of the chain; the wait doubles from the one to the other.
    """

    def __init__(self, first_wait: int, longest_wait: int) -> None:
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._orders: dict[Key, tuple[OpenOrder, _Trouble]] = {}
        self._accounts: dict[int, _Trouble] = {}

    def failed(self, held: OpenOrder, now: int) -> None:
        """Note that an order reverted."""
        self._orders[held.key] = held, self._next(self._of(held), now)

    def unpaid(self, held: OpenOrder, now: int) -> None:
        """Note that a fill was sent and did not pay: the order rests, or is used up.

        Its account is told once a round, and not of slices, which recur no faster than their interval.
        """
        self.failed(held, now)
        account = held.order.account
        before = self._accounts.get(account)
        is_slice = held.terms is not None and held.terms.kind == OrderKind.TWAP
        if not is_slice and (before is None or before.at != now):
            self._accounts[account] = self._next(before, now)

    def settled(self, held: OpenOrder) -> None:
        """Note that an order was filled."""
        self._orders.pop(held.key, None)
        if held.order.keeper_fee:
            self._accounts.pop(held.order.account, None)

    def forget(self, orders: Mapping[Key, OpenOrder], now: int) -> None:
        """Drop the troubles of orders that are over, and of accounts that nothing was tried of for long."""
        self._orders = {key: one for key, one in self._orders.items() if key in orders}
        self._accounts = {
            account: one for account, one in self._accounts.items() if now <= one.until + self._longest_wait
        }

    def obstacle(self, one: Due, now: int) -> str | None:
        """Return why something due waits, None where it does not.

        Only triggers and trails wait for their account: what is delayed or triggered would lapse, which its trader may
        like, and each has cost a transaction.
        """
        held = one.held
        own = self._of(held)
        if own is not None and now < own.until:
            return f"failed {own.failures} times, is tried again at {own.until}"
        if one.action not in (Action.TRIGGER, Action.TRAIL):
            return None
        shared = self._accounts.get(held.order.account)
        if shared is not None and now < shared.until:
            return f"the account's last {shared.failures} fills paid nothing, is tried again at {shared.until}"
        return None

    def _of(self, held: OpenOrder) -> _Trouble | None:
        """Return the trouble of this very order, however far it was: another may have had its slot."""
        known = self._orders.get(held.key)
        return known[1] if known is not None and known[0][:3] == held[:3] else None

    def _next(self, before: _Trouble | None, now: int) -> _Trouble:
        failures = before.failures + 1 if before is not None else 1
        return _Trouble(failures, now, now + min(self._first_wait << min(failures - 1, 30), self._longest_wait))
