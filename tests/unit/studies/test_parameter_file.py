from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.studies.calibration import Calibration, Settings, calibrate
from steelyard.parameters import LOCAL, parse
from steelyard.studies.parameter_file import EntriesNotFound, rewritten
from tests.unit.studies.made_up import SYMBOLS, write_prices

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = LOCAL.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    folder = write_prices(tmp_path_factory.mktemp("prices"))
    margins = dict.fromkeys(SYMBOLS, (400, 5000))
    return calibrate(folder, margins, keep_margins=False, settings=Settings(least_days=30))


def test_rewritten__local_file__holds_the_calibrated_entries_and_all_others(found: Calibration) -> None:
    before, after = parse(TEXT), parse(rewritten(TEXT, found))
    for old, new, market in zip(before.markets, after.markets, found.markets, strict=True):
        assert new.portfolio.config() == tuple(market.portfolio)
        assert (new.margin_ratio, new.maintenance_fraction) == (market.margin_ratio, market.maintenance_fraction)
        assert (new.symbol, new.skew_scale, new.volatility_multiple, new.oracle) == (
            old.symbol,
            old.skew_scale,
            old.volatility_multiple,
            old.oracle,
        )
    assert (after.risk, after.orders, after.network) == (before.risk, before.orders, before.network)


def test_rewritten__comments__stay_and_scenarios_are_named(found: Calibration) -> None:
    text = rewritten(TEXT, found)
    for line in TEXT.splitlines():
        if line.strip().startswith("#"):
            assert line in text.splitlines()
    assert text.count("# 2022-06 3AC") == len(SYMBOLS)


def test_rewritten__twice__changes_nothing_more(found: Calibration) -> None:
    once = rewritten(TEXT, found)
    assert rewritten(once, found) == once


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("- symbol: ETH", "- symbol: XRP"),
        lambda text: text.replace("  - symbol: ETH\n", "  -\n    symbol: ETH\n"),
    ],
    ids=["no such market", "symbol on a line of its own"],
)
def test_rewritten__market_not_found__says_which(found: Calibration, change: Callable[[str], str]) -> None:
    with pytest.raises(EntriesNotFound, match=r"^ETH: "):
        rewritten(change(TEXT), found)
