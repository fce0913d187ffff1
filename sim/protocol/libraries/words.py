"""What fits the storage words (``Words.sol``).

The model keeps records instead of words; packing one means checking what the contract's casts check, in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.evm import to_int96, to_int104, to_int128, to_uint96

if TYPE_CHECKING:
    from sim.protocol.types.account import Account
    from sim.protocol.types.ledger import Ledger
    from sim.protocol.types.market import Market, Side

__all__ = ["pack_account", "pack_ledger", "pack_market"]

_UINT32_MASK: Final = 2**32 - 1


def pack_account(account: Account) -> Account:
    """Return `account` if its balance fits (``Words.sol::pack``).

    Raises
    ------
    SafeCastOverflowedIntDowncast
        The balance does not fit ``int128``.
    """
    to_int128(account.balance)
    return account


def pack_ledger(ledger: Ledger) -> Ledger:
    """Return `ledger` if its balances fit (``Words.sol::pack``).

    Raises
    ------
    SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
        The pool's balance does not fit ``int104``; the insurance fund's does not fit ``uint96``.
    """
    to_int104(ledger.pool_balance)
    to_uint96(ledger.insurance_balance)
    return ledger


def pack_market(market: Market) -> Market:
    """Return `market` if its sides and its funding fit (``Words.sol::pack``); the clock wraps in 2106.

    Raises
    ------
    SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
        Shares do not fit ``uint96``, an index ``int96`` or the entry sum ``int128``.
    """
    _check_side(market.longs)
    _check_side(market.shorts)
    funding = market.funding
    to_int128(funding.entry_sum)
    funding.accrued_at &= _UINT32_MASK
    return market


def _check_side(side: Side) -> None:
    to_uint96(side.shares)
    to_int96(side.index)
