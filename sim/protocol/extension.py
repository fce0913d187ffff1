"""The code that the clearinghouse runs by delegatecall, at its own address (``ClearinghouseExt.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.clearinghouse_ext import ClearinghouseExt
from sim.protocol.errors import DelegateCallRequired
from sim.protocol.evm import Contract

if TYPE_CHECKING:
    from sim.protocol.evm import Address, Entry

__all__ = ["Extension"]

_METHOD = "refuse"


class Extension(Contract):
    """What answers to a call of the extension by itself: it holds nothing, so it does nothing."""

    @classmethod
    def declared(cls) -> list[tuple[Entry, str]]:
        """Return the functions that it has for the clearinghouse, none of which it runs."""
        return [
            (entry, _METHOD)
            for entry, method in ClearinghouseExt.declared()
            if method in ClearinghouseExt.__dict__ and not entry.is_view
        ]

    def refuse(self, _sender: Address, *_: Any) -> None:
        """Refuse to run outside the clearinghouse (``ClearinghouseExt.sol::delegated``).

        Raises
        ------
        DelegateCallRequired
            Always.
        """
        raise DelegateCallRequired
