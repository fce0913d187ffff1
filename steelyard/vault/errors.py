"""Why a provider's command refuses.

Exceptions
----------
VaultError
    ├── TokensMissing
    ├── SharesMissing
    ├── MintForbidden
    └── NothingClaimable
"""

from __future__ import annotations

__all__ = ["MintForbidden", "NothingClaimable", "SharesMissing", "TokensMissing", "VaultError"]


class VaultError(RuntimeError):
    """A provider asked for what he does not have."""


class TokensMissing(VaultError):
    """The sender has fewer tokens than he wants to deposit."""

    def __init__(self, owner: str, held: str, wanted: str) -> None:
        super().__init__(f"{owner} holds {held} of the settlement token, not {wanted}")


class SharesMissing(VaultError):
    """The sender has fewer shares than he wants to redeem; those of requests lie in the vault."""

    def __init__(self, owner: str, held: str, wanted: str) -> None:
        super().__init__(f"{owner} holds {held} shares, not {wanted}")


class MintForbidden(VaultError):
    """Tokens can be made on local chains only."""

    def __init__(self, chain_id: int) -> None:
        super().__init__(f"chain {chain_id} is not local: its settlement token cannot be minted here")


class NothingClaimable(VaultError):
    """No request is settled that was not claimed."""

    exit_code = 3

    def __init__(self, owner: str) -> None:
        super().__init__(f"nothing is settled and unclaimed of {owner}; 'steelyard vault requests' tells what waits")
