"""Who may call what is restricted: the roles of the AccessManager, and the functions that each holds.

A restricted function that no role is named for belongs to ADMIN, as in the AccessManager itself.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["FUNCTION_ROLES", "Role"]


class Role(IntEnum):
    """Role ids of `Authority.sol`; ADMIN is the AccessManager's own."""

    ADMIN = 0
    GUARDIAN = 1
    """Stops what raises risk, and nothing else."""
    STEWARD = 2
    """Sets markets, feeds and risk parameters within the contracts' bounds."""


FUNCTION_ROLES: dict[str, dict[Role, tuple[str, ...]]] = {
    "Clearinghouse": {
        Role.ADMIN: ("setExecutor", "setVault", "unpauseRisk"),
        Role.GUARDIAN: ("pauseRisk",),
        Role.STEWARD: ("listMarket", "setInsuranceCap", "setMarket", "setPortfolio", "setRiskConfig"),
    },
    "PriceOracle": {
        Role.STEWARD: ("setFeed", "setGuard", "setSequencer"),
    },
}
"""Contract, role, names of the restricted functions."""
