"""`steelyard order`: orders that rest, signed orders, and what has become of them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.client import specs
from steelyard.client.errors import OrderInvalid, PositionNone
from steelyard.commands.common import (
    DURATION,
    EXPIRY,
    client_of,
    is_nonce,
    read_document,
    reading,
    rehearsing,
    sending,
    tell,
    tell_receipts,
)
from steelyard.commands.orders import finish, order_json, show_order, show_orders
from steelyard.failures import named
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.client import Client
    from steelyard.client.handles import PlacedOrder
    from steelyard.client.specs import OrderSpec

__all__ = ["order"]

_SLOT = re.compile(r"[0-9]{1,3}")
_SIDE = click.argument("side", type=click.Choice(["buy", "sell"]))
_MARKET = click.argument("symbol", metavar="MARKET")
_SIZE = click.argument("size")
_PRICE = click.option("--price", required=True, help="That triggers it [USD].")
_REDUCE_ONLY = click.option("--reduce-only", is_flag=True, help="Only bring the position nearer to zero.")
_SLIPPAGE = click.option("--slippage", help="Worst fill, from the trigger or the quote of now [%].")
_SINCE = click.option(
    "--since", type=click.IntRange(0), help="Block to look for orders from; that of the deployment otherwise."
)
_EXIT = (
    click.option("--size", help="Of the position [base]; all of it where none is given."),
    click.option("--side", type=click.Choice(["buy", "sell"]), help="To place it before there is a position."),
)
_EVERY = (
    click.option("--acceptable-price", help="Worst fill [USD]."),
    click.option("--keeper-fee", help="Paid to whoever settles, for each fill [USD].  [default: 0.1]"),
    click.option("--expires", type=EXPIRY, help="Unix seconds, ISO 8601, or +90m, +12h, +7d; else never."),
    click.option("--slot", type=click.IntRange(0, 255), help="Of the account's orders; the first free one."),
    click.option("--wait", "timeout", type=DURATION, default=0.0, help="Wait until it is over, so long at most [s]."),
    click.option("--sign", "is_signed", is_flag=True, help="Send nothing: print it signed, for `order relay`."),
)


def _every(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _EVERY)


def _exit(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _EXIT)


@click.group()
def order() -> None:
    """Place orders that rest, sign and relay them, list, show and cancel them.

    With --json an order holds under "saved" what must not be lost: the chain knows only a hash of it, and its events.
    Exit codes: 0 done, 1 an error by name, 2 wrong usage, 3 over without a fill, 4 the node did not answer, 5 not over
    in the time given.
    """


@order.command()
@_SIDE
@_MARKET
@_SIZE
@_PRICE
@_REDUCE_ONLY
@_every
@sending
@named
def limit(*, side: str, symbol: str, size: str, price: str, **options: Any) -> None:
    """Buy or sell SIZE once the price is --price or better, at it or better."""
    _place(specs.Limit, market=symbol, size=_signed(side, size), price=price, **options)


@order.command("stop-entry")
@_SIDE
@_MARKET
@_SIZE
@_PRICE
@_SLIPPAGE
@_every
@sending
@named
def stop_entry(*, side: str, symbol: str, size: str, price: str, **options: Any) -> None:
    """Buy SIZE once the price is --price or above, or sell it at that or below; within 1% of it."""
    _place(specs.Stop, market=symbol, size=_signed(side, size), price=price, **options)


@order.command("stop-loss")
@_MARKET
@_PRICE
@_exit
@_SLIPPAGE
@_every
@sending
@named
def stop_loss(*, symbol: str, **options: Any) -> None:
    """Reduce a position once the price is --price or worse."""
    _place(specs.Stop, market=symbol, reduce_only=True, is_exit=True, **options)


@order.command("take-profit")
@_MARKET
@_PRICE
@_exit
@_every
@sending
@named
def take_profit(*, symbol: str, **options: Any) -> None:
    """Reduce a position once the price is --price or better, at it or better."""
    _place(specs.Limit, market=symbol, reduce_only=True, is_exit=True, **options)


@order.command()
@_MARKET
@click.option("--distance", required=True, help="From the best price since it was placed [%].")
@_exit
@_every
@sending
@named
def trailing(*, symbol: str, **options: Any) -> None:
    """Reduce a position once the price is worse by --distance than its best."""
    _place(specs.TrailingStop, market=symbol, reduce_only=True, is_exit=True, **options)


@order.command()
@_SIDE
@_MARKET
@_SIZE
@click.option("--slices", type=int, required=True, help="Equal parts.")
@click.option("--interval", type=int, required=True, help="From one to the next [s].")
@_REDUCE_ONLY
@_SLIPPAGE
@_every
@sending
@named
def twap(*, side: str, symbol: str, size: str, **options: Any) -> None:
    """Buy or sell SIZE in equal parts, one each --interval."""
    _place(specs.Twap, market=symbol, size=_signed(side, size), **options)


@order.command()
@_SIDE
@_MARKET
@_SIZE
@click.option("--stop", "stop_price", required=True, help="Where it is given up [USD].")
@click.option("--target", "target_price", required=True, help="Where it is won [USD].")
@click.option("--price", help="Limit of the entry [USD]; at once where none is given.")
@_SLIPPAGE
@_every
@sending
@named
def bracket(*, side: str, symbol: str, size: str, **options: Any) -> None:
    """Enter with SIZE, then leave at the stop or at the target: one cancels the other."""
    _place(specs.Bracket, market=symbol, size=_signed(side, size), **options)


@order.command("market")
@_SIDE
@_MARKET
@_SIZE
@_REDUCE_ONLY
@_SLIPPAGE
@_every
@sending
@named
def market_order(*, side: str, symbol: str, size: str, **options: Any) -> None:
    """Buy or sell SIZE at the first price after the delay; as `steelyard trade`, and to be signed too."""
    _place(specs.Market, market=symbol, size=_signed(side, size), **options)


@order.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--wait", "timeout", type=DURATION, default=0.0, help="Wait until it is over, so long at most [s].")
@sending
@named
def relay(*, file: Path, timeout: float, ledger: str, as_json: bool, **options: Any) -> None:
    """Bring the signed order in FILE (- for standard input) to the chain, whoever signed it."""
    from steelyard.client.signing import SignedOrder

    del ledger
    signed = SignedOrder.from_json(read_document(file))
    with client_of(**options) as client, rehearsing(as_json=as_json):
        sys.exit(finish(client.relay(signed), timeout=timeout, as_json=as_json))


@order.command("list")
@_SINCE
@reading
@named
def list_orders(*, since: int | None, ledger: str, as_json: bool, **options: Any) -> None:
    """List the orders of the ledger account that hold a slot, whoever placed them."""
    with client_of(**options) as client:
        found = [(one, one.state()) for one in client.orders(ledger, since=since)]
        values = [order_json(one, state) for one, state in found]
        tell(values, as_json=as_json, show=lambda console: show_orders(found, console))


@order.command()
@click.argument("which", metavar="SLOT|FILE")
@_SINCE
@reading
@named
def show(*, which: str, since: int | None, ledger: str, as_json: bool, **options: Any) -> None:
    """Show an order: what its slot holds, or one saved in FILE, also where it is over."""
    with client_of(**options) as client:
        found = _find(client, which, ledger, since)
        state = found.state()
        tell(order_json(found, state), as_json=as_json, show=lambda console: show_order(found, state, console))


@order.command()
@click.argument("which", metavar="SLOT|FILE")
@_SINCE
@sending
@named
def cancel(*, which: str, since: int | None, ledger: str, as_json: bool, **options: Any) -> None:
    """Cancel an order, unless its price may be known already."""
    with client_of(**options) as client, rehearsing(as_json=as_json):
        tell_receipts([_find(client, which, ledger, since).cancel()], as_json=as_json, done="cancelled")


@order.command("cancel-nonces")
@click.argument("nonces", nargs=-1, required=True, metavar="NONCE|FILE...")
@sending
@named
def cancel_nonces(*, nonces: tuple[str, ...], ledger: str, as_json: bool, **options: Any) -> None:
    """Cancel signed orders before they reach the chain, by their nonces or files."""
    from steelyard.client.signing import SignedOrder

    del ledger
    wanted = [int(one) if is_nonce(one) else SignedOrder.from_json(read_document(Path(one))).nonce for one in nonces]
    with client_of(**options) as client, rehearsing(as_json=as_json):
        tell_receipts(client.cancel_nonces(wanted), as_json=as_json, done="cancelled")


def _signed(side: str, size: str) -> str:
    if size.strip().startswith("-"):
        raise OrderInvalid(f"size {size}: the side says which way")
    return size if side == "buy" else f"-{size}"


def _place(
    kind: type[OrderSpec],
    *,
    timeout: float,
    is_signed: bool,
    ledger: str,
    as_json: bool,
    network: str,
    rpc: str | None,
    name: str,
    folder: Path | None,
    alias: str | None,
    keystore: Path | None,
    is_dry_run: bool,
    is_exit: bool = False,
    side: str | None = None,
    **fields: Any,
) -> None:
    where: dict[str, Any] = {
        "network": network,
        "rpc": rpc,
        "name": name,
        "folder": folder,
        "alias": alias,
        "keystore": keystore,
    }
    with client_of(**where, is_dry_run=is_dry_run) as client, rehearsing(as_json=as_json):
        if is_exit and fields["size"] is not None:
            fields["size"] = _exit_size(client, fields["market"], fields["size"], side, ledger)
        spec = kind(**fields)
        if is_signed:
            click.echo(json.dumps(client.sign(spec, account=ledger).to_json()))
            return
        sys.exit(finish(client.place(spec, account=ledger), timeout=timeout, as_json=as_json))


def _exit_size(client: Client, symbol: str, size: str, side: str | None, ledger: str) -> str:
    """Return the size of an exit with its sign: that of the side, or away from the position."""
    if side is None:
        held = client.account(ledger).position(client.market(symbol).symbol)
        if held == 0:
            raise PositionNone(symbol)
        side = "sell" if held > 0 else "buy"
    return _signed(side, size)


def _find(client: Client, which: str, ledger: str, since: int | None) -> PlacedOrder:
    if not _SLOT.fullmatch(which):
        document = read_document(Path(which))
        return client.load(document.get("saved", document) if isinstance(document, dict) else document)
    slot = int(which)
    for one in client.orders(ledger, since=since):
        if one.slot == slot:
            return one
    raise OrderInvalid(f"slot {slot} holds no order: one that is over is known from its file only")
