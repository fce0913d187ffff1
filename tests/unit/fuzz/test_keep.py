"""After a campaign: what it found is shrunk, kept and replayed by the command."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.fuzz import command, profit
from steelyard.fuzz.campaign import Failure, run_seed
from steelyard.fuzz.keep import keep, stored
from steelyard.fuzz.record import Record
from steelyard.fuzz.replay import replay
from steelyard.fuzz.report import EXIT_FOUND, EXIT_UNDECIDED
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.walk import Walk
from tests.unit.fuzz.faults import FAULTS
from tests.unit.fuzz.traces import played

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

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


def test_fuzz__replay_of_another_file__is_an_error_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", encoding="utf-8")
    ended = CliRunner().invoke(cli, ["fuzz", "--replay", str(path)])
    assert ended.exit_code == 1
    assert "RecordMalformed" in ended.output


@pytest.mark.evm
def test_keep__trace_that_does_not_fail__leaves_nothing(tmp_path: Path) -> None:
    trace = played(1, 60)
    assert keep(Failure(1, len(trace) - 1, "mismatch", f"step {len(trace)}: made up", trace), tmp_path) is None
    assert not list(tmp_path.iterdir())


# ---- checks of moves


def _plant_profit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step of a coalition that costs it less than 10 USD count as a profit."""
    monkeypatch.setattr(profit, "_DUST_PER_MARKET", -(10**19))


def _plant_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moves take for granted that nobody can pause."""
    must = Scenario.must

    def strict(self: Scenario, sender: str, contract: str, function: str, *args: Any, **kw: Any) -> Any:
        outcome = must(self, sender, contract, function, *args, **kw)
        assert function != "pauseRisk", f"{contract}.{function}{args}: succeeds"
        return outcome

    monkeypatch.setattr(Scenario, "must", strict)


@pytest.mark.evm
def test_run_seed__step_fails_in_a_move__is_of_no_move(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULT.plant(monkeypatch)
    assert FAULT.found().of_move is None


@pytest.mark.evm
@pytest.mark.parametrize(
    ("plant", "kind", "place"),
    [(_plant_profit, "invariant", r"I\d+"), (_plant_refusal, "assertion", r"Clearinghouse\.pauseRisk")],
)
def test_fuzz__check_of_a_move_fails__is_kept_and_replayed_by_its_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Any, kind: str, place: str
) -> None:
    plant(monkeypatch)
    monkeypatch.setattr(command, "play", lambda plan, _: (run_seed(plan.seed, plan.steps) for _ in "1"))
    campaign = ["fuzz", "--steps", "2500", "--allow-unreached", "--failures", str(tmp_path)]
    ended = CliRunner().invoke(cli, campaign)
    assert ended.exit_code == EXIT_FOUND, ended.output
    path = tmp_path / "failure-1.json"
    failure = Failure.from_json(path.read_text(encoding="utf-8"))
    assert failure.kind == kind
    assert re.match(place, failure.message)
    assert failure.of_move is not None
    assert failure.of_move <= failure.step_index
    (test,) = tmp_path.glob("test_*.py")
    for line in (f"step {failure.step_index + 1}: ", f"test: {test}", f"replay: {path}"):
        assert line in ended.output
    module: dict[str, Any] = {}
    exec(compile(test.read_text(encoding="utf-8"), str(test), "exec"), module)
    (regression,) = [value for name, value in module.items() if name.startswith("test_")]
    with pytest.raises(AssertionError, match=place):
        regression()
    again = CliRunner().invoke(cli, ["fuzz", "--replay", str(path)])
    assert again.exit_code == EXIT_FOUND
    assert "Seed 1 was played again.\nThe same failure on evm" in again.output
    monkeypatch.undo()
    regression()
    fixed = CliRunner().invoke(cli, ["fuzz", "--replay", str(path), "--json"])
    assert fixed.exit_code == 0, fixed.output
    document = json.loads(fixed.output)
    assert (document["fixed"], document["seed"], document["undecided"]) == (True, 1, None)


@pytest.mark.evm
def test_fuzz__replay_of_a_move_without_its_candles__is_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(60, ((50_000 * 10**8, 3_000 * 10**8, 100 * 10**8),) * 3)
    with monkeypatch.context() as planted:
        _plant_profit(planted)
        failure = run_seed(1, 2_500, walk=walk).failure
        assert failure is not None
        kept = keep(failure, tmp_path, walk=walk)
    assert kept is not None
    assert (kept.test, kept.path) == (None, tmp_path / "failure-1.json")
    told = CliRunner().invoke(cli, ["fuzz", "--replay", str(kept.path)])
    assert told.exit_code == EXIT_UNDECIDED
    steps = len(failure.trace) + 1
    assert f"steelyard fuzz --seed 1 --seed-steps {steps} --steps {steps} --allow-unreached --candles" in told.output
    document = json.loads(CliRunner().invoke(cli, ["fuzz", "--replay", str(kept.path), "--json"]).output)
    assert document["fixed"] is False
    assert document["undecided"] == failure.seed_command
    assert replay(kept.path, walk=walk).is_fixed


@pytest.mark.evm
def test_keep__seed_that_does_not_fail__leaves_nothing(tmp_path: Path) -> None:
    trace = played(1, 60)
    made_up = Failure(1, len(trace) - 1, "invariant", "I11: made up", trace, of_move=len(trace) - 1)
    assert keep(made_up, tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.evm
def test_replay__seed_that_plays_something_else_by_now__says_from_where(tmp_path: Path) -> None:
    trace = list(run_seed(1, 60).trace)
    trace[40] = trace[40]._replace(wait=trace[40].wait + 1)
    result = replay(stored(Failure(1, 59, "invariant", "I11: made up", tuple(trace), of_move=59), tmp_path))
    assert (result.is_fixed, result.diverges_at) == (True, 40)
    assert "From step 41 on it plays something else now." in result.describe()
