"""`steelyard trade`: at the first price after the delay, waited for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from steelyard.client.specs import Market
from steelyard.commands.common import DURATION, EXPIRY, client_of, rehearsing, sending
from steelyard.commands.orders import finish
from steelyard.failures import named
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["trade"]

_BOUNDS = (
    click.option("--slippage", help="Worst fill, from the quote of now [%]; 1 where nothing is given."),
    click.option("--acceptable-price", help="Worst fill [USD]."),
    click.option("--keeper-fee", help="Paid to whoever settles [USD].  [default: 0.1]"),
    click.option("--expires", type=EXPIRY, help="Unix seconds, ISO 8601, or +90s, +5m.  [default: +10m]"),
    click.option("--slot", type=click.IntRange(0, 255), help="Of the account's orders; the first free one."),
    click.option(
        "--timeout",
        type=DURATION,
        default=120.0,
        show_default=True,
        help="Longest wait for the fill [s]; 0 not to wait.",
    ),
)


def _bounded(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _BOUNDS)


@click.group()
def trade() -> None:
    """Buy, sell or close at the first price after the delay, and wait for the fill.

    Exit codes: 0 filled, 1 an error by name, 2 wrong usage, 3 failed or expired, 4 the node did not answer, 5 not
    settled in the time given.
    """


@trade.command()
@click.argument("symbol", metavar="MARKET")
@click.argument("size")
@click.option("--reduce-only", is_flag=True, help="Only bring a short nearer to zero.")
@_bounded
@sending
@named
def buy(*, symbol: str, size: str, **options: Any) -> None:
    """Buy SIZE base units."""
    _trade(symbol, size.lstrip("+"), **options)


@trade.command()
@click.argument("symbol", metavar="MARKET")
@click.argument("size")
@click.option("--reduce-only", is_flag=True, help="Only bring a long nearer to zero.")
@_bounded
@sending
@named
def sell(*, symbol: str, size: str, **options: Any) -> None:
    """Sell SIZE base units."""
    _trade(symbol, f"-{size}", **options)


@trade.command()
@click.argument("symbol", metavar="MARKET")
@_bounded
@sending
@named
def close(*, symbol: str, **options: Any) -> None:
    """Close a position."""
    _trade(symbol, None, reduce_only=True, **options)


def _trade(
    symbol: str,
    size: str | None,
    *,
    reduce_only: bool,
    slippage: str | None,
    acceptable_price: str | None,
    keeper_fee: str | None,
    expires: Any,
    slot: int | None,
    timeout: float,
    ledger: str,
    as_json: bool,
    **options: Any,
) -> None:
    spec = Market(
        market=symbol,
        size=size,
        reduce_only=reduce_only,
        slippage=slippage,
        acceptable_price=acceptable_price,
        keeper_fee=keeper_fee,
        expires=expires,
        slot=slot,
    )
    with client_of(**options) as client, rehearsing(as_json=as_json):
        sys.exit(finish(client.place(spec, account=ledger), timeout=timeout, as_json=as_json))
