"""A token that misbehaves as it is told (``HostileToken.sol``)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sim.protocol.abi import BytesType
from sim.protocol.errors import EmptyRevert, Panic
from sim.protocol.evm import ARITHMETIC_PANIC, UINT256_MAX, ZERO_ADDRESS, Address, external, view
from sim.protocol.mocks.local_token import LocalToken
from sim.protocol.revert import bubbled

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["HostileToken", "Plan", "Trick"]

_PLAN: Final = "(uint8,bool,address,uint256,bytes)"
_BYTES: Final = BytesType("bytes")


class Trick(IntEnum):
    """What happens when a contract moves the token, as in ``HostileToken.sol``."""

    NONE = 0
    CALL_FIRST = 1
    CALL_AFTER = 2
    KEEP_PART = 3
    TAKE_MORE = 4
    RETURN = 5
    REFUSE = 6
    HALT = 7
    LIE = 8


class Plan(NamedTuple):
    """What a trick takes: see ``HostileToken.sol::Plan``."""

    trick: int = Trick.NONE
    is_strict: bool = False
    target: str = ZERO_ADDRESS
    amount: int = 0
    data: str = "0x"


class HostileToken(LocalToken):
    """A token that anyone arms; an account without code finds it honest.

    Parameters
    ----------
    world, name, address, decimals
        As for `LocalToken`.
    """

    def __init__(self, world: World, name: str, address: Address, *, decimals: int) -> None:
        super().__init__(world, name, address, decimals=decimals)
        self._plan = Plan()
        self._lie = 0
        self._playing = Trick.NONE

    @external(f"arm({_PLAN})")
    def arm(self, _sender: Address, plan: tuple[int, bool, str, int, str]) -> None:
        """Say what happens from now on (``HostileToken.sol::arm``).

        Raises
        ------
        EmptyRevert
            There is no such trick.
        """
        if plan[0] > Trick.LIE:
            raise EmptyRevert
        self._set("_plan", Plan(*plan))
        self._set("_lie", 0)
        self.emit("Armed", tuple(plan))

    @view(f"plan() -> ({_PLAN})")
    def plan(self) -> Plan:
        """Return what happens."""
        return self._plan

    @external("transfer(address,uint256) -> (bool)")
    def transfer(self, sender: Address, to: Address, value: int) -> Literal[True] | bytes:
        """Move tokens of the sender, and what the plan says (``HostileToken.sol::transfer``)."""
        if not self._is_tricked(sender):
            return super().transfer(sender, to, value)
        try:
            self._begin()
            super().transfer(sender, to, value)
            return self._end()
        finally:
            self._playing = Trick.NONE

    @external("transferFrom(address,address,uint256) -> (bool)")
    def transfer_from(self, sender: Address, source: Address, to: Address, value: int) -> Literal[True] | bytes:
        """Move tokens that the sender may spend, and what the plan says (``HostileToken.sol::transferFrom``)."""
        if not self._is_tricked(sender):
            return super().transfer_from(sender, source, to, value)
        try:
            self._begin()
            super().transfer_from(sender, source, to, value)
            return self._end()
        finally:
            self._playing = Trick.NONE

    @view("balanceOf(address) -> (uint256)")
    def balance_of(self, account: Address) -> int:
        """Return a balance, or a lie about it [token units]."""
        held = super().balance_of(account)
        if self._lie == 0 or account != self._plan.target:
            return held
        return (held + self._lie) & UINT256_MAX

    def _update(self, source: Address, to: Address, value: int) -> None:
        if self._playing == Trick.KEEP_PART:
            kept = min(self._plan.amount, value)
            super()._update(source, self.address, kept)
            value -= kept
        elif self._playing == Trick.TAKE_MORE:
            value += self._plan.amount
            if value > UINT256_MAX:
                raise Panic(ARITHMETIC_PANIC)
        super()._update(source, to, value)

    def _is_tricked(self, sender: Address) -> bool:
        return self._playing == Trick.NONE != self._plan.trick and self.world.contract_at(sender) is not None

    def _begin(self) -> None:
        trick = self._playing = Trick(self._plan.trick)
        if trick == Trick.CALL_FIRST:
            self._call_back()
        elif trick == Trick.REFUSE:
            raise bubbled(_BYTES.raw(self._plan.data))
        elif trick == Trick.HALT:
            raise EmptyRevert

    def _end(self) -> Literal[True] | bytes:
        trick = self._playing
        if trick == Trick.CALL_AFTER:
            self._call_back()
        elif trick == Trick.LIE:
            self._set("_lie", self._plan.amount)
        return _BYTES.raw(self._plan.data) if trick == Trick.RETURN else True

    def _call_back(self) -> None:
        plan = self._plan
        ok, returned = self.world.message(self.address, plan.target, _BYTES.raw(plan.data))
        if not ok and plan.is_strict:
            raise bubbled(returned)
        self.emit("CalledBack", plan.target, ok, "0x" + returned.hex())
