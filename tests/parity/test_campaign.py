"""Campaigns: one seed is one trace, what is found can be stored and replayed, what was played is not played again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sim.protocol.libraries import portfolio
from steelyard.cli import cli
from steelyard.fuzz.actors import ALICE, TOKEN, TRADING_ACCOUNTS
from steelyard.fuzz.campaign import Failure, StopSeed, replay, run_seed
from steelyard.fuzz.corpus import Corpus
from steelyard.fuzz.pair import Mismatch, Pair
from steelyard.fuzz.reach import EXEMPT
from steelyard.fuzz.walk import Walk
from tests.unit.data.files import HOUR, hours, write_parquet
from tests.unit.fuzz.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

STEPS = 300


def test_run_seed__twice__plays_the_same() -> None:
    first, second = run_seed(3, STEPS), run_seed(3, STEPS)
    assert first == second
    assert first.failure is None
    assert first.steps == len(first.trace) >= STEPS
    assert run_seed(4, STEPS).trace != first.trace


def test_run_seed__with_candles__follows_them_and_replays_without(tmp_path: Path) -> None:
    for symbol, price in (("BTC", 40_000.0), ("ETH", 2_500.0), ("SOL", 100.0)):
        write_parquet(tmp_path / f"{symbol}USDT-spot-1h.parquet", hours(24, price=price))
    walk = Walk.load(tmp_path, ["BTC", "ETH", "SOL"])
    assert walk.seconds == HOUR // 4
    assert walk.rows[:2] == ((40_000 * 10**8, 2_500 * 10**8, 100 * 10**8), (39_997 * 10**8, 2_497 * 10**8, 97 * 10**8))
    first = run_seed(3, 3 * STEPS, walk=walk)
    assert first.failure is None
    assert first == run_seed(3, 3 * STEPS, walk=walk)
    assert first.trace != run_seed(3, 3 * STEPS).trace
    assert replay(first.trace) is None


def test_fuzz__folder_without_candles__is_refused(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli, ["fuzz", "--steps", "10", "--candles", str(tmp_path)])
    assert refused.exit_code == 2
    assert "--candles" in refused.output


def test_replay__trace_of_a_seed__ends_as_the_seed_did() -> None:
    assert replay(run_seed(5, STEPS).trace) is None


def test_run_seed__stopped__counts_what_was_played() -> None:
    def stop(steps: int) -> None:
        if steps >= STEPS:
            raise StopSeed

    stopped = run_seed(3, 10 * STEPS, on_step=stop)
    assert stopped.failure is None
    assert STEPS <= stopped.steps < 2 * STEPS
    assert stopped.trace == run_seed(3, STEPS).trace


def test_failure__as_json_and_back__is_the_same() -> None:
    failure = Failure(7, 3, "mismatch", "what differs", run_seed(7, STEPS).trace)
    assert Failure.from_json(failure.to_json()) == failure


def test_run__word_that_differs__is_found_at_the_step_that_touches_it(stage: Stage) -> None:
    account = TRADING_ACCOUNTS[0]
    with stage.scenario() as scenario:
        house = scenario.pair.model.clearinghouse
        header = house.stored_accounts()[account]
        house.stored_accounts()[account] = replace(header, mode=1)
        with pytest.raises(Mismatch, match="storage of Clearinghouse"):
            scenario.call(ALICE, "Clearinghouse", "deposit", account, TOKEN)


def test_run_seed__sides_that_agree__are_compared_as_bytes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("what is equal is not decoded")

    monkeypatch.setattr("steelyard.evm.machine.Machine.decoded", decoded)
    assert run_seed(6, STEPS).failure is None


@pytest.mark.parametrize("name", ["fee rounds down", "variance forgets"])
def test_run_seed__model_ahead_of_the_chain__fails_at_the_same_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name].plant(monkeypatch)
    ahead = FAULTS[name].found()
    monkeypatch.setattr("steelyard.fuzz.campaign.AHEAD", 1)
    assert FAULTS[name].found() == ahead
    assert len(ahead.trace) == ahead.step_index + 1


def test_run_seed__portfolio_margin_with_a_mistake__breaks_an_invariant_of_any_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = portfolio.saving_down
    monkeypatch.setattr(portfolio, "saving_down", lambda *book: honest(*book) + (len(book[0]) == 1))
    failure = run_seed(1, 1_000).failure
    assert failure is not None
    assert failure.kind == "invariant"
    assert failure.message.startswith("I20: one market")


def test_run__token_balance_that_differs__is_found_at_the_next_step(stage: Stage) -> None:
    with stage.scenario() as scenario:
        data = stage.chain.abi.function("LocalToken", "mint").pack((ALICE, 1))
        assert stage.chain.call_raw(ALICE, "LocalToken", data).ok
        with pytest.raises(Mismatch, match="token balance"):
            scenario.call(ALICE, "Clearinghouse", "setMarginMode", TRADING_ACCOUNTS[0], 0)


def test_corpus__seeds_played__are_kept_by_what_they_show(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    results = [run_seed(seed, STEPS) for seed in (1, 2)]
    assert corpus.add(results[0])
    corpus.add(results[1])
    assert not corpus.add(replace(results[0], seed=9))
    corpus.minimise()
    again = Corpus(tmp_path)
    assert again.totals.seeds == {1, 2, 9}
    assert again.features == len(results[0].features.keys() | results[1].features.keys())
    for seed, trace in again.traces():
        assert trace == results[seed - 1].trace[: len(trace)]


def test_fuzz__short_campaign__reports_what_was_not_reached(tmp_path: Path) -> None:
    options = ["fuzz", "--steps", "400", "--seed-steps", "200", "--corpus", str(tmp_path / "c")]
    done = CliRunner().invoke(cli, [*options, "--json", "--junit", str(tmp_path / "report.xml")])
    assert done.exit_code == 4, done.output
    document = json.loads(done.stdout)
    assert document["steps"] >= 400
    assert document["failures"] == []
    assert document["errors_missed"]
    assert "never reached" in (tmp_path / "report.xml").read_text()
    again = CliRunner().invoke(cli, [*options, "--json", "--allow-unreached"])
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["steps"] == document["steps"]


def test_fuzz__without_bound__is_refused() -> None:
    assert CliRunner().invoke(cli, ["fuzz", "--steps", "0"]).exit_code == 2


def test_exempt__errors__are_declared(artefacts: Artefacts) -> None:
    declared = {entry["name"] for artefact in artefacts.all for entry in artefact.abi if entry["type"] == "error"}
    assert set(EXEMPT) <= declared


def test_pair__fresh__has_no_trace(stage: Stage) -> None:
    with stage.pair() as pair:
        assert isinstance(pair, Pair)
        assert pair.trace == []
