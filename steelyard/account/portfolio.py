"""An account as a trader wants to see it, out of a few calls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.client.errors import PriceStale, PriceUncertain
from steelyard.client.records import AccountView, JointMove, MarginMode, MarginTerm, MarginView, PositionView, owner_of
from steelyard.client.units import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steelyard.client.exchange import Exchange
    from steelyard.client.records import AccountId

__all__ = ["LargestOrders", "Portfolio", "portfolio_of"]

_INT256_MAX = 2**255 - 1
_UINT256_MAX = 2**256 - 1


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
    symbols : tuple of str
        What the deployment calls its markets, lowest number first.
    """

    view: AccountView
    margins: dict[MarginMode, MarginView]
    positions: tuple[PositionView, ...]
    joint_move: JointMove
    largest_orders: tuple[LargestOrders, ...]
    symbols: tuple[str, ...] = ()

    def symbol(self, market: int) -> str:
        """Return what a market is called; its number where it was listed after the deployment."""
        return self.symbols[market] if market < len(self.symbols) else str(market)

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals, None for what there is not."""
        view, move = self.view, self.joint_move
        return {
            "account": f"0x{view.account:064x}",
            "owner": owner_of(view.account),
            "mode": MarginMode(view.mode).name.lower(),
            "balance": text_of(view.balance),
            **{name: text_of(amount) for name, amount in asdict(view.risk).items()},
            "leverage": None if view.leverage == _UINT256_MAX else text_of(view.leverage),
            "health": None if view.health == _INT256_MAX else text_of(view.health),
            "is_liquidatable": view.is_liquidatable,
            "margins": {
                mode.name.lower(): {
                    "initial_margin": text_of(one.initial_margin),
                    "maintenance_margin": text_of(one.maintenance_margin),
                    "saving": text_of(one.saving),
                    "binding": MarginTerm(one.binding).name.lower(),
                    "scenario": one.scenario if one.binding == MarginTerm.STRESS else None,
                    "volatile_markets": [
                        self.symbol(market) for market in range(120) if one.volatile_markets >> market & 1
                    ],
                }
                for mode, one in self.margins.items()
            },
            "positions": [
                {
                    "market": self.symbol(one.market),
                    "size": text_of(one.size),
                    "notional": text_of(one.notional),
                    "unsettled_funding": text_of(one.unsettled_funding),
                    "liquidation_price": text_of(one.liquidation_price)
                    if one.liquidation_price or one.size < 0
                    else None,
                }
                for one in self.positions
            ],
            "joint_move": {
                "lowest": None if move.lowest is None else text_of(move.lowest),
                "highest": None if move.highest is None else text_of(move.highest),
                "is_hopeless": move.is_hopeless,
            },
            "largest_orders": [
                {
                    "market": self.symbol(one.market),
                    "price": text_of(one.price),
                    "buy": text_of(one.buy),
                    "sell": text_of(one.sell),
                }
                for one in self.largest_orders
            ],
        }


def portfolio_of(exchange: Exchange, account: AccountId, symbols: Sequence[str] = ()) -> Portfolio:
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
        largest_orders=tuple(_largest_orders(exchange, account)),
        symbols=tuple(symbols),
    )


def _largest_orders(exchange: Exchange, account: AccountId) -> Iterator[LargestOrders]:
    """Yield the largest orders of markets with a price that one can trade at."""
    for market in exchange.market_views():
        if market.published_at == 0:
            continue
        try:
            buy, sell = (exchange.largest_order(account, market.market, is_buy=is_buy) for is_buy in (True, False))
        except (PriceStale, PriceUncertain):
            continue
        yield LargestOrders(market.market, market.price, buy, sell)
