"""The liquidity vault of an exchange: what a share is worth, what waits and why, and what a provider can do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from steelyard.client.errors import ContractReverted, RpcRejected
from steelyard.client.units import TOKEN_DECIMALS, WAD_DECIMALS, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.client.chain import Log, Receipt, Sender
    from steelyard.client.exchange import Exchange
    from steelyard.client.records import PoolRisk

__all__ = ["REFUSALS", "Kind", "Obstacle", "Request", "RequestState", "Vault", "VaultTimes", "VaultView", "Waiting"]

_UNIT = 10**12
"""Wad per unit of the settlement token."""
_SPAN = 5_000
"""Blocks per request for events."""
_LOOKED_AT = 20
"""Requests of each queue that an attempt to settle is tried with."""


class Kind(StrEnum):
    """Which queue a request is in."""

    DEPOSIT = "deposit"
    REDEEM = "redeem"


class RequestState(StrEnum):
    """What has become of a request."""

    PENDING = "pending"
    PARTLY = "settled in part"
    CLAIMABLE = "claimable"
    CLAIMED = "claimed"
    CANCELLED = "cancelled"


class Obstacle(StrEnum):
    """Why requests wait."""

    EARLY = "too early"
    OUTDATED = "price outdated"
    UNPRICED = "no usable price"
    UNHEALTHY = "pool unhealthy"
    EXHAUSTED = "pool exhausted"
    BUSY = "pool busy"
    FULL = "pool full"
    OTHER = "refused"


REFUSALS = {
    "PriceOutdated": Obstacle.OUTDATED,
    "PriceStale": Obstacle.UNPRICED,
    "PriceUncertain": Obstacle.UNPRICED,
    "PriceMissing": Obstacle.UNPRICED,
    "PoolUnhealthy": Obstacle.UNHEALTHY,
    "PoolExhausted": Obstacle.EXHAUSTED,
}
"""Errors with which the vault refuses to settle what is due, and what each comes of."""


@dataclass(frozen=True, slots=True)
class VaultTimes:
    """Delays of a vault [s]: `ILiquidityVault.sol`."""

    settle_delay: int
    max_price_age: int
    cancel_delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes
    ----------
    kind : Kind
        Whether assets or shares were given.
    number : int
        Id in its queue.
    controller : str
        Whose claim it becomes.
    requested_at : int
        [Unix s]
    amount : int
        That was requested [token units of a deposit, wei of shares], less what was cancelled.
    pending, claimable : int
        Of it.
    settled_from : int
        Earliest publication of prices that settle it [Unix s].
    cancellable_from : int
        [Unix s]
    state : RequestState
        What has become of it.
    """

    kind: Kind
    number: int
    controller: str
    requested_at: int
    amount: int
    pending: int
    claimable: int
    settled_from: int
    cancellable_from: int
    state: RequestState

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals."""
        decimals = TOKEN_DECIMALS if self.kind is Kind.DEPOSIT else WAD_DECIMALS
        amounts = {name: text_of(getattr(self, name), decimals) for name in ("amount", "pending", "claimable")}
        return asdict(self) | amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Requests that are not settled.

    Attributes
    ----------
    deposits, redemptions : int
        How many, those cancelled included that the queue has not passed.
    since : int
        When the oldest was made [Unix s].
    obstacle : Obstacle or None
        Why it cannot be settled now; None where it can.
    detail : str
        The same with numbers.
    """

    deposits: int
    redemptions: int
    since: int
    obstacle: Obstacle | None = None
    detail: str = ""

    @property
    def state(self) -> tuple[int, int, int, Obstacle | None]:
        """What must change to be worth telling again; a price gets older all the time."""
        return self.deposits, self.redemptions, self.since, self.obstacle

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return asdict(self) | {"obstacle": self.obstacle and self.obstacle.name.lower()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultView:
    """The vault and the pool behind it.

    Attributes
    ----------
    block, timestamp : int
        Of the chain.
    assets : int
        The pool's net asset value, or that of the last settlement where it has no usable price [token units].
    supply : int
        Of shares [wei].
    share_value : int
        Of one share [token wei, 1e-18].
    last_assets : int
        Net asset value after the last settlement [token units].
    risk : PoolRisk or None
        Of the pool, None where it has no usable price.
    unpriced : str or None
        Why it has none.
    free : int or None
        What may leave the pool now [token units].
    pending_assets, pending_shares : int
        In the queues [token units, wei of shares].
    waiting : Waiting or None
        Requests that are not settled.
    times : VaultTimes
        Its delays.
    """

    block: int
    timestamp: int
    assets: int
    supply: int
    share_value: int
    last_assets: int
    risk: PoolRisk | None
    unpriced: str | None
    free: int | None
    pending_assets: int
    pending_shares: int
    waiting: Waiting | None
    times: VaultTimes

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals, None for what there is not."""
        tokens, wads = ("assets", "last_assets", "pending_assets"), ("supply", "share_value", "pending_shares")
        return {
            "block": self.block,
            "timestamp": self.timestamp,
            **{name: text_of(getattr(self, name), TOKEN_DECIMALS) for name in tokens},
            **{name: text_of(getattr(self, name)) for name in wads},
            "free": None if self.free is None else text_of(self.free, TOKEN_DECIMALS),
            "pool": self.risk
            and {name: value if name == "priced_at" else text_of(value) for name, value in asdict(self.risk).items()},
            "unpriced": self.unpriced,
            "waiting": self.waiting and self.waiting.to_json(),
            "times": asdict(self.times),
        }


class Vault:
    """The vault of an exchange.

    Parameters
    ----------
    exchange : Exchange
        Whose.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.chain = exchange.chain
        self.contract = exchange.vault
        self.times = VaultTimes(
            *[self._view(f"{name}_SECONDS") for name in ("SETTLE_DELAY", "MAX_PRICE_AGE", "CANCEL_DELAY")]
        )

    # ---- views

    def view(self) -> VaultView:
        """Return value, margins and queues at the latest block."""
        block = self.chain.block()
        risk, unpriced = self._risk()
        assets, supply = self._view("totalAssets"), self._view("totalSupply")
        queued = [(one.kind, one.pending) for one in self._queued()]
        return VaultView(
            block=block.number,
            timestamp=block.timestamp,
            assets=assets,
            supply=supply,
            share_value=self._view("convertToAssets", 10**36) // 10**6,
            last_assets=self._view("lastNetAssetValue"),
            risk=risk,
            unpriced=unpriced,
            free=None if risk is None else _free(risk),
            pending_assets=sum(pending for kind, pending in queued if kind is Kind.DEPOSIT),
            pending_shares=sum(pending for kind, pending in queued if kind is Kind.REDEEM),
            waiting=self.waiting(),
            times=self.times,
        )

    def waiting(self) -> Waiting | None:
        """Return how many requests wait, since when, and why; None where none does."""
        oldest = next(self._queued(), None)
        if oldest is None:
            return None
        deposits, redemptions = (made - done for done, made in map(self._queue, Kind))
        heads = [next(self._queued(kind), None) for kind in Kind]
        first = [one for one in heads if one is not None]
        obstacle, detail = self._obstacle(first)
        return Waiting(
            deposits=deposits,
            redemptions=redemptions,
            since=min(one.requested_at for one in first),
            obstacle=obstacle,
            detail=detail,
        )

    def requests_of(self, controller: str, first_block: int = 0) -> list[Request]:
        """Return all requests of a controller, oldest first, deposits before redemptions.

        Parameters
        ----------
        controller
            Whose.
        first_block
            Where events begin.
        """
        found = []
        for log in self._logs(first_block, controller):
            kind = Kind.DEPOSIT if log.name == "DepositRequest" else Kind.REDEEM
            found.append(self.request(kind, log.arguments["requestId"], controller))
        return sorted(found, key=lambda one: (one.kind, one.number))

    def request(self, kind: Kind, number: int, controller: str) -> Request:
        """Return one request of a controller."""
        name = kind.value.capitalize()
        _, requested_at, amount, _ = self._view(f"{kind.value}RequestOf", number)
        pending = self._view(f"pending{name}Request", number, controller)
        claimable = self._view(f"claimable{name}Request", number, controller)
        if amount == 0:
            state = RequestState.CANCELLED
        elif pending:
            state = RequestState.PENDING if pending == amount else RequestState.PARTLY
        else:
            state = RequestState.CLAIMABLE if claimable else RequestState.CLAIMED
        return Request(
            kind=kind,
            number=number,
            controller=controller,
            requested_at=requested_at,
            amount=amount,
            pending=pending,
            claimable=claimable,
            settled_from=requested_at + self.times.settle_delay,
            cancellable_from=requested_at + self.times.cancel_delay,
            state=state,
        )

    def shares_of(self, owner: str) -> int:
        """Return the shares that an address holds [wei]."""
        return int(self._view("balanceOf", owner))

    def claimable(self, kind: Kind, controller: str) -> tuple[int, int]:
        """Return what a controller may claim of settled requests: of what was given, and what it pays.

        Token units and shares of deposits, shares and token units of redemptions.
        """
        if kind is Kind.DEPOSIT:
            return self._view("maxDeposit", controller), self._view("maxMint", controller)
        return self._view("maxRedeem", controller), self._view("maxWithdraw", controller)

    # ---- transactions; each is a function and its arguments

    def request_deposit(self, sender: Sender, assets: int) -> Receipt:
        """Request shares for `assets` token units of the sender."""
        return self._send(sender, "requestDeposit", assets, sender.address, sender.address)

    def request_redeem(self, sender: Sender, shares: int) -> Receipt:
        """Request token units for `shares` of the sender."""
        return self._send(sender, "requestRedeem", shares, sender.address, sender.address)

    def claim(self, sender: Sender, kind: Kind, amount: int) -> Receipt:
        """Claim what settled requests pay for `amount` of what was given."""
        function = "deposit(uint256,address,address)" if kind is Kind.DEPOSIT else "redeem"
        return self._send(sender, function, amount, sender.address, sender.address)

    def cancel(self, sender: Sender, kind: Kind, number: int) -> Receipt:
        """Take back what is not settled of a request."""
        return self._send(sender, f"cancel{kind.value.capitalize()}", number, sender.address)

    def number_of(self, requested: Receipt) -> int:
        """Return the id of the request that a transaction made."""
        (log,) = self.chain.events(self.contract, requested.raw_logs, "DepositRequest", "RedeemRequest")
        return int(log.arguments["requestId"])

    # ---- insides

    def _view(self, function: str, *arguments: Any) -> Any:
        return self.chain.call(self.contract, function, *arguments)

    def _send(self, sender: Sender, function: str, *arguments: Any) -> Receipt:
        return self.chain.send(sender, self.contract, function, *arguments)

    def _risk(self) -> tuple[PoolRisk | None, str | None]:
        try:
            return self.exchange.pool_risk(), None
        except ContractReverted as error:
            return None, str(error)

    def _queue(self, kind: Kind) -> tuple[int, int]:
        done, made, *_ = self._view(f"{kind.value}Queue")
        return done, made

    def _queued(self, *kinds: Kind) -> Iterator[Request]:
        """Yield requests that wait, in the order of their queues."""
        for kind in kinds or Kind:
            done, made = self._queue(kind)
            for number in range(done + 1, made + 1):
                controller, _, amount, _ = self._view(f"{kind.value}RequestOf", number)
                if amount:
                    yield self.request(kind, number, controller)

    def _obstacle(self, heads: list[Request]) -> tuple[Obstacle | None, str]:
        """Return why nothing can be settled at the latest block: what the vault says, and what that comes of."""
        try:
            self._view("fulfil", _LOOKED_AT, _LOOKED_AT)
        except ContractReverted as error:
            if error.name in REFUSALS:
                return REFUSALS[error.name], _told(error, self.chain.block().timestamp)
            if error.name != "RequestsUnready":
                return Obstacle.OTHER, str(error)
        else:
            return None, ""
        risk = self.exchange.pool_risk()
        due = [one for one in heads if one.settled_from <= risk.priced_at]
        if not due:
            earliest = min(one.settled_from for one in heads)
            return Obstacle.EARLY, f"prices of {_clock(earliest)} or later are needed"
        if any(one.kind is Kind.REDEEM for one in due):
            return Obstacle.BUSY, (
                f"net asset value {risk.net_asset_value / 1e18:,.2f} "
                f"does not exceed initial margin {risk.initial_margin / 1e18:,.2f}"
            )
        return Obstacle.FULL, "the vault takes no such deposit any more"

    def _logs(self, first: int, controller: str) -> Iterator[Log]:
        last, span = self.chain.block().number, _SPAN
        while first <= last:
            until = min(first + span - 1, last)
            try:
                found = self.chain.logs(
                    self.contract, first, until, "DepositRequest", "RedeemRequest", indexed=(controller,)
                )
            except RpcRejected:
                # Nodes bound the blocks of one request; by how much differs.
                if span == 1:
                    raise
                span = -(-span // 2)
                continue
            yield from found
            first = until + 1


def _free(risk: PoolRisk) -> int:
    return max(risk.net_asset_value - risk.initial_margin, 0) // _UNIT


def _clock(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _told(error: ContractReverted, now: int) -> str:
    """Return a refusal with what its arguments mean."""
    arguments = error.arguments
    if error.name == "PriceOutdated":
        age = now - arguments["pricedAt"]
        return f"the oldest price is {age:,} s old, {arguments['maxAge']} s at most"
    if error.name == "PoolUnhealthy":
        value, margin = arguments["netAssetValue"], arguments["maintenanceMargin"]
        return f"net asset value {value / 1e18:,.2f} is under maintenance margin {margin / 1e18:,.2f}"
    return str(error)
