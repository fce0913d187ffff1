"""What is done with a failure that a campaign found: shrink it, and leave files that say what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.fuzz.record import Record
from steelyard.fuzz.shrink import NotReproduced, shrink

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure

__all__ = ["Kept", "keep"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A failure that was shrunk, and its files.

    Attributes
    ----------
    record : Record
        The short trace, its story, and what is expected of a replay.
    path : Path
        The record, for a replay.
    test : Path
        The regression test.
    """

    record: Record
    path: Path
    test: Path

    def describe(self) -> str:
        """Return the story, and where the files are."""
        lines = [*self.record.story, *(f"then {difference}" for difference in self.record.differences)]
        return "\n".join([*lines, f"replay: {self.path}", f"test: {self.test}"])


def keep(failure: Failure, folder: Path, *, artefacts: Artefacts | None = None) -> Kept | None:
    """Shrink a failure and write its record and its regression test; None where its trace does not fail again.

    Parameters
    ----------
    failure : Failure
        Found by a campaign.
    folder : Path
        For the files, made where it is missing.
    artefacts : Artefacts, optional
        The contracts on which it was found.
    """
    try:
        record = Record.of(shrink(failure, artefacts=artefacts))
    except NotReproduced:
        return None
    return Kept(record, record.write(folder), record.write_test(folder))
