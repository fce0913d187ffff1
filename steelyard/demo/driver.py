"""Plays a day of prices on a local chain: traders trade, funding accrues, a keeper liquidates, the books are checked.

Every tick has two moments. Shortly before it, orders are committed; at it, prices are published, funding accrues,
the orders fill, leverage is changed, and the keeper liquidates. Then the sum of all balances is compared with the
tokens held, and the smallest difference ends the run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from steelyard.client import (
    INSURANCE_ACCOUNT,
    POOL_ACCOUNT,
    AccountId,
    ContractReverted,
    Exchange,
    MarginMode,
    Order,
    Receipt,
    TransactionFailed,
    UnlockedSender,
    to_account_id,
)
from steelyard.client.pyth import encode_update
from steelyard.client.vault import Kind, Vault
from steelyard.demo.report import (
    WAD,
    Books,
    Cohort,
    DemoResult,
    LiquidationEvent,
    MarketPoint,
    PriceProvenance,
    StepPoint,
    summarise_gas,
)
from steelyard.demo.traders import Action, Plan, Trader
from steelyard.keeper.liquidator import Liquidation, Liquidator, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.data import PriceSource, Tick
    from steelyard.client import AccountView, MarketView, PoolView
    from steelyard.demo.local import LocalChain
    from steelyard.parameters import SystemParameters

__all__ = ["BooksUnbalanced", "DemoError", "Demonstration", "Frame", "Funds", "LeverageFrame", "TicksTooDense"]

_UNIT: Final = 10**12
"""Wad per unit of the settlement token."""

_KEEPER_FEE: Final = WAD // 2
_SLIPPAGE_PERCENT: Final = 10
_VIEW_BATCH: Final = 60
_MAX_UINT256: Final = 2**256 - 1


class DemoError(RuntimeError):
    """The demonstration could not be played, or showed what must not be."""


class TicksTooDense(DemoError):
    """Prices follow each other faster than an order can be committed and filled."""

    def __init__(self, spacing: int, delay: int) -> None:
        super().__init__(f"prices come every {spacing} s; orders wait {delay} s: longer candles are needed")


class BooksUnbalanced(DemoError):
    """The sum of all balances is not what the exchange holds.

    Attributes
    ----------
    error_wei : int
        Sum of balances less tokens held.
    """

    def __init__(self, at: int, error_wei: int) -> None:
        self.error_wei = error_wei
        super().__init__(f"at {at} the balances sum up to {error_wei} wei more than the tokens held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What is paid in beside the traders' deposits [token units]."""

    pool: int = 20_000_000 * 10**6
    insurance: int = 1_000_000 * 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageFrame:
    """The traders of one leverage at one moment.

    Attributes
    ----------
    leverage : int
        At the opening.
    accounts, open, liquidated, in_part : int
        In all, with positions, liquidated in full, and liquidated in part only.
    long_survival, short_survival : float or None
        Of those who have opened, what they own or drew out over what they paid in; None before the first.
    """

    leverage: int
    accounts: int
    open: int
    liquidated: int
    in_part: int
    long_survival: float | None
    short_survival: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a spectator sees after one tick."""

    number: int
    count: int
    at: int
    symbols: tuple[str, ...]
    first_prices: tuple[int, ...]
    markets: tuple[MarketView, ...]
    pool: PoolView
    first_nav: int
    first_insurance: int
    leverages: tuple[LeverageFrame, ...]
    trades: int
    refused: int
    liquidations: int
    conservation_error_wei: int
    news: tuple[str, ...]


@dataclass(slots=True)
class _Account:
    """What is remembered of a trader."""

    trader: Trader
    deposit_wad: int
    withdrawn_wad: int = 0
    slots: int = 0
    opened: bool = False
    in_part: bool = False
    liquidated: bool = False
    due: dict[int, list[Plan]] = field(default_factory=dict)


class Demonstration:
    """One run.

    Parameters
    ----------
    chain : LocalChain
        With the contracts deployed and the clock before the first tick.
    exchange : Exchange
        The contracts.
    parameters : SystemParameters
        As deployed.
    prices : PriceSource
        What to play; its symbols in the order of the markets.
    traders : sequence of Trader
        The cast.
    deployer, keeper : str
        Addresses that the node signs for; the deployer provides the pool's liquidity and gets the shares.
    funds : Funds
        Paid in by the deployer.
    """

    def __init__(
        self,
        chain: LocalChain,
        exchange: Exchange,
        parameters: SystemParameters,
        prices: PriceSource,
        traders: Sequence[Trader],
        *,
        deployer: str,
        keeper: str,
        funds: Funds | None = None,
    ) -> None:
        self._chain = chain
        self._exchange = exchange
        self._parameters = parameters
        self._prices = prices
        self._funds = funds or Funds()
        self._deployer = UnlockedSender(deployer)
        self._keeper = UnlockedSender(keeper)
        self._keeper_account = to_account_id(keeper, 0)
        self._accounts = {trader.account: _Account(trader, trader.deposit * _UNIT) for trader in traders}
        self._reserves = [trader.reserve for trader in traders if trader.reserve is not None]
        self._ledger = [
            *self._accounts,
            *self._reserves,
            self._keeper_account,
            exchange.treasury,
            POOL_ACCOUNT,
            INSURANCE_ACCOUNT,
        ]
        self._liquidator = Liquidator(exchange, self._keeper, self._keeper_account, batch=_VIEW_BATCH)
        self._orders: list[Order] = []
        self._gas: defaultdict[str, list[int]] = defaultdict(list)
        self._events: list[LiquidationEvent] = []
        self._series: list[StepPoint] = []
        self._news: list[str] = []
        self._refused: Counter[str] = Counter()
        self._failed = 0
        self._topics = {exchange.clearinghouse.abi.topic(name): name for name in ("FundingAccrued", "Traded")}
        self._counts: Counter[str] = Counter()
        self._first_prices: tuple[int, ...] = ()
        self._first_nav = 0
        self._first_insurance = 0
        self._check_spacing()

    @property
    def refused(self) -> Counter[str]:
        """Orders and calls that the contracts refused, by the name of the error."""
        return self._refused

    def play(self, show: Callable[[Frame], None], *, started: float | None = None) -> DemoResult:
        """Play all ticks and return what was found; `show` is called after each.

        Raises
        ------
        BooksUnbalanced
            Conservation failed at a tick.
        """
        started = time.monotonic() if started is None else started
        ticks = self._prices.ticks
        previous = ticks[0].timestamp - (ticks[1].timestamp - ticks[0].timestamp if len(ticks) > 1 else 3_600)
        views: dict[AccountId, AccountView] = {}
        for number, tick in enumerate(ticks):
            self._chain.move_to(tick.timestamp - self._parameters.orders.min_delay)
            self._send_commits()
            self._chain.move_to(tick.timestamp)
            updates = self._publish(tick, previous)
            self._accrue()
            self._settle(updates)
            self._change_accounts(number)
            self._liquidate(tick.timestamp)
            views = self._views()
            frame = self._close_tick(number, tick, views)
            show(frame)
            if frame.conservation_error_wei:
                raise BooksUnbalanced(tick.timestamp, frame.conservation_error_wei)
            if number + 1 < len(ticks):
                self._commit_opening(number + 1, {market.market: market.price for market in frame.markets})
                self._decide(number + 1)
            previous = tick.timestamp
        return self._result(views, time.monotonic() - started)

    # ---- before the first tick

    def fund(self, progress: Callable[[str], None]) -> None:
        """Mint tokens, provide the pool's liquidity through the vault, fund the insurance, let every trader deposit."""
        progress("pool and insurance fund")
        house, token = self._exchange.clearinghouse, self._exchange.token
        total = self._funds.pool + self._funds.insurance
        self._must("mint", self._chain.send(self._deployer, token, "mint", self._deployer.address, total))
        self._must("approve", self._chain.send(self._deployer, token, "approve", house.address, _MAX_UINT256))
        self._provide()
        self._must("fundInsurance", self._chain.send(self._deployer, house, "fundInsurance", self._funds.insurance))
        for sender in (self._deployer, self._keeper):
            self._chain.fill(sender.address)
        for number, account in enumerate(self._accounts.values(), 1):
            progress(f"trader {number} of {len(self._accounts)} deposits")
            self._welcome(account.trader)
            for plan in account.trader.plans:
                account.due.setdefault(plan.tick, []).append(plan)

    def _provide(self) -> None:
        """Buy shares of the pool with the deployer's tokens: request, wait, settle, claim."""
        vault, amount = Vault(self._exchange), self._funds.pool
        approved = self._chain.send(self._deployer, self._exchange.token, "approve", vault.contract.address, amount)
        self._must("approve", approved)
        self._must("requestDeposit", vault.request_deposit(self._deployer, amount))
        self._chain.move_to(self._chain.block().timestamp + vault.times.settle_delay)
        self._must("fulfil", self._exchange.fulfil(self._keeper, 1, 0))
        self._must("claim", vault.claim(self._deployer, Kind.DEPOSIT, amount))

    def _welcome(self, trader: Trader) -> None:
        chain, exchange = self._chain, self._exchange
        house, token = exchange.clearinghouse, exchange.token
        sender = UnlockedSender(trader.address)
        chain.fill(trader.address)
        amount = trader.deposit + trader.reserve_deposit
        self._must("mint", chain.send(self._deployer, token, "mint", trader.address, amount))
        self._must("approve", chain.send(sender, token, "approve", house.address, amount))
        self._must("deposit", exchange.deposit(sender, trader.account, trader.deposit))
        if trader.reserve is not None:
            self._must("deposit", exchange.deposit(sender, trader.reserve, trader.reserve_deposit))
        if trader.mode is not MarginMode.CROSS:
            self._must("setMarginMode", exchange.set_margin_mode(sender, trader.account, trader.mode))

    def _check_spacing(self) -> None:
        times = [tick.timestamp for tick in self._prices.ticks]
        delay = self._parameters.orders.min_delay
        for first, second in pairwise(times):
            if second - first <= delay:
                raise TicksTooDense(second - first, delay)

    # ---- what traders do

    def _commit_opening(self, tick: int, prices: dict[int, int]) -> None:
        """Prepare the orders that the price of `tick` is to fill."""
        for account in self._accounts.values():
            trader = account.trader
            if trader.opens_at == tick:
                for leg in trader.legs:
                    notional = trader.deposit * _UNIT * trader.leverage * leg.percent // 100
                    size = notional * WAD // prices[leg.market]
                    self._prepare(account, leg.market, size, prices[leg.market])
                account.opened = True

    def _decide(self, tick: int) -> None:
        """Prepare what traders with open positions want done at `tick`, from what they see now."""
        factors = {Action.REDUCE: (-1, 2), Action.ADD: (3, 10), Action.CLOSE: (-1, 1), Action.FLIP: (-2, 1)}
        for account in self._accounts.values():
            for plan in account.due.get(tick, ()):
                if plan.action not in factors:
                    continue
                numerator, denominator = factors[plan.action]
                for position in self._exchange.positions_of(account.trader.account):
                    size = position.size * numerator // denominator
                    if plan.action is Action.CLOSE:
                        size = -position.size
                    price = position.notional * WAD // abs(position.size)
                    self._prepare(account, position.market, size, price)

    def _prepare(self, account: _Account, market: int, size: int, price: int) -> None:
        """Add an order to those committed before the next tick; worse than a tenth off the price it does not fill."""
        percent = 100 + (_SLIPPAGE_PERCENT if size > 0 else -_SLIPPAGE_PERCENT)
        self._orders.append(
            Order(
                account=account.trader.account,
                market=market,
                slot=account.slots % 256,
                expires_at=2**40 - 1,
                size_delta=size,
                acceptable_price=price * percent // 100,
                keeper_fee=_KEEPER_FEE,
            )
        )
        account.slots += 1

    def _send_commits(self) -> None:
        self._orders = [
            order
            for order in self._orders
            if self._try("commit", lambda order=order: self._exchange.commit(self._owner(order.account), order))  # type: ignore[misc]
        ]

    def _settle(self, updates: Sequence[bytes]) -> None:
        fee = self._parameters.pyth.update_fee
        for order in self._orders:
            update = [updates[order.market]]
            settled = self._try(
                "settle",
                lambda order=order, update=update: self._exchange.settle(  # type: ignore[misc]
                    self._keeper, order, self._keeper_account, update, fee=fee
                ),
            )
            failure = self._exchange.failure_of(settled) if settled else None
            if failure is not None:
                self._failed += 1
                self._refused[failure.name] += 1
        self._orders = []

    def _change_accounts(self, tick: int) -> None:
        """Lower leverage from the reserve, draw out what is left of closed accounts."""
        for account in self._accounts.values():
            for plan in account.due.get(tick, ()):
                if plan.action is Action.DELEVERAGE and account.opened and not account.liquidated:
                    self._deleverage(account)
                elif plan.action is Action.WITHDRAW:
                    self._withdraw(account)

    def _deleverage(self, account: _Account) -> None:
        trader = account.trader
        if trader.reserve is None:
            return
        reserve = trader.reserve
        (view,) = self._exchange.account_views([trader.account])
        target = view.leverage * 6 // 10
        if not view.open_markets or view.risk.equity <= 0 or target < WAD:
            return
        receipt = self._try(
            "setLeverage",
            lambda: self._exchange.set_leverage(self._owner(trader.account), trader.account, reserve, target),
        )
        if receipt is None:
            return
        for log in self._chain.events(self._exchange.clearinghouse, receipt.raw_logs, "Transferred"):
            sign = 1 if log.arguments["to"] == trader.account else -1
            account.deposit_wad += sign * log.arguments["amount"]
        self._tell(f"{_name(trader)} lowers leverage from {view.leverage / WAD:.1f}x to {target / WAD:.1f}x")

    def _withdraw(self, account: _Account) -> None:
        trader = account.trader
        (view,) = self._exchange.account_views([trader.account])
        amount = view.balance // _UNIT
        if view.open_markets or amount <= 0:
            return
        sender = self._owner(trader.account)
        receipt = self._try("withdraw", lambda: self._exchange.withdraw(sender, trader.account, amount, trader.address))
        if receipt is not None:
            account.withdrawn_wad += amount * _UNIT
            self._tell(f"{_name(trader)} leaves with {amount / 10**6:,.0f} USD")

    # ---- what the market and the keeper do

    def _publish(self, tick: Tick, previous: int) -> list[bytes]:
        updates = []
        for market in self._parameters.markets:
            quote = tick.quotes[market.symbol]
            updates.append(
                encode_update(
                    market.oracle.feed,
                    price=quote.price_e8,
                    confidence=quote.conf_e8,
                    published_at=tick.timestamp,
                    previous_at=previous,
                )
            )
        fee = self._parameters.pyth.update_fee * len(updates)
        receipt = self._exchange.update_prices(self._keeper, tuple(range(len(updates))), updates, fee=fee)
        self._must(f"update, {len(updates)} prices", receipt)
        return updates

    def _accrue(self) -> None:
        house = self._exchange.clearinghouse
        for market in range(len(self._parameters.markets)):
            self._must("accrue", self._chain.send(self._keeper, house, "accrue", market))

    def _liquidate(self, at: int) -> None:
        done = self._liquidator.run_once()
        if not done.is_complete:
            reasons = [*[one.reason for one in done.failed], done.unpriced_reason, done.pool_unpriced]
            reasons += [done.pool.reason] if done.pool is not None else []
            raise DemoError(f"the keeper could not do its work at {at}: {next(filter(None, reasons))}")
        for one in done.liquidated:
            assert one.receipt is not None
            self._must("liquidate", one.receipt)
            self._record_liquidation(at, one)
        if done.pool is not None and done.pool.status is Status.DELEVERAGED:
            symbols = "+".join(self._parameters.markets[market].symbol for market in done.pool.markets)
            self._tell(f"the pool was under its maintenance margin and deleveraged {symbols}")

    def _record_liquidation(self, at: int, one: Liquidation) -> None:
        assert one.receipt is not None
        account = self._accounts[one.account]
        trader = account.trader
        house = self._exchange.clearinghouse
        fills = self._chain.events(house, one.receipt.raw_logs, "Traded")
        (view,) = self._exchange.account_views([one.account])
        in_full = not view.open_markets
        if in_full:
            account.liquidated = True
        else:
            account.in_part = True
        fraction = WAD if in_full else min(WAD - 1, one.closed_notional * WAD // max(one.notional, 1))
        touched = sorted({log.arguments["market"] for log in fills})
        symbols = tuple(self._parameters.markets[market].symbol for market in touched)
        self._events.append(
            LiquidationEvent(
                at=at,
                account=one.account,
                symbols=symbols,
                leverage=trader.leverage,
                mode=_mode(trader),
                side=trader.side,
                fraction_wad=fraction,
                notional_wad=one.closed_notional,
                reward_wad=one.reward,
            )
        )
        debt = f", bad debt {one.bad_debt / WAD:,.0f} USD" if one.bad_debt else ""
        part = "in full" if in_full else f"by {fraction / WAD:.0%}"
        closed = f"{one.closed_notional / WAD:,.0f} USD closed{debt}"
        self._tell(f"{_name(trader)} liquidated {part} in {'+'.join(symbols)}: {closed}")

    # ---- the books

    def _views(self) -> dict[AccountId, AccountView]:
        accounts = list(self._accounts)
        batches = [accounts[start : start + _VIEW_BATCH] for start in range(0, len(accounts), _VIEW_BATCH)]
        return {view.account: view for batch in batches for view in self._exchange.account_views(batch)}

    def _conservation_error(self) -> int:
        """Sum of all balances less the tokens held [wei]."""
        house, token = self._exchange.clearinghouse, self._exchange.token
        held: int = self._chain.call(token, "balanceOf", house.address)
        return sum(self._exchange.balances_of(self._ledger)) - held * _UNIT

    def _close_tick(self, number: int, tick: Tick, views: dict[AccountId, AccountView]) -> Frame:
        markets, pool = self._exchange.market_views(), self._exchange.pool_view()
        error = self._conservation_error()
        if not self._first_prices:
            self._first_prices = tuple(market.price for market in markets)
            self._first_nav = pool.net_asset_value
            self._first_insurance = pool.insurance
        symbols = tuple(market.symbol for market in self._parameters.markets)
        self._series.append(
            StepPoint(
                at=tick.timestamp,
                markets={
                    symbol: MarketPoint(
                        price_wad=market.price,
                        long_open_interest_wad=market.long_open_interest,
                        short_open_interest_wad=market.short_open_interest,
                        funding_rate_wad=market.funding_rate,
                    )
                    for symbol, market in zip(symbols, markets, strict=True)
                },
                liquidations=len(self._events),
                insurance_wad=pool.insurance,
                pool_balance_wad=pool.balance,
                nav_wad=pool.net_asset_value,
                conservation_error_wei=error,
            )
        )
        news, self._news = tuple(self._news), []
        return Frame(
            number=number,
            count=len(self._prices.ticks),
            at=tick.timestamp,
            symbols=symbols,
            first_prices=self._first_prices,
            markets=tuple(markets),
            pool=pool,
            first_nav=self._first_nav,
            first_insurance=self._first_insurance,
            leverages=self._by_leverage(views),
            trades=len(self._gas["settle"]) - self._failed,
            refused=self._refused.total(),
            liquidations=len(self._events),
            conservation_error_wei=error,
            news=news,
        )

    def _by_leverage(self, views: dict[AccountId, AccountView]) -> tuple[LeverageFrame, ...]:
        groups: defaultdict[int, list[_Account]] = defaultdict(list)
        for account in self._accounts.values():
            groups[account.trader.leverage].append(account)

        def survival(group: list[_Account], side: str) -> float | None:
            opened = [one for one in group if one.opened and one.trader.side == side]
            deposit = sum(one.deposit_wad for one in opened)
            return sum(self._owned(one, views) for one in opened) / deposit if deposit else None

        return tuple(
            LeverageFrame(
                leverage=leverage,
                accounts=len(group),
                open=sum(views[one.trader.account].open_markets != 0 for one in group),
                liquidated=sum(one.liquidated for one in group),
                in_part=sum(one.in_part and not one.liquidated for one in group),
                long_survival=survival(group, "long"),
                short_survival=survival(group, "short"),
            )
            for leverage, group in sorted(groups.items())
        )

    def _owned(self, account: _Account, views: dict[AccountId, AccountView]) -> int:
        """Return what a trader owns, with what was drawn out before [quote wad]."""
        return account.withdrawn_wad + views[account.trader.account].risk.equity

    def _result(self, views: dict[AccountId, AccountView], seconds: float) -> DemoResult:
        pool = self._exchange.pool_view()
        paid_in = sum(one.trader.deposit + one.trader.reserve_deposit for one in self._accounts.values()) * _UNIT
        reserves, (treasury, keeper) = (
            sum(self._exchange.balances_of(self._reserves)) if self._reserves else 0,
            self._exchange.balances_of([self._exchange.treasury, self._keeper_account]),
        )
        books = Books(
            trader_deposits_wad=paid_in - sum(one.withdrawn_wad for one in self._accounts.values()),
            pool_deposits_wad=self._funds.pool * _UNIT,
            other_deposits_wad=self._funds.insurance * _UNIT,
            trader_equity_wad=sum(view.risk.equity for view in views.values()) + reserves,
            nav_wad=pool.net_asset_value,
            insurance_wad=pool.insurance,
            treasury_wad=treasury,
            keeper_wad=keeper,
            impact_potential_wad=pool.equity - pool.net_asset_value,
        )
        return DemoResult(
            prices=PriceProvenance.of(self._prices),
            series=tuple(self._series),
            events=tuple(self._events),
            trades=len(self._gas["settle"]) - self._failed,
            fundings=self._counts["FundingAccrued"],
            transactions=sum(len(used) for used in self._gas.values()),
            gas=summarise_gas(self._gas),
            cohorts=self._cohorts(views),
            books=books,
            chain_id=self._chain.chain_id,
            wall_seconds=seconds,
        )

    def _cohorts(self, views: dict[AccountId, AccountView]) -> tuple[Cohort, ...]:
        groups: defaultdict[tuple[int, str, str], list[_Account]] = defaultdict(list)
        for account in self._accounts.values():
            trader = account.trader
            groups[trader.leverage, _mode(trader), trader.side].append(account)
        return tuple(
            Cohort(
                leverage=group[0].trader.leverage,
                mode=_mode(group[0].trader),
                side=group[0].trader.side,
                accounts=len(group),
                liquidated=sum(one.liquidated for one in group),
                partially_liquidated=sum(one.in_part and not one.liquidated for one in group),
                deposit_wad=sum(one.deposit_wad for one in group),
                final_equity_wad=sum(self._owned(one, views) for one in group),
            )
            for _, group in sorted(groups.items())
        )

    # ---- transactions

    def _owner(self, account: AccountId) -> UnlockedSender:
        return UnlockedSender(self._accounts[account].trader.address)

    def _must(self, name: str, receipt: Receipt) -> None:
        self._gas[name].append(receipt.gas_used)
        for log in receipt.raw_logs:
            kind = self._topics.get(log["topics"][0])
            if kind is not None:
                self._counts[kind] += 1

    def _try(self, name: str, send: Callable[[], Receipt]) -> Receipt | None:
        """Send what the contracts may refuse; a refusal is counted by the name of the error."""
        try:
            receipt = send()
        except ContractReverted as error:
            self._refused[error.name] += 1
            return None
        except TransactionFailed as error:
            self._refused[error.cause.name if error.cause else "TransactionFailed"] += 1
            return None
        self._must(name, receipt)
        return receipt

    def _tell(self, line: str) -> None:
        self._news.append(line)


def _mode(trader: Trader) -> Any:
    return trader.mode.name.lower()


def _name(trader: Trader) -> str:
    return f"{trader.leverage}x {_mode(trader)} {trader.side}"
