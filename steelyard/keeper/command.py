"""What `ape run keeper` and `steelyard keeper` have in common."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.client.records import AccountId, owner_of, to_account_id
from steelyard.commands.common import DURATION
from steelyard.failures import error_json
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.client.vault import Waiting
    from steelyard.keeper.liquidator import Deleveraging, Liquidation, Liquidator, Round
    from steelyard.keeper.settler import Settlement

__all__ = ["EXIT_FAILED", "EXIT_UNREACHABLE", "keep", "keeper_options", "run_keeper"]

EXIT_FAILED = 3
"""An account could not be liquidated, the pool not deleveraged, one of them not valued, or requests not settled."""

EXIT_UNREACHABLE = 4
"""The node did not answer."""

_WAD = 10**18


def keeper_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a keeper to a command."""
    options = (
        click.option("--name", default="steelyard", show_default=True, help="Of the deployment."),
        click.option("--account", help="ape account that sends; the first test account locally."),
        click.option(
            "--reward-index",
            type=click.IntRange(0, 2**96 - 1),
            default=0,
            show_default=True,
            help="Ledger account of the sender for rewards.",
        ),
        click.option("--once", is_flag=True, help="One round, then end."),
        click.option("--interval", type=DURATION, default=5.0, show_default=True, help="Seconds between rounds."),
        click.option(
            "--batch", type=click.IntRange(1), default=100, show_default=True, help="Accounts valued in one call."
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per round."),
        click.option(
            "--artefacts", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of artefacts."
        ),
    )
    return with_options(command, options)


def run_keeper(
    *,
    name: str,
    account: str | None,
    reward_index: int,
    once: bool,
    interval: float,
    batch: int,
    as_json: bool,
    folder: Path | None,
) -> int:
    """Run on the network that ape is connected to; return the exit code.

    Raises
    ------
    DeploymentError
        There is no deployment of this name on this chain, or no such account.
    """
    from steelyard.client import AccountSender
    from steelyard.deployment.command import deployed, select_account
    from steelyard.keeper.liquidator import Liquidator

    exchange, artefact = deployed(name, folder)
    sender = AccountSender(select_account(account, exchange.chain.chain_id))
    liquidator = Liquidator(
        exchange,
        sender,
        to_account_id(sender.address, reward_index),
        first_block=artefact.first_block,
        batch=batch,
    )
    return keep(liquidator, once=once, interval=interval, as_json=as_json)


def keep(
    liquidator: Liquidator,
    *,
    once: bool,
    interval: float,
    as_json: bool,
    say: Callable[[str], None] = click.echo,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run rounds until stopped, or one; return the exit code: 0, `EXIT_FAILED` or `EXIT_UNREACHABLE`.

    A node that goes away ends a single round only; a running keeper tells it and tries again.
    """
    from steelyard.client.errors import RpcUnreachable

    told: Waiting | None = None
    try:
        while True:
            code = 0
            try:
                done = liquidator.run_once()
            except RpcUnreachable as error:
                code = EXIT_UNREACHABLE
                say(json.dumps(error_json(error)) if as_json else f"RpcUnreachable: {error}")
            else:
                if not done.is_complete:
                    code = EXIT_FAILED
                for line in [json.dumps(done.to_json())] if as_json else [*_lines(done), *_changes(done, told)]:
                    say(line)
                if done.waiting_unknown is None:
                    told = done.waiting
            if once:
                return code
            sleep(interval)
    except KeyboardInterrupt:
        return 0


def _lines(done: Round) -> list[str]:
    at = datetime.fromtimestamp(done.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        f"{at} block {done.block}: {done.open_accounts} of {done.accounts} accounts have positions, "
        f"{len(done.liquidated)} liquidated"
    ]
    if done.unpriced:
        lines.append(f"  {len(done.unpriced)} could not be valued: {done.unpriced_reason}")
    lines += [f"  {_line(one)}" for one in done.attempts]
    if done.pool_unpriced is not None:
        lines.append(f"  the pool could not be valued: {done.pool_unpriced}")
    if done.pool is not None:
        lines.append(f"  {_pool_line(done.pool)}")
    if done.vault is not None:
        lines.append(f"  {_vault_line(done.vault)}")
    return lines


def _changes(done: Round, told: Waiting | None) -> list[str]:
    """Return what has changed of the requests that wait since it was told last."""
    if done.waiting_unknown is not None:
        return [f"  what waits at the vault is not known: {done.waiting_unknown}"]
    one = done.waiting
    if one is None:
        return [] if told is None else ["  no request waits at the vault any more"]
    if told is not None and told.state == one.state:
        return []
    since = datetime.fromtimestamp(one.since, UTC).strftime("%Y-%m-%d %H:%M:%S")
    counts = f"{one.deposits} deposits and {one.redemptions} redemptions wait at the vault since {since}"
    if one.obstacle is None:
        return [f"  {counts}, and can be settled"]
    return [f"  {counts}: {one.obstacle.value}, {one.detail}"]


def _pool_line(one: Deleveraging) -> str:
    margin = f"equity {one.equity / _WAD:,.2f} under maintenance margin {one.maintenance_margin / _WAD:,.2f}"
    if one.transaction is None:
        return f"pool {one.status.value}, {margin}: {one.reason}"
    markets = ", ".join(map(str, one.markets)) or "none"
    return f"pool deleveraged, {margin}: markets {markets}, gas {one.gas_used:,}"


def _vault_line(one: Settlement) -> str:
    if one.transaction is None:
        return f"requests to the vault failed: {one.reason}"
    return f"vault: {one.deposits} deposits and {one.redemptions} redemptions settled, gas {one.gas_used:,}"


def _line(one: Liquidation) -> str:
    who = f"{owner_of(AccountId(one.account))}/{one.account & ((1 << 96) - 1)}"
    if one.transaction is None:
        return f"{who} {one.status.value}: {one.reason}"
    debt = f", bad debt {one.bad_debt / _WAD:,.2f}" if one.bad_debt else ""
    return (
        f"{who} liquidated at health {one.health / _WAD:.3f}: closed {one.closed_notional / _WAD:,.2f}, "
        f"reward {one.reward / _WAD:,.2f}, penalty {one.penalty / _WAD:,.2f}{debt}, gas {one.gas_used:,}"
    )
