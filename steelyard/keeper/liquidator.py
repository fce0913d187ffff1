"""Liquidates accounts under their maintenance margin, the worst first, deleverages a pool under its own, and settles
requests to the vault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from steelyard.client.errors import ContractReverted, RpcRejected, RpcUnreachable, TransactionFailed
from steelyard.client.records import AccountId, AccountView, owner_of
from steelyard.client.units import text_of
from steelyard.keeper.backoff import Backoff
from steelyard.keeper.settler import Settlement, Settler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.chain import Receipt, Sender
    from steelyard.client.exchange import Exchange
    from steelyard.client.vault import Waiting

__all__ = ["Deleveraging", "Liquidation", "Liquidator", "Round", "Status"]

_GONE = frozenset({"AccountHealthy", "AccountFlat"})
"""Somebody was faster, or the price came back: nothing is wrong."""

_RESERVED_OWNER = 0


class Status(StrEnum):
    """What became of an attempt."""

    LIQUIDATED = "liquidated"
    DELEVERAGED = "deleveraged"
    HEALTHY = "healthy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One attempt to liquidate.

    Attributes
    ----------
    account : AccountId
        Whose.
    status : Status
        What became of it.
    health : int
        Equity over maintenance margin when it was read [wad].
    notional : int
        Of all positions then [quote wad].
    closed_notional, reward, penalty, bad_debt : int
        As the contracts report them [quote wad].
    gas_used : int
        Whole transaction.
    transaction : str or None
        Its hash.
    reason : str or None
        Of a failure, or why there was nothing left to do.
    receipt : Receipt or None
        For whoever wants its events.
    """

    account: AccountId
    status: Status
    health: int
    notional: int
    closed_notional: int = 0
    reward: int = 0
    penalty: int = 0
    bad_debt: int = 0
    gas_used: int = 0
    transaction: str | None = None
    reason: str | None = None
    receipt: Receipt | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals."""
        names = ("health", "notional", "closed_notional", "reward", "penalty", "bad_debt")
        return {
            "account": f"0x{self.account:064x}",
            "owner": owner_of(self.account),
            "status": self.status.value,
            **{name: text_of(getattr(self, name)) for name in names},
            "gas_used": self.gas_used,
            "transaction": self.transaction,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleveraging:
    """One attempt to deleverage the pool.

    Attributes
    ----------
    status : Status
        What became of it.
    equity, maintenance_margin : int
        Of the pool when it was read [quote wad].
    markets : tuple of int
        In which a side was shrunk.
    gas_used : int
        Whole transaction.
    transaction : str or None
        Its hash.
    reason : str or None
        Of a failure, or why there was nothing left to do.
    """

    status: Status
    equity: int
    maintenance_margin: int
    markets: tuple[int, ...] = ()
    gas_used: int = 0
    transaction: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals."""
        return {
            "status": self.status.value,
            "equity": text_of(self.equity),
            "maintenance_margin": text_of(self.maintenance_margin),
            "markets": list(self.markets),
            "gas_used": self.gas_used,
            "transaction": self.transaction,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One look at all accounts, and at the pool.

    Attributes
    ----------
    block, timestamp : int
        Of the chain when the round began.
    accounts, open_accounts : int
        Known, and with positions.
    unpriced : tuple of AccountId
        Could not be valued, because a price is missing, stale or uncertain.
    unpriced_reason : str or None
        Why the first of them could not.
    attempts : tuple of Liquidation
        In the order in which they were made.
    pool : Deleveraging or None
        Attempt to deleverage, after the liquidations; None where the pool needs none.
    pool_unpriced : str or None
        Why the pool could not be valued.
    vault : Settlement or None
        Attempt to settle requests to the vault; None where none can be.
    waiting : Waiting or None
        Requests to the vault that wait after it, since when, and why.
    waiting_unknown : str or None
        Why that could not be found out.
    """

    block: int
    timestamp: int
    accounts: int
    open_accounts: int
    unpriced: tuple[AccountId, ...] = ()
    unpriced_reason: str | None = None
    attempts: tuple[Liquidation, ...] = ()
    pool: Deleveraging | None = None
    pool_unpriced: str | None = None
    vault: Settlement | None = None
    waiting: Waiting | None = None
    waiting_unknown: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything could be valued, and nothing that should have been done failed."""
        is_pool_done = self.pool is None or self.pool.status is not Status.FAILED
        is_vault_done = self.vault is None or self.vault.reason is None
        is_valued = not self.unpriced and self.pool_unpriced is None
        return not self.failed and is_valued and is_pool_done and is_vault_done

    @property
    def liquidated(self) -> tuple[Liquidation, ...]:
        """Attempts that liquidated."""
        return tuple(one for one in self.attempts if one.status is Status.LIQUIDATED)

    @property
    def failed(self) -> tuple[Liquidation, ...]:
        """Attempts that should have liquidated and did not."""
        return tuple(one for one in self.attempts if one.status is Status.FAILED)

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "block": self.block,
            "timestamp": self.timestamp,
            "accounts": self.accounts,
            "open_accounts": self.open_accounts,
            "unpriced": [f"0x{account:064x}" for account in self.unpriced],
            "unpriced_reason": self.unpriced_reason,
            "attempts": [one.to_json() for one in self.attempts],
            "pool": self.pool and self.pool.to_json(),
            "pool_unpriced": self.pool_unpriced,
            "vault": self.vault and self.vault.to_json(),
            "waiting": self.waiting and self.waiting.to_json(),
            "waiting_unknown": self.waiting_unknown,
        }


@dataclass(slots=True)
class _Watch:
    """Accounts seen in events so far; those without positions rest until they trade again."""

    next_block: int
    known: set[AccountId] = field(default_factory=set)
    open: set[AccountId] = field(default_factory=set)


class Liquidator:
    """A keeper that liquidates accounts, in whatever margin mode, and deleverages the pool once they are done.

    Nothing but the chain is its memory: started anew, it finds the accounts again in the events. It may be killed at
    any moment, and several may run beside each other, since the contracts refuse to liquidate what is healthy.

    Parameters
    ----------
    exchange : Exchange
        Where.
    sender : Sender
        Who sends the transactions.
    reward_account : AccountId
        Ledger account that gets the rewards.
    first_block : int
        Where events begin: that of the deployment.
    batch : int
        Accounts valued in one call.
    span : int
        Blocks per request for events.
    overlap : int
        Blocks read again each round, because the chain may have replaced them.
    backoff : Backoff
        For a node that does not answer.
    """

    def __init__(
        self,
        exchange: Exchange,
        sender: Sender,
        reward_account: AccountId,
        *,
        first_block: int = 0,
        batch: int = 100,
        span: int = 5_000,
        overlap: int = 12,
        backoff: Backoff | None = None,
    ) -> None:
        self._exchange = exchange
        self._sender = sender
        self._reward_account = reward_account
        self._first_block = first_block
        self._batch = batch
        self._span = span
        self._overlap = overlap
        self._backoff = backoff or Backoff()
        self._settler = Settler(exchange, sender, self._backoff)
        self._watch = _Watch(first_block)

    def run_once(self) -> Round:
        """Find accounts, value them, liquidate what can be, then look at the pool; returns what was done.

        Raises
        ------
        RpcUnreachable
            The node did not answer, also after several attempts.
        RpcRejected
            It refused a request for events or a view.
        """
        head = self._backoff.run(self._exchange.chain.block)
        self._discover(head.number)
        views, unpriced, reason = self._value(sorted(self._watch.open))
        self._watch.open -= {view.account for view in views if not view.open_markets}
        urgent = sorted((view for view in views if view.is_liquidatable and view.open_markets), key=_urgency)
        attempts: list[Liquidation] = []
        for view in urgent:
            try:
                attempts.append(self._liquidate(view))
            except RpcUnreachable as error:
                # What was done before is worth telling; the next round starts from the chain.
                attempts.append(_failed(view, f"RpcUnreachable: {error}"))
                break
        pool, pool_unpriced = self._relieve()
        vault = self._settler.run_once()
        waiting, waiting_unknown = self._look_at_queues()
        return Round(
            block=head.number,
            timestamp=head.timestamp,
            accounts=len(self._watch.known),
            open_accounts=len(self._watch.open),
            unpriced=unpriced,
            unpriced_reason=reason,
            attempts=tuple(attempts),
            pool=pool,
            pool_unpriced=pool_unpriced,
            vault=vault,
            waiting=waiting,
            waiting_unknown=waiting_unknown,
        )

    # ---- accounts

    def _discover(self, last: int) -> None:
        watch, house = self._watch, self._exchange.clearinghouse
        first = max(self._first_block, watch.next_block - self._overlap)
        while first <= last:
            until = min(first + self._span - 1, last)
            request = partial(self._exchange.chain.logs, house, first, until, "Deposited", "Traded")
            try:
                logs = self._backoff.run(request)
            except RpcRejected:
                # Nodes bound the blocks, or the events, of one request; by how much differs.
                if self._span == 1:
                    raise
                self._span = -(-self._span // 2)
                continue
            for log in logs:
                account = AccountId(log.arguments["account"])
                if account >> 96 == _RESERVED_OWNER:
                    continue
                watch.known.add(account)
                if log.name == "Traded":
                    watch.open.add(account)
            first = until + 1
        watch.next_block = last + 1

    def _value(self, accounts: Sequence[AccountId]) -> tuple[list[AccountView], tuple[AccountId, ...], str | None]:
        """Value accounts in batches; where one of a batch has no price, halve it until that one is alone."""
        views: list[AccountView] = []
        unpriced: list[AccountId] = []
        reason = None
        batches = [accounts[start : start + self._batch] for start in range(0, len(accounts), self._batch)]
        while batches:
            batch = batches.pop()
            try:
                views += self._backoff.run(partial(self._exchange.account_views, batch))
            except ContractReverted as error:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    batches += [batch[:middle], batch[middle:]]
                else:
                    unpriced += batch
                    reason = reason or str(error)
        return views, tuple(unpriced), reason

    # ---- liquidations

    def _liquidate(self, view: AccountView) -> Liquidation:
        attempt = partial(self._exchange.liquidate, self._sender, view.account, self._reward_account)
        try:
            receipt = self._backoff.run(attempt)
        except ContractReverted as error:
            return _ended(view, error)
        except TransactionFailed as error:
            # Estimated, sent, and overtaken by another keeper or a better price.
            return _ended(view, error.cause) if error.cause is not None else _failed(view, str(error))
        except RpcRejected as error:
            return _failed(view, f"RpcRejected: {error}")
        return self._done(view, receipt)

    def _done(self, view: AccountView, receipt: Receipt) -> Liquidation:
        house = self._exchange.clearinghouse
        logs = self._exchange.chain.events(house, receipt.raw_logs, "Liquidated", "BadDebtBooked")
        facts = next(log.arguments for log in logs if log.name == "Liquidated")
        debts = [log.arguments for log in logs if log.name == "BadDebtBooked"]
        return Liquidation(
            account=view.account,
            status=Status.LIQUIDATED,
            health=view.health,
            notional=view.risk.notional,
            closed_notional=facts["closedNotional"],
            reward=facts["reward"],
            penalty=facts["penalty"],
            bad_debt=sum(debt["fromInsurance"] + debt["fromPool"] for debt in debts),
            gas_used=receipt.gas_used,
            transaction=receipt.hash,
            receipt=receipt,
        )

    # ---- the pool

    def _relieve(self) -> tuple[Deleveraging | None, str | None]:
        """Deleverage the pool if it is under its maintenance margin; returns the attempt, or why it has no value."""
        try:
            risk = self._backoff.run(self._exchange.pool_risk)
        except ContractReverted as error:
            return None, str(error)
        except RpcUnreachable as error:
            return None, f"RpcUnreachable: {error}"
        if risk.net_asset_value >= risk.maintenance_margin:
            return None, None
        attempt = partial(Deleveraging, equity=risk.net_asset_value, maintenance_margin=risk.maintenance_margin)
        try:
            receipt = self._backoff.run(partial(self._exchange.deleverage, self._sender))
        except (ContractReverted, TransactionFailed) as error:
            cause = error if isinstance(error, ContractReverted) else error.cause
            if cause is not None and cause.name in _GONE:
                return attempt(status=Status.HEALTHY, reason=cause.name), None
            return attempt(status=Status.FAILED, reason=str(cause or error)), None
        except (RpcRejected, RpcUnreachable) as error:
            return attempt(status=Status.FAILED, reason=f"{type(error).__name__}: {error}"), None
        logs = self._exchange.chain.events(self._exchange.clearinghouse, receipt.raw_logs, "Deleveraged")
        return attempt(
            status=Status.DELEVERAGED,
            markets=tuple([log.arguments["market"] for log in logs if log.arguments["cut"]]),
            gas_used=receipt.gas_used,
            transaction=receipt.hash,
        ), None

    # ---- the vault

    def _look_at_queues(self) -> tuple[Waiting | None, str | None]:
        """Return what still waits of the requests to the vault, or why that is not known."""
        try:
            return self._settler.waiting(), None
        except (ContractReverted, RpcRejected, RpcUnreachable) as error:
            return None, f"{type(error).__name__}: {error}"


def _urgency(view: AccountView) -> tuple[int, int]:
    """Lowest health first; of equals, the largest."""
    return view.health, -view.risk.notional


def _ended(view: AccountView, error: ContractReverted) -> Liquidation:
    if error.name in _GONE:
        return _attempt(view, Status.HEALTHY, error.name)
    return _failed(view, str(error))


def _failed(view: AccountView, reason: str) -> Liquidation:
    return _attempt(view, Status.FAILED, reason)


def _attempt(view: AccountView, status: Status, reason: str) -> Liquidation:
    return Liquidation(
        account=view.account, status=status, health=view.health, notional=view.risk.notional, reason=reason
    )
