"""Actors, what they know, and the calls that set a stage: shared by random sequences and directed cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.errors import ProtocolError
from sim.protocol.evm import Address
from sim.protocol.libraries.margin import grown, growth_up, initial_ratio_up
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from sim.protocol.types.market_id import markets_of
from sim.protocol.types.price_state import PriceQuality, PriceState
from sim.protocol.types.shares import to_size
from steelyard.evm.deployment import ADMIN, LIQUIDITY
from steelyard.fuzz.actors import (
    ACCOUNTS,
    AGGREGATORS,
    ALICE,
    ANY_BUY,
    ANY_SALE,
    BOB,
    CAROL,
    CENT,
    EVERYBODY,
    EXPONENT,
    INSURANCE,
    INT128_MAX,
    KIM,
    KIMS,
    MALLORY,
    MALLORYS,
    OSCAR,
    PEOPLE,
    POOL,
    START_PRICES,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    TREASURYS,
    UINT128_MAX,
    UINT256_MAX,
    WAD,
    WALLET,
    WALLETS,
    account_of,
    owner_of,
)
from steelyard.fuzz.pair import Pair, Step, check_native
from steelyard.fuzz.vault_views import vault_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sim.protocol import Outcome
    from sim.protocol.mocks.hostile_actor import Call
    from steelyard.fuzz.walk import Walk

__all__ = [
    "ACCOUNTS",
    "ALICE",
    "ANY_BUY",
    "ANY_SALE",
    "BOB",
    "CAROL",
    "CENT",
    "EVERYBODY",
    "EXPONENT",
    "INSURANCE",
    "INT128_MAX",
    "KIM",
    "KIMS",
    "MALLORY",
    "MALLORYS",
    "OSCAR",
    "PEOPLE",
    "POOL",
    "POOL_ASSETS",
    "START_PRICES",
    "TOKEN",
    "TRADERS",
    "TRADING_ACCOUNTS",
    "TREASURYS",
    "UINT128_MAX",
    "UINT256_MAX",
    "WAD",
    "WALLET",
    "WALLETS",
    "Order",
    "Risk",
    "Scenario",
    "account_of",
    "kept",
    "owner_of",
]

Order = tuple[int, int, int, int, int, int, int, bool]
Risk = tuple[int, int, int, int]


POOL_ASSETS = 20_000_000 * TOKEN
"""What the liquidity provider fills the pool with [token units]."""
_FARTHEST = 1_000
_NO_PRICE = PriceState()
_OF_DELAYED = frozenset({"commit", "commitSigned", "settle", "cancel"})


def kept(market: int, price: int) -> int:
    """Return a price [wad], brought back to where a market's may be published."""
    start = START_PRICES[market % len(START_PRICES)]
    return max(start // _FARTHEST, min(start * _FARTHEST, price))


class Scenario:
    """A pair with actors in it.

    Attributes
    ----------
    pair : Pair
        Model and chain.
    vault : LiquidityVault
        The model's.
    book : OrderBook
        The model's.
    orders : dict
        Order and commit time of each slot that holds one, by account and slot.
    walk : Walk or None
        That prices follow now and then.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        model = pair.model
        self._house, self._oracle, self._token = model.clearinghouse, model.oracle, model.token
        self._views: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()
        self._next_view = 0
        self.walk: Walk | None = None
        self.orders: dict[tuple[int, int], tuple[Order, int]] = {}
        self.min_delay: int = pair.get("OrderBook", "MIN_DELAY_SECONDS")
        self.window: int = pair.get("OrderBook", "WINDOW_SECONDS")
        self.vault = model.vault
        self.book = model.order_book

    # ---- calls

    def call(self, sender: str, contract: str, function: str, *args: Any, value: int = 0, wait: int = 0) -> Outcome:
        """Run a transaction on both sides and keep the book of orders."""
        return self.run(Step(sender, contract, function, args, value, wait))

    def run(self, step: Step) -> Outcome:
        """Run a transaction on both sides and keep the book of orders."""
        outcome = self.pair.run(step)
        if outcome.ok and step.contract == "OrderBook" and step.function in _OF_DELAYED:
            order = step.args[0]
            key = (order[0], order[2])
            if step.function.startswith("commit"):
                self.orders[key] = order, self.now
            else:
                self.orders.pop(key, None)
        elif outcome.ok and step.function == "batch":
            held = self.book.stored()
            self.orders = {key: order for key, order in self.orders.items() if held[key] is not None}
        return outcome

    def must(self, sender: str, contract: str, function: str, *args: Any, value: int = 0, wait: int = 0) -> Outcome:
        """Run a transaction that succeeds."""
        outcome = self.call(sender, contract, function, *args, value=value, wait=wait)
        assert outcome.ok, f"{contract}.{function}{args}: {outcome.error}"
        return outcome

    def message(self, contract: str, function: str, *args: Any, value: int = 0) -> Call:
        """Return a call that Mallory can make."""
        return self.pair.addresses[contract], value, self.pair.model.calldata(contract, function, args)

    def act(self, *calls: Call, is_strict: bool = True, sender: str = OSCAR) -> Outcome:
        """Let Mallory make calls in one transaction, paid by the sender; one that fails ends it if `is_strict`."""
        value = sum([paid for _, paid, _ in calls])
        return self.call(sender, "HostileActor", "act", calls, is_strict, value=value)

    # ---- what the model knows

    @property
    def now(self) -> int:
        """The present time [s]."""
        return self.pair.now

    @property
    def markets(self) -> range:
        """Ids of the listed markets."""
        return range(len(self._house.stored_markets()))

    def price_state(self, market: int) -> tuple[int, ...]:
        """Return what the oracle holds of a market."""
        return self._oracle.price_state(market)

    def price(self, market: int) -> int:
        """Return the last price, fresh or not, or the one that the market starts with [wad]."""
        return self.price_state(market)[0] or START_PRICES[market % len(START_PRICES)]

    def feed(self, market: int) -> str:
        """Return the id of a market's feed."""
        return self._oracle.feed_of(market)

    def balance(self, account: int) -> int:
        """Return a ledger balance [wad]."""
        return self._house.balance_of(account)

    def tokens(self, owner: str) -> int:
        """Return a token balance [token units]."""
        return self._token.balance_of(Address(owner))

    def risk(self, account: int) -> Risk | None:
        """Return equity, initial and maintenance margin and notional, None where a price is missing."""
        try:
            risk = self._house.risk_of(account)
        except ProtocolError:
            return None
        return risk.equity, risk.initial_margin, risk.maintenance_margin, risk.notional

    def pool_risk(self) -> Risk | None:
        """Return the same of the pool, whose equity is its net asset value, None where a price is missing."""
        try:
            risk = self._house.pool_risk()
        except ProtocolError:
            return None
        return risk.net_asset_value, risk.initial_margin, risk.maintenance_margin, risk.notional

    def free(self, account: int) -> int:
        """Return what may leave an account, 0 where that cannot be told [wad]."""
        risk = self.risk(account)
        return max(0, risk[0] - risk[1]) if risk else 0

    def open_markets(self, account: int) -> list[int]:
        """Return the markets in which an account has a position."""
        header = self._house.stored_accounts().get(account)
        return [*markets_of(header.open_markets)] if header is not None and header.open_markets else []

    def mode(self, account: int) -> int:
        """Return an account's `MarginMode`."""
        header = self._house.stored_accounts().get(account)
        return header.mode if header is not None else 0

    def market(self, market: int) -> Any:
        """Return longs, shorts, funding and parameters of a market."""
        return self._house.market_of(market).as_tuple()

    def size(self, account: int, market: int) -> int:
        """Return the size of a position [base wad]."""
        position = self._house.stored_positions().get((account, market))
        if position is None or position.shares == 0:
            return 0
        state = self._house.stored_markets()[market]
        side = state.longs if position.shares > 0 else state.shorts
        return to_size(position.shares, side.multiplier)

    def open_interest(self, market: int) -> tuple[int, int]:
        """Return the open interest of both sides [base wad]."""
        state = self._house.market_of(market)
        longs, shorts = state.longs, state.shorts
        return longs.shares * longs.multiplier // 10**15, shorts.shares * shorts.multiplier // 10**15

    def cap(self, market: int) -> int:
        """Return the cap on the open interest of a side [base wad]."""
        config = self.market(market)[3]
        cap: int = config[0] * 10**9 * config[1] // 10**4
        return cap

    def min_size(self, market: int) -> int:
        """Return the smallest position [base wad]."""
        size: int = self.market(market)[3][2] * 10**9
        return size

    def capacity(self, account: int, market: int, sign: int) -> int:
        """Return about the largest growth of a position that margin and cap allow [base wad]."""
        config = self._house.market_of(market).config
        longs, shorts = self.open_interest(market)
        room = self.cap(market) - (longs if sign > 0 else shorts)
        state = self._oracle.price_state(market)
        price, depth = self.price(market), config.skew_scale * 10**9
        ratio = initial_ratio_up(config, state.variance)
        floor = self._house.risk_config().min_initial_margin * CENT
        free = self.free(account) if self.open_markets(account) else max(0, self.balance(account) - floor)
        against = max(0, sign * (longs - shorts))
        rate = config.taker_fee * 10**12 + against * WAD // depth
        # What is paid beyond the mark grows with the size itself: two steps of the fixed point are close enough.
        size = 0
        held = abs(self.size(account, market))
        for _ in range(2):
            margin = grown(ratio, growth_up(config, min(held + size, depth))) * 10**10
            size = free * WAD // (price * (rate + margin + size * WAD // (2 * depth)) // WAD + 1)
        return max(0, min(size * 97 // 100, room))

    # ---- prices

    def update_data(
        self,
        market: int,
        price: int,
        *,
        confidence: int = 0,
        at: int | None = None,
        previous: int | None = None,
        feed: str | None = None,
    ) -> str:
        """Return a Pyth update of a price [wad], published `at`."""
        published = self.now if at is None else at
        raw = max(1, min(2**63 - 1, price // 10 ** (18 + EXPONENT)))
        value = Price(raw, raw * confidence // 10**6 if confidence else 0, EXPONENT, published)
        before = max(0, published - 1) if previous is None else previous
        return encode_update(PriceFeed(feed or self.feed(market), value, value), before)

    def publish(
        self,
        prices: dict[int, int],
        *,
        wait: int = 1,
        confidence: int = 0,
        sender: str = KIM,
        is_followed: bool = True,
    ) -> Outcome:
        """Let time pass and store prices [wad], those that have gone too far from where they started brought back.

        Guards follow, unless they are not to, so that the prices are confirmed.
        """
        self.pair.wait(wait)
        stored = {market: kept(market, price) for market, price in prices.items()}
        if is_followed:
            self.follow(stored)
        data = tuple([self.update_data(market, price, confidence=confidence) for market, price in stored.items()])
        return self.call(sender, "PriceOracle", "update", tuple(prices), data, value=self.fee(data))

    def follow(self, prices: dict[int, int]) -> None:
        """Let the aggregators of guarded markets, and the sequencer's feed, say what confirms these prices [wad]."""
        guarded = [market for market in prices if self._oracle.guard_of(market).max_age]
        if not guarded:
            return
        feed, grace = self._oracle.sequencer()
        names = {self.pair.addresses[name]: name for name in AGGREGATORS}
        if feed in names:
            self.must(KIM, names[feed], "setRound", 0, self.now - grace - 1, self.now)
        for market in guarded:
            guard = self._oracle.guard_of(market)
            if guard.aggregator in names:
                answer = prices[market] // 10 ** (18 - guard.decimals)
                self.must(KIM, names[guard.aggregator], "setRound", answer, self.now, self.now)

    def fee(self, data: tuple[str, ...]) -> int:
        """Return Pyth's fee [wei]."""
        return self.pair.model.pyth.get_update_fee(data)

    def freshen(self) -> None:
        """Publish all prices again, unless every one is usable."""
        now, states = self.pair.model.timestamp, self._oracle.stored_states()
        stale = False
        for market in self._house.stored_markets():
            _, published, confidence, _, max_age, max_confidence, _, confirmed = states.get(market, _NO_PRICE)
            if not confirmed or now > published + max_age or confidence > max_confidence * 100:
                stale = True
                break
        if stale:
            self.publish({market: self.price(market) for market in self.markets if int(self.feed(market), 16)})

    # ---- the stage

    def open(self) -> None:
        """Hand out tokens, let the liquidity provider fill the pool and Kim execute, publish prices."""
        spenders = self.pair.addresses["Clearinghouse"], self.vault.address
        for owner in (*TRADERS, KIM, LIQUIDITY):
            self.must(owner, "LocalToken", "mint", owner, 10**9 * TOKEN)
            for spender in spenders:
                self.must(owner, "LocalToken", "approve", spender, UINT256_MAX)
        self.must(OSCAR, "LocalToken", "mint", MALLORY, 10**9 * TOKEN)
        self.act(*[self.message("LocalToken", "approve", spender, UINT256_MAX) for spender in spenders])
        self.must(ADMIN, "Clearinghouse", "setExecutor", KIM, True)
        self.must(LIQUIDITY, "LiquidityVault", "requestDeposit", POOL_ASSETS, LIQUIDITY, LIQUIDITY)
        self.must(KIM, "LiquidityVault", "fulfil", 1, 0, wait=self.vault.settle_delay_seconds())
        self.must(LIQUIDITY, "LiquidityVault", "deposit(uint256,address)", POOL_ASSETS, LIQUIDITY)
        self.publish(dict(zip(self.markets, START_PRICES, strict=False)))

    def set_stage(self, *, funds: int = 100_000 * TOKEN) -> None:
        """Open, and let every trading account start with `funds` token units."""
        self.open()
        if funds:
            self.fund(TRADING_ACCOUNTS, funds)
            self.act(*[self.message("Clearinghouse", "deposit", account, funds) for account in MALLORYS])

    def fund(self, accounts: Iterable[int], amount: int) -> None:
        """Deposit `amount` token units to each account."""
        for account in accounts:
            self.must(owner_of(account), "Clearinghouse", "deposit", account, amount)

    def trade(
        self,
        account: int,
        market: int,
        size: int,
        *,
        price: int | None = None,
        acceptable: int | None = None,
        keeper: int = 0,
        fee: int = 0,
        reduce_only: bool = False,
        confirmed: bool = True,
        sender: str = KIM,
    ) -> Outcome:
        """Let Kim trade for an account at the oracle's price."""
        worst = (ANY_BUY if size > 0 else ANY_SALE) if acceptable is None else acceptable
        at = self.price(market) if price is None else price
        order = account, market, size, at, worst, keeper, fee, reduce_only, confirmed
        return self.call(sender, "Clearinghouse", "trade", order)

    def order(
        self,
        account: int,
        market: int,
        size: int,
        *,
        slot: int = 0,
        lasts: int = 600,
        acceptable: int | None = None,
        fee: int = 0,
        reduce_only: bool = False,
    ) -> Order:
        """Return an order that expires `lasts` seconds from now."""
        worst = (ANY_BUY if size > 0 else ANY_SALE) if acceptable is None else acceptable
        return account, market, slot, max(0, self.now + lasts), size, worst, fee, reduce_only

    def commit(self, order: Order, sender: str | None = None) -> Outcome:
        """Commit to an order, by default as the owner."""
        return self.call(sender or owner_of(order[0]), "OrderBook", "commit", order)

    def settle(
        self, order: Order, *, price: int | None = None, after: int | None = None, keeper: int = KIMS
    ) -> Outcome:
        """Settle an order `after` seconds at the price that is published then, by default the last one."""
        self.pair.wait(self.min_delay if after is None else after)
        committed = self.orders[order[0], order[2]][1]
        earliest = committed + self.min_delay
        at = self.price(order[1]) if price is None else price
        data = (self.update_data(order[1], at, at=max(earliest, self.now), previous=earliest - 1),)
        return self.call(KIM, "OrderBook", "settle", order, keeper, data, value=self.fee(data))

    # ---- all of the state

    def views(self) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
        """Yield every view of interest: contract, function, arguments."""
        everything = (*ACCOUNTS, POOL, INSURANCE)
        yield "Lens", "balancesOf", (everything,)
        yield "Lens", "accountViews", (ACCOUNTS,)
        yield "Lens", "accountView", (POOL,)
        yield "Lens", "marketViews", ()
        yield "Lens", "poolView", ()
        yield "Clearinghouse", "poolRisk", ()
        for name in (
            "ledger",
            "riskConfig",
            "marketCount",
            "TREASURY",
            "TOKEN",
            "ORACLE",
            "EXTENSION",
            "vault",
            "MAX_OPEN_MARKETS",
        ):
            yield "Clearinghouse", name, ()
        # One past the last, too.
        markets = [*self.markets, len(self.markets)]
        for account in everything:
            yield "Clearinghouse", "accountOf", (account,)
            yield "Clearinghouse", "balanceOf", (account,)
            yield "Clearinghouse", "riskOf", (account,)
            yield "Lens", "positionsOf", (account,)
            yield "Lens", "marginsOf", (account,)
            yield "Lens", "liquidationFactors", (account,)
            for market in markets:
                yield "Clearinghouse", "positionOf", (account, market)
                yield "Lens", "liquidationPrice", (account, market)
        for market in markets:
            yield "Clearinghouse", "marketOf", (market,)
            yield "Clearinghouse", "insuranceOf", (market,)
            yield "PriceOracle", "priceState", (market,)
            yield "PriceOracle", "priceOf", (market,)
            yield "PriceOracle", "feedOf", (market,)
            yield "PriceOracle", "guardOf", (market,)
            for size in (WAD // 1000, -WAD, 1, 0):
                yield "Lens", "quote", (ACCOUNTS[0], market, size)
            for account in TRADING_ACCOUNTS:
                if size := self.size(account, market):
                    yield "Lens", "quote", (account, market, -size)
            yield "PriceOracle", "markOf", (market,)
            yield "Clearinghouse", "portfolioOf", (market,)
        # A search takes as long as a hundred other views: a market of each account, in both directions.
        for place, account in enumerate(TRADING_ACCOUNTS):
            yield "Lens", "largestOrder", (account, markets[place % len(markets)], place % 2 == 0)
            yield "Lens", "largestOrder", (account, markets[(place + 1) % len(markets)], place % 2 == 0)
        for quality in PriceQuality:
            yield "PriceOracle", "marksOf", ((1 << len(self.markets)) - 1, int(quality))
        yield "PriceOracle", "sequencer", ()
        for owner in EVERYBODY:
            yield "LocalToken", "balanceOf", (owner,)
            yield "LocalToken", "allowance", (owner, self.pair.addresses["Clearinghouse"])
            yield "Clearinghouse", "isExecutor", (owner,)
            for operator in (OSCAR, KIM):
                yield "Clearinghouse", "permissionOf", (owner, operator)
            for role in range(4):
                yield "Authority", "hasRole", (role, owner)
        for account in TRADING_ACCOUNTS:
            for permission in (1, 2, 4, 7):
                yield "Clearinghouse", "isAuthorized", (account, OSCAR, permission)
            for slot in range(4):
                yield "OrderBook", "commitmentOf", (account, slot)
        for account, slot in self.orders:
            yield "OrderBook", "commitmentOf", (account, slot)
        for account, slot in self.book.stored_progress():
            yield "OrderBook", "commitmentOf", (account, slot)
            yield "OrderBook", "progressOf", (account, slot)
        for contract in (self.book, self._house):
            yield contract.name, "eip712Domain", ()
            for signer, word in contract.stored_nonces():
                yield contract.name, "isNonceUsed", (signer, word % 2**248 * 256 + 7)
        yield "LocalToken", "totalSupply", ()
        yield "LocalToken", "plan", ()
        yield "HostileActor", "answer", ()
        yield "LocalToken", "balanceOf", (self.pair.addresses["Clearinghouse"],)
        yield from vault_views(self.vault, EVERYBODY)

    def compare(self) -> None:
        """Compare all of the state on both sides; no contract of the protocol holds native currency."""
        for contract, function, args in self.views():
            self.pair.read(contract, function, *args)
        check_native(self.pair.chain, self.pair.addresses)

    def compare_words(self) -> None:
        """Compare all storage words that the model knows on both sides."""
        self.pair.compare_words((*ACCOUNTS, POOL, INSURANCE), (*self.markets, len(self.markets)))

    def compare_next(self, count: int = 1) -> None:
        """Compare the next views, in rotation through all of them."""
        for _ in range(count):
            if self._next_view >= len(self._views):
                self._views, self._next_view = tuple(self.views()), 0
            contract, function, args = self._views[self._next_view]
            self._next_view += 1
            self.pair.read(contract, function, *args)

    def compare_balances(self) -> None:
        """Compare ledger and token balances on both sides."""
        self.pair.read("Lens", "balancesOf", (*ACCOUNTS, POOL, INSURANCE))
        self.pair.read("LocalToken", "balanceOf", self.pair.addresses["Clearinghouse"])
