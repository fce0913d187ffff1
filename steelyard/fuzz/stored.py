"""A stored failure, read and checked: only a trace that can be run is returned."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sim.protocol import Settings, World
from steelyard.evm.abi import AbiIndex, FunctionUnknown
from steelyard.fuzz.actors import AGGREGATORS, CONTRACTS, EVERYBODY
from steelyard.fuzz.campaign import Failure
from steelyard.fuzz.errors import RecordMalformed
from steelyard.fuzz.record import Record
from steelyard.fuzz.stage import WEI

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.pair import Step

__all__ = ["read_stored"]

_ADDRESS = re.compile("0x[0-9a-f]{40}")
_LONGEST_WAIT = 1 << 40
"""Of one step [s]: all steps together stay far below what 64 bits hold."""
_MOST_VALUE = len(EVERYBODY) * WEI
"""What all actors hold together [wei]."""


def read_stored(path: Path, artefacts: Artefacts) -> tuple[Failure, Record | None]:
    """Return a failure from a file, and its record where it was shrunk.

    Parameters
    ----------
    path : Path
        Of a `Record`, or of a `Failure` as a campaign stores it.
    artefacts : Artefacts
        Contracts whose functions the steps call.

    Raises
    ------
    RecordMalformed
        The file holds neither, or there is no such transaction as one of the steps: told with the file and the step.
    OSError
        There is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        record = Record.from_json(text) if isinstance(document, dict) and "format" in document else None
        failure = record.failure if record is not None else Failure.from_json(text)
    except RecordMalformed as error:
        raise RecordMalformed(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RecordMalformed(f"{path}: neither a record nor a failure ({error!r})") from error
    wrong = _wrong(failure, artefacts)
    if wrong:
        raise RecordMalformed(f"{path}: {wrong}")
    return failure, record


def _wrong(failure: Failure, artefacts: Artefacts) -> str:
    """Return what keeps a failure from being replayed, empty where nothing does."""
    if not failure.trace:
        return "the trace is empty"
    types = tuple(type(value) for value in (failure.seed, failure.kind, failure.message, failure.needs_candles))
    if types != (int, str, str, bool):
        return "seed, kind, message and needs_candles are to be a number, two texts, and true or false"
    if not _is_within(failure.step_index, len(failure.trace) - 1):
        return f"step_index {failure.step_index!r} is no index of {len(failure.trace)} steps"
    if failure.of_move is not None and (failure.seed < 0 or not _is_within(failure.of_move, len(failure.trace))):
        return f"of_move {failure.of_move!r} of seed {failure.seed} is no move of the trace"
    abi = AbiIndex(artefacts)
    model = World(Settings(is_hostile=True, aggregators=tuple(AGGREGATORS.items())))
    for number, step in enumerate(failure.trace, 1):
        wrong = _wrong_step(step, abi, model)
        if wrong:
            return f"step {number}: {wrong}"
    return ""


def _wrong_step(step: Step, abi: AbiIndex, model: World) -> str:
    """Return why there is no such transaction, empty where there is."""
    called = f"{step.contract}.{step.function}"
    if not _ADDRESS.fullmatch(str(step.sender)):
        return f"sender {step.sender!r} is no address in lower case"
    if not _is_within(step.value, _MOST_VALUE):
        return f"value {step.value!r} is no amount that actors hold"
    if not _is_within(step.wait, _LONGEST_WAIT):
        return f"wait {step.wait!r} is no number of seconds up to {_LONGEST_WAIT}"
    try:
        function = abi.function(CONTRACTS.get(step.contract, step.contract), step.function)
        function.pack(step.args)
        model.calldata(step.contract, step.function, step.args)
    except (KeyError, FunctionUnknown):
        return f"there is no {called}"
    except (TypeError, ValueError) as error:
        return f"{called}: {error}"
    return ""


def _is_within(value: Any, most: int) -> bool:
    """Return whether a value is an integer from 0 to `most`."""
    return type(value) is int and 0 <= value <= most
