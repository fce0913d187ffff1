"""Contracts compiled fast rather than well, and only where their text has changed.

Each contract that can be deployed is a unit of its own, cached by what it is made of: a bug in the order book compiles
the order book. Where it can, a unit goes through the compiler's old pipeline without optimiser (a second or two); where
the stack of that is too small, through the new one with a few optimiser steps, which takes half of the time of the
project's settings. Code may be larger than a chain takes: see `Stage.in_process`.

Exceptions
----------
CompilationFailed
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Any

from steelyard.evm.artefacts import Artefact, Artefacts
from steelyard.toolchain import ROOT, SOLC_VERSION, prepare, solc

if TYPE_CHECKING:
    from steelyard.fuzz.canaries.canary import Sources

__all__ = ["CACHE", "REMAPPINGS", "CompilationFailed", "ask", "build", "check", "read_sources"]

CACHE = ROOT / "build" / "canaries"
"""Compiled units; can be deleted at any time."""

_FRONT = ROOT / "tools" / "solc"
"""The compiler of npm, which takes a while to load."""
_IMPORT = re.compile(r'^import\b[^;"]*"(\.[^"]+)";', re.MULTILINE)
_TOO_DEEP = "Stack too deep"
REMAPPINGS = [
    "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/",
    "solady/=node_modules/solady/src/",
    "@pythnetwork/pyth-sdk-solidity/=node_modules/@pythnetwork/pyth-sdk-solidity/",
]
_CODE = ("evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers")
_OLD: dict[str, Any] = {"viaIR": False, "optimizer": {"enabled": False}}
_NEW: dict[str, Any] = {
    "viaIR": True,
    "optimizer": {
        "enabled": True,
        "runs": 1,
        "details": {
            "yul": True,
            "yulDetails": {"optimizerSteps": "dhfoDgvulfnTUtnIf:fDnTOcmu"},
        },
    },
}
_FULL: dict[str, Any] = {"viaIR": True, "optimizer": {"enabled": True, "runs": 1000}}
_FORMAT = 4
"""Of what is cached; a new one makes all that is cached unknown."""
_NEEDS_NEW = frozenset({"Clearinghouse"})
"""Units of which it is known that the old pipeline refuses them, which takes it five seconds."""
_CREATED = frozenset({"ClearinghouseExt"})
"""Units that another one creates, which has their code in its own."""


class CompilationFailed(RuntimeError):
    """A unit does not compile."""

    def __init__(self, unit: str, messages: list[str]) -> None:
        super().__init__(f"{unit}: " + "\n".join(messages))


class _TooDeep(Exception):
    """The pipeline has no room on the stack."""


def read_sources() -> Sources:
    """Return the project's contracts."""
    folder = ROOT / "contracts"
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.sol"))
        if ".cache" not in path.parts
    }


class _Built(Artefacts):
    """Contracts that no manifest holds."""

    def __init__(self, contracts: dict[str, Artefact]) -> None:
        self._by_name = contracts


def build(
    sources: Sources, *, cache: Path = CACHE, base: Artefacts | None = None, changed: str | None = None
) -> Artefacts:
    """Return all contracts that can be deployed, compiled from `sources`.

    Parameters
    ----------
    sources : dict of str to str
        All of the contracts.
    cache : Path
        Folder of compiled units.
    base : Artefacts, optional
        Where to take contracts from that do not depend on the file `changed`.
    changed : str, optional
        Path of the only file that is not as it was for `base`.

    Raises
    ------
    CompilationFailed
        One does not compile.
    """
    prepare()
    types: dict[str, Artefact] = {}
    if base is not None:
        types.update({artefact.name: artefact for artefact in base.all})
    for path in sources:
        if dirname(path) in ("contracts", "contracts/mocks"):
            if base is not None and changed not in _closure(path, sources):
                continue
            # Other units know a contract by its interface only: its code comes from its own.
            for name, entry in _unit(path, sources, cache).items():
                if name not in types or name == Path(path).stem:
                    types[name] = _artefact(name, entry)
    return _Built(types)


def check(path: str, sources: Sources) -> None:
    """Compile the file at `path` as far as its types: a fraction of a second.

    Raises
    ------
    CompilationFailed
        It is not Solidity, or not of the right types.
    """
    prepare()
    _compile(path, {part: sources[part] for part in sorted(_closure(path, sources))}, _OLD, code=())


def _unit(path: str, sources: Sources, cache: Path) -> dict[str, Any]:
    """Return what the file at `path` and all that it imports define, with code for what it defines itself."""
    name = Path(path).stem
    parts = {part: sources[part] for part in sorted(_closure(path, sources))}
    pipelines = [_NEW, _FULL] if name in _NEEDS_NEW else [_OLD, _NEW, _FULL]
    code = () if name in _CREATED else _CODE
    key = json.dumps([path, parts, pipelines, code, REMAPPINGS, _FORMAT, SOLC_VERSION, _lock()], sort_keys=True)
    kept = cache / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    try:
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        pass
    for pipeline in pipelines:
        try:
            types = _compile(path, parts, pipeline, code=code)
        except _TooDeep:
            continue
        cache.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(types), encoding="utf-8")
        half.replace(kept)
        return types
    raise CompilationFailed(path, [_TOO_DEEP])


def _closure(path: str, sources: Sources) -> set[str]:
    found: set[str] = set()
    wanted = [path]
    while wanted:
        part = wanted.pop()
        if part not in found:
            found.add(part)
            wanted += [normpath(join(dirname(part), name)) for name in _IMPORT.findall(sources[part])]
    return found


def _lock() -> str:
    return hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()


def _compile(path: str, parts: Sources, pipeline: dict[str, Any], *, code: tuple[str, ...] = _CODE) -> dict[str, Any]:
    request = {
        "language": "Solidity",
        "sources": {part: {"content": text} for part, text in parts.items()},
        "settings": {
            "evmVersion": "cancun",
            "remappings": REMAPPINGS,
            "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
            "outputSelection": {part: {"*": ["abi", *(code if part == path else ())]} for part in parts},
            **pipeline,
        },
    }
    answer = ask(path, json.dumps(request))
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    if errors:
        if any(_TOO_DEEP in error for error in errors):
            raise _TooDeep
        raise CompilationFailed(path, errors)
    return {name: _entry(entry) for part in answer["contracts"].values() for name, entry in part.items()}


def ask(path: str, request: str) -> dict[str, Any]:
    """Return the compiler's answer to a request of standard JSON, from one that is kept running where it can be.

    Raises
    ------
    CompilationFailed
        There is no answer; `path` says for what.
    """
    command = [str(solc()), "--standard-json", "--base-path", str(ROOT), "--allow-paths", str(ROOT / "node_modules")]
    if solc().resolve() == _FRONT:
        served = _server((*command, "--lines"))
        assert served.stdin is not None
        assert served.stdout is not None
        served.stdin.write(request + "\n")
        served.stdin.flush()
        text = served.stdout.readline()
        if not text:
            _server.cache_clear()
            raise CompilationFailed(path, [f"the compiler ended with exit code {served.wait()}"])
    else:
        done = subprocess.run(command, input=request, capture_output=True, text=True, check=False, cwd=ROOT)
        text = done.stdout
        if done.returncode != 0:
            raise CompilationFailed(path, [done.stderr.strip()])
    answer: dict[str, Any] = json.loads(text)
    return answer


@cache
def _server(command: tuple[str, ...]) -> subprocess.Popen[str]:
    """Return a compiler that answers line by line until this process ends."""
    served = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    atexit.register(served.communicate)
    return served


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    evm = entry.get("evm", {})
    return {
        "abi": entry["abi"],
        "creation": evm.get("bytecode", {}).get("object", ""),
        "runtime": evm.get("deployedBytecode", {}).get("object", ""),
        "selectors": evm.get("methodIdentifiers", {}),
    }


def _artefact(name: str, entry: dict[str, Any]) -> Artefact:
    return Artefact(
        name=name,
        abi=tuple(entry["abi"]),
        creation_code=bytes.fromhex(entry["creation"]),
        runtime_code=bytes.fromhex(entry["runtime"]),
        selectors={signature: bytes.fromhex(selector) for signature, selector in entry["selectors"].items()},
    )
