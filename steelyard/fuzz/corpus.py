"""Traces worth keeping: each shows something that no other one shows; and where a campaign stopped.

A folder holds `campaign.json`, with what was played so far, and a file `<seed>.json.gz` for each trace, cut after the
last step that showed something new. Traces are steps, not seeds: they stay what they are when moves change.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steelyard.fuzz.campaign import Failure

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
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._features: dict[int, dict[str, int]] = {}
        state = folder / _STATE
        self.totals = Totals()
        if state.exists():
            document = json.loads(state.read_text(encoding="utf-8"))
            self.totals = Totals(
                set(document["seeds"]),
                document["steps"],
                Counter({(a, b, c): count for a, b, c, count in document["ended"]}),
                Counter({(a, b, c): count for a, b, c, count in document["outcomes"]}),
            )
            self._features = {int(seed): features for seed, features in document["features"].items()}

    def add(self, result: SeedResult) -> bool:
        """Add what a seed played; return whether its trace was kept, because it shows something new."""
        self.totals.add(result)
        seen = {feature for features in self._features.values() for feature in features}
        new = {feature: at for feature, at in result.features.items() if feature not in seen}
        if new:
            end = max(new.values())
            kept = {feature: at for feature, at in result.features.items() if at <= end}
            self._features[result.seed] = kept
            trace = Failure(result.seed, end - 1, "corpus", "", result.trace[:end])
            with gzip.open(self._path(result.seed), "wt", encoding="utf-8") as file:
                file.write(trace.to_json())
        self._save()
        return bool(new)

    def minimise(self) -> int:
        """Drop traces whose features others show, the longest first; return how many were dropped."""
        shown = Counter(feature for features in self._features.values() for feature in features)
        dropped = 0
        by_length = sorted(self._features, key=lambda seed: (-max(self._features[seed].values()), seed))
        for seed in by_length:
            features = self._features[seed]
            if all(shown[feature] > 1 for feature in features):
                shown.subtract(features)
                del self._features[seed]
                self._path(seed).unlink(missing_ok=True)
                dropped += 1
        self._save()
        return dropped

    @property
    def features(self) -> int:
        """How many features the traces show."""
        return len({feature for features in self._features.values() for feature in features})

    def traces(self) -> list[tuple[int, tuple[Step, ...]]]:
        """Return all traces with their seeds."""
        found = []
        for seed in sorted(self._features):
            with gzip.open(self._path(seed), "rt", encoding="utf-8") as file:
                found.append((seed, Failure.from_json(file.read()).trace))
        return found

    def _path(self, seed: int) -> Path:
        return self.folder / f"{seed}.json.gz"

    def _save(self) -> None:
        totals = self.totals
        document = {
            "seeds": sorted(totals.seeds),
            "steps": totals.steps,
            "ended": [[*key, count] for key, count in sorted(totals.ended.items())],
            "outcomes": [[*key, count] for key, count in sorted(totals.outcomes.items())],
            "features": {str(seed): features for seed, features in sorted(self._features.items())},
        }
        written = self.folder / f"{_STATE}.part"
        written.write_text(json.dumps(document), encoding="utf-8")
        written.replace(self.folder / _STATE)
