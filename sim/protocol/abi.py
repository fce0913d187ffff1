"""The contract ABI, as much of it as the protocol's functions use: encoding, strict decoding and range checks."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AbiType",
    "ArrayType",
    "BytesType",
    "DecodingError",
    "EncodingError",
    "FixedBytesType",
    "IntegerType",
    "TupleType",
    "parse",
    "parse_tuple",
    "selector",
]

_WORD = 32


class EncodingError(ValueError):
    """A value does not fit its type: no such transaction can exist."""


class DecodingError(ValueError):
    """Bytes are not a valid encoding: Solidity reverts without data."""


def _word(data: bytes, offset: int) -> int:
    if offset + _WORD > len(data):
        raise DecodingError("too short")
    return int.from_bytes(data[offset : offset + _WORD], "big")


class AbiType:
    """A type: `name` is canonical, `size` is its part of the head in bytes."""

    name: str
    size: int = _WORD

    @property
    def is_dynamic(self) -> bool:
        """Whether the head holds an offset instead of the value."""
        return False

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless `value` is of this type."""
        raise NotImplementedError

    def encode(self, value: Any) -> bytes:
        """Return the encoding of a checked value."""
        raise NotImplementedError

    def decode(self, data: bytes, offset: int) -> Any:
        """Return the value at `offset`."""
        raise NotImplementedError


@dataclass(frozen=True)
class IntegerType(AbiType):
    """``uintN``, ``intN`` and ``bool``."""

    name: str
    low: int
    high: int
    is_bool: bool = False

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless the integer is in range."""
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise EncodingError(f"{value!r} is no {self.name}")

    def encode(self, value: int) -> bytes:
        """Return a big-endian word in two's complement."""
        return value.to_bytes(_WORD, "big", signed=self.low < 0)

    def decode(self, data: bytes, offset: int) -> int:
        """Return the integer of a word without dirty bits."""
        end = offset + _WORD
        if end > len(data):
            raise DecodingError("too short")
        value = int.from_bytes(data[offset:end], "big", signed=self.low < 0)
        if not self.low <= value <= self.high:
            raise DecodingError(f"{value} is no {self.name}")
        return bool(value) if self.is_bool else value


@dataclass(frozen=True)
class FixedBytesType(AbiType):
    """``bytesN`` and ``address``: ``0x`` strings."""

    name: str
    length: int
    is_left_aligned: bool

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless the string has the right length and lower-case digits."""
        if not isinstance(value, str) or len(value) != 2 + 2 * self.length or value[:2] != "0x":
            raise EncodingError(f"{value!r} is no {self.name}")
        if value != value.lower():
            raise EncodingError(f"{value!r} is not in lower case")

    def encode(self, value: str) -> bytes:
        """Return the padded word."""
        raw = bytes.fromhex(value[2:])
        return raw.ljust(_WORD, b"\0") if self.is_left_aligned else raw.rjust(_WORD, b"\0")

    def decode(self, data: bytes, offset: int) -> str:
        """Return the string of a word without dirty bits."""
        word = _word(data, offset).to_bytes(_WORD, "big")
        kept, rest = (
            (word[: self.length], word[self.length :])
            if self.is_left_aligned
            else (word[-self.length :], word[: -self.length])
        )
        if any(rest):
            raise DecodingError(f"dirty {self.name}")
        return "0x" + kept.hex()


@dataclass(frozen=True)
class BytesType(AbiType):
    """``bytes`` (``0x`` strings or `bytes`) and ``string``."""

    name: str

    @property
    def is_dynamic(self) -> bool:
        """It is."""
        return True

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless the value is a string, or bytes."""
        if not isinstance(value, str if self.name == "string" else (str, bytes)):
            raise EncodingError(f"{value!r} is no {self.name}")

    def encode(self, value: str | bytes) -> bytes:
        """Return length and padded content."""
        raw = self.raw(value)
        return len(raw).to_bytes(_WORD, "big") + raw + bytes(-len(raw) % _WORD)

    def raw(self, value: str | bytes) -> bytes:
        """Return the content."""
        if isinstance(value, bytes):
            return value
        return value.encode() if self.name == "string" else bytes.fromhex(value[2:])

    def decode(self, data: bytes, offset: int) -> str:
        """Return the content."""
        length = _word(data, offset)
        raw = data[offset + _WORD : offset + _WORD + length]
        if len(raw) != length:
            raise DecodingError("too short")
        return raw.decode() if self.name == "string" else "0x" + raw.hex()


@dataclass(frozen=True)
class ArrayType(AbiType):
    """``T[]``: tuples."""

    item: AbiType

    @property
    def is_dynamic(self) -> bool:
        """It is."""
        return True

    @property
    def name(self) -> str:  # type: ignore[override]
        """Canonical name."""
        return self.item.name + "[]"

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless all items are of the item type."""
        if not isinstance(value, (tuple, list)):
            raise EncodingError(f"{value!r} is no {self.name}")
        for item in value:
            self.item.check(item)

    def encode(self, value: tuple[Any, ...]) -> bytes:
        """Return length and items."""
        return len(value).to_bytes(_WORD, "big") + TupleType((self.item,) * len(value)).encode(value)

    def decode(self, data: bytes, offset: int) -> tuple[Any, ...]:
        """Return the items."""
        length = _word(data, offset)
        if length * self.item.size > len(data):
            raise DecodingError("too short")
        return TupleType((self.item,) * length).decode(data, offset + _WORD)


@dataclass(frozen=True)
class TupleType(AbiType):
    """A struct, or a list of parameters."""

    items: tuple[AbiType, ...]

    @functools.cached_property
    def name(self) -> str:  # type: ignore[override]
        """Canonical name."""
        return "(" + ",".join(item.name for item in self.items) + ")"

    @functools.cached_property
    def is_dynamic(self) -> bool:
        """Whether any item is."""
        return any(item.is_dynamic for item in self.items)

    @functools.cached_property
    def size(self) -> int:  # type: ignore[override]
        """Bytes in the head of the enclosing tuple."""
        return _WORD if self.is_dynamic else sum(item.size for item in self.items)

    @functools.cached_property
    def _bounds(self) -> tuple[tuple[int, int], ...] | None:
        """Bounds of the items if all are integers."""
        if all(isinstance(item, IntegerType) for item in self.items):
            return tuple((item.low, item.high) for item in self.items if isinstance(item, IntegerType))
        return None

    @functools.cached_property
    def _checks(self) -> tuple[Callable[[Any], None], ...]:
        return tuple(item.check for item in self.items)

    def check(self, value: Any) -> None:
        """Raise `EncodingError` unless there are as many values as items, each of its type."""
        items = self.items
        if not isinstance(value, (tuple, list)) or len(value) != len(items):
            raise EncodingError(f"{value!r} is no {self.name}")
        if self._bounds is not None:
            for item, (low, high) in zip(value, self._bounds, strict=True):
                if not low <= item <= high:
                    raise EncodingError(f"{value!r} is no {self.name}: {item!r} is not in [{low}, {high}]")
            return
        for check, item in zip(self._checks, value, strict=True):
            check(item)

    def encode(self, value: tuple[Any, ...]) -> bytes:
        """Return head and tail."""
        if not self.is_dynamic:
            return b"".join([kind.encode(item) for kind, item in zip(self.items, value, strict=True)])
        head, tail = b"", b""
        head_size = sum(_WORD if item.is_dynamic else item.size for item in self.items)
        for kind, item in zip(self.items, value, strict=True):
            if kind.is_dynamic:
                head += (head_size + len(tail)).to_bytes(_WORD, "big")
                tail += kind.encode(item)
            else:
                head += kind.encode(item)
        return head + tail

    def decode(self, data: bytes, offset: int = 0) -> tuple[Any, ...]:
        """Return the items; offsets of dynamic ones count from `offset`."""
        values = []
        position = offset
        for kind in self.items:
            if kind.is_dynamic:
                values.append(kind.decode(data, offset + _word(data, position)))
                position += _WORD
            else:
                values.append(kind.decode(data, position))
                position += kind.size
        return tuple(values)


class FixedArrayType(TupleType):
    """``T[N]``: a tuple of N items of one type."""

    @functools.cached_property
    def name(self) -> str:  # type: ignore[override]
        """Canonical name."""
        return f"{self.items[0].name}[{len(self.items)}]"


@functools.cache
def parse(name: str) -> AbiType:
    """Return the type called `name`."""
    if name.endswith("[]"):
        return ArrayType(parse(name[:-2]))
    if name.endswith("]"):
        item, _, count = name[:-1].rpartition("[")
        return FixedArrayType((parse(item),) * int(count))
    if name.startswith("("):
        return parse_tuple(name)
    if name in ("bytes", "string"):
        return BytesType(name)
    if name == "bool":
        return IntegerType(name, 0, 1, is_bool=True)
    if name == "address":
        return FixedBytesType(name, 20, is_left_aligned=False)
    if name.startswith("bytes"):
        return FixedBytesType(name, int(name[5:]), is_left_aligned=True)
    if name.startswith("uint"):
        return IntegerType(name, 0, (1 << int(name[4:])) - 1)
    if name.startswith("int"):
        bits = int(name[3:])
        return IntegerType(name, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    raise ValueError(f"unknown type {name}")


@functools.cache
def parse_tuple(name: str) -> TupleType:
    """Return the tuple type written as ``(type,type,...)``."""
    items: list[str] = []
    depth = 0
    current = ""
    for character in name[1:-1]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            items.append(current)
            current = ""
        else:
            current += character
    if current:
        items.append(current)
    return TupleType(tuple(parse(item.strip()) for item in items))


@functools.cache
def selector(signature: str) -> str:
    """Return the first four bytes of the hash of a signature."""
    return "0x" + keccak256(signature.encode())[:4].hex()
