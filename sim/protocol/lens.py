"""Read-only views (``Lens.sol``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.protocol.errors import AccountReserved, MarketUnknown, PositionMissing, SizeZero
from sim.protocol.evm import UINT256_MAX, Address, Contract, ceil_div, view
from sim.protocol.libraries import funding_rate, margin, portfolio, positions, pricing
from sim.protocol.libraries.fixed_point import WAD, div_down, div_up
from sim.protocol.libraries.portfolio import Netting
from sim.protocol.types.account import AccountRisk, MarginMode, Position
from sim.protocol.types.account_id import is_reserved
from sim.protocol.types.mark import price_of, to_mark, variance_of
from sim.protocol.types.market_id import markets_of, to_bit
from sim.protocol.types.shares import indexed_up
from sim.protocol.types.views import AccountView, MarginTerm, MarginView, MarketView, PoolView, PositionView, Quote

if TYPE_CHECKING:
    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.types.ledger import Ledger
    from sim.protocol.types.market import Market, PortfolioConfig
    from sim.protocol.world import World

__all__ = ["Lens"]

_RATIO_SCALE: Final = 10**12
_BPS: Final = 10**4
_INT256_MAX: Final = 2**255 - 1
_RISK: Final = "(int256,uint256,uint256,uint256)"
_ACCOUNT_VIEW: Final = f"(uint256,int256,uint8,uint256,{_RISK},uint256,int256,bool)"
_POSITION_VIEW: Final = "(uint8,int256,uint256,int256,uint256)"
_MARKET_VIEW: Final = "(uint8,uint256,uint256,uint256,int256,uint256,uint256,uint256,int256,int256,int256,int256)"
_MARGIN_VIEW: Final = "(uint8,uint256,uint256,uint8,uint256,uint256,uint256)"
_QUOTE: Final = f"(int256,uint256,int256,uint256,int256,int256,{_RISK},{_RISK},{_MARGIN_VIEW})"
_MAX_PRICE: Final = 2**96 - 1


@dataclass(slots=True)
class _Holding:
    """One market of an account in memory."""

    market: int
    mark: int
    size: int
    state: Market
    position: Position
    portfolio: PortfolioConfig


@dataclass(slots=True)
class _Book:
    """An account in memory; `cash` is its balance."""

    cash: int
    mode: int
    ledger: Ledger
    holdings: list[_Holding]


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
        book = self._book_of(account, self.clearinghouse.account_of(account).open_markets)
        return tuple(
            [
                PositionView(
                    market=held.market,
                    size=held.size,
                    notional=ceil_div(abs(held.size) * price_of(held.mark), WAD),
                    unsettled_funding=_owed_up(held),
                    liquidation_price=self.liquidation_price(account, held.market),
                )
                for held in book.holdings
            ]
        )

    @view(f"marginsOf(uint256) -> ({_MARGIN_VIEW}[3])")
    def margins_of(self, account: int) -> tuple[MarginView, ...]:
        """Return what an account's positions would require in each margin mode (``Lens.sol::marginsOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        book = self._book_of(account, self.clearinghouse.account_of(account).open_markets)
        views = []
        for mode in MarginMode:
            book.mode = mode
            views.append(_valued(book)[1])
        return tuple(views)

    @view("liquidationPrice(uint256,uint8) -> (uint256)")
    def liquidation_price(self, account: int, market: int) -> int:
        """Return the price beyond which the account is under maintenance [wad] (``Lens.sol::liquidationPrice``).

        ``long: up((MM' - E') / (s * (1 - k*m)))``, ``short: down((E' - MM') / (|s| * (1 + k*m)))``, and the floor of
        the requirement; searched to the wei where positions net; 0 where no price liquidates a long, or where none
        saves a short.

        Raises
        ------
        PositionMissing
            As named; the oracle's.
        """
        book = self._book_of(account, self.clearinghouse.account_of(account).open_markets)
        held = next((one for one in book.holdings if one.market == market), None)
        if held is None or held.size == 0:
            raise PositionMissing(account, market)
        return _searched_price(book, held) if _is_netted(book) else _solved_price(book, held)

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
        book = self._book_of(account, self.clearinghouse.account_of(account).open_markets | to_bit(market))
        before, _ = _valued(book)
        held = next(one for one in book.holdings if one.market == market)
        held.size, fill = positions.change(held.state, held.position, held.size, size_delta, price_of(held.mark))
        if fill.size_delta == 0:
            raise SizeZero
        book.cash -= fill.cost + fill.fee + fill.funding
        after, margin_after = _valued(book)
        return Quote(
            size_delta=fill.size_delta,
            fill_price=pricing.average_price(fill.size_delta, fill.cost),
            cost=fill.cost,
            fee=fill.fee,
            funding=fill.funding,
            size_after=held.size,
            risk_before=before.as_tuple(),
            risk_after=after.as_tuple(),
            margin_after=margin_after,
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

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        ledger = self.clearinghouse.ledger()
        risk = self.clearinghouse.pool_risk()
        return PoolView(
            balance=ledger.pool_balance,
            equity=risk.equity,
            net_asset_value=risk.net_asset_value,
            insurance=ledger.insurance_balance,
            tokens_held=self.clearinghouse.token.balance_of(self.clearinghouse.address),
        )

    def _book_of(self, account: int, markets: int) -> _Book:
        """Return the positions of an account in `markets`, which may be some that it has none in, accrued."""
        house = self.clearinghouse
        holdings = []
        for market, mark in zip(markets_of(markets), self.oracle.marks_of(markets), strict=True):
            state = self._accrued_market(market, price_of(mark))
            stored = house.position_of(account, market)
            position = Position(stored.shares, stored.entry_index)
            size = positions.size_of(state, position)
            holdings.append(_Holding(market, mark, size, state, position, house.portfolio_of(market)))
        return _Book(house.balance_of(account), house.account_of(account).mode, house.ledger(), holdings)

    def _accrued_market(self, market: int, price: int) -> Market:
        state = self.clearinghouse.market_of(market).copy()
        funding_rate.accrue(state, price, self.world.timestamp)
        return state


def _owed_up(held: _Holding) -> int:
    return indexed_up(held.position.shares, positions.index_of(held.state, held.position) - held.position.entry_index)


def _is_netted(book: _Book) -> bool:
    return book.mode == MarginMode.PORTFOLIO and sum(held.size != 0 for held in book.holdings) > 1


def _add_to(risk: AccountRisk, held: _Holding) -> None:
    index = positions.index_of(held.state, held.position)
    margin.add(risk, held.position, held.size, index, held.state.config, held.mark)


def _valued(book: _Book) -> tuple[AccountRisk, MarginView]:
    """Return value and requirements, and what they are made of.

    Isolated means each position in an account of its own, which has the floors of its own.
    """
    risk = AccountRisk(book.cash)
    open_holdings = [held for held in book.holdings if held.size != 0]
    if not open_holdings:
        return risk, MarginView(book.mode, 0, 0, MarginTerm.NONE, 0, 0, 0)
    netting = Netting()
    volatile = 0
    is_floored = False
    for held in open_holdings:
        alone = AccountRisk()
        _add_to(alone, held)
        config = held.state.config
        if margin.is_volatile(config, variance_of(held.mark)):
            volatile |= to_bit(held.market)
        if book.mode == MarginMode.ISOLATED:
            is_floored |= _floored(alone, book.ledger)
        netting.add(held.size, price_of(held.mark), config, held.portfolio)
        risk.equity += alone.equity
        risk.initial_margin += alone.initial_margin
        risk.maintenance_margin += alone.maintenance_margin
        risk.notional += alone.notional
    binding, scenario, saving = MarginTerm.SUM, 0, 0
    if _is_netted(book):
        total = risk.initial_margin
        netting.settle(risk)
        saving = total - risk.initial_margin
        binding, scenario = _binding_of(netting, total, risk)
    if book.mode != MarginMode.ISOLATED:
        is_floored = _floored(risk, book.ledger)
    if is_floored:
        binding = MarginTerm.FLOOR
    return risk, MarginView(
        book.mode, risk.initial_margin, risk.maintenance_margin, binding, scenario, volatile, saving
    )


def _floored(risk: AccountRisk, ledger: Ledger) -> bool:
    required = risk.initial_margin
    margin.apply_floors(risk, ledger)
    return risk.initial_margin > required


def _binding_of(netting: Netting, total: int, risk: AccountRisk) -> tuple[MarginTerm, int]:
    hedgeable, factors = portfolio.factor_risk_up(netting.initial, netting.configs)
    stress, scenario = portfolio.stress_risk(netting.initial, netting.configs)
    if risk.initial_margin > total - (hedgeable - max(factors, stress)) // _BPS:
        return MarginTerm.MAINTENANCE, 0
    return (MarginTerm.STRESS, scenario) if stress > factors else (MarginTerm.FACTORS, 0)


def _solved_price(book: _Book, held: _Holding) -> int:
    """Return the liquidation price where requirements add up."""
    size = held.size
    magnitude = abs(size)
    config = held.state.config
    ratio = margin.grown(config.margin_ratio, margin.growth_up(config, magnitude)) * config.maintenance_fraction
    rest = AccountRisk(book.cash - _owed_up(held))
    for other in book.holdings:
        if other is not held:
            _add_to(rest, other)
    missing = (rest.maintenance_margin - rest.equity) * WAD
    floors = AccountRisk()
    margin.apply_floors(floors, book.ledger)
    missing_to_floor = (floors.maintenance_margin - rest.equity) * WAD
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


def _searched_price(book: _Book, held: _Holding) -> int:
    """Return it where they net: health only grows with the price of a long, and falls with that of a short."""
    is_long = held.size > 0
    low, high = 0, _MAX_PRICE
    while low < high:
        middle = (low + high) // 2 if is_long else (low + high + 1) // 2
        held.mark = to_mark(middle)
        risk, _ = _valued(book)
        if (risk.equity >= risk.maintenance_margin) == is_long:
            low, high = (low, middle) if is_long else (low, middle - 1)
        else:
            low, high = (middle + 1, high) if is_long else (middle, high)
    return low
