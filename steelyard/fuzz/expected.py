"""What the model expects, as the bytes that the contracts must give: compared without decoding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from steelyard.evm.abi import ErrorAbi, EventAbi

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sim.protocol import ErrorValue, Event, Outcome
    from steelyard.evm.chain import Chain, RawResult

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
        self._events: dict[tuple[str, str], EventAbi] = {}
        self._errors: dict[str, ErrorAbi] = {}
        ambiguous = set()
        for artefact in chain.artefacts.all:
            for entry in artefact.abi:
                if entry["type"] == "event":
                    self._events[artefact.name, entry["name"]] = EventAbi(entry)
        for error in chain.abi.errors.values():
            if error.name in self._errors:
                ambiguous.add(error.name)
            self._errors[error.name] = error
        for name in ambiguous:
            del self._errors[name]

    def matches(self, contract: str, function: str, outcome: Outcome, result: RawResult) -> bool:
        """Return whether a call left just the bytes of `outcome`; what has no bytes here does not match."""
        if outcome.ok != result.ok:
            return False
        if outcome.error is not None:
            return self._error(outcome.error) == result.data
        if len(outcome.events) != len(result.logs):
            return False
        pack = self._returns.get((contract, function))
        if pack is None:
            pack = self._returns[contract, function] = self._abi.function(contract, function).outputs.encode
        if pack(outcome.returns) != result.data:
            return False
        return all(self._is_log(event, log) for event, log in zip(outcome.events, result.logs, strict=True))

    def _is_log(self, event: Event, log: tuple[str, list[bytes], bytes]) -> bool:
        found = self._events.get((event.contract, event.name))
        if found is None or self._addresses[event.contract] != log[0]:
            return False
        topics, data = found.pack(event.args)
        return data == log[2] and topics == log[1]

    def _error(self, error: ErrorValue) -> bytes | None:
        if not error.name:
            return b""
        found = self._errors.get(error.name)
        return None if found is None else found.pack(error.args)
