"""A crash on the exchange with a crowded book: every price, every liquidation, every deleveraging, to the wei."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sim.protocol.evm import Address
from sim.protocol.libraries.positions import size_of
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.market_id import markets_of
from sim.studies.crash_bars import path_of
from sim.studies.crash_ledger import Books, Flows, Unreconciled
from sim.studies.crowd import crowd, net_notional
from sim.studies.errors import CallRefused
from sim.studies.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.protocol import Outcome, World
    from sim.studies.crash_bars import Bars, Point
    from sim.studies.crowd import CrowdSettings, Trader
    from sim.studies.providers import Provided

__all__ = ["KEEPER", "OWNER", "Exchange", "GivenUp", "Hands", "HedgeCost", "Replay", "Result"]

KEEPER: Final = Address("0x" + "ee" * 20)
"""Publishes, trades for accounts and liquidates; needs native currency for the fees of updates."""
OWNER: Final = Address("0x" + "0e" * 20)
"""Of all accounts."""

_WAD: Final = 10**18
_UNIT: Final = 10**12
_TOKEN: Final = 10**6
_PER_E8: Final = 10**10
_EXPONENT: Final = -8
_ANY: Final = 2**128 - 1
_DUST: Final = _WAD
"""Notional of the pool that no keeper would deleverage for [quote wad]."""
_PATIENCE: Final = (1, 2, 2, 1)
"""Parts in which an account leaves: a hedge that has too little for one leg alone goes in halves."""


class Exchange(Protocol):
    """Where a replay plays: the exact model, with or without the contracts beside it."""

    model: World

    def call(self, sender: str, contract: str, function: str, *args: Any, value: int = 0, wait: int = 0) -> Outcome:
        """Run a transaction."""
        ...

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        ...


class Hands(NamedTuple):
    """Who governs the exchange."""

    admin: str
    steward: str


class GivenUp(NamedTuple):
    """What one deleveraging took from one position.

    Attributes
    ----------
    account, market
        Whose.
    size
        Signed [base wad].
    price
        At which it was settled [wad].
    leverage
        Of the account just before.
    """

    account: int
    market: int
    size: int
    price: int
    leverage: float


class HedgeCost(NamedTuple):
    """What deleveraging took from the hedged books.

    Attributes
    ----------
    accounts, touched
        How many there are, and from how many it took anything.
    exposure
        Given up, of the gross notional that they opened with.
    foregone
        What that would have gained until the end of the window, of their deposits.
    """

    accounts: int
    touched: int
    exposure: float
    foregone: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a replay; money in wei of quote.

    Attributes
    ----------
    symbols, hours, points
        What was played.
    traders
        The book, by account.
    flows
        Who gained what: traders that were liquidated, others that were deleveraged, those left alone, pool, insurance
        fund and keeper. They add up to zero.
    funded
        What pool and insurance fund started with.
    provided
        What came of those whose the pool is.
    notional
        Gross, of all positions when the book was open.
    liquidated, liquidations, bankruptcies, bad_debt
        Accounts, counts and money.
    capped
        Bad debt that the insurance fund held but the caps per market and day left to the pool.
    deleveragings
        How often the pool was under its maintenance margin and cut.
    lowest_health
        Of the pool: equity over maintenance margin.
    lowest_equity
        Of the pool.
    multipliers
        Of longs and shorts at the end, by symbol; one where nobody was deleveraged.
    given_up
        All that deleveragings took.
    foregone
        What that would have gained until the end of the window, by account.
    unpaid
        What was missing to pay out everybody at the end.
    """

    symbols: tuple[str, ...]
    hours: int
    points: int
    traders: dict[int, Trader]
    flows: dict[str, Flows]
    funded: tuple[int, int]
    provided: Provided
    notional: int
    liquidated: int
    liquidations: int
    bankruptcies: int
    bad_debt: int
    capped: int
    deleveragings: int
    lowest_health: float
    lowest_equity: int
    multipliers: dict[str, tuple[float, float]]
    given_up: tuple[GivenUp, ...]
    foregone: dict[int, int]
    unpaid: int

    @property
    def median_leverage(self) -> float | None:
        """Of those deleveraged, each time they were; None where nobody was."""
        return median(one.leverage for one in self.given_up) if self.given_up else None

    def hedges(self) -> HedgeCost:
        """Return what deleveraging cost the hedged books."""
        hedged = {account: trader for account, trader in self.traders.items() if trader.kind == "hedge"}
        opened = sum(trader.deposit / _TOKEN * trader.leverage for trader in hedged.values())
        taken = sum(abs(one.size) / _WAD * one.price / _WAD for one in self.given_up if one.account in hedged)
        gone = sum(gain for account, gain in self.foregone.items() if account in hedged) / _WAD
        deposits = sum(trader.deposit / _TOKEN for trader in hedged.values())
        touched = len({one.account for one in self.given_up if one.account in hedged})
        return HedgeCost(len(hedged), touched, taken / max(opened, 1), gone / max(deposits, 1))


@dataclass(slots=True)
class Replay:
    """A crash being replayed.

    Attributes
    ----------
    exchange, hands
        Where, freshly deployed, and who governs there.
    bars
        Prices.
    markets
        Id of the market of each symbol.
    settings
        Of the book.
    prompt
        Whether keepers act whenever a price has moved by `step`; otherwise at the corners of bars only.
    step
        [part of the price]
    """

    exchange: Exchange
    hands: Hands
    bars: Bars
    markets: Sequence[int]
    settings: CrowdSettings
    prompt: bool
    step: float = 0.01
    traders: dict[int, Trader] = field(default_factory=dict)
    given_up: list[GivenUp] = field(default_factory=list)
    books: Books = field(init=False)
    providers: Providers = field(init=False)
    funded: tuple[int, int] = (0, 0)
    capped: int = 0
    deleveragings: int = 0
    lowest_health: float = float("inf")
    lowest_equity: int | None = None

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Result:
        """Open the book, play all prices, let everybody leave, and reconcile.

        Parameters
        ----------
        progress
            Told the hours that passed since it was last told.

        Raises
        ------
        CallRefused
            A call that must pass reverted.
        Unreconciled
            Events and balances differ.
        InvariantBroken
            A wei is missing.
        """
        house = self.exchange.model.clearinghouse
        self.books = Books(house.risk_config().pool_fee_share)
        self.providers = Providers(self, self.settings, OWNER, KEEPER)
        points = path_of(self.bars, low_first=self.settings.is_long, step=self.step if self.prompt else 1e9)
        first = next(points)
        self._open(first)
        notional = sum(house.risk_of(account).notional for account in self.traders)
        count, hour, last = 1, 0, first
        for point in points:
            self._publish(point)
            lowest = min(price / start for price, start in zip(point.prices, first.prices, strict=True))
            self.providers.watch(1 - lowest)
            self._tend()
            count, last = count + 1, point
            if point.hour != hour:
                self.exchange.model.check_invariants()
                progress(point.hour - hour)
                hour = point.hour
        multipliers = self._multipliers()
        self._close()
        unpaid = self._pay_out()
        provided = self.providers.leave()
        self.exchange.model.check_invariants()
        return self._result(last, count, notional, multipliers, unpaid, provided)

    # ---- calls

    @property
    def model(self) -> World:
        """The exact model."""
        return self.exchange.model

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.exchange.wait(seconds)

    def may(self, sender: str, contract: str, function: str, *args: Any, value: int = 0) -> Outcome:
        """Run a transaction that may revert, and book what it did."""
        outcome = self.exchange.call(sender, contract, function, *args, value=value)
        self.books.read(outcome.events)
        return outcome

    def must(self, sender: str, contract: str, function: str, *args: Any, value: int = 0) -> Outcome:
        """Run a transaction and book what it did.

        Raises
        ------
        CallRefused
            It reverted.
        """
        outcome = self.may(sender, contract, function, *args, value=value)
        if not outcome.ok:
            raise CallRefused(function, outcome.error)
        return outcome

    def _open(self, first: Point) -> None:
        model = self.exchange.model
        house = model.clearinghouse
        configs = [house.market_of(market).config for market in range(house.market_count())]
        drawn = crowd(self.settings, configs, self.markets, first.prices)
        skew = net_notional(drawn, self.markets, first.prices)
        pool, insurance = (int(skew * part) // _UNIT for part in (self.settings.pool, self.settings.insurance))
        supply = pool + insurance + sum(one.deposit for one in drawn)
        self.must(OWNER, "LocalToken", "mint", OWNER, supply)
        self.must(OWNER, "LocalToken", "approve", house.address, supply)
        self.must(self.hands.admin, "Clearinghouse", "setExecutor", KEEPER, True)
        self.providers.enter(pool)
        self.must(OWNER, "Clearinghouse", "fundInsurance", insurance)
        self.funded = pool * _UNIT, insurance * _UNIT
        for market in self.markets:
            cap = int(insurance * self.settings.insurance_cap) // _TOKEN
            self.must(self.hands.steward, "Clearinghouse", "setInsuranceCap", market, cap)
        self._publish(first)
        for number, trader in enumerate(drawn):
            account = to_account_id(OWNER, number)
            self.traders[account] = trader
            self.must(OWNER, "Clearinghouse", "deposit", account, trader.deposit)
            self.must(OWNER, "Clearinghouse", "setMarginMode", account, int(trader.mode))
            for market, size in trader.legs:
                self.must(KEEPER, "Clearinghouse", "trade", self._order(account, market, size))

    def _publish(self, point: Point) -> None:
        self.exchange.wait(max(point.wait, 1))
        model = self.exchange.model
        data = []
        for market, price in zip(self.markets, point.prices, strict=True):
            value = Price(price, 0, _EXPONENT, model.timestamp)
            feed = PriceFeed(model.oracle.feed_of(market), value, value)
            data.append(encode_update(feed, model.timestamp - 1))
        fee = model.pyth.get_update_fee(tuple(data))
        self.must(KEEPER, "PriceOracle", "update", tuple(self.markets), tuple(data), value=fee)

    def _order(self, account: int, market: int, size: int) -> tuple[int, ...]:
        price = self.exchange.model.oracle.price_of(market)
        return account, market, size, price, _ANY if size > 0 else 0, 0, 0, False, True

    # ---- keepers

    def _tend(self) -> None:
        """Liquidate whoever is under his maintenance margin, deleverage if the pool is, and check the books."""
        house = self.exchange.model.clearinghouse
        for account in self.traders:
            if house.account_of(account).open_markets:
                risk = house.risk_of(account)
                if risk.equity < risk.maintenance_margin:
                    self._liquidate(account)
        pool = house.pool_risk()
        if self.lowest_equity is None or pool.equity < self.lowest_equity:
            self.lowest_equity = pool.equity
        if pool.notional >= _DUST:
            self.lowest_health = min(self.lowest_health, pool.net_asset_value / pool.maintenance_margin)
            if pool.net_asset_value < pool.maintenance_margin:
                self._deleverage()
        self.providers.settle()
        self._reconcile()

    def _liquidate(self, account: int) -> None:
        house = self.exchange.model.clearinghouse
        held = house.ledger().insurance_balance
        outcome = self.must(KEEPER, "Clearinghouse", "liquidate", account, to_account_id(KEEPER, 0))
        for event in outcome.events:
            if event.name == "BadDebtBooked":
                _, from_insurance, from_pool = event.args
                fees = house.ledger().insurance_balance - held + from_insurance
                self.capped += min(from_pool, max(held + fees - from_insurance, 0))

    def _deleverage(self) -> None:
        model = self.exchange.model
        house = model.clearinghouse
        held = {account: self._sizes(account) for account in self.traders}
        worth = {account: house.risk_of(account) for account, sizes in held.items() if sizes}
        self.must(KEEPER, "Clearinghouse", "deleverage")
        has_cut = False
        for account, risk in worth.items():
            leverage = risk.notional / max(risk.equity, 1)
            after = self._sizes(account)
            for market, size in held[account].items():
                lost = size - after.get(market, 0)
                if abs(lost) > 1:
                    has_cut = True
                    price = model.oracle.price_state(market).price
                    self.given_up.append(GivenUp(account, market, lost, price, leverage))
        self.deleveragings += has_cut

    def _sizes(self, account: int) -> dict[int, int]:
        house = self.exchange.model.clearinghouse
        return {
            market: size_of(house.market_of(market), house.position_of(account, market))
            for market in markets_of(house.account_of(account).open_markets)
        }

    def _reconcile(self) -> None:
        """Check that books and balances agree, and that no flat account is in debt."""
        house = self.exchange.model.clearinghouse
        ledger = house.ledger()
        for name, held, funded, flows in (
            ("pool", ledger.pool_balance, self.books.provided, self.books.pool),
            ("insurance fund", ledger.insurance_balance, self.funded[1], self.books.insurance),
        ):
            if held != funded + flows.total:
                raise Unreconciled(f"{name}: holds {held}, by its events {funded + flows.total}")
        for account, header in house.stored_accounts().items():
            if header.open_markets == 0 and header.balance < 0:
                raise Unreconciled(f"flat account {account:#x} owes {-header.balance}")
        self.exchange.model.invariants.check_conservation()

    # ---- the end

    def _multipliers(self) -> dict[str, tuple[float, float]]:
        house = self.exchange.model.clearinghouse
        return {
            symbol: (house.market_of(market).longs.multiplier / 1e15, house.market_of(market).shorts.multiplier / 1e15)
            for symbol, market in zip(self.bars.symbols, self.markets, strict=True)
        }

    def _close(self) -> None:
        """Let everybody close at the last prices; whoever cannot is liquidated."""
        house = self.exchange.model.clearinghouse
        for account in self.traders:
            for parts in _PATIENCE:
                for market, size in self._sizes(account).items():
                    order = self._order(account, market, -size // parts)
                    self.may(KEEPER, "Clearinghouse", "trade", order)
            if house.account_of(account).open_markets:
                self._liquidate(account)
                if house.account_of(account).open_markets:
                    raise CallRefused("trade", f"account {account:#x} cannot leave")
        self._reconcile()
        self.exchange.model.check_invariants()

    def _pay_out(self) -> int:
        """Let everybody withdraw all, and return what was missing for it [wei]."""
        model = self.exchange.model
        house = model.clearinghouse
        for account, trader in self.traders.items():
            expected = trader.deposit * _UNIT + self.books.of(account).total
            if house.balance_of(account) != expected:
                raise Unreconciled(f"{account:#x}: holds {house.balance_of(account)}, by its events {expected}")
        self.books.check()
        unpaid = 0
        for account in self.traders:
            claim = house.balance_of(account) // _UNIT
            paid = min(claim, model.token.held_by(house.address))
            if paid:
                self.must(OWNER, "Clearinghouse", "withdraw", account, paid, OWNER)
            unpaid += claim - paid
        model.check_invariants()
        return unpaid * _UNIT

    def _result(
        self,
        last: Point,
        points: int,
        notional: int,
        multipliers: dict[str, tuple[float, float]],
        unpaid: int,
        provided: Provided,
    ) -> Result:
        books = self.books
        cut = {one.account for one in self.given_up}
        flows = {name: Flows() for name in ("liquidated", "deleveraged", "others")}
        for account in self.traders:
            name = "liquidated" if account in books.liquidations else "deleveraged" if account in cut else "others"
            flows[name].add(books.of(account))
        flows |= {"pool": books.pool, "insurance": books.insurance, "keepers": books.keeper}
        ends = dict(zip(self.markets, last.prices, strict=True))
        foregone: dict[int, int] = {}
        for one in self.given_up:
            gain = one.size * (ends[one.market] * _PER_E8 - one.price) // _WAD
            foregone[one.account] = foregone.get(one.account, 0) + gain
        debts = -(books.pool.bad_debt + books.insurance.bad_debt)
        return Result(
            self.bars.symbols,
            len(self.bars),
            points,
            self.traders,
            flows,
            self.funded,
            provided,
            notional,
            len(books.liquidations),
            sum(books.liquidations.values()),
            len(books.bankruptcies),
            debts,
            self.capped,
            self.deleveragings,
            self.lowest_health,
            self.lowest_equity or 0,
            multipliers,
            tuple(self.given_up),
            foregone,
            unpaid,
        )
