"""What a coalition could take out of the exchange, and that nothing it does at one price adds to that.

    worth = tokens + sum(balances) - funding owed + sum over markets of what closing the net position pays, fees paid

Closing pays `-costUp(-net) - feeUp(-net)` at the oracle price and the skew of now. That is the most that any order of
closing the single positions pays: costs are differences of one potential, and of all ways from one skew to another the
direct one has the least fees. A coalition that is flat is worth its cash. So whoever never gains worth at one price
never takes out more than he brought, but for what the positions that he held gained when prices changed.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sim.protocol.evm import Address
from sim.protocol.invariants import InvariantBroken
from sim.protocol.libraries import funding_rate, positions, pricing
from sim.protocol.libraries.fixed_point import WAD
from sim.protocol.types.account_id import owner_of
from sim.protocol.types.market_id import MarketId, markets_of
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up, to_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sim.protocol import World

__all__ = ["Coalition"]

_UNIT: Final = 10**12
_DUST_PER_MARKET: Final = 6
"""Closing rounds twice up in its cost and once in its fee, in the worth before and in the worth after [quote wei]."""


class Coalition:
    """Accounts whose owners act as one.

    Parameters
    ----------
    world : World
        The model that they are in.
    accounts : sequence of int
        All of them; the tokens of their owners count, too.
    """

    def __init__(self, world: World, accounts: Sequence[int]) -> None:
        self._world = world
        self.accounts = tuple(accounts)
        self._owners = sorted({owner_of(account) for account in accounts})

    def worth(self, prices: Mapping[int, int] | None = None) -> int:
        """Return the most that it could hold once all is closed at the oracle's prices of now [quote wad].

        Parameters
        ----------
        prices : mapping of int to int, optional
            Of some markets, instead of the oracle's [wad].
        """
        world, house = self._world, self._world.clearinghouse
        now, known = world.timestamp, prices or {}
        markets = house.stored_markets()
        total = sum([world.token.held_by(Address(owner)) for owner in self._owners]) * _UNIT
        net: defaultdict[MarketId, int] = defaultdict(int)
        for account in self.accounts:
            header = house.account_of(account)
            total += header.balance
            for market in map(MarketId, markets_of(header.open_markets)):
                price = known.get(market) or world.oracle.price_state(market).price
                position, state = house.position_of(account, market), markets[market]
                is_long = position.shares > 0
                side = state.longs if is_long else state.shorts
                index = funding_rate.preview_index(state.funding, side, is_long, price, now)
                total -= indexed_up(position.shares, index - position.entry_index)
                net[market] += to_size(position.shares, side.multiplier)
        for market, size in net.items():
            state = house.market_of(market)
            price = known.get(market) or world.oracle.price_state(market).price
            skew = positions.skew_of(state)
            total -= pricing.cost_up(-size, price, skew, pricing.depth(state.config))
            total -= pricing.fee_up(state.config, -size, price, skew)
        return total

    @contextmanager
    def gains_nothing(self, invariant: str, prices: Mapping[int, int] | None = None) -> Iterator[Allowed]:
        """Check that what is done within, at one time and one price, adds nothing to its worth.

        Parameters
        ----------
        invariant : str
            Id of the one that fails.
        prices : mapping of int to int, optional
            Those that a call within may publish, for the worth before if it does [wad].

        Raises
        ------
        InvariantBroken
            It gained more than what was allowed within and the dust of rounding.
        """
        before, at_prices = self.worth(), self.worth(prices) if prices else 0
        allowed, dust = Allowed(), self._dust()
        yield allowed
        after, oracle = self.worth(), self._world.oracle
        if prices and all(oracle.price_state(market).price == price for market, price in prices.items()):
            before = at_prices
        dust = max(dust, self._dust())
        if after - before > allowed.amount + dust:
            raise InvariantBroken(
                invariant,
                f"worth after {after} - before {before} = {after - before} <= {allowed.amount} + {dust} of dust",
            )

    def _dust(self) -> int:
        """Return what rounding may seem to add [quote wei].

        Where a multiplier is not one, the size of each position rounds to a wei of the base, and the open interest of
        all of them to another: the net position and the skew differ by that much, before and after.
        """
        dust = 0
        for market, state in self._world.clearinghouse.stored_markets().items():
            dust += _DUST_PER_MARKET
            if state.longs.multiplier != ONE_MULTIPLIER or state.shorts.multiplier != ONE_MULTIPLIER:
                price = self._world.oracle.price_state(market).price
                dust += 2 * (len(self.accounts) + 1) * (1 + price // WAD)
        return dust

    def require_margin(self, account: int) -> None:
        """I16: an account that paid money out has its initial margin, or is flat and owes nothing.

        Raises
        ------
        InvariantBroken
            It has not.
        """
        risk = self._world.clearinghouse.risk_of(account)
        if risk.equity < risk.initial_margin:
            raise InvariantBroken("I16", f"equity {risk.equity} >= initial margin {risk.initial_margin}")


class Allowed:
    """What a coalition may gain: the debt that others bear by rule, the difference of two prices that both hold."""

    def __init__(self) -> None:
        self.amount = 0
