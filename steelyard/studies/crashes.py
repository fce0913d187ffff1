"""The command `steelyard study crashes`."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from steelyard import parameters as parameter_files
from steelyard.options import with_options
from steelyard.studies.options import data_option, folder_of, parameters_option
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from sim.studies.crash_replay import Result
    from sim.studies.crashes import CrashReplay
    from sim.studies.crowd import CrowdSettings
    from sim.studies.providers import Provided
    from steelyard.fuzz.pair import Pair
    from steelyard.parameters import SystemParameters

__all__ = ["crash_options", "run_crashes", "stage_of", "to_json"]

_LOCAL: Final = ROOT / "parameters" / "local.yaml"
_WEI: Final = 10**24
_PARTIES: Final = ("liquidated", "deleveraged", "others", "pool", "insurance", "keepers")


def crash_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the study to a command."""
    share, positive = click.FloatRange(0, 1), click.FloatRange(0, 1, min_open=True)
    options = (
        data_option,
        parameters_option(_LOCAL, "Of the markets."),
        click.option("--crash", "crashes", multiple=True, help="Part of its name; all that there are prices of."),
        click.option("--accounts", type=click.IntRange(10, 5_000), default=150, show_default=True, help="In the book."),
        click.option(
            "--crowding", type=positive, default=0.1, show_default=True, help="Of the open-interest cap, crowded side."
        ),
        click.option(
            "--pool", type=positive, default=0.15, show_default=True, help="At the start, of the skew's notional."
        ),
        click.option(
            "--redeem",
            type=share,
            default=0.0,
            show_default=True,
            help="Of the shares, once alarmed.",
        ),
        click.option(
            "--alarm", type=share, default=0.03, show_default=True, help="Fall of a price that makes them redeem."
        ),
        click.option(
            "--insurance", type=positive, default=0.002, show_default=True, help="Fund at the start, of the same."
        ),
        click.option(
            "--insurance-cap", type=share, default=0.5, show_default=True, help="Per market and day, of the fund."
        ),
        click.option("--seed", type=int, default=1, show_default=True, help="Of the book."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and everything else to stderr."),
        click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into a PNG."),
    )
    return with_options(command, options)


def run_crashes(
    *,
    data: Path | None,
    parameters: Path,
    crashes: tuple[str, ...],
    as_json: bool,
    picture: Path | None,
    **book: Any,
) -> None:
    """Replay on the contracts and the exact model side by side, print, and draw where asked.

    Raises
    ------
    DataError, StudyError
        The prices do not serve, the parameters lack a market, or they do not allow such a book.
    ParameterError, ArtefactError
        The parameter file does not serve; the contracts are not compiled.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from sim.studies.crash_replay import Hands
    from sim.studies.crashes import VARIANTS, covered, replay_crashes
    from sim.studies.crowd import CrowdSettings
    from steelyard.evm.deployment import Governors
    from steelyard.studies.crash_picture import draw

    console = Console(stderr=as_json)
    system = parameter_files.load(parameters)
    symbols = [market.symbol for market in system.markets]
    settings = CrowdSettings(**book)
    with console.status("reading prices"):
        found = covered(folder_of(data), symbols, crashes)
    governors = Governors()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=len(VARIANTS) * sum(len(bars) - 1 for _, bars in found))
        done = replay_crashes(
            found,
            symbols,
            settings,
            stage_of(system),
            Hands(governors.admin, governors.steward),
            progress=lambda name, hours: bar.update(task, description=name, advance=hours),
        )
    _print(done, console)
    if picture is not None:
        draw(done, picture)
        console.print(f"\nwritten: {picture}", highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(to_json(done, settings)))


def stage_of(system: SystemParameters) -> Callable[[], Any]:
    """Return what gives the freshly deployed contracts beside their model, again and again."""
    from sim.studies.crash_replay import KEEPER
    from steelyard.evm.deployment import Governors, deploy_system
    from steelyard.evm.machine import Machine
    from steelyard.fuzz.pair import Pair, model_of

    chain, governors = Machine(), Governors()
    chain.set_balance(KEEPER, _WEI)
    addresses = deploy_system(chain, system, governors)

    @contextmanager
    def play() -> Iterator[Pair]:
        chain.snapshot()
        try:
            yield Pair(model_of(chain.abi, addresses, system, governors), chain, addresses)
        finally:
            chain.restore()

    return play


def to_json(done: Sequence[CrashReplay], settings: CrowdSettings) -> dict[str, Any]:
    """Return the study as plain data: money in wei of quote as strings, ratios as numbers."""
    return {"settings": asdict(settings), "replays": [_plain(one) for one in done]}


def _plain(one: CrashReplay) -> dict[str, Any]:
    result = one.result
    money = ("notional", "bad_debt", "capped", "lowest_equity", "unpaid")
    counts = (
        "symbols",
        "hours",
        "points",
        "liquidated",
        "liquidations",
        "bankruptcies",
        "deleveragings",
        "multipliers",
    )
    return {
        "crash": one.crash,
        "crowded": "longs" if one.variant.is_long else "shorts",
        "keepers": "prompt" if one.variant.is_prompt else "late",
        "flows": {
            party: {name: str(value) for name, value in asdict(flows).items()} | {"total": str(flows.total)}
            for party, flows in result.flows.items()
        },
        "pool_at_start": str(result.funded[0]),
        "insurance_at_start": str(result.funded[1]),
        "lowest_pool_health": _finite(result.lowest_health),
        "median_leverage_deleveraged": result.median_leverage,
        "foregone_until_the_end": str(sum(result.foregone.values())),
        "providers": _providers(result.provided),
        "hedges": result.hedges()._asdict(),
        **{name: str(getattr(result, name)) for name in money},
        **{name: getattr(result, name) for name in counts},
    }


def _providers(provided: Provided) -> dict[str, Any]:
    return {
        "paid_in": {"left": str(provided.paid_in[0]), "stayed": str(provided.paid_in[1])},
        "gains": {"left": str(provided.gains[0]), "stayed": str(provided.gains[1])},
        "paid_out_before_the_end": str(provided.early),
        "settlements": provided.settlements,
        "refused": provided.refused,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print(done: Sequence[CrashReplay], console: Console) -> None:
    heads = (*_PARTIES, "bad debt", "of it fund", "capped", "unpaid", "given up")
    console.print(_table("Gained and lost, in thousand USD: the first six add up to zero", heads, done, _paid))
    facts = ("liquidated", "bankrupt", "cuts", "health", "pool left", "least A", "leverage", "hedges gave", "foregone")
    console.print(_table("What liquidations and deleveragings did", facts, done, _facts))
    if any(one.result.provided.paid_in[0] for one in done):
        shares = ("asked for", "paid early", "left", "stayed", "settled", "refused")
        console.print(_table("Who had the pool, in thousand USD, and settlements of requests", shares, done, _shares))
    console.print(
        "given up: what deleveraging took would have gained until the end; "
        "liquidated, bankrupt: accounts; cuts: deleveragings; health: the pool's lowest; least A: least multiplier "
        "at the end; leverage: median of those deleveraged; hedges gave: of their gross exposure; foregone: what that "
        "would have gained until the end, of their deposits; capped: bad debt that a market's cap left to the pool.",
        highlight=False,
    )


def _table(
    title: str, heads: Sequence[str], done: Sequence[CrashReplay], cells: Callable[[Result], Sequence[str]]
) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", padding=(0, 0, 0, 1))
    table.add_column("crash, crowded, keepers")
    for head in heads:
        table.add_column(head, justify="right")
    named = ""
    for one in done:
        if one.crash != named:
            named = one.crash
            table.add_row(named)
        variant = one.variant
        name = f"  {'longs' if variant.is_long else 'shorts'}, {'prompt' if variant.is_prompt else 'late'}"
        table.add_row(name, *cells(one.result))
    return table


def _paid(result: Result) -> list[str]:
    money = [result.flows[party].total for party in _PARTIES]
    money += [result.bad_debt, -result.flows["insurance"].bad_debt, result.capped, result.unpaid]
    return _thousands(*money, sum(result.foregone.values()))


def _shares(result: Result) -> list[str]:
    one = result.provided
    return [
        *_thousands(one.paid_in[0], one.early, *one.gains),
        str(one.settlements),
        ", ".join(f"{name} {count}" for name, count in sorted(one.refused.items())) or "-",
    ]


def _thousands(*money: int) -> list[str]:
    return [f"{wei / 1e21:,.0f}" if abs(wei) >= 10**22 else f"{wei / 1e21:,.1f}" for wei in money]


def _facts(result: Result) -> tuple[str, ...]:
    hedges, leverage = result.hedges(), result.median_leverage
    return (
        str(result.liquidated),
        str(result.bankruptcies),
        str(result.deleveragings),
        "-" if not math.isfinite(result.lowest_health) else f"{result.lowest_health:.2f}",
        f"{100 * (result.funded[0] + result.flows['pool'].total) / result.funded[0]:.0f}%",
        f"{min(min(pair) for pair in result.multipliers.values()):.4f}",
        "-" if leverage is None else f"{leverage:.2f}x",
        f"{100 * hedges.exposure:.1f}%",
        f"{100 * hedges.foregone:+.1f}%",
    )
