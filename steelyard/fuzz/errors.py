"""What a campaign cannot go on from.

Exceptions
----------
FuzzError
    ├── ClusterLost
    ├── ClusterUnreachable
    ├── CorpusUnusable
    ├── RecordMalformed
    ├── TraceFails
    ├── WorkerDied
    └── WorkerDiffers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ClusterLost",
    "ClusterUnreachable",
    "CorpusUnusable",
    "FuzzError",
    "RecordMalformed",
    "TraceFails",
    "WorkerDied",
    "WorkerDiffers",
]


class FuzzError(RuntimeError):
    """A campaign cannot go on."""


class ClusterLost(FuzzError):
    """The scheduler of a cluster went away."""


class ClusterUnreachable(FuzzError):
    """No scheduler answers at an address, or it has no worker."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")


class CorpusUnusable(FuzzError):
    """A file of a corpus cannot be read or written."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"{path}: {reason}")


class RecordMalformed(FuzzError):
    """A file holds no failure, or one whose trace cannot be run."""


class TraceFails(FuzzError):
    """Model and contracts differ on a trace of the corpus."""

    def __init__(self, seed: int, message: str) -> None:
        super().__init__(f"the trace of seed {seed} does not pass: {message}")


class WorkerDied(FuzzError):
    """A worker ended without an answer, for instance because the system ran out of memory."""


class WorkerDiffers(FuzzError):
    """A worker of a cluster has other contracts, or another fuzzer, than the campaign."""
