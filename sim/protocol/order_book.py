"""Orders that cannot pick their price (``OrderBook.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sim.protocol.abi import BytesType
from sim.protocol.errors import (
    AccountBankrupt,
    AccountUnauthorized,
    BatchMalformed,
    BatchUnpaid,
    EmptyRevert,
    FailedCall,
    KeeperFeeExceeded,
    MaintenanceInsufficient,
    MarginInsufficient,
    MarketUnknown,
    MarkUnmoved,
    OpenInterestExceeded,
    OpenMarketsExceeded,
    OrderExpired,
    OrderPending,
    OrderUnknown,
    OrderUntriggered,
    PricePremature,
    PriceUnacceptable,
    PriceUnconfirmed,
    PriceUnproven,
    ProtocolError,
    RiskPaused,
    SizeBelowMinimum,
    SizeZero,
    SlotOccupied,
    TermsInvalid,
    TriggerUnmet,
)
from sim.protocol.evm import Address, external, non_reentrant, payable, view
from sim.protocol.libraries import bounds, order_hashes, pricing, triggers
from sim.protocol.revert import bubbled, revert_data
from sim.protocol.signed_messages import SignedMessages
from sim.protocol.types.account import PERMISSION_TRADE
from sim.protocol.types.account_id import owner_of
from sim.protocol.types.fill import Fill, Trade
from sim.protocol.types.order import Leg, Order, OrderKind, Progress, Terms

if TYPE_CHECKING:
    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.world import World

__all__ = ["Held", "OrderBook"]

_ORDER: Final = order_hashes.ORDER
_TERMS: Final = order_hashes.TERMS
_PROGRESS: Final = "(uint8,uint40,uint40,uint16,uint96,uint40)"
_MAX_DELAY_SECONDS: Final = 3_600
_MAX_WINDOW_SECONDS: Final = 86_400
_MAX_KEEPER_FEE: Final = 10**18
_UINT64_MAX: Final = 2**64 - 1
_UINT128_MAX: Final = 2**128 - 1
_NO_FILL: Final = Fill(0, 0, 0, 0)
_BYTES: Final = BytesType("bytes")
_FINAL: Final = (
    MarginInsufficient,
    MaintenanceInsufficient,
    AccountBankrupt,
    PriceUnacceptable,
    RiskPaused,
    PriceUnconfirmed,
    SizeBelowMinimum,
    SizeZero,
    OpenMarketsExceeded,
    MarketUnknown,
    OpenInterestExceeded,
)
"""Failures that use an order up (``OrderBook.sol::_isFinal``)."""
_FREE_HASH: Final = 1
"""What a used slot reads as once it is free: a commitment at 0 with this hash."""


class Held(NamedTuple):
    """What a slot holds: when it was committed or placed, the order, and the terms of one that rests."""

    committed_at: int
    order: Order
    terms: Terms | None

    @property
    def hash(self) -> int:
        """The hash under which it is stored."""
        return order_hashes.stored(self.order, self.terms)


class _Intent(NamedTuple):
    """What an order asks for at a settlement (``OrderBook.sol::Intent``)."""

    size_delta: int
    acceptable_price: int
    reduce_only: bool
    earliest: int
    latest: int


class _ProvenPrice(NamedTuple):
    """The first price of a market published since some time (``ProvenPrice.sol``)."""

    market: int
    since: int
    published_at: int
    price: int
    confidence: int
    is_confirmed: bool

    def covers(self, market: int, earliest: int) -> bool:
        """Whether it is the market's first price since `earliest` as well."""
        return self.market == market and self.since <= earliest <= self.published_at


class OrderBook(SignedMessages):
    """Orders that cannot pick their price.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    clearinghouse : Clearinghouse
        Where orders trade.
    min_delay_seconds : int
        Time from commit to the earliest settlement price.
    window_seconds : int
        Length of the window for price and settlement.

    Raises
    ------
    ParameterOutOfBounds
        A time is out of bounds.

    Notes
    -----
    A slot keeps the order itself: two orders are equal just if their hashes are, and hashing is slow here.
    """

    DOMAIN = ("Steelyard orders", "1")

    def __init__(
        self,
        world: World,
        name: str,
        address: Address,
        *,
        clearinghouse: Clearinghouse,
        min_delay_seconds: int,
        window_seconds: int,
    ) -> None:
        super().__init__(world, name, address)
        bounds.check("minDelaySeconds", min_delay_seconds, 1, _MAX_DELAY_SECONDS)
        bounds.check("windowSeconds", window_seconds, 1, _MAX_WINDOW_SECONDS)
        self.clearinghouse = clearinghouse
        self.oracle = clearinghouse.oracle
        self._min_delay_seconds = min_delay_seconds
        self._window_seconds = window_seconds
        self._commitments: dict[tuple[int, int], Held | None] = {}
        self._progress: dict[tuple[int, int], Progress] = {}

    # ---- by who may trade for the account

    @external(f"commit({_ORDER})")
    def commit(self, sender: Address, order: Order | tuple[int, ...]) -> None:
        """Commit to a delayed order (``OrderBook.sol::commit``).

        Raises
        ------
        SizeZero, KeeperFeeExceeded, OrderExpired, AccountUnauthorized, SlotOccupied
            As named.
        """
        self._commit(Order(*order), sender)

    @external(f"place({_ORDER},{_TERMS})")
    def place(self, sender: Address, order: Order | tuple[int, ...], terms: Terms | tuple[int, ...]) -> None:
        """Place an order that rests (``OrderBook.sol::place``).

        Raises
        ------
        TermsInvalid, SizeZero, KeeperFeeExceeded, OrderExpired, AccountUnauthorized, SlotOccupied
            As named.
        """
        self._place(Order(*order), Terms(*terms), sender)

    @external(f"commitSigned({_ORDER},uint256,address,bytes)")
    @non_reentrant
    def commit_signed(
        self,
        _sender: Address,
        order: Order | tuple[int, ...],
        nonce: int,
        signer: str,
        signature: str | bytes,
    ) -> None:
        """Commit to a delayed order that `signer` signed (``OrderBook.sol::commitSigned``).

        Raises
        ------
        NonceUsed, SignatureInvalid
            As named, and those of `commit`.
        """
        order = Order(*order)
        self._use_signed(order_hashes.signed(order, None, signer, nonce), nonce, signer, _BYTES.raw(signature))
        self._commit(order, Address(signer))

    @external(f"placeSigned({_ORDER},{_TERMS},uint256,address,bytes)")
    @non_reentrant
    def place_signed(
        self,
        _sender: Address,
        order: Order | tuple[int, ...],
        terms: Terms | tuple[int, ...],
        nonce: int,
        signer: str,
        signature: str | bytes,
    ) -> None:
        """Place an order that `signer` signed (``OrderBook.sol::placeSigned``).

        Raises
        ------
        NonceUsed, SignatureInvalid
            As named, and those of `place`.
        """
        order, terms = Order(*order), Terms(*terms)
        self._use_signed(order_hashes.signed(order, terms, signer, nonce), nonce, signer, _BYTES.raw(signature))
        self._place(order, terms, Address(signer))

    @external(f"cancel({_ORDER})")
    @non_reentrant
    def cancel(self, sender: Address, order: Order | tuple[int, ...]) -> None:
        """Cancel a delayed order once it can no longer settle (``OrderBook.sol::cancel``).

        Raises
        ------
        AccountUnauthorized, OrderUnknown, OrderPending
            As named.
        """
        order = Order(*order)
        self._authorize(order.account, sender)
        latest = self._latest(order, self._take(order))
        if self.world.timestamp <= latest:
            raise OrderPending(latest)
        self.emit("OrderCancelled", order.account, order.slot)

    @external(f"cancelPlaced({_ORDER},{_TERMS})")
    @non_reentrant
    def cancel_placed(self, sender: Address, order: Order | tuple[int, ...], terms: Terms | tuple[int, ...]) -> None:
        """Cancel an order that rests, unless it waits for its settlement (``OrderBook.sol::cancelPlaced``).

        Raises
        ------
        AccountUnauthorized, OrderUnknown, OrderPending
            As named.
        """
        order, terms = Order(*order), Terms(*terms)
        placed_at, progress = self._placed(order, terms)
        if self.world.timestamp <= order.expires_at or progress.leg != Leg.ENTRY:
            self._authorize(order.account, sender)
        self._require_idle(order, terms, placed_at, progress)
        self._release(order)
        self.emit("OrderCancelled", order.account, order.slot)

    # ---- anyone

    @payable(f"settle({_ORDER},uint256,bytes[]) -> ((int256,int256,uint256,int256))")
    @non_reentrant
    def settle(
        self,
        _sender: Address,
        value: int,
        order: Order | tuple[int, ...],
        keeper: int,
        update_data: tuple[str | bytes, ...],
    ) -> Fill:
        """Settle a delayed order at the first price after its delay (``OrderBook.sol::settle``).

        A failure of the order's own uses it up and gives a fill of zeros.

        Raises
        ------
        OrderUnknown, OrderExpired, PriceUnproven
            As named; the oracle's, Pyth's, those of `Clearinghouse.trade` that are the caller's.
        """
        order = Order(*order)
        earliest = self._take(order)
        latest = self._latest(order, earliest)
        if self.world.timestamp > latest:
            raise OrderExpired(latest)
        intent = _Intent(order.size_delta, order.acceptable_price, order.reduce_only, earliest, latest)
        fill, price, error = self._fill(order, intent, keeper, update_data, value)
        if error is not None:
            self.emit("OrderFailed", order.account, order.slot, price, "0x" + revert_data(error).hex())
        return fill

    @external(f"trigger({_ORDER},{_TERMS})")
    @non_reentrant
    def trigger(self, _sender: Address, order: Order | tuple[int, ...], terms: Terms | tuple[int, ...]) -> None:
        """Trigger an order that rests at the oracle's latest price (``OrderBook.sol::trigger``).

        Raises
        ------
        OrderUnknown, OrderPending, OrderExpired, PricePremature, TriggerUnmet
            As named, and the oracle's.
        """
        order, terms = Order(*order), Terms(*terms)
        placed_at, progress = self._placed(order, terms)
        self._require_idle(order, terms, placed_at, progress)
        now = self.world.timestamp
        if progress.leg == Leg.ENTRY and now + self._min_delay_seconds > order.expires_at:
            raise OrderExpired(order.expires_at)
        price, _ = self._price_after(order.market, placed_at, progress)
        is_triggered, leg = triggers.triggered(terms, progress, order.size_delta > 0, price)
        if not is_triggered:
            raise TriggerUnmet(price)
        key = order.account, order.slot
        self._put(self._progress, key, progress._replace(leg=leg, triggered_at=now))
        self.emit("OrderTriggered", order.account, order.slot, leg, price)

    @external(f"trail({_ORDER},{_TERMS})")
    @non_reentrant
    def trail(self, _sender: Address, order: Order | tuple[int, ...], terms: Terms | tuple[int, ...]) -> None:
        """Move the mark of a trailing stop to the oracle's latest price (``OrderBook.sol::trail``).

        Raises
        ------
        OrderUnknown, TermsInvalid, OrderPending, PricePremature, MarkUnmoved
            As named, and the oracle's.
        """
        order, terms = Order(*order), Terms(*terms)
        placed_at, progress = self._placed(order, terms)
        if terms.kind != OrderKind.TRAILING_STOP:
            raise TermsInvalid(terms.kind)
        self._require_idle(order, terms, placed_at, progress)
        price, published_at = self._price_after(order.market, placed_at, progress)
        if not triggers.is_better(progress, order.size_delta > 0, price):
            raise MarkUnmoved(price, progress.mark)
        self._put(self._progress, (order.account, order.slot), progress._replace(mark=price, marked_at=published_at))
        self.emit("OrderTrailed", order.account, order.slot, price, published_at)

    @payable(f"execute({_ORDER},{_TERMS},uint256,bytes[]) -> ((int256,int256,uint256,int256))")
    @non_reentrant
    def execute(
        self,
        _sender: Address,
        value: int,
        order: Order | tuple[int, ...],
        terms: Terms | tuple[int, ...],
        keeper: int,
        update_data: tuple[str | bytes, ...],
    ) -> Fill:
        """Settle what is due of an order that rests (``OrderBook.sol::execute``).

        Raises
        ------
        OrderUnknown, OrderUntriggered, PriceUnproven
            As named; the oracle's, Pyth's, those of `Clearinghouse.trade` that are the caller's.
        """
        order, terms = Order(*order), Terms(*terms)
        key = order.account, order.slot
        placed_at, progress = self._placed(order, terms)
        intent, progress = self._intent(order, terms, placed_at, progress)
        held = self._commitments[key]
        goes_on = self._advance(order, terms, progress)
        fill, price, error = self._fill(order, intent, keeper, update_data, value)
        if error is None:
            return fill
        if terms.kind != OrderKind.TWAP:
            goes_on = isinstance(error, PriceUnacceptable)
            if goes_on:
                self._put(self._commitments, key, held)
                leg = Leg.ENTRY if progress.leg == Leg.ENTRY else Leg.EXITS
                self._put(self._progress, key, progress._replace(leg=leg, triggered_at=0))
            else:
                self._release(order)
        name = "OrderRested" if goes_on else "OrderFailed"
        self.emit(name, order.account, order.slot, price, "0x" + revert_data(error).hex())
        return fill

    @payable("provePrice(uint8,uint64,bytes[])")
    @non_reentrant
    def prove_price(
        self, _sender: Address, value: int, market: int, earliest: int, update_data: tuple[str | bytes, ...]
    ) -> None:
        """Prove a first price for the settlements that follow (``OrderBook.sol::provePrice``).

        Raises
        ------
        ProtocolError
            Those of `PriceOracle.parse_first`.
        """
        self._put(self.world.transient, "proven", self._parse_first(market, earliest, _UINT64_MAX, update_data, value))

    @payable("updatePrices(uint8[],bytes[])")
    def update_prices(
        self, _sender: Address, value: int, markets: tuple[int, ...], update_data: tuple[str | bytes, ...]
    ) -> None:
        """Store newer prices (``OrderBook.sol::updatePrices``).

        Raises
        ------
        ProtocolError
            Those of `PriceOracle.update`.
        """
        self.oracle.update(self.address, value, markets, update_data)

    @payable("batch(bytes[],uint256[]) -> (bool[])")
    def batch(
        self, sender: Address, value: int, calls: tuple[str | bytes, ...], values: tuple[int, ...]
    ) -> tuple[bool, ...]:
        """Make calls of this contract's functions, each undone alone (``OrderBook.sol::batch``).

        Raises
        ------
        BatchMalformed, BatchUnpaid
            As named; what the caller answers to the value that is left.
        """
        if len(calls) != len(values):
            raise BatchMalformed(len(calls), len(values))
        succeeded = []
        left = value
        for index, (data, part) in enumerate(zip(calls, values, strict=True)):
            if part > left:
                raise BatchUnpaid(index, part, left)
            ok, returned = self.world.message(self.address, self.address, _BYTES.raw(data), part)
            succeeded.append(ok)
            if ok:
                left -= part
            else:
                self.emit("CallFailed", index, "0x" + returned.hex())
        if left > 0:
            ok, returned = self.world.message(self.address, sender, b"", left)
            if not ok:
                raise bubbled(returned) if returned else FailedCall
        return tuple(succeeded)

    # ---- views

    @view("commitmentOf(uint256,uint8) -> (uint40,bool,uint216)")
    def commitment_of(self, account: int, slot: int) -> tuple[int, bool, int]:
        """Return when and as what the order in a slot was committed or placed; a free slot has time 0."""
        held = self._commitments.get((account, slot))
        if held is not None:
            return held.committed_at, held.terms is not None, held.hash
        return 0, False, _FREE_HASH if (account, slot) in self._commitments else 0

    @view(f"progressOf(uint256,uint8) -> ({_PROGRESS})")
    def progress_of(self, account: int, slot: int) -> Progress:
        """Return how far the order that rests in a slot is."""
        return self._progress.get((account, slot), Progress())

    @view(f"hashOf({_ORDER}) -> (uint216)")
    def hash_of(self, order: Order | tuple[int, ...]) -> int:
        """Return the hash under which a delayed order is stored."""
        return order_hashes.stored(Order(*order), None)

    @view(f"hashOfPlaced({_ORDER},{_TERMS}) -> (uint216)")
    def hash_of_placed(self, order: Order | tuple[int, ...], terms: Terms | tuple[int, ...]) -> int:
        """Return the hash under which an order that rests is stored."""
        return order_hashes.stored(Order(*order), Terms(*terms))

    @view("MIN_DELAY_SECONDS() -> (uint64)")
    def min_delay_seconds(self) -> int:
        """Return the time from commit to the earliest settlement price."""
        return self._min_delay_seconds

    @view("WINDOW_SECONDS() -> (uint64)")
    def window_seconds(self) -> int:
        """Return the length of the window for price and settlement."""
        return self._window_seconds

    @view("MAX_KEEPER_FEE() -> (uint96)")
    def max_keeper_fee(self) -> int:
        """Return the largest keeper fee of an order [wad]."""
        return _MAX_KEEPER_FEE

    @view("CLEARINGHOUSE() -> (address)")
    def clearinghouse_address(self) -> Address:
        """Return the address of the clearinghouse."""
        return self.clearinghouse.address

    @view("ORACLE() -> (address)")
    def oracle_address(self) -> Address:
        """Return the address of the price oracle."""
        return self.oracle.address

    def stored(self) -> dict[tuple[int, int], Held | None]:
        """Return what each slot ever used holds; not to be changed."""
        return self._commitments

    def stored_progress(self) -> dict[tuple[int, int], Progress]:
        """Return the progress of each slot in which an order was ever placed; not to be changed."""
        return self._progress

    # ---- making and ending

    def _commit(self, order: Order, trader: Address) -> None:
        self._hold(order, None, trader)
        self.emit("OrderCommitted", order.account, tuple(order))

    def _place(self, order: Order, terms: Terms, trader: Address) -> None:
        settled_in = self._min_delay_seconds + self._window_seconds
        if terms.kind > OrderKind.BRACKET:
            # A number that is no kind: the compiler's decoder refuses it where it is read.
            raise EmptyRevert
        triggers.check(terms, order, settled_in)
        self._hold(order, terms, trader)
        now = self.world.timestamp
        if terms.kind == OrderKind.TWAP and now + settled_in + (terms.slices - 1) * terms.interval > order.expires_at:
            raise OrderExpired(order.expires_at)
        is_due = terms.kind == OrderKind.BRACKET and terms.trigger_price == 0
        self._put(self._progress, (order.account, order.slot), Progress(triggered_at=now if is_due else 0))
        self.emit("OrderPlaced", order.account, tuple(order), tuple(terms))

    def _hold(self, order: Order, terms: Terms | None, trader: Address) -> None:
        """Put an order into its slot (``OrderBook.sol::_put``)."""
        now = self.world.timestamp
        if order.size_delta == 0:
            raise SizeZero
        if order.keeper_fee > _MAX_KEEPER_FEE:
            raise KeeperFeeExceeded(order.keeper_fee, _MAX_KEEPER_FEE)
        if now + self._min_delay_seconds > order.expires_at:
            raise OrderExpired(order.expires_at)
        self._authorize(order.account, trader)
        key = (order.account, order.slot)
        held = self._commitments.get(key)
        if held is not None:
            settled_by = held.committed_at + self._min_delay_seconds + self._window_seconds
            if held.terms is not None or now <= settled_by:
                raise SlotOccupied(order.account, order.slot)
        self._put(self._commitments, key, Held(now, order, terms))

    def _take(self, order: Order) -> int:
        """Free the slot of a delayed order; return the earliest time of its price [seconds]."""
        key = (order.account, order.slot)
        held = self._commitments.get(key)
        if held is None or held.terms is not None or held.order != order:
            raise OrderUnknown(order.account, order.slot)
        self._put(self._commitments, key, None)
        return held.committed_at + self._min_delay_seconds

    def _release(self, order: Order) -> None:
        key = (order.account, order.slot)
        self._put(self._commitments, key, None)
        self._put(self._progress, key, Progress())

    # ---- resting orders

    def _placed(self, order: Order, terms: Terms) -> tuple[int, Progress]:
        key = (order.account, order.slot)
        held = self._commitments.get(key)
        if held is None or held.terms is None:
            raise OrderUnknown(order.account, order.slot)
        if held.order != order or held.terms != terms:
            raise OrderUnknown(order.account, order.slot)
        return held.committed_at, self._progress[key]

    def _pending(self, order: Order, terms: Terms, placed_at: int, progress: Progress) -> tuple[int, int]:
        """Return the bounds of the settlement price of an order that waits for its settlement, else zeros."""
        now = self.world.timestamp
        if terms.kind == OrderKind.TWAP:
            number = (now - placed_at) // terms.interval
            if not progress.slices <= number < terms.slices:
                return 0, 0
            earliest = placed_at + self._min_delay_seconds + number * terms.interval
        elif progress.triggered_at == 0:
            return 0, 0
        else:
            earliest = progress.triggered_at + self._min_delay_seconds
        latest = earliest + self._window_seconds
        if progress.leg == Leg.ENTRY:
            latest = min(latest, order.expires_at)
        return (0, 0) if now > latest else (earliest, latest)

    def _require_idle(self, order: Order, terms: Terms, placed_at: int, progress: Progress) -> None:
        _, latest = self._pending(order, terms, placed_at, progress)
        if latest != 0:
            raise OrderPending(latest)

    def _price_after(self, market: int, placed_at: int, progress: Progress) -> tuple[int, int]:
        """Return the latest price [wad] and its time, published after the order began to wait."""
        since = max(placed_at, progress.active_at, progress.marked_at)
        price = self.oracle.price_of(market)
        published_at = self.oracle.price_state(market).published_at
        if published_at <= since:
            raise PricePremature(published_at, since)
        return price, published_at

    def _intent(self, order: Order, terms: Terms, placed_at: int, progress: Progress) -> tuple[_Intent, Progress]:
        """Return what is due of an order that rests, and its progress."""
        earliest, latest = self._pending(order, terms, placed_at, progress)
        if latest == 0:
            raise OrderUntriggered(order.account, order.slot)
        size_delta, acceptable, reduce_only = order.size_delta, order.acceptable_price, order.reduce_only
        if terms.kind == OrderKind.TWAP:
            number = (self.world.timestamp - placed_at) // terms.interval
            progress = progress._replace(slices=number)
            size_delta = triggers.slice_of(size_delta, terms.slices, number)
        elif progress.leg != Leg.ENTRY:
            worst = 0 if size_delta > 0 else _UINT128_MAX
            size_delta, reduce_only = -size_delta, True
            acceptable = worst if progress.leg == Leg.STOP else terms.target_price
        return _Intent(size_delta, acceptable, reduce_only, earliest, latest), progress

    def _advance(self, order: Order, terms: Terms, progress: Progress) -> bool:
        """Move an order on as if it filled; return whether it goes on after that."""
        key = (order.account, order.slot)
        if terms.kind == OrderKind.TWAP and progress.slices + 1 < terms.slices:
            self._put(self._progress, key, progress._replace(slices=progress.slices + 1))
            return True
        if terms.kind == OrderKind.BRACKET and progress.leg == Leg.ENTRY:
            exits = progress._replace(leg=Leg.EXITS, triggered_at=0, active_at=self.world.timestamp)
            self._put(self._progress, key, exits)
            return True
        self._release(order)
        return False

    # ---- fills

    def _fill(
        self, order: Order, intent: _Intent, keeper: int, update_data: tuple[str | bytes, ...], value: int
    ) -> tuple[Fill, int, ProtocolError | None]:
        """Return the fill, its price, and the failure that was the order's own."""
        first = self._first_price(order.market, intent, update_data, value)
        price = pricing.worst_of(first.price, first.confidence, is_buy=intent.size_delta > 0)
        trade = Trade(
            order.account,
            order.market,
            intent.size_delta,
            price,
            intent.acceptable_price,
            keeper,
            order.keeper_fee,
            intent.reduce_only,
            first.is_confirmed,
        )
        mark = self.world.mark()
        try:
            fill = self.clearinghouse.trade(self.address, trade)
        except _FINAL as error:
            self.world.undo(mark)
            return _NO_FILL, price, error
        self.emit("OrderSettled", order.account, order.slot, keeper, price, fill.size_delta)
        return fill, price, None

    def _first_price(
        self, market: int, intent: _Intent, update_data: tuple[str | bytes, ...], value: int
    ) -> _ProvenPrice:
        """Return the settlement price: of the update, or where there is none the one that was proven."""
        if update_data or value:
            return self._parse_first(market, intent.earliest, intent.latest, update_data, value)
        proven: _ProvenPrice | None = self.world.transient.get("proven")
        if proven is None or not proven.covers(market, intent.earliest):
            raise PriceUnproven(market, intent.earliest)
        return proven

    def _parse_first(
        self, market: int, earliest: int, latest: int, update_data: tuple[str | bytes, ...], value: int
    ) -> _ProvenPrice:
        price, confidence, is_confirmed, published_at = self.oracle.parse_first(
            self.address, value, market, update_data, earliest, latest
        )
        return _ProvenPrice(market, earliest, published_at, price, confidence, is_confirmed)

    def _authorize(self, account: int, trader: Address) -> None:
        if trader == owner_of(account) or self.clearinghouse.is_authorized(account, trader, PERMISSION_TRADE):
            return
        raise AccountUnauthorized(account, trader, PERMISSION_TRADE)

    def _latest(self, order: Order, earliest: int) -> int:
        return min(order.expires_at, earliest + self._window_seconds)
