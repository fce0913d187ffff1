"""Calldata, return values, events and errors, packed and unpacked by hand.

Each type of an ABI is turned once into a pair of closures, so that a call costs a few microseconds where a general
library costs fifty. Values are integers, booleans, strings, lower-case `0x` strings for addresses and bytes (bytes
objects are accepted too), and nested tuples for structs and arrays. Nothing is coerced: a value out of range, data that
does not follow the ABI, an error or event that nobody declared each raise.

Exceptions
----------
AbiError
    ├── AbiTypeUnsupported
    ├── AbiValueInvalid
    ├── AbiDataMalformed
    ├── FunctionUnknown
    ├── FunctionAmbiguous
    ├── ErrorUndeclared
    └── EventUndeclared
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from sim.protocol.outcome import ErrorValue, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from steelyard.evm.artefacts import AbiEntry, Artefacts

__all__ = [
    "AbiDataMalformed",
    "AbiError",
    "AbiIndex",
    "AbiTypeUnsupported",
    "AbiValueInvalid",
    "Codec",
    "ErrorAbi",
    "ErrorUndeclared",
    "EventAbi",
    "EventUndeclared",
    "FunctionAbi",
    "FunctionAmbiguous",
    "FunctionUnknown",
    "codec",
    "signature",
    "tuple_codec",
]

Value = Any
"""What the ABI can carry, see the module's text."""

_WORD = 32
_ARRAY = re.compile(r"(.*)\[(\d*)\]")
_INTEGER = re.compile(r"(u?)int(\d+)")
_FIXED_BYTES = re.compile(r"bytes(\d+)")


class AbiError(ValueError):
    """Something does not follow the ABI."""


class AbiTypeUnsupported(AbiError):
    """A type that no contract of the project uses."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"unsupported ABI type {kind!r}")


class AbiValueInvalid(AbiError):
    """A value does not fit its type."""

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(f"{value!r} is not a value of {kind}")


class AbiDataMalformed(AbiError):
    """Returned data, an event or an error is not what its type says."""

    def __init__(self, kind: str, data: bytes) -> None:
        super().__init__(f"not an encoding of {kind}: 0x{data.hex()}")


class FunctionUnknown(AbiError):
    """The contract has no such function."""

    def __init__(self, contract: str, function: str) -> None:
        super().__init__(f"{contract} has no function {function!r}")


class FunctionAmbiguous(AbiError):
    """The function is overloaded: its whole signature is wanted."""

    def __init__(self, contract: str, function: str, signatures: Iterable[str]) -> None:
        super().__init__(f"{contract}.{function} is overloaded: {', '.join(sorted(signatures))}")


class ErrorUndeclared(AbiError):
    """Revert data that no ABI declares."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"no ABI declares the error 0x{data.hex()}")


class EventUndeclared(AbiError):
    """A log that no ABI declares."""

    def __init__(self, address: str, topics: Sequence[bytes]) -> None:
        super().__init__(f"no ABI declares the event {[topic.hex() for topic in topics]} of {address}")


@dataclass(frozen=True, slots=True)
class Codec:
    """Both directions of one type.

    Attributes
    ----------
    kind : str
        Canonical name of the type.
    head : int
        Length of its head in a tuple [bytes].
    dynamic : bool
        Whether the head is an offset to the value.
    encode : callable
        Value to bytes.
    decode : callable
        Data and position to the value.
    parts : tuple of Codec
        Of a tuple; the element of a list; else empty.
    """

    kind: str
    head: int
    dynamic: bool
    encode: Callable[[Value], bytes]
    decode: Callable[[bytes, int], Value]
    parts: tuple[Codec, ...] = ()


def codec(entry: Mapping[str, Any]) -> Codec:
    """Return the codec of an ABI parameter: its `type`, and `components` where that is a tuple.

    Raises
    ------
    AbiTypeUnsupported
        Fixed-point numbers, function pointers, and what is no type at all.
    """
    kind: str = entry["type"]
    array = _ARRAY.fullmatch(kind)
    if array:
        element = codec({**entry, "type": array[1]})
        return _array(element, int(array[2])) if array[2] else _list(element)
    if kind == "tuple":
        return tuple_codec([codec(component) for component in entry["components"]])
    integer = _INTEGER.fullmatch(kind)
    if integer and int(integer[2]) in range(8, 257, 8):
        return _unsigned(kind, int(integer[2])) if integer[1] else _signed(kind, int(integer[2]))
    fixed = _FIXED_BYTES.fullmatch(kind)
    if fixed and int(fixed[1]) in range(1, 33):
        return _fixed_bytes(kind, int(fixed[1]))
    simple = _SIMPLE.get(kind)
    if simple is None:
        raise AbiTypeUnsupported(kind)
    return simple


def _word(kind: str, data: bytes, at: int) -> bytes:
    word = data[at : at + _WORD]
    if len(word) != _WORD:
        raise AbiDataMalformed(kind, data)
    return word


def _unsigned(kind: str, bits: int) -> Codec:
    limit = 1 << bits

    def encode(value: Value) -> bytes:
        if not (isinstance(value, int) and 0 <= value < limit):
            raise AbiValueInvalid(kind, value)
        return value.to_bytes(_WORD, "big")

    def decode(data: bytes, at: int) -> int:
        value = int.from_bytes(_word(kind, data, at), "big")
        if value >= limit:
            raise AbiDataMalformed(kind, data)
        return value

    return Codec(kind, _WORD, dynamic=False, encode=encode, decode=decode)


def _signed(kind: str, bits: int) -> Codec:
    limit = 1 << (bits - 1)

    def encode(value: Value) -> bytes:
        if not (isinstance(value, int) and -limit <= value < limit):
            raise AbiValueInvalid(kind, value)
        return value.to_bytes(_WORD, "big", signed=True)

    def decode(data: bytes, at: int) -> int:
        value = int.from_bytes(_word(kind, data, at), "big", signed=True)
        if not -limit <= value < limit:
            raise AbiDataMalformed(kind, data)
        return value

    return Codec(kind, _WORD, dynamic=False, encode=encode, decode=decode)


def _raw(kind: str, value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise AbiValueInvalid(kind, value)


def _fixed_bytes(kind: str, size: int) -> Codec:
    padding = bytes(_WORD - size)

    def encode(value: Value) -> bytes:
        raw = _raw(kind, value)
        if len(raw) != size:
            raise AbiValueInvalid(kind, value)
        return raw + padding

    def decode(data: bytes, at: int) -> str:
        word = _word(kind, data, at)
        if word[size:] != padding:
            raise AbiDataMalformed(kind, data)
        return "0x" + word[:size].hex()

    return Codec(kind, _WORD, dynamic=False, encode=encode, decode=decode)


def _address() -> Codec:
    kind = "address"
    padding = bytes(12)

    def encode(value: Value) -> bytes:
        raw = _raw(kind, value)
        if len(raw) != 20:
            raise AbiValueInvalid(kind, value)
        return padding + raw

    def decode(data: bytes, at: int) -> str:
        word = _word(kind, data, at)
        if word[:12] != padding:
            raise AbiDataMalformed(kind, data)
        return "0x" + word[12:].hex()

    return Codec(kind, _WORD, dynamic=False, encode=encode, decode=decode)


def _bool() -> Codec:
    kind = "bool"

    def encode(value: Value) -> bytes:
        if not isinstance(value, bool):
            raise AbiValueInvalid(kind, value)
        return value.to_bytes(_WORD, "big")

    def decode(data: bytes, at: int) -> bool:
        value = int.from_bytes(_word(kind, data, at), "big")
        if value > 1:
            raise AbiDataMalformed(kind, data)
        return value == 1

    return Codec(kind, _WORD, dynamic=False, encode=encode, decode=decode)


def _sized(raw: bytes) -> bytes:
    return len(raw).to_bytes(_WORD, "big") + raw + bytes(-len(raw) % _WORD)


def _read_sized(kind: str, data: bytes, at: int) -> bytes:
    size = int.from_bytes(_word(kind, data, at), "big")
    start = at + _WORD
    end = start + size + -size % _WORD
    if end > len(data) or any(data[start + size : end]):
        raise AbiDataMalformed(kind, data)
    return data[start : start + size]


def _bytes() -> Codec:
    kind = "bytes"

    def encode(value: Value) -> bytes:
        return _sized(_raw(kind, value))

    def decode(data: bytes, at: int) -> str:
        return "0x" + _read_sized(kind, data, at).hex()

    return Codec(kind, _WORD, dynamic=True, encode=encode, decode=decode)


def _string() -> Codec:
    kind = "string"

    def encode(value: Value) -> bytes:
        if not isinstance(value, str):
            raise AbiValueInvalid(kind, value)
        return _sized(value.encode())

    def decode(data: bytes, at: int) -> str:
        try:
            return _read_sized(kind, data, at).decode()
        except UnicodeDecodeError:
            raise AbiDataMalformed(kind, data) from None

    return Codec(kind, _WORD, dynamic=True, encode=encode, decode=decode)


_SIMPLE = {"address": _address(), "bool": _bool(), "bytes": _bytes(), "string": _string()}


def tuple_codec(parts: Sequence[Codec]) -> Codec:
    """Return the codec of a tuple: a struct, or the arguments of a function."""
    kind = f"({','.join(part.kind for part in parts)})"
    count = len(parts)
    size = sum(part.head for part in parts)
    encoders = tuple(part.encode for part in parts)
    plan = tuple((part.encode, part.dynamic) for part in parts)
    offsets = [sum(part.head for part in parts[:number]) for number in range(count)]
    readers = tuple((part.decode, offset, part.dynamic) for part, offset in zip(parts, offsets, strict=True))
    dynamic = any(part.dynamic for part in parts)

    def encode_static(value: Value) -> bytes:
        if not isinstance(value, tuple) or len(value) != count:
            raise AbiValueInvalid(kind, value)
        return b"".join([encode(item) for encode, item in zip(encoders, value, strict=True)])

    def encode_dynamic(value: Value) -> bytes:
        if not isinstance(value, tuple) or len(value) != count:
            raise AbiValueInvalid(kind, value)
        return _encode_parts(plan, value, size)

    def decode(data: bytes, at: int) -> tuple[Value, ...]:
        return tuple(
            [
                read(data, at + int.from_bytes(_word(kind, data, at + offset), "big") if far else at + offset)
                for read, offset, far in readers
            ]
        )

    return Codec(
        kind,
        _WORD if dynamic else size,
        dynamic=dynamic,
        encode=encode_dynamic if dynamic else encode_static,
        decode=decode,
        parts=tuple(parts),
    )


def _encode_parts(plan: Iterable[tuple[Callable[[Value], bytes], bool]], values: Sequence[Value], size: int) -> bytes:
    heads: list[bytes] = []
    tails: list[bytes] = []
    for (encode, dynamic), value in zip(plan, values, strict=True):
        encoded = encode(value)
        if dynamic:
            heads.append(size.to_bytes(_WORD, "big"))
            tails.append(encoded)
            size += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def _array(element: Codec, count: int) -> Codec:
    whole = tuple_codec([element] * count)
    return Codec(f"{element.kind}[{count}]", whole.head, whole.dynamic, whole.encode, whole.decode)


def _list(element: Codec) -> Codec:
    kind = f"{element.kind}[]"

    def encode(value: Value) -> bytes:
        if not isinstance(value, tuple):
            raise AbiValueInvalid(kind, value)
        count = len(value)
        plan = [(element.encode, element.dynamic)] * count
        return count.to_bytes(_WORD, "big") + _encode_parts(plan, value, count * element.head)

    def decode(data: bytes, at: int) -> tuple[Value, ...]:
        count = int.from_bytes(_word(kind, data, at), "big")
        base = at + _WORD
        if base + count * max(element.head, 1) > len(data):
            raise AbiDataMalformed(kind, data)
        places = range(base, base + count * element.head, element.head) if element.head else [base] * count
        if element.dynamic:
            places = [base + int.from_bytes(_word(kind, data, place), "big") for place in places]
        return tuple([element.decode(data, place) for place in places])

    return Codec(kind, _WORD, dynamic=True, encode=encode, decode=decode, parts=(element,))


def signature(entry: AbiEntry) -> str:
    """Return `name(type,...)` of a function, event or error."""
    return f"{entry['name']}{tuple_codec([codec(part) for part in entry['inputs']]).kind}"


class FunctionAbi:
    """One function of one contract.

    Attributes
    ----------
    contract, name, signature : str
        Whose it is and what it is called.
    selector : bytes
        First four bytes of its calldata.
    mutability : str
        `pure`, `view`, `nonpayable` or `payable`.
    inputs, outputs : Codec
        Tuples of its arguments and its return values.
    """

    __slots__ = ("contract", "inputs", "mutability", "name", "outputs", "selector", "signature")

    def __init__(self, contract: str, entry: AbiEntry) -> None:
        self.contract = contract
        self.name: str = entry["name"]
        self.inputs = tuple_codec([codec(part) for part in entry["inputs"]])
        self.outputs = tuple_codec([codec(part) for part in entry["outputs"]])
        self.signature = f"{self.name}{self.inputs.kind}"
        self.selector = keccak(text=self.signature)[:4]
        self.mutability: str = entry["stateMutability"]

    @property
    def is_view(self) -> bool:
        """Whether it changes nothing."""
        return self.mutability in ("pure", "view")

    def pack(self, args: tuple[Value, ...]) -> bytes:
        """Return the calldata of a call with `args`."""
        return self.selector + self.inputs.encode(args)

    def unpack(self, data: bytes) -> tuple[Value, ...]:
        """Return the values that a call returned."""
        values: tuple[Value, ...] = self.outputs.decode(data, 0)
        return values


class ErrorAbi:
    """One custom error."""

    __slots__ = ("inputs", "name", "selector", "signature")

    def __init__(self, entry: AbiEntry) -> None:
        self.name: str = entry["name"]
        self.inputs = tuple_codec([codec(part) for part in entry["inputs"]])
        self.signature = f"{self.name}{self.inputs.kind}"
        self.selector = keccak(text=self.signature)[:4]

    def unpack(self, data: bytes) -> ErrorValue:
        """Return the error that revert data holds, its selector included."""
        return ErrorValue(self.name, self.inputs.decode(data[4:], 0))


class EventAbi:
    """One event; its arguments come in the order of the ABI, indexed or not."""

    __slots__ = ("_order", "name", "plain", "signature", "topic", "topics")

    def __init__(self, entry: AbiEntry) -> None:
        self.name: str = entry["name"]
        self.signature = signature(entry)
        self.topic = keccak(text=self.signature)
        topics: list[Codec] = []
        plain: list[Codec] = []
        order: list[tuple[bool, int]] = []
        for part in entry["inputs"]:
            kind = codec(part)
            group = topics if part["indexed"] else plain
            order.append((part["indexed"], len(group)))
            # Of what does not fit a topic only the hash is there.
            group.append(_WORD_CODEC if part["indexed"] and (kind.dynamic or kind.head != _WORD) else kind)
        self.topics = tuple(topics)
        self.plain = tuple_codec(plain)
        self._order = tuple(order)

    def places(self, *, indexed: bool) -> list[tuple[int, int]]:
        """Return, of the arguments that are indexed or not, each one's place among all and among its like."""
        return [(at, number) for at, (is_topic, number) in enumerate(self._order) if is_topic == indexed]

    def unpack(self, contract: str, topics: Sequence[bytes], data: bytes) -> Event:
        """Return the event that a log holds."""
        plain = self.plain.decode(data, 0)
        return Event(
            contract,
            self.name,
            tuple(
                [
                    self.topics[number].decode(topics[number + 1], 0) if indexed else plain[number]
                    for indexed, number in self._order
                ]
            ),
        )


_WORD_CODEC = _fixed_bytes("bytes32", 32)
_PANIC = {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]}
_ERROR = {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]}


class AbiIndex:
    """Functions, events and errors of all contracts, by what identifies them.

    An error or event is found whatever contract it comes from, because a call runs through several.

    Parameters
    ----------
    artefacts : Artefacts
        All compiled contracts.
    """

    def __init__(self, artefacts: Artefacts) -> None:
        self._functions: dict[tuple[str, str], FunctionAbi] = {}
        self._overloaded: dict[tuple[str, str], set[str]] = {}
        self._constructors: dict[str, Codec] = {}
        self.errors: dict[bytes, ErrorAbi] = {}
        self.events: dict[tuple[bytes, int], EventAbi] = {}
        for artefact in artefacts.all:
            self._constructors[artefact.name] = tuple_codec([])
            for entry in artefact.abi:
                self._add(artefact.name, entry)
        for entry in (_PANIC, _ERROR, *artefacts.foreign_errors):
            self._add("", entry)

    def _add(self, contract: str, entry: AbiEntry) -> None:
        match entry["type"]:
            case "function":
                self._add_function(FunctionAbi(contract, entry))
            case "error":
                error = ErrorAbi(entry)
                self.errors[error.selector] = error
            case "event":
                event = EventAbi(entry)
                self.events[event.topic, 1 + len(event.topics)] = event
            case "constructor":
                self._constructors[contract] = tuple_codec([codec(part) for part in entry["inputs"]])

    def _add_function(self, function: FunctionAbi) -> None:
        contract, name = function.contract, function.name
        signatures = self._overloaded.setdefault((contract, name), set())
        signatures.add(function.signature)
        self._functions[contract, function.signature] = function
        if len(signatures) == 1:
            self._functions[contract, name] = function
        else:
            self._functions.pop((contract, name), None)

    def function(self, contract: str, name: str) -> FunctionAbi:
        """Return a function by its name, or by its signature where it is overloaded.

        Raises
        ------
        FunctionUnknown
            The contract has none of this name.
        FunctionAmbiguous
            It has several.
        """
        found = self._functions.get((contract, name))
        if found is not None:
            return found
        signatures = self._overloaded.get((contract, name))
        if signatures:
            raise FunctionAmbiguous(contract, name, signatures)
        raise FunctionUnknown(contract, name)

    def functions(self, contract: str) -> tuple[FunctionAbi, ...]:
        """Return all functions of a contract, sorted by signature."""
        found = {function.signature: function for (owner, _), function in self._functions.items() if owner == contract}
        return tuple(found[key] for key in sorted(found))

    def constructor(self, contract: str) -> Codec:
        """Return the tuple of a constructor's arguments."""
        return self._constructors[contract]

    def error(self, data: bytes) -> ErrorValue:
        """Return the error that revert data holds; empty data is `ErrorValue("", ())`.

        Raises
        ------
        ErrorUndeclared
            Nobody declares it.
        """
        if not data:
            return ErrorValue("", ())
        found = self.errors.get(data[:4])
        if found is None:
            raise ErrorUndeclared(data)
        return found.unpack(data)

    def event(self, contract: str, topics: Sequence[bytes], data: bytes) -> Event:
        """Return the event that a log of `contract` holds.

        Raises
        ------
        EventUndeclared
            Nobody declares it.
        """
        found = self.events.get((topics[0], len(topics))) if topics else None
        if found is None:
            raise EventUndeclared(contract, topics)
        return found.unpack(contract, topics, data)
