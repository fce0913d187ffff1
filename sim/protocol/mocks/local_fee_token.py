"""A token that keeps a part of each transfer (``LocalFeeToken.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.errors import Panic
from sim.protocol.evm import ARITHMETIC_PANIC, UINT256_MAX, ZERO_ADDRESS, Address, view
from sim.protocol.mocks.local_token import LocalToken

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["LocalFeeToken"]

_BPS: Final = 10_000


class LocalFeeToken(LocalToken):
    """A token with a fee on transfer.

    Parameters
    ----------
    world, name, address, decimals
        As for `LocalToken`.
    fee_bps : int
        Part of each transfer that the token keeps [1e-4].
    """

    def __init__(self, world: World, name: str, address: Address, *, decimals: int, fee_bps: int) -> None:
        super().__init__(world, name, address, decimals=decimals)
        self._fee_bps = fee_bps

    @view("FEE_BPS() -> (uint256)")
    def fee_bps(self) -> int:
        """Return the part of each transfer that the token keeps [1e-4]."""
        return self._fee_bps

    def _update(self, source: Address, to: Address, value: int) -> None:
        fee = 0
        if source != ZERO_ADDRESS:
            if value * self._fee_bps > UINT256_MAX:
                raise Panic(ARITHMETIC_PANIC)
            fee = value * self._fee_bps // _BPS
            super()._update(source, self.address, fee)
        if fee > value:
            raise Panic(ARITHMETIC_PANIC)
        super()._update(source, to, value - fee)
