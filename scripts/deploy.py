"""Deploy the system, or go on where a run was stopped: `ape run deploy --network ethereum:local:foundry`."""

from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand

from steelyard.deployment.command import deploy, deploy_options, describe
from steelyard.failures import named


@click.command(cls=ConnectedProviderCommand)
@deploy_options
@named
def cli(parameters_file: Path, chain_ids: tuple[int, ...], name: str, account: str | None, folder: Path | None) -> None:
    outcome = deploy(
        parameters_file=parameters_file,
        chain_ids=chain_ids,
        name=name,
        account=account,
        folder=folder,
        say=click.echo,
    )
    click.echo(describe(outcome))
