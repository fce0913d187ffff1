"""A trace run again and again: the system deployed once, on any chain, and rewound before each run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.protocol.abi import EncodingError
from sim.protocol.evm import Address
from sim.protocol.invariants import Invariants, check_liquidated
from sim.protocol.libraries.requests import Queue
from steelyard.evm.machine import Machine
from steelyard.fuzz import invariants
from steelyard.fuzz.actors import EVERYBODY
from steelyard.fuzz.campaign import Failure, kind_of
from steelyard.fuzz.pair import NO_DATA, Mismatch, Pair, Step, check_native
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage, machine_of
from steelyard.fuzz.storage import Storage, mapped
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.protocol import Outcome, World
    from steelyard.evm.artefacts import Artefacts
    from steelyard.evm.chain import Chain
    from steelyard.parameters import SystemParameters

__all__ = ["Rehearsal", "Sign", "ending", "sign_of"]

_ENDING = re.compile(r"^  \w+: Outcome\(ok=(True|False), .*?error=(?:None|ErrorValue\(name='(\w*)')", re.MULTILINE)
_PLACE = re.compile(r"(\w+\.\w+)\(")
_HELD = re.compile(r"^(storage|token balance|native currency) of (\w+)", re.MULTILINE)
_STATE = "state"


@dataclass(frozen=True, slots=True)
class Sign:
    """What two failures have in common that are the same.

    Attributes
    ----------
    kind : str
        As of a `Failure`.
    place : str
        Function that was called or view that was read, `Contract.function`; of an invariant, its id; `state` where it
        showed only when all storage words were compared.
    details : tuple of str
        How the call ended on the model and on the contracts, the error's name or `success`; or whose storage differs.
    """

    kind: str
    place: str
    details: tuple[str, ...] = ()


def sign_of(failure: Failure) -> Sign:
    """Return what makes another failure the same as this one."""
    kind, message = failure.kind, failure.message
    called = "deployment"
    if failure.trace:
        step = failure.trace[failure.step_index]
        called = f"{step.contract}.{step.function}"
    if kind in ("invariant", "assertion"):
        return Sign(kind, message.partition(":")[0])
    if kind == "crash":
        name = message.strip().rpartition("\n")[2].partition(":")[0]
        return Sign(kind, called, (name.rpartition(".")[2],))
    if kind != "mismatch":
        return Sign(kind, called)
    held = tuple(f"{what} {whose}" for what, whose in _HELD.findall(message))
    if message.startswith("after step "):
        return Sign(kind, _STATE, held)
    if not message.startswith("step ") and (viewed := _PLACE.match(message)):
        return Sign(kind, viewed[1])
    endings = tuple(name or ("success" if ok == "True" else NO_DATA) for ok, name in _ENDING.findall(message))
    return Sign(kind, called, held or endings)


def ending(outcome: Outcome) -> str:
    """Return how a call ended: the error's name, or `success`."""
    return "success" if outcome.error is None else outcome.error.name or NO_DATA


# ---- running a trace again and again


def _kept(world: World) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return copies of the state of all contracts and their queues, each beside the state itself.

    Objects in storage are never changed in place, so the mappings are copied and what they hold is not.
    """
    contracts = [contract.__dict__ for contract in world.contracts.values()]
    queues = [held.__dict__ for state in contracts for held in state.values() if isinstance(held, Queue)]
    return [
        (state, {name: dict(held) if isinstance(held, dict) else held for name, held in state.items()})
        for state in (*contracts, *queues)
    ]


class _Words:
    """Storage words of any chain, compared one by one."""

    def __init__(self, model: World, chain: Chain) -> None:
        self._model = model
        self._chain = chain
        self._storage = Storage(model)
        self._names = {address: name for name, address in chain.addresses.items()}

    def compare(self, step: Step, number: int) -> None:
        """Compare all words that the last transaction touched, and what everybody holds then."""
        for address, slot, word in self._storage.touched(self._model.touched):
            found = self._chain.storage(address, slot)
            if found != word:
                where = f"storage of {self._names.get(address, address)} at {slot:#x}"
                raise Mismatch(f"step {number}: {step}\n{where}", f"{word:#066x}", f"{found:#066x}")
        token = self._model.token
        for owner in (*EVERYBODY, self._model.clearinghouse.address):
            held = token.balance_of(Address(owner))
            found = self._chain.storage(token.address, mapped(0, int(owner, 16)))
            if found != held:
                raise Mismatch(f"step {number}: {step}\ntoken balance of {owner}", held, found)
        if step.value:
            check_native(self._chain, self._chain.addresses, f"step {number}: {step}\n")


class Rehearsal:
    """The system deployed once, on which traces are run, each from the beginning.

    Parameters
    ----------
    artefacts : Artefacts, optional
        Compiled contracts, by default the project's own.
    parameters : SystemParameters, optional
        By default those of a local chain.
    chain : Chain, optional
        An empty one, by default in this process.
    can_repeat : bool
        Whether the chain can be restored, so that more than one trace can be run.

    Attributes
    ----------
    stage : Stage
        What was deployed.
    played : int
        Steps that were run.
    raised : BaseException or None
        How the trace that was run last failed.
    """

    def __init__(
        self,
        artefacts: Artefacts | None = None,
        parameters: SystemParameters | None = None,
        *,
        chain: Chain | None = None,
        can_repeat: bool = True,
    ) -> None:
        self.stage = Stage.built(chain or machine_of(artefacts), parameters or load())
        self.played = 0
        self.raised: BaseException | None = None
        self._world = self.stage.model()
        self._pair = Pair(self._world, self.stage.chain, self.stage.addresses)
        self._kept = _kept(self._world)
        self._start = self._world.timestamp
        self._can_repeat = can_repeat
        self._words = None if isinstance(self.stage.chain, Machine) else _Words(self._world, self.stage.chain)

    def _rewind(self) -> None:
        world = self._world
        world.timestamp, world.touched = self._start, ()
        for state, kept in self._kept:
            for name, held in kept.items():
                if isinstance(held, dict):
                    mapping = state[name]
                    mapping.clear()
                    mapping.update(held)
                else:
                    state[name] = held

    def play(
        self,
        steps: Sequence[Step],
        sign: Sign | None = None,
        *,
        on_step: Callable[[Step, Outcome], None] | None = None,
    ) -> Failure | None:
        """Run a trace and return the first failure.

        Parameters
        ----------
        steps : sequence of Step
            Of the trace.
        sign : Sign, optional
            Look for this failure only, and for a view only at the end, which is faster. Without it, everything that is
            cheap is checked after each step and everything else at the end.
        on_step : callable, optional
            Is told each step that both sides agree on, and how it ended.

        Raises
        ------
        EncodingError
            An argument does not fit its type: there is no such step.
        """
        chain = self.stage.chain
        self.raised = None
        self._rewind()
        if self._can_repeat:
            chain.snapshot()
        pair = self._pair
        pair.rewind()
        try:
            self._play(Scenario(pair), steps, sign, on_step)
        except EncodingError:
            raise
        except Exception as error:
            self.raised = error
            at = max(0, min(len(pair.trace), len(steps)) - 1)
            kind = kind_of(error)
            message = f"{type(error).__name__}: {error}" if kind == "crash" else str(error)
            return Failure(-1, at, kind, message, tuple(pair.trace[: len(steps)]))
        finally:
            self.played += len(pair.trace)
            if self._can_repeat:
                chain.restore()
        return None

    def _play(
        self,
        scenario: Scenario,
        steps: Sequence[Step],
        sign: Sign | None,
        on_step: Callable[[Step, Outcome], None] | None,
    ) -> None:
        model = scenario.pair.model
        held = Invariants(model)
        is_thorough = sign is None or sign.kind in ("invariant", "assertion")
        for number, step in enumerate(steps):
            outcome = scenario.run(step)
            if self._words is not None:
                self._words.compare(step, number + 1)
            if on_step is not None:
                on_step(step, outcome)
            if is_thorough:
                held.check()
                if step.function == "liquidate" and outcome.ok:
                    check_liquidated(model, step.args[0])
        if sign is None:
            scenario.compare_words()
            scenario.compare()
            scenario.pair.compare_looked_at()
        elif sign.place == _STATE:
            scenario.compare_words()
            scenario.pair.compare_looked_at()
        elif sign.kind == "mismatch":
            for contract, function, args in scenario.views():
                if f"{contract}.{function}" == sign.place:
                    scenario.pair.read(contract, function, *args)
        if is_thorough:
            scenario.freshen()
            invariants.check_claims(scenario)
