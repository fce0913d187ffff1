"""What the model expects, as the bytes that the contracts must give: compared without decoding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from steelyard.evm.abi import EventAbi
from steelyard.evm.packing import log_packer, packer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sim.protocol import ErrorValue, Outcome
    from steelyard.evm.chain import Chain, RawResult

    _Log = Callable[[tuple[Any, ...]], tuple[list[bytes], bytes]]

__all__ = ["Expected"]

_UNKNOWN: tuple[str, _Log] = "", lambda _: ([], b"")
"""Of an event that nobody declares: no log has this address."""


class Expected:
    """Bytes of outcomes.

    Parameters
    ----------
    chain : Chain
        With all contracts on it.
    """

    def __init__(self, chain: Chain) -> None:
        self._returns: dict[tuple[str, str], Callable[[tuple[Any, ...]], bytes]] = {}
        self._abi = chain.abi
        self._type_of = chain.type_of
        self._events: dict[tuple[str, str], tuple[str, _Log]] = {}
        self._errors: dict[str, tuple[bytes, Callable[[tuple[Any, ...]], bytes]]] = {}
        ambiguous = set()
        for name, address in chain.addresses.items():
            for entry in chain.artefacts[chain.type_of(name)].abi:
                if entry["type"] == "event":
                    self._events[name, entry["name"]] = to_checksum_address(address), log_packer(EventAbi(entry))
        for error in chain.abi.errors.values():
            if error.name in self._errors:
                ambiguous.add(error.name)
            self._errors[error.name] = error.selector, packer(error.inputs)
        for name in ambiguous:
            del self._errors[name]

    def matches(self, contract: str, function: str, outcome: Outcome, result: RawResult) -> bool:
        """Return whether a call left just the bytes of `outcome`; what has no bytes here does not match."""
        ok, returns, error, events = outcome
        there, left, logs, _ = result
        if ok != there or len(events) != len(logs):
            return False
        try:
            if error is not None:
                return self._error(error) == left
            pack = self._returns.get((contract, function)) or self._returned(contract, function)
            if pack(returns) != left:
                return False
            packs = self._events
            for (emitter, name, args), (address, topics, data) in zip(events, logs, strict=True):
                expected, encode = packs.get((emitter, name), _UNKNOWN)
                if expected != address or encode(args) != (topics, data):
                    return False
        except OverflowError:
            return False
        return True

    def _returned(self, contract: str, function: str) -> Callable[[tuple[Any, ...]], bytes]:
        outputs = self._abi.function(self._type_of(contract), function).outputs
        pack = self._returns[contract, function] = packer(outputs)
        return pack

    def _error(self, error: ErrorValue) -> bytes | None:
        if not error.name:
            return b""
        found = self._errors.get(error.name)
        return None if found is None else found[0] + found[1](error.args)
