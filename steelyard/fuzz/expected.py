"""What the model expects, as the bytes that the contracts must give: compared without decoding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from steelyard.evm.abi import EventAbi, tuple_codec
from steelyard.evm.packing import packer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sim.protocol import ErrorValue, Outcome
    from steelyard.evm.chain import Chain, RawResult

    _Log = Callable[[tuple[Any, ...]], tuple[list[bytes], bytes]]

__all__ = ["Expected"]


class Expected:
    """Bytes of outcomes.

    Parameters
    ----------
    chain : Chain
        With all contracts on it.
    """

    def __init__(self, chain: Chain) -> None:
        self._addresses = {name: to_checksum_address(address) for name, address in chain.addresses.items()}
        self._returns: dict[tuple[str, str], Callable[[tuple[Any, ...]], bytes]] = {}
        self._abi = chain.abi
        self._type_of = chain.type_of
        self._events: dict[tuple[str, str], _Log] = {}
        self._errors: dict[str, tuple[bytes, Callable[[tuple[Any, ...]], bytes]]] = {}
        ambiguous = set()
        for name in chain.addresses:
            for entry in chain.artefacts[chain.type_of(name)].abi:
                if entry["type"] == "event":
                    self._events[name, entry["name"]] = _log(EventAbi(entry))
        for error in chain.abi.errors.values():
            if error.name in self._errors:
                ambiguous.add(error.name)
            self._errors[error.name] = error.selector, packer(error.inputs)
        for name in ambiguous:
            del self._errors[name]

    def matches(self, contract: str, function: str, outcome: Outcome, result: RawResult) -> bool:
        """Return whether a call left just the bytes of `outcome`; what has no bytes here does not match."""
        try:
            return self._matches(contract, function, outcome, result)
        except OverflowError:
            return False

    def _matches(self, contract: str, function: str, outcome: Outcome, result: RawResult) -> bool:
        if outcome.ok != result.ok:
            return False
        if outcome.error is not None:
            return self._error(outcome.error) == result.data
        if len(outcome.events) != len(result.logs):
            return False
        pack = self._returns.get((contract, function))
        if pack is None:
            outputs = self._abi.function(self._type_of(contract), function).outputs
            pack = self._returns[contract, function] = packer(outputs)
        if pack(outcome.returns) != result.data:
            return False
        addresses, packs = self._addresses, self._events
        for event, (address, topics, data) in zip(outcome.events, result.logs, strict=True):
            found = packs.get((event.contract, event.name))
            if found is None or addresses[event.contract] != address or found(event.args) != (topics, data):
                return False
        return True

    def _error(self, error: ErrorValue) -> bytes | None:
        if not error.name:
            return b""
        found = self._errors.get(error.name)
        return None if found is None else found[0] + found[1](error.args)


def _log(event: EventAbi) -> _Log:
    topics = tuple((at, packer(tuple_codec([event.topics[number]]))) for at, number in event.places(indexed=True))
    plain = tuple(at for at, _ in event.places(indexed=False))
    pack = packer(event.plain)
    topic = event.topic

    def encode(args: tuple[Any, ...]) -> tuple[list[bytes], bytes]:
        return [topic, *[word((args[at],)) for at, word in topics]], pack(tuple([args[at] for at in plain]))

    return encode
