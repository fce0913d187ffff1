"""`steelyard fuzz` as a user meets it: exit codes, reports, wrong input, an interrupt that loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.fuzz import command, workers
from steelyard.fuzz.campaign import Failure, SeedResult, run_seed
from steelyard.fuzz.corpus import Corpus
from steelyard.fuzz.errors import WorkerDied
from steelyard.fuzz.schedule import Plan, Replayed, Schedule, Task
from steelyard.fuzz.version import Version
from tests.unit.data.files import hours, write_parquet

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from click.testing import Result

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.schedule import Done

pytestmark = pytest.mark.evm

STEPS = 200
NUMBERS = ("--steps", "--minutes", "--seed-steps")
TEXTS = ("--junit", "--corpus", "--failures", "--cluster")


def _fuzz(*options: object) -> Result:
    return CliRunner().invoke(cli, ["fuzz", *map(str, options)])


# ---- wrong input


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--steps", "-1"), "-1 is not in the range"),
        (("--minutes", "-1"), "-1.0 is not in the range"),
        (("--seed", "x"), "'x' is not a valid integer"),
        (("--workers", "0"), "0 is not in the range"),
        (("--steps", "0"), "needs --steps or --minutes"),
        (("--canary", "no-such-bug"), "'no-such-bug' is not one of"),
        (("--replay", "nowhere.json"), "'nowhere.json' does not exist"),
        (("--minutes", "0"), "0.0 is not in the range"),
        (("--minutes", "nan", "--steps", "0"), "nan is not a finite number"),
        (("--minutes", "inf", "--steps", "0"), "inf is not a finite number"),
        (("--corpus", "{file}"), "is a file"),
        (("--failures", "{file}"), "is a file"),
        (("--on", "mainnet"), "'mainnet' is not one of"),
    ],
)
def test_fuzz__wrong_usage__is_told_in_a_line(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    file = tmp_path / "file"
    file.write_text("no JSON")
    done = _fuzz(*(option.format(file=file) for option in options))
    assert done.exit_code == 2
    assert told in done.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        *((("--self-test", option, "1"), f"{option} does not go with --self-test") for option in NUMBERS),
        *((("--canary", "settled-twice", option, "x"), f"{option} does not go with --self-test") for option in TEXTS),
        *((("--replay", "{file}", option, "1"), f"{option} does not go with --replay") for option in NUMBERS),
        *((("--replay", "{file}", option, "x"), f"{option} does not go with --replay") for option in TEXTS),
        *((("--coverage", option, "1"), f"{option} does not go with --coverage") for option in NUMBERS),
        (("--coverage", "--on", "evm"), "--on does not go with --coverage"),
        (("--self-test", "--replay", "{file}"), "--replay does not go with --self-test"),
        (("--self-test", "--coverage"), "--coverage does not go with --self-test"),
        (("--self-test", "--no-shrink"), "--no-shrink does not go with --self-test"),
        (("--self-test", "--candles", "{folder}"), "--candles does not go with --self-test"),
        (("--on", "evm"), "--on is for --replay"),
        (("--sample", "3"), "--sample is for --self-test"),
        (("--resume",), "--resume is for --self-test"),
        (("--lcov", "x"), "--lcov is for --coverage"),
    ],
)
def test_fuzz__option_of_another_mode__is_refused(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = _fuzz(*(option.format(file=file, folder=tmp_path) for option in options))
    assert done.exit_code == 2
    assert told in done.output.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [file]


def test_fuzz__options__each_is_known_to_a_mode() -> None:
    known = {name for names in command._KNOWN.values() for name in names}
    assert known == {parameter.name for parameter in cli.commands["fuzz"].params}


def test_fuzz__replay_of_a_bad_file__is_told_by_name_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("no JSON")
    done = _fuzz("--replay", path)
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith(f"Error: RecordMalformed: {path}: neither a record nor a failure")


@pytest.mark.parametrize("option", ["--corpus", "--failures", "--junit"])
def test_fuzz__folder_that_cannot_be_made__is_told_before_anything_is_played(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").write_text("")
    done = _fuzz("--steps", STEPS, option, tmp_path / "file" / "below" / "it")
    assert done.exit_code in (1, 2)
    assert "file" in done.output.splitlines()[-1]
    assert "Not a directory" in done.output.splitlines()[-1]


def test_fuzz__corpus_with_a_broken_trace__names_the_file(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(run_seed(1, STEPS))
    (path,) = tmp_path.glob("*.gz")
    path.write_bytes(b"broken")
    done = _fuzz("--steps", STEPS, "--corpus", tmp_path)
    assert done.exit_code == 1
    assert f"CorpusUnusable: {path}" in done.output.splitlines()[-1]


# ---- what is played


def test_schedule__steps__are_shared_out_over_seeds_after_the_traces() -> None:
    trace = run_seed(1, 20).trace
    plan = Plan(seed=4, steps=250, seed_steps=100, done=frozenset({5}), traces=((9, trace),))
    schedule = Schedule(plan)
    tasks = [schedule.next() for _ in range(5)]
    assert tasks == [Task(9, trace=trace), Task(4, 100), Task(6, 100), Task(7, 50), None]


def test_schedule__something_failed__hands_out_nothing_more() -> None:
    schedule = Schedule(Plan(steps=None))
    assert schedule.next() is not None
    schedule.note(Replayed(3, 1, Failure(3, 0, "mismatch", "", ())))
    assert schedule.is_over
    assert schedule.next() is None


def test_schedule__no_steps_left__hands_out_nothing() -> None:
    assert Schedule(Plan(steps=0)).next() is None


def _die(pipe: Connection, *_: object) -> None:
    pipe.recv()
    os._exit(9)


def test_play__worker_that_dies__is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_work", _die)
    with pytest.raises(WorkerDied, match="exit code 9"):
        list(workers.play(Plan(steps=100)))


@pytest.mark.parametrize("count", [1, 2])
def test_play__any_number_of_workers__plays_the_same(count: int) -> None:
    done = workers.play(Plan(seed=1, steps=3 * STEPS, seed_steps=STEPS, workers=count))
    assert sorted(done, key=lambda one: one.seed) == [run_seed(seed, STEPS) for seed in (1, 2, 3)]


# ---- a corpus


def test_fuzz__contracts_or_fuzzer_changed__replays_the_corpus_and_starts_anew(
    tmp_path: Path, artefacts: Artefacts
) -> None:
    other = Corpus(tmp_path, Version("other contracts", "other code"))
    other.add(run_seed(1, STEPS))
    options = ("--steps", STEPS, "--seed-steps", STEPS, "--corpus", tmp_path, "--allow-unreached", "--json")
    first, again = (json.loads(_fuzz(*options).stdout) for _ in range(2))
    assert (first["replayed"], first["played"] >= STEPS) == (1, True)
    assert (again["replayed"], again["played"]) == (0, 0)
    assert not Corpus(tmp_path, Version.of(artefacts)).is_stale


def test_fuzz__other_candles__starts_anew(tmp_path: Path) -> None:
    folders = (tmp_path / "low", tmp_path / "high")
    for folder, rise in zip(folders, (1.0, 1.1), strict=True):
        folder.mkdir()
        for symbol, price in (("BTC", 40_000.0), ("ETH", 2_500.0), ("SOL", 100.0)):
            write_parquet(folder / f"{symbol}USDT-spot-1h.parquet", hours(24, price=rise * price))
    options = ("--steps", STEPS, "--seed-steps", STEPS, "--corpus", tmp_path / "corpus", "--allow-unreached", "--json")
    candles = [(), ("--candles", folders[0]), ("--candles", folders[0]), ("--candles", folders[1]), ()]
    runs = [json.loads(_fuzz(*options, *chosen).stdout) for chosen in candles]
    assert [run["played"] >= STEPS for run in runs] == [True, True, False, True, True]
    assert [run["replayed"] > 0 for run in runs] == [False, True, False, True, True]


def test_fuzz__trace_of_the_corpus_fails__is_found_and_replayed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Corpus(tmp_path / "corpus", Version("other contracts", "other code")).add(run_seed(1, STEPS))
    failure = Failure(1, 3, "mismatch", "what differs", run_seed(1, STEPS).trace[:4])
    _fake(monkeypatch, [Replayed(1, STEPS, failure)])
    options = ("--steps", STEPS, "--corpus", tmp_path / "corpus", "--failures", tmp_path / "found", "--no-shrink")
    done = _fuzz(*options, "--junit", tmp_path / "report.xml")
    assert done.exit_code == 3, done.output
    assert Failure.from_json((tmp_path / "found" / "failure-1.json").read_text()) == failure
    suite = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert [case.get("name") for case in suite if case.find("failure") is not None] == [
        "seed 1",
        "actions succeed",
        "errors are raised",
    ]
    assert int(suite.get("failures", "0")) == 3
    assert int(suite.get("tests", "0")) == len(suite)
    assert json.loads(_fuzz(*options, "--json").stdout)["replayed"] == 1


def test_fuzz__seed_that_failed__is_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = run_seed(1, STEPS)
    failure = Failure(1, 3, "invariant", "what does not hold", played.trace[:4])
    failed = type(played)(1, 4, failure, played.ended, played.outcomes, {}, failure.trace)
    _fake(monkeypatch, [failed])
    options = ("--steps", STEPS, "--corpus", tmp_path / "c", "--no-shrink", "--json")
    assert _fuzz(*options).exit_code == 3
    assert Corpus(tmp_path / "c").totals.seeds == set()


def test_fuzz__exempt_error_that_was_raised__is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = Counter({("Authority", "execute", "AccessManagerExpired"): 1})
    _fake(monkeypatch, [SeedResult(1, STEPS, None, outcomes=raised)])
    assert json.loads(_fuzz("--json").stdout)["errors_needless"] == ["AccessManagerExpired"]
    assert "exempt, and raised all the same: AccessManagerExpired" in _fuzz().stdout


def _fake(monkeypatch: pytest.MonkeyPatch, results: list[Done]) -> None:
    def play(*_: object) -> Generator[Done, None, None]:
        yield from results

    monkeypatch.setattr("steelyard.fuzz.command.play", play)


@pytest.mark.slow
def test_fuzz__interrupted__keeps_what_was_played_and_goes_on(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    command = [sys.executable, "-m", "steelyard.cli", "fuzz", "--seed-steps", str(STEPS), "--corpus", str(corpus)]
    options = ["--allow-unreached", "--json"]
    endless = [*command, "--steps", "1000000", "--workers", "2", *options]
    with subprocess.Popen(endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(corpus.glob("*.gz")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    stopped = json.loads(told)
    assert stopped["interrupted"]
    kept = Corpus(corpus)
    assert kept.totals.steps == stopped["steps"] >= STEPS
    assert kept.traces()
    more = stopped["steps"] + 2 * STEPS
    done = subprocess.run([*command, "--steps", str(more), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    went_on = json.loads(done.stdout)
    assert went_on["replayed"] == 0
    assert went_on["steps"] >= more
    assert 2 * STEPS <= went_on["played"] == went_on["steps"] - stopped["steps"]
