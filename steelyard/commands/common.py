"""What the trader's commands share: where, who, and how things are told."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from steelyard.client.values import to_json
from steelyard.deployment.command import connected
from steelyard.options import with_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from steelyard.client import Client, Receipt

__all__ = [
    "DURATION",
    "EXPIRY",
    "client_of",
    "clock",
    "is_nonce",
    "node_at",
    "read_document",
    "reading",
    "rehearsing",
    "sending",
    "shown",
    "table",
    "tell",
    "tell_receipts",
]

_KEY_VARIABLE = "STEELYARD_PRIVATE_KEY"
_PASSWORD_VARIABLE = "STEELYARD_KEYSTORE_PASSWORD"
_NONCE = re.compile(r"[0-9]{1,78}")
_LAST_DATE = 253_402_300_799
_SECONDS = re.compile(r"[0-9]{1,13}")
_LENGTH = re.compile(r"\+([0-9]{1,13})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_WHERE = (
    click.option(
        "--network",
        default="ethereum:local:foundry",
        show_default=True,
        help="As ape names it; a local one is started where it does not run.",
    ),
    click.option("--rpc", envvar="STEELYARD_RPC_URL", help="A node's address instead, without ape and its accounts."),
    click.option("--name", default="steelyard", show_default=True, help="Of the deployment."),
    click.option(
        "--artefacts", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of artefacts."
    ),
    click.option("--account", "alias", help="ape account that signs; the first test account locally."),
    click.option(
        "--keystore",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help=f"Encrypted key that signs; its password is asked for, or ${_PASSWORD_VARIABLE}. Or ${_KEY_VARIABLE}.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object; amounts as text of the exact decimals."),
)
_LEDGER = click.option(
    "--ledger", default="0", show_default=True, help="Ledger account: a number among the signer's, or 0xOWNER/NUMBER."
)
_DRY_RUN = click.option("--dry-run", "is_dry_run", is_flag=True, help="Ask the contracts, send nothing.")


class Expires(click.ParamType):
    """A time: Unix seconds, ISO 8601 with its zone, or `+90m` from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the client takes for an expiry."""
        if not isinstance(value, str):
            return value
        if _SECONDS.fullmatch(value):
            return int(value)
        found = _LENGTH.fullmatch(value)
        try:
            if found:
                return timedelta(**{_UNITS[found[2]]: int(found[1])})
            time = datetime.fromisoformat(value)
        except (OverflowError, ValueError):
            self.fail(
                f"{value!r} is neither seconds, nor a time like 2030-01-31T12:00Z, nor +90s, +90m, +12h, +7d",
                param,
                ctx,
            )
        return time if time.tzinfo else time.replace(tzinfo=UTC)


EXPIRY = Expires()


class Duration(click.ParamType):
    """Seconds, not negative, that come to an end."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not 0 <= seconds < math.inf:
            self.fail(f"{value!r} is not a number of seconds from 0", param, ctx)
        return seconds


DURATION = Duration()


def clock(at: int) -> str:
    """Return a time [Unix s] for people; 0 is never."""
    if at == 0:
        return "never"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}" if at <= _LAST_DATE else f"{at} s"


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that only looks."""
    return with_options(command, (_LEDGER, *_WHERE))


def sending(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that sends."""
    return with_options(command, (_LEDGER, _DRY_RUN, *_WHERE))


@contextmanager
def node_at(network: str, rpc: str | None) -> Iterator[str]:
    """Give a node's address: the one given, or that of a network of ape's."""
    if rpc is not None:
        yield rpc
        return
    with connected(network) as provider:
        yield str(provider.http_uri)


@contextmanager
def client_of(
    *,
    network: str,
    rpc: str | None,
    name: str,
    folder: Path | None,
    alias: str | None,
    keystore: Path | None,
    is_dry_run: bool = False,
) -> Iterator[Client]:
    """Give a client of a deployment; what it would send in a dry run is told, and ends the command.

    Raises
    ------
    DeploymentError
        There is none of this name on this chain.
    SignerInvalid
        The key or keystore cannot sign.
    """
    from steelyard.client import Client
    from steelyard.client.errors import SignerInvalid
    from steelyard.client.senders import load_keystore
    from steelyard.deployment.command import artefact_at, select_account

    with node_at(network, rpc) as url:
        artefact = artefact_at(url, name, folder)
        signer: Any = None
        if keystore is not None:
            password = os.environ.get(_PASSWORD_VARIABLE)
            signer = load_keystore(keystore, password or click.prompt("Password", hide_input=True, err=True))
        elif os.environ.get(_KEY_VARIABLE):
            signer = os.environ[_KEY_VARIABLE]
        elif rpc is None:
            from steelyard.client import AccountSender

            signer = AccountSender(select_account(alias, artefact.chain_id))
        if alias is not None and rpc is not None:
            raise SignerInvalid("an ape account signs on a network of ape's: with --rpc give a keystore or a key")
        yield Client(artefact, url, signer, is_dry_run=is_dry_run)


def read_document(path: Path) -> Any:
    """Return what a file of JSON holds, `-` for standard input.

    Raises
    ------
    DocumentInvalid
        There is none, or it is not JSON.
    """
    from steelyard.client.errors import DocumentInvalid

    try:
        return json.loads(sys.stdin.read() if path == Path("-") else path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DocumentInvalid(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid(f"{path}: not JSON: {error}") from None


def is_nonce(text: str) -> bool:
    """Return whether a word is a nonce, not a file's name."""
    return _NONCE.fullmatch(text) is not None


def tell(value: Any, *, as_json: bool, show: Callable[[Console], None]) -> None:
    """Print a value as JSON, or for people."""
    if as_json:
        click.echo(json.dumps(to_json(value)))
    else:
        show(Console())


def tell_receipts(receipts: Sequence[Receipt], *, as_json: bool, done: str) -> None:
    """Print what was sent."""
    values = [{"transaction": one.hash, "block": one.block, "gas_used": one.gas_used} for one in receipts]
    lines = [f"{done}: {one.hash}, block {one.block}, {one.gas_used:,} gas" for one in receipts]
    tell(values[0] if len(values) == 1 else values, as_json=as_json, show=lambda _: click.echo("\n".join(lines)))


@contextmanager
def rehearsing(*, as_json: bool) -> Iterator[None]:
    """Tell what a dry run would have sent."""
    from steelyard.client.senders import NotSent

    try:
        yield
    except NotSent as rehearsed:
        sent = rehearsed.transaction
        gas = int(sent["gas"], 16)
        if as_json:
            click.echo(json.dumps({"dry_run": True, "to": sent["to"], "data": sent["data"], "gas": gas}))
        else:
            click.echo(f"Nothing was sent. It would be a call of {sent['to']} for {gas:,} gas:\n{sent['data']}")


def table(title: str, first: str, *rest: str) -> Table:
    """Return a table, numbers to the right."""
    made = Table(title=title, title_justify="left")
    made.add_column(first)
    for name in rest:
        made.add_column(name, justify="right")
    return made


def shown(amount: Decimal | None, places: int = 6) -> str:
    """Return an amount for people: no more places than that."""
    if amount is None:
        return "none"
    text = f"{amount:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
