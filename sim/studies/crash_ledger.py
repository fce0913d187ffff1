"""Who paid whom in a replay: read from events, to the wei."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sim.protocol.types.account_id import POOL_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.protocol.outcome import Event

__all__ = ["FLOWS", "Books", "Flows", "Unreconciled"]

FLOWS: Final = ("prices", "fees", "penalties", "rewards", "bad_debt")
_BPS: Final = 10_000
_UNIT: Final = 10**12


class Unreconciled(AssertionError):
    """What events say and what balances say differ."""


@dataclass(slots=True)
class Flows:
    """What somebody gained by each kind of payment [quote wad].

    Attributes
    ----------
    prices
        Moves of prices, what orders moved them by, and funding.
    fees, penalties, rewards
        Of trades; of liquidations.
    bad_debt
        That another paid for an account, or that was paid for one.
    """

    prices: int = 0
    fees: int = 0
    penalties: int = 0
    rewards: int = 0
    bad_debt: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return self.prices + self.fees + self.penalties + self.rewards + self.bad_debt

    def add(self, other: Flows) -> None:
        """Add another's, in place."""
        for name in FLOWS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Books:
    """Double-entry books of a replay, kept by its events alone.

    Attributes
    ----------
    pool_fee_share
        Part of fees that goes to the pool, the rest to the insurance fund [1e-4].
    accounts
        Of traders, by account.
    pool, insurance, keeper
        Of the others.
    provided
        What was paid into the pool for shares, less what it paid out for them [quote wad].
    liquidations
        How many there were, by account.
    bankruptcies
        Accounts whose debt others paid.
    """

    pool_fee_share: int
    accounts: dict[int, Flows] = field(default_factory=dict)
    pool: Flows = field(default_factory=Flows)
    insurance: Flows = field(default_factory=Flows)
    keeper: Flows = field(default_factory=Flows)
    provided: int = 0
    liquidations: dict[int, int] = field(default_factory=dict)
    bankruptcies: list[int] = field(default_factory=list)

    def read(self, events: Iterable[Event]) -> None:
        """Book what a transaction did."""
        for event in events:
            if event.name == "Traded":
                self._traded(*event.args)
            elif event.name == "Liquidated":
                self._liquidated(*event.args)
            elif event.name == "BadDebtBooked":
                self._bad_debt(*event.args)
            elif event.name in {"Deposited", "Withdrawn"} and event.args[0] == POOL_ACCOUNT:
                sign = 1 if event.name == "Deposited" else -1
                self.provided += sign * event.args[2] * _UNIT

    def of(self, account: int) -> Flows:
        """Return the flows of a trader."""
        return self.accounts.setdefault(account, Flows())

    def check(self) -> None:
        """Check that what somebody gained somebody lost, for each kind of payment.

        Raises
        ------
        Unreconciled
            One does not add up to zero.
        """
        total = Flows()
        for one in (*self.accounts.values(), self.pool, self.insurance, self.keeper):
            total.add(one)
        for name in FLOWS:
            if getattr(total, name) != 0:
                raise Unreconciled(f"{name} add up to {getattr(total, name)}, not to zero")

    def _traded(
        self, account: int, _market: int, _size: int, cost: int, fee: int, funding: int, _rate: int, _balance: int
    ) -> None:
        one, to_pool = self.of(account), fee * self.pool_fee_share // _BPS
        one.prices -= cost + funding
        one.fees -= fee
        self.pool.prices += cost + funding
        self.pool.fees += to_pool
        self.insurance.fees += fee - to_pool

    def _liquidated(
        self, account: int, _liquidator: int, _closed: int, reward: int, penalty: int, _balance: int
    ) -> None:
        one = self.of(account)
        one.rewards -= reward
        one.penalties -= penalty
        self.keeper.rewards += reward
        self.insurance.penalties += penalty
        self.liquidations[account] = self.liquidations.get(account, 0) + 1

    def _bad_debt(self, account: int, from_insurance: int, from_pool: int) -> None:
        self.of(account).bad_debt += from_insurance + from_pool
        self.insurance.bad_debt -= from_insurance
        self.pool.bad_debt -= from_pool
        self.bankruptcies.append(account)
