"""Requests that are settled in their order, and claims that add up by controller (``Requests.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sim.protocol.errors import AmountZero, ClaimExceeded, RequestUnknown
from sim.protocol.evm import Address, ceil_div
from sim.protocol.types.queue import Claim, Header, Request

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Queue"]

_HEADER: Final = "header"
_NO_REQUEST: Final = Request()
_NO_CLAIM: Final = Claim()


class Queue:
    """A queue in the storage of a contract.

    A request covers the amounts from `end - amount` to `end` of its controller's claims, which are claimed from the
    oldest on: so neither settling nor claiming loops over requests.

    Parameters
    ----------
    put : callable
        `Contract._put` of the contract.

    Attributes
    ----------
    headers : dict
        The one header.
    requests : dict
        By id.
    claims : dict
        By controller.
    """

    def __init__(self, put: Callable[[dict[Any, Any], Any, Any], None]) -> None:
        self._put = put
        self.headers: dict[str, Header] = {_HEADER: Header()}
        self.requests: dict[int, Request] = {}
        self.claims: dict[Address, Claim] = {}

    @property
    def header(self) -> Header:
        """Where the queue stands."""
        return self.headers[_HEADER]

    def request_of(self, number: int) -> Request:
        """Return a request, zeros where there is none."""
        return self.requests.get(number, _NO_REQUEST)

    def claim_of(self, controller: Address) -> Claim:
        """Return what a controller may claim."""
        return self.claims.get(controller, _NO_CLAIM)

    def move(self, done: int, filled: int) -> None:
        """Store where the head is."""
        header = self.header
        self._put(self.headers, _HEADER, Header(done, header.made, filled))

    def push(self, controller: Address, amount: int, now: int) -> int:
        """Append a request; return its id (``Requests.sol::push``)."""
        header = self.header
        number = header.made + 1
        self._put(self.headers, _HEADER, header._replace(made=number))
        self._put(self.requests, number, Request(controller, now, amount, 0))
        return number

    def fill(self, controller: Address, amount: int, payout: int) -> int:
        """Make `amount` of a controller's oldest requests claimable for `payout` (``Requests.sol::fill``).

        Returns
        -------
        int
            End of that amount among his claims.
        """
        claim = self.claim_of(controller)
        claim = Claim(claim.amount + amount, claim.payout + payout, claim.claimed)
        self._put(self.claims, controller, claim)
        return claim.claimed + claim.amount

    def finish(self, number: int, end: int) -> None:
        """Store where a request ends, which is over."""
        self._put(self.requests, number, self.requests[number]._replace(end=end))

    def cancel(self, number: int) -> tuple[Address, int]:
        """Take what is not settled of a request out of the queue (``Requests.sol::cancel``).

        Returns
        -------
        tuple of Address and int
            Controller, and the amount that was not settled.

        Raises
        ------
        RequestUnknown
            There is no such request, or it is over.
        """
        request, header = self.request_of(number), self.header
        head = header.done + 1
        if number < head or request.amount == 0:
            raise RequestUnknown(number)
        filled = header.filled if number == head else 0
        if number == head:
            self.move(number, 0)
        if filled == 0:
            self._put(self.requests, number, _NO_REQUEST)
            return request.controller, request.amount
        claim = self.claim_of(request.controller)
        self._put(self.requests, number, request._replace(amount=filled, end=claim.claimed + claim.amount))
        return request.controller, request.amount - filled

    def take_amount(self, controller: Address, amount: int) -> int:
        """Claim `amount` of what was requested; return the payout, down (``Requests.sol::takeAmount``).

        Raises
        ------
        AmountZero, ClaimExceeded
            As named.
        """
        claim = self.claim_of(controller)
        if amount == 0:
            raise AmountZero
        if amount > claim.amount:
            raise ClaimExceeded(amount, claim.amount)
        payout = amount * claim.payout // claim.amount
        self._take(controller, claim, amount, payout)
        return payout

    def take_payout(self, controller: Address, payout: int) -> int:
        """Claim `payout`; return the amount of what was requested, up (``Requests.sol::takePayout``).

        Raises
        ------
        AmountZero, ClaimExceeded
            As named.
        """
        claim = self.claim_of(controller)
        if payout == 0:
            raise AmountZero
        if payout > claim.payout:
            raise ClaimExceeded(payout, claim.payout)
        amount = ceil_div(payout * claim.amount, claim.payout)
        self._take(controller, claim, amount, payout)
        return amount

    def pending_of(self, number: int, controller: Address) -> int:
        """Return the amount of a request that is not settled (``Requests.sol::pendingOf``)."""
        request, header = self.request_of(number), self.header
        if number <= header.done or request.controller != controller:
            return 0
        return request.amount - header.filled if number == header.done + 1 else request.amount

    def claimable_of(self, number: int, controller: Address) -> int:
        """Return the amount of a request that is settled and not claimed (``Requests.sol::claimableOf``)."""
        request, header = self.request_of(number), self.header
        if request.controller != controller:
            return 0
        claim = self.claim_of(controller)
        if number > header.done:
            return min(header.filled, claim.amount) if number == header.done + 1 else 0
        return min(request.amount, max(0, request.end - claim.claimed))

    def _take(self, controller: Address, claim: Claim, amount: int, payout: int) -> None:
        left = Claim(claim.amount - amount, claim.payout - payout, claim.claimed + amount)
        self._put(self.claims, controller, left)
