"""Writes `contracts.py`, a class for each custom error of the compiled contracts.

`python -m steelyard.client.errors.generate`, after a contract's errors have changed.
"""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steelyard.client.errors.base import ContractReverted, attribute_name
from steelyard.evm.abi import ErrorAbi, signature
from steelyard.evm.artefacts import Artefacts

if TYPE_CHECKING:
    from steelyard.evm.artefacts import AbiEntry

__all__ = ["PATH", "errors_of", "source"]

PATH = Path(__file__).with_name("contracts.py")

_HEAD = '''"""The custom errors of the contracts. Arguments are as the contracts tell them: amounts are integers in wad.

Written by `python -m steelyard.client.errors.generate`.
"""

from __future__ import annotations

from steelyard.client.errors.base import ContractReverted

'''
_WIDTH = 116
_TAKEN = frozenset(dir(ContractReverted)) | {"name", "arguments", "data"}


class ErrorNameTaken(RuntimeError):
    """Two errors of one name, or an argument of a name that the exception has a use for."""


def errors_of(artefacts: Artefacts) -> list[AbiEntry]:
    """Return the custom errors of all contracts and of Pyth, each once, by name; of synonyms the first contract's."""
    found: dict[bytes, AbiEntry] = {}
    for entry in (*(one for artefact in artefacts.all for one in artefact.abi), *artefacts.foreign_errors):
        if entry["type"] == "error":
            found.setdefault(ErrorAbi(entry).selector, entry)
    entries = sorted(found.values(), key=lambda entry: str(entry["name"]))
    for one, other in itertools.pairwise(entries):
        if one["name"] == other["name"]:
            raise ErrorNameTaken(f"{signature(one)} and {signature(other)}")
    return entries


def source(artefacts: Artefacts) -> str:
    """Return the module's text."""
    entries = errors_of(artefacts)
    notices = _notices(artefacts)
    names = [entry["name"] for entry in entries]
    listed = "".join(f'    "{name}",\n' for name in ("BY_NAME", *names))
    classes = "".join(_class(entry, notices.get(signature(entry), "")) for entry in entries)
    table = "".join(f'    "{name}": {name},\n' for name in names)
    kinds = "BY_NAME: dict[str, type[ContractReverted]] = {\n"
    return f"{_HEAD}__all__ = [\n{listed}]\n{classes}\n\n{kinds}{table}}}\n"


def _notices(artefacts: Artefacts) -> dict[str, str]:
    return {
        text: " ".join(entry["notice"].split())
        for artefact in artefacts.all
        for text, entries in artefact.error_notices.items()
        for entry in entries
        if entry.get("notice")
    }


def _class(entry: dict[str, Any], notice: str) -> str:
    name = entry["name"]
    arguments = ", ".join(f"{part['type']} {part['name']}".strip() for part in entry["inputs"])
    about = textwrap.wrap(notice or "As the contract says.", _WIDTH)
    lines = ["", "", f"class {name}(ContractReverted):"]
    first = f'    """`{name}({arguments})`."""' if not notice else f'    """`{name}({arguments})`.'
    lines += [first] if not notice else [first, "", *(f"    {line}" for line in about), '    """']
    fields = [(attribute_name(part["name"]), _hint(part["type"])) for part in entry["inputs"] if part["name"]]
    taken = [field for field, _ in fields if field in _TAKEN]
    if taken:
        raise ErrorNameTaken(f"{name}: {', '.join(taken)}")
    if fields:
        lines += ["", *(f"    {field}: {hint}" for field, hint in fields)]
    return "\n".join(lines) + "\n"


def _hint(kind: str) -> str:
    if kind == "bool":
        return "bool"
    return "int" if kind.startswith(("int", "uint")) else "str"


def main() -> None:
    """Write the module."""
    PATH.write_text(source(Artefacts()), encoding="utf-8")


if __name__ == "__main__":
    main()
