"""The `steelyard` command."""

from __future__ import annotations

import sys
from typing import Any

import click

from steelyard import __version__, toolchain
from steelyard.commands.account import account
from steelyard.commands.market import market, quote
from steelyard.commands.order import order
from steelyard.commands.trade import trade
from steelyard.demo.command import demo_options, run_demo
from steelyard.deployment.command import connected, deploy_options, tell_outcome
from steelyard.deployment.command import deploy as run_deploy
from steelyard.failures import JsonErrors, named
from steelyard.fuzz.command import fuzz_options, run_fuzz
from steelyard.keeper.command import keeper_options, run_keeper
from steelyard.keeper.order_command import order_keeper_options, run_order_keeper
from steelyard.studies.calibrate import calibrate_options, run_calibrate
from steelyard.studies.crashes import crash_options, run_crashes
from steelyard.studies.portfolio_margin import portfolio_margin_options, run_portfolio_margin
from steelyard.vault.amounts import SHARES, TOKENS
from steelyard.vault.command import (
    AddressParameter,
    provider_options,
    reading_options,
    run_cancel,
    run_claim,
    run_deposit,
    run_redeem,
    run_requests,
    run_status,
)

__all__ = ["cli", "main"]

_network = click.option(
    "--network",
    default="ethereum:local:foundry",
    show_default=True,
    help="As ape names it; a local one is started where it does not run.",
)


@click.group(cls=JsonErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steelyard")
def cli() -> None:
    """On-chain perpetuals whose leverage adapts."""
    toolchain.prepare()


@cli.command()
@demo_options
@named
def demo(**options: Any) -> None:
    """Replay a real crash on a local chain: trades, funding, liquidations, and books that balance."""
    run_demo(**options)


@cli.command()
@_network
@deploy_options
@named
def deploy(network: str, *, as_json: bool, **options: Any) -> None:
    """Deploy the system, or go on where a run was stopped."""
    with connected(network):
        tell_outcome(run_deploy(say=lambda line: click.echo(line, err=as_json), **options), as_json=as_json)


@cli.command()
@_network
@keeper_options
@named
def keeper(network: str, **options: Any) -> None:
    """Liquidate accounts under their maintenance margin, the worst first, then deleverage a pool under its own.

    Exit codes: 0 done, 1 an error by name, 3 an account could not be liquidated, the pool not be deleveraged, or one of
    them not be valued, 4 the node did not answer.
    """
    with connected(network):
        code = run_keeper(**options)
    sys.exit(code)


@cli.command()
@_network
@order_keeper_options
@named
def settle(network: str, **options: Any) -> None:
    """Settle and trigger all orders that are due, many in one transaction, for their keeper fees.

    Exit codes: 0 done, 1 an error by name, 2 wrong usage, 3 a call for an order failed, or prices were not known, 4 the
    node did not answer, or refused.
    """
    with connected(network):
        code = run_order_keeper(**options)
    sys.exit(code)


for _command in (account, market, order, quote, trade):
    cli.add_command(_command)


@cli.group()
def vault() -> None:
    """Provide liquidity: shares of the pool, requested, settled at later prices, then claimed.

    Amounts are decimals: tokens of 6 places, shares of 18. Exit codes: 0 done, 1 an error by name, 2 wrong usage,
    3 nothing to claim.
    """


@vault.command()
@_network
@reading_options
@named
def status(network: str, **options: Any) -> None:
    """Show what a share is worth, the pool's margins, what may leave now, and what waits and why."""
    with connected(network):
        run_status(**options)


@vault.command()
@_network
@click.argument("amount", type=TOKENS)
@click.option("--mint", "is_minted", is_flag=True, help="Local chains: make the tokens first.")
@provider_options
@named
def deposit(network: str, **options: Any) -> None:
    """Request shares for AMOUNT tokens."""
    with connected(network):
        run_deposit(**options)


@vault.command()
@_network
@click.argument("amount", type=SHARES, required=False)
@click.option("--all", "is_all", is_flag=True, help="All shares that the account holds.")
@provider_options
@named
def redeem(network: str, *, amount: int | None, is_all: bool, **options: Any) -> None:
    """Request tokens for AMOUNT shares, or for --all."""
    if (amount is None) != is_all:
        raise click.UsageError("give AMOUNT or --all")
    with connected(network):
        run_redeem(amount=amount, **options)


@vault.command()
@_network
@provider_options
@named
def claim(network: str, **options: Any) -> None:
    """Claim the shares and the tokens of requests that are settled."""
    with connected(network):
        run_claim(**options)


@vault.command()
@_network
@click.argument("kind", type=click.Choice(["deposit", "redeem"]))
@click.argument("number", type=click.IntRange(1))
@provider_options
@named
def cancel(network: str, **options: Any) -> None:
    """Take back what is not settled of request NUMBER, once it is old enough."""
    with connected(network):
        run_cancel(**options)


@vault.command()
@_network
@click.argument("owner", type=AddressParameter(), required=False)
@click.option("--account", help="ape account whose requests to show; the first test account locally.")
@reading_options
@named
def requests(network: str, **options: Any) -> None:
    """Show the requests of OWNER, or of an ape account: what waits until when, and what can be claimed."""
    with connected(network):
        run_requests(**options)


@cli.command()
@fuzz_options
@named
def fuzz(**options: Any) -> None:
    """Play random moves on the contracts and on the exact model side by side, and compare everything.

    Exit codes: 0 all is well, 1 an error by name, 2 wrong usage, 3 something was found, 4 something was never reached,
    5 a self-test missed too many planted bugs, 130 interrupted.
    """
    sys.exit(run_fuzz(**options))


@cli.command()
@calibrate_options
@named
def calibrate(**options: Any) -> None:
    """Calibrate margins and portfolio parameters from real prices, and write them into a parameter file."""
    run_calibrate(**options)


@cli.group()
def study() -> None:
    """Claims about leverage, looked at on real prices."""


@study.command("portfolio-margin")
@portfolio_margin_options
@named
def portfolio_margin(**options: Any) -> None:
    """Tell what hedges and single legs must hold in each margin mode, beside what they lost."""
    run_portfolio_margin(**options)


@study.command()
@crash_options
@named
def crashes(**options: Any) -> None:
    """Replay named crashes with a crowded book, on the contracts beside the model, and tell who paid."""
    run_crashes(**options)


def main() -> None:
    """Run the command line; what a user can do something about is told in one line."""
    cli()


if __name__ == "__main__":
    main()
