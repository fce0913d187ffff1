"""`steelyard calibrate` and `steelyard study` on made-up prices."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sim.data.window import parse_time
from sim.studies.scenarios import Crash
from steelyard.cli import cli
from steelyard.parameters import load
from steelyard.studies.portfolio_margin import CALIBRATED
from tests.unit.studies.made_up import WINDOW, write_prices

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prices(tmp_path_factory.mktemp("prices"))


def run(*arguments: str | Path) -> Result:
    return CliRunner(mix_stderr=False).invoke(cli, [str(argument) for argument in arguments])


def test_calibrate__write__gives_the_same_file_again_and_the_printed_numbers(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.yaml", tmp_path / "other.yaml"]
    results = [run("calibrate", "--data", folder, "--set-margins", "--json", "--write", file) for file in files]
    assert [result.exit_code for result in results] == [0, 0], results[0].stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    document = json.loads(results[0].stdout)
    for market, printed in zip(load(files[0]).markets, document["markets"], strict=True):
        assert (market.symbol, market.margin_ratio) == (printed["symbol"], printed["margin_ratio"])
        assert market.portfolio.hedgeable == printed["hedgeable"]
        assert list(market.portfolio.shocks) == printed["shocks"]
    assert document["scenarios"][0]["name"] == "2022-06 3AC"
    assert document["prices"]["filled"] == 0


def test_calibrate__table__names_markets_and_scenarios(folder: Path) -> None:
    result = run("calibrate", "--data", folder, "--horizon", "1")
    assert result.exit_code == 0, result.stderr
    for word in ("horizon 1 h", "BTC", "ETH", "SOL", "2022-06 3AC", "correlation"):
        assert word in result.output


@pytest.mark.parametrize("command", [("calibrate",), ("study", "portfolio-margin"), ("study", "crashes")])
def test_commands__no_folder__say_how_to_name_one(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEELYARD_DATA", raising=False)
    result = run(*command)
    assert result.exit_code == 2
    assert "--data FOLDER, or the variable STEELYARD_DATA" in result.stderr


@pytest.mark.parametrize("command", [("calibrate",), ("study", "portfolio-margin"), ("study", "crashes")])
def test_commands__folder_without_prices__fail_by_name(command: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*command, "--data", tmp_path)
    assert result.exit_code == 1
    assert "PriceFileMissing" in result.stderr


@pytest.mark.parametrize("window", [("--start", "soon"), ("--start", "2022-07-01", "--end", "2022-06-01")])
def test_commands__window_that_is_none__say_so(folder: Path, window: tuple[str, ...]) -> None:
    result = run("calibrate", "--data", folder, *window)
    assert result.exit_code == 2
    assert "soon" in result.stderr or "is empty" in result.stderr


def test_commands__window__is_what_is_looked_at(folder: Path) -> None:
    result = run("study", "portfolio-margin", "--data", folder, "--end", "2022-08-20T12:00:00Z", "--json")
    assert result.exit_code == 0, result.stderr
    prices = json.loads(result.stdout)["prices"]
    assert (prices["start"], prices["end"]) == (WINDOW.start, parse_time("2022-08-20T12:00:00Z"))


def test_commands__few_hours__fail_by_name(tmp_path: Path) -> None:
    write_prices(tmp_path, hours=100)
    result = run("study", "portfolio-margin", "--data", tmp_path)
    assert result.exit_code == 1
    assert "HistoryTooShort" in result.stderr


def test_portfolio_margin__folder_in_the_environment__tells_and_draws(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEELYARD_DATA", str(folder))
    picture = tmp_path / "made" / "picture.png"
    result = run("study", "portfolio-margin", "--json", "--picture", picture)
    assert result.exit_code == 0, result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert list(picture.parent.iterdir()) == [picture]
    books = {book["name"]: book for book in json.loads(result.stdout)["books"]}
    pair = books["long ETH, short BTC"]
    assert pair["required"]["portfolio"]["initial"] < pair["required"]["cross"]["initial"]
    assert pair["required"]["isolated"] == pair["required"]["cross"]
    single = books["long ETH"]
    assert single["required"]["portfolio"] == single["required"]["cross"]
    assert single["undermargined"]["portfolio"] == single["undermargined"]["isolated"]


def test_studies__import__brings_no_chain() -> None:
    modules = "sim.studies.calibration, sim.studies.portfolio_margin"
    code = f"import sys, {modules}; print(sorted({{'ape', 'web3', 'steelyard'}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_portfolio_margin__default_parameters__are_the_calibrated_ones() -> None:
    ratios = [market.margin_ratio for market in load(CALIBRATED).markets]
    assert min(ratios) >= 1_000


def test_crashes__one_of_them__tells_who_paid_and_adds_up_to_zero(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.studies.crashes.CRASHES", (Crash.of("2022-06 3AC", "2022-06-13", "2022-06-14"),))
    picture = tmp_path / "crashes.png"
    result = run(
        "study", "crashes", "--data", folder, "--crash", "3AC", "--accounts", "12", "--json", "--picture", picture
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [(one["crowded"], one["keepers"]) for one in document["replays"]] == [
        ("longs", "prompt"),
        ("longs", "late"),
        ("shorts", "prompt"),
        ("shorts", "late"),
    ]
    for one in document["replays"]:
        assert one["crash"] == "2022-06 3AC"
        assert sum(int(flows["total"]) for flows in one["flows"].values()) == 0
    assert "Gained and lost" in result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_crashes__unknown_name_or_uncovered__is_refused_by_name(folder: Path) -> None:
    result = run("study", "crashes", "--data", folder, "--crash", "tulips")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "CrashUnknown: no crash 'tulips'; there are 2020-03-12 pandemic" in result.stderr
    result = run("study", "crashes", "--data", folder, "--crash", "2021-05-19")
    assert "CrashUncovered: no prices of 2021-05-19" in result.stderr
