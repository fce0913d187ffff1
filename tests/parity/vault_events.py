"""What an observer of the vault's events knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.protocol.evm import Address

if TYPE_CHECKING:
    from sim.protocol.liquidity_vault import LiquidityVault

__all__ = ["RebuiltVault"]


@dataclass
class RebuiltVault:
    """Shares, requests by kind and id, claims by kind and controller, operators."""

    shares: Counter[str] = field(default_factory=Counter)
    requests: dict[tuple[str, int], tuple[str, int, int]] = field(default_factory=dict)
    claims: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    operators: dict[tuple[str, str], bool] = field(default_factory=dict)
    last: tuple[int, int] = 0, 0

    def note(self, name: str, args: tuple[Any, ...], now: int) -> None:
        """Take in an event of a block at `now`."""
        match name, args:
            case "Transfer", (source, to, value):
                self.shares[source] -= value
                self.shares[to] += value
            case (("DepositRequest" | "RedeemRequest"), (controller, _, number, _, amount)):
                self.requests[name.removesuffix("Request"), number] = controller, now, amount
            case (("DepositFulfilled" | "RedeemFulfilled"), (controller, number, amount, payout)):
                kind = name.removesuffix("Fulfilled")
                self._reduce(kind, number, amount)
                self._claim(kind, controller, amount, payout)
            case (("DepositCancelled" | "RedeemCancelled"), (_, number, _, amount)):
                self._reduce(name.removesuffix("Cancelled"), number, amount)
            case "Deposit", (controller, _, assets, shares):
                self._claim("Deposit", controller, -assets, -shares)
            case "Withdraw", (_, _, controller, assets, shares):
                self._claim("Redeem", controller, -shares, -assets)
            case "OperatorSet", (controller, operator, approved):
                self.operators[controller, operator] = approved
            case "Fulfilled", (value, supply):
                self.last = value, supply
            case _:
                assert name == "Approval", name

    def check(self, vault: LiquidityVault) -> None:
        """Compare with the model."""
        for owner, shares in self.shares.items():
            if int(owner, 16):
                assert vault.balance_of(Address(owner)) == shares
        queues = {"Deposit": vault.deposits, "Redeem": vault.redemptions}
        for (kind, number), (controller, requested_at, pending) in self.requests.items():
            assert queues[kind].pending_of(number, Address(controller)) == pending
            request = queues[kind].request_of(number)
            assert request.amount == 0 or request[:2] == (controller, requested_at)
        for kind, queue in queues.items():
            for controller, claim in queue.claims.items():
                found = self.claims[kind, controller, "amount"], self.claims[kind, controller, "payout"]
                assert found == claim[:2]
        for (controller, operator), approved in self.operators.items():
            assert vault.is_operator(Address(controller), Address(operator)) == approved
        assert self.last == (vault.last_net_asset_value(), vault.total_supply())

    def _reduce(self, kind: str, number: int, amount: int) -> None:
        controller, requested_at, pending = self.requests[kind, number]
        self.requests[kind, number] = controller, requested_at, pending - amount

    def _claim(self, kind: str, controller: str, amount: int, payout: int) -> None:
        self.claims[kind, controller, "amount"] += amount
        self.claims[kind, controller, "payout"] += payout
