"""Traces worth keeping: each shows something that no other one shows; and where a campaign stopped.

A folder holds `campaign.json`, with what was played so far, and a file `<seed>-<hash>.json.gz` for each trace, cut
after the last step that showed something new. Traces are steps, not seeds: they stay what they are when moves change.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.campaign import Failure
from steelyard.fuzz.errors import CorpusUnusable
from steelyard.fuzz.version import Version

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.fuzz.campaign import SeedResult
    from steelyard.fuzz.pair import Step

__all__ = ["Corpus", "Totals"]

_STATE = "campaign.json"


@dataclass(slots=True)
class Totals:
    """What was played so far.

    Attributes
    ----------
    seeds : set of int
        That were played to their end.
    steps : int
        Transactions that were compared.
    ended, outcomes : Counter
        As in `SeedResult`.
    """

    seeds: set[int] = field(default_factory=set)
    steps: int = 0
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, result: SeedResult) -> None:
        """Add what a seed played."""
        self.seeds.add(result.seed)
        self.steps += result.steps
        self.ended.update(result.ended)
        self.outcomes.update(result.outcomes)


class Corpus:
    """A folder of traces.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    version : Version, optional
        Of contracts and fuzzer. Where the folder is of another one, its traces stay, but what was played does not
        count any more: a seed gives another trace now.

    Attributes
    ----------
    is_stale : bool
        Whether that is so.

    Raises
    ------
    CorpusUnusable
        A file cannot be read or written; it is named. Also raised by all methods.
    """

    def __init__(self, folder: Path, version: Version | None = None) -> None:
        self.folder = folder
        self._version = self._stored = version
        self._features: dict[str, dict[str, int]] = {}
        self.totals = Totals()
        self.is_stale = False
        state = folder / _STATE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._load(json.loads(state.read_text(encoding="utf-8")))
        except FileNotFoundError:
            self._save()
        except OSError as error:
            raise CorpusUnusable(folder, error.strerror or error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorpusUnusable(state, f"not the state of a campaign ({error!r})") from error

    def _load(self, document: dict[str, Any]) -> None:
        self._features = {name: dict(features) for name, features in document["features"].items()}
        self._stored = Version(**document["version"]) if document["version"] else None
        self.is_stale = self._version is not None and self._stored != self._version
        if not self.is_stale:
            self.totals = Totals(
                set(document["seeds"]),
                document["steps"],
                Counter({(a, b, c): count for a, b, c, count in document["ended"]}),
                Counter({(a, b, c): count for a, b, c, count in document["outcomes"]}),
            )

    def add(self, result: SeedResult) -> bool:
        """Add what a seed played; return whether its trace was kept, because it shows something new."""
        self.totals.add(result)
        seen = {feature for features in self._features.values() for feature in features}
        new = {feature: at for feature, at in result.features.items() if feature not in seen}
        if new:
            end = max(new.values())
            trace = Failure(result.seed, end - 1, "corpus", "", result.trace[:end]).to_json().encode()
            name = f"{result.seed}-{hashlib.sha256(trace).hexdigest()[:8]}"
            self._write(self._path(name), gzip.compress(trace, mtime=0))
            shown = {feature: at for feature, at in result.features.items() if at <= end}
            self._features[name] = self._features.get(name, {}) | shown
        self._save()
        return bool(new)

    def renew(self) -> None:
        """Say that all traces were replayed with the present contracts and fuzzer."""
        self._stored, self.is_stale = self._version, False
        self._save()

    def minimise(self) -> int:
        """Drop traces whose features others show, the longest first; return how many were dropped."""
        shown = Counter(feature for features in self._features.values() for feature in features)
        dropped = []
        by_length = sorted(self._features, key=lambda name: (-max(self._features[name].values()), name))
        for name in by_length:
            features = self._features[name]
            if all(shown[feature] > 1 for feature in features):
                shown.subtract(features.keys())
                del self._features[name]
                dropped.append(name)
        # In this order an interrupt leaves no trace that is listed and missing.
        self._save()
        for name in dropped:
            self._path(name).unlink(missing_ok=True)
        return len(dropped)

    @property
    def size(self) -> int:
        """How many traces there are."""
        return len(self._features)

    @property
    def features(self) -> int:
        """How many features the traces show."""
        return len({feature for features in self._features.values() for feature in features})

    def traces(self) -> tuple[tuple[int, tuple[Step, ...]], ...]:
        """Return all traces with their seeds, in their order."""
        return tuple(sorted((self._trace(name) for name in sorted(self._features)), key=lambda trace: trace[0]))

    def _trace(self, name: str) -> tuple[int, tuple[Step, ...]]:
        path = self._path(name)
        try:
            kept = Failure.from_json(gzip.decompress(path.read_bytes()).decode())
        except FileNotFoundError as error:
            raise CorpusUnusable(path, "the trace is missing") from error
        except (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError) as error:
            raise CorpusUnusable(path, f"not a trace ({error!r})") from error
        return kept.seed, kept.trace

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json.gz"

    def _save(self) -> None:
        totals = self.totals
        document = {
            "version": asdict(self._stored) if self._stored is not None else None,
            "seeds": sorted(totals.seeds),
            "steps": totals.steps,
            "ended": [[*key, count] for key, count in sorted(totals.ended.items())],
            "outcomes": [[*key, count] for key, count in sorted(totals.outcomes.items())],
            "features": dict(sorted(self._features.items())),
        }
        self._write(self.folder / _STATE, json.dumps(document).encode())

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all."""
        half = path.with_name(f"{path.name}.part")
        try:
            half.write_bytes(content)
            half.replace(path)
        except OSError as error:
            raise CorpusUnusable(path, error.strerror or error) from error
