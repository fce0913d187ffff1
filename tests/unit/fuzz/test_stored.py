"""Stored failures that cannot be replayed: each is told with the file and the step, and nothing is run."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol.mocks.hostile_token import Plan
from steelyard.fuzz.actors import ALICE, BOB, account_of
from steelyard.fuzz.campaign import Failure
from steelyard.fuzz.errors import RecordMalformed
from steelyard.fuzz.pair import Step
from steelyard.fuzz.record import Record
from steelyard.fuzz.rehearsal import Sign
from steelyard.fuzz.stored import read_stored
from steelyard.parameters import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts

pytestmark = pytest.mark.evm

STEPS = (
    Step(ALICE, "LocalToken", "transfer", (BOB, 5)),
    Step(ALICE, "Clearinghouse", "deposit", (account_of(ALICE), 5), wait=3),
    Step(ALICE, "LocalToken", "arm", (Plan(),)),
)
FAILURE = Failure(1, 1, "mismatch", "what differs", STEPS)
RECORD = Record(FAILURE, Sign("mismatch", "state"), ("success",), load(), ("one", "two"), ("that",))


def _read(tmp_path: Path, artefacts: Artefacts, content: str | bytes) -> tuple[Failure, Record | None]:
    path = tmp_path / "failure.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_stored(path, artefacts)


def _changed(document: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> str:
    changed = deepcopy(document)
    change(changed)
    return json.dumps(changed)


def test_read_stored__failure_and_record__are_as_they_were(tmp_path: Path, artefacts: Artefacts) -> None:
    assert _read(tmp_path, artefacts, FAILURE.to_json()) == (FAILURE, None)
    failure, record = _read(tmp_path, artefacts, RECORD.to_json())
    assert (failure, record and record.failure) == (FAILURE, FAILURE)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '"text"', "7", "null", "{}", '{"trace": 7}', '{"trace": [7]}', b"\xff\xfe"],
    ids=lambda content: repr(content[:12]),
)
def test_read_stored__something_else__is_refused(tmp_path: Path, artefacts: Artefacts, content: str | bytes) -> None:
    with pytest.raises(RecordMalformed, match=r"failure\.json: neither a record nor a failure") as raised:
        _read(tmp_path, artefacts, content)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda document: document.update(format="another"), "format 'another' instead of"),
        (lambda document: document.pop("expected"), "not a record of a failure"),
        (lambda document: document.update(expected=[]), "not a record of a failure"),
        (lambda document: document.update(parameters=7), "not a record of a failure"),
        (lambda document: document["expected"].update(step_index=9), "step_index 9 is no index of 3 steps"),
        (lambda document: document["steps"][1].update(wait=-1), "step 2: wait -1 is no number"),
    ],
)
def test_read_stored__record_that_is_not_whole__is_refused(
    tmp_path: Path, artefacts: Artefacts, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    with pytest.raises(RecordMalformed, match=told):
        _read(tmp_path, artefacts, _changed(json.loads(RECORD.to_json()), change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trace": []}, "the trace is empty"),
        ({"step_index": 3}, "step_index 3 is no index of 3 steps"),
        ({"step_index": -1}, "step_index -1 is no index"),
        ({"step_index": "0"}, "step_index '0' is no index"),
        ({"step_index": 0.5}, "step_index 0.5 is no index"),
        ({"seed": "x"}, "seed, kind, message"),
        ({"message": None}, "seed, kind, message"),
        ({"of_move": 4}, "of_move 4 of seed 1 is no move"),
        ({"of_move": "1"}, "of_move '1' of seed 1 is no move"),
        ({"of_move": 1, "seed": -1}, "of_move 1 of seed -1 is no move"),
        ({"needs_candles": 1}, "seed, kind, message and needs_candles"),
    ],
)
def test_read_stored__failure_nowhere_in_its_trace__is_refused(
    tmp_path: Path, artefacts: Artefacts, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(RecordMalformed, match=rf"failure\.json: {told}"):
        _read(tmp_path, artefacts, _changed(json.loads(FAILURE.to_json()), lambda document: document.update(change)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"contract": "Vault"}, "there is no Vault.deposit"),
        ({"contract": "Clearinghouse", "function": "drain"}, "there is no Clearinghouse.drain"),
        ({"contract": ["Clearinghouse"]}, "unhashable"),
        ({"contract": "Pricing"}, "there is no Pricing.deposit"),
        ({"args": [1]}, "Clearinghouse.deposit: "),
        ({"args": 7}, "Clearinghouse.deposit: "),
        ({"args": [1, 2, 3]}, "Clearinghouse.deposit: "),
        ({"args": [1, "5"]}, "Clearinghouse.deposit: '5' is not a value of uint128"),
        ({"args": [1, -5]}, "Clearinghouse.deposit: -5 is not a value of uint128"),
        ({"args": [1, 5.0]}, "Clearinghouse.deposit: 5.0 is not a value of uint128"),
        ({"contract": "LocalToken", "function": "transfer", "args": ["0x12", 5]}, "'0x12' is not a value of address"),
        ({"contract": "LocalToken", "function": "transfer", "args": ["0x" + "zz" * 20, 5]}, "LocalToken.transfer: "),
        ({"sender": "0x12"}, "sender '0x12' is no address"),
        ({"sender": ALICE.upper()}, "is no address in lower case"),
        ({"sender": None}, "sender None is no address"),
        ({"wait": -1}, "wait -1 is no number of seconds"),
        ({"wait": 1.5}, "wait 1.5 is no number of seconds"),
        ({"wait": 1 << 60}, "is no number of seconds"),
        ({"value": -1}, "value -1 is no amount"),
        ({"value": 1 << 256}, "is no amount that actors hold"),
        ({"value": "1"}, "value '1' is no amount"),
    ],
)
def test_read_stored__step_that_cannot_be_made__is_told_with_its_number(
    tmp_path: Path, artefacts: Artefacts, change: dict[str, Any], told: str
) -> None:
    content = _changed(json.loads(FAILURE.to_json()), lambda document: document["trace"][1].update(change))
    with pytest.raises(RecordMalformed) as raised:
        _read(tmp_path, artefacts, content)
    assert str(raised.value).startswith(f"{tmp_path / 'failure.json'}: step 2: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
