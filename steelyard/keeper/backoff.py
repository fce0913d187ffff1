"""Another try for a node that does not answer, later each time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from steelyard.client.errors import RpcUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often, and how long after each other, a request is repeated.

    Attributes
    ----------
    attempts : int
        In all, at least 1.
    first_seconds : float
        Wait after the first; it doubles from then on.
    longest_seconds : float
        No wait is longer.
    sleep : callable
        Waits so many seconds.
    """

    attempts: int = 6
    first_seconds: float = 0.5
    longest_seconds: float = 15.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, request: Callable[[], _T]) -> _T:
        """Return what `request` returns, at the first attempt that the node answers.

        Raises
        ------
        RpcUnreachable
            The last attempt failed too. What a node or a contract refuses is raised at once.
        """
        wait = self.first_seconds
        for _ in range(self.attempts - 1):
            try:
                return request()
            except RpcUnreachable:
                self.sleep(wait)
                wait = min(2 * wait, self.longest_seconds)
        return request()
