"""What the client tells: amounts as exact `Decimal`, USD and base units."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum, IntFlag
from typing import TYPE_CHECKING, Any

from steelyard.client.records import (
    AccountId,
    AccountView,
    JointMove,
    MarginMode,
    MarginTerm,
    MarginView,
    MarketView,
    PositionView,
    owner_of,
)
from steelyard.client.records import Quote as QuoteRecord
from steelyard.client.units import from_wad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Account",
    "AccountName",
    "Grant",
    "Margin",
    "Market",
    "Moves",
    "Permission",
    "Position",
    "Quote",
    "account_name",
    "permission_names",
    "to_json",
]

_DAY_SECONDS = 86_400
_INT256_MAX = 2**255 - 1
_UINT256_MAX = 2**256 - 1

AccountName = str
"""`0xOWNER/NUMBER`."""


class Permission(IntFlag):
    """What an operator may do for an owner: `types/Account.sol`."""

    NONE = 0
    TRADE = 1
    MARGIN = 2
    WITHDRAW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an operator may do on all accounts of an owner.

    Attributes
    ----------
    permissions : Permission
        What.
    expires_at : int
        Until when, inclusive [Unix s].
    """

    permissions: Permission
    expires_at: int

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; permissions by name."""
        return {"permissions": permission_names(self.permissions), "expires_at": self.expires_at}


def permission_names(permissions: Permission) -> list[str]:
    """Return the names of permissions, for JSON."""
    return [str(one.name).lower() for one in permissions]


def account_name(account: AccountId) -> AccountName:
    """Return an account as `0xOWNER/NUMBER`."""
    return f"{owner_of(account)}/{account % 2**96}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market at its last price, whatever its age.

    Attributes
    ----------
    number, symbol : int, str
        Id, and what the deployment calls it.
    price : Decimal
        Of the oracle [USD].
    published_at : int
        When [Unix s].
    daily_variance : Decimal
        Realised [1/day].
    skew : Decimal
        Longs less shorts [base].
    long_open_interest, short_open_interest, open_interest_cap : Decimal
        Of each side, and the most there can be of it [base].
    funding_per_day : Decimal
        Rate of now, longs pay when positive [fraction of the notional].
    """

    number: int
    symbol: str
    price: Decimal
    published_at: int
    daily_variance: Decimal
    skew: Decimal
    long_open_interest: Decimal
    short_open_interest: Decimal
    open_interest_cap: Decimal
    funding_per_day: Decimal

    @property
    def daily_volatility(self) -> Decimal:
        """Root of the variance [fraction], rounded as `decimal` does."""
        return self.daily_variance.sqrt()

    @classmethod
    def of(cls, view: MarketView, symbol: str) -> Market:
        """Return a market from what the contracts tell."""
        return cls(
            number=view.market,
            symbol=symbol,
            price=from_wad(view.price),
            published_at=view.published_at,
            daily_variance=from_wad(view.variance),
            skew=from_wad(view.skew),
            long_open_interest=from_wad(view.long_open_interest),
            short_open_interest=from_wad(view.short_open_interest),
            open_interest_cap=from_wad(view.open_interest_cap),
            funding_per_day=from_wad(view.funding_rate * _DAY_SECONDS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position.

    Attributes
    ----------
    market : str
        Symbol.
    size : Decimal
        Negative for a short [base].
    notional, unsettled_funding : Decimal
        At the oracle price; owed since it was last touched [USD].
    liquidation_price : Decimal or None
        Beyond which the account can be liquidated, other prices as they are [USD]; None where no price of a long
        liquidates, or none of a short saves.
    """

    market: str
    size: Decimal
    notional: Decimal
    unsettled_funding: Decimal
    liquidation_price: Decimal | None

    @classmethod
    def of(cls, view: PositionView, symbol: str) -> Position:
        """Return a position from what the contracts tell."""
        return cls(
            market=symbol,
            size=from_wad(view.size),
            notional=from_wad(view.notional),
            unsettled_funding=from_wad(view.unsettled_funding),
            liquidation_price=from_wad(view.liquidation_price) if view.liquidation_price else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What positions require in one mode [USD].

    Attributes
    ----------
    initial, maintenance : Decimal
        Needed for more risk; under which the account can be liquidated.
    saving : Decimal
        What offsets take off the initial margins added up.
    decided_by : MarginTerm
        What the initial margin comes from; `scenario` is the stress scenario, where it is one.
    volatile_markets : tuple of str
        Whose volatility raises their initial margin.
    """

    mode: MarginMode
    initial: Decimal
    maintenance: Decimal
    saving: Decimal
    decided_by: MarginTerm
    scenario: int | None
    volatile_markets: tuple[str, ...]

    @classmethod
    def of(cls, view: MarginView, symbols: Sequence[str]) -> Margin:
        """Return a requirement from what the contracts tell."""
        term = MarginTerm(view.binding)
        return cls(
            mode=MarginMode(view.mode),
            initial=from_wad(view.initial_margin),
            maintenance=from_wad(view.maintenance_margin),
            saving=from_wad(view.saving),
            decided_by=term,
            scenario=view.scenario if term is MarginTerm.STRESS else None,
            volatile_markets=tuple(name for number, name in enumerate(symbols) if view.volatile_markets >> number & 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """By what all prices may be multiplied before an account can be liquidated; None where no such move liquidates."""

    lowest: Decimal | None
    highest: Decimal | None
    is_hopeless: bool

    @classmethod
    def of(cls, move: JointMove) -> Moves:
        """Return them from what the contracts tell."""
        ends = [None if end is None else from_wad(end) for end in (move.lowest, move.highest)]
        return cls(lowest=ends[0], highest=ends[1], is_hopeless=move.is_hopeless)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at current prices.

    Attributes
    ----------
    id, name : AccountId, str
        Number of 256 bits, and `0xOWNER/NUMBER`.
    mode : MarginMode
        How positions share the margin.
    balance, equity : Decimal
        In the ledger; with positions at their worth and pending funding [USD].
    initial_margin, maintenance_margin, notional : Decimal
        Required, and gross worth of positions [USD].
    leverage : Decimal or None
        Notional over equity; None where equity is not positive.
    health : Decimal or None
        Equity over maintenance margin; None where nothing is required.
    is_liquidatable : bool
        Whether equity is under the maintenance margin.
    positions : tuple of Position
        Lowest market first.
    """

    id: AccountId
    name: AccountName
    mode: MarginMode
    balance: Decimal
    equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    notional: Decimal
    leverage: Decimal | None
    health: Decimal | None
    is_liquidatable: bool
    positions: tuple[Position, ...]

    @property
    def free_collateral(self) -> Decimal:
        """Equity above the initial margin, zero where there is none [USD]."""
        return max(self.equity - self.initial_margin, Decimal(0))

    def position(self, symbol: str) -> Decimal:
        """Return the size of the position in a market, zero for none [base]."""
        return next((held.size for held in self.positions if held.market == symbol), Decimal(0))

    @classmethod
    def of(cls, view: AccountView, positions: Sequence[PositionView], symbols: Mapping[int, str]) -> Account:
        """Return an account from what the contracts tell."""
        return cls(
            id=view.account,
            name=account_name(view.account),
            mode=MarginMode(view.mode),
            balance=from_wad(view.balance),
            equity=from_wad(view.risk.equity),
            initial_margin=from_wad(view.risk.initial_margin),
            maintenance_margin=from_wad(view.risk.maintenance_margin),
            notional=from_wad(view.risk.notional),
            leverage=None if view.leverage == _UINT256_MAX else from_wad(view.leverage),
            health=None if view.health == _INT256_MAX else from_wad(view.health),
            is_liquidatable=view.is_liquidatable,
            positions=tuple(Position.of(held, symbols[held.market]) for held in positions),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a trade would do at the oracle price of now, its confidence not counted; nothing is promised.

    Attributes
    ----------
    market, size : str, Decimal
        Rounded to what the contracts count in [base].
    price : Decimal
        Average fill [USD].
    cost, fee, funding : Decimal
        Paid for it, negative when received; taker and maker fee; settled on the way [USD].
    size_after : Decimal
        Of the position [base].
    equity_after, initial_margin_after, maintenance_margin_after : Decimal
        Of the account [USD].
    uses : dict of MarginMode to Decimal
        Initial margin that the trade uses in each mode, or frees where negative [USD].
    """

    market: str
    size: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    funding: Decimal
    size_after: Decimal
    equity_after: Decimal
    initial_margin_after: Decimal
    maintenance_margin_after: Decimal
    uses: dict[MarginMode, Decimal]

    @property
    def is_affordable(self) -> bool:
        """Whether the account would have its initial margin."""
        return self.equity_after >= self.initial_margin_after

    @classmethod
    def of(cls, quote: QuoteRecord, symbol: str) -> Quote:
        """Return a quote from what the contracts tell."""
        return cls(
            market=symbol,
            size=from_wad(quote.size_delta),
            price=from_wad(quote.fill_price),
            cost=from_wad(quote.cost),
            fee=from_wad(quote.fee),
            funding=from_wad(quote.funding),
            size_after=from_wad(quote.size_after),
            equity_after=from_wad(quote.risk_after.equity),
            initial_margin_after=from_wad(quote.risk_after.initial_margin),
            maintenance_margin_after=from_wad(quote.risk_after.maintenance_margin),
            uses={mode: from_wad(quote.margin_changes[mode].initial_margin) for mode in MarginMode},
        )


def to_json(value: Any) -> Any:
    """Return a value of this module for JSON: amounts as text of the exact decimal, enumerations by name."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.name.lower() if value.name else int(value.value)
    if isinstance(value, Grant):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((entry.name, getattr(value, entry.name)) for entry in fields(value))
        return {name: f"0x{part:064x}" if name == "id" else to_json(part) for name, part in pairs}
    if isinstance(value, dict):
        return {to_json(key): to_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(part) for part in value]
    return value
