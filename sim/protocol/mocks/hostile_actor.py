"""A contract that acts as it is told, and answers who calls it (``HostileActor.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.abi import BytesType, parse_tuple
from sim.protocol.errors import EmptyRevert
from sim.protocol.evm import Address, Contract, external, payable, view
from sim.protocol.revert import bubbled

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["Call", "HostileActor"]

Call = tuple[str, int, str]
"""Target, value [wei], calldata."""

_BYTES: Final = BytesType("bytes")
_CALLS: Final = "(address,uint256,bytes)[]"
_ANSWER: Final = parse_tuple(f"({_CALLS},bool)")


class HostileActor(Contract):
    """A contract that owns accounts, keeps, liquidates and operates.

    Native currency is not modelled: it must have enough for what it sends.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    """

    def __init__(self, world: World, name: str, address: Address) -> None:
        super().__init__(world, name, address)
        self._answer = b""
        self._is_answering = False

    def receive(self, sender: Address, value: int) -> None:
        """Answer a call without data (``HostileActor.sol::receive``)."""
        self.emit("Received", sender, value)
        if self._is_answering or not self._answer:
            return
        self._is_answering = True
        try:
            calls, is_strict = _ANSWER.decode(self._answer)
            self._run(calls, is_strict)
        finally:
            self._is_answering = False

    @payable(f"act({_CALLS},bool)")
    def act(self, _sender: Address, _value: int, calls: tuple[Call, ...], is_strict: bool) -> None:
        """Run calls, one after the other (``HostileActor.sol::act``)."""
        self._run(calls, is_strict)

    @external(f"setAnswer({_CALLS},bool)")
    def set_answer(self, _sender: Address, calls: tuple[Call, ...], is_strict: bool) -> None:
        """Say what it answers; no calls for none (``HostileActor.sol::setAnswer``)."""
        self._set("_answer", _ANSWER.encode((calls, is_strict)) if calls else b"")
        self.emit("AnswerSet", self.answer())

    @view("answer() -> (bytes)")
    def answer(self) -> str:
        """Return what it answers, encoded."""
        return "0x" + self._answer.hex()

    @view("halt()")
    def halt(self) -> None:
        """Burn all gas (``HostileActor.sol::halt``).

        Raises
        ------
        EmptyRevert
            That is what a caller sees.
        """
        raise EmptyRevert

    def _run(self, calls: tuple[Call, ...], is_strict: bool) -> None:
        for target, value, data in calls:
            ok, returned = self.world.message(self.address, target, _BYTES.raw(data), value)
            if not ok and is_strict:
                raise bubbled(returned)
            self.emit("Called", target, ok, "0x" + returned.hex())
