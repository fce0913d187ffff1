"""Compiled contracts, as `make compile` leaves them.

Exceptions
----------
ArtefactError
    ├── ArtefactsMissing
    └── ArtefactUnknown
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Artefact", "ArtefactError", "ArtefactUnknown", "Artefacts", "ArtefactsMissing"]

_MANIFEST = ROOT / ".build" / "__local__.json"
_PYTH_ERRORS = ROOT / "node_modules" / "@pythnetwork" / "pyth-sdk-solidity" / "abis" / "PythErrors.json"

AbiEntry = dict[str, Any]


class ArtefactError(RuntimeError):
    """A compiled contract cannot be had."""


class ArtefactsMissing(ArtefactError):
    """Nothing is compiled, or what is there is not whole."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}: run 'make compile'")


class ArtefactUnknown(ArtefactError):
    """No contract of this name was compiled."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no compiled contract {name!r} (there are {', '.join(known)}): run 'make compile'")


@dataclass(frozen=True, slots=True)
class Artefact:
    """One compiled contract.

    Attributes
    ----------
    name : str
        Of the contract.
    abi : tuple of dict
        JSON ABI, inherited entries included.
    creation_code : bytes
        What a deployment runs, constructor arguments not included; empty for an interface.
    runtime_code : bytes
        What is left on chain, immutables still zero; empty for an interface.
    selectors : dict of str to bytes
        Selector of each function by its signature.
    error_notices : dict of str to list
        What the contract tells of its errors, by their signatures.
    """

    name: str
    abi: tuple[AbiEntry, ...]
    creation_code: bytes
    runtime_code: bytes
    selectors: dict[str, bytes]
    error_notices: dict[str, list[dict[str, str]]] = field(default_factory=dict)


class Artefacts:
    """All compiled contracts by name.

    Parameters
    ----------
    path : Path, optional
        Manifest that ape wrote, by default the project's own.

    Raises
    ------
    ArtefactsMissing
        There is no such manifest, or it is not readable.
    """

    def __init__(self, path: Path = _MANIFEST) -> None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArtefactsMissing(path, "nothing is compiled") from None
        except ValueError as error:
            raise ArtefactsMissing(path, f"unreadable ({error})") from error
        types = document.get("contractTypes") or {}
        if not types:
            raise ArtefactsMissing(path, "holds no contract")
        self._by_name = {name: _artefact(name, entry) for name, entry in types.items()}

    def __getitem__(self, name: str) -> Artefact:
        """Return the contract `name`, or raise `ArtefactUnknown`."""
        try:
            return self._by_name[name]
        except KeyError:
            raise ArtefactUnknown(name, self.names) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all contracts, sorted."""
        return tuple(sorted(self._by_name))

    @property
    def all(self) -> tuple[Artefact, ...]:
        """All contracts, sorted by name."""
        return tuple(self._by_name[name] for name in self.names)

    @cached_property
    def foreign_errors(self) -> tuple[AbiEntry, ...]:
        """Errors that reach callers but stand in no ABI of ours: those of the Pyth contract."""
        try:
            entries = json.loads(_PYTH_ERRORS.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArtefactsMissing(_PYTH_ERRORS, "the Pyth SDK is not installed") from None
        return tuple(entry for entry in entries if entry["type"] == "error")


def _artefact(name: str, entry: dict[str, Any]) -> Artefact:
    return Artefact(
        name=name,
        abi=tuple(entry.get("abi") or ()),
        creation_code=_code(entry, "deploymentBytecode"),
        runtime_code=_code(entry, "runtimeBytecode"),
        selectors={
            signature: bytes.fromhex(selector.removeprefix("0x"))
            for signature, selector in (entry.get("methodIdentifiers") or {}).items()
        },
        error_notices=(entry.get("userdoc") or {}).get("errors") or {},
    )


def _code(entry: dict[str, Any], key: str) -> bytes:
    return bytes.fromhex(((entry.get(key) or {}).get("bytecode") or "").removeprefix("0x"))
