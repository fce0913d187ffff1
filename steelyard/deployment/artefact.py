"""What a deployment leaves: one JSON file per chain and name, whole at every moment."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from steelyard.deployment.errors import ArtefactMalformed, ArtefactMissing, DeploymentIncomplete
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.parameters import SystemParameters

__all__ = [
    "LOCAL_CHAIN_IDS",
    "Artefact",
    "ContractRecord",
    "StepRecord",
    "artefact_path",
    "hash_of_parameters",
    "plain",
    "read_artefact",
    "write_artefact",
]

LOCAL_CHAIN_IDS = frozenset({31337, 1337})
"""Chains that last as long as their process, where stand-ins may be deployed."""

_FORMAT = "steelyard-deployment/1"


@dataclass(slots=True)
class StepRecord:
    """One transaction that configured the system; without hash and block where it was found done."""

    transaction: str | None = None
    block: int | None = None


@dataclass(slots=True)
class ContractRecord:
    """One contract.

    Attributes
    ----------
    contract : str
        Its compiled name; empty for one that was there before.
    address : str
        With checksum.
    arguments : list
        Of the constructor, integers as they are.
    creation_hash : str
        Of the creation code and the encoded arguments, keccak.
    code_hash : str
        Of the code on chain, keccak; empty until it is mined.
    transaction : str or None
        That created it.
    block : int or None
        That holds it.
    """

    contract: str
    address: str
    arguments: list[Any] = field(default_factory=list)
    creation_hash: str = ""
    code_hash: str = ""
    transaction: str | None = None
    block: int | None = None


@dataclass(slots=True, kw_only=True)
class Artefact:
    """A deployment, complete or on its way.

    Attributes
    ----------
    name : str
        Of the deployment.
    network : str
        As ape calls it.
    chain_id : int
        Of the chain.
    genesis_hash : str
        Of the chain's first block: local chains share their id.
    deployer : str
        Address that sent the transactions.
    first_block : int
        At or before the first transaction: where to look for events from.
    parameters_file, parameters_hash : str
        Name of the file, and sha256 of what it says (not of its comments).
    parameters : dict
        What it says, in the contracts' units.
    compiler : dict
        Version and settings.
    contracts : dict
        By role in the system: `Token` and `Pyth` are what the system uses, whatever they are.
    steps : dict
        By name, in the order in which they were done.
    complete : bool
        Whether all was done and read back.
    """

    name: str
    network: str
    chain_id: int
    genesis_hash: str
    deployer: str
    first_block: int
    parameters_file: str
    parameters_hash: str
    parameters: dict[str, Any]
    compiler: dict[str, Any]
    contracts: dict[str, ContractRecord] = field(default_factory=dict)
    steps: dict[str, StepRecord] = field(default_factory=dict)
    complete: bool = False

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the deployment calls its markets, lowest number first."""
        return tuple(str(market["symbol"]) for market in self.parameters["markets"])

    def require_complete(self) -> Artefact:
        """Return the same, or raise `DeploymentIncomplete`."""
        if not self.complete:
            raise DeploymentIncomplete(self.name, self.chain_id, len(self.contracts))
        return self

    @property
    def addresses(self) -> dict[str, str]:
        """Address of each contract by its role."""
        return {role: record.address for role, record in self.contracts.items()}


def artefact_path(chain_id: int, name: str, folder: Path | None = None) -> Path:
    """Return where an artefact lies: `deployments/`, or `build/deployments/` for chains that do not last."""
    if folder is None:
        folder = ROOT / "build" / "deployments" if chain_id in LOCAL_CHAIN_IDS else ROOT / "deployments"
    return folder / str(chain_id) / f"{name}.json"


def plain(parameters: SystemParameters) -> dict[str, Any]:
    """Return what parameters say, as JSON reads it back."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(parameters)))
    return document


def hash_of_parameters(parameters: SystemParameters) -> str:
    """Return the sha256 of what parameters say."""
    text = json.dumps(asdict(parameters), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_artefact(path: Path, artefact: Artefact) -> None:
    """Write an artefact; whoever stops the process leaves the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = json.dumps({"format": _FORMAT, **asdict(artefact)}, indent=2) + "\n"
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_artefact(path: Path) -> Artefact:
    """Read an artefact.

    Raises
    ------
    ArtefactMissing
        There is none.
    ArtefactMalformed
        It was not written by a deployment, or was changed since.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactMissing(path) from None
    except ValueError as error:
        raise ArtefactMalformed(path, f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
        raise ArtefactMalformed(path, f"not of format {_FORMAT}")
    try:
        document["contracts"] = {role: ContractRecord(**one) for role, one in document["contracts"].items()}
        document["steps"] = {name: StepRecord(**one) for name, one in document["steps"].items()}
        artefact = Artefact(**document)
    except (AttributeError, KeyError, TypeError) as error:
        raise ArtefactMalformed(path, f"entries are missing or unknown: {error}") from error
    for entry in fields(Artefact):
        kind = {"str": str, "int": int, "bool": bool}.get(str(entry.type), dict)
        if not isinstance(getattr(artefact, entry.name), kind):
            raise ArtefactMalformed(path, f"{entry.name} is not a {kind.__name__}")
    return artefact
