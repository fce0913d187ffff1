"""Show an account: `ape run account 0xOWNER --network ethereum:sepolia:node`."""

from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from steelyard.account.command import account_options, run_account
from steelyard.failures import named


@click.command(cls=ConnectedProviderCommand)
@account_options
@named
def cli(**options: Any) -> None:
    run_account(**options)
