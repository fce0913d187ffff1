"""Small price files for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.data import DEFAULT_WINDOW, Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = DEFAULT_WINDOW
HOUR = 3_600
Row = tuple[int, float, float, float, float]


def hours(count: int = 24, *, start: int = DAY.start, price: float = 100.0, step: int = HOUR) -> list[Row]:
    """Candles that rise by one: open, high 2 above it, low 3 below it, close 1 above it."""
    return [
        (start + index * step, price + index, price + index + 2, price + index - 3, price + index + 1)
        for index in range(count)
    ]


def write_parquet(path: Path, rows: Sequence[Row], *, zone: str | None = "UTC", unit: str = "ns") -> Path:
    scale = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    columns: dict[str, Any] = {"t": pa.array([row[0] * scale for row in rows], pa.timestamp(unit, tz=zone))}
    for place, name in enumerate(("open", "high", "low", "close"), start=1):
        columns[name] = pa.array([row[place] for row in rows], pa.float64())
    pq.write_table(pa.table(columns), path)
    return path


def write_csv(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def kline(row: Row, *, scale: int = 1_000) -> str:
    t, open_, high, low, close = row
    return f"{t * scale},{open_},{high},{low},{close},12.5,{(t + HOUR) * scale - 1},1000.0,42,6.0,500.0,0"


KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def first_hours(count: int) -> Window:
    return Window(DAY.start, DAY.start + count * HOUR)
