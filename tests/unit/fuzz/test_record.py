"""Files of a failure: JSON that replays, a regression test that fails with the fault and passes without."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steelyard.fuzz.errors import RecordMalformed
from steelyard.fuzz.record import Record, parameters_from, parameters_to
from steelyard.fuzz.replay import replay
from steelyard.fuzz.shrink import shrink
from steelyard.parameters import GuardParameters
from steelyard.toolchain import ROOT
from tests.unit.fuzz.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.fuzz.campaign import Failure
    from steelyard.parameters import SystemParameters

FAULT = FAULTS["funding drifts the wrong way"]


@pytest.fixture(scope="module")
def failure() -> Failure:
    """Return what a planted fault makes a seed find."""
    with pytest.MonkeyPatch.context() as planting:
        FAULT.plant(planting)
        return FAULT.found()


@pytest.fixture(scope="module")
def record(failure: Failure) -> Record:
    """Return the record of that failure, shrunk."""
    with pytest.MonkeyPatch.context() as planting:
        FAULT.plant(planting)
        return Record.of(shrink(failure))


def _function(path: Path) -> Any:
    (function,) = [held for name, held in runpy.run_path(str(path)).items() if name.startswith("test_")]
    return function


def test_parameters__plain_values__are_the_same_again(parameters: SystemParameters) -> None:
    again = parameters_from(parameters_to(parameters))
    assert (again.pyth, again.orders, again.risk, again.markets) == (
        parameters.pyth,
        parameters.orders,
        parameters.risk,
        parameters.markets,
    )


def test_parameters__guarded_market__keeps_its_guard(parameters: SystemParameters) -> None:
    first, *others = parameters.markets
    guard = GuardParameters("0x" + "ab" * 20, 3_600, 100)
    guarded = replace(parameters, markets=(replace(first, oracle=replace(first.oracle, guard=guard)), *others))
    assert parameters_from(parameters_to(guarded)).markets == guarded.markets


@pytest.mark.evm
def test_record__json__is_the_same_again(record: Record) -> None:
    assert Record.from_json(record.to_json()) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another"}', '{"format": "steelyard fuzz failure 1"}'])
def test_record__other_text__is_refused(text: str) -> None:
    with pytest.raises(RecordMalformed):
        Record.from_json(text)


@pytest.mark.evm
def test_regression_test__with_the_fault__fails_and_without_passes(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = _function(record.write_test(tmp_path))
    assert all(sentence in " ".join(function.__doc__.split()) for sentence in record.story)
    function()
    FAULT.plant(monkeypatch)
    with pytest.raises(AssertionError, match="storage of Clearinghouse"):
        function()


@pytest.mark.evm
@pytest.mark.slow
def test_regression_test__run_by_pytest__is_collected_formatted_and_passes(record: Record, tmp_path: Path) -> None:
    path = record.write_test(tmp_path / "regressions")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
    for command in (("check", "--select", "E,F,W,I,D,RUF"), ("format", "--check")):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.evm
def test_replay__record__tells_same_from_other_and_fixed(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record.write(tmp_path)
    fixed = replay(path)
    assert (fixed.is_fixed, fixed.is_reproduced) == (True, False)
    with monkeypatch.context() as planting:
        FAULT.plant(planting)
        same = replay(path)
    assert (same.is_fixed, same.is_reproduced) == (False, True)
    assert "The same failure on evm" in same.describe()
    with monkeypatch.context() as planting:
        FAULTS["fee rounds down"].plant(planting)
        FAULTS["cap is doubled"].plant(planting)
        other = replay(path)
    assert not other.is_reproduced


@pytest.mark.evm
def test_replay__failure_as_found__is_reproduced(
    failure: Failure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "failure.json"
    path.write_text(failure.to_json(), encoding="utf-8")
    FAULT.plant(monkeypatch)
    result = replay(path)
    assert result.failure is not None
    assert result.is_reproduced


def test_replay__anything_else__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(RecordMalformed):
        replay(path)
