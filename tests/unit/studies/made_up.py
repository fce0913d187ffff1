"""Hourly prices of three markets that follow one factor, with a fall on a named day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.data import Window
from sim.data.window import parse_time
from sim.studies.history import History
from tests.unit.data.files import HOUR, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from sim.studies.history import Floats

SYMBOLS = ("BTC", "ETH", "SOL")
WINDOW = Window.parse("2022-05-20", "2022-09-01")
"""Holds one of the named crashes, 3AC."""

FALL_AT = parse_time("2022-06-13T06:00:00Z")
FALL = (-0.20, -0.30, -0.25)
_BETAS = (1.0, 1.2, 1.5)
_OWN = (0.3, 0.5, 1.2)


def closes() -> Floats:
    """Return closes, shape `(3, n_hours)`: made of a seed, the same in every run."""
    count = (WINDOW.end - WINDOW.start) // HOUR
    draws = np.random.default_rng(7)
    factor = draws.standard_t(5, count) * 0.004
    moves = np.array(
        [beta * factor + own * 0.004 * draws.standard_normal(count) for beta, own in zip(_BETAS, _OWN, strict=True)]
    )
    place = (FALL_AT - WINDOW.start) // HOUR
    moves[:, place : place + 12] = np.log1p(FALL)[:, None] / 12
    result: Floats = np.array([[30_000.0], [2_000.0], [40.0]]) * np.exp(np.cumsum(moves, axis=1))
    return result


def write_prices(folder: Path, *, hours: int | None = None) -> Path:
    """Write the files of a folder of prices; each candle opens at the close before and reaches 0.2% beyond."""
    for symbol, row in zip(SYMBOLS, closes()[:, :hours], strict=True):
        opens = np.concatenate((row[:1], row[:-1]))
        write_parquet(
            folder / f"{symbol}USDT-perp-1h.parquet",
            [
                (WINDOW.start + hour * HOUR, before, max(before, after) * 1.002, min(before, after) * 0.998, after)
                for hour, (before, after) in enumerate(zip(opens.tolist(), row.tolist(), strict=True))
            ],
        )
    return folder


def history_of(**rows: list[float]) -> History:
    """Return a history of given closes, without wicks, from midnight."""
    close = np.array(list(rows.values()))
    return History(tuple(rows), WINDOW.start, close, close, close)
