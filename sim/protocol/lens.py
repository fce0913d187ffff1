"""Read-only views (``Lens.sol``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sim.protocol.errors import AccountReserved, MarketUnknown, PositionMissing, SizeZero
from sim.protocol.evm import UINT256_MAX, Address, Contract, ceil_div, view
from sim.protocol.libraries import funding_rate, margin, portfolio, positions, pricing
from sim.protocol.libraries.fixed_point import WAD, div_down, div_up
from sim.protocol.libraries.portfolio import Netting
from sim.protocol.types.account import AccountRisk, MarginMode, Position
from sim.protocol.types.account_id import is_reserved
from sim.protocol.types.ledger import CENT
from sim.protocol.types.mark import price_of, to_mark, variance_of
from sim.protocol.types.market_id import markets_of, to_bit
from sim.protocol.types.price_state import PriceQuality
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up
from sim.protocol.types.views import (
    AccountView,
    MarginChange,
    MarginTerm,
    MarginView,
    MarketView,
    PoolView,
    PositionView,
    Quote,
)

if TYPE_CHECKING:
    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.types.fill import Fill
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
_MARGIN_CHANGES: Final = "(int256,int256)[3]"
_QUOTE: Final = f"(int256,uint256,int256,uint256,int256,int256,{_RISK},{_RISK},{_MARGIN_VIEW},{_MARGIN_CHANGES})"
_MAX_PRICE: Final = 2**96 - 1
_MAX_SHARES: Final = 2**96 - 1


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
        return tuple([view_ for _, view_ in _in_all_modes(book)])

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

    @view("liquidationFactors(uint256) -> (uint256,uint256)")
    def liquidation_factors(self, account: int) -> tuple[int, int]:
        """Return what all prices may be multiplied by, at least and at most [wad] (``Lens.sol::liquidationFactors``).

        Both sides of ``C + f*X >= max(f*MM, F)`` are linear in the factor ``f``. From 0 where no fall liquidates, to
        the maximum of ``uint256`` where no rise does; the first above the second where no joint move saves the account.

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        book = self._book_of(account, self.clearinghouse.account_of(account).open_markets)
        floor = book.ledger.min_reward * CENT if book.holdings else 0
        book.ledger = replace(book.ledger, min_reward=0)
        maintenance = _valued(book)[0].maintenance_margin
        cash = book.cash - sum([_owed_up(held) for held in book.holdings])
        worth = sum([held.size * price_of(held.mark) for held in book.holdings])
        span = _narrowed((0, UINT256_MAX), worth - maintenance * WAD, -cash)
        return _narrowed(span, worth, floor - cash)

    @view("largestOrder(uint256,uint8,bool) -> (int128)")
    def largest_order(self, account: int, market: int, is_buy: bool) -> int:
        """Return the largest buy, or as a negative number the largest sale, that could be placed now [base wad].

        It leaves the initial margin, and one wei more does not, or exceeds the cap on open interest; 0 where there is
        none (``Lens.sol::largestOrder``).

        Raises
        ------
        MarketUnknown
            As named; the oracle's.
        """
        if market >= self.clearinghouse.market_count():
            raise MarketUnknown(market)
        open_markets = self.clearinghouse.account_of(account).open_markets
        book = self._book_of(account, open_markets | to_bit(market))
        held = next(one for one in book.holdings if one.market == market)
        limit = 1 if book.mode == MarginMode.ISOLATED else self.clearinghouse.max_open_markets()
        if not open_markets & to_bit(market) and open_markets.bit_count() >= limit:
            return 0
        sign = 1 if is_buy else -1
        return sign * _largest_allowed(book, held, sign, _largest_margined(book, held, sign))

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
        before = [risk for risk, _ in _in_all_modes(book)]
        held = next(one for one in book.holdings if one.market == market)
        fill = _fill(book, held, size_delta)
        if fill.size_delta == 0:
            raise SizeZero
        after = _in_all_modes(book)
        return Quote(
            size_delta=fill.size_delta,
            fill_price=pricing.average_price(fill.size_delta, fill.cost),
            cost=fill.cost,
            fee=fill.fee,
            funding=fill.funding,
            size_after=held.size,
            risk_before=before[book.mode].as_tuple(),
            risk_after=after[book.mode][0].as_tuple(),
            margin_after=after[book.mode][1],
            margin_changes=tuple(
                [
                    MarginChange(
                        risk.initial_margin - was.initial_margin, risk.maintenance_margin - was.maintenance_margin
                    )
                    for (risk, _), was in zip(after, before, strict=True)
                ]
            ),
        )

    @view(f"marketViews() -> ({_MARKET_VIEW}[])")
    def market_views(self) -> tuple[MarketView, ...]:
        """Return all listed markets at their last prices, whatever their age (``Lens.sol::marketViews``)."""
        views = []
        for market in range(self.clearinghouse.market_count()):
            held = self.oracle.price_state(market)
            state = self._accrued_market(market, held.price)
            views.append(
                MarketView(
                    market=market,
                    price=held.price,
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
        for market, mark in zip(markets_of(markets), self.oracle.marks_of(markets, PriceQuality.CERTAIN), strict=True):
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


def _fill(book: _Book, held: _Holding, size_delta: int) -> Fill:
    """Trade as the clearinghouse does, in memory."""
    held.size, fill = positions.change(held.state, held.position, held.size, size_delta, price_of(held.mark))
    book.cash -= fill.cost + fill.fee + fill.funding
    return fill


def _in_all_modes(book: _Book) -> list[tuple[AccountRisk, MarginView]]:
    """Return value and requirements of the same book in each mode, in the order of `MarginMode`."""
    own = book.mode
    valued = []
    for mode in MarginMode:
        book.mode = mode
        valued.append(_valued(book))
    book.mode = own
    return valued


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


def _narrowed(span: tuple[int, int], slope: int, needed: int) -> tuple[int, int]:
    """Return the factors of `span` with ``factor * slope >= needed``; from the maximum to 0 where there are none."""
    lowest, highest = span
    if slope <= 0 and needed > 0:
        return UINT256_MAX, 0
    if slope > 0 and needed > 0:
        return max(lowest, div_up(needed * 10**36, slope)), highest
    if slope < 0:
        return lowest, min(highest, div_down(-needed * 10**36, -slope))
    return span


def _largest_margined(book: _Book, held: _Holding, sign: int) -> int:
    """Return the largest order that margin allows, whatever it leaves; 0 where there is none."""
    closing, high = _reach(book, held, sign)
    if high == 0 or _is_margined(book, held, sign * high):
        return high
    low = 0
    if closing and _is_margined(book, held, sign * closing):
        low = closing
    elif _slack_of(book) < 0:
        low = _first_margined(book, held, sign, high)
        if low == 0:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        if _is_margined(book, held, sign * middle):
            low = middle
        else:
            high = middle
    return low


def _first_margined(book: _Book, held: _Holding, sign: int, high: int) -> int:
    """Return any order up to `high` that margin allows, on the way to the one that leaves most; 0 where none is."""
    low = 0
    while high - low >= 8:
        middle = (low + high) // 2
        beyond = middle + (high - low) // 8
        slack, _ = _slack_after(book, held, sign * middle)
        if slack >= 0:
            return middle
        slack_beyond, _ = _slack_after(book, held, sign * beyond)
        if slack_beyond >= 0:
            return beyond
        if slack < slack_beyond:
            low = middle
        else:
            high = beyond
    return 0


def _largest_allowed(book: _Book, held: _Holding, sign: int, largest: int) -> int:
    """Step back to where an order of at most `largest` leaves no position under the smallest."""
    if largest == 0:
        return 0
    min_size = pricing.min_size(held.state.config)
    _, size = _slack_after(book, held, sign * largest)
    if size == held.size:
        return 0
    closing = max(0, -sign * held.size)
    if largest == closing or abs(size) >= min_size:
        return largest
    if largest > closing:
        largest = closing
    elif closing <= min_size:
        return 0
    else:
        largest = closing - min_size
        _, size = _slack_after(book, held, sign * largest)
        if abs(size) < min_size:
            largest -= 1
    return largest if largest and _is_margined(book, held, sign * largest) else 0


def _reach(book: _Book, held: _Holding, sign: int) -> tuple[int, int]:
    """Return what closes the position, 0 where it is not opposed, and what cap and pause of risk allow."""
    closing = max(0, -sign * held.size)
    if book.ledger.risk_paused:
        return closing, closing
    side = held.state.longs if sign > 0 else held.state.shorts
    shares = held.position.shares
    others = side.shares - abs(shares) if (shares > 0) == (sign > 0) else side.shares
    if others and positions.is_remnant(side):
        return closing, closing
    multiplier = side.multiplier if others else ONE_MULTIPLIER
    cap = min(((pricing.open_interest_cap(held.state.config) + 1) * ONE_MULTIPLIER - 1) // multiplier, _MAX_SHARES)
    if cap < others:
        return closing, closing
    return closing, max(0, ((cap - others + 1) * multiplier - 1) // ONE_MULTIPLIER - sign * held.size)


def _is_margined(book: _Book, held: _Holding, size_delta: int) -> bool:
    return _slack_after(book, held, size_delta)[0] >= 0


def _slack_after(book: _Book, held: _Holding, size_delta: int) -> tuple[int, int]:
    """Return equity less initial margin, and the position, after a trade; the book stays as it is."""
    cash, size, state, position = book.cash, held.size, held.state, held.position
    held.state, held.position = state.copy(), Position(position.shares, position.entry_index)
    _fill(book, held, size_delta)
    after = _slack_of(book), held.size
    book.cash, held.size, held.state, held.position = cash, size, state, position
    return after


def _slack_of(book: _Book) -> int:
    risk, _ = _valued(book)
    return risk.equity - risk.initial_margin
