"""An account as a trader wants to see it, out of a few calls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.client.records import AccountView, JointMove, MarginMode, MarginTerm, MarginView, PositionView, owner_of

if TYPE_CHECKING:
    from steelyard.client.exchange import Exchange
    from steelyard.client.records import AccountId

__all__ = ["LargestOrders", "Portfolio", "portfolio_of"]


@dataclass(frozen=True, slots=True)
class LargestOrders:
    """The largest orders that an account could place in a market.

    Attributes
    ----------
    market : int
        Which.
    price : int
        Of the oracle [wad].
    buy, sell : int
        Base, the second negative [wad]; 0 for none.
    """

    market: int
    price: int
    buy: int
    sell: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """An account at current prices.

    Attributes
    ----------
    view : AccountView
        Equity, requirements and health in its own mode.
    margins : dict of MarginMode to MarginView
        What the same positions would require in each mode.
    positions : tuple of PositionView
        Lowest market first.
    joint_move : JointMove
        By what all prices may be multiplied.
    largest_orders : tuple of LargestOrders
        Of every listed market that ever had a price.
    """

    view: AccountView
    margins: dict[MarginMode, MarginView]
    positions: tuple[PositionView, ...]
    joint_move: JointMove
    largest_orders: tuple[LargestOrders, ...]

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as strings of the exact integers, None for what there is not."""
        view, move = self.view, self.joint_move
        return {
            "account": f"0x{view.account:064x}",
            "owner": owner_of(view.account),
            "mode": MarginMode(view.mode).name.lower(),
            "balance": str(view.balance),
            **{name: str(amount) for name, amount in asdict(view.risk).items()},
            "leverage": str(view.leverage),
            "health": str(view.health),
            "is_liquidatable": view.is_liquidatable,
            "margins": {
                mode.name.lower(): {
                    "initial_margin": str(one.initial_margin),
                    "maintenance_margin": str(one.maintenance_margin),
                    "saving": str(one.saving),
                    "binding": MarginTerm(one.binding).name.lower(),
                    "scenario": one.scenario if one.binding == MarginTerm.STRESS else None,
                    "volatile_markets": [market for market in range(120) if one.volatile_markets >> market & 1],
                }
                for mode, one in self.margins.items()
            },
            "positions": [
                {
                    "market": one.market,
                    "size": str(one.size),
                    "notional": str(one.notional),
                    "unsettled_funding": str(one.unsettled_funding),
                    "liquidation_price": str(one.liquidation_price) if one.liquidation_price or one.size < 0 else None,
                }
                for one in self.positions
            ],
            "joint_move": {
                "lowest": None if move.lowest is None else str(move.lowest),
                "highest": None if move.highest is None else str(move.highest),
                "is_hopeless": move.is_hopeless,
            },
            "largest_orders": [
                {"market": one.market, "price": str(one.price), "buy": str(one.buy), "sell": str(one.sell)}
                for one in self.largest_orders
            ],
        }


def portfolio_of(exchange: Exchange, account: AccountId) -> Portfolio:
    """Return an account at current prices.

    Raises
    ------
    ContractReverted
        The account is reserved, or a price is stale or uncertain.
    """
    (view,) = exchange.account_views([account])
    return Portfolio(
        view=view,
        margins=exchange.margins_of(account),
        positions=tuple(exchange.positions_of(account)),
        joint_move=exchange.joint_move(account),
        largest_orders=tuple(
            [
                LargestOrders(
                    market.market,
                    market.price,
                    exchange.largest_order(account, market.market, is_buy=True),
                    exchange.largest_order(account, market.market, is_buy=False),
                )
                for market in exchange.market_views()
                if market.published_at
            ]
        ),
    )
