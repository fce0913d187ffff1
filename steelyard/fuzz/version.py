"""Which contracts, model and fuzzer play: where these are the same, a seed gives the same trace."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steelyard.evm.artefacts import Artefacts

__all__ = ["Version", "digest"]

_CODE = ("parameters", "sim/data", "sim/protocol", "steelyard/evm", "steelyard/fuzz")
_APART = "steelyard/fuzz/canaries"
"""Planted bugs: each is played on contracts of its own, and decides no other trace."""
_SUFFIXES = frozenset({".py", ".yaml"})


@dataclass(frozen=True, slots=True)
class Version:
    """What decides a trace.

    Attributes
    ----------
    contracts : str
        Hash of the code that is deployed.
    code : str
        Hash of model, fuzzer, parameters, and of what reads candles; planted bugs apart.
    walk : str
        Hash of the prices that a campaign follows, empty without; a worker of a cluster is told them with each seed.
    """

    contracts: str
    code: str
    walk: str = ""

    @classmethod
    def of(cls, artefacts: Artefacts) -> Version:
        """Return that of compiled contracts and of this checkout."""
        contracts = digest((artefact.name.encode(), artefact.creation_code) for artefact in artefacts.all)
        paths = sorted(
            path
            for folder in _CODE
            for path in (ROOT / folder).rglob("*")
            if path.suffix in _SUFFIXES and not path.is_relative_to(ROOT / _APART)
        )
        return cls(contracts, digest((path.relative_to(ROOT).as_posix().encode(), path.read_bytes()) for path in paths))

    def difference(self, other: Version) -> str:
        """Return what differs, in words."""
        parts = [("contracts", self.contracts, other.contracts), ("model or fuzzer", self.code, other.code)]
        return " and ".join(f"{name} {ours} instead of {theirs}" for name, ours, theirs in parts if ours != theirs)


def digest(parts: Iterable[tuple[bytes, bytes]]) -> str:
    """Return a short hash of names and what they stand for."""
    hashed = hashlib.sha256()
    for name, content in parts:
        hashed.update(b"%d %b %d " % (len(name), name, len(content)))
        hashed.update(content)
    return hashed.hexdigest()[:16]
