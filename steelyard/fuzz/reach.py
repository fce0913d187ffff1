"""What a campaign must have reached: every action succeeds, and every declared error is raised or excused."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.fuzz.driver import WEIGHTS
from steelyard.fuzz.moves import AIMS
from steelyard.fuzz.pair import NO_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from steelyard.evm.artefacts import Artefacts

__all__ = ["EXEMPT", "Reach", "reach"]

_SCHEDULING = "scheduled operations of OpenZeppelin's access manager, which the system does not use"
_ROLES = "roles are set at the deployment and no move changes them; directed cases in tests/parity raise it"
_CONSTRUCTION = "raised by constructors and bounds of the deployment only; directed cases in tests/parity raise it"
_SDK = "functions of the Pyth SDK's mock that no contract calls"
_VIEWS = "views of the Pyth mock that no contract calls; directed cases in tests/parity raise it"
_TOKEN = "needs the zero address as caller or spender; directed cases in tests/parity raise it"

EXEMPT: Mapping[str, str] = {
    "AccessManagedInvalidAuthority": _ROLES,
    "AccessManagedRequiredDelay": "declared by OpenZeppelin, raised nowhere in the pinned version",
    "AccessManagerAlreadyScheduled": _SCHEDULING,
    "AccessManagerBadConfirmation": _ROLES,
    "AccessManagerExpired": _SCHEDULING,
    "AccessManagerInvalidInitialAdmin": _CONSTRUCTION,
    "AccessManagerLockedFunction": _ROLES,
    "AccessManagerLockedRole": _ROLES,
    "AccessManagerNotReady": _SCHEDULING,
    "AccessManagerNotScheduled": _SCHEDULING,
    "AccessManagerUnauthorizedAccount": _ROLES,
    "AccessManagerUnauthorizedCall": _SCHEDULING,
    "AccessManagerUnauthorizedCancel": _SCHEDULING,
    "AccessManagerUnauthorizedConsume": _SCHEDULING,
    "AddressEmptyCode": "a batch delegates to the contract itself, which has code",
    "ERC20InvalidApprover": _TOKEN,
    "ERC20InvalidSender": _TOKEN,
    "ERC20InvalidSpender": _TOKEN,
    "GasWithheld": "campaigns give each call all the gas there is; directed cases in tests/e2e raise it",
    "InsufficientBalance": _SCHEDULING,
    "InvalidArgument": _SDK,
    "InvalidTwapUpdateDataSet": _SDK,
    "MarketsExhausted": "moves list few markets, so that views stay short; a directed case in tests/parity lists all",
    "NoFreshUpdate": _SDK,
    "PriceFeedNotFound": _VIEWS,
    "StalePrice": _VIEWS,
    "TokenDecimalsMismatch": _CONSTRUCTION,
}
"""Declared errors that a campaign need not raise, each with its reason."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What was reached.

    Attributes
    ----------
    table : dict
        Of each action, how often its moves ended how: `""` for success, else the error.
    actions_missed : tuple of str
        Those that never succeeded.
    errors_missed : tuple of str
        Declared, not exempt, and never raised.
    errors_needless : tuple of str
        Exempt, and raised all the same: the exemption can go.
    """

    table: dict[str, Counter[str]]
    actions_missed: tuple[str, ...]
    errors_missed: tuple[str, ...]
    errors_needless: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.actions_missed and not self.errors_missed


def reach(
    ended: Mapping[tuple[str, str, str], int], outcomes: Iterable[tuple[str, str, str]], artefacts: Artefacts
) -> Reach:
    """Return what a campaign reached, from `SeedResult.ended` and `SeedResult.outcomes` of all its seeds."""
    table: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (action, _, error), count in ended.items():
        table[action][error] += count
    raised = {name for *_, name in outcomes} - {"", NO_DATA}
    declared = {entry["name"] for artefact in artefacts.all for entry in artefact.abi if entry["type"] == "error"}
    wanted = {action for action in WEIGHTS if any(not aim.target for aim in AIMS[action])}
    return Reach(
        {action: table[action] for action in WEIGHTS},
        tuple(sorted(action for action in wanted if not table[action][""])),
        tuple(sorted(declared - raised - set(EXEMPT))),
        tuple(sorted(raised & set(EXEMPT))),
    )
