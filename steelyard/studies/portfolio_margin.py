"""The command `steelyard study portfolio-margin`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from steelyard import parameters as parameter_files
from steelyard.options import with_options
from steelyard.studies.options import data_option, end_option, folder_of, parameters_option, start_option, window_of
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from sim.studies.history import History
    from sim.studies.portfolio_margin import BookFigures, Market, Shares
    from steelyard.parameters import SystemParameters

__all__ = ["CALIBRATED", "markets_of", "portfolio_margin_options", "run_portfolio_margin", "to_json"]

CALIBRATED: Final = ROOT / "parameters" / "portfolio.yaml"
"""Parameters with margin ratios and portfolio entries as calibrated."""

_LEAST_DAYS: Final = 90
_MEASURES: Final = ("day", "day_adaptive", "hour", "maintenance_hour")


def portfolio_margin_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the study to a command."""
    options = (
        data_option,
        parameters_option(CALIBRATED, "Of the markets."),
        start_option,
        end_option,
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and everything else to stderr."),
        click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into a PNG."),
    )
    return with_options(command, options)


def run_portfolio_margin(
    *,
    data: Path | None,
    parameters: Path,
    start: str | None,
    end: str | None,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Study, print, and draw where asked.

    Raises
    ------
    DataError, StudyError
        The prices do not serve, or the parameters lack a market.
    ParameterError
        The parameter file does not serve.
    """
    from rich.console import Console

    from sim.studies import find_hourly, load_history
    from sim.studies.portfolio_margin import study
    from steelyard.studies.picture import draw

    console = Console(stderr=as_json)
    folder, window = folder_of(data), window_of(start, end)
    markets = markets_of(parameter_files.load(parameters))
    with console.status("reading prices"):
        history = load_history(find_hourly(folder, tuple(markets)), least=24 * _LEAST_DAYS, within=window)
    found = study(history, markets)
    _print(history, found, console)
    if picture is not None:
        draw(history, found, picture)
        console.print(f"\nwritten: {picture}", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(to_json(history, found)))


def markets_of(parameters: SystemParameters) -> dict[str, Market]:
    """Return the markets of a parameter file as the exact model has them."""
    from sim.protocol.types.market import MarketConfig, PortfolioConfig
    from sim.studies.portfolio_margin import Market

    return {
        market.symbol: Market(MarketConfig(*market.config()), PortfolioConfig(*market.portfolio.config()))
        for market in parameters.markets
    }


def to_json(history: History, found: Sequence[BookFigures]) -> dict[str, Any]:
    """Return the study as plain data: money in USD, shares as fractions, times in Unix seconds."""
    return {
        "prices": {
            "files": history.files,
            "start": history.window.start,
            "end": history.window.end,
            "hours": len(history),
            "filled": history.filled,
        },
        "books": [
            {
                "name": one.book.name,
                "money": dict(one.book.money),
                "required": {mode.name.lower(): asdict(value) for mode, value in one.required.items()},
                "losses": asdict(one.losses),
                "undermargined": {mode.name.lower(): asdict(value) for mode, value in one.under.items()},
            }
            for one in found
        ],
    }


def _print(history: History, found: Sequence[BookFigures], console: Console) -> None:
    from rich.table import Table

    from sim.protocol.types.account import MarginMode

    console.print(
        f"prices: {', '.join(history.files)}; {history.window}, {len(history)} hours, {history.filled} filled",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="Asked of $100k a leg, and lost, closes against closes [USD]", title_justify="left")
    for head in ("book", "sum", "portfolio", "maintenance", "99% day", "99.9% day", "worst day", "worst hour"):
        table.add_column(head, justify="left" if head == "book" else "right")
    for one in found:
        added_up, together, losses = one.required[MarginMode.CROSS], one.required[MarginMode.PORTFOLIO], one.losses
        numbers = [added_up.initial, together.initial, together.maintenance]
        numbers += [losses.day_p99, losses.day_p999, losses.worst_day, losses.worst_hour]
        table.add_row(one.book.name, *(f"{number:,.0f}" for number in numbers))
    console.print(table)
    table = Table(
        title="Entries that lost more than the margin, in %: on the hour .. each leg at its own extreme of the hour",
        title_justify="left",
    )
    heads = ("book", "mode", "initial, 24 h", "adaptive, 24 h", "initial, 1 h", "maintenance, 1 h")
    for head in heads:
        table.add_column(head, justify="left" if head in heads[:2] else "right")
    for one in found:
        under = one.under if len(set(one.under.values())) > 1 else {None: one.under[MarginMode.CROSS]}
        for mode, shares in under.items():
            cells = [_range(getattr(shares, measure)) for measure in _MEASURES]
            table.add_row(one.book.name, "all" if mode is None else mode.name.lower(), *cells)
    console.print(table)


def _range(shares: Shares) -> str:
    return f"{100 * shares.closes:.2f} .. {100 * shares.extremes:.2f}"
