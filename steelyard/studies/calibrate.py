"""The command `steelyard calibrate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard import parameters as parameter_files
from steelyard.options import with_options
from steelyard.studies.options import data_option, end_option, folder_of, parameters_option, start_option, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from sim.studies.calibration import Calibration

__all__ = ["calibrate_options", "run_calibrate", "to_json"]


def calibrate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a calibration to a command."""
    options = (
        data_option,
        parameters_option(parameter_files.LOCAL, "Of the markets; what is not calibrated is taken from here."),
        start_option,
        end_option,
        click.option("--horizon", type=click.IntRange(1, 240), default=24, show_default=True, help="Hours."),
        click.option(
            "--confidence",
            type=click.FloatRange(0.5, 0.9999),
            default=0.99,
            show_default=True,
            help="Part of the horizons that initial margin covers.",
        ),
        click.option("--set-margins", is_flag=True, help="Margin ratios and maintenance fraction too; else kept."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and everything else to stderr."),
        click.option(
            "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write the parameters with the result."
        ),
    )
    return with_options(command, options)


def run_calibrate(
    *,
    data: Path | None,
    parameters: Path,
    start: str | None,
    end: str | None,
    horizon: int,
    confidence: float,
    set_margins: bool,
    as_json: bool,
    write: Path | None,
) -> None:
    """Calibrate, print, and write where asked.

    Raises
    ------
    DataError, StudyError
        The prices do not serve.
    ParameterError
        The parameter file does not.
    """
    from rich.console import Console

    from sim.studies.calibration import Settings, calibrate
    from steelyard.studies.parameter_file import rewritten

    console = Console(stderr=as_json)
    folder, window = folder_of(data), window_of(start, end)
    markets = parameter_files.load(parameters).markets
    with console.status("reading prices"):
        found = calibrate(
            folder,
            {market.symbol: (market.margin_ratio, market.maintenance_fraction) for market in markets},
            keep_margins=not set_margins,
            settings=Settings(horizon=horizon, confidence=confidence),
            within=window,
        )
    _print(found, console)
    if write is not None:
        write.write_text(rewritten(parameters.read_text(encoding="utf-8"), found), encoding="utf-8")
        console.print(f"\nwritten: {write}", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(to_json(found)))


def to_json(found: Calibration) -> dict[str, Any]:
    """Return a calibration as plain data: ratios in 1e-4, moves as fractions, times in Unix seconds."""
    return {
        "horizon_hours": found.settings.horizon,
        "confidence": found.settings.confidence,
        "prices": {
            "files": found.history.files,
            "start": found.history.window.start,
            "end": found.history.window.end,
            "hours": len(found.history),
            "filled": found.history.filled,
        },
        "correlation": [[round(one, 6) for one in row] for row in found.correlation.tolist()],
        "markets": [
            {
                "symbol": market.symbol,
                "margin_ratio": market.margin_ratio,
                "maintenance_fraction": market.maintenance_fraction,
                **market.portfolio._asdict(),
            }
            for market in found.markets
        ],
        "scenarios": [
            {"name": scenario.name, "events": [event.name for event in scenario.events]} for scenario in found.scenarios
        ],
        "events": [
            {
                "name": event.name,
                "ended_at": event.ended_at,
                "moves": [round(move, 6) for move in event.moves.tolist()],
                "guessed": event.guessed,
            }
            for event in found.events
        ],
    }


def _print(found: Calibration, console: Console) -> None:
    from rich.table import Table

    symbols = found.history.symbols
    console.print(
        f"prices: {', '.join(found.history.files)}; {found.history.window}, {len(found.history)} hours, "
        f"{found.history.filled} filled; horizon {found.settings.horizon} h",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="Margin in % of notional; the rest in % of it", title_justify="left")
    for head in ("market", "margin", "maintenance", "floor", "hedgeable", "factors", "own"):
        table.add_column(head, justify="left" if head == "market" else "right")
    for market in found.markets:
        hedgeable, loadings, _ = market.portfolio
        own = max(hedgeable**2 - sum(one**2 for one in loadings), 0) ** 0.5
        table.add_row(
            market.symbol,
            f"{market.margin_ratio / 100:g}",
            f"{market.maintenance_fraction / 100:g}",
            f"{100 - hedgeable / 100:g}",
            f"{hedgeable / 100:g}",
            "  ".join(f"{one / 100:g}" for one in loadings),
            f"{own / 100:.1f}",
        )
    console.print(table)
    correlations = ", ".join(
        f"{one} {other} {found.correlation[i, j]:.3f}"
        for i, one in enumerate(symbols)
        for j, other in enumerate(symbols)
        if i < j
    )
    console.print(f"correlation of daily moves: {correlations}", highlight=False)
    table = Table(title="Shocks, in % of margin, and what happened, in % of price", title_justify="left")
    table.add_column("scenario", overflow="fold")
    for symbol in symbols:
        table.add_column(symbol, justify="right")
    for number, scenario in enumerate(found.scenarios):
        moves = scenario.events[0].moves
        cells = [
            f"{market.portfolio.shocks[number] / 100:g} ({100 * move:+.1f}%)"
            for market, move in zip(found.markets, moves, strict=True)
        ]
        table.add_row(scenario.name, *cells)
    console.print(table)
    for event in found.events:
        if event.guessed:
            console.print(f"{event.name}: no prices of {', '.join(event.guessed)}, taken as the others lead to expect.")
