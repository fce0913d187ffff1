"""The settlement token of local chains (``LocalToken.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.erc20 import ERC20
from sim.protocol.errors import ERC20InvalidReceiver
from sim.protocol.evm import ZERO_ADDRESS, Address, external, view

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["LocalToken"]


class LocalToken(ERC20):
    """An ERC-20 token that anyone mints.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    decimals : int
        6 for the clearinghouse, which refuses all else.
    """

    def __init__(self, world: World, name: str, address: Address, *, decimals: int) -> None:
        super().__init__(world, name, address)
        self._decimals = decimals

    @external("mint(address,uint256)")
    def mint(self, _sender: Address, account: Address, amount: int) -> None:
        """Mint `amount` token units (``LocalToken.sol::mint``).

        Raises
        ------
        ERC20InvalidReceiver, Panic
            Zero address; the supply leaves its type.
        """
        if account == ZERO_ADDRESS:
            raise ERC20InvalidReceiver(ZERO_ADDRESS)
        self._update(ZERO_ADDRESS, account, amount)

    @view("decimals() -> (uint8)")
    def decimals(self) -> int:
        """Return the number of decimals."""
        return self._decimals

    @view("name() -> (string)")
    def token_name(self) -> str:
        """Return the name."""
        return "Local USD"

    @view("symbol() -> (string)")
    def symbol(self) -> str:
        """Return the symbol."""
        return "USDL"
