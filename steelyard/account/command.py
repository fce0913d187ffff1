"""The `steelyard account` command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from steelyard.account.portfolio import Portfolio, portfolio_of
from steelyard.client.records import (
    AccountId,
    JointMove,
    MarginMode,
    MarginTerm,
    MarginView,
    PositionView,
    owner_of,
    to_account_id,
)
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from steelyard.client.exchange import Exchange

__all__ = ["AccountParameter", "account_options", "run_account", "show", "tell_account"]

_WAD = 10**18
_ADDRESS = re.compile(r"(0x[0-9a-fA-F]{40})(?:/([0-9]{1,29}))?")
_ID = re.compile(r"0x[0-9a-fA-F]{64}")


class AccountParameter(click.ParamType):
    """An account: `0xOWNER`, `0xOWNER/2`, or the id of 32 bytes that the keeper tells."""

    name = "account"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AccountId:
        """Return the id."""
        if _ID.fullmatch(value):
            return AccountId(int(value, 16))
        found = _ADDRESS.fullmatch(value)
        index = int(found[2] or 0) if found else 0
        if found is None or index >= 2**96:
            self.fail(f"{value!r} is no address, no address with /INDEX, and no id of 32 bytes", param, ctx)
        return to_account_id(found[1], index)


def account_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the command that shows an account."""
    options = (
        click.argument("account", type=AccountParameter()),
        click.option("--name", default="steelyard", show_default=True, help="Of the deployment."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object; amounts as text of the exact decimals."),
        click.option(
            "--artefacts", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of artefacts."
        ),
    )
    return with_options(command, options)


def run_account(*, account: AccountId, name: str, as_json: bool, folder: Path | None) -> None:
    """Show an account on the network that ape is connected to.

    Raises
    ------
    DeploymentError
        There is no deployment of this name on this chain.
    ContractReverted
        The account is reserved, or a price is missing, stale or uncertain.
    """
    from steelyard.deployment.command import deployed

    exchange, artefact = deployed(name, folder)
    tell_account(exchange, account, artefact.symbols, as_json=as_json)


def tell_account(exchange: Exchange, account: AccountId, symbols: Sequence[str], *, as_json: bool) -> None:
    """Print an account as JSON, or for people."""
    portfolio = portfolio_of(exchange, account, symbols)
    if as_json:
        click.echo(json.dumps(portfolio.to_json()))
    else:
        show(portfolio, Console())


def show(portfolio: Portfolio, console: Console) -> None:
    """Print an account as tables."""
    view = portfolio.view
    mode = MarginMode(view.mode).name.lower()
    state = "can be liquidated" if view.is_liquidatable else "healthy"
    console.print(
        f"{owner_of(view.account)}/{view.account & (2**96 - 1)}: {mode} margin, {state}, "
        f"balance {_money(view.balance)}, equity {_money(view.risk.equity)}, notional {_money(view.risk.notional)}",
        soft_wrap=True,
        highlight=False,
    )
    margins = _table(
        "Margin of the same positions in each mode", "mode", "initial", "maintenance", "saved", "decided by"
    )
    for one, margin in portfolio.margins.items():
        margins.add_row(
            f"{one.name.lower()}{' *' if one == view.mode else ''}",
            _money(margin.initial_margin),
            _money(margin.maintenance_margin),
            _money(margin.saving),
            _binding(margin),
        )
    console.print(margins)
    positions = _table("Positions", "market", "size", "notional", "funding owed", "liquidated at")
    for held in portfolio.positions:
        positions.add_row(
            portfolio.symbol(held.market),
            _size(held.size),
            _money(held.notional),
            _money(held.unsettled_funding),
            _liquidated_at(held),
        )
    console.print(positions)
    console.print(_joint_move(portfolio.joint_move), soft_wrap=True, highlight=False)
    largest = _table("Largest orders", "market", "price", "buy", "sell")
    for order in portfolio.largest_orders:
        largest.add_row(portfolio.symbol(order.market), _money(order.price), _size(order.buy), _size(-order.sell))
    if portfolio.largest_orders:
        console.print(largest)
    else:
        console.print("No market has a price yet: no order can fill.")


def _table(title: str, first: str, *rest: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in rest:
        table.add_column(name, justify="right")
    return table


def _binding(margin: MarginView) -> str:
    term = MarginTerm(margin.binding)
    text = f"stress {margin.scenario}" if term is MarginTerm.STRESS else term.name.lower()
    return f"{text}, volatility" if margin.volatile_markets else text


def _liquidated_at(held: PositionView) -> str:
    if held.liquidation_price:
        return _money(held.liquidation_price)
    return "no price" if held.size > 0 else "any price"


def _joint_move(move: JointMove) -> str:
    if move.is_hopeless:
        return "All prices together: no move saves the account"
    falls = "no fall liquidates" if move.lowest is None else f"liquidated below {_percent(move.lowest)}"
    rises = "no rise liquidates" if move.highest is None else f"liquidated above {_percent(move.highest)}"
    return f"All prices together: {falls}, {rises}"


def _percent(factor: int) -> str:
    return f"{(factor / _WAD - 1) * 100:+.2f}%"


def _money(amount: int) -> str:
    return f"{amount / _WAD:,.2f}"


def _size(size: int) -> str:
    return f"{size / _WAD:,.6g}" if abs(size) < _WAD else f"{size / _WAD:,.4f}"
