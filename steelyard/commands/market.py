"""`steelyard market` and `steelyard quote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from steelyard.commands.common import client_of, clock, reading, shown, table, tell
from steelyard.failures import named

if TYPE_CHECKING:
    from rich.console import Console

    from steelyard.client.values import Market, Quote

__all__ = ["market", "quote"]


@click.command()
@click.argument("symbol", required=False)
@reading
@named
def market(*, symbol: str | None, ledger: str, as_json: bool, **options: Any) -> None:
    """Show all markets, or one by SYMBOL or number.

    Funding is what longs pay a day, as a share of their notional.
    """
    del ledger
    with client_of(**options) as client:
        if symbol is None:
            markets = client.markets()
            tell(markets, as_json=as_json, show=lambda console: _show_markets(console, markets))
        else:
            found = client.market(symbol)
            tell(found, as_json=as_json, show=lambda console: _show_markets(console, [found]))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("symbol", metavar="MARKET")
@click.argument("size")
@reading
@named
def quote(*, symbol: str, size: str, ledger: str, as_json: bool, **options: Any) -> None:
    """Tell what buying SIZE base units would do at the price of now, or selling them where negative.

    An order fills at the first price after its delay, not at this one.
    """
    with client_of(**options) as client:
        found = client.quote(symbol, size, account=ledger)
        tell(found, as_json=as_json, show=lambda console: _show_quote(console, found))


def _show_markets(console: Console, markets: list[Market]) -> None:
    made = table("Markets", "market", "price", "published", "funding/day", "volatility/day", "long", "short", "cap")
    for one in markets:
        made.add_row(
            one.symbol,
            shown(one.price, 2),
            clock(one.published_at),
            f"{one.funding_per_day:+.4%}",
            f"{one.daily_volatility:.2%}",
            shown(one.long_open_interest, 4),
            shown(one.short_open_interest, 4),
            shown(one.open_interest_cap, 4),
        )
    console.print(made)


def _show_quote(console: Console, found: Quote) -> None:
    made = table(f"{'Buy' if found.size > 0 else 'Sell'} {shown(abs(found.size))} {found.market}", "", "USD")
    made.add_row("average price", shown(found.price, 4))
    made.add_row("cost", shown(found.cost, 2))
    made.add_row("fee", shown(found.fee, 4))
    made.add_row("funding settled", shown(found.funding, 4))
    made.add_row("equity after", shown(found.equity_after, 2))
    made.add_row("initial margin after", shown(found.initial_margin_after, 2))
    made.add_row("maintenance margin after", shown(found.maintenance_margin_after, 2))
    console.print(made)
    console.print(f"Position after: {shown(found.size_after)} {found.market}", highlight=False)
    if not found.is_affordable:
        console.print("The account has not the initial margin for it.", highlight=False)
