"""The vault's state in the model as storage words; see `steelyard.fuzz.storage`."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from sim.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sim.protocol.evm import Address
    from sim.protocol.libraries.requests import Queue
    from sim.protocol.liquidity_vault import LiquidityVault

__all__ = ["VaultStorage", "Word", "mapped"]

Word = tuple[str, int, int]
"""Address, slot, value."""
_LOW = (1 << 56) - 1

_BALANCES, _ALLOWANCES, _SUPPLY, _NAME, _SYMBOL, _OPERATORS, _DEPOSITS, _REDEMPTIONS, _VALUE = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    9,
    12,
)


@cache
def mapped(slot: int, *keys: int) -> int:
    """Return the slot of a value in a mapping at `slot`, or in mappings of mappings."""
    for key in keys:
        slot = int.from_bytes(keccak256(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")
    return slot


class VaultStorage:
    """Storage words of the vault, computed from a model.

    Parameters
    ----------
    vault : LiquidityVault
        The model, at the address of the chain.

    Attributes
    ----------
    by_mapping : dict
        By the id of each mapping of the model: what gives the words of a key.
    """

    def __init__(self, vault: LiquidityVault) -> None:
        self._vault = vault
        self.by_mapping: dict[int, Callable[[Any], Iterable[Word]]] = {
            id(vault._balances): self.balance,
            id(vault._allowances): self.allowance,
            id(vault._operators): self.operator,
            id(vault.__dict__): self.variable,
        }
        for queue, slot in self._queues():
            self.by_mapping[id(queue.headers)] = partial(self.header, queue, slot)
            self.by_mapping[id(queue.requests)] = partial(self.request, queue, slot)
            self.by_mapping[id(queue.claims)] = partial(self.claim, queue, slot)

    def _queues(self) -> tuple[tuple[Queue, int], tuple[Queue, int]]:
        return (self._vault.deposits, _DEPOSITS), (self._vault.redemptions, _REDEMPTIONS)

    def every(self, owners: Iterable[Address]) -> Iterator[Word]:
        """Yield all words that were stored, and balances and claims of some owners, those never stored too."""
        for owner in owners:
            yield from self.balance(owner)
            for queue, slot in self._queues():
                yield from self.claim(queue, slot, owner)
        yield from self.stored()

    def stored(self) -> Iterator[Word]:
        """Yield every word that the model ever stored, name and symbol included."""
        vault = self._vault
        yield vault.address, _NAME, _short(vault.token_name())
        yield vault.address, _SYMBOL, _short(vault.symbol())
        for variable in ("_total_supply", "_last_net_asset_value"):
            yield from self.variable(variable)
        for owner in vault._balances:
            yield from self.balance(owner)
        for approval in vault._allowances:
            yield from self.allowance(approval)
        for pair in vault._operators:
            yield from self.operator(pair)
        for queue, slot in self._queues():
            yield from self.header(queue, slot)
            for number in queue.requests:
                yield from self.request(queue, slot, number)
            for controller in queue.claims:
                yield from self.claim(queue, slot, controller)

    def balance(self, owner: Address) -> tuple[Word]:
        """Return the shares of an owner."""
        vault = self._vault
        return ((vault.address, mapped(_BALANCES, int(owner, 16)), vault.balance_of(owner)),)

    def allowance(self, key: tuple[Address, Address]) -> tuple[Word]:
        """Return an allowance of shares, by owner and spender."""
        slot = mapped(_ALLOWANCES, int(key[0], 16), int(key[1], 16))
        return ((self._vault.address, slot, self._vault.allowance(*key)),)

    def operator(self, key: tuple[Address, Address]) -> tuple[Word]:
        """Return whether one may act for another, by controller and operator."""
        slot = mapped(_OPERATORS, int(key[0], 16), int(key[1], 16))
        return ((self._vault.address, slot, int(self._vault.is_operator(*key))),)

    def variable(self, name: str) -> tuple[Word, ...]:
        """Return a variable by its name in the model."""
        vault = self._vault
        match name:
            case "_total_supply":
                return ((vault.address, _SUPPLY, vault.total_supply()),)
            case "_last_net_asset_value":
                return ((vault.address, _VALUE, vault.last_net_asset_value()),)
            case _:
                return ()

    def header(self, queue: Queue, slot: int, _key: str = "") -> tuple[Word]:
        """Return where a queue stands."""
        done, made, filled = queue.header
        return ((self._vault.address, slot, done | made << 64 | filled << 128),)

    def request(self, queue: Queue, slot: int, number: int) -> tuple[Word, Word]:
        """Return the two words of a request."""
        controller, requested_at, amount, end = queue.request_of(number)
        at, address = mapped(slot + 1, number), self._vault.address
        low, high = amount & _LOW, amount >> 56
        first = int(controller, 16) | requested_at << 160 | low << 200
        return (address, at, first), (address, at + 1, high | end << 72)

    def claim(self, queue: Queue, slot: int, controller: Address) -> tuple[Word, Word]:
        """Return the two words of what a controller may claim."""
        amount, payout, claimed = queue.claim_of(controller)
        at, address = mapped(slot + 2, int(controller, 16)), self._vault.address
        return (address, at, amount | payout << 128), (address, at + 1, claimed)


def _short(text: str) -> int:
    """Return the word of a string of less than 32 bytes."""
    raw = text.encode()
    return int.from_bytes(raw.ljust(32, b"\0"), "big") | 2 * len(raw)
