"""The whole exchange on a local chain, in a state in which nothing is free: every slot that a market or an account has
is in use, both sides hold positions, skew and funding rate are not zero, and time passes between transactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.bench.chain import Anvil, Receipt, RpcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.bench.artefacts import Artefact

__all__ = [
    "BLOCK_SECONDS",
    "IDLE_SECONDS",
    "PRICES",
    "UNIT",
    "WAD",
    "Exchange",
    "ExchangeError",
    "account_of",
    "address_of",
]

WAD = 10**18
UNIT = 10**6
"""Token units per quote."""
BLOCK_SECONDS = 12
IDLE_SECONDS = 301
"""How long a market rests before a measured transaction: it has funding to accrue."""
FEE = 1
"""Pyth's fee per update [wei], as on most chains."""
_EXPONENT = -8
_RAW_PER_USD = 10**8

PRICES = (61_234.56, 3_041.27, 148.93, 0.6127, 581.44, 0.1289, 27.36, 6.783, 14.62, 72.41, 9.127, 4.518)
"""USD per base unit of the markets listed, as floats that are only scaled to Pyth's integers."""

_DEPTH = 400_000_000
"""Notional at which the skew moves a price by all of itself [quote]."""

CENTS = 100
RISK = {
    "minReward": 5 * CENTS,
    "minInitialMargin": 50 * CENTS,
    "maxReward": 1_000 * CENTS,
    "rewardRatio": 5_000,
    "penaltyRatio": 10_000,
    "targetHealth": 12_500,
    "treasuryThreshold": 5_000_000,
    "poolFeeShare": 7_000,
}
MAX_RATE = 2_000
MAX_AGE_SECONDS = 3_600
MAX_CONFIDENCE = 200
MIN_DELAY_SECONDS = 2
WINDOW_SECONDS = 60
SETTLE_DELAY_SECONDS = 60
MAX_PRICE_AGE_SECONDS = 300
CANCEL_DELAY_SECONDS = 86_400


class ExchangeError(RuntimeError):
    """A transaction of the bench reverted, or led to another state than the row is about."""


NETTING = {
    "hedgeable": 9_000,
    "loadings": [8_000, 1_500, -500],
    "shocks": [-9_000, -7_500, -8_600, 1_900, 9_000, 4_200, 500, 9_000],
}
"""How every market nets in portfolio mode."""
_PORTFOLIO_MODE = 2
_LEDGER_SLOT = 6


def address_of(role: str) -> str:
    """Return the fixed address of a role."""
    return to_checksum_address(keccak(text=f"steelyard bench {role}")[12:])


def account_of(role: str, index: int = 0) -> int:
    """Return an account of a role."""
    return int(address_of(role), 16) << 96 | index


@dataclass(slots=True)
class _Feed:
    """Pyth's view of one market."""

    price: int
    confidence: int
    published_at: int


class Exchange:
    """Contracts deployed on `chain`, with the few operations that the rows are made of.

    Whatever is sent must succeed: a revert raises `ExchangeError` with the contract's error.
    """

    def __init__(self, chain: Anvil, artefacts: Mapping[str, Artefact]) -> None:
        self.chain = chain
        self.artefacts = artefacts
        self.addresses: dict[str, str] = {}
        self._feeds: list[_Feed] = []
        admin = address_of("admin")
        authority = self.deploy("Authority", admin)
        token = self.deploy("LocalToken", 6)
        pyth = self.deploy("LocalPyth", MAX_AGE_SECONDS, FEE)
        oracle = self.deploy("PriceOracle", authority, pyth)
        house = self.deploy("Clearinghouse", authority, token, oracle, address_of("treasury"))
        book = self.deploy("OrderBook", house, MIN_DELAY_SECONDS, WINDOW_SECONDS)
        vault = self.deploy("LiquidityVault", house, SETTLE_DELAY_SECONDS, MAX_PRICE_AGE_SECONDS, CANCEL_DELAY_SECONDS)
        self.send("admin", "Clearinghouse", "setRiskConfig", RISK)
        self.send("admin", "Clearinghouse", "setExecutor", address_of("executor"), True)
        self.send("admin", "Clearinghouse", "setExecutor", book, True)
        self.send("admin", "Clearinghouse", "setVault", vault)
        for price in PRICES:
            self.list_market(price)
        self._populate()

    def mark(self) -> tuple[tuple[str, int], list[_Feed]]:
        """Return a mark to `restore`."""
        return self.chain.snapshot(), [replace(feed) for feed in self._feeds]

    def restore(self, mark: tuple[tuple[str, int], list[_Feed]]) -> None:
        """Take back all that happened since `mark`, which is used up."""
        self.chain.restore(mark[0])
        self._feeds = mark[1]

    # ---- transactions

    def deploy(self, name: str, *args: Any) -> str:
        """Deploy a contract under its name and return its address."""
        data = self._artefact(name).encode_constructor(*args)
        receipt = self.chain.send(address_of("admin"), None, data, wait=BLOCK_SECONDS)
        if not receipt.succeeded or receipt.address is None:
            raise ExchangeError(f"{name} could not be deployed: {self._reason(address_of('admin'), None, data, 0)}")
        self.addresses[name] = receipt.address
        return receipt.address

    def send(
        self, sender: str, contract: str, function: str, *args: Any, wait: int = BLOCK_SECONDS, value: int = 0
    ) -> Receipt:
        """Mine a transaction of a role and return its receipt."""
        data = self._artefact(contract).encode_call(function, *args)
        return self.send_raw(sender, contract, data, wait=wait, value=value)

    def send_raw(self, sender: str, contract: str, data: bytes, *, wait: int, value: int = 0) -> Receipt:
        """Mine a transaction of ready calldata."""
        origin, to = address_of(sender), self.addresses[contract]
        if value:
            self.chain.rpc("anvil_setBalance", origin, hex(WAD))
        receipt = self.chain.send(origin, to, data, wait=wait, value=value)
        if not receipt.succeeded:
            raise ExchangeError(f"{contract} reverted with {self._reason(origin, to, data, value)}")
        return receipt

    def read(self, contract: str, function: str, *args: Any) -> Any:
        """Return what a view returns."""
        artefact = self._artefact(contract)
        data = self.chain.call(self.addresses[contract], artefact.encode_call(function, *args))
        return artefact.decode_result(function, len(args), data)

    # ---- operations

    def list_market(self, price: float) -> int:
        """List a market with a feed and a first price; return its id."""
        config = {
            "skewScale": int(_DEPTH / price * 1e9),
            "maxOpenInterest": 5_000,
            "minSize": max(int(10 / price * 1e9), 1),
            "maxFundingVelocity": int(9 * WAD / 86_400**2),
            "takerFee": 500,
            "makerFee": 200,
            "marginRatio": 1_000,
            "maintenanceFraction": 5_000,
            "concentration": 20_000,
            "volatilityMultiple": 150,
        }
        market = len(self._feeds)
        self.send("admin", "Clearinghouse", "listMarket", config, MAX_RATE)
        self.send("admin", "Clearinghouse", "setInsuranceCap", market, 10_000_000)
        self.send("admin", "PriceOracle", "setFeed", market, _feed_id(market), MAX_AGE_SECONDS, MAX_CONFIDENCE)
        raw = round(price * _RAW_PER_USD)
        self._feeds.append(_Feed(raw, raw // 2_000, self.chain.now))
        return market

    def price_of(self, market: int) -> int:
        """Return the last price published [wad]."""
        return self._feeds[market].price * WAD // _RAW_PER_USD

    def publication(self, market: int, move: float, published_at: int) -> bytes:
        """Return Pyth's next update of a market, `move` away from its last price."""
        feed = self._feeds[market]
        feed.price += round(feed.price * move)
        feed.confidence = feed.price // 2_000
        previous, feed.published_at = feed.published_at, published_at
        price = (feed.price, feed.confidence, _EXPONENT, published_at)
        average = (feed.price - feed.price // 700, feed.confidence + 7, _EXPONENT, published_at)
        price_type = "(int64,uint64,int32,uint256)"
        types = [f"(bytes32,{price_type},{price_type})", "uint64"]
        return encode(types, [(_feed_id(market), price, average), min(previous, published_at - 1)])

    def publish(self, moves: Mapping[int, float]) -> None:
        """Bring new prices to the oracle, published now, `moves` away from the last ones."""
        updates = [self.publication(market, move, self.chain.now) for market, move in moves.items()]
        self.send("updater", "PriceOracle", "update", list(moves), updates, value=FEE * len(updates))

    def fund(self, owner: str, quote: float, *, index: int = 0, payer: str | None = None) -> None:
        """Deposit `quote` to an account of `owner`, rounded up to token units."""
        payer = payer or owner
        amount = int(quote * UNIT) + 1
        self.give_tokens(payer, amount + 1_234_567)
        self.send(payer, "Clearinghouse", "deposit", account_of(owner, index), amount)

    def give_tokens(self, owner: str, amount: int) -> None:
        """Mint tokens to `owner`, who allows the exchange to take any."""
        house = self.addresses["Clearinghouse"]
        self.send("admin", "LocalToken", "mint", address_of(owner), amount)
        if self.read("LocalToken", "allowance", address_of(owner), house) == 0:
            self.send(owner, "LocalToken", "approve", house, 2**256 - 1)

    def request_deposit(self, owner: str, amount: int) -> Receipt:
        """Request a deposit to the vault by an owner who holds a little more than that."""
        who = address_of(owner)
        self.send("admin", "LocalToken", "mint", who, amount + 1_234_567)
        self.send(owner, "LocalToken", "approve", self.addresses["LiquidityVault"], 2**256 - 1)
        return self.send(owner, "LiquidityVault", "requestDeposit", amount, who, who, wait=IDLE_SECONDS)

    def provide(self, owner: str, amount: int) -> None:
        """Deposit to the vault while no market has positions, and claim the shares."""
        self.request_deposit(owner, amount)
        self.send("keeper", "LiquidityVault", "fulfil", 1, 0, wait=IDLE_SECONDS)
        self.send(owner, "LiquidityVault", "deposit", amount, address_of(owner))

    def size_for(self, market: int, notional: float) -> int:
        """Return the size of about `notional` quote, in steps of one part in 1e6 of a base unit [wad]."""
        return round(notional / (self.price_of(market) / WAD) * 1e6) * 10**12

    def trade(
        self, owner: str, market: int, size: int, *, index: int = 0, keeper_fee: int = 0, wait: int = BLOCK_SECONDS
    ) -> Receipt:
        """Trade by the executor at the last price published."""
        order = {
            "account": account_of(owner, index),
            "market": market,
            "sizeDelta": size,
            "price": self.price_of(market),
            "acceptablePrice": _acceptable(self.price_of(market), size),
            "keeper": account_of("keeper"),
            "keeperFee": keeper_fee,
            "reduceOnly": False,
            "isConfirmed": True,
        }
        return self.send("executor", "Clearinghouse", "trade", order, wait=wait)

    def order(self, owner: str, market: int, size: int, *, slot: int = 7, keeper_fee: int = WAD // 4) -> dict[str, Any]:
        """Return an order to commit."""
        return {
            "account": account_of(owner),
            "market": market,
            "slot": slot,
            "expiresAt": self.chain.now + 86_400,
            "sizeDelta": size,
            "acceptablePrice": _acceptable(self.price_of(market), size),
            "keeperFee": keeper_fee,
            "reduceOnly": False,
        }

    def hold(
        self,
        owner: str,
        markets: Sequence[int],
        *,
        notional: float = 20_000,
        leverage: float = 4,
        netted: bool = False,
    ) -> None:
        """Give an account positions, long and short by turns, that have settled funding before."""
        self.fund(owner, notional * len(markets) / leverage)
        if netted:
            self.send(owner, "Clearinghouse", "setMarginMode", account_of(owner), _PORTFOLIO_MODE)
            for market in markets:
                self.send("admin", "Clearinghouse", "setPortfolio", market, NETTING)
        for market in markets:
            self.trade(owner, market, self.size_for(market, -notional if market % 2 else notional))

    def hold_unhealthy(
        self, owner: str, markets: Sequence[int], *, health: float, move: float = 0.15, netted: bool = False
    ) -> None:
        """Give an account positions and let prices run against it until equity is `health` times maintenance."""
        self.hold(owner, markets, leverage=9, netted=netted)
        self.publish({market: move if market % 2 else -move for market in markets})
        risk = self.risk_of(owner)
        missing = health * risk["maintenanceMargin"] - risk["equity"]
        if missing <= 0:
            raise ExchangeError(f"{owner} is healthier than {health} after a move of {move}")
        self.fund(owner, missing / WAD, payer="patron")

    def list_to(self, count: int) -> None:
        """List markets until there are `count`, with both sides open in each."""
        for market in range(len(self._feeds), count):
            self.list_market(100 * (market + 1))
            self.publish({market: 0.001})
            for owner, notional in (("crowd long", 900_000), ("crowd short", -500_000)):
                self.fund(owner, abs(notional) / 2)
                self.trade(owner, market, self.size_for(market, notional))

    def weaken_pool(self, markets: Sequence[int]) -> None:
        """Close the skew of all other markets, and take the pool under its maintenance margin."""
        for market in range(len(self._feeds)):
            state = self.read("Clearinghouse", "marketOf", market)
            skew = state["longs"]["shares"] - state["shorts"]["shares"]
            if market not in markets:
                self.trade("crowd long", market, -state["longs"]["shares"])
                self.trade("crowd short", market, state["shorts"]["shares"])
            elif skew <= 0:
                raise ExchangeError(f"market {market} is not long")
        risk = self.read("Clearinghouse", "poolRisk")
        surplus = risk["equity"] - risk["maintenanceMargin"] * 9 // 10
        self.chain.rpc("anvil_setStorageAt", *self._pool_slot(-surplus))
        self.publish(dict.fromkeys(range(len(self._feeds)), 0.0))

    def _pool_slot(self, change: int) -> tuple[str, str, str]:
        """Return the ledger's slot with the pool's balance changed: no trade of this book loses the pool so much."""
        house = self.addresses["Clearinghouse"]
        word = int(self.chain.rpc("eth_getStorageAt", house, hex(_LEDGER_SLOT), "latest"), 16)
        mask = (1 << 104) - 1
        balance = (word & mask) + change
        return house, hex(_LEDGER_SLOT), f"0x{word & ~mask | balance & mask:064x}"

    def risk_of(self, owner: str) -> dict[str, int]:
        """Return equity and requirements of an owner's first account."""
        return dict(self.read("Clearinghouse", "riskOf", account_of(owner)))

    def account(self, owner: str) -> dict[str, int]:
        """Return the header of an owner's first account."""
        return dict(self.read("Clearinghouse", "accountOf", account_of(owner)))

    # ---- setup

    def _populate(self) -> None:
        """Fill pool and insurance fund, open both sides of every market, let funding run, leave the prices fresh."""
        house = self.addresses["Clearinghouse"]
        self.give_tokens("patron", 50_000_000 * UNIT)
        self.send("patron", "Clearinghouse", "fundInsurance", 1_000_000 * UNIT)
        self.provide("provider", 20_000_000 * UNIT)
        markets = range(len(PRICES))
        self.publish(dict.fromkeys(markets, 0.001))
        for owner, notional in (("crowd long", 900_000), ("crowd short", -500_000)):
            self.fund(owner, abs(notional) * len(markets) / 2)
            for market in markets:
                self.trade(owner, market, self.size_for(market, notional + 1_000 * market))
        self.fund("keeper", 100)
        self.chain.now += 1_800
        self.publish(dict.fromkeys(markets, -0.0007))
        for market in markets:
            self.trade("crowd long", market, self.size_for(market, 5_000))
        self.publish(dict.fromkeys(markets, 0.0004))
        for market in markets:
            state = self.read("Clearinghouse", "marketOf", market)
            if not (state["funding"]["rate"] and state["funding"]["velocity"] and state["longs"]["index"]):
                raise ExchangeError(f"market {market} of {house} has no funding")

    def _artefact(self, name: str) -> Artefact:
        try:
            return self.artefacts[name]
        except KeyError:
            raise ExchangeError(f"contract {name} was not compiled") from None

    def _reason(self, sender: str, to: str | None, data: bytes, value: int) -> str:
        """Tell why a transaction fails, by doing it again as a call."""
        if to is None:
            return "its constructor reverted"
        try:
            self.chain.call(to, data, sender, value)
        except RpcError as error:
            decoded: Iterable[str | None] = (item.decode_error(error.data) for item in self.artefacts.values())
            return next((text for text in decoded if text), f"{error} 0x{error.data.hex()}")
        return "nothing when asked again: out of gas, or a matter of time"


def _feed_id(market: int) -> bytes:
    return keccak(text=f"steelyard bench feed {market}")


def _acceptable(price: int, size: int) -> int:
    """Return a price 2 % worse."""
    return price * (102 if size > 0 else 98) // 100
