"""What `ape run demo` and `steelyard demo` have in common."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.options import with_options
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from sim.data import PriceSource
    from steelyard.demo.driver import Frame
    from steelyard.demo.report import DemoResult
    from steelyard.parameters import SystemParameters

__all__ = ["demo_options", "load_prices", "run", "run_demo"]

_LEAST_TRADERS = 1
_HOUR = 3_600


def demo_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the demonstration to a command."""
    folder = click.Path(path_type=Path, file_okay=False)
    options = (
        click.option("--data", type=folder, help="Folder of candles; STEELYARD_DATA where none is given."),
        click.option("--start", help="First moment, ISO 8601, UTC; with --end."),
        click.option("--end", help="Last moment, exclusive; with --start."),
        click.option("--traders", default=120, show_default=True, type=click.IntRange(_LEAST_TRADERS, 2_000)),
        click.option("--seed", default=1, show_default=True, help="Of the traders, and of made-up prices."),
        click.option("--pace", default=0.12, show_default=True, help="Least seconds per price in a terminal."),
        click.option("--json", "as_json", is_flag=True, help="Print report.json, and everything else to stderr."),
        click.option("--out", type=folder, default=Path("build/demo"), show_default=True, help="Folder of the report."),
    )
    return with_options(command, options)


def load_prices(
    symbols: tuple[str, ...], *, data: Path | None, start: str | None, end: str | None, seed: int, console: Console
) -> PriceSource:
    """Load prices, and tell where they come from.

    Raises
    ------
    DataError
        A folder was named that does not serve.
    click.UsageError
        Only one end of the window was given, or one that is no time.
    """
    from sim.data import Window, load_price_source

    if (start is None) != (end is None):
        raise click.UsageError("--start and --end belong together")
    window = None
    if start is not None and end is not None:
        try:
            window = Window.parse(start, end)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    source = load_price_source(symbols, window, data=data, seed=seed)
    if source.notice is not None:
        console.print(f"[bold yellow]Notice:[/bold yellow] {source.notice}", highlight=False)
    files = sorted({name for names in source.files.values() for name in names})
    console.print(
        f"prices: {source.kind}, {', '.join(files) or source.origin}; {source.window}, candles of {source.interval}, "
        f"{len(source.ticks)} prices each",
        highlight=False,
        soft_wrap=True,
    )
    return source


def run(
    prices: PriceSource,
    *,
    parameters: SystemParameters,
    parameters_file: Path,
    traders: int,
    seed: int,
    folder: Path,
    progress: Callable[[str], None],
    show: Callable[[Frame], None],
) -> tuple[DemoResult, dict[str, int]]:
    """Start a chain, deploy, play; return the result and what the contracts refused, by name.

    Raises
    ------
    AnvilNotFound
        There is no anvil.
    DeploymentError, ChainError
        Something was refused that may not be.
    BooksUnbalanced
        Conservation failed.
    """
    from steelyard.client import Exchange
    from steelyard.demo.driver import Demonstration
    from steelyard.demo.local import local_chain
    from steelyard.demo.traders import cast
    from steelyard.deployment.command import deploy, select_account

    started = time.monotonic()
    progress("starting anvil")
    opening = prices.ticks[0].timestamp - _HOUR - parameters.vault.settle_delay
    with local_chain(opening - _HOUR) as chain:
        progress("deploying the contracts")
        outcome = deploy(
            parameters_file=parameters_file,
            chain_ids=(),
            name="demo",
            account=None,
            folder=folder,
            say=progress,
        )
        chain.move_to(opening)
        demonstration = Demonstration(
            chain,
            Exchange(chain, outcome.artefact.addresses),
            parameters,
            prices,
            cast(traders, len(prices.ticks), len(parameters.markets), seed),
            deployer=outcome.artefact.deployer,
            keeper=str(select_account("TEST::1", chain.chain_id).address),
        )
        demonstration.fund(progress)
        result = demonstration.play(show, started=started)
        return result, dict(demonstration.refused)


def run_demo(
    *,
    data: Path | None,
    start: str | None,
    end: str | None,
    traders: int,
    seed: int,
    pace: float,
    as_json: bool,
    out: Path,
) -> None:
    """Run the demonstration and write its report; see `run` and `load_prices` for what it raises."""
    from rich.console import Console

    from steelyard import parameters as parameter_files
    from steelyard.demo.live import Spectator
    from steelyard.demo.picture import draw
    from steelyard.demo.report import print_report, to_json, write_report
    from steelyard.deployment.command import compile_contracts
    from steelyard.toolchain import anvil

    console = Console(stderr=as_json)
    anvil()
    out = out.absolute()
    parameters = parameter_files.load()
    symbols = tuple(market.symbol for market in parameters.markets)
    prices = load_prices(symbols, data=data, start=start, end=end, seed=seed, console=console)
    compile_contracts()
    with Spectator(console, pace=pace) as spectator:
        result, refused = run(
            prices,
            parameters=parameters,
            parameters_file=parameter_files.LOCAL,
            traders=traders,
            seed=seed,
            folder=out / "deployments",
            progress=spectator.progress,
            show=spectator.show,
        )
    report, picture = write_report(result, out / "report.json"), draw(result, out / "report.png")
    console.print()
    print_report(result, console=console)
    if refused:
        console.print("\nrefused by name: " + ", ".join(f"{name} {count}" for name, count in sorted(refused.items())))
    console.print(f"\nwritten: {_shown(report)}, {_shown(picture)}", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(to_json(result)))


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
