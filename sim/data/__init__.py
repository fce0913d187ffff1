"""Price history: loaded from files, downloaded, or made up; checked, and exact where money is concerned.

Exceptions
----------
DataError
    ├── PriceFileMissing
    ├── CandlesMalformed
    ├── WindowNotCovered
    └── DownloadFailed
"""

from sim.data.candles import Candles, FundingHistory, Gap, load_candles, load_funding, resample, to_e8
from sim.data.download import Progress, cache_folder, download_candles
from sim.data.errors import CandlesMalformed, DataError, DownloadFailed, PriceFileMissing, WindowNotCovered
from sim.data.source import PriceQuote, PriceSource, Tick, load_price_source, price_ticks
from sim.data.synthetic import synthetic_candles
from sim.data.window import DEFAULT_WINDOW, Window

__all__ = [
    "DEFAULT_WINDOW",
    "Candles",
    "CandlesMalformed",
    "DataError",
    "DownloadFailed",
    "FundingHistory",
    "Gap",
    "PriceFileMissing",
    "PriceQuote",
    "PriceSource",
    "Progress",
    "Tick",
    "Window",
    "WindowNotCovered",
    "cache_folder",
    "download_candles",
    "load_candles",
    "load_funding",
    "load_price_source",
    "price_ticks",
    "resample",
    "synthetic_candles",
    "to_e8",
]
