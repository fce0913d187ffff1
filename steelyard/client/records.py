"""What the contracts tell, as they tell it: integers in wad, by the names of the contracts' structs."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from steelyard.client.abi import snake_case
from steelyard.client.errors import AmountInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "INSURANCE_ACCOUNT",
    "POOL_ACCOUNT",
    "AccountId",
    "AccountRisk",
    "AccountView",
    "Commitment",
    "JointMove",
    "Leg",
    "MarginChange",
    "MarginMode",
    "MarginTerm",
    "MarginView",
    "MarketView",
    "Order",
    "OrderKind",
    "PoolRisk",
    "PoolView",
    "PositionView",
    "Progress",
    "Quote",
    "Terms",
    "owner_of",
    "read_record",
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


class OrderKind(IntEnum):
    """What an order waits for: `types/Order.sol::OrderKind`."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    TRAILING_STOP = 3
    TWAP = 4
    BRACKET = 5


class Leg(IntEnum):
    """What of a resting order is next: `types/Order.sol::Leg`."""

    ENTRY = 0
    EXITS = 1
    STOP = 2
    TARGET = 3


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

    @classmethod
    def of(cls, record: Any) -> Order:
        """Return an order as an event tells of it."""
        return cls(**{snake_case(name): value for name, value in record._asdict().items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`types/Order.sol::Terms`, in the order of its fields; what a kind has no use for is zero."""

    kind: OrderKind
    trigger_price: int = 0
    stop_price: int = 0
    target_price: int = 0
    distance: int = 0
    slices: int = 0
    interval: int = 0

    def encoded(self) -> tuple[int, ...]:
        """Return the fields in the order of the contract's."""
        return tuple(int(getattr(self, entry.name)) for entry in fields(self))

    @classmethod
    def of(cls, record: Any) -> Terms:
        """Return terms as an event tells of them."""
        values = {snake_case(name): value for name, value in record._asdict().items()}
        return cls(**{**values, "kind": OrderKind(values["kind"])})


@dataclass(frozen=True, slots=True)
class Progress:
    """`types/Order.sol::Progress`: how far a resting order is."""

    leg: Leg
    triggered_at: int
    active_at: int
    slices: int
    mark: int
    marked_at: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """What an order's slot holds: `IOrderBook.commitmentOf`; free where `committed_at` is zero."""

    committed_at: int
    is_resting: bool
    order_hash: int


def to_account_id(owner: str, index: int) -> AccountId:
    """Return the `index`-th account of `owner`.

    Raises
    ------
    AmountInvalid
        The index has more than 96 bits, or is negative: the account would be somebody else's.
    """
    if not 0 <= index < 2**96:
        raise AmountInvalid("account index", index, "not from 0 to 2**96 - 1")
    return AccountId((int(owner, 16) << 96) | index)


def owner_of(account: AccountId) -> str:
    """Return the owner's address, in lower case."""
    return f"0x{account >> 96:040x}"


_T = TypeVar("_T")
_UINT256_MAX = 2**256 - 1


def _reader_of(hint: Any) -> Callable[[Any], Any] | None:
    """Return what reads a value of this type, None where it is taken as it is."""
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(read_record, hint)
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


def read_record(kind: Callable[..., _T], record: Any) -> _T:
    """Return a named tuple of the contracts as a record of `kind`."""
    values = []
    for place, read in _layout(kind, record._fields):
        values.append(record[place] if read is None else read(record[place]))
    return kind(*values)
