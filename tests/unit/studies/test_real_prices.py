"""Published numbers and committed parameters, out of the folder of real prices that `STEELYARD_DATA` names.

Prices are no part of the project: without the folder these tests are skipped, and pytest's summary says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.data.source import DATA_VARIABLE, data_folder
from sim.data.window import parse_time
from sim.studies import History, find_hourly, load_history
from sim.studies.calibration import Settings, calibrate
from sim.studies.portfolio_margin import BOOKS, losses_of
from steelyard.parameters import LOCAL, parse
from steelyard.studies.parameter_file import rewritten
from steelyard.studies.portfolio_margin import CALIBRATED

if TYPE_CHECKING:
    from pathlib import Path

FIRST, END = parse_time("2020-10-23T08:00:00Z"), parse_time("2024-12-04T14:00:00Z")


@pytest.fixture(scope="module")
def folder() -> Path:
    found = data_folder()
    if found is None:
        pytest.skip(f"NOT CHECKED: {DATA_VARIABLE} names no folder of real prices")
    return found


@pytest.fixture(scope="module")
def history(folder: Path) -> History:
    found = load_history(find_hourly(folder, ("BTC", "ETH", "SOL")), least=24)
    if (found.window.start, found.window.end) != (FIRST, END):
        pytest.skip(f"NOT CHECKED: the published numbers are not about {found.window}")
    return found


def test_losses__hedged_pair__are_the_published_ones(history: History) -> None:
    """Published: recomputed from hourly perpetuals, k = 2.326, sample covariance of simple daily returns, closes."""
    losses = losses_of(history, BOOKS[0])
    assert BOOKS[0].money == {"ETH": 1e5, "BTC": -1e5}
    published = {
        "sum_of_legs": 17_463,
        "parametric": 5_863,
        "day_p999": 9_815,
        "worst_day": 17_497,
        "worst_hour": 7_793,
    }
    assert {name: round(getattr(losses, name)) for name in published} == published


@pytest.mark.parametrize(("file", "horizon", "keep"), [(CALIBRATED, 24, False), (LOCAL, 1, True)], ids=["day", "hour"])
def test_calibrate__committed_file__comes_out_again(
    history: History, folder: Path, file: Path, horizon: int, keep: bool
) -> None:
    text = file.read_text(encoding="utf-8")
    margins = {market.symbol: (market.margin_ratio, market.maintenance_fraction) for market in parse(text).markets}
    found = calibrate(folder, margins, keep_margins=keep, settings=Settings(horizon=horizon))
    assert rewritten(text, found) == text
