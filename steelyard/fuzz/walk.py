"""The way that prices took once, for moves to follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.data import load_price_source
from steelyard.fuzz.version import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Walk"]


@dataclass(frozen=True, slots=True)
class Walk:
    """Prices of the first markets, one row after the other.

    Attributes
    ----------
    seconds : int
        Between two rows.
    rows : tuple of tuple of int
        A price of each market [1e-8 USD].
    """

    seconds: int
    rows: tuple[tuple[int, ...], ...]

    @property
    def digest(self) -> str:
        """Hash of all of it."""
        return digest([(b"walk", repr((self.seconds, self.rows)).encode())])

    @classmethod
    def load(cls, folder: Path, symbols: Sequence[str]) -> Walk:
        """Return a day of a folder's candles: see `sim.data.load_price_source` for which.

        Raises
        ------
        DataError
            The folder does not hold candles of all symbols.
        """
        source = load_price_source(symbols, data=folder, download=False, synthetic=False)
        rows = tuple(tuple(tick.quotes[symbol].price_e8 for symbol in symbols) for tick in source.ticks)
        return cls(max(1, source.interval_seconds // 4), rows)
