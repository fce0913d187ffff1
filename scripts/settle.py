"""Settle and trigger orders that are due: `ape run settle --network ethereum:sepolia:node`."""

import sys
from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from steelyard.failures import named
from steelyard.keeper.order_command import order_keeper_options, run_order_keeper


@click.command(cls=ConnectedProviderCommand)
@order_keeper_options
@named
def cli(**options: Any) -> None:
    sys.exit(run_order_keeper(**options))
