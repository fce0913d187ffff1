"""What can go wrong with price data.

Exceptions
----------
DataError
    ├── PriceFileMissing
    ├── CandlesMalformed
    ├── WindowNotCovered
    └── DownloadFailed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["CandlesMalformed", "DataError", "DownloadFailed", "PriceFileMissing", "WindowNotCovered"]


class DataError(Exception):
    """Price data are missing, broken or too short."""


class PriceFileMissing(DataError):
    """A folder, or the file of a symbol in it, does not exist.

    Parameters
    ----------
    folder
        Where it was looked for.
    what
        What was looked for.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self.folder = folder
        self.what = what
        super().__init__(f"{what} is not in {folder}")


class CandlesMalformed(DataError):
    """A price file breaks a rule that every price file keeps.

    Parameters
    ----------
    file
        The file.
    row
        Line of a CSV file, or row of a parquet file, both counted from 1; None where the whole file is meant.
    what
        The rule and the offending value.
    """

    def __init__(self, file: Path, row: int | None, what: str) -> None:
        self.file = file
        self.row = row
        self.what = what
        where = str(file) if row is None else f"{file}, row {row}"
        super().__init__(f"{where}: {what}")


class WindowNotCovered(DataError):
    """No price history of a symbol reaches over the window.

    Parameters
    ----------
    symbol
        The symbol.
    wanted
        The window, and the interval where one was asked for.
    available
        What there is, one entry per series.
    """

    def __init__(self, symbol: str, wanted: str, available: Sequence[str]) -> None:
        self.symbol = symbol
        self.wanted = wanted
        self.available = tuple(available)
        super().__init__(f"no {symbol} prices for {wanted}; there are: {'; '.join(available) or 'none'}")


class DownloadFailed(DataError):
    """No exchange delivered the prices.

    Parameters
    ----------
    what
        The symbols and the window.
    reasons
        Why, by exchange.
    """

    def __init__(self, what: str, reasons: Mapping[str, str]) -> None:
        self.what = what
        self.reasons = dict(reasons)
        super().__init__(f"{what}: " + ("; ".join(f"{name}: {why}" for name, why in reasons.items()) or "no exchange"))
