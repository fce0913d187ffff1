"""Pyth prices with realised variance, confirmed by Chainlink where a market has a guard (``PriceOracle.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.authority import AccessManaged
from sim.protocol.errors import (
    EmptyRevert,
    FeedUnknown,
    PriceInvalid,
    PriceMissing,
    PriceStale,
    PriceUncertain,
    PriceUnconfirmed,
    UpdateMalformed,
)
from sim.protocol.evm import ZERO_ADDRESS, Address, external, payable, view
from sim.protocol.libraries import bounds, rounds, volatility
from sim.protocol.types.guard import Guard, Sequencer
from sim.protocol.types.mark import to_mark
from sim.protocol.types.market_id import markets_of
from sim.protocol.types.price_state import PriceQuality, PriceState

if TYPE_CHECKING:
    from sim.protocol.mocks.local_pyth import LocalPyth, Price, PriceFeed
    from sim.protocol.world import World

__all__ = ["VARIANCE_TAU_SECONDS", "PriceOracle"]

VARIANCE_TAU_SECONDS: Final = 86_400
"""Time constant of the variance."""

_MAX_PRICE: Final = 2**96 - 1
_MAX_CONFIDENCE: Final = 2**24 - 1
_UINT40: Final = 2**40
_UINT64: Final = 2**64
_MAX_GUARD_AGE_SECONDS: Final = 7 * 86_400
_MAX_DEVIATION: Final = 5_000
_MAX_GRACE_SECONDS: Final = 86_400
_MAX_DECIMALS: Final = 18
_ZERO_ID: Final = "0x" + "00" * 32

_EMPTY: Final = PriceState()
_NO_GUARD: Final = Guard()


class PriceOracle(AccessManaged):
    """Prices of all markets.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    pyth : LocalPyth
        Where updates are verified.
    """

    def __init__(self, world: World, name: str, address: Address, *, pyth: LocalPyth) -> None:
        super().__init__(world, name, address)
        self.pyth = pyth
        self._states: dict[int, PriceState] = {}
        self._feeds: dict[int, str] = {}
        self._guards: dict[int, Guard] = {}
        self._sequencer = Sequencer()

    @payable("update(uint8[],bytes[])")
    def update(
        self, _sender: Address, value: int, markets: tuple[int, ...], update_data: tuple[str | bytes, ...]
    ) -> None:
        """Store Pyth updates that are newer than what is held (``PriceOracle.sol::update``).

        Raises
        ------
        UpdateMalformed, FeedUnknown, PriceInvalid
            As named, and Pyth's own.
        """
        feeds = self._parse(value, markets, update_data, 0, self.world.timestamp % _UINT64, is_first=False)
        for market, feed in zip(markets, feeds, strict=True):
            state = self._states.get(market, _EMPTY)
            if feed.price.publish_time > state.published_at:
                price, confidence = _to_wad(market, feed.price)
                confirmed = self._is_confirmed(market, state, price)
                self._store(market, state, price, confidence, feed.price.publish_time, confirmed)

    @payable("parseFirst(uint8,bytes[],uint64,uint64) -> (uint256,uint256,bool,uint256)")
    def parse_first(
        self,
        _sender: Address,
        value: int,
        market: int,
        update_data: tuple[str | bytes, ...],
        min_publish_time: int,
        max_publish_time: int,
    ) -> tuple[int, int, bool, int]:
        """Return the first price of a window, and store it if newer (``PriceOracle.sol::parseFirst``).

        Returns
        -------
        tuple of int, int, bool and int
            Price [wad], half-width of its confidence interval [1e-6 of price], whether it is confirmed, when it was
            published [seconds].

        Raises
        ------
        UpdateMalformed, FeedUnknown, PriceInvalid, PriceUncertain
            As named, and Pyth's own.
        """
        latest = min(max_publish_time, self.world.timestamp)
        feeds = self._parse(value, (market,), update_data, min_publish_time, latest, is_first=True)
        update = feeds[0].price
        state = self._states.get(market, _EMPTY)
        price, confidence = _to_wad(market, update)
        confirmed = self._is_confirmed(market, state, price)
        if update.publish_time > state.published_at:
            self._store(market, state, price, confidence, update.publish_time, confirmed)
        _require_certain(market, confidence, state.max_confidence)
        return price, confidence, confirmed, update.publish_time

    @external("setFeed(uint8,bytes32,uint16,uint16)")
    def set_feed(self, sender: Address, market: int, feed_id: str, max_age: int, max_confidence: int) -> None:
        """Set the feed and the limits of a market (``PriceOracle.sol::setFeed``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "setFeed", (market, feed_id, max_age, max_confidence))
        bounds.check("maxAge", max_age, 1, 2**16 - 1)
        bounds.check("maxConfidence", max_confidence, 1, 10_000)
        state = self.price_state(market)
        if self.feed_of(market) != feed_id:
            state = PriceState(is_guarded=state.is_guarded)
        self._put(self._feeds, market, feed_id)
        self._put(self._states, market, state._replace(max_age=max_age, max_confidence=max_confidence))
        self.emit("FeedSet", market, feed_id, max_age, max_confidence)

    @external("setGuard(uint8,address,uint32,uint16)")
    def set_guard(self, sender: Address, market: int, aggregator: Address, max_age: int, max_deviation: int) -> None:
        """Set the guard of a market, or remove it (``PriceOracle.sol::setGuard``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, EmptyRevert
            As named; the aggregator does not tell its decimals.
        """
        self._check_can_call(sender, "setGuard", (market, aggregator, max_age, max_deviation))
        guarded = aggregator != ZERO_ADDRESS
        guard = _NO_GUARD
        if guarded:
            bounds.check("maxAge", max_age, 1, _MAX_GUARD_AGE_SECONDS)
            bounds.check("maxDeviation", max_deviation, 1, _MAX_DEVIATION)
            decimals = rounds.decimals_of(self.world, aggregator)
            bounds.check("decimals", decimals, 0, _MAX_DECIMALS)
            guard = Guard(aggregator, max_age, max_deviation, decimals)
        self._put(self._guards, market, guard)
        state = self.price_state(market)
        self._put(self._states, market, state._replace(is_guarded=guarded, is_confirmed=not guarded))
        self.emit("GuardSet", market, tuple(guard))

    @external("setSequencer(address,uint32)")
    def set_sequencer(self, sender: Address, feed: Address, grace_period: int) -> None:
        """Set the L2 sequencer's uptime feed (``PriceOracle.sol::setSequencer``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "setSequencer", (feed, grace_period))
        bounds.check("gracePeriod", grace_period, 0, _MAX_GRACE_SECONDS)
        self._set("_sequencer", Sequencer(feed, grace_period))
        self.emit("SequencerSet", feed, grace_period)

    @view("priceOf(uint8) -> (uint256)")
    def price_of(self, market: int) -> int:
        """Return the price of a market [wad] (``PriceOracle.sol::priceOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            As named.
        """
        return self._state_of(market, PriceQuality.CERTAIN).price

    @view("markOf(uint8) -> (uint256)")
    def mark_of(self, market: int) -> int:
        """Return price, variance and whether they are confirmed, see `sim.protocol.types.mark`.

        Source: ``PriceOracle.sol::markOf``.

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            As named.
        """
        return _mark(self._state_of(market, PriceQuality.CERTAIN))

    @view("marksOf(uint256,uint8) -> (uint256[])")
    def marks_of(self, markets: int, quality: int) -> tuple[int, ...]:
        """Return the marks of a bitmap's markets, lowest first, of at least `quality` (``PriceOracle.sol::marksOf``).

        Raises
        ------
        EmptyRevert, PriceMissing, PriceStale, PriceUncertain, PriceUnconfirmed
            There is no such quality; as named.
        """
        if quality > PriceQuality.CONFIRMED:
            raise EmptyRevert
        return tuple([_mark(self._state_of(market, quality)) for market in markets_of(markets)])

    def _state_of(self, market: int, quality: int) -> PriceState:
        state = self._states.get(market, _EMPTY)
        if state.published_at == 0:
            raise PriceMissing(market)
        if self.world.timestamp > state.published_at + state.max_age:
            raise PriceStale(market, state.published_at, state.max_age)
        if quality >= PriceQuality.CERTAIN:
            _require_certain(market, state.confidence, state.max_confidence)
        if quality == PriceQuality.CONFIRMED and not state.is_confirmed:
            raise PriceUnconfirmed(market)
        return state

    @view("priceState(uint8) -> ((uint256,uint256,uint256,uint256,uint256,uint256,bool,bool))")
    def price_state(self, market: int) -> PriceState:
        """Return all that is held of a market, unchecked."""
        return self._states.get(market, _EMPTY)

    @view("feedOf(uint8) -> (bytes32)")
    def feed_of(self, market: int) -> str:
        """Return the Pyth feed of a market, zero if none."""
        return self._feeds.get(market, _ZERO_ID)

    @view("guardOf(uint8) -> ((address,uint32,uint16,uint8))")
    def guard_of(self, market: int) -> Guard:
        """Return the guard of a market, all zero if none."""
        return self._guards.get(market, _NO_GUARD)

    @view("sequencer() -> ((address,uint32))")
    def sequencer(self) -> Sequencer:
        """Return the feed of the L2 sequencer, all zero if none."""
        return self._sequencer

    @view("PYTH() -> (address)")
    def pyth_address(self) -> Address:
        """Return the address of the Pyth contract."""
        return self.pyth.address

    @view("VARIANCE_TAU_SECONDS() -> (uint256)")
    def variance_tau_seconds(self) -> int:
        """Return the time constant of the variance [seconds]."""
        return VARIANCE_TAU_SECONDS

    def stored_states(self) -> dict[int, PriceState]:
        """Return what is held of all markets ever priced; not to be changed."""
        return self._states

    def _parse(
        self,
        value: int,
        markets: tuple[int, ...],
        update_data: tuple[str | bytes, ...],
        min_publish_time: int,
        max_publish_time: int,
        *,
        is_first: bool,
    ) -> tuple[PriceFeed, ...]:
        if not markets or not update_data:
            raise UpdateMalformed(len(markets), len(update_data))
        feed_ids = []
        for market in markets:
            feed_id = self.feed_of(market)
            if feed_id == _ZERO_ID:
                raise FeedUnknown(market)
            feed_ids.append(feed_id)
        feeds, _ = self.pyth.parse_price_feed_updates_with_config(
            self.address,
            value,
            update_data,
            tuple(feed_ids),
            min_publish_time,
            max_publish_time,
            is_first,
            False,
            False,
        )
        return feeds

    def _is_confirmed(self, market: int, state: PriceState, price: int) -> bool:
        """Ask the guard now."""
        if not state.is_guarded:
            return True
        sequencer = self._sequencer
        if sequencer.feed != ZERO_ADDRESS and not rounds.is_up(self.world, sequencer):
            return False
        return rounds.confirms(self.world, self._guards[market], price)

    def _store(
        self, market: int, state: PriceState, price: int, confidence: int, published_at: int, confirmed: bool
    ) -> None:
        """Store a price that is newer than what is held, and move the variance."""
        _, before, _, variance, max_age, max_confidence, guarded, _ = state
        if before != 0:
            elapsed = published_at - before
            variance = volatility.updated_variance(variance, state.price, price, elapsed, VARIANCE_TAU_SECONDS)
        held = PriceState(
            price, published_at % _UINT40, confidence, variance, max_age, max_confidence, guarded, confirmed
        )
        self._put(self._states, market, held)
        self.emit("PriceUpdated", market, price, confidence, published_at, variance)
        if not confirmed:
            self.emit("PriceDoubted", market, published_at)


def _mark(state: PriceState) -> int:
    return to_mark(state.price, state.variance, confirmed=state.is_confirmed)


def _require_certain(market: int, confidence: int, max_confidence: int) -> None:
    if confidence > max_confidence * 100:
        raise PriceUncertain(market, confidence, max_confidence * 100)


def _to_wad(market: int, update: Price) -> tuple[int, int]:
    """Return price [wad], exact, and confidence [1e-6 of price], up, saturating."""
    raw, conf, expo, _ = update
    if raw <= 0 or not -18 <= expo <= 0:
        raise PriceInvalid(market, raw, expo)
    wad = raw * 10 ** (18 + expo)
    if wad > _MAX_PRICE:
        raise PriceInvalid(market, raw, expo)
    return wad, min((conf * 1_000_000 + raw - 1) // raw, _MAX_CONFIDENCE)
