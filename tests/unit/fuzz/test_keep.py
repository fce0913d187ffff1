"""After a campaign: what it found is shrunk, kept and replayed by the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.fuzz import command
from steelyard.fuzz.campaign import Failure, run_seed
from steelyard.fuzz.keep import keep
from steelyard.fuzz.record import Record
from steelyard.fuzz.report import EXIT_FOUND
from tests.unit.fuzz.faults import FAULTS
from tests.unit.fuzz.traces import played

if TYPE_CHECKING:
    from pathlib import Path

FAULT = FAULTS["funding drifts the wrong way"]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Plant a fault, and let the command play in this process, because the fault is not in any other."""
    FAULT.plant(monkeypatch)
    monkeypatch.setattr(command, "play", lambda plan, _: (run_seed(plan.seed, plan.steps) for _ in "1"))
    return monkeypatch


@pytest.mark.evm
def test_fuzz__planted_fault__leaves_story_record_and_test(tmp_path: Path, planted: pytest.MonkeyPatch) -> None:
    campaign = ["fuzz", "--steps", "400", "--allow-unreached", "--failures", str(tmp_path)]
    ended = CliRunner().invoke(cli, campaign)
    assert ended.exit_code == EXIT_FOUND, ended.output
    (test,) = tmp_path.glob("test_*.py")
    (path,) = tmp_path.glob("mismatch_*.json")
    record = Record.from_json(path.read_text(encoding="utf-8"))
    assert len(record.story) <= FAULT.longest
    for line in (*record.story, f"test: {test}", f"replay: {path}"):
        assert line in ended.output
    again = CliRunner().invoke(cli, ["fuzz", "--replay", str(path)])
    assert again.exit_code == EXIT_FOUND
    assert "The same failure on evm" in again.output
    planted.undo()
    fixed = CliRunner().invoke(cli, ["fuzz", "--replay", str(path), "--json"])
    assert fixed.exit_code == 0, fixed.output
    assert json.loads(fixed.output)["fixed"] is True


@pytest.mark.evm
@pytest.mark.usefixtures("planted")
def test_fuzz__no_shrink__leaves_the_trace_as_found(tmp_path: Path) -> None:
    campaign = ["fuzz", "--steps", "400", "--allow-unreached", "--failures", str(tmp_path), "--no-shrink"]
    assert CliRunner().invoke(cli, campaign).exit_code == EXIT_FOUND
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["failure"]


def test_fuzz__replay_of_another_file__is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", encoding="utf-8")
    ended = CliRunner().invoke(cli, ["fuzz", "--replay", str(path)])
    assert ended.exit_code == 2
    assert "neither a record nor a failure" in ended.output


@pytest.mark.evm
def test_keep__trace_that_does_not_fail__leaves_nothing(tmp_path: Path) -> None:
    trace = played(1, 60)
    assert keep(Failure(1, len(trace) - 1, "mismatch", f"step {len(trace)}: made up", trace), tmp_path) is None
    assert not list(tmp_path.iterdir())
