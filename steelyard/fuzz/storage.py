"""The model's state as storage words, in the slots and with the layouts of the contracts.

Slots are those that the compiler assigns and layouts those that stand beside the word types;
`tests/parity/test_words.py` holds both against the compiler and the sources.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sim.protocol.mocks.local_aggregator import LocalAggregator
from sim.protocol.types.account import Account, Permission, Position
from sim.protocol.types.market import Market
from sim.protocol.types.price_state import PriceState
from steelyard.fuzz.vault_storage import VaultStorage, Word, mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sim.protocol import World
    from sim.protocol.evm import Address
    from sim.protocol.signed_messages import SignedMessages
    from sim.protocol.types.ledger import Ledger, RiskConfig
    from sim.protocol.types.market import FundingState, MarketConfig, PortfolioConfig, Side

__all__ = ["SLOTS", "Storage", "mapped"]

SLOTS: Final = {
    ("Clearinghouse", "_accounts"): 1,
    ("Clearinghouse", "_positions"): 2,
    ("Clearinghouse", "_markets"): 3,
    ("Clearinghouse", "_permissions"): 4,
    ("Clearinghouse", "isExecutor"): 5,
    ("Clearinghouse", "_ledger"): 6,
    ("Clearinghouse", "_riskConfig"): 7,
    ("Clearinghouse", "marketCount"): 8,
    ("Clearinghouse", "vault"): 8,
    ("ClearinghouseExt", "_nonces"): 9,
    ("OrderBook", "_nonces"): 0,
    ("OrderBook", "_commitments"): 1,
    ("OrderBook", "_progress"): 2,
    ("PriceOracle", "_prices"): 1,
    ("PriceOracle", "feedOf"): 2,
    ("PriceOracle", "_guards"): 3,
    ("PriceOracle", "_sequencer"): 4,
    ("LocalAggregator", "reply"): 0,
    ("LocalAggregator", "_answer"): 1,
    ("LocalAggregator", "_startedAt"): 2,
    ("LocalAggregator", "_updatedAt"): 3,
    ("LocalToken", "_balances"): 0,
    ("LocalToken", "_allowances"): 1,
    ("LocalToken", "_totalSupply"): 2,
    ("LiquidityVault", "_balances"): 0,
    ("LiquidityVault", "_allowances"): 1,
    ("LiquidityVault", "_totalSupply"): 2,
    ("LiquidityVault", "isOperator"): 5,
    ("LiquidityVault", "_deposits"): 6,
    ("LiquidityVault", "_redemptions"): 9,
    ("LiquidityVault", "lastNetAssetValue"): 12,
}
"""Slot of each state variable that is compared, by contract and name."""

_128: Final = 2**128 - 1
_104: Final = 2**104 - 1
_96: Final = 2**96 - 1
_48: Final = 2**48 - 1
_16: Final = 2**16 - 1
_FREE_ORDER: Final = 1
_HASH_BITS: Final = 216
_NO_ACCOUNT: Final = Account()
_NO_POSITION: Final = Position()
_NO_MARKET: Final = Market.empty()
_NO_PERMISSION: Final = Permission(0, 0)
_NO_PRICE: Final = PriceState()


def _account(account: Account) -> int:
    return account.balance & _128 | account.mode << 128 | account.open_markets << 136


def _position(position: Position) -> int:
    return position.shares & _128 | (position.entry_index & _128) << 128


def _side(side: Side) -> int:
    return side.shares | (side.index & _96) << 96 | side.multiplier << 192


def _funding(funding: FundingState) -> int:
    return (
        funding.entry_sum & _128
        | (funding.rate & _48) << 128
        | (funding.velocity & 0xFFFFFFFF) << 176
        | funding.accrued_at << 208
        | funding.max_rate << 240
    )


def _config(config: MarketConfig) -> int:
    scale, interest, size, velocity, taker, maker, ratio, maintenance, concentration, volatility = config
    return (
        scale
        | interest << 64
        | size << 80
        | velocity << 128
        | taker << 160
        | maker << 176
        | ratio << 192
        | maintenance << 208
        | concentration << 224
        | volatility << 240
    )


def _portfolio(config: PortfolioConfig) -> int:
    word = config.hedgeable
    for number, part in enumerate((*config.loadings, *config.shocks), 1):
        word |= (part & _16) << 16 * number
    return word


def _ledger(ledger: Ledger) -> int:
    return (
        ledger.pool_balance & _104
        | ledger.insurance_balance << 104
        | ledger.pool_fee_share << 200
        | ledger.min_reward << 216
        | ledger.min_initial_margin << 232
        | ledger.risk_paused << 248
    )


def _risk(config: RiskConfig) -> int:
    reward, margin, most, ratio, penalty, health, threshold, share = config
    return (
        reward
        | margin << 16
        | most << 32
        | ratio << 64
        | penalty << 80
        | health << 96
        | threshold << 112
        | share << 176
    )


def _price(state: PriceState) -> int:
    price, published, confidence, variance, age, most, guarded, confirmed = state
    return (
        price
        | published << 96
        | confidence << 136
        | variance << 160
        | age << 224
        | most << 240
        | guarded << 254
        | confirmed << 255
    )


class Storage:
    """Storage words of clearinghouse, order book, oracle, token and vault, computed from a model.

    Parameters
    ----------
    world : World
        The model; its contracts stand at the addresses of the chain.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        house, book, oracle, token = world.clearinghouse, world.order_book, world.oracle, world.token
        self._by_mapping: dict[int, Callable[[Any], Iterable[Word]]] = {
            id(house._accounts): self.account,
            id(house._positions): self.position,
            id(house._markets): self.market,
            id(house._portfolios): self.portfolio,
            id(house._insurance): self.insurance,
            id(house._permissions): self.permission,
            id(house._executors): self.executor,
            id(house.__dict__): self.variable,
            id(oracle._states): self.price,
            id(oracle._feeds): self.feed,
            id(oracle._guards): self.guard,
            id(oracle.__dict__): self.sequencer,
            id(book._commitments): self.commitment,
            id(book._progress): self.progress,
            id(book._nonces): partial(self.nonces, book, 0),
            id(house._nonces): partial(self.nonces, house, 9),
            id(token._balances): self.token_balance,
            id(token._allowances): self.allowance,
            id(token.__dict__): self.supply,
        }
        self._house, self._book, self._oracle, self._token = house, book, oracle, token
        self._aggregators = [one for one in world.contracts.values() if isinstance(one, LocalAggregator)]
        self._by_mapping |= {id(one.__dict__): partial(self.aggregator, one) for one in self._aggregators}
        self._vault = VaultStorage(world.vault)
        self._by_mapping |= self._vault.by_mapping

    def touched(self, touched: Iterable[tuple[dict[Any, Any], Any, Any]]) -> list[Word]:
        """Return the words that a transaction stored, as `World.touched` tells them, each once."""
        table = self._by_mapping
        words: list[Word] = []
        seen = set()
        for mapping, key, _ in touched:
            at = id(mapping), key
            if at in seen:
                continue
            seen.add(at)
            found = table.get(at[0])
            if found is not None:
                words += found(key)
        return words

    def every(self, accounts: Iterable[int], owners: Iterable[Address], markets: Iterable[int]) -> Iterator[Word]:
        """Yield all words of some accounts, owners and markets, those never stored too."""
        accounts, markets, owners = tuple(accounts), tuple(markets), tuple(owners)
        for account in accounts:
            yield from self.account(account)
            for market in markets:
                yield from self.position((account, market))
        for market in markets:
            yield from self.market(market)
            yield from self.portfolio(market)
            yield from self.insurance(market)
            yield from self.price(market)
            yield from self.feed(market)
            yield from self.guard(market)
        for owner in owners:
            yield from self.token_balance(owner)
            yield from self.executor(owner)
        for pair in self._house._permissions:
            yield from self.permission(pair)
        for order in self._book._commitments:
            yield from self.commitment(order)
        for order in self._book._progress:
            yield from self.progress(order)
        for word in self._book._nonces:
            yield from self.nonces(self._book, 0, word)
        for word in self._house._nonces:
            yield from self.nonces(self._house, 9, word)
        for approval in self._token._allowances:
            yield from self.allowance(approval)
        for variable in ("_ledger", "_risk_config", "_market_count"):
            yield from self.variable(variable)
        yield from self.supply("_total_supply")
        yield from self.sequencer("_sequencer")
        for one in self._aggregators:
            for variable in ("_reply", "_round"):
                yield from self.aggregator(one, variable)
        yield from self._vault.every(owners)

    def stored(self) -> Iterator[Word]:
        """Yield every word of the protocol's own contracts that the model ever stored."""
        house, book, oracle = self._house, self._book, self._oracle
        for variable in ("_ledger", "_risk_config", "_market_count"):
            yield from self.variable(variable)
        tables: tuple[tuple[Iterable[Any], Callable[[Any], Iterable[Word]]], ...] = (
            (house._accounts, self.account),
            (house._positions, self.position),
            (house._markets, self.market),
            (house._portfolios, self.portfolio),
            (house._insurance, self.insurance),
            (house._permissions, self.permission),
            (house._executors, self.executor),
            (book._commitments, self.commitment),
            (book._progress, self.progress),
            (book._nonces, partial(self.nonces, book, 0)),
            (house._nonces, partial(self.nonces, house, 9)),
            (oracle._states, self.price),
            (oracle._feeds, self.feed),
            (oracle._guards, self.guard),
            (("_sequencer",), self.sequencer),
        )
        for keys, words in tables:
            for key in tuple(keys):
                yield from words(key)
        yield from self._vault.stored()

    # ---- one at a time

    def account(self, account: int) -> tuple[Word]:
        """Return the header of an account."""
        house = self._house
        return ((house.address, mapped(1, account), _account(house._accounts.get(account, _NO_ACCOUNT))),)

    def position(self, key: tuple[int, int]) -> tuple[Word]:
        """Return a position, by account and market."""
        house = self._house
        return ((house.address, mapped(2, *key), _position(house._positions.get(key, _NO_POSITION))),)

    def market(self, market: int) -> tuple[Word, ...]:
        """Return the four words of a market."""
        house = self._house
        slot = mapped(3, market)
        state = house._markets.get(market, _NO_MARKET)
        return (
            (house.address, slot, _side(state.longs)),
            (house.address, slot + 1, _side(state.shorts)),
            (house.address, slot + 2, _funding(state.funding)),
            (house.address, slot + 3, _config(state.config)),
        )

    def portfolio(self, market: int) -> tuple[Word]:
        """Return how a market nets: its fifth word."""
        house = self._house
        return ((house.address, mapped(3, market) + 4, _portfolio(house.portfolio_of(market))),)

    def insurance(self, market: int) -> tuple[Word]:
        """Return what bad debt in a market may take: its sixth word."""
        house = self._house
        cap, day, drawn = house.insurance_of(market)
        return ((house.address, mapped(3, market) + 5, cap | day << 64 | drawn << 96),)

    def permission(self, key: tuple[Address, Address]) -> tuple[Word]:
        """Return what an operator may do, by owner and operator."""
        house = self._house
        flags, expires_at = house._permissions.get(key, _NO_PERMISSION)
        return ((house.address, mapped(4, int(key[0], 16), int(key[1], 16)), flags | expires_at << 8),)

    def executor(self, owner: Address) -> tuple[Word]:
        """Return whether an address executes."""
        house = self._house
        return ((house.address, mapped(5, int(owner, 16)), int(house._executors.get(owner, False))),)

    def variable(self, name: str) -> tuple[Word, ...]:
        """Return a variable of the clearinghouse by its name in the model."""
        house = self._house
        match name:
            case "_ledger":
                return ((house.address, 6, _ledger(house._ledger)),)
            case "_risk_config":
                return ((house.address, 7, _risk(house._risk_config)),)
            case "_market_count" | "_vault":
                return ((house.address, 8, house._market_count | int(house._vault, 16) << 8),)
            case _:
                return ()

    def price(self, market: int) -> tuple[Word]:
        """Return what the oracle holds of a market."""
        oracle = self._oracle
        return ((oracle.address, mapped(1, market), _price(oracle._states.get(market, _NO_PRICE))),)

    def feed(self, market: int) -> tuple[Word]:
        """Return the feed of a market."""
        oracle = self._oracle
        return ((oracle.address, mapped(2, market), int(oracle.feed_of(market), 16)),)

    def guard(self, market: int) -> tuple[Word]:
        """Return the guard of a market."""
        oracle = self._oracle
        aggregator, age, deviation, decimals = oracle.guard_of(market)
        word = int(aggregator, 16) | age << 160 | deviation << 192 | decimals << 208
        return ((oracle.address, mapped(3, market), word),)

    def sequencer(self, name: str) -> tuple[Word, ...]:
        """Return the sequencer's feed; `name` is the variable's in the model."""
        oracle = self._oracle
        feed, grace = oracle.sequencer()
        return ((oracle.address, 4, int(feed, 16) | grace << 160),) if name == "_sequencer" else ()

    def aggregator(self, one: LocalAggregator, name: str) -> tuple[Word, ...]:
        """Return how an aggregator answers, or its round; `name` is the variable's in the model."""
        if name == "_reply":
            return ((one.address, 0, one.reply()),)
        answer, started, updated = one.round()
        return (one.address, 1, answer % 2**256), (one.address, 2, started), (one.address, 3, updated)

    def commitment(self, key: tuple[int, int]) -> tuple[Word]:
        """Return an order's slot, by account and number."""
        book = self._book
        word = 0
        if key in book._commitments:
            committed_at, is_resting, order_hash = book.commitment_of(*key)
            word = is_resting << 255 | committed_at << _HASH_BITS | order_hash
        return ((book.address, mapped(1, *key), word),)

    def progress(self, key: tuple[int, int]) -> tuple[Word]:
        """Return how far an order that rests is, by account and slot."""
        book = self._book
        leg, triggered_at, active_at, slices, mark, marked_at = book.progress_of(*key)
        word = leg | triggered_at << 8 | active_at << 48 | slices << 88 | mark << 104 | marked_at << 200
        return ((book.address, mapped(2, *key), word),)

    @staticmethod
    def nonces(contract: SignedMessages, slot: int, key: tuple[str, int]) -> tuple[Word]:
        """Return which of 256 nonces are used in a contract, by signer and word."""
        signer, number = key
        return ((contract.address, mapped(slot, int(signer, 16), number), contract.stored_nonces()[key]),)

    def token_balance(self, owner: Address) -> tuple[Word]:
        """Return a token balance."""
        token = self._token
        return ((token.address, mapped(0, int(owner, 16)), token._balances.get(owner, 0)),)

    def allowance(self, key: tuple[Address, Address]) -> tuple[Word]:
        """Return an allowance, by owner and spender."""
        token = self._token
        word = token._allowances.get(key, 0)
        return ((token.address, mapped(1, int(key[0], 16), int(key[1], 16)), word),)

    def supply(self, name: str) -> tuple[Word, ...]:
        """Return the token's supply; `name` is the variable's in the model."""
        token = self._token
        return ((token.address, 2, token._total_supply),) if name == "_total_supply" else ()
