"""A small exchange in the model: two markets, funded traders, prices on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sim.protocol import ErrorValue, Outcome, Settings, World
from sim.protocol.evm import Address
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.fill import Trade
from sim.protocol.types.ledger import RiskConfig
from sim.protocol.types.market import MarketConfig
from sim.protocol.world import ADMIN

if TYPE_CHECKING:
    from collections.abc import Sequence

WAD: Final = 10**18
TOKEN: Final = 10**6
UINT128_MAX: Final = 2**128 - 1
EXECUTOR: Final = Address("0x" + "ee" * 20)
ALICE: Final = Address("0x" + "a1" * 20)
BOB: Final = Address("0x" + "b0" * 20)
CAROL: Final = Address("0x" + "ca" * 20)

BITCOIN: Final = MarketConfig(
    skew_scale=100_000 * 10**9,
    max_open_interest=5_000,
    min_size=10**6,
    max_funding_velocity=1_000_000,
    taker_fee=500,
    maker_fee=200,
    margin_ratio=500,
    maintenance_fraction=5_000,
)
ETHER: Final = BITCOIN._replace(skew_scale=1_000_000 * 10**9, min_size=10**7, margin_ratio=1_000)
RISK: Final = RiskConfig(
    min_reward=100,
    min_initial_margin=1_000,
    max_reward=100_000,
    reward_ratio=2_500,
    penalty_ratio=10_000,
    target_health=12_500,
    treasury_threshold=1_000_000,
    pool_fee_share=5_000,
)
MAX_RATE: Final = 900
MAX_AGE_SECONDS: Final = 60_000
MAX_CONFIDENCE: Final = 100


class Exchange:
    """A wired world, and shorter ways to call it.

    Parameters
    ----------
    configs : sequence of MarketConfig
        Of the markets to list.
    prices : sequence of int
        First prices [wad].
    risk : RiskConfig
        Liquidation parameters.
    settings : Settings, optional
        Of the world.
    """

    def __init__(
        self,
        configs: Sequence[MarketConfig] = (BITCOIN, ETHER),
        prices: Sequence[int] = (50_000 * WAD, 2_500 * WAD),
        risk: RiskConfig = RISK,
        settings: Settings | None = None,
    ) -> None:
        self.world = World(settings)
        self.must(ADMIN, "Clearinghouse", "setRiskConfig", risk)
        self.must(ADMIN, "Clearinghouse", "setExecutor", EXECUTOR, True)
        self.must(ADMIN, "Clearinghouse", "setExecutor", self.world.order_book.address, True)
        for market, (config, price) in enumerate(zip(configs, prices, strict=True)):
            self.must(ADMIN, "Clearinghouse", "listMarket", config, MAX_RATE)
            self.must(ADMIN, "Clearinghouse", "setInsuranceCap", market, 10**9)
            self.must(ADMIN, "PriceOracle", "setFeed", market, feed(market), MAX_AGE_SECONDS, MAX_CONFIDENCE)
            self.publish(market, price)
        for payer in (ADMIN, ALICE, BOB, CAROL):
            self.must(ADMIN, self.world.token.name, "mint", payer, 10**12 * TOKEN)
            self.must(payer, self.world.token.name, "approve", self.world.clearinghouse.address, 2**256 - 1)

    def call(self, sender: str, contract: str, function: str, *args: Any) -> Outcome:
        """Run a transaction."""
        return self.world.call(sender, contract, function, args)

    def must(self, sender: str, contract: str, function: str, *args: Any) -> Outcome:
        """Run a transaction that has to succeed."""
        outcome = self.call(sender, contract, function, *args)
        assert outcome.ok, outcome.error
        return outcome

    def error(self, sender: str, contract: str, function: str, *args: Any) -> ErrorValue:
        """Run a transaction that has to fail; return why."""
        outcome = self.call(sender, contract, function, *args)
        assert outcome.error is not None, outcome
        return outcome.error

    def publish(self, market: int, price: int) -> None:
        """Store a price [wad] now, one second later than the last if there is one of now; it has 8 decimals."""
        if self.world.oracle.price_state(market).published_at == self.world.timestamp:
            self.world.advance(1)
        self.must(ADMIN, "PriceOracle", "update", (market,), (self.update(market, price, self.world.timestamp),))

    def update(self, market: int, price: int, published_at: int) -> str:
        """Return Pyth's update of a price [wad]."""
        quoted = Price(max(price // 10**10, 1), 0, -8, published_at)
        return encode_update(PriceFeed(feed(market), quoted, quoted), published_at - 1)

    def fund(self, owner: str, quote: int, index: int = 0) -> int:
        """Deposit whole `quote` for an owner; return the account."""
        account = to_account_id(owner, index)
        self.must(owner, "Clearinghouse", "deposit", account, quote * TOKEN)
        return account

    def trade(self, account: int, market: int, size_delta: int, price: int | None = None, **changes: Any) -> Outcome:
        """Trade as the executor, at the oracle price if none is given, at any fill price if none is refused."""
        order = Trade(
            account=account,
            market=market,
            size_delta=size_delta,
            price=self.world.oracle.price_state(market).price if price is None else price,
            acceptable_price=UINT128_MAX if size_delta > 0 else 0,
            keeper=account,
            keeper_fee=0,
            is_confirmed=True,
        )
        return self.call(EXECUTOR, "Clearinghouse", "trade", order._replace(**changes))

    def balance(self, account: int) -> int:
        """Return the ledger balance of an account [quote wad]."""
        return self.world.clearinghouse.balance_of(account)


def feed(market: int) -> str:
    """Return the feed id of a market."""
    return f"0x{market + 1:064x}"
