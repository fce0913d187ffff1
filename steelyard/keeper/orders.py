"""Settles and triggers orders: all that is due, many in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from steelyard.client.abi import decode_revert
from steelyard.client.calls import Contract
from steelyard.client.errors import ChainError, ContractReverted, RpcRejected, RpcUnreachable, TransactionFailed
from steelyard.keeper.backoff import Backoff
from steelyard.keeper.batches import Batcher, Priced
from steelyard.keeper.book import Action, Book, Due, Price
from steelyard.keeper.follower import Follower
from steelyard.keeper.order_round import Attempt, Left, OrderRound, Outcome, Transaction
from steelyard.keeper.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steelyard.client import AccountId, Sender
    from steelyard.client.exchange import Exchange
    from steelyard.keeper.batches import Call, Sent
    from steelyard.keeper.book import OpenOrder
    from steelyard.keeper.prices import Prices, Update

__all__ = ["OrderKeeper", "Policy"]

_GAS: Final = {
    Action.TRAIL: 55_000,
    Action.TRIGGER: 55_000,
    Action.SETTLE: 150_000,
    Action.EXECUTE: 150_000,
    Action.CLEAR: 35_000,
}
"""What a call in a batch costs, about; for the estimate of profit."""
_STALE_MARGIN_SECONDS: Final = 10
_GONE: Final = frozenset({"OrderUnknown", "OrderPending", "MarkUnmoved", "OrderUntriggered"})
"""Somebody was faster: nothing is wrong."""
_WAD: Final = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is worth doing, and how.

    Attributes
    ----------
    min_fee : int
        Orders that pay less are left [quote wad].
    min_profit : int or None
        Least fee less gas, where `native_price` is known [quote wad]; None takes any order.
    native_price : int or None
        USD per unit of the chain's currency [wad].
    trail_share : int
        See `Book`.
    clears : bool
        Whether expired orders are cleared, which pays nothing.
    max_gas, fill_gas : int
        See `Batcher`.
    first_wait, longest_wait : int
        See `Troubles`.
    """

    min_fee: int = 0
    min_profit: int | None = None
    native_price: int | None = None
    trail_share: int = 100_000
    clears: bool = False
    max_gas: int = 12_000_000
    fill_gas: int = 700_000
    first_wait: int = 2
    longest_wait: int = 600


@dataclass(slots=True)
class _Market:
    """The latest price of a market, and the update that it comes from where the oracle's is older."""

    feed: str
    price: Price
    stored_at: int
    max_age: int
    max_confidence: int
    is_usable: bool
    update: Update | None = None


@dataclass(slots=True)
class _Work:
    """What a round does."""

    attempts: list[Attempt] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    price_failure: str | None = None


class OrderKeeper:
    """A keeper of orders.

    Nothing but the chain is its memory; a state file only saves reading events again. It may be killed at any moment,
    and several may run beside each other.

    Parameters
    ----------
    exchange : Exchange
        Where.
    sender : Sender
        Who sends the transactions.
    fee_account : AccountId
        Ledger account that gets the keeper fees.
    prices : Prices
        Source of price updates.
    policy : Policy, optional
        What is worth doing.
    first_block, span, path
        See `Follower`.
    backoff : Backoff, optional
        For a node that does not answer.
    is_dry : bool
        Whether nothing is sent.
    """

    def __init__(
        self,
        exchange: Exchange,
        sender: Sender,
        fee_account: AccountId,
        prices: Prices,
        *,
        policy: Policy | None = None,
        first_block: int = 0,
        span: int = 5_000,
        path: Path | None = None,
        backoff: Backoff | None = None,
        is_dry: bool = False,
    ) -> None:
        self._exchange = exchange
        self._fee_account = fee_account
        self._prices = prices
        self._policy = policy = policy or Policy()
        self._is_dry = is_dry
        self._backoff = backoff or Backoff()
        delay, window = (
            exchange.chain.call(exchange.order_book, name) for name in ("MIN_DELAY_SECONDS", "WINDOW_SECONDS")
        )
        self.book = Book(delay, window, trail_share=policy.trail_share)
        self._follower = Follower(exchange, self.book, self._backoff, first_block=first_block, span=span, path=path)
        self._batcher = Batcher(exchange, sender, max_gas=policy.max_gas, fill_gas=policy.fill_gas)
        self._pyth = Contract.at("LocalPyth", exchange.addresses["Pyth"])
        self._troubles = Troubles(policy.first_wait, policy.longest_wait)

    def run_once(self) -> OrderRound:
        """Read events, find what is due, and do it; returns what was done.

        Raises
        ------
        RpcUnreachable, RpcRejected
            The node did not answer, also after several attempts, or refused a request for events or a view.
        StateForeign
            The state file is of another order book.
        """
        followed = self._follower.read()
        now = followed.head.timestamp
        work = _Work()
        markets = self._look_at_prices(now, work)
        started = time.perf_counter()
        due = self._due(now, markets)
        found_seconds = time.perf_counter() - started
        due = self._narrow(now, due, markets, work)
        gas_price = int(self._backoff.run(partial(self._exchange.chain.rpc, "eth_gasPrice")), 16)
        wanted = self._wanted(due, now, gas_price, work)
        calls = self._calls(wanted, now, markets, work)
        for part in self._batcher.split(calls):
            if not self._send(part, now, work):
                break
        self._follower.save()
        return OrderRound(
            block=followed.head.number,
            timestamp=now,
            events=followed.events,
            rewound_to=followed.rewound_to,
            note=followed.note,
            orders=self.book.kinds,
            due=len(due),
            found_seconds=found_seconds,
            attempts=tuple(work.attempts),
            left=tuple(work.left),
            transactions=tuple(work.transactions),
            gas_price=gas_price,
            native_price=self._policy.native_price,
            price_failure=work.price_failure,
            is_dry=self._is_dry,
        )

    # ---- prices

    def _look_at_prices(self, now: int, work: _Work) -> dict[int, _Market]:
        """Return the latest price of each market with orders: the oracle's, or the source's where that is newer."""
        markets: dict[int, _Market] = {}
        for market in self.book.markets:
            feed, state = (self._read(view, market) for view in ("feedOf", "priceState"))
            limit = state.maxConfidence * 100
            markets[market] = _Market(
                feed=feed.lower(),
                price=Price(state.price, state.publishedAt),
                stored_at=state.publishedAt,
                max_age=state.maxAge,
                max_confidence=limit,
                is_usable=0 < state.publishedAt >= now - state.maxAge and state.confidence <= limit,
            )
        self._look_at_source(now, markets, list(markets), work)
        return markets

    def _look_at_source(self, now: int, markets: dict[int, _Market], which: Sequence[int], work: _Work) -> None:
        try:
            latest = self._prices.latest([markets[market].feed for market in which], now)
        except ChainError as error:
            work.price_failure = f"{type(error).__name__}: {error}"
            return
        for market in which:
            entry = markets[market]
            update = latest.get(entry.feed)
            if update is None or update.published_at <= entry.stored_at:
                continue
            entry.update, entry.price = update, Price(update.price, update.published_at)
            is_fresh = now <= update.published_at + entry.max_age
            entry.is_usable = is_fresh and update.confidence <= entry.max_confidence

    def _read(self, view: str, market: int) -> Any:
        return self._backoff.run(partial(self._exchange.chain.call, self._exchange.oracle, view, market))

    # ---- what is due

    def _due(self, now: int, markets: dict[int, _Market]) -> list[Due]:
        prices = {market: entry.price for market, entry in markets.items() if entry.is_usable}
        return self.book.due(now, prices, clears=self._policy.clears)

    def _narrow(self, now: int, due: list[Due], markets: dict[int, _Market], work: _Work) -> list[Due]:
        """Ask again for the prices of just those markets whose price has to be stored: each one more is paid for."""
        needed = _markets_to_store(due, markets)
        offered = [market for market, entry in markets.items() if entry.update is not None]
        if not needed or needed == offered:
            return due
        for market in offered:
            # What comes to its turn elsewhere meanwhile does so in the next round.
            markets[market].is_usable &= market in needed
        self._look_at_source(now, markets, needed, work)
        return self._due(now, markets)

    def _wanted(self, due: Sequence[Due], now: int, gas_price: int, work: _Work) -> list[Due]:
        """Return what is worth doing and not too early to try again; the rest is left with a reason."""
        wanted = []
        self._troubles.forget(self.book.orders, now)
        for one in due:
            reason = self._obstacle(one, now, gas_price)
            if reason is None:
                wanted.append(one)
            else:
                work.left.append(Left(one, reason))
        return wanted

    def _obstacle(self, one: Due, now: int, gas_price: int) -> str | None:
        policy, fee = self._policy, one.held.order.keeper_fee
        trouble = self._troubles.obstacle(one, now)
        if trouble is not None:
            return trouble
        if one.action is Action.CLEAR:
            return None
        if fee < policy.min_fee:
            return f"fee {fee / _WAD:g} under the minimum of {policy.min_fee / _WAD:g}"
        if policy.min_profit is not None and policy.native_price is not None:
            profit = fee - self._cost(one) * gas_price * policy.native_price // _WAD
            if profit < policy.min_profit:
                return f"profit {profit / _WAD:.4f} under the minimum of {policy.min_profit / _WAD:g}"
        return None

    def _cost(self, one: Due) -> int:
        """Return about what gas the fee of an order pays for from here on."""
        needs_fill = one.action in (Action.TRAIL, Action.TRIGGER)
        return _GAS[one.action] + (_GAS[Action.EXECUTE] if needs_fill else 0)

    # ---- calls

    def _calls(self, wanted: Sequence[Due], now: int, markets: dict[int, _Market], work: _Work) -> list[Call]:
        """Return calls in their order: prices, trails, triggers, fills, what is cleared."""
        priced: list[Priced] = []
        fees: dict[tuple[bytes, ...], int] = {}
        for one in wanted:
            if one.action not in (Action.SETTLE, Action.EXECUTE):
                continue
            update, reason = self._first_price(markets[one.held.order.market].feed, one)
            if update is None:
                work.left.append(Left(one, reason))
            else:
                priced.append(Priced(one, update, self._fee(update.data, fees)))
        turns = [self._batcher.turn(one) for one in wanted if _is_turn(one)]
        clears = [self._batcher.turn(one) for one in wanted if one.action is Action.CLEAR]
        stored = set(_markets_to_store([one for one in wanted if _is_turn(one)], markets))
        stale = self._stale_markets([one.due.held for one in priced], now) - stored
        updates = self._updates(sorted(stored), markets, fees) + self._refreshes(sorted(stale), now, fees, work)
        return [*updates, *turns, *self._batcher.fills(priced, self._fee_account), *clears]

    def _first_price(self, feed: str, one: Due) -> tuple[Update | None, str]:
        try:
            update = self._prices.first_at(feed, one.earliest)
        except ChainError as error:
            return None, f"{type(error).__name__}: {error}"
        if update is None:
            return None, f"no price at or after {one.earliest} yet"
        if update.published_at > one.latest:
            return None, f"no price from {one.earliest} to {one.latest}"
        return update, ""

    def _fee(self, data: tuple[bytes, ...], known: dict[tuple[bytes, ...], int]) -> int:
        """Return Pyth's fee [wei]."""
        if data not in known:
            known[data] = self._backoff.run(partial(self._exchange.chain.call, self._pyth, "getUpdateFee", data))
        return known[data]

    def _updates(
        self, stored: Sequence[int], markets: dict[int, _Market], fees: dict[tuple[bytes, ...], int]
    ) -> list[Call]:
        """Return calls that store the prices at which orders are trailed and triggered."""
        together: dict[tuple[bytes, ...], list[int]] = {}
        for market in stored:
            update = markets[market].update
            assert update is not None
            together.setdefault(update.data, []).append(market)
        return [self._batcher.update(which, data, self._fee(data, fees)) for data, which in together.items()]

    def _stale_markets(self, fills: Sequence[OpenOrder], now: int) -> set[int]:
        """Return markets with too old a price in which accounts that fill are open: a fill needs all their prices."""
        house, found, known = self._exchange.clearinghouse, set[int](), dict[int, bool]()
        for account, market in {(one.order.account, one.order.market) for one in fills}:
            bitmap = self._backoff.run(partial(self._exchange.chain.call, house, "accountOf", account)).openMarkets
            for other in range(bitmap.bit_length()):
                if bitmap >> other & 1 == 0 or other == market:
                    continue
                if other not in known:
                    state = self._read("priceState", other)
                    known[other] = now + _STALE_MARGIN_SECONDS > state.publishedAt + state.maxAge
                if known[other]:
                    found.add(other)
        return found

    def _refreshes(self, stale: Sequence[int], now: int, fees: dict[tuple[bytes, ...], int], work: _Work) -> list[Call]:
        """Return the call that stores newer prices of these markets, as far as there are any."""
        feeds = {market: self._read("feedOf", market).lower() for market in stale}
        if not feeds:
            return []
        try:
            latest = self._prices.latest(list(feeds.values()), now)
        except ChainError as error:
            work.price_failure = f"{type(error).__name__}: {error}"
            return []
        which = [market for market, feed in feeds.items() if feed in latest]
        if not which:
            return []
        data = latest[feeds[which[0]]].data
        return [self._batcher.update(which, data, self._fee(data, fees))]

    # ---- transactions

    def _send(self, calls: tuple[Call, ...], now: int, work: _Work) -> bool:
        """Send one batch and note what became of it; returns whether another may follow."""
        try:
            sent = self._batcher.send(calls, is_dry=self._is_dry)
        except (ContractReverted, TransactionFailed) as error:
            work.attempts += [self._failed(call.due, error, now) for call in calls if call.due is not None]
            return True
        except (RpcRejected, RpcUnreachable) as error:
            reason = f"{type(error).__name__}: {error}"
            work.attempts += [Attempt(call.due, Outcome.FAILED, reason) for call in calls if call.due is not None]
            return False
        if sent.receipt is not None:
            fees = sum(call.value for place, call in enumerate(sent.calls) if place not in sent.failures)
            done = sum(call.due is not None for place, call in enumerate(sent.calls) if place not in sent.failures)
            work.transactions.append(Transaction(sent.receipt.hash, sent.receipt.gas_used, done, fees))
        work.attempts += self._outcomes(sent, now)
        return True

    def _outcomes(self, sent: Sent, now: int) -> list[Attempt]:
        logs = [] if sent.receipt is None else sent.receipt.raw_logs
        told = {
            (log.arguments["account"], log.arguments["slot"]): log
            for log in self._exchange.chain.events(
                self._exchange.order_book, logs, "OrderSettled", "OrderFailed", "OrderRested"
            )
        }
        attempts = []
        for place, call in enumerate(sent.calls):
            one = call.due
            if one is None:
                continue
            error = sent.failures.get(place)
            log = told.get(one.held.key) if one.action in (Action.SETTLE, Action.EXECUTE) else None
            if error is not None and error.name in _GONE:
                attempts.append(Attempt(one, Outcome.GONE, error))
            elif error is not None:
                attempts.append(self._failed(one, error, now))
            elif self._is_dry:
                attempts.append(Attempt(one, Outcome.WOULD, None))
            elif log is not None and log.name != "OrderSettled":
                outcome = Outcome.USED_UP if log.name == "OrderFailed" else Outcome.RESTED
                reason = decode_revert(bytes.fromhex(log.arguments["reason"][2:]))
                self._troubles.unpaid(one.held, now)
                attempts.append(Attempt(one, outcome, reason))
            else:
                if log is not None:
                    self._troubles.settled(one.held)
                attempts.append(Attempt(one, Outcome.DONE, None, one.held.order.keeper_fee if log else 0))
        return attempts

    def _failed(self, one: Due, reason: ChainError, now: int) -> Attempt:
        """Note that an order failed, so that it is tried again later each time."""
        self._troubles.failed(one.held, now)
        return Attempt(one, Outcome.FAILED, reason)


def _is_turn(one: Due) -> bool:
    return one.action in (Action.TRAIL, Action.TRIGGER)


def _markets_to_store(due: Sequence[Due], markets: dict[int, _Market]) -> list[int]:
    """Return markets at whose newer price something is trailed or triggered, in the order of `markets`."""
    wanted = {one.held.order.market for one in due if _is_turn(one)}
    return [market for market, entry in markets.items() if market in wanted and entry.update is not None]
