"""A deployed exchange with traders on it, in a few words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from steelyard import parameters as parameter_files
from steelyard.client import AccountId, Exchange, MarginMode, Order, Receipt, UnlockedSender, to_account_id
from steelyard.client.pyth import encode_update
from steelyard.client.vault import Kind, Vault
from steelyard.deployment.command import deploy

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.demo.local import LocalChain
    from steelyard.deployment import Artefact

WAD = 10**18
UNIT = 10**6
_PRICES = {"BTC": 40_000, "ETH": 2_500, "SOL": 50}


@dataclass(slots=True)
class Market:
    """An exchange whose pool belongs to its deployer, all markets at round prices."""

    chain: LocalChain
    exchange: Exchange
    artefact: Artefact
    now: int
    keeper: UnlockedSender
    prices: dict[str, int] = field(default_factory=lambda: dict(_PRICES))

    @classmethod
    def open(cls, chain: LocalChain, folder: Path, name: str, *, pool: int = 10_000_000) -> Market:
        outcome = deploy(parameters_file=parameter_files.LOCAL, chain_ids=(), name=name, account=None, folder=folder)
        exchange = Exchange(chain, outcome.artefact.addresses)
        keeper = UnlockedSender("0x" + keccak(text=f"keeper of {name}")[12:].hex())
        chain.fill(keeper.address)
        deployer, house, vault = UnlockedSender(outcome.artefact.deployer), exchange.clearinghouse, Vault(exchange)
        chain.send(deployer, exchange.token, "mint", deployer.address, (pool + 1_000_000) * UNIT)
        chain.send(deployer, exchange.token, "approve", house.address, 1_000_000 * UNIT)
        chain.send(deployer, exchange.token, "approve", vault.contract.address, pool * UNIT)
        chain.send(deployer, house, "fundInsurance", 1_000_000 * UNIT)
        vault.request_deposit(deployer, pool * UNIT)
        chain.move_to(chain.block().timestamp + vault.times.settle_delay)
        exchange.fulfil(keeper, 1, 0)
        vault.claim(deployer, Kind.DEPOSIT, pool * UNIT)
        market = cls(chain, exchange, outcome.artefact, chain.block().timestamp, keeper)
        market.publish()
        return market

    def publish(self, **changed: int) -> list[bytes]:
        """Publish prices [USD] twenty seconds after the last ones."""
        self.prices.update(changed)
        previous, self.now = self.now, self.now + 20
        updates = [
            encode_update(
                market.oracle.feed,
                price=self.prices[market.symbol] * 10**8,
                confidence=10**6,
                published_at=self.now,
                previous_at=previous,
            )
            for market in parameter_files.load().markets
        ]
        self.chain.move_to(self.now)
        self.exchange.update_prices(self.keeper, (0, 1, 2), tuple(updates), fee=len(updates))
        return updates

    def trader(
        self, name: str, deposit: int, mode: MarginMode = MarginMode.ISOLATED
    ) -> tuple[UnlockedSender, AccountId]:
        """Return a new trader with `deposit` [USD] in an account."""
        sender = UnlockedSender("0x" + keccak(text=f"{name} {self.artefact.name}")[12:].hex())
        account = to_account_id(sender.address, 0)
        exchange = self.exchange
        self.chain.fill(sender.address)
        self.chain.send(sender, exchange.token, "mint", sender.address, deposit * UNIT)
        self.chain.send(sender, exchange.token, "approve", exchange.clearinghouse.address, deposit * UNIT)
        exchange.deposit(sender, account, deposit * UNIT)
        exchange.set_margin_mode(sender, account, mode)
        return sender, account

    def opened(self, name: str, symbol: str, *, deposit: int, leverage: int) -> AccountId:
        """Return the account of a new trader with a position of `leverage`, short where that is negative."""
        sender, account = self.trader(name, deposit)
        self.trade(sender, account, symbol, deposit * leverage)
        return account

    def trade(self, sender: UnlockedSender, account: AccountId, symbol: str, notional: int) -> None:
        """Buy, or sell where negative, for `notional` [USD] at the price of now."""
        self.order(sender, account, symbol, notional * WAD // self.prices[symbol])

    def order(self, sender: UnlockedSender, account: AccountId, symbol: str, size: int) -> Receipt:
        """Commit to an order of `size` [base wad] and settle it at the price of now; returns the settlement."""
        market = list(self.prices).index(symbol)
        order = Order(
            account=account,
            market=market,
            slot=0,
            expires_at=2**40 - 1,
            size_delta=size,
            acceptable_price=2**100 if size > 0 else 0,
            keeper_fee=0,
        )
        self.exchange.commit(sender, order)
        update = self.publish()[market]
        reward = to_account_id(self.keeper.address, 0)
        return self.exchange.settle(self.keeper, order, reward, (update,), fee=1)
