"""The path of prices through bars, and the books of a replay."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.data import Window
from sim.protocol.outcome import Event
from sim.studies.crash_bars import HOUR, Bars, load_bars, path_of
from sim.studies.crash_ledger import Books, Unreconciled
from sim.studies.history import find_hourly
from tests.unit.data.files import write_parquet

if TYPE_CHECKING:
    from pathlib import Path

TWO = Bars(("BTC",), 0, np.array([[[100, 90, 110, 105], [105, 104, 106, 106]]]) * 10**8)


def _prices(*, low_first: bool, step: float) -> list[int]:
    return [point.prices[0] // 10**8 for point in path_of(TWO, low_first=low_first, step=step)]


def test_path_of__low_first__visits_the_corners_in_that_order_and_does_not_stand_still() -> None:
    assert _prices(low_first=True, step=1.0) == [100, 90, 110, 105, 104, 106, 106]
    assert _prices(low_first=False, step=1.0) == [100, 110, 90, 105, 106, 104, 106]


def test_path_of__small_step__keeps_every_move_within_it_and_every_corner_in() -> None:
    points = list(path_of(TWO, low_first=True, step=0.01))
    prices = [point.prices[0] for point in points]
    for before, after in pairwise(prices):
        assert abs(after - before) <= 0.0101 * max(before, after)
    assert [p.prices[0] // 10**8 for p in points if p.is_corner] == [100, 90, 110, 105, 104, 106, 106]
    assert all(point.wait >= 1 for point in points[1:])
    assert [points[0].hour, points[-1].hour] == [0, 1]


def test_load_bars__missing_hour__stands_still_at_the_close_before(tmp_path: Path) -> None:
    rows = [(hour * HOUR, 10.0, 12.0, 9.0, 11.0) for hour in (0, 1, 3)]
    write_parquet(tmp_path / "BTCUSDT-perp-1h.parquet", rows)
    bars = load_bars(find_hourly(tmp_path, ("BTC",)), Window(0, 4 * HOUR))
    assert bars is not None
    assert (bars.corners[0] // 10**8).tolist() == [[10, 9, 12, 11], [10, 9, 12, 11], [11] * 4, [10, 9, 12, 11]]


def test_books__a_trade_a_liquidation_and_a_debt__add_up_to_zero_until_one_is_left_out() -> None:
    books = Books(8_000)
    books.read(
        (
            Event("Clearinghouse", "Traded", (7, 0, 5, 101, 10, -3, 0, 0)),
            Event("Clearinghouse", "Liquidated", (7, 9, 50, 4, 2, 0)),
            Event("Clearinghouse", "BadDebtBooked", (7, 30, 12)),
        )
    )
    books.check()
    assert books.of(7).total == -101 + 3 - 10 - 4 - 2 + 42
    assert books.pool.total == 101 - 3 + 8 - 12
    assert books.insurance.total == 2 + 2 - 30
    assert books.keeper.total == 4
    assert books.liquidations == {7: 1}
    assert books.bankruptcies == [7]
    books.keeper.rewards -= 1
    with pytest.raises(Unreconciled, match="rewards add up to -1"):
        books.check()
