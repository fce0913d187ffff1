"""Why a deployment refuses.

Exceptions
----------
DeploymentError
    ├── NodeAddressMissing
    ├── ChainUnexpected
    ├── ChainMistaken
    ├── MockForbidden
    ├── ContractMissing
    ├── TokenDecimalsMismatch
    ├── ArtefactMissing
    ├── ArtefactMalformed
    ├── ArtefactForeign
    ├── ParametersChanged
    ├── BuildMissing
    ├── BuildChanged
    ├── CodeMismatch
    ├── AccountUnknown
    ├── DeploymentIncomplete
    ├── TransactionsPending
    ├── StepFailed
    └── VerificationFailed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = [
    "AccountUnknown",
    "ArtefactForeign",
    "ArtefactMalformed",
    "ArtefactMissing",
    "BuildChanged",
    "BuildMissing",
    "ChainMistaken",
    "ChainUnexpected",
    "CodeMismatch",
    "ContractMissing",
    "DeploymentError",
    "DeploymentIncomplete",
    "MockForbidden",
    "NodeAddressMissing",
    "ParametersChanged",
    "StepFailed",
    "TokenDecimalsMismatch",
    "TransactionsPending",
    "VerificationFailed",
]


class DeploymentError(RuntimeError):
    """The system was not, or not entirely, deployed; what was done is in the artefact, and a rerun continues."""


class NodeAddressMissing(DeploymentError):
    """The network is a test network, and no variable says where its node is."""

    def __init__(self, network: str, variable: str) -> None:
        super().__init__(f"{network} needs the address of a node in {variable}")


class ChainUnexpected(DeploymentError):
    """The node is on a chain that neither the parameters nor the command line names."""

    def __init__(self, chain_id: int, allowed: Iterable[int]) -> None:
        names = ", ".join(str(one) for one in allowed) or "none"
        super().__init__(f"the node is on chain {chain_id}, but the parameters are for {names}")


class ChainMistaken(DeploymentError):
    """ape takes the node's chain for another, and would sign for that one."""

    def __init__(self, chain_id: int, taken_for: int) -> None:
        super().__init__(
            f"the node is on chain {chain_id}, which ape takes for {taken_for}; for an anvil that runs already "
            "set APE_FOUNDRY_HOST to its address and use ethereum:local:foundry"
        )


class MockForbidden(DeploymentError):
    """A stand-in would be deployed to a chain that is not local."""

    def __init__(self, contract: str, entry: str, chain_id: int) -> None:
        super().__init__(f"{contract} is for local chains only, not for {chain_id}: give network.{entry}")


class ContractMissing(DeploymentError):
    """There is no contract at an address, or none that answers."""

    def __init__(self, what: str, address: str) -> None:
        super().__init__(f"no {what} at {address}")


class TokenDecimalsMismatch(DeploymentError):
    """The settlement token has other than six decimals."""

    def __init__(self, address: str, decimals: int) -> None:
        super().__init__(f"the token {address} has {decimals} decimals; the exchange settles in tokens with 6")


class ArtefactMissing(DeploymentError):
    """Nothing was deployed under this name."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no deployment at {path}: run 'ape run deploy'")


class ArtefactMalformed(DeploymentError):
    """The artefact is not one that a deployment wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class ArtefactForeign(DeploymentError):
    """The artefact belongs to another chain with the same id."""

    def __init__(self, path: Path, genesis: str, found: str) -> None:
        super().__init__(f"{path} is of a chain whose first block is {genesis}; here it is {found}")


class ParametersChanged(DeploymentError):
    """The artefact was made with other parameters. A running system is changed by its governors, not by deploying."""

    def __init__(self, path: Path, what: Sequence[str]) -> None:
        super().__init__(f"{path} was deployed with other parameters ({', '.join(what)}): use another --name")


class BuildMissing(DeploymentError):
    """A contract is not compiled."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: run 'make compile'")


class BuildChanged(DeploymentError):
    """The artefact was made from other contracts."""

    def __init__(self, path: Path, contract: str) -> None:
        super().__init__(f"{path}: {contract} is now compiled to other code than was deployed: use another --name")


class CodeMismatch(DeploymentError):
    """The chain does not hold the code that the artefact tells of."""

    def __init__(self, contract: str, address: str, *, missing: bool) -> None:
        super().__init__(f"{'no code' if missing else 'other code than recorded'} at {address}, recorded as {contract}")


class AccountUnknown(DeploymentError):
    """No ape account of this name, or none was named where one is needed."""

    def __init__(self, alias: str | None) -> None:
        super().__init__("name the ape account that deploys with --account" if alias is None else f"no account {alias}")


class DeploymentIncomplete(DeploymentError):
    """A run was stopped, or failed, before the system was complete."""

    def __init__(self, name: str, chain_id: int, contracts: int) -> None:
        super().__init__(
            f"the deployment {name} on chain {chain_id} is not complete, {contracts} contracts are recorded: "
            "run 'steelyard deploy' again, it goes on from there"
        )


class TransactionsPending(DeploymentError):
    """What the deployer sent before is not mined: what is sent now could take its place."""

    def __init__(self, deployer: str, count: int, waited: float) -> None:
        super().__init__(f"{count} transactions of {deployer} were not mined in {waited:.0f} s: run it again later")


class StepFailed(DeploymentError):
    """A transaction was refused."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")


class VerificationFailed(DeploymentError):
    """What the chain says differs from what was meant.

    Attributes
    ----------
    problems : tuple of str
        One entry per difference.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))
