"""The `steelyard vault` commands."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from steelyard.client.units import text_of
from steelyard.client.vault import Kind, Request, RequestState, Vault, VaultView
from steelyard.options import with_options
from steelyard.vault.actions import Done, Provider, decimals_of
from steelyard.vault.amounts import decimal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "AddressParameter",
    "provider_options",
    "reading_options",
    "run_cancel",
    "run_claim",
    "run_deposit",
    "run_redeem",
    "run_requests",
    "run_status",
    "show_requests",
    "show_status",
]

_WAD = 10**18
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class AddressParameter(click.ParamType):
    """An address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is."""
        if not _ADDRESS.fullmatch(value):
            self.fail(f"{value!r} is no address", param, ctx)
        return str(value)


_COMMON = (
    click.option("--name", default="steelyard", show_default=True, help="Of the deployment."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object; amounts as text of the exact decimals."),
    click.option(
        "--artefacts", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of artefacts."
    ),
)
_account = click.option("--account", help="ape account of the provider; the first test account locally.")
_dry_run = click.option("--dry-run", "is_dry", is_flag=True, help="Ask the contracts, send nothing.")


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that only looks."""
    return _with(command, _COMMON)


def provider_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that sends."""
    return _with(command, (_account, _dry_run, *_COMMON))


def _with(command: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    return with_options(command, options)


# ---- commands, on the network that ape is connected to


def run_status(*, name: str, as_json: bool, folder: Path | None) -> None:
    """Show value, margins and queues.

    Raises
    ------
    DeploymentError
        There is no deployment of this name on this chain.
    """
    vault, _ = _vault(name, folder)
    view = vault.view()
    if as_json:
        click.echo(json.dumps(view.to_json()))
    else:
        show_status(view, Console())


def run_requests(*, owner: str | None, account: str | None, name: str, as_json: bool, folder: Path | None) -> None:
    """Show the requests of an address, or of an ape account.

    Raises
    ------
    DeploymentError
        There is no deployment of this name on this chain, or no such account.
    """
    vault, first_block = _vault(name, folder)
    controller = owner or _sender(vault, account).address
    found = vault.requests_of(controller, first_block)
    if as_json:
        claimable = {}
        for kind in Kind:
            amounts = zip(vault.claimable(kind, controller), decimals_of(kind), strict=True)
            given, pays = (text_of(amount, decimals) for amount, decimals in amounts)
            claimable[kind.value] = {"given": given, "pays": pays}
        shares = text_of(vault.shares_of(controller))
        listed = [one.to_json() for one in found]
        click.echo(json.dumps({"owner": controller, "shares": shares, "claimable": claimable, "requests": listed}))
    else:
        show_requests(vault, controller, found, Console())


def run_deposit(*, amount: int, is_minted: bool = False, **options: Any) -> None:
    """Request shares for tokens; see `Provider.deposit` for what it raises."""
    _act(lambda provider: provider.deposit(amount, is_minted=is_minted), **options)


def run_redeem(*, amount: int | None, **options: Any) -> None:
    """Request tokens for shares, all where no amount is given; see `Provider.redeem` for what it raises."""
    _act(lambda provider: provider.redeem(amount), **options)


def run_claim(**options: Any) -> None:
    """Claim what settled requests pay; see `Provider.claim` for what it raises."""
    _act(lambda provider: provider.claim(), **options)


def run_cancel(*, kind: str, number: int, **options: Any) -> None:
    """Take back what is not settled of a request; see `Provider.cancel` for what it raises."""
    _act(lambda provider: provider.cancel(Kind(kind), number), **options)


def _act(
    action: Callable[[Provider], Done],
    *,
    account: str | None,
    is_dry: bool,
    name: str,
    as_json: bool,
    folder: Path | None,
) -> None:
    vault, _ = _vault(name, folder)
    done = action(Provider(vault, _sender(vault, account), is_dry=is_dry))
    if as_json:
        click.echo(json.dumps(done.to_json()))
        return
    for step in done.steps:
        click.echo(f"{'would ' if is_dry else ''}{step}")
    if done.transactions:
        click.echo(f"sent from {done.owner}, gas {done.gas_used:,}: {', '.join(done.transactions)}")
    one = done.request
    if one is not None and one.pending and not is_dry:
        click.echo(
            f"{one.kind.value} {one.number}: settled at prices of {_clock(one.settled_from)} or later, "
            f"can be taken back from {_clock(one.cancellable_from)}"
        )


def _vault(name: str, folder: Path | None) -> tuple[Vault, int]:
    from steelyard.deployment.command import deployed

    exchange, artefact = deployed(name, folder)
    return Vault(exchange), artefact.first_block


def _sender(vault: Vault, account: str | None) -> Any:
    from steelyard.client import AccountSender
    from steelyard.deployment.command import select_account

    return AccountSender(select_account(account, vault.chain.chain_id))


# ---- tables


def show_status(view: VaultView, console: Console) -> None:
    """Print value, margins and queues."""
    rows = [
        ("net asset value", _tokens(view.assets)),
        ("shares", _shares(view.supply)),
        ("value of a share", f"{view.share_value / _WAD:,.6f}"),
    ]
    if view.risk is None:
        rows.append(("pool", f"no usable price: {view.unpriced}; values are those of the last settlement"))
    else:
        rows += [
            ("pool's equity", _money(view.risk.equity)),
            ("initial margin", _money(view.risk.initial_margin)),
            ("maintenance margin", _money(view.risk.maintenance_margin)),
            ("may leave now", _tokens(view.free or 0)),
            ("oldest price", f"{max(view.timestamp - view.risk.priced_at, 0):,} s old"),
        ]
    rows += [
        ("requested: deposits", f"{_tokens(view.pending_assets)} tokens"),
        ("requested: redemptions", f"{_shares(view.pending_shares)} shares"),
    ]
    console.print(f"Vault at block {view.block}, {_clock(view.timestamp)}", soft_wrap=True, highlight=False)
    table = Table(show_header=False)
    table.add_column("what")
    table.add_column("how much", justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(_waiting(view), soft_wrap=True, highlight=False)


def _waiting(view: VaultView) -> str:
    one, times = view.waiting, view.times
    if one is None:
        return f"No request waits. One is settled at prices published {times.settle_delay} s after it, or later."
    counts = f"{one.deposits} deposits and {one.redemptions} redemptions wait since {_clock(one.since)}"
    if one.obstacle is None:
        return f"{counts}, and can be settled now: 'steelyard keeper' does."
    return f"{counts}: {one.obstacle.value}, {one.detail}."


def show_requests(vault: Vault, controller: str, requests: Sequence[Request], console: Console) -> None:
    """Print the requests of a controller, and what he may claim."""
    (_, shares), (_, tokens) = (vault.claimable(kind, controller) for kind in Kind)
    console.print(
        f"{controller}: holds {_shares(vault.shares_of(controller))} shares, may claim {_shares(shares)} shares "
        f"and {_tokens(tokens)} tokens",
        soft_wrap=True,
        highlight=False,
    )
    if not requests:
        console.print("no requests")
        return
    table = Table(title="Requests", title_justify="left")
    for name in ("request", "state", "amount", "pending", "claimable", "settled at prices from", "cancellable from"):
        table.add_column(name, justify="left" if name in {"request", "state"} else "right")
    for one in requests:
        amount = _tokens if one.kind is Kind.DEPOSIT else _shares
        waits = one.state in {RequestState.PENDING, RequestState.PARTLY}
        table.add_row(
            f"{one.kind.value} {one.number}",
            one.state.value,
            amount(one.amount),
            amount(one.pending),
            amount(one.claimable),
            _clock(one.settled_from) if waits else "-",
            _clock(one.cancellable_from) if waits else "-",
        )
    console.print(table)


def _tokens(units: int) -> str:
    return decimal_of(units, 6)


def _shares(units: int) -> str:
    return decimal_of(units, 18)


def _money(wad: int) -> str:
    return f"{wad / _WAD:,.2f}"


def _clock(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
