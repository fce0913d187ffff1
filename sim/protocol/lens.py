"""Read-only views (``Lens.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.errors import AccountReserved, MarketUnknown, PositionMissing, SizeZero
from sim.protocol.evm import UINT256_MAX, Address, Contract, ceil_div, view
from sim.protocol.libraries import funding_rate, margin, positions, pricing
from sim.protocol.libraries.fixed_point import WAD, div_down, div_up
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.account_id import is_reserved
from sim.protocol.types.market_id import markets_of, to_bit
from sim.protocol.types.shares import indexed_up
from sim.protocol.types.views import AccountView, MarketView, PoolView, PositionView, Quote

if TYPE_CHECKING:
    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.types.market import Market
    from sim.protocol.world import World

__all__ = ["Lens"]

_RATIO_SCALE: Final = 10**8
_INT256_MAX: Final = 2**255 - 1
_RISK: Final = "(int256,uint256,uint256,uint256)"
_ACCOUNT_VIEW: Final = f"(uint256,int256,uint8,uint256,{_RISK},uint256,int256,bool)"
_POSITION_VIEW: Final = "(uint8,int256,uint256,int256,uint256)"
_MARKET_VIEW: Final = "(uint8,uint256,uint256,uint256,int256,uint256,uint256,uint256,int256,int256,int256,int256)"
_QUOTE: Final = f"(int256,uint256,int256,uint256,int256,int256,{_RISK},{_RISK})"


class Lens(Contract):
    """Accounts, markets and the pool, many in one call.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    clearinghouse : Clearinghouse
        What it looks at.
    """

    def __init__(self, world: World, name: str, address: Address, *, clearinghouse: Clearinghouse) -> None:
        super().__init__(world, name, address)
        self.clearinghouse = clearinghouse
        self.oracle = clearinghouse.oracle

    @view("CLEARINGHOUSE() -> (address)")
    def clearinghouse_address(self) -> Address:
        """Return the address of the clearinghouse."""
        return self.clearinghouse.address

    @view(f"accountView(uint256) -> ({_ACCOUNT_VIEW})")
    def account_view(self, account: int) -> AccountView:
        """Return health, leverage and requirements of an account (``Lens.sol::accountView``).

        Raises
        ------
        AccountReserved
            The pool's or the insurance fund's, or nobody's.
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        if is_reserved(account):
            raise AccountReserved(account)
        header = self.clearinghouse.account_of(account)
        risk = self.clearinghouse.risk_of(account)
        equity, maintenance = risk.equity, risk.maintenance_margin
        return AccountView(
            account=account,
            balance=self.clearinghouse.balance_of(account),
            mode=header.mode,
            open_markets=header.open_markets,
            risk=risk.as_tuple(),
            leverage=ceil_div(risk.notional * WAD, equity) if equity > 0 else UINT256_MAX,
            health=_INT256_MAX if maintenance == 0 else div_down(equity * WAD, maintenance),
            is_liquidatable=equity < maintenance,
        )

    @view(f"accountViews(uint256[]) -> ({_ACCOUNT_VIEW}[])")
    def account_views(self, accounts: tuple[int, ...]) -> tuple[AccountView, ...]:
        """Return the same of many accounts, in their order."""
        return tuple([self.account_view(account) for account in accounts])

    @view("balancesOf(uint256[]) -> (int256[])")
    def balances_of(self, accounts: tuple[int, ...]) -> tuple[int, ...]:
        """Return the ledger balances of many accounts [quote wad]."""
        return tuple([self.clearinghouse.balance_of(account) for account in accounts])

    @view(f"positionsOf(uint256) -> ({_POSITION_VIEW}[])")
    def positions_of(self, account: int) -> tuple[PositionView, ...]:
        """Return the open positions of an account, lowest market first (``Lens.sol::positionsOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        bitmap = self.clearinghouse.account_of(account).open_markets
        views = []
        for market, price in zip(markets_of(bitmap), self.oracle.prices_of(bitmap), strict=True):
            state, position = self._accrued(account, market, price)
            size = positions.size_of(state, position)
            views.append(
                PositionView(
                    market=market,
                    size=size,
                    notional=ceil_div(abs(size) * price, WAD),
                    unsettled_funding=indexed_up(
                        position.shares, positions.index_of(state, position) - position.entry_index
                    ),
                    liquidation_price=self.liquidation_price(account, market),
                )
            )
        return tuple(views)

    @view("liquidationPrice(uint256,uint8) -> (uint256)")
    def liquidation_price(self, account: int, market: int) -> int:
        """Return the price beyond which the account is under maintenance [wad] (``Lens.sol::liquidationPrice``).

        ``long: up((MM' - E') / (s * (1 - k*m)))``, ``short: down((E' - MM') / (|s| * (1 + k*m)))``, and the floor of
        the requirement; 0 where no price liquidates a long, or where none saves a short.

        Raises
        ------
        PositionMissing
            As named; the oracle's.
        """
        state = self.clearinghouse.market_of(market).copy()
        position = self.clearinghouse.position_of(account, market)
        size = positions.size_of(state, position)
        if size == 0:
            raise PositionMissing(account, market)
        funding_rate.accrue(state, self.oracle.price_of(market), self.world.timestamp)
        rest = self._risk_without(account, market)
        owed = indexed_up(position.shares, positions.index_of(state, position) - position.entry_index)
        equity = rest.equity - owed
        missing = (rest.maintenance_margin - equity) * WAD
        floors = AccountRisk()
        margin.apply_floors(floors, self.clearinghouse.ledger())
        missing_to_floor = (floors.maintenance_margin - equity) * WAD
        ratio = state.config.margin_ratio * state.config.maintenance_fraction
        magnitude = abs(size)
        if size > 0:
            price = max(
                div_up(missing * _RATIO_SCALE, magnitude * (_RATIO_SCALE - ratio)), div_up(missing_to_floor, magnitude)
            )
        else:
            price = min(
                div_down(-missing * _RATIO_SCALE, magnitude * (_RATIO_SCALE + ratio)),
                div_down(-missing_to_floor, magnitude),
            )
        return max(price, 0)

    @view(f"quote(uint256,uint8,int128) -> ({_QUOTE})")
    def quote(self, account: int, market: int, size_delta: int) -> Quote:
        """Return what a trade would do now (``Lens.sol::quote``).

        Raises
        ------
        SizeZero, MarketUnknown, OpenInterestExceeded
            As named; the oracle's.
        """
        if size_delta == 0:
            raise SizeZero
        if market >= self.clearinghouse.market_count():
            raise MarketUnknown(market)
        price = self.oracle.price_of(market)
        state, position = self._accrued(account, market, price)
        size_after, fill = positions.change(state, position, positions.size_of(state, position), size_delta, price)
        if fill.size_delta == 0:
            raise SizeZero
        before = self.clearinghouse.risk_of(account)
        after = self._risk_without(account, market)
        after.equity -= fill.cost + fill.fee + fill.funding
        margin.add(after, position, size_after, positions.index_of(state, position), state.config, price)
        if after.notional > 0:
            margin.apply_floors(after, self.clearinghouse.ledger())
        return Quote(
            size_delta=fill.size_delta,
            fill_price=pricing.average_price(fill.size_delta, fill.cost),
            cost=fill.cost,
            fee=fill.fee,
            funding=fill.funding,
            size_after=size_after,
            risk_before=before.as_tuple(),
            risk_after=after.as_tuple(),
        )

    @view(f"marketViews() -> ({_MARKET_VIEW}[])")
    def market_views(self) -> tuple[MarketView, ...]:
        """Return all listed markets (``Lens.sol::marketViews``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        views = []
        for market in range(self.clearinghouse.market_count()):
            price = self.oracle.price_of(market)
            state = self._accrued_market(market, price)
            held = self.oracle.price_state(market)
            views.append(
                MarketView(
                    market=market,
                    price=price,
                    published_at=held.published_at,
                    variance=held.variance,
                    skew=positions.skew_of(state),
                    long_open_interest=positions.open_interest(state.longs),
                    short_open_interest=positions.open_interest(state.shorts),
                    open_interest_cap=pricing.open_interest_cap(state.config),
                    funding_rate=state.funding.rate,
                    funding_velocity=state.funding.velocity,
                    long_index=state.longs.index,
                    short_index=state.shorts.index,
                )
            )
        return tuple(views)

    @view("poolView() -> ((int256,int256,int256,uint256,uint256))")
    def pool_view(self) -> PoolView:
        """Return the pool, valued over all listed markets (``Lens.sol::poolView``).

        ``equity = balance - sum(skew * P) + sum(L*I_L + S*I_S - entry_sum)``; net asset value is that less
        ``sum(P * skew^2 / (2 * scale))``.

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        ledger = self.clearinghouse.ledger()
        equity = ledger.pool_balance
        potential = 0
        for market in range(self.clearinghouse.market_count()):
            price = self.oracle.price_of(market)
            state = self._accrued_market(market, price)
            skew = positions.skew_of(state)
            accrued = state.longs.shares * state.longs.index + state.shorts.shares * state.shorts.index
            equity += div_down(-skew * price, WAD) + div_down(accrued, WAD) - state.funding.entry_sum
            potential += ceil_div(abs(skew) * price * abs(skew), 2 * pricing.depth(state.config) * WAD)
        return PoolView(
            balance=ledger.pool_balance,
            equity=equity,
            net_asset_value=equity - potential,
            insurance=ledger.insurance_balance,
            tokens_held=self.clearinghouse.token.balance_of(self.clearinghouse.address),
        )

    def _risk_without(self, account: int, market: int) -> AccountRisk:
        """Return value and requirements without the position in `market`, before the floors."""
        risk = AccountRisk(self.clearinghouse.balance_of(account))
        bitmap = self.clearinghouse.account_of(account).open_markets & ~to_bit(market)
        for other, price in zip(markets_of(bitmap), self.oracle.prices_of(bitmap), strict=True):
            state, position = self._accrued(account, other, price)
            index = positions.index_of(state, position)
            margin.add(risk, position, positions.size_of(state, position), index, state.config, price)
        return risk

    def _accrued(self, account: int, market: int, price: int) -> tuple[Market, Position]:
        stored = self.clearinghouse.position_of(account, market)
        return self._accrued_market(market, price), Position(stored.shares, stored.entry_index)

    def _accrued_market(self, market: int, price: int) -> Market:
        state = self.clearinghouse.market_of(market).copy()
        funding_rate.accrue(state, price, self.world.timestamp)
        return state
