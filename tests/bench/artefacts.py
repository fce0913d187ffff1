"""Compiled contracts, from ape's manifest or from forge's output folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from steelyard import toolchain

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MANIFEST", "Artefact", "ArtefactError", "read_artefacts"]

MANIFEST = toolchain.ROOT / ".build" / "__local__.json"
"""What `make compile` writes."""

Abi = list[dict[str, Any]]


class ArtefactError(RuntimeError):
    """A compiled contract is missing, or a call does not fit its ABI."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One compiled contract, and the encoding of calls to it."""

    name: str
    source: str
    abi: Abi
    creation_code: bytes
    runtime_size: int

    def encode_constructor(self, *args: Any) -> bytes:
        """Return creation code with the constructor's arguments."""
        inputs: Abi = next((item["inputs"] for item in self.abi if item["type"] == "constructor"), [])
        return self.creation_code + _encode(f"{self.name}.constructor", inputs, args)

    def encode_call(self, function: str, *args: Any) -> bytes:
        """Return selector and arguments; structs are dictionaries by field name."""
        item = self._function(function, len(args))
        return _selector(item) + _encode(f"{self.name}.{function}", item["inputs"], args)

    def decode_result(self, function: str, arity: int, data: bytes) -> Any:
        """Return what `function` returned: one value, or a tuple of them; structs as dictionaries."""
        outputs = self._function(function, arity)["outputs"]
        raw = decode([collapse_if_tuple(item) for item in outputs], data)
        values = tuple(_named(item, value) for item, value in zip(outputs, raw, strict=True))
        return values[0] if len(values) == 1 else values

    def decode_error(self, data: bytes) -> str | None:
        """Return the error of revert data as text, or None where it is not in this ABI."""
        for item in self.abi:
            if item["type"] == "error" and _selector(item) == data[:4]:
                values = decode([collapse_if_tuple(entry) for entry in item["inputs"]], data[4:])
                return f"{item['name']}({', '.join(str(value) for value in values)})"
        return None

    def _function(self, function: str, arity: int) -> dict[str, Any]:
        for item in self.abi:
            if item["type"] == "function" and item["name"] == function and len(item["inputs"]) == arity:
                return item
        raise ArtefactError(f"{self.name} has no function {function} of {arity} arguments")


def read_artefacts(*paths: Path) -> dict[str, Artefact]:
    """Return contracts by name; where several paths hold a contract, the last one wins.

    Parameters
    ----------
    paths
        Each an ape manifest, a folder of forge's output, or one file of it.

    Raises
    ------
    ArtefactError
        A path does not exist or holds no compiled contract.
    """
    found: dict[str, Artefact] = {}
    for path in paths:
        if not path.exists():
            raise ArtefactError(f"{path} does not exist: run 'make compile'")
        artefacts = _read(path)
        if not artefacts:
            raise ArtefactError(f"{path} holds no compiled contract")
        found.update((artefact.name, artefact) for artefact in artefacts)
    return found


def _read(path: Path) -> list[Artefact]:
    if path.is_dir():
        files = sorted(file for file in path.glob("*.sol/*.json") if file.stem == file.parent.stem)
        return [artefact for file in files for artefact in _read(file)]
    document = json.loads(path.read_text())
    if "contractTypes" in document:
        return [
            _artefact(name, item["sourceId"], item["abi"], _code(item, "deployment"), _code(item, "runtime"))
            for name, item in document["contractTypes"].items()
            if _code(item, "deployment")
        ]
    code, runtime = document["bytecode"]["object"], document["deployedBytecode"]["object"]
    source = next(iter(document["metadata"]["settings"]["compilationTarget"])) if code != "0x" else ""
    return [_artefact(path.stem, source, document["abi"], code, runtime)] if code != "0x" else []


def _code(item: dict[str, Any], kind: str) -> str:
    code = (item.get(f"{kind}Bytecode") or {}).get("bytecode") or ""
    return "" if code == "0x" else code


def _artefact(name: str, source: str, abi: Abi, creation: str, runtime: str) -> Artefact:
    return Artefact(name, source, abi, bytes.fromhex(creation.removeprefix("0x")), len(runtime.removeprefix("0x")) // 2)


def _selector(item: dict[str, Any]) -> bytes:
    types = ",".join(collapse_if_tuple(entry) for entry in item["inputs"])
    return keccak(text=f"{item['name']}({types})")[:4]


def _encode(where: str, inputs: Abi, args: tuple[Any, ...]) -> bytes:
    try:
        values = [_positional(item, arg) for item, arg in zip(inputs, args, strict=True)]
        return encode([collapse_if_tuple(item) for item in inputs], values)
    except (KeyError, ValueError, TypeError) as error:
        raise ArtefactError(f"{where}: {error!r} does not fit {[item['name'] for item in inputs]}") from error


def _positional(item: dict[str, Any], value: Any) -> Any:
    if "components" not in item:
        return value
    if item["type"].endswith("]"):
        inner = item | {"type": item["type"][: item["type"].rindex("[")]}
        return [_positional(inner, entry) for entry in value]
    return tuple(_positional(entry, value[entry["name"]]) for entry in item["components"])


def _named(item: dict[str, Any], value: Any) -> Any:
    if "components" not in item or item["type"].endswith("]"):
        return value
    return {entry["name"]: _named(entry, field) for entry, field in zip(item["components"], value, strict=True)}
