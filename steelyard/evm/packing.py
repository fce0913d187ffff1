"""Encoders of tuples and logs, each written out once as a single expression: a microsecond where a walk takes ten.

They check nothing: a value that does not fit its type is encoded as it is, or raises `OverflowError`. They serve where
values were checked before, and where bytes are only compared.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from steelyard.evm.abi import Codec, EventAbi

    _Pack = Callable[[Any], bytes]

__all__ = ["log_packer", "packer"]

_INTEGER = re.compile(r"(u?)int\d+")


@lru_cache(maxsize=1 << 12)
def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:]).rjust(32, b"\0")


@lru_cache(maxsize=1 << 12)
def _left(text: str) -> bytes:
    return bytes.fromhex(text[2:]).ljust(32, b"\0")


_NAMES = {
    "address": _address,
    "left": _left,
    "true": (1).to_bytes(32, "big"),
    "false": bytes(32),
    "join": b"".join,
}
"""What expressions use."""


def _terms(part: Codec, value: str) -> list[str] | None:
    """Return the expressions of a value's words, None where it is dynamic."""
    integer = _INTEGER.fullmatch(part.kind)
    if integer:
        return [f"{value}.to_bytes(32, 'big')" if integer[1] else f"{value}.to_bytes(32, 'big', signed=True)"]
    if part.kind == "bool":
        return [f"(true if {value} else false)"]
    if part.kind == "address":
        return [f"address({value})"]
    if part.dynamic or part.kind.endswith("]"):
        return None
    if part.kind.startswith("("):
        terms: list[str] = []
        for number, inner in enumerate(part.parts):
            found = _terms(inner, f"{value}[{number}]")
            if found is None:
                return None
            terms += found
        return terms
    return [f"left({value})"]


def _joined(terms: Sequence[str]) -> str:
    return f"join(({', '.join(terms)},))" if terms else "b''"


def packer(part: Codec) -> Callable[[Any], bytes]:
    """Return the encoder of a value, of a tuple as a rule."""
    terms = _terms(part, "v")
    if terms is not None:
        written: _Pack = eval(f"lambda v: {_joined(terms)}", _NAMES)
        return written
    if part.kind == "bytes":
        return _bytes
    if part.kind.endswith("[]"):
        return _list(part.parts[0])
    return _dynamic_tuple(part) if part.kind.endswith(")") else part.encode


def log_packer(event: EventAbi) -> Callable[[tuple[Any, ...]], tuple[list[bytes], bytes]]:
    """Return the encoder of an event's arguments, in the order of the ABI: its topics and its data."""
    topics = ["topic"]
    for at, number in event.places(indexed=True):
        topics += _terms(event.topics[number], f"v[{at}]") or []
    plain = [at for at, _ in event.places(indexed=False)]
    terms: list[str] | None = []
    for at, inner in zip(plain, event.plain.parts, strict=True):
        found = _terms(inner, f"v[{at}]")
        terms = terms + found if terms is not None and found is not None else None
    data = _joined(terms) if terms is not None else f"rest(({', '.join(f'v[{at}]' for at in plain)},))"
    names = {**_NAMES, "topic": event.topic, "rest": packer(event.plain)}
    written: Callable[[tuple[Any, ...]], tuple[list[bytes], bytes]]
    written = eval(f"lambda v: ([{', '.join(topics)}], {data})", names)
    return written


def _bytes(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else bytes.fromhex(value[2:])
    size = len(raw)
    return size.to_bytes(32, "big") + raw + bytes(-size % 32)


def _list(element: Codec) -> _Pack:
    pack = packer(element)
    if not element.dynamic:
        return lambda values: len(values).to_bytes(32, "big") + b"".join([pack(value) for value in values])

    def encode(values: Sequence[Any]) -> bytes:
        tails = [pack(value) for value in values]
        return b"".join([len(values).to_bytes(32, "big"), *_offsets(32 * len(values), tails), *tails])

    return encode


def _dynamic_tuple(whole: Codec) -> _Pack:
    """Return the encoder of a tuple with dynamic parts: `o` holds their offsets, `t` what stands there."""
    heads: list[str] = []
    tails: list[str] = []
    names: dict[str, Any] = {**_NAMES, "offsets": _offsets}
    for number, part in enumerate(whole.parts):
        terms = _terms(part, f"v[{number}]")
        if part.dynamic or terms is None:
            names[f"pack{number}"] = packer(part)
        if part.dynamic:
            heads.append(f"o[{len(tails)}]")
            tails.append(f"pack{number}(v[{number}])")
        else:
            heads += terms if terms is not None else [f"pack{number}(v[{number}])"]
    size = sum(part.head for part in whole.parts)
    head: Callable[[Any, list[bytes]], bytes] = eval(f"lambda v, o: {_joined(heads)}", names)
    tail: Callable[[Any], list[bytes]] = eval(f"lambda v: [{', '.join(tails)}]", names)

    def encode(value: Any) -> bytes:
        parts = tail(value)
        return b"".join([head(value, _offsets(size, parts)), *parts])

    return encode


def _offsets(start: int, tails: Sequence[bytes]) -> list[bytes]:
    offsets = []
    for tail in tails:
        offsets.append(start.to_bytes(32, "big"))
        start += len(tail)
    return offsets
