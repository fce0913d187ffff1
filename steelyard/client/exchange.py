"""The exchange on a chain for keepers: its contracts with typed views and entry points, amounts as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.client.abi import decode_revert
from steelyard.client.records import AccountId
from steelyard.client.steps import Synchronous
from steelyard.client.views import Views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steelyard.client.chain import Chain, Receipt, Sender
    from steelyard.client.errors import ContractReverted
    from steelyard.client.records import MarginMode, Order
    from steelyard.client.steps import Step

__all__ = ["Exchange"]


class Exchange(Views, Synchronous):
    """The contracts of one deployment.

    Parameters
    ----------
    chain : Chain
        That they are on.
    addresses : mapping of str to str
        By contract name, as in the deployment artefact. `Token` and `Pyth` are the settlement token and the Pyth
        contract, whatever they are called themselves.
    """

    def __init__(self, chain: Chain, addresses: Mapping[str, str]) -> None:
        super().__init__(addresses)
        self.chain = chain
        self.treasury = AccountId(chain.call(self.clearinghouse, "TREASURY"))

    def _answer(self, step: Step) -> Any:
        return self.chain.answer(step)

    # ---- transactions

    def deposit(self, sender: Sender, account: AccountId, amount: int) -> Receipt:
        """Credit `amount` token units to an account."""
        return self.chain.send(sender, self.clearinghouse, "deposit", account, amount)

    def withdraw(self, sender: Sender, account: AccountId, amount: int, recipient: str) -> Receipt:
        """Pay `amount` token units out to `recipient`."""
        return self.chain.send(sender, self.clearinghouse, "withdraw", account, amount, recipient)

    def set_margin_mode(self, sender: Sender, account: AccountId, mode: MarginMode) -> Receipt:
        """Set how an account's positions share its margin."""
        return self.chain.send(sender, self.clearinghouse, "setMarginMode", account, int(mode))

    def set_leverage(self, sender: Sender, account: AccountId, funded_by: AccountId, leverage: int) -> Receipt:
        """Bring an account to `leverage` [wad] by moving quote from, or to, `funded_by`."""
        return self.chain.send(sender, self.clearinghouse, "setLeverage", account, funded_by, leverage)

    def liquidate(self, sender: Sender, account: AccountId, liquidator: AccountId) -> Receipt:
        """Close as much of an account under maintenance margin as brings it to the target health."""
        return self.chain.send(sender, self.clearinghouse, "liquidate", account, liquidator)

    def deleverage(self, sender: Sender) -> Receipt:
        """Shrink the heavier sides of a pool under its maintenance margin."""
        return self.chain.send(sender, self.clearinghouse, "deleverage")

    def fulfil(self, sender: Sender, deposits: int, redemptions: int) -> Receipt:
        """Settle requests to the vault, no more than so many of each queue."""
        return self.chain.send(sender, self.vault, "fulfil", deposits, redemptions)

    def commit(self, sender: Sender, order: Order) -> Receipt:
        """Commit to an order."""
        return self.chain.send(sender, self.order_book, "commit", order.encoded())

    def settle(
        self, sender: Sender, order: Order, keeper: AccountId, update_data: Sequence[bytes], *, fee: int = 0
    ) -> Receipt:
        """Settle an order at the price that `update_data` proves to be the first after its delay.

        The transaction also succeeds where the order failed and is used up: see `failure_of`.
        """
        return self.chain.send(
            sender, self.order_book, "settle", order.encoded(), keeper, tuple(update_data), value=fee
        )

    def failure_of(self, settled: Receipt) -> ContractReverted | None:
        """Return why the order that `settled` used up failed, None if it was filled."""
        failures = self.chain.events(self.order_book, settled.raw_logs, "OrderFailed")
        return decode_revert(bytes.fromhex(failures[0].arguments["reason"][2:])) if failures else None

    def update_prices(
        self, sender: Sender, markets: Sequence[int], update_data: Sequence[bytes], *, fee: int = 0
    ) -> Receipt:
        """Store newer prices."""
        return self.chain.send(sender, self.oracle, "update", tuple(markets), tuple(update_data), value=fee)
