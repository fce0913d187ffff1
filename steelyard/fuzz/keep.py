"""What is done with a failure that a campaign found: shrink it, and leave files that say what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.recipe import Grammar
from steelyard.fuzz.record import Record, wrapped
from steelyard.fuzz.rehearsal import sign_of
from steelyard.fuzz.shrink import NotReproduced, shrink
from steelyard.fuzz.stage import Stage
from steelyard.fuzz.story import Teller

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.walk import Walk

__all__ = ["Kept", "keep", "stored"]

_BEFORE = 12
"""Steps before the move that failed which its story tells, too."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A failure that was shrunk, or whose seed was played again, and its files.

    Attributes
    ----------
    story : tuple of str
        What happens, step by step; of a check of a move the last steps only.
    differences : tuple of str
        What differs then, or does not hold.
    path : Path
        For a replay.
    test : Path or None
        The regression test; None for a seed that needs candles, which are not kept.
    """

    story: tuple[str, ...]
    differences: tuple[str, ...]
    path: Path
    test: Path | None

    def describe(self) -> str:
        """Return the story, and where the files are."""
        lines = [*self.story, *(f"then {difference}" for difference in self.differences), f"replay: {self.path}"]
        return "\n".join([*lines, f"test: {self.test or 'none, because it needs the candles'}"])


def stored(failure: Failure, folder: Path) -> Path:
    """Write a failure as it was found, and return the path."""
    path = folder / f"failure-{failure.seed}.json"
    path.write_text(failure.to_json(), encoding="utf-8")
    return path


def keep(
    failure: Failure, folder: Path, *, artefacts: Artefacts | None = None, walk: Walk | None = None
) -> Kept | None:
    """Shrink a failure and write its record and its regression test; None where it does not fail again.

    Where a check of a move failed, steps that are left out would leave out the check: it is not shrunk, and the test
    plays its seed.

    Parameters
    ----------
    failure : Failure
        Found by a campaign.
    folder : Path
        For the files, made where it is missing.
    artefacts : Artefacts, optional
        The contracts on which it was found.
    walk : Walk, optional
        That prices followed.
    """
    if failure.of_move is not None:
        return _keep_seed(failure, failure.of_move, folder, artefacts, walk)
    try:
        record = Record.of(shrink(failure, artefacts=artefacts))
    except NotReproduced:
        return None
    return Kept(record.story, record.differences, record.write(folder), record.write_test(folder))


def _keep_seed(
    failure: Failure, start: int, folder: Path, artefacts: Artefacts | None, walk: Walk | None
) -> Kept | None:
    again = run_seed(failure.seed, failure.seed_steps, artefacts=artefacts, walk=walk).failure
    sign = sign_of(failure)
    if again is None or sign_of(again) != sign:
        return None
    stage = Stage.in_process(artefacts)
    grammar = Grammar(stage.chain.artefacts, stage.chain.abi, stage.parameters)
    sentences = Teller(grammar, stage.parameters, stage.addresses).tell(failure.trace)
    first = max(0, start - _BEFORE)
    story = tuple(f"step {first + at}: {told}" for at, told in enumerate(sentences[first:], start=1))
    # A crash ends with what was raised; the lines before it name files of this machine.
    message = failure.message.strip()
    differences = tuple([message.rpartition("\n")[2]] if failure.kind == "crash" else message.splitlines())
    folder.mkdir(parents=True, exist_ok=True)
    path = stored(failure, folder)
    if failure.needs_candles:
        return Kept(story, differences, path, None)
    place = re.sub(r"\W+", "_", sign.place.partition("(")[0]).strip("_").lower()
    test = folder / f"test_{sign.kind}_{place}_seed_{failure.seed}.py"
    text = _TEST.format(
        kind=sign.kind,
        where=sign.place.partition("(")[0],
        what=place,
        seed=failure.seed,
        steps=failure.seed_steps,
        story="\n".join(wrapped([*story, *(f"then {difference}" for difference in differences)])),
    )
    test.write_text(text, encoding="utf-8")
    return Kept(story, differences, path, test)


_TEST = '''# ruff: noqa: E501
"""Found by the fuzzer, kept: {kind} at {where}, checked by a move of seed {seed}."""

from __future__ import annotations

from steelyard.fuzz.campaign import run_seed


def test_{what}__seed_{seed}__plays_on() -> None:
    """Play the seed, whose last steps were these.

{story}
    """
    failure = run_seed({seed}, {steps}).failure
    assert failure is None, failure.message
'''
