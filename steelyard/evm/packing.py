"""Encoders of static tuples, each written out once as a single expression: a microsecond where a walk takes ten.

They check nothing: a value that does not fit its type is encoded as it is, or raises `OverflowError`. They serve where
values were checked before, and where bytes are only compared.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.evm.abi import Codec

__all__ = ["packer"]

_INTEGER = re.compile(r"(u?)int\d+")


@lru_cache(maxsize=1 << 12)
def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:]).rjust(32, b"\0")


@lru_cache(maxsize=1 << 12)
def _left(text: str) -> bytes:
    return bytes.fromhex(text[2:]).ljust(32, b"\0")


def _terms(part: Codec, value: str) -> list[str] | None:
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


def packer(parts: Codec) -> Callable[[tuple[Any, ...]], bytes]:
    """Return the encoder of a tuple; one with dynamic parts is walked, and checked, as ever."""
    terms = _terms(parts, "v")
    if terms is None:
        return parts.encode
    names = {"address": _address, "left": _left, "true": (1).to_bytes(32, "big"), "false": bytes(32), "join": b"".join}
    body = f"join(({', '.join(terms)},))" if terms else "b''"
    written: Callable[[tuple[Any, ...]], bytes] = eval(f"lambda v: {body}", names)
    return written
