"""The exchange on a chain: its contracts with typed views and entry points."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from steelyard.client.abi import decode_revert, snake_case
from steelyard.client.chain import Chain, Contract, Receipt, Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from steelyard.client.errors import ContractReverted

__all__ = [
    "INSURANCE_ACCOUNT",
    "POOL_ACCOUNT",
    "AccountId",
    "AccountRisk",
    "AccountView",
    "Exchange",
    "JointMove",
    "MarginChange",
    "MarginMode",
    "MarginTerm",
    "MarginView",
    "MarketView",
    "Order",
    "PoolRisk",
    "PoolView",
    "PositionView",
    "Quote",
    "owner_of",
    "to_account_id",
]

AccountId = NewType("AccountId", int)
"""A ledger account: `owner << 96 | index`."""

POOL_ACCOUNT = AccountId(1)
INSURANCE_ACCOUNT = AccountId(2)


class MarginMode(IntEnum):
    """How an account's positions share its margin."""

    CROSS = 0
    ISOLATED = 1
    PORTFOLIO = 2


class MarginTerm(IntEnum):
    """What decides an account's initial margin: `types/Views.sol::MarginTerm`."""

    NONE = 0
    SUM = 1
    FACTORS = 2
    STRESS = 3
    MAINTENANCE = 4
    FLOOR = 5


@dataclass(frozen=True, slots=True)
class AccountRisk:
    """`types/Account.sol::AccountRisk` [quote wad]."""

    equity: int
    initial_margin: int
    maintenance_margin: int
    notional: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """`types/Views.sol::AccountView`."""

    account: AccountId
    balance: int
    mode: int
    open_markets: int
    risk: AccountRisk
    leverage: int
    health: int
    is_liquidatable: bool


@dataclass(frozen=True, slots=True)
class PositionView:
    """`types/Views.sol::PositionView`."""

    market: int
    size: int
    notional: int
    unsettled_funding: int
    liquidation_price: int


@dataclass(frozen=True, slots=True)
class MarketView:
    """`types/Views.sol::MarketView`."""

    market: int
    price: int
    published_at: int
    variance: int
    skew: int
    long_open_interest: int
    short_open_interest: int
    open_interest_cap: int
    funding_rate: int
    funding_velocity: int
    long_index: int
    short_index: int


@dataclass(frozen=True, slots=True)
class PoolView:
    """`types/Views.sol::PoolView`."""

    balance: int
    equity: int
    net_asset_value: int
    insurance: int
    tokens_held: int


@dataclass(frozen=True, slots=True)
class PoolRisk:
    """`types/Account.sol::PoolRisk` [quote wad]; `priced_at` is when the oldest price was published [Unix s]."""

    equity: int
    net_asset_value: int
    initial_margin: int
    maintenance_margin: int
    notional: int
    priced_at: int


@dataclass(frozen=True, slots=True)
class MarginView:
    """`types/Views.sol::MarginView`."""

    mode: int
    initial_margin: int
    maintenance_margin: int
    binding: int
    scenario: int
    volatile_markets: int
    saving: int


@dataclass(frozen=True, slots=True)
class MarginChange:
    """`types/Views.sol::MarginChange`: what an order uses, or frees where negative [quote wad]."""

    initial_margin: int
    maintenance_margin: int


@dataclass(frozen=True, slots=True)
class JointMove:
    """By what all prices may be multiplied before an account can be liquidated.

    Attributes
    ----------
    lowest, highest : int or None
        Factors [wad]; None where no fall, or no rise, liquidates.
    is_hopeless : bool
        No common factor saves the account: it can be liquidated and stays so.
    """

    lowest: int | None
    highest: int | None
    is_hopeless: bool = False

    @classmethod
    def of(cls, lowest: int, highest: int) -> JointMove:
        """Return the move that `Lens.liquidationFactors` tells of."""
        if lowest > highest:
            return cls(None, None, True)
        return cls(lowest or None, None if highest == _UINT256_MAX else highest)


@dataclass(frozen=True, slots=True)
class Quote:
    """`types/Views.sol::Quote`."""

    size_delta: int
    fill_price: int
    cost: int
    fee: int
    funding: int
    size_after: int
    risk_before: AccountRisk
    risk_after: AccountRisk
    margin_after: MarginView
    margin_changes: tuple[MarginChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`types/Order.sol::Order`, in the order of its fields."""

    account: AccountId
    market: int
    slot: int
    expires_at: int
    size_delta: int
    acceptable_price: int
    keeper_fee: int
    reduce_only: bool = False

    def encoded(self) -> tuple[int, ...]:
        """Return the fields in the order of the contract's."""
        return tuple(getattr(self, entry.name) for entry in fields(self))


def to_account_id(owner: str, index: int) -> AccountId:
    """Return the `index`-th account of `owner`."""
    return AccountId((int(owner, 16) << 96) | index)


def owner_of(account: AccountId) -> str:
    """Return the owner's address, in lower case."""
    return f"0x{account >> 96:040x}"


_T = TypeVar("_T")
_UINT256_MAX = 2**256 - 1


def _reader_of(hint: Any) -> Callable[[Any], Any] | None:
    """Return what reads a value of this type, None where it is taken as it is."""
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_read, hint)
    if get_origin(hint) is tuple:
        read_one = _reader_of(get_args(hint)[0])
        return None if read_one is None else lambda values: tuple([read_one(value) for value in values])
    return None


@cache
def _layout(kind: Any, names: tuple[str, ...]) -> tuple[tuple[int, Callable[[Any], Any] | None], ...]:
    """Return, for each field of `kind`, where a record holds it, and what reads it where it holds records itself."""
    hints = get_type_hints(kind)
    places = {snake_case(name): place for place, name in enumerate(names)}
    return tuple((places[entry.name], _reader_of(hints[entry.name])) for entry in fields(kind))


def _read(kind: Callable[..., _T], record: Any) -> _T:
    values = []
    for place, read in _layout(kind, record._fields):
        values.append(record[place] if read is None else read(record[place]))
    return kind(*values)


class Exchange:
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
        self.chain = chain
        self.addresses = dict(addresses)
        self.clearinghouse = Contract.at("Clearinghouse", addresses["Clearinghouse"])
        self.order_book = Contract.at("OrderBook", addresses["OrderBook"])
        self.oracle = Contract.at("PriceOracle", addresses["PriceOracle"])
        self.lens = Contract.at("Lens", addresses["Lens"])
        self.vault = Contract.at("LiquidityVault", addresses["LiquidityVault"])
        self.token = Contract.at("LocalToken", addresses["Token"])
        self.treasury = AccountId(chain.call(self.clearinghouse, "TREASURY"))

    # ---- views

    def account_views(self, accounts: Sequence[AccountId]) -> list[AccountView]:
        """Return health, leverage and requirements of accounts, in their order."""
        if not accounts:
            return []
        return [_read(AccountView, one) for one in self.chain.call(self.lens, "accountViews", tuple(accounts))]

    def balances_of(self, accounts: Sequence[AccountId]) -> list[int]:
        """Return ledger balances [quote wad], in the order of the accounts."""
        return list(self.chain.call(self.lens, "balancesOf", tuple(accounts)))

    def positions_of(self, account: AccountId) -> list[PositionView]:
        """Return the open positions of an account, lowest market first."""
        return [_read(PositionView, one) for one in self.chain.call(self.lens, "positionsOf", account)]

    def liquidation_price(self, account: AccountId, market: int) -> int:
        """Return the price beyond which an account can be liquidated [wad]."""
        return int(self.chain.call(self.lens, "liquidationPrice", account, market))

    def margins_of(self, account: AccountId) -> dict[MarginMode, MarginView]:
        """Return what an account's positions would require in each margin mode."""
        views = [_read(MarginView, one) for one in self.chain.call(self.lens, "marginsOf", account)]
        return {MarginMode(view.mode): view for view in views}

    def joint_move(self, account: AccountId) -> JointMove:
        """Return by what all prices may be multiplied before an account can be liquidated."""
        return JointMove.of(*self.chain.call(self.lens, "liquidationFactors", account))

    def largest_order(self, account: AccountId, market: int, *, is_buy: bool) -> int:
        """Return the largest order that leaves the initial margin [base wad], negative for a sale, 0 for none."""
        return int(self.chain.call(self.lens, "largestOrder", account, market, is_buy))

    def quote(self, account: AccountId, market: int, size_delta: int) -> Quote:
        """Return what a trade would do now."""
        return _read(Quote, self.chain.call(self.lens, "quote", account, market, size_delta))

    def market_views(self) -> list[MarketView]:
        """Return all listed markets."""
        return [_read(MarketView, one) for one in self.chain.call(self.lens, "marketViews")]

    def pool_view(self) -> PoolView:
        """Return the pool and the insurance fund."""
        return _read(PoolView, self.chain.call(self.lens, "poolView"))

    def pool_risk(self) -> PoolRisk:
        """Return value and requirements of the pool."""
        return _read(PoolRisk, self.chain.call(self.clearinghouse, "poolRisk"))

    def pending_requests(self) -> int:
        """Return how many requests to the vault are not over, cancelled ones included."""
        pending = 0
        for view in ("depositQueue", "redeemQueue"):
            done, made, *_ = self.chain.call(self.vault, view)
            pending += made - done
        return pending

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
