"""Whose the pool is in a replay: some ask for their money as the crash begins, the others stay to its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sim.protocol.evm import Address
from sim.studies.crash_ledger import Unreconciled

if TYPE_CHECKING:
    from sim.protocol import Outcome, World
    from sim.studies.crowd import CrowdSettings

__all__ = ["LEAVING", "STAYING", "Provided", "Providers"]

LEAVING: Final = Address("0x" + "1e" * 20)
STAYING: Final = Address("0x" + "57" * 20)

_UNIT: Final = 10**12
_VIRTUAL_SHARES: Final = 10**12
_ROUNDINGS: Final = 10
"""What roundings leave in a pool at most [token units]."""
_ENDLESS: Final = 10


class _Desk(Protocol):
    """Where providers send their transactions."""

    @property
    def model(self) -> World:
        """The exact model."""
        ...

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        ...

    def must(self, sender: str, contract: str, function: str, *args: Any) -> Outcome:
        """Run a transaction that must pass."""
        ...

    def may(self, sender: str, contract: str, function: str, *args: Any) -> Outcome:
        """Run a transaction that may revert."""
        ...


class Provided(NamedTuple):
    """What came of the providers; money in wei of quote.

    Attributes
    ----------
    paid_in
        By those who left and by those who stayed.
    early
        What those who left had been paid before everybody closed.
    gains
        What the ones and the others gained until the end, their last shares redeemed then.
    settlements
        How many times something of the requests was settled before everybody closed.
    refused
        Why nothing was settled, and how many times, by the name of the error.
    """

    paid_in: tuple[int, int]
    early: int
    gains: tuple[int, int]
    settlements: int
    refused: dict[str, int]


@dataclass(slots=True)
class Providers:
    """Two providers of one pool, and their requests.

    Attributes
    ----------
    desk
        Where they act.
    settings
        Of the replay.
    purse, keeper
        Who has tokens, and who settles requests.
    """

    desk: _Desk
    settings: CrowdSettings
    purse: str
    keeper: str
    paid_in: dict[Address, int] = field(default_factory=dict)
    received: dict[Address, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    settlements: int = 0
    early: int = 0
    has_asked: bool = False

    def enter(self, pool: int) -> None:
        """Pay `pool` token units in for shares."""
        desk, vault = self.desk, self.desk.model.vault
        leaving = int(pool * self.settings.redeem)
        for provider, amount in ((LEAVING, leaving), (STAYING, pool - leaving)):
            if amount:
                self.paid_in[provider] = amount
                desk.must(self.purse, "LocalToken", "transfer", provider, amount)
                desk.must(provider, "LocalToken", "approve", vault.address, amount)
                desk.must(provider, "LiquidityVault", "requestDeposit", amount, provider, provider)
        desk.wait(vault.settle_delay_seconds())
        desk.must(self.keeper, "LiquidityVault", "fulfil", len(self.paid_in), 0)
        for provider, amount in self.paid_in.items():
            desk.must(provider, "LiquidityVault", "deposit(uint256,address)", amount, provider)

    def watch(self, fall: float) -> None:
        """Ask for the money of those who leave once a price has fallen by what alarms them."""
        if LEAVING in self.paid_in and not self.has_asked and fall >= self.settings.alarm:
            self._ask(LEAVING)
            self.has_asked = True

    def settle(self) -> None:
        """Settle what can be of the requests, as a keeper does."""
        vault = self.desk.model.vault
        done, made, _ = vault.redeem_queue()
        if done == made:
            return
        outcome = self.desk.may(self.keeper, "LiquidityVault", "fulfil", 0, _ENDLESS)
        if outcome.ok:
            self.settlements += 1
        else:
            self.refused[outcome.error.name if outcome.error is not None else ""] += 1

    def leave(self) -> Provided:
        """Redeem and claim all that is left once nobody has a position; returns what came of it.

        Raises
        ------
        Unreconciled
            Money is left that belongs to nobody.
        """
        desk, vault = self.desk, self.desk.model.vault
        house = desk.model.clearinghouse
        self.early = vault.max_withdraw(LEAVING)
        refused, settlements = dict(self.refused), self.settlements
        dust = (_ROUNDINGS + vault.convert_to_assets(_VIRTUAL_SHARES)) * _UNIT
        if house.ledger().pool_balance > dust:
            for provider in self.paid_in:
                if vault.balance_of(provider) > 0:
                    self._ask(provider)
            desk.wait(vault.settle_delay_seconds())
            self.settle()
            if house.ledger().pool_balance > dust:
                raise Unreconciled(f"pool: {house.ledger().pool_balance} are left that nobody has a share of")
        for provider in self.paid_in:
            shares = vault.max_redeem(provider)
            if shares:
                held = vault.max_withdraw(provider)
                desk.must(provider, "LiquidityVault", "redeem", shares, provider, provider)
                self.received[provider] = held
        paid = tuple(self.paid_in.get(one, 0) * _UNIT for one in (LEAVING, STAYING))
        gains = tuple((self.received.get(one, 0) - self.paid_in.get(one, 0)) * _UNIT for one in (LEAVING, STAYING))
        return Provided((paid[0], paid[1]), self.early * _UNIT, (gains[0], gains[1]), settlements, refused)

    def _ask(self, provider: Address) -> None:
        shares = self.desk.model.vault.balance_of(provider)
        self.desk.must(provider, "LiquidityVault", "requestRedeem", shares, provider, provider)
