"""`steelyard account`: what it holds and must hold; money in and out, leverage, mode, operators."""

from __future__ import annotations

import json
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.account.command import AccountParameter, tell_account
from steelyard.client.records import MarginMode
from steelyard.client.signing import SignedPermit
from steelyard.client.specs import NEVER
from steelyard.client.values import Permission, permission_names
from steelyard.commands.common import (
    EXPIRY,
    client_of,
    clock,
    is_nonce,
    node_at,
    read_document,
    reading,
    rehearsing,
    sending,
    tell,
    tell_receipts,
)
from steelyard.deployment.command import artefact_at
from steelyard.failures import named
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.client import AccountId, Client, Receipt
    from steelyard.client.values import Grant

__all__ = ["account"]

_AMOUNT = click.argument("amount")


_PERMISSIONS = (
    click.option("--trade", "may_trade", is_flag=True, help="May place and cancel orders."),
    click.option("--margin", "may_margin", is_flag=True, help="May move money between accounts, set modes, leverage."),
    click.option("--withdraw", "may_withdraw", is_flag=True, help="May withdraw, to the owner's address only."),
)


def _permitting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what an operator may do; the command gets them as `permissions`."""

    @wraps(command)
    def run(*, may_trade: bool, may_margin: bool, may_withdraw: bool, **options: Any) -> Any:
        chosen = {Permission.TRADE: may_trade, Permission.MARGIN: may_margin, Permission.WITHDRAW: may_withdraw}
        permissions = Permission(sum(one for one, is_given in chosen.items() if is_given))
        return command(permissions=permissions, **options)

    return with_options(run, _PERMISSIONS)


class ShowsByDefault(click.Group):
    """A group whose first command may be left out: `steelyard account 0xOWNER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `show` before what names no command."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ShowsByDefault)
def account() -> None:
    """Show an account, move money, set leverage, margin mode and operators; `steelyard account 0xOWNER` shows one.

    Amounts are in USD. Exit codes: 0 done, 1 an error by name, 2 wrong usage, 4 the node did not answer.
    """


@account.command()
@click.argument("which", metavar="ACCOUNT", type=AccountParameter())
@reading
@named
def show(
    *, which: AccountId, ledger: str, network: str, rpc: str | None, name: str, as_json: bool, **options: Any
) -> None:
    """Show an account: its margin in each mode, what would liquidate it, and the largest orders that it could place.

    ACCOUNT is an owner's address, one with the number of the account behind a slash, or the account's id.
    """
    from steelyard.client import Chain, Exchange

    del ledger
    with node_at(network, rpc) as url:
        artefact = artefact_at(url, name, options["folder"])
        tell_account(Exchange(Chain(url), artefact.addresses), which, artefact.symbols, as_json=as_json)


@account.command()
@_AMOUNT
@click.option("--mint", "is_minted", is_flag=True, help="Local chains: make the tokens first.")
@sending
@named
def deposit(*, amount: str, is_minted: bool, ledger: str, **options: Any) -> None:
    """Pay AMOUNT from the signer's wallet into an account."""

    def pay(client: Client) -> Receipt:
        if is_minted:
            client.mint(amount)
        return client.deposit(amount, ledger)

    _send(pay, "deposited", **options)


@account.command()
@_AMOUNT
@click.option("--to", "recipient", help="Address that gets it; the signer's where none is given.")
@sending
@named
def withdraw(*, amount: str, recipient: str | None, ledger: str, **options: Any) -> None:
    """Pay AMOUNT out of an account."""
    _send(lambda client: client.withdraw(amount, ledger, recipient=recipient), "withdrawn", **options)


@account.command()
@_AMOUNT
@click.option("--to", "target", required=True, help="Account of the same owner that gets it.")
@sending
@named
def transfer(*, amount: str, target: str, ledger: str, **options: Any) -> None:
    """Move AMOUNT from an account to another of its owner."""
    _send(lambda client: client.transfer(amount, ledger, target), "transferred", **options)


@account.command()
@click.argument("leverage")
@click.option("--funded-by", required=True, help="Account of the same owner that pays, or gets, the difference.")
@sending
@named
def leverage(*, leverage: str, funded_by: str, ledger: str, **options: Any) -> None:
    """Bring an account with positions to LEVERAGE, its notional over its equity."""
    _send(lambda client: client.set_leverage(leverage, ledger, funded_by=funded_by), "leverage set", **options)


@account.command()
@click.argument("mode", type=click.Choice([mode.name.lower() for mode in MarginMode]))
@sending
@named
def mode(*, mode: str, ledger: str, **options: Any) -> None:
    """Set how the positions of an account share its margin."""
    _send(lambda client: client.set_margin_mode(mode, ledger), "mode set", **options)


@account.command()
@click.argument("operator")
@_permitting
@click.option("--expires", type=EXPIRY, help="Unix seconds, ISO 8601, or +12h, +7d; never, where not given.")
@sending
@named
def operator(*, operator: str, permissions: Permission, expires: Any, ledger: str, **options: Any) -> None:
    """Let address OPERATOR act on all accounts of the signer; without permissions, revoke those that it has."""
    del ledger
    _send(lambda client: client.set_operator(operator, permissions, expires=expires), "operator set", **options)


@account.command()
@click.argument("operator")
@click.option("--owner", help="Address whose accounts they are; the signer's where none is given.")
@reading
@named
def permission(*, operator: str, owner: str | None, ledger: str, as_json: bool, **options: Any) -> None:
    """Show what address OPERATOR may do on all accounts of an owner, and until when."""
    del ledger
    with client_of(**options) as client:
        found = client.permission(operator, owner)
        tell(found, as_json=as_json, show=lambda console: console.print(_granted(found), highlight=False))


@account.command()
@click.argument("operator")
@_permitting
@click.option("--expires", type=EXPIRY, required=True, help="Unix seconds, ISO 8601, or +12h, +7d.")
@reading
@named
def permit(*, operator: str, permissions: Permission, expires: Any, ledger: str, as_json: bool, **options: Any) -> None:
    """Sign what address OPERATOR may do on all accounts of the signer, for `account relay-permit`; send nothing.

    Without permissions it revokes those that OPERATOR has, once it is relayed. Prints JSON, with --json or without.
    """
    del ledger, as_json
    with client_of(**options) as client:
        signed = client.sign_permit(operator, permissions, expires=expires)
    if not permissions:
        click.echo(f"no permission is named: once relayed, this revokes all that {operator} has", err=True)
    click.echo(json.dumps(signed.to_json()))


@account.command("relay-permit")
@click.argument("file", type=click.Path(path_type=Path))
@sending
@named
def relay_permit(*, file: Path, ledger: str, **options: Any) -> None:
    """Bring the signed permit in FILE (- for standard input) to the chain, whoever signed it."""
    del ledger
    signed = SignedPermit.from_json(read_document(file))
    _send(lambda client: client.relay_permit(signed), "operator set", **options)


@account.command("cancel-permits")
@click.argument("nonces", nargs=-1, required=True, metavar="NONCE|FILE...")
@sending
@named
def cancel_permits(*, nonces: tuple[str, ...], ledger: str, as_json: bool, **options: Any) -> None:
    """Cancel signed permits of the signer before they reach the chain, by their nonces or files."""
    del ledger
    wanted = [
        int(one) if is_nonce(one) else SignedPermit.from_json(read_document(Path(one))).permit.nonce for one in nonces
    ]
    with client_of(**options) as client, rehearsing(as_json=as_json):
        tell_receipts(client.cancel_permits(wanted), as_json=as_json, done="cancelled")


def _granted(found: Grant) -> str:
    if not found.permissions:
        return "nothing"
    until = "for ever"
    if found.expires_at < NEVER:
        until = f"until {clock(found.expires_at)}"
    return f"{', '.join(permission_names(found.permissions))}, {until}"


def _send(action: Callable[[Client], Receipt], done: str, *, as_json: bool, **options: Any) -> None:
    with client_of(**options) as client, rehearsing(as_json=as_json):
        tell_receipts([action(client)], as_json=as_json, done=done)
