"""What `ape run settle` and `steelyard settle` have in common."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.client.records import to_account_id
from steelyard.commands.common import DURATION
from steelyard.failures import error_json
from steelyard.keeper.command import EXIT_FAILED, EXIT_UNREACHABLE
from steelyard.keeper.prices import HERMES_URL
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.keeper.orders import OrderKeeper

__all__ = ["keep_orders", "order_keeper_options", "run_order_keeper"]

_WAD = 10**18


class Usd(click.ParamType):
    """An amount of USD as a decimal, read as wad."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount [wad]."""
        if isinstance(value, int):
            return value
        try:
            amount = Decimal(value) * _WAD
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount", param, ctx)
        if not amount.is_finite() or amount != amount.to_integral_value():
            self.fail(f"{value!r} is not an amount of at most 18 decimals", param, ctx)
        return int(amount)


def order_keeper_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a keeper of orders to a command."""
    options = (
        click.option("--name", default="steelyard", show_default=True, help="Of the deployment."),
        click.option("--account", help="ape account that sends; the first test account locally."),
        click.option(
            "--fee-index",
            type=click.IntRange(0, 2**96 - 1),
            default=0,
            show_default=True,
            help="Ledger account of the sender for fees.",
        ),
        click.option("--once", is_flag=True, help="One round, then end."),
        click.option("--dry-run", is_flag=True, help="Ask the contracts, and send nothing."),
        click.option("--interval", type=DURATION, default=2.0, show_default=True, help="Seconds between rounds."),
        click.option("--min-fee", type=Usd(), default="0", show_default=True, help="Orders that pay less are left."),
        click.option("--min-profit", type=Usd(), help="Least fee less gas; needs --native-price."),
        click.option("--native-price", type=Usd(), help="Price of the chain's currency."),
        click.option(
            "--trail-share",
            type=click.IntRange(0, 1_000_000),
            default=100_000,
            show_default=True,
            help="Part of a trailing stop's distance by which its mark must get better to be moved [1e-6].",
        ),
        click.option("--clear", is_flag=True, help="Clear expired orders too, which pays nothing."),
        click.option(
            "--max-gas", type=click.IntRange(1_000_000), default=12_000_000, show_default=True, help="Of a transaction."
        ),
        click.option(
            "--fill-gas", type=click.IntRange(200_000), default=700_000, show_default=True, help="Limit of one fill."
        ),
        click.option("--hermes", "hermes_url", help=f"Source of prices.  [default: {HERMES_URL}; made up locally]"),
        click.option(
            "--state", "path", type=click.Path(path_type=Path, dir_okay=False), help="Saves reading events again."
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per round."),
        click.option(
            "--artefacts", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of artefacts."
        ),
    )
    return with_options(command, options)


def run_order_keeper(
    *,
    name: str,
    account: str | None,
    fee_index: int,
    once: bool,
    dry_run: bool,
    interval: float,
    min_fee: int,
    min_profit: int | None,
    native_price: int | None,
    trail_share: int,
    clear: bool,
    max_gas: int,
    fill_gas: int,
    hermes_url: str | None,
    path: Path | None,
    as_json: bool,
    folder: Path | None,
) -> int:
    """Run on the network that ape is connected to; return the exit code.

    Raises
    ------
    DeploymentError
        There is no deployment of this name on this chain, or no such account.
    StateForeign
        The state file is of another order book.
    """
    from steelyard.client import AccountSender
    from steelyard.deployment.artefact import LOCAL_CHAIN_IDS
    from steelyard.deployment.command import deployed, select_account
    from steelyard.keeper.orders import OrderKeeper, Policy
    from steelyard.keeper.prices import Hermes, LocalPrices

    if min_profit is not None and native_price is None:
        raise click.UsageError("--min-profit needs --native-price")
    if fill_gas > max_gas // 3:
        raise click.UsageError("--fill-gas is more than a third of --max-gas: a fill may need its proof beside it")
    exchange, artefact = deployed(name, folder)
    sender = AccountSender(select_account(account, exchange.chain.chain_id))
    is_local = hermes_url is None and exchange.chain.chain_id in LOCAL_CHAIN_IDS
    keeper = OrderKeeper(
        exchange,
        sender,
        to_account_id(sender.address, fee_index),
        LocalPrices(exchange.chain, exchange.addresses["Pyth"]) if is_local else Hermes(hermes_url or HERMES_URL),
        policy=Policy(
            min_fee=min_fee,
            min_profit=min_profit,
            native_price=native_price,
            trail_share=trail_share,
            clears=clear,
            max_gas=max_gas,
            fill_gas=fill_gas,
        ),
        first_block=artefact.first_block,
        path=path,
        is_dry=dry_run,
    )
    return keep_orders(keeper, once=once, interval=interval, as_json=as_json)


def keep_orders(
    keeper: OrderKeeper,
    *,
    once: bool,
    interval: float,
    as_json: bool,
    say: Callable[[str], None] = click.echo,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run rounds until stopped, or one; return the exit code: 0, `EXIT_FAILED` or `EXIT_UNREACHABLE`.

    A node that goes away, or refuses a request, ends a single round only; a running keeper tells it and tries again.
    Rounds with nothing new to tell are told once a minute, except with `as_json`.
    """
    from steelyard.client.errors import RpcRejected, RpcUnreachable

    told, told_at = [""], -60.0
    try:
        while True:
            code = 0
            try:
                done = keeper.run_once()
            except (RpcRejected, RpcUnreachable) as error:
                code = EXIT_UNREACHABLE
                say(json.dumps(error_json(error)) if as_json else f"{type(error).__name__}: {error}")
            else:
                code = 0 if done.is_complete else EXIT_FAILED
                lines = done.lines()
                is_news = bool(done.attempts) or lines[1:] != told[1:] or time.monotonic() - told_at >= 60
                if as_json:
                    say(json.dumps(done.to_json()))
                elif is_news:
                    at = datetime.fromtimestamp(done.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
                    say("\n".join([f"{at} {lines[0]}", *lines[1:]]))
                    told, told_at = lines, time.monotonic()
            if once:
                return code
            sleep(interval)
    except KeyboardInterrupt:
        return 0
