"""Contracts' interfaces with names: what `steelyard.evm.abi` packs and unpacks, as structs and arguments by name."""

from __future__ import annotations

import re
from collections import namedtuple
from functools import cache
from typing import TYPE_CHECKING, Any

from steelyard.client.errors.base import ContractReverted
from steelyard.client.errors.contracts import BY_NAME
from steelyard.evm.abi import AbiDataMalformed, ErrorAbi, EventAbi, FunctionAbi
from steelyard.evm.artefacts import Artefacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from steelyard.evm.artefacts import AbiEntry

__all__ = ["Abi", "abi_of", "decode_revert", "snake_case"]

_STANDARD_ERRORS: tuple[AbiEntry, ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


def _reader_of(entry: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """Return what turns plain tuples into named ones, None where there is nothing to name."""
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return None
    parts = entry["components"]
    readers = [_reader_of(part) for part in parts]
    # The fields come from the contract, so no class can spell them out.
    record: Any = namedtuple("Record", [part["name"] for part in parts])  # type: ignore[misc]

    def read_one(value: Any) -> Any:
        return record(*[item if one is None else one(item) for one, item in zip(readers, value, strict=True)])

    read: Callable[[Any], Any] = read_one
    for _ in range(kind.count("[")):
        read = _each(read)
    return read


def _each(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: tuple([read(value) for value in values])


def _named(entry: AbiEntry, values: Sequence[Any]) -> dict[str, Any]:
    names = [part["name"] or str(place) for place, part in enumerate(entry["inputs"])]
    return dict(zip(names, values, strict=True))


class Abi:
    """The interface of one contract.

    Parameters
    ----------
    name : str
        Of the contract.
    entries : iterable of dict
        Its JSON ABI.
    """

    def __init__(self, name: str, entries: Sequence[AbiEntry]) -> None:
        self.name = name
        self._functions: dict[str, tuple[FunctionAbi, list[Callable[[Any], Any] | None]]] = {}
        self._events: dict[str, tuple[EventAbi, AbiEntry]] = {}
        for entry in entries:
            if entry["type"] == "function":
                function = FunctionAbi(name, entry)
                known = function, [_reader_of(part) for part in entry["outputs"]]
                # Of functions with one name, each is found by its signature.
                self._functions[function.name] = self._functions[function.signature] = known
            elif entry["type"] == "event":
                self._events[entry["name"]] = EventAbi(entry), entry

    @property
    def events(self) -> tuple[str, ...]:
        """Names of all events."""
        return tuple(self._events)

    def selector(self, function: str) -> bytes:
        """Return the first four bytes of a function's call data."""
        return self._functions[function][0].selector

    def encode(self, function: str, arguments: tuple[Any, ...]) -> bytes:
        """Return call data."""
        return self._functions[function][0].pack(arguments)

    def decode(self, function: str, data: bytes) -> Any:
        """Return what a call returned: None, one value, or a tuple; structs as named tuples."""
        abi, readers = self._functions[function]
        values = [item if one is None else one(item) for one, item in zip(readers, abi.unpack(data), strict=True)]
        if not values:
            return None
        return values[0] if len(values) == 1 else tuple(values)

    def topic(self, event: str) -> str:
        """Return the first topic of an event."""
        return "0x" + self._events[event][0].topic.hex()

    def decode_event(self, event: str, topics: Sequence[str], data: bytes) -> dict[str, Any]:
        """Return the arguments of an event by name, indexed ones too; structs as named tuples."""
        abi, entry = self._events[event]
        values = abi.unpack(self.name, [bytes.fromhex(topic[2:]) for topic in topics], data).args
        readers = [_reader_of(part) for part in entry["inputs"]]
        return _named(entry, [item if one is None else one(item) for one, item in zip(readers, values, strict=True)])


@cache
def _artefacts() -> Artefacts:
    return Artefacts()


@cache
def abi_of(contract: str) -> Abi:
    """Return the interface of a compiled contract.

    Raises
    ------
    ArtefactsMissing, ArtefactUnknown
        It has not been compiled.
    """
    artefact = _artefacts()[contract]
    return Abi(artefact.name, artefact.abi)


@cache
def _errors() -> dict[bytes, tuple[ErrorAbi, AbiEntry]]:
    entries = [entry for artefact in _artefacts().all for entry in artefact.abi if entry["type"] == "error"]
    found: dict[bytes, tuple[ErrorAbi, AbiEntry]] = {}
    for entry in (*_STANDARD_ERRORS, *entries, *_artefacts().foreign_errors):
        error = ErrorAbi(entry)
        found.setdefault(error.selector, (error, entry))
    return found


def decode_revert(data: bytes) -> ContractReverted:
    """Return what a contract reverted with, as the class of its name; those of all contracts and of Pyth are known."""
    found = _errors().get(data[:4])
    if found is not None:
        error, entry = found
        try:
            kind = BY_NAME.get(error.name, ContractReverted)
            return kind(error.name, _named(entry, error.unpack(data).args), data)
        except AbiDataMalformed:
            pass
    return ContractReverted("Unknown", {"data": "0x" + data.hex()}, data)


def snake_case(name: str) -> str:
    """Return `minSize` as `min_size`."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()
