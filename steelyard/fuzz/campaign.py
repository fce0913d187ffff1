"""Runs of seeds: what a seed plays is the same on every machine, and what fails can be stored and replayed.

A step is one transaction, run on the model and on the contracts and compared. A trace holds every step since the
deployment, with the time that passed before it, so that it can be replayed without the driver that made it.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from traceback import format_exception, walk_tb
from typing import TYPE_CHECKING, Any

from sim.protocol.invariants import InvariantBroken, Invariants
from steelyard.evm.abi import AbiError
from steelyard.evm.chain import CallHalted
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import CAMPAIGN, Driver
from steelyard.fuzz.pair import NO_DATA, Mismatch, Pair, Step
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sim.protocol import Outcome
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.walk import Walk

__all__ = ["AHEAD", "Failure", "SeedResult", "StopSeed", "kind_of", "replay", "run_seed"]


_LOOK_EVERY = 4
"""Seeds between two that end with a comparison of all storage that was ever looked at."""

_FEATURE_EVERY = 4
"""Moves between two looks at what the exchange is like."""

AHEAD = 32
"""Steps that the model may run before the EVM does."""

_COLLECT_EVERY = 100_000
"""Allocations between two collections of garbage while a seed is played."""

_SIDES = (Pair.run.__code__, Pair.read.__code__, Pair.catch_up.__code__, Pair.compare_words.__code__)
_MUST = Scenario.must.__code__
_MOVES = "steelyard.fuzz.moves."


class StopSeed(Exception):
    """Raised by `on_step` to end a seed early: what was played is compared in full and counts."""


Ended = tuple[str, str, str]
"""Action, error that was aimed at, error that came; `""` for success."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a trace went wrong.

    Attributes
    ----------
    seed : int
        That played it, -1 for a trace that was replayed.
    step_index : int
        Of the last step before it showed, from 0.
    kind : str
        `mismatch`: model and contracts differ; `invariant`: both agree, on a state that must not be; `halted`: the
        EVM stopped otherwise than by return or revert; `undeclared`: data that no ABI declares; `assertion`: what a
        move takes for granted does not hold; `crash`: the fuzzer or the model itself stopped.
    message : str
        What differs or does not hold.
    trace : tuple of Step
        All steps since the deployment.
    of_move : int or None
        Index of the first step of the move whose own check failed, for instance that nobody profits; the steps alone do
        not repeat it, the seed does. None where the steps show it.
    needs_candles : bool
        Whether the seed's prices followed candles, so that it plays the same only with them.
    """

    seed: int
    step_index: int
    kind: str
    message: str
    trace: tuple[Step, ...]
    of_move: int | None = None
    needs_candles: bool = False

    @property
    def seed_steps(self) -> int:
        """Steps of the seed that play the last move, too."""
        return len(self.trace) + 1

    @property
    def seed_command(self) -> str:
        """Command that plays the seed again as far as it failed."""
        steps = self.seed_steps
        candles = " --candles FOLDER" if self.needs_candles else ""
        return f"steelyard fuzz --seed {self.seed} --seed-steps {steps} --steps {steps} --allow-unreached{candles}"

    def to_json(self) -> str:
        """Return it as JSON."""
        steps = [
            {
                "sender": step.sender,
                "contract": step.contract,
                "function": step.function,
                "args": step.args,
                "value": step.value,
                "wait": step.wait,
            }
            for step in self.trace
        ]
        return json.dumps(
            {
                "seed": self.seed,
                "step_index": self.step_index,
                "kind": self.kind,
                "message": self.message,
                "of_move": self.of_move,
                "needs_candles": self.needs_candles,
                "trace": steps,
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> Failure:
        """Return what `to_json` gave; raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        document = json.loads(text)
        if not isinstance(document, dict):
            raise TypeError("not an object")
        trace = tuple(Step(**{**step, "args": _tuples(step["args"])}) for step in document.pop("trace"))
        return cls(**document, trace=trace)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What one seed played.

    Attributes
    ----------
    seed : int
        As given.
    steps : int
        Transactions that were compared.
    failure : Failure or None
        The first that was found, with which the trace ends.
    ended : Counter
        How moves ended: by action, error aimed at, and error that came, `""` for success.
    outcomes : Counter
        How transactions and views ended: by contract, function and error, `""` for success.
    features : dict
        What was seen of function, error and coarse state of the exchange, each with the number of steps at which it was
        seen first.
    trace : tuple of Step
        All steps since the deployment.
    """

    seed: int
    steps: int
    failure: Failure | None
    ended: Counter[Ended] = field(default_factory=Counter)
    outcomes: Counter[Ended] = field(default_factory=Counter)
    features: dict[str, int] = field(default_factory=dict)
    trace: tuple[Step, ...] = ()


_stages: dict[int, tuple[Artefacts | None, Stage]] = {}
"""The stage built last in this process, by the identity of its artefacts, which are held so that it stays theirs."""


def _stage(artefacts: Artefacts | None) -> Stage:
    key = id(artefacts)
    if key not in _stages:
        stage = Stage.in_process(artefacts)
        _stages.clear()
        _stages[key] = artefacts, stage
    return _stages[key][1]


def kind_of(error: BaseException) -> str:
    """Return the kind of a failure, as in `Failure`, of what ended a trace."""
    match error:
        case InvariantBroken():
            return "invariant"
        case Mismatch():
            return "mismatch"
        case CallHalted():
            return "halted"
        case AbiError():
            return "undeclared"
        case AssertionError():
            return "assertion"
        case _:
            return "crash"


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage rarely: a trace is many tuples without cycles, and each collection would look at all of them."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def run_seed(
    seed: int,
    steps: int,
    *,
    artefacts: Artefacts | None = None,
    on_step: Callable[[int], None] | None = None,
    walk: Walk | None = None,
) -> SeedResult:
    """Play what a seed decides until there are `steps` transactions, or until something is wrong.

    Parameters
    ----------
    seed : int
        Decides everything.
    steps : int
        Least number of transactions; the last move is played to its end, and all of the state is compared then.
    artefacts : Artefacts, optional
        Compiled contracts, by default the project's own.
    on_step : callable, optional
        Is told the number of transactions so far after each move.
    walk : Walk, optional
        That prices follow now and then.

    Returns
    -------
    SeedResult
        The same for the same seed, steps, contracts and walk, on every machine.
    """
    with _rare_collections(), _stage(artefacts).pair(ahead=AHEAD) as pair:
        ended: Counter[Ended] = Counter()
        features: dict[str, int] = {}
        failure = None
        move_start = 0
        try:
            scenario = Scenario(pair)
            scenario.walk = walk
            scenario.set_stage()
            driver = Driver(scenario, SeededChoices(seed), cadence=CAMPAIGN)
            moves = 0
            ended = driver.ended
            try:
                while len(pair.trace) < steps:
                    move_start = len(pair.trace)
                    outcome = driver.play()
                    moves += 1
                    if moves % _FEATURE_EVERY == 0:
                        features.setdefault(_feature(pair, outcome), len(pair.trace))
                    if on_step is not None:
                        on_step(len(pair.trace))
            except StopSeed:
                pass
            driver.finish()
            if seed % _LOOK_EVERY == 0:
                pair.compare_looked_at()
        except Exception as error:
            failure = replace(_first_failure(seed, pair, error, move_start), needs_candles=walk is not None)
        return SeedResult(seed, len(pair.trace), failure, ended, pair.outcomes, features, tuple(pair.trace))


def _feature(pair: Pair, outcome: Outcome) -> str:
    """Return the last step's function and error with what the exchange is like: coarse, so that there are few."""
    step = pair.trace[-1]
    house = pair.model.clearinghouse
    ledger = house.ledger()
    positions, in_debt = 0, ""
    for header in house.stored_accounts().values():
        positions += header.open_markets.bit_count()
        if header.balance < 0:
            in_debt = "in debt"
    pool = "pool under water" if ledger.pool_balance < 0 else ""
    insurance = "no insurance" if ledger.insurance_balance == 0 else ""
    listed = min(2, max(0, len(house.stored_markets()) - 3))
    error = outcome.error.name or NO_DATA if outcome.error else "ok"
    return f"{step.contract}/{step.function}/{error}/{min(3, positions // 4)}/{pool}/{insurance}/{in_debt}/{listed}"


def _first_failure(seed: int, pair: Pair, error: Exception, move_start: int) -> Failure:
    """Return what failed, or the step before it that the chain had yet to run and that differs."""
    try:
        pair.catch_up()
    except Exception as earlier:
        error = earlier
    failure = _failure(seed, pair, error)
    return replace(failure, of_move=move_start) if _is_of_move(error) else failure


def _is_of_move(error: Exception) -> bool:
    """Whether a move, or the call that it relied on, raised it, and not the two sides while they ran a step."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if any(frame.f_code in _SIDES for frame in frames):
        return False
    return any(frame.f_code is _MUST or frame.f_globals["__name__"].startswith(_MOVES) for frame in frames)


def _failure(seed: int, pair: Pair, error: Exception) -> Failure:
    kind = kind_of(error)
    message = "".join(format_exception(error)) if kind == "crash" else str(error)
    return Failure(seed, len(pair.trace) - 1, kind, message, tuple(pair.trace))


def replay(trace: Sequence[Step], *, artefacts: Artefacts | None = None) -> Failure | None:
    """Run the steps of a trace, without the driver that made it, and check the same: None where all is well."""
    stage = _stage(artefacts)
    with stage.pair() as pair:
        try:
            invariants = Invariants(pair.model)
            scenario = Scenario(pair)
            for step in trace:
                scenario.run(step)
                invariants.check()
            scenario.compare_words()
            scenario.compare()
            pair.compare_looked_at()
        except Exception as error:
            return _failure(-1, pair, error)
        return None
