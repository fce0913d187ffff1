"""Deploy the system, or go on where a run was stopped: `ape run deploy --network ethereum:local:foundry`."""

from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from steelyard.deployment.command import deploy, deploy_options, tell_outcome
from steelyard.failures import named


@click.command(cls=ConnectedProviderCommand)
@deploy_options
@named
def cli(*, as_json: bool, **options: Any) -> None:
    tell_outcome(deploy(say=lambda line: click.echo(line, err=as_json), **options), as_json=as_json)
