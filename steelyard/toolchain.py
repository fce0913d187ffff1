"""Where the project's tools lie, and the environment in which they find each other.

`prepare` is called by the command line, by the tests and, through the local ape plugin in `tools/ape-steelyard`,
by every ape command: nobody has to export a variable.

Exceptions
----------
ToolchainError
    ├── AnvilNotFound
    └── SolcNotFound
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = [
    "ANVIL_HISTORY",
    "ROOT",
    "SOLC_VERSION",
    "AnvilNotFound",
    "SolcNotFound",
    "ToolchainError",
    "anvil",
    "prepare",
    "solc",
]

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: the folder of `ape-config.yaml`."""

SOLC_VERSION = "0.8.37"
"""The pinned compiler, as in `ape-config.yaml` and `package.json`."""

ANVIL_HISTORY = ("--prune-history", "256")
"""Flags that keep the states of the last 256 blocks, in memory.

Without them anvil writes a state for each older block below `~/.foundry/anvil/tmp`, gigabytes for a long replay, and
leaves them there when it is ended by a signal.
"""

_SOLC_FOLDER = ROOT / ".solcx"
_NODE_BIN = ROOT / "node_modules" / ".bin"


class ToolchainError(RuntimeError):
    """A tool that the project needs is missing."""


class AnvilNotFound(ToolchainError):
    """No `anvil` in `node_modules` nor on the path."""

    def __init__(self) -> None:
        super().__init__(
            f"anvil was found neither in {_NODE_BIN} nor on the path: run 'make setup', or install Foundry 1.7.1"
        )


class SolcNotFound(ToolchainError):
    """No compiler was chosen yet."""

    def __init__(self) -> None:
        super().__init__(f"no solc {SOLC_VERSION} in {_SOLC_FOLDER}: run 'make setup'")


def prepare() -> None:
    """Let child processes find anvil and node, and ape the compiler that `make setup` chose.

    What the user has set stays: `SOLCX_BINARY_PATH` is only filled in where it is unset. Safe to call repeatedly.
    """
    if (_SOLC_FOLDER / f"solc-v{SOLC_VERSION}").exists():
        os.environ.setdefault("SOLCX_BINARY_PATH", str(_SOLC_FOLDER))
    # `sys.prefix` rather than the interpreter's folder: the latter may be a link out of the environment.
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    wanted = [str(_NODE_BIN), str(Path(sys.prefix) / "bin")]
    missing = [folder for folder in wanted if folder not in path]
    if missing:
        os.environ["PATH"] = os.pathsep.join(missing + path)


def anvil() -> Path:
    """Return the path of the `anvil` executable.

    Raises
    ------
    AnvilNotFound
        Neither npm's nor one on the path is there.
    """
    local = _NODE_BIN / "anvil"
    if local.exists():
        return local
    found = shutil.which("anvil")
    if found is None:
        raise AnvilNotFound
    return Path(found)


def solc() -> Path:
    """Return the path of the compiler: native where it could be downloaded, else the front over npm's.

    Raises
    ------
    SolcNotFound
        `make setup` has not run.
    """
    folder = Path(os.environ.get("SOLCX_BINARY_PATH", _SOLC_FOLDER))
    binary = folder / f"solc-v{SOLC_VERSION}"
    if not binary.exists():
        raise SolcNotFound
    return binary
