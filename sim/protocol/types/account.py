"""Accounts, positions, permissions and what an account is worth (``Account.sol``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

__all__ = [
    "PERMISSION_MARGIN",
    "PERMISSION_TRADE",
    "PERMISSION_WITHDRAW",
    "Account",
    "AccountRisk",
    "MarginMode",
    "Permission",
    "PoolRisk",
    "Position",
]

PERMISSION_TRADE: Final = 1
"""Commit and cancel orders."""

PERMISSION_MARGIN: Final = 2
"""Move quote between the owner's accounts, set modes and leverage."""

PERMISSION_WITHDRAW: Final = 4
"""Withdraw, to the owner's own address only."""


class MarginMode(IntEnum):
    """How an account's positions share its margin."""

    CROSS = 0
    """Many markets, requirements add up."""
    ISOLATED = 1
    """At most one market."""
    PORTFOLIO = 2
    """Many markets, positions that offset each other require less; never more than cross."""


@dataclass(slots=True)
class Account:
    """An account header.

    Parameters
    ----------
    balance : int
        Quote [wad], signed.
    mode : int
        A `MarginMode`.
    open_markets : int
        Bit ``m`` is set while the account has a position in market ``m``.
    """

    balance: int = 0
    mode: int = MarginMode.CROSS
    open_markets: int = 0

    def copy(self) -> Account:
        """Return a copy, as a load into memory."""
        return Account(self.balance, self.mode, self.open_markets)

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (self.balance, int(self.mode), self.open_markets)


@dataclass(slots=True)
class Position:
    """A position.

    Parameters
    ----------
    shares : int
        Of the position's side, signed [wad].
    entry_index : int
        The side's index when funding was last settled [quote wad per share].
    """

    shares: int = 0
    entry_index: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (self.shares, self.entry_index)


class Permission(NamedTuple):
    """What an operator may do for an owner until `expires_at`, inclusive [seconds]."""

    flags: int
    expires_at: int


@dataclass(slots=True)
class AccountRisk:
    """Value and requirements of an account at current prices [quote wad].

    Parameters
    ----------
    equity : int
        Balance + positions at the oracle price - unsettled funding, down.
    initial_margin : int
        What must be left after more risk is taken or quote leaves, up.
    maintenance_margin : int
        Under it the account can be liquidated, up.
    notional : int
        Gross notional of all positions, up.
    """

    equity: int = 0
    initial_margin: int = 0
    maintenance_margin: int = 0
    notional: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (self.equity, self.initial_margin, self.maintenance_margin, self.notional)


class PoolRisk(NamedTuple):
    """Value and requirements of the pool, as a portfolio of what each market's skew leaves it [quote wad].

    Parameters
    ----------
    equity : int
        Balance + positions at the oracle price + unsettled funding of all traders, down.
    net_asset_value : int
        Equity less what traders would be paid for unwinding all skew, down.
    initial_margin, maintenance_margin, notional : int
        As for an account, up.
    priced_at : int
        Publish time of the oldest price that this is made of; now where no market has positions [seconds].
    """

    equity: int
    net_asset_value: int
    initial_margin: int
    maintenance_margin: int
    notional: int
    priced_at: int
