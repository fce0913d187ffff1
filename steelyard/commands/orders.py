"""Orders as the command line tells them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from steelyard.client.lifecycle import Status
from steelyard.client.readable import error_text
from steelyard.client.records import OrderKind
from steelyard.client.specs import NEVER
from steelyard.client.units import from_fixed, from_wad
from steelyard.commands.common import shown, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.handles import PlacedOrder
    from steelyard.client.lifecycle import OrderState
    from steelyard.client.records import Order, Terms

__all__ = ["EXIT_UNFILLED", "conditions", "finish", "order_json", "show_order", "show_orders"]

EXIT_UNFILLED = 3
"""The order failed, expired or was cancelled without a fill."""

_UNBOUNDED = 2**128 - 1


def conditions(order: Order, terms: Terms | None) -> str:
    """Return what an order waits for, in a few words."""
    if terms is None:
        return "next price"
    trigger = shown(from_wad(terms.trigger_price), 4)
    match terms.kind:
        case OrderKind.LIMIT:
            return f"at {trigger} or {'below' if order.size_delta > 0 else 'above'}"
        case OrderKind.STOP:
            return f"at {trigger} or {'above' if order.size_delta > 0 else 'below'}"
        case OrderKind.TRAILING_STOP:
            return f"{shown(from_fixed(terms.distance, 4))}% from the best price"
        case OrderKind.TWAP:
            return f"{terms.slices} slices, one each {terms.interval} s"
        case _:
            entry = f"at {trigger}" if terms.trigger_price else "at once"
            exits = [shown(from_wad(price), 4) for price in (terms.stop_price, terms.target_price)]
            return f"{entry}, stop {exits[0]}, target {exits[1]}"


def order_json(order: PlacedOrder, state: OrderState) -> dict[str, Any]:
    """Return an order for JSON: what it is, what has become of it, and what `--save` writes."""
    return {
        "kind": order.kind.name.lower(),
        "account": order.account,
        "market": order.market,
        "slot": order.slot,
        "size": format(order.size, "f"),
        "reduce_only": order.order.reduce_only,
        **state.to_json(),
        "saved": order.to_json(),
    }


def finish(order: PlacedOrder, *, timeout: float, as_json: bool) -> int:
    """Wait for an order, tell it, and return the exit code."""
    from steelyard.client.errors import WaitTimeout

    if not as_json:
        click.echo(
            f"{order.kind.name.lower()} order for {order.size} {order.market} in slot {order.slot}: {order.transaction}"
        )
    if timeout <= 0:
        state = order.state()
    else:
        try:
            state = order.wait(timeout)
        except WaitTimeout:
            if as_json:
                click.echo(json.dumps(order_json(order, order.state())))
            raise
    if as_json:
        click.echo(json.dumps(order_json(order, state)))
    else:
        show_state(state, Console())
    return EXIT_UNFILLED if state.is_over and not state.fills else 0


def show_state(state: OrderState, console: Console) -> None:
    """Print what has become of an order."""
    text = str(state.status)
    if state.reason is not None and state.status is not Status.SETTLED:
        text += f": {error_text(state.reason)}"
    elif state.settles_until is not None:
        text += f", settles until {state.settles_until}"
    console.print(text, highlight=False, soft_wrap=True)
    if state.fills:
        fills = table("Fills", "block", "size", "price", "oracle price", "fee", "keeper fee", "funding")
        for fill in state.fills:
            amounts = fill.size, fill.price, fill.oracle_price, fill.fee, fill.keeper_fee, fill.funding
            fills.add_row(str(fill.block), *[shown(amount) for amount in amounts])
        console.print(fills)


def show_order(order: PlacedOrder, state: OrderState, console: Console) -> None:
    """Print one order."""
    show_orders([(order, state)], console)
    show_state(state, console)


def show_orders(orders: Sequence[tuple[PlacedOrder, OrderState]], console: Console) -> None:
    """Print orders as a table."""
    made = table("Orders", "slot", "kind", "market", "size", "waits for", "worst price", "expires", "status")
    for order, state in orders:
        one = order.order
        bound = "any" if one.acceptable_price in (0, _UNBOUNDED) else shown(from_wad(one.acceptable_price), 4)
        made.add_row(
            str(order.slot),
            order.kind.name.lower() + (", reduces" if one.reduce_only else ""),
            order.market,
            shown(order.size),
            conditions(one, order.terms),
            bound,
            "never" if one.expires_at == NEVER else str(one.expires_at),
            str(state.status),
        )
    console.print(made)
