"""Liquidate accounts under their maintenance margin: `ape run keeper --network ethereum:sepolia:node`."""

import sys
from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from steelyard.failures import named
from steelyard.keeper.command import keeper_options, run_keeper


@click.command(cls=ConnectedProviderCommand)
@keeper_options
@named
def cli(**options: Any) -> None:
    sys.exit(run_keeper(**options))
