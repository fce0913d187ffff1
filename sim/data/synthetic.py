"""A made-up crash for machines that have neither price files nor a network.

The path is named, seeded and integer throughout: the same seed gives the same prices on every machine. It is there to
drive a demonstration, not to be learnt from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.data.candles import Candles
from sim.data.window import DEFAULT_WINDOW, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CRASH_35", "Asset", "Shape", "synthetic_candles"]

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Course of the common factor over a window, straight between its knots.

    Attributes
    ----------
    name
        What reports call it.
    knots
        Pairs of (time, level) in millionths of the window and of the starting price, times ascending from 0 to 1e6.
    """

    name: str
    knots: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """How one symbol follows the common factor.

    Attributes
    ----------
    start_e8
        First price [1e-8 USD].
    beta_ppm
        Its move per move of the factor [1e-6].
    noise_ppm
        Typical move of its own within one candle [1e-6].
    """

    start_e8: int
    beta_ppm: int
    noise_ppm: int


CRASH_35: Final = Shape(
    "crash-35",
    (
        (0, 1_000_000),
        (200_000, 1_006_000),
        (375_000, 985_000),  # calm
        (416_667, 900_000),
        (458_333, 860_000),
        (500_000, 780_000),
        (541_667, 650_000),  # the bottom: 35 % down, at 13:00 of a day
        (625_000, 800_000),
        (750_000, 770_000),
        (1_000_000, 850_000),  # half of the fall is made good
    ),
)
"""Nine calm hours, a fall of 35 % in four, and a rebound."""

_ASSETS: Final = {
    "BTC": Asset(42_850 * 10**8, 1_000_000, 2_500),
    "ETH": Asset(3_375 * 10**8, 1_150_000, 3_000),
    "SOL": Asset(56 * 10**8, 1_250_000, 4_000),
}
_OTHER: Final = Asset(100 * 10**8, 1_200_000, 4_000)


class _Draws:
    """Integers from SHA-256 in counter mode: the same everywhere, whatever library is installed."""

    def __init__(self, seed: int, name: str) -> None:
        self._key = f"steelyard:{seed}:{name}:"
        self._count = 0

    def bell(self, scale: int) -> int:
        """Return the sum of twelve uniform draws about zero: nearly normal, of standard deviation `scale`."""
        digest = hashlib.sha256(f"{self._key}{self._count}".encode()).digest()
        self._count += 1
        total = sum(int.from_bytes(digest[place : place + 2], "big") for place in range(0, 24, 2))
        return (total - 6 * 65_535) * scale // 65_536


def _level(shape: Shape, place: int) -> int:
    """Level of the factor [1e-6] at `place` [1e-6 of the window]."""
    for (t0, y0), (t1, y1) in pairwise(shape.knots):
        if place <= t1:
            return y0 + (y1 - y0) * (place - t0) // (t1 - t0)
    return shape.knots[-1][1]


def synthetic_candles(
    symbols: Sequence[str],
    window: Window = DEFAULT_WINDOW,
    *,
    interval_seconds: int = 3_600,
    seed: int = 1,
    shape: Shape = CRASH_35,
) -> dict[str, Candles]:
    """Make candles of a crash.

    Every symbol moves by its beta times the common factor, plus common and own noise that dies out and is nil at the
    knots of the shape. The bottom of `CRASH_35` is 35 % under the start for BTC, 40 % for ETH and 44 % for SOL.

    Parameters
    ----------
    symbols
        BTC, ETH and SOL have starting prices of their own; others start at 100 USD.
    window
        Where to put them in time.
    interval_seconds
        Length of a candle [s].
    seed
        Another seed, another noise.
    shape
        Course of the common factor.

    Returns
    -------
    dict of Candles
        By symbol, in the order given; every candle opens at the close of the one before.

    Raises
    ------
    ValueError
        Where the window is no whole number of candles.
    """
    count, rest = divmod(window.end - window.start, interval_seconds)
    if rest:
        raise ValueError(f"the window {window} is no whole number of candles of {interval_seconds} s")
    shared = _Draws(seed, "market")
    common = [shared.bell(1_000) for _ in range(count)]
    knots = {(time * count + _MILLION // 2) // _MILLION: level for time, level in shape.knots}
    times = np.arange(window.start, window.end, interval_seconds, dtype=np.int64)
    result = {}
    for symbol in symbols:
        asset = _ASSETS.get(symbol.upper().removesuffix("USDT"), _OTHER)
        draws = _Draws(seed, symbol.upper())
        rows: list[tuple[int, int, int, int]] = []
        price, noise = asset.start_e8, 0
        for index in range(count):
            step = index + 1
            noise = noise * 3 // 4 + draws.bell(asset.noise_ppm) + common[index] * asset.noise_ppm // 1_000
            if step in knots:
                level, noise = knots[step], 0
            else:
                level = _level(shape, step * _MILLION // count)
            moved = _MILLION + (level - _MILLION) * asset.beta_ppm // _MILLION
            close = max(asset.start_e8 * moved * (_MILLION + noise) // _MILLION**2, 1)
            wicks = [abs(draws.bell(asset.noise_ppm)) for _ in range(2)]
            high = max(price, close) * (_MILLION + wicks[0]) // _MILLION
            low = max(min(price, close) * (_MILLION - wicks[1]) // _MILLION, 1)
            rows.append((price, high, low, close))
            price = close
        table = np.array(rows, dtype=np.int64)
        table.flags.writeable = False
        open_, high_, low_, close_ = (table[:, column] for column in range(4))
        result[symbol] = Candles(symbol, interval_seconds, times, open_, high_, low_, close_)
    return result
