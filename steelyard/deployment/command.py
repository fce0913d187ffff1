"""What `ape run deploy` and `steelyard deploy` have in common."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard import parameters as parameter_files
from steelyard.deployment.artefact import LOCAL_CHAIN_IDS, artefact_path
from steelyard.deployment.errors import AccountUnknown, BuildMissing, NodeAddressMissing
from steelyard.options import with_options
from steelyard.toolchain import ROOT, anvil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steelyard.client import Exchange
    from steelyard.deployment.artefact import Artefact
    from steelyard.deployment.deployer import Outcome

__all__ = [
    "artefact_at",
    "compile_contracts",
    "connected",
    "deploy",
    "deploy_options",
    "deployed",
    "quiet",
    "select_account",
    "tell_outcome",
]


def deploy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a deployment to a command."""
    options = (
        click.option(
            "--parameters",
            "parameters_file",
            type=click.Path(path_type=Path),
            default=parameter_files.LOCAL,
            show_default="parameters/local.yaml",
            help="YAML file of parameters.",
        ),
        click.option("--chain-id", "chain_ids", type=int, multiple=True, help="A chain allowed beside the file's."),
        click.option("--name", default="steelyard", show_default=True, help="Of the deployment and its artefact."),
        click.option("--account", "account", help="ape account that deploys; the first test account locally."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object, and everything else to stderr."),
        click.option(
            "--artefacts",
            "folder",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder of artefacts; deployments/, or build/deployments/ for local chains.",
        ),
    )
    return with_options(command, options)


def compile_contracts() -> None:
    """Compile what has changed; at once where nothing has.

    Raises
    ------
    BuildMissing
        The compiler refused; it has told why on stderr.
    """
    command = [ROOT / "tools" / "compile"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            click.echo(line, nl=False, err=True)
    if process.returncode:
        raise BuildMissing("the contracts do not compile")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep ape's own log to warnings."""
    from ape.logging import logger

    level = logger.level
    logger.set_level(logging.WARNING)
    try:
        yield
    finally:
        logger.set_level(level)


@contextmanager
def connected(network: str, *, host: str | None = None) -> Iterator[Any]:
    """Connect ape to a network; a local one is started where it does not run, unless `host` names a running one.

    Raises
    ------
    AnvilNotFound
        There is no anvil.
    NodeAddressMissing
        A test network without the variable that `ape-config.yaml` reads its node's address from.
    """
    ecosystem, _, rest = network.partition(":")
    variable = f"{ecosystem.upper()}_SEPOLIA_RPC_URL"
    if rest == "sepolia:node" and not os.environ.get(variable):
        raise NodeAddressMissing(network, variable)
    anvil()
    with chdir(ROOT):
        # ape takes its project and configuration from the folder in which it is loaded first.
        import ape
    settings = {} if host is None else {"host": host}
    with quiet(), ape.networks.parse_network_choice(network, provider_settings=settings) as provider:
        yield provider


def select_account(alias: str | None, chain_id: int) -> Any:
    """Return the ape account of a name; locally the first test account where none is given.

    Raises
    ------
    AccountUnknown
        There is none of this name, or none is given on a chain that is not local.
    """
    from ape import accounts

    if alias is None:
        if chain_id not in LOCAL_CHAIN_IDS:
            raise AccountUnknown(None)
        return accounts.test_accounts[0]
    try:
        if alias.startswith("TEST::"):
            return accounts.test_accounts[int(alias.removeprefix("TEST::"))]
        return accounts.load(alias)
    except (IndexError, KeyError, ValueError):
        raise AccountUnknown(alias) from None


def deploy(
    *,
    parameters_file: Path,
    chain_ids: tuple[int, ...],
    name: str,
    account: str | None,
    folder: Path | None,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """Deploy to the network that ape is connected to; see `compile_contracts` and `Deployer.run` for what it raises."""
    import ape

    from steelyard.deployment.deployer import Deployer
    from steelyard.deployment.errors import ChainMistaken, ChainUnexpected
    from steelyard.deployment.system import ApeChain

    compile_contracts()
    parameters = parameter_files.load(parameters_file)
    provider = ape.networks.provider
    chain_id = int(provider.make_request("eth_chainId", []), 16)
    if chain_id not in (*parameters.network.chain_ids, *chain_ids):
        raise ChainUnexpected(chain_id, (*parameters.network.chain_ids, *chain_ids))
    if provider.chain_id != chain_id:
        raise ChainMistaken(chain_id, provider.chain_id)
    chain = ApeChain(select_account(account, chain_id), ape.Project(ROOT))
    deployer = Deployer(
        chain,
        parameters,
        path=artefact_path(chain_id, name, folder),
        name=name,
        parameters_file=parameters_file.name,
        chain_ids=chain_ids,
        say=say,
    )
    with quiet():
        return deployer.run()


def deployed(name: str, folder: Path | None) -> tuple[Exchange, Artefact]:
    """Return the exchange of this name on the chain that ape is connected to, and its artefact.

    Raises
    ------
    DeploymentError
        There is none, it is not complete, or the artefact is of another chain.
    """
    import ape

    from steelyard.client import Chain, Exchange

    url = ape.networks.provider.http_uri
    artefact = artefact_at(url, name, folder)
    return Exchange(Chain(url), artefact.addresses), artefact


def artefact_at(url: str, name: str, folder: Path | None) -> Artefact:
    """Return the artefact of this name on the chain of a node.

    Raises
    ------
    DeploymentError
        There is none, it is not complete, or the artefact is of another chain.
    """
    from steelyard.client import Chain
    from steelyard.deployment.artefact import read_artefact
    from steelyard.deployment.errors import ArtefactForeign, CodeMismatch

    chain = Chain(url)
    path = artefact_path(chain.chain_id, name, folder)
    artefact = read_artefact(path)
    genesis = chain.block(0).hash
    code = chain.code_at(artefact.addresses["Clearinghouse"]) if "Clearinghouse" in artefact.addresses else b""
    chain.close()
    if genesis != artefact.genesis_hash:
        raise ArtefactForeign(path, artefact.genesis_hash, genesis)
    artefact.require_complete()
    if not code:
        raise CodeMismatch("Clearinghouse", artefact.addresses["Clearinghouse"], missing=True)
    return artefact


def tell_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print what a run did: one line, or JSON."""
    artefact = outcome.artefact
    if as_json:
        told = {
            "name": artefact.name,
            "chain_id": artefact.chain_id,
            "path": str(outcome.path),
            "transactions": outcome.transactions,
            "contracts": artefact.addresses,
        }
        click.echo(json.dumps(told))
    else:
        click.echo(_described(outcome))


def _described(outcome: Outcome) -> str:
    artefact, path = outcome.artefact, outcome.path
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if outcome.transactions == 0:
        return (
            f"nothing to do: {len(artefact.contracts)} contracts and {len(artefact.steps)} settings on chain "
            f"{artefact.chain_id} are as {shown} says"
        )
    return f"{outcome.transactions} transactions; {len(artefact.contracts)} contracts verified, written to {shown}"
