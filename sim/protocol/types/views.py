"""What the lens shows (``Views.sol``)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = [
    "AccountView",
    "MarginChange",
    "MarginTerm",
    "MarginView",
    "MarketView",
    "PoolView",
    "PositionView",
    "Quote",
    "RiskTuple",
]

RiskTuple = tuple[int, ...]
"""An `AccountRisk` in its ABI form: equity, initial margin, maintenance margin, notional [quote wad]."""


class AccountView(NamedTuple):
    """An account at current prices.

    Parameters
    ----------
    account : int
        Whose.
    balance : int
        Ledger balance [quote wad].
    mode : int
        A `MarginMode`.
    open_markets : int
        Bitmap.
    risk : RiskTuple
        Pending funding included.
    leverage : int
        Notional / equity [wad], up; the maximum of ``uint256`` where equity is not positive.
    health : int
        Equity / maintenance margin [wad], down; the maximum of ``int256`` where nothing is required.
    is_liquidatable : bool
        Whether equity is under the maintenance margin.
    """

    account: int
    balance: int
    mode: int
    open_markets: int
    risk: RiskTuple
    leverage: int
    health: int
    is_liquidatable: bool


class PositionView(NamedTuple):
    """A position at current prices.

    Parameters
    ----------
    market : int
        Which.
    size : int
        Signed [base wad].
    notional : int
        ``|size| * price`` [quote wad], up.
    unsettled_funding : int
        Owed since the position was last touched [quote wad], up.
    liquidation_price : int
        See `Lens.liquidation_price` [wad].
    """

    market: int
    size: int
    notional: int
    unsettled_funding: int
    liquidation_price: int


class MarketView(NamedTuple):
    """A market at its current price.

    Parameters
    ----------
    market : int
        Which.
    price : int
        Oracle price [wad].
    published_at : int
        Of the price [seconds].
    variance : int
        Realised [wad per day].
    skew, long_open_interest, short_open_interest, open_interest_cap : int
        [base wad].
    funding_rate : int
        At this moment [1e-18 per second].
    funding_velocity : int
        [1e-18 per second^2].
    long_index, short_index : int
        Brought up to date [quote wad per share].
    """

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


class PoolView(NamedTuple):
    """The pool and the insurance fund at current prices.

    Parameters
    ----------
    balance : int
        Ledger balance of the pool [quote wad].
    equity : int
        Balance less skew at the oracle price, and unsettled funding [quote wad], down.
    net_asset_value : int
        Equity less what traders would be paid for unwinding [quote wad], down.
    insurance : int
        Balance of the insurance fund [quote wad].
    tokens_held : int
        Settlement tokens in the clearinghouse [token units].
    """

    balance: int
    equity: int
    net_asset_value: int
    insurance: int
    tokens_held: int


class MarginTerm(IntEnum):
    """What decides an account's initial margin."""

    NONE = 0
    """Nothing is required."""
    SUM = 1
    """Margins added up."""
    FACTORS = 2
    """Netted, risk on common factors is what remains."""
    STRESS = 3
    """Netted, one of the joint scenarios is what remains."""
    MAINTENANCE = 4
    """Netted, the maintenance margin is the higher one."""
    FLOOR = 5
    """The least margin of any account with a position."""


class MarginView(NamedTuple):
    """Requirements of one set of positions in one mode, and what they are made of.

    Parameters
    ----------
    mode : int
        That they are of.
    initial_margin, maintenance_margin : int
        Up [quote wad].
    binding : int
        The `MarginTerm` that decides the initial margin.
    scenario : int
        That costs most of the eight, where `binding` is `MarginTerm.STRESS`.
    volatile_markets : int
        Bitmap of the markets whose volatility raises their initial margin.
    saving : int
        What offsets take off the initial margins added up, down [quote wad].
    """

    mode: int
    initial_margin: int
    maintenance_margin: int
    binding: int
    scenario: int
    volatile_markets: int
    saving: int


class MarginChange(NamedTuple):
    """Requirements after a trade less those before, in one mode: what it uses, or what it frees where negative.

    Parameters
    ----------
    initial_margin, maintenance_margin : int
        [quote wad].
    """

    initial_margin: int
    maintenance_margin: int


class Quote(NamedTuple):
    """What a trade would do at the current oracle price.

    Parameters
    ----------
    size_delta, size_after : int
        Change of the position and its size then [base wad].
    fill_price : int
        Average, against the trader [wad].
    cost, fee, funding : int
        As in `Fill` [quote wad].
    risk_before, risk_after : RiskTuple
        Of the account.
    margin_after : MarginView
        What that requirement is made of.
    margin_changes : tuple of MarginChange
        What the trade needs, in the order of `MarginMode`.
    """

    size_delta: int
    fill_price: int
    cost: int
    fee: int
    funding: int
    size_after: int
    risk_before: RiskTuple
    risk_after: RiskTuple
    margin_after: MarginView
    margin_changes: tuple[MarginChange, ...]
