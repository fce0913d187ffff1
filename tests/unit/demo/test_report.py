from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from steelyard.demo.report import (
    WAD,
    Cohort,
    DemoResult,
    GasUse,
    outcome_by_leverage,
    print_report,
    summarise_gas,
    to_json,
    write_report,
)
from tests.unit.demo.made_up import MODES, SIDES, SYMBOLS, made_up_result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def result() -> DemoResult:
    return made_up_result()


@pytest.fixture
def report(result: DemoResult, tmp_path: Path) -> dict[str, Any]:
    path = write_report(result, tmp_path / "build" / "demo" / "report.json")
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def test_write_report__made_up_run__has_the_fields(report: dict[str, Any]) -> None:
    assert report.keys() == {
        "schema",
        "conservation_error_wei",
        "conservation_error_at_end_wei",
        "conservation_checks",
        "liquidations",
        "price_source",
        "first_time",
        "last_time",
        "rows",
        "counts",
        "gas",
        "books",
        "cohorts",
        "by_leverage",
        "liquidation_events",
        "series",
        "chain_id",
        "wall_seconds",
    }
    assert report["schema"] == "steelyard-demo/1"
    assert report["conservation_error_wei"] == 0
    assert report["conservation_checks"] == 96
    assert report["liquidations"] == len(report["liquidation_events"]) == 9
    assert report["counts"] == {
        "trades": 210,
        "fundings": 288,
        "liquidations": 9,
        "full_liquidations": 6,
        "accounts": 60,
        "transactions": 1_034,
        "steps": 96,
    }
    assert (report["chain_id"], report["wall_seconds"]) == (31_337, 42.5)


def test_write_report__price_source__is_named(report: dict[str, Any]) -> None:
    source = report["price_source"]
    assert source["kind"] == "synthetic"
    assert source["origin"] == "crash-35, seed 1"
    assert source["symbols"] == list(SYMBOLS)
    assert (source["interval"], source["rows"], source["ticks"]) == ("1h", 72, 96)
    assert "made up" in source["notice"]
    for name in ("first_time", "last_time", "rows"):
        assert report[name] == source[name]
    assert (report["first_time"], report["last_time"]) == ("2021-05-19T00:00:00Z", "2021-05-19T23:00:00Z")


def _amounts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if "wad" in value else []
        return own + [amount for inner in value.values() for amount in _amounts(inner)]
    return [amount for inner in value for amount in _amounts(inner)] if isinstance(value, list) else []


def test_write_report__every_amount__is_an_integer_string_beside_a_float(report: dict[str, Any]) -> None:
    amounts = _amounts(report)
    assert len(amounts) > 12 + 2 * 20
    for amount in amounts:
        assert len(amount) == 2
        wad = amount["wad"]
        (human,) = (value for name, value in amount.items() if name != "wad")
        many = isinstance(wad, list)
        for text, number in zip(wad if many else [wad], human if many else [human], strict=True):
            assert isinstance(text, str)
            assert str(int(text)) == text
            assert isinstance(number, float)
            if "percent_per_day" not in amount:
                assert math.isclose(number, int(text) / WAD)


def test_write_report__series__has_one_value_per_step(result: DemoResult, report: dict[str, Any]) -> None:
    series, steps = report["series"], len(result.series)
    for name in ("t", "unix", "liquidations", "conservation_error_wei"):
        assert len(series[name]) == steps
    for name in ("insurance", "pool_balance", "nav"):
        assert len(series[name]["wad"]) == steps
    for name in ("price", "long_open_interest", "short_open_interest", "funding_rate_per_second"):
        assert series[name].keys() == set(SYMBOLS)
        assert {len(column["wad"]) for column in series[name].values()} == {steps}
    assert series["unix"] == [step.at for step in result.series]
    assert series["liquidations"][-1] == report["liquidations"]
    rate = series["funding_rate_per_second"]["BTC"]
    assert rate["percent_per_day"][-1] == pytest.approx(int(rate["wad"][-1]) / WAD * 86_400 * 100)
    assert int(series["price"]["ETH"]["wad"][0]) == result.series[0].markets["ETH"].price_wad


def test_write_report__books__add_up_exactly(result: DemoResult, report: dict[str, Any]) -> None:
    books = {name: int(amount["wad"]) for name, amount in report["books"].items()}
    assert books["deposits"] == books["trader_deposits"] + books["pool_deposits"] + books["other_deposits"]
    owned = ("aggregate_equity", "nav", "insurance", "treasury", "keepers", "impact_potential")
    assert books["claims"] == sum(books[name] for name in owned)
    assert books["claims_less_deposits"] == books["claims"] - books["deposits"] == 7
    assert books["nav"] == result.books.nav_wad


def test_write_report__cohorts__cover_leverage_mode_and_side(report: dict[str, Any]) -> None:
    keys = [(one["leverage"], one["mode"], one["side"]) for one in report["cohorts"]]
    assert keys == [(lever, mode, side) for lever in (2, 3, 5, 10, 20) for mode in MODES for side in SIDES]
    for one in report["cohorts"]:
        ratio = int(one["final_equity"]["wad"]) / int(one["deposit"]["wad"])
        assert one["final_equity_over_deposit"] == pytest.approx(ratio)
    assert [one["leverage"] for one in report["by_leverage"]] == [2, 3, 5, 10, 20]
    assert {one["accounts"] for one in report["by_leverage"]} == {12}


def test_write_report__liquidation__says_what_and_when(report: dict[str, Any]) -> None:
    event = report["liquidation_events"][0]
    assert event.keys() == {
        "time", "account", "symbols", "leverage", "mode", "side", "fraction", "notional", "reward",
    }  # fmt: skip
    assert int(event["account"]) >> 96 == 0xA11CE
    assert event["fraction"] == {"wad": str(WAD), "ratio": 1.0}


@pytest.mark.parametrize("error", [5, -5])
def test_write_report__error_in_the_middle__is_the_largest_of_all_steps(error: int) -> None:
    report = to_json(made_up_result(error_wei=error))
    assert report["conservation_error_wei"] == 5
    assert report["conservation_error_at_end_wei"] == 0


def test_write_report__cohort_without_deposit__has_no_ratio(result: DemoResult, tmp_path: Path) -> None:
    empty = Cohort(
        leverage=50, mode="cross", side="long", accounts=0, liquidated=0, partially_liquidated=0, deposit_wad=0,
        final_equity_wad=0,
    )  # fmt: skip
    path = write_report(replace(result, cohorts=(empty,)), tmp_path / "report.json")
    assert json.loads(path.read_text(encoding="utf-8"))["cohorts"][0]["final_equity_over_deposit"] is None


def test_demo_result__no_step_or_other_markets_or_other_count__raises(result: DemoResult) -> None:
    with pytest.raises(ValueError, match="one step at least"):
        replace(result, series=())
    last = result.series[-1]
    with pytest.raises(ValueError, match="the same markets"):
        replace(result, series=(*result.series, replace(last, markets={"BTC": last.markets["BTC"]})))
    with pytest.raises(ValueError, match="8 events, but 9 liquidations"):
        replace(result, events=result.events[1:])


def test_outcome_by_leverage__sides__add_up(result: DemoResult) -> None:
    both = outcome_by_leverage(result.cohorts)
    longs, shorts = (outcome_by_leverage(result.cohorts, side=side) for side in SIDES)
    for all_, long, short in zip(both, longs, shorts, strict=True):
        assert all_.deposit_wad == long.deposit_wad + short.deposit_wad
        assert all_.final_equity_wad == long.final_equity_wad + short.final_equity_wad
        assert all_.liquidated == long.liquidated + short.liquidated


def test_summarise_gas__samples__are_counted_and_empty_left_out() -> None:
    assert summarise_gas({"b": [3, 1, 2], "a": []}) == {"b": GasUse(count=3, mean=2.0, min=1, max=3)}


@pytest.mark.parametrize("error", [0, 3])
def test_print_report__made_up_run__tells_the_main_things(error: int) -> None:
    text = io.StringIO()
    print_report(made_up_result(error_wei=error), console=Console(file=text, width=110))
    for words in ("made up", f"{error} wei", "9, 6 of them in full", "5,850,000.00", "20x", "isolated", "settle"):
        assert words in text.getvalue()
