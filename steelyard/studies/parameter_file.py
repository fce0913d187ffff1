"""Calibrated entries in the text of a parameter file; everything else, comments too, stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from steelyard.parameters import ParameterError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sim.studies.calibration import Calibration, MarketCalibration

__all__ = ["EntriesNotFound", "rewritten"]

_SYMBOL: Final = re.compile(r"(?P<indent>\s*)- symbol:\s*(?P<symbol>[^\s#]+)")
_ENTRY: Final = re.compile(r"(?P<head>\s*(?P<name>\w+):\s*)(?P<value>[^\s#]*)(?P<tail>.*)")


class EntriesNotFound(ParameterError):
    """A file is not laid out so that the entries of a market can be replaced line by line."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"{symbol}: no market that begins with its symbol and has its entries a line each")


def rewritten(text: str, calibration: Calibration) -> str:
    """Return the text of a parameter file with the calibrated entries in it.

    Margin ratio, maintenance fraction and the block `portfolio` of each market are replaced; the names of the scenarios
    stand beside the shocks.

    Raises
    ------
    EntriesNotFound
        The file lacks an entry, or has it in a form that is not understood line by line.
    ParameterError
        The file was not a parameter file.
    """
    markets = {market.symbol: market for market in calibration.markets}
    names = [scenario.name for scenario in calibration.scenarios]
    result = "".join(f"{line}\n" for line in _lines(text.splitlines(), markets, names))
    written = {market.symbol: market for market in parse(result).markets}
    for symbol, market in markets.items():
        found = written.get(symbol)
        if found is None or (found.margin_ratio, found.maintenance_fraction, found.portfolio.config()) != (
            market.margin_ratio,
            market.maintenance_fraction,
            tuple(market.portfolio),
        ):
            raise EntriesNotFound(symbol)
    return result


def _lines(lines: Sequence[str], markets: Mapping[str, MarketCalibration], names: Sequence[str]) -> Iterator[str]:
    market: MarketCalibration | None = None
    indent = 0
    skipping = False
    for line in lines:
        deep = len(line) - len(line.lstrip())
        if skipping and (deep > indent or not line.strip()):
            continue
        skipping = False
        symbol = _SYMBOL.match(line)
        if symbol is not None:
            market = markets.get(symbol["symbol"])
            indent = len(symbol["indent"]) + 2
        entry = _ENTRY.match(line)
        if market is None or entry is None or deep != indent:
            yield line
        elif entry["name"] == "portfolio":
            yield from _block(market, names, " " * indent)
            skipping = True
        elif entry["name"] in ("margin_ratio", "maintenance_fraction"):
            value = market.margin_ratio if entry["name"] == "margin_ratio" else market.maintenance_fraction
            yield f"{entry['head']}{_percent(value)}{entry['tail']}"
        else:
            yield line


def _block(market: MarketCalibration, names: Sequence[str], indent: str) -> Iterator[str]:
    portfolio = market.portfolio
    yield f"{indent}portfolio:"
    yield f"{indent}  hedgeable: {_percent(portfolio.hedgeable)}"
    yield f"{indent}  loadings: [{', '.join(map(_percent, portfolio.loadings))}]"
    yield f"{indent}  shocks:"
    for number, shock in enumerate(portfolio.shocks):
        comment = f" # {names[number]}" if number < len(names) else ""
        yield f"{indent}    - {_percent(shock)}{comment}"


def _percent(value: int) -> str:
    """Write a multiple of 1e-4."""
    whole, rest = divmod(abs(value), 100)
    digits = f".{rest:02}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}{whole}{digits}%"
