"""A trace again: in the in-process EVM, on an Anvil node, or on one through ape; what happens must be the same."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from steelyard.evm.artefacts import Artefacts
from steelyard.evm.chain import START
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.record import parameters_from
from steelyard.fuzz.rehearsal import Rehearsal, Sign, ending, sign_of
from steelyard.fuzz.stage import machine_of
from steelyard.fuzz.stored import read_stored
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sim.protocol import Outcome
    from steelyard.evm.chain import Chain
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.pair import Step
    from steelyard.fuzz.record import Record
    from steelyard.fuzz.walk import Walk
    from steelyard.parameters import SystemParameters

__all__ = ["Place", "ReplayResult", "replay", "run"]

Place = Literal["evm", "anvil", "ape"]
"""Where a trace is run."""

_BEFORE_SECONDS = 100
"""Time that a node has to start in before the trace does."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay showed.

    Attributes
    ----------
    on : str
        Where it ran.
    record : Record or None
        What was expected; None for the trace of a campaign as it was found.
    expected : Sign
        The failure that was expected.
    expected_at : int
        The step after which it was.
    failure : Failure or None
        What failed; None where all is well.
    endings : tuple of str
        How each step before that ended.
    of_seed : int or None
        The seed that was played again, because what failed was a check of a move; None where steps were run.
    diverges_at : int or None
        Index of the first step that the seed plays differently now, for instance because of a fix.
    undecided : str
        Command that plays the seed again, where that is needed and could not be done here.
    """

    on: str
    record: Record | None
    expected: Sign
    expected_at: int
    failure: Failure | None
    endings: tuple[str, ...]
    of_seed: int | None = None
    diverges_at: int | None = None
    undecided: str = ""

    @property
    def is_reproduced(self) -> bool:
        """Whether the same failure showed at the same step, and all steps before ended as they had."""
        if self.failure is None or self.failure.step_index != self.expected_at:
            return False
        if self.record is not None and self.record.endings != self.endings:
            return False
        return sign_of(self.failure) == self.expected

    @property
    def is_fixed(self) -> bool:
        """Whether nothing failed, and what was expected to fail was checked."""
        return self.failure is None and not self.undecided

    def describe(self) -> str:
        """Return what happened, for a person."""
        story = "\n".join(self.record.story) + "\n" if self.record is not None else ""
        if self.undecided:
            agreed = (
                f"Undecided: all steps agree on {self.on}, but the check of {self.expected.place} belongs to a move."
            )
            return f"{agreed}\nPlay its seed again: {self.undecided}"
        return story + self._told

    @property
    def _told(self) -> str:
        played = "" if self.of_seed is None else f"Seed {self.of_seed} was played again.\n"
        if self.diverges_at is not None:
            played += f"From step {self.diverges_at + 1} on it plays something else now.\n"
        if self.failure is None:
            return f"{played}No failure on {self.on}: model and contracts agree."
        word = "The same failure" if self.is_reproduced else "Another failure"
        return f"{played}{word} on {self.on}, after step {self.failure.step_index + 1}:\n{self.failure.message}"


def replay(
    path: Path, *, on: Place = "evm", artefacts: Artefacts | None = None, walk: Walk | None = None
) -> ReplayResult:
    """Run the trace of a file: a `Record`, or a `Failure` as a campaign stores it.

    Where a check of a move failed, its seed is played again instead, which can be done in this process only.

    Parameters
    ----------
    path : Path
        Of the file.
    on : str
        Where to run it.
    artefacts : Artefacts, optional
        Compiled contracts, by default the project's own. Through ape they are always the project's own.
    walk : Walk, optional
        That the seed's prices followed.

    Raises
    ------
    RecordMalformed
        The file holds something else, or a trace that cannot be run.
    OSError
        There is no such file.
    """
    failure, record = read_stored(path, artefacts or Artefacts())
    parameters = record.parameters if record is not None else load()
    if failure.of_move is not None and on == "evm" and (walk is not None or not failure.needs_candles):
        return _played_again(failure, artefacts, walk if failure.needs_candles else None)
    endings: list[str] = []
    found = _run(failure.trace, parameters, on, artefacts, endings)
    at = failure.step_index
    if found is not None:
        found = replace(found, seed=failure.seed)
        endings = endings[: found.step_index]
    expected = record.sign if record is not None else sign_of(failure)
    undecided = failure.seed_command if failure.of_move is not None and found is None else ""
    return ReplayResult(on, record, expected, at, found, tuple(endings), undecided=undecided)


def _played_again(failure: Failure, artefacts: Artefacts | None, walk: Walk | None) -> ReplayResult:
    result = run_seed(failure.seed, failure.seed_steps, artefacts=artefacts, walk=walk)
    pairs = zip(failure.trace, result.trace, strict=False)
    diverges_at = next((at for at, (stored, step) in enumerate(pairs) if stored != step), None)
    return ReplayResult(
        "evm",
        None,
        sign_of(failure),
        failure.step_index,
        result.failure,
        (),
        of_seed=failure.seed,
        diverges_at=diverges_at,
    )


def run(
    steps: Sequence[Step],
    parameters: SystemParameters | dict[str, Any] | None = None,
    *,
    on: Place = "evm",
    artefacts: Artefacts | None = None,
) -> Failure | None:
    """Run a trace from the deployment on, and check everything: None where all is well.

    Parameters
    ----------
    steps : sequence of Step
        Of the trace.
    parameters : SystemParameters or dict, optional
        With which to deploy, by default those of a local chain; a dict as of `record.parameters_to`.
    on : str
        Where to run it.
    artefacts : Artefacts, optional
        Compiled contracts, by default the project's own.
    """
    given = parameters_from(parameters) if isinstance(parameters, dict) else parameters
    return _run(steps, given or load(), on, artefacts, [])


def _run(
    steps: Sequence[Step], parameters: SystemParameters, on: Place, artefacts: Artefacts | None, endings: list[str]
) -> Failure | None:
    def note(_: Step, outcome: Outcome) -> None:
        endings.append(ending(outcome))

    with _chain(on, artefacts or Artefacts()) as chain:
        rehearsal = Rehearsal(parameters=parameters, chain=chain, can_repeat=on != "ape")
        return rehearsal.play(steps, on_step=note)


@contextmanager
def _chain(on: Place, artefacts: Artefacts) -> Iterator[Chain]:
    """Give an empty chain at the time at which traces start."""
    if on == "evm":
        yield machine_of(artefacts)
    elif on == "anvil":
        from steelyard.evm.anvil import AnvilMachine

        with AnvilMachine(artefacts) as chain:
            yield chain
    else:
        # ape takes a second to load.
        from steelyard.demo.local import local_chain
        from steelyard.evm.abi import AbiIndex
        from steelyard.evm.ape_chain import ApeChain

        with local_chain(START - _BEFORE_SECONDS):
            through_ape = ApeChain(artefacts, AbiIndex(artefacts))
            through_ape.warp(START - through_ape.timestamp)
            yield through_ape
