"""A contract that signs what it was told to (``LocalWallet.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.evm import Address, Contract, external, view

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["LocalWallet"]

_MAGIC: Final = "0x1626ba7e"
"""What EIP-1271 answers for a valid signature."""


class LocalWallet(Contract):
    """A contract that owns accounts and signs (EIP-1271).

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    """

    def __init__(self, world: World, name: str, address: Address) -> None:
        super().__init__(world, name, address)
        self._approved: dict[str, bool] = {}

    @external("setApproval(bytes32,bool)")
    def set_approval(self, _sender: Address, digest: str, approved: bool) -> None:
        """Approve a hash, or take that back (``LocalWallet.sol::setApproval``)."""
        self._put(self._approved, digest, approved)
        self.emit("ApprovalSet", digest, approved)

    @view("isApproved(bytes32) -> (bool)")
    def approves(self, digest: str) -> bool:
        """Return whether a hash is approved."""
        return self._approved.get(digest, False)

    @view("isValidSignature(bytes32,bytes) -> (bytes4)")
    def is_valid_signature(self, digest: str, _signature: str | bytes) -> str:
        """Return the standard's answer for a valid signature, or zero (``LocalWallet.sol::isValidSignature``)."""
        return _MAGIC if self.approves(digest) else "0x00000000"
