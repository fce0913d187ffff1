"""Fungible tokens (OpenZeppelin ``ERC20.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sim.protocol.errors import (
    ERC20InsufficientAllowance,
    ERC20InsufficientBalance,
    ERC20InvalidApprover,
    ERC20InvalidReceiver,
    ERC20InvalidSender,
    ERC20InvalidSpender,
    Panic,
)
from sim.protocol.evm import ARITHMETIC_PANIC, UINT256_MAX, ZERO_ADDRESS, Address, Contract, external, view

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["ERC20"]


class ERC20(Contract):
    """An ERC-20 token without a way to make any.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    """

    def __init__(self, world: World, name: str, address: Address) -> None:
        super().__init__(world, name, address)
        self._balances: dict[Address, int] = {}
        self._allowances: dict[tuple[Address, Address], int] = {}
        self._total_supply = 0

    @external("transfer(address,uint256) -> (bool)")
    def transfer(self, sender: Address, to: Address, value: int) -> Literal[True] | bytes:
        """Move tokens of the sender (``ERC20.sol::transfer``).

        Raises
        ------
        ERC20InvalidSender, ERC20InvalidReceiver, ERC20InsufficientBalance
            As named.
        """
        self._transfer(sender, to, value)
        return True

    @external("transferFrom(address,address,uint256) -> (bool)")
    def transfer_from(self, sender: Address, source: Address, to: Address, value: int) -> Literal[True] | bytes:
        """Move tokens that the sender may spend (``ERC20.sol::transferFrom``).

        Raises
        ------
        ERC20InsufficientAllowance, ERC20InvalidApprover, ERC20InvalidSpender
            As named.
        ERC20InvalidSender, ERC20InvalidReceiver, ERC20InsufficientBalance
            As named.
        """
        self._spend_allowance(source, sender, value)
        self._transfer(source, to, value)
        return True

    @external("approve(address,uint256) -> (bool)")
    def approve(self, sender: Address, spender: Address, value: int) -> bool:
        """Let `spender` spend `value` token units of the sender (``ERC20.sol::approve``).

        Raises
        ------
        ERC20InvalidApprover, ERC20InvalidSpender
            As named.
        """
        self._approve(sender, spender, value)
        self.emit("Approval", sender, spender, value)
        return True

    def held_by(self, account: Address) -> int:
        """Return what an account really holds, whatever `balance_of` says [token units]."""
        return self._balances.get(account, 0)

    def stored_balances(self) -> dict[Address, int]:
        """Return all balances ever stored; not to be changed."""
        return self._balances

    @view("balanceOf(address) -> (uint256)")
    def balance_of(self, account: Address) -> int:
        """Return a balance [token units]."""
        return self._balances.get(account, 0)

    @view("allowance(address,address) -> (uint256)")
    def allowance(self, owner: Address, spender: Address) -> int:
        """Return what `spender` may spend [token units]."""
        return self._allowances.get((owner, spender), 0)

    @view("totalSupply() -> (uint256)")
    def total_supply(self) -> int:
        """Return what there is [token units]."""
        return self._total_supply

    def _approve(self, owner: Address, spender: Address, value: int) -> None:
        if owner == ZERO_ADDRESS:
            raise ERC20InvalidApprover(ZERO_ADDRESS)
        if spender == ZERO_ADDRESS:
            raise ERC20InvalidSpender(ZERO_ADDRESS)
        self._put(self._allowances, (owner, spender), value)

    def _spend_allowance(self, owner: Address, spender: Address, value: int) -> None:
        allowance = self._allowances.get((owner, spender), 0)
        if allowance < UINT256_MAX:
            if allowance < value:
                raise ERC20InsufficientAllowance(spender, allowance, value)
            self._approve(owner, spender, allowance - value)

    def _transfer(self, source: Address, to: Address, value: int) -> None:
        if source == ZERO_ADDRESS:
            raise ERC20InvalidSender(ZERO_ADDRESS)
        if to == ZERO_ADDRESS:
            raise ERC20InvalidReceiver(ZERO_ADDRESS)
        self._update(source, to, value)

    def _update(self, source: Address, to: Address, value: int) -> None:
        if source == ZERO_ADDRESS:
            if self._total_supply + value > UINT256_MAX:
                raise Panic(ARITHMETIC_PANIC)
            self._set("_total_supply", self._total_supply + value)
        else:
            balance = self._balances.get(source, 0)
            if balance < value:
                raise ERC20InsufficientBalance(source, balance, value)
            self._put(self._balances, source, balance - value)
        if to == ZERO_ADDRESS:
            self._set("_total_supply", self._total_supply - value)
        else:
            self._put(self._balances, to, self._balances.get(to, 0) + value)
        self.emit("Transfer", source, to, value)
