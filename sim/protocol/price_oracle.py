"""Pyth prices with realised variance (``PriceOracle.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.authority import AccessManaged
from sim.protocol.errors import (
    FeedUnknown,
    PriceInvalid,
    PriceMissing,
    PriceStale,
    PriceUncertain,
    UpdateMalformed,
)
from sim.protocol.evm import Address, external, payable, view
from sim.protocol.libraries import bounds, volatility
from sim.protocol.types.mark import to_mark
from sim.protocol.types.market_id import markets_of
from sim.protocol.types.price_state import PriceState

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
_ZERO_ID: Final = "0x" + "00" * 32


_EMPTY: Final = PriceState()


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
            self._record(market, feed.price)

    @payable("parseFirst(uint8,bytes[],uint64,uint64) -> (uint256)")
    def parse_first(
        self,
        _sender: Address,
        value: int,
        market: int,
        update_data: tuple[str | bytes, ...],
        min_publish_time: int,
        max_publish_time: int,
    ) -> int:
        """Return the first price of a window [wad], and store it if newer (``PriceOracle.sol::parseFirst``).

        Raises
        ------
        UpdateMalformed, FeedUnknown, PriceInvalid, PriceUncertain
            As named, and Pyth's own.
        """
        latest = min(max_publish_time, self.world.timestamp)
        feeds = self._parse(value, (market,), update_data, min_publish_time, latest, is_first=True)
        price, confidence = _to_wad(market, feeds[0].price)
        state = self._record(market, feeds[0].price)
        _require_certain(market, confidence, state.max_confidence)
        return price

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
        state = self.price_state(market) if self.feed_of(market) == feed_id else _EMPTY
        self._put(self._feeds, market, feed_id)
        self._put(self._states, market, state._replace(max_age=max_age, max_confidence=max_confidence))
        self.emit("FeedSet", market, feed_id, max_age, max_confidence)

    @view("priceOf(uint8) -> (uint256)")
    def price_of(self, market: int) -> int:
        """Return the price of a market [wad] (``PriceOracle.sol::priceOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            As named.
        """
        state = self._fresh(market)
        _require_certain(market, state.confidence, state.max_confidence)
        return state.price

    @view("markOf(uint8) -> (uint256)")
    def mark_of(self, market: int) -> int:
        """Return price and variance of a market, see `sim.protocol.types.mark` (``PriceOracle.sol::markOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            As named.
        """
        state = self._fresh(market)
        _require_certain(market, state.confidence, state.max_confidence)
        return to_mark(state.price, state.variance)

    @view("marksOf(uint256) -> (uint256[])")
    def marks_of(self, markets: int) -> tuple[int, ...]:
        """Return price and variance of a bitmap's markets, lowest first (``PriceOracle.sol::marksOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            As named.
        """
        return tuple([self.mark_of(market) for market in markets_of(markets)])

    @view("freshMarksOf(uint256) -> (uint256[])")
    def fresh_marks_of(self, markets: int) -> tuple[int, ...]:
        """Return the same, however wide the confidence interval (``PriceOracle.sol::freshMarksOf``).

        Raises
        ------
        PriceMissing, PriceStale
            As named.
        """
        states = [self._fresh(market) for market in markets_of(markets)]
        return tuple([to_mark(state.price, state.variance) for state in states])

    def _fresh(self, market: int) -> PriceState:
        state = self._states.get(market, _EMPTY)
        if state.published_at == 0:
            raise PriceMissing(market)
        if self.world.timestamp > state.published_at + state.max_age:
            raise PriceStale(market, state.published_at, state.max_age)
        return state

    @view("priceState(uint8) -> ((uint256,uint256,uint256,uint256,uint256,uint256))")
    def price_state(self, market: int) -> PriceState:
        """Return all that is held of a market, unchecked."""
        return self._states.get(market, _EMPTY)

    @view("feedOf(uint8) -> (bytes32)")
    def feed_of(self, market: int) -> str:
        """Return the Pyth feed of a market, zero if none."""
        return self._feeds.get(market, _ZERO_ID)

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

    def _record(self, market: int, update: Price) -> PriceState:
        """Store a price that is newer than what is held, and move the variance; an older one changes nothing."""
        state = self._states.get(market, _EMPTY)
        if update.publish_time <= state.published_at:
            return state
        price, confidence = _to_wad(market, update)
        variance = state.variance
        if state.published_at != 0:
            elapsed = update.publish_time - state.published_at
            variance = volatility.updated_variance(variance, state.price, price, elapsed, VARIANCE_TAU_SECONDS)
        state = PriceState(
            price, update.publish_time % _UINT40, confidence, variance, state.max_age, state.max_confidence
        )
        self._put(self._states, market, state)
        self.emit("PriceUpdated", market, price, confidence, update.publish_time, variance)
        return state


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
