"""The SDK's mock of the Pyth contract, quirks included (``LocalPyth.sol``, the SDK's ``MockPyth.sol``)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.protocol import abi
from sim.protocol.errors import (
    EmptyRevert,
    InsufficientFee,
    Panic,
    PriceFeedNotFound,
    PriceFeedNotFoundWithinRange,
    StalePrice,
)
from sim.protocol.evm import ARITHMETIC_PANIC, UINT256_MAX, Address, Contract, payable, view

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["LocalPyth", "Price", "PriceFeed", "encode_update"]

_PRICE: Final = "(int64,uint64,int32,uint256)"
_FEED: Final = f"(bytes32,{_PRICE},{_PRICE})"
_FEED_TYPE: Final = abi.parse_tuple(f"({_FEED})")
_BYTES: Final = abi.BytesType("bytes")
_ZERO_ID: Final = "0x" + "00" * 32
_UINT64: Final = 2**64
_PRICE_BOUNDS: Final = ((-(2**63), 2**63 - 1), (0, 2**64 - 1), (-(2**31), 2**31 - 1), (0, UINT256_MAX))
_BOUNDS: Final = (*_PRICE_BOUNDS, *_PRICE_BOUNDS, (0, 2**64 - 1))
"""Of the words of an update, the feed's id apart."""
_UPDATE_SIZE: Final = 32 * (1 + len(_BOUNDS))


class Price(NamedTuple):
    """A price ``price * 10**expo`` with confidence, published at `publish_time` [seconds]."""

    price: int
    conf: int
    expo: int
    publish_time: int


class PriceFeed(NamedTuple):
    """A feed's latest price and its moving average."""

    id: str
    price: Price
    ema_price: Price


_EMPTY: Final = PriceFeed(_ZERO_ID, Price(0, 0, 0, 0), Price(0, 0, 0, 0))


def encode_update(feed: PriceFeed, previous_publish_time: int) -> str:
    """Return an update as the mock reads it: ``abi.encode(feed, previous_publish_time)``.

    Raises
    ------
    EncodingError
        A field does not fit its type.
    """
    (number, price, ema_price) = feed
    words = (*price, *ema_price, previous_publish_time)
    for word, (low, high) in zip(words, _BOUNDS, strict=True):
        if not low <= word <= high:
            raise abi.EncodingError(f"{feed!r} is no {_FEED}")
    if len(number) != len(_ZERO_ID):
        raise abi.EncodingError(f"{number!r} is no bytes32")
    return number + "".join([f"{word & UINT256_MAX:064x}" for word in words])


def _read_update(raw: bytes) -> tuple[PriceFeed, int]:
    """Return what ``abi.decode(update, (PythStructs.PriceFeed, uint64))`` gives."""
    if len(raw) < _UPDATE_SIZE:
        raise EmptyRevert
    words = [int.from_bytes(raw[at : at + 32], "big", signed=True) for at in range(32, _UPDATE_SIZE, 32)]
    for at, (low, high) in enumerate(_BOUNDS):
        if not low <= words[at] <= high:
            if high != UINT256_MAX:
                raise EmptyRevert
            words[at] &= UINT256_MAX
    first, second, previous = words[:4], words[4:8], words[8]
    return PriceFeed("0x" + raw[:32].hex(), Price(*first), Price(*second)), previous


def _decode(kind: abi.TupleType, update: str | bytes) -> tuple[Any, ...]:
    try:
        return kind.decode(_BYTES.raw(update))
    except abi.DecodingError:
        raise EmptyRevert from None


@functools.lru_cache(maxsize=1 << 10)
def _decode_update(update: str | bytes) -> tuple[PriceFeed, int]:
    return _read_update(_BYTES.raw(update))


def _feed(decoded: tuple[Any, ...]) -> PriceFeed:
    return PriceFeed(decoded[0], Price(*decoded[1]), Price(*decoded[2]))


class LocalPyth(Contract):
    """Pyth prices that anyone makes.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    valid_time_period_seconds : int
        Age after which `get_price` reverts.
    single_update_fee : int
        Fee per update [wei].
    """

    def __init__(
        self, world: World, name: str, address: Address, *, valid_time_period_seconds: int, single_update_fee: int
    ) -> None:
        super().__init__(world, name, address)
        self._valid_time_period = valid_time_period_seconds
        self._single_update_fee = single_update_fee
        self._feeds: dict[str, PriceFeed] = {}

    @payable("updatePriceFeeds(bytes[])")
    def update_price_feeds(self, _sender: Address, value: int, update_data: tuple[str | bytes, ...]) -> None:
        """Store the updates that are newer (``MockPyth.sol::updatePriceFeeds``).

        Raises
        ------
        InsufficientFee, EmptyRevert
            Too little value; malformed update.
        """
        if value < self.get_update_fee(update_data):
            raise InsufficientFee
        for update in update_data:
            self._store(_feed(_decode(_FEED_TYPE, update)[0]))

    @payable(f"parsePriceFeedUpdatesWithConfig(bytes[],bytes32[],uint64,uint64,bool,bool,bool) -> ({_FEED}[],uint64[])")
    def parse_price_feed_updates_with_config(
        self,
        _sender: Address,
        value: int,
        update_data: tuple[str | bytes, ...],
        price_ids: tuple[str, ...],
        min_allowed_publish_time: int,
        max_allowed_publish_time: int,
        check_uniqueness: bool,
        _check_update_data_is_minimal: bool,
        _store_updates_if_fresh: bool,
    ) -> tuple[tuple[PriceFeed, ...], tuple[int, ...]]:
        """Return the update of each feed (``MockPyth.sol::parsePriceFeedUpdatesWithConfig``).

        The mock stores every update that it passes on the way, whether it is in range and whatever was asked; the
        last update read is the one returned, so one that does not match hides an earlier one only if that one was
        out of range.

        Raises
        ------
        InsufficientFee, EmptyRevert, PriceFeedNotFoundWithinRange
            Too little value; malformed update; none in range.
        """
        if value < self.get_update_fee(update_data):
            raise InsufficientFee
        feeds, slots = [], []
        for price_id in price_ids:
            feed, slot = _EMPTY, 0
            for update in update_data:
                feed, previous_publish_time = _decode_update(update)
                publish_time = feed.price.publish_time
                slot = publish_time % _UINT64
                self._store(feed)
                if feed.id == price_id:
                    if min_allowed_publish_time <= publish_time <= max_allowed_publish_time and (
                        not check_uniqueness or previous_publish_time < min_allowed_publish_time
                    ):
                        break
                    feed = feed._replace(id=_ZERO_ID)
            if feed.id != price_id:
                raise PriceFeedNotFoundWithinRange
            feeds.append(feed)
            slots.append(slot)
        return tuple(feeds), tuple(slots)

    @view("getUpdateFee(bytes[]) -> (uint256)")
    def get_update_fee(self, update_data: tuple[str | bytes, ...]) -> int:
        """Return the fee of updates [wei] (``MockPyth.sol::getUpdateFee``)."""
        fee = self._single_update_fee * len(update_data)
        if fee > UINT256_MAX:
            raise Panic(ARITHMETIC_PANIC)
        return fee

    @view("getValidTimePeriod() -> (uint256)")
    def get_valid_time_period(self) -> int:
        """Return the age after which `get_price` reverts [seconds]."""
        return self._valid_time_period

    @view("priceFeedExists(bytes32) -> (bool)")
    def price_feed_exists(self, feed_id: str) -> bool:
        """Return whether a price of the feed was stored."""
        return self._feeds.get(feed_id, _EMPTY).id != _ZERO_ID

    @view(f"queryPriceFeed(bytes32) -> ({_FEED})")
    def query_price_feed(self, feed_id: str) -> PriceFeed:
        """Return what is stored of a feed (``MockPyth.sol::queryPriceFeed``).

        Raises
        ------
        PriceFeedNotFound
            Nothing is.
        """
        if not self.price_feed_exists(feed_id):
            raise PriceFeedNotFound
        return self._feeds[feed_id]

    @view(f"getPriceUnsafe(bytes32) -> ({_PRICE})")
    def get_price_unsafe(self, feed_id: str) -> Price:
        """Return the stored price of a feed, however old (``AbstractPyth.sol::getPriceUnsafe``)."""
        return self.query_price_feed(feed_id).price

    @view(f"getPriceNoOlderThan(bytes32,uint256) -> ({_PRICE})")
    def get_price_no_older_than(self, feed_id: str, age: int) -> Price:
        """Return the stored price of a feed (``AbstractPyth.sol::getPriceNoOlderThan``).

        Raises
        ------
        PriceFeedNotFound, StalePrice
            Nothing is stored; it differs from now by more than `age` [seconds], either way.
        """
        price = self.get_price_unsafe(feed_id)
        if abs(self.world.timestamp - price.publish_time) > age:
            raise StalePrice
        return price

    @view(f"getPrice(bytes32) -> ({_PRICE})")
    def get_price(self, feed_id: str) -> Price:
        """Return the stored price of a feed, no older than the valid time period (``AbstractPyth.sol::getPrice``)."""
        return self.get_price_no_older_than(feed_id, self._valid_time_period)

    @view("createPriceFeedUpdateData(bytes32,int64,uint64,int32,int64,uint64,uint64,uint64) -> (bytes)")
    def create_price_feed_update_data(
        self,
        feed_id: str,
        price: int,
        conf: int,
        expo: int,
        ema_price: int,
        ema_conf: int,
        publish_time: int,
        previous_publish_time: int,
    ) -> str:
        """Return an update (``MockPyth.sol::createPriceFeedUpdateData``)."""
        feed = PriceFeed(
            feed_id, Price(price, conf, expo, publish_time), Price(ema_price, ema_conf, expo, publish_time)
        )
        return encode_update(feed, previous_publish_time)

    def _store(self, feed: PriceFeed) -> None:
        price = feed.price
        if self._feeds.get(feed.id, _EMPTY).price.publish_time < price.publish_time:
            self._put(self._feeds, feed.id, feed)
            self.emit("PriceFeedUpdate", feed.id, price.publish_time % _UINT64, price.price, price.conf)
