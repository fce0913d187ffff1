"""The demonstration from end to end, and how it fails."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from sim.data import PriceSource, Window, load_price_source
from steelyard import parameters as parameter_files
from steelyard import toolchain
from steelyard.cli import cli
from steelyard.client import Exchange
from steelyard.demo import command
from steelyard.demo.driver import BooksUnbalanced, Frame, TicksTooDense
from steelyard.demo.picture import draw
from steelyard.demo.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.demo.report import DemoResult

pytestmark = pytest.mark.anvil

PARAMETERS = parameter_files.load()
SYMBOLS = tuple(market.symbol for market in PARAMETERS.markets)


def prices(monkeypatch: pytest.MonkeyPatch, *, hours: int = 8, interval: str = "1h") -> PriceSource:
    monkeypatch.delenv("STEELYARD_DATA", raising=False)
    window = Window(1_621_382_400, 1_621_382_400 + hours * 3_600)
    return load_price_source(SYMBOLS, window, download=False, interval=interval)


def play(source: PriceSource, folder: Path, *, traders: int, show: Any = None) -> tuple[DemoResult, dict[str, int]]:
    return command.run(
        source,
        parameters=PARAMETERS,
        parameters_file=parameter_files.LOCAL,
        traders=traders,
        seed=1,
        folder=folder,
        progress=lambda line: None,
        show=show or (lambda frame: None),
    )


def test_demo__short_window__books_balance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames: list[Frame] = []
    result, _ = play(prices(monkeypatch), tmp_path, traders=60, show=frames.append)
    document = json.loads(write_report(result, tmp_path / "report.json").read_text())
    assert document["conservation_error_wei"] == 0
    assert document["conservation_checks"] == 32 == len(frames)
    assert document["liquidations"] > 0
    assert document["counts"]["accounts"] == 60
    assert document["counts"]["fundings"] >= 3 * 31
    assert document["price_source"]["kind"] == "synthetic"
    assert document["rows"] == 24
    assert {"commit", "settle", "liquidate", "deposit", "setLeverage", "accrue"} <= document["gas"].keys()
    # Valuations round down, so that claims never exceed what was paid in; balances themselves are exact.
    assert -1_000 <= result.books.difference_wad <= 0
    assert {(one.leverage, one.mode) for one in result.cohorts} == {
        (leverage, mode) for leverage in (2, 3, 5, 10, 20) for mode in ("isolated", "cross", "portfolio")
    }
    events = [(event.leverage, event.side) for event in result.events]
    assert (20, "long") in events
    assert sum(one.liquidated for one in result.cohorts) == sum(event.fraction_wad == 10**18 for event in result.events)
    assert draw(result, tmp_path / "report.png").stat().st_size > 50_000


def test_demo__same_seed__same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = prices(monkeypatch, hours=2)
    first, second = (play(source, tmp_path, traders=20)[0] for _ in range(2))
    assert (first.series, first.events, first.cohorts, first.books, first.gas) == (
        second.series,
        second.events,
        second.cohorts,
        second.books,
        second.gas,
    )


def test_demo__one_wei_too_much__fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    balances_of = Exchange.balances_of

    def wrong(self: Exchange, accounts: Any) -> list[int]:
        balances = balances_of(self, accounts)
        return [balances[0] + 1, *balances[1:]]

    monkeypatch.setattr(Exchange, "balances_of", wrong)
    with pytest.raises(BooksUnbalanced) as failure:
        play(prices(monkeypatch, hours=1), tmp_path, traders=2)
    assert failure.value.error_wei == 1


def test_demo__prices_too_dense__refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = prices(monkeypatch, hours=1, interval="4s")
    with pytest.raises(TicksTooDense):
        play(source, tmp_path, traders=1)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "PriceFileMissing"),
        ("t,open,high,low,close,volume\n2021-05-19T00:00:00Z,10,9,8,10,1\n", "CandlesMalformed"),
    ],
    ids=["missing", "malformed"],
)
def test_demo__data_unusable__is_told_by_name(tmp_path: Path, content: str | None, error: str) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for symbol in SYMBOLS if content else ():
        (data / f"{symbol}USDT-perp-1h.csv").write_text(content or "")
    window = ["--start", "2021-05-19T00:00:00Z", "--end", "2021-05-19T01:00:00Z"]
    result = CliRunner().invoke(cli, ["demo", "--data", str(data), "--out", str(out), *window])
    assert result.exit_code == 1
    assert f"{error}: " in result.output
    assert not out.exists()


def test_demo__no_anvil__is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_NODE_BIN", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "AnvilNotFound: " in result.output


def test_deploy__chain_not_named__is_told_by_name(tmp_path: Path) -> None:
    text = parameter_files.LOCAL.read_text().replace("chain_ids: [31337]", "chain_ids: [1]")
    parameters = tmp_path / "other.yaml"
    parameters.write_text(text)
    arguments = ["deploy", "--parameters", str(parameters), "--artefacts", str(tmp_path / "artefacts")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 1
    assert "ChainUnexpected: the node is on chain 31337" in result.output
    assert not (tmp_path / "artefacts").exists()


def test_deploy__local_chain__verifies_all(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["deploy", "--artefacts", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "8 contracts verified" in result.output
    assert json.loads((tmp_path / "31337" / "steelyard.json").read_text())["complete"]


def test_keeper__nothing_deployed__is_told_by_name(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["keeper", "--once", "--artefacts", str(tmp_path)])
    assert result.exit_code == 1
    assert "ArtefactMissing: " in result.output
