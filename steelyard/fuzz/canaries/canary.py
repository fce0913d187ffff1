"""A planted bug: a small exact substitution in one file of the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.fuzz.version import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Canary", "CanaryRotten", "Sources"]

Sources = dict[str, str]
"""Text of each contract file by its path from the checkout, such as `contracts/Lens.sol`."""


class CanaryRotten(ValueError):
    """The text that a canary replaces does not stand exactly once in its file: the contracts have changed."""

    def __init__(self, canary: Canary, count: int) -> None:
        super().__init__(f"canary {canary.id}: its text stands {count} times in {canary.path}, expected once")


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted bug.

    Attributes
    ----------
    id : str
        Short name, unique.
    kind : str
        Class of bugs that audits find.
    file : str
        Path under `contracts/`.
    old, new : str
        Exact text that stands once in the file, and what it becomes.
    bug : str
        What is wrong with it, in a line.
    """

    id: str
    kind: str
    file: str
    old: str
    new: str
    bug: str

    @property
    def path(self) -> str:
        """Path from the checkout."""
        return f"contracts/{self.file}"

    @property
    def digest(self) -> str:
        """Hash of what is planted where."""
        return digest([(self.file.encode(), self.old.encode()), (b"becomes", self.new.encode())])

    def plant(self, sources: Mapping[str, str]) -> Sources:
        """Return a copy of `sources` with the bug in it.

        Raises
        ------
        CanaryRotten
            The text is not there, or more than once.
        """
        text = sources.get(self.path, "")
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise CanaryRotten(self, count)
        return {**sources, self.path: text.replace(self.old, self.new)}
