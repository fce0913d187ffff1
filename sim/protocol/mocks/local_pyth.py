"""The SDK's mock of the Pyth contract, quirks included (``LocalPyth.sol``, the SDK's ``MockPyth.sol``)."""

from __future__ import annotations

from struct import Struct
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
_PRICE_WORDS: Final = Struct(">qqqq QQQQ qqqii QQQQ")
"""Price, confidence, exponent and time, each after what fills its word."""
_PREVIOUS_WORD: Final = Struct(">QQQQ")
_PRICE_AT: Final = 32
_EMA_PRICE_AT: Final = _PRICE_AT + _PRICE_WORDS.size
_PREVIOUS_AT: Final = _EMA_PRICE_AT + _PRICE_WORDS.size
_UPDATE_SIZE: Final = _PREVIOUS_AT + _PREVIOUS_WORD.size


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
    number, price, ema_price = feed
    if len(number) != len(_ZERO_ID):
        raise abi.EncodingError(f"{number!r} is no bytes32")
    if not 0 <= previous_publish_time < _UINT64:
        raise abi.EncodingError(f"{previous_publish_time!r} is no uint64")
    words = _price_words(price)
    ema_words = words if ema_price is price else _price_words(ema_price)
    return f"{number}{words}{ema_words}{previous_publish_time:064x}"


def _price_words(value: Price) -> str:
    price, conf, expo, publish_time = value
    if not (
        -(2**63) <= price < 2**63
        and 0 <= conf < _UINT64
        and -(2**31) <= expo < 2**31
        and 0 <= publish_time <= UINT256_MAX
    ):
        raise abi.EncodingError(f"{value!r} is no {_PRICE}")
    return f"{price & UINT256_MAX:064x}{conf:064x}{expo & UINT256_MAX:064x}{publish_time:064x}"


def _read_update(raw: bytes) -> tuple[PriceFeed, int]:
    """Return what ``abi.decode(update, (PythStructs.PriceFeed, uint64))`` gives."""
    if len(raw) < _UPDATE_SIZE:
        raise EmptyRevert
    price = _read_price(raw, _PRICE_AT)
    # Most updates repeat the price as its average.
    is_same = raw[_PRICE_AT:_EMA_PRICE_AT] == raw[_EMA_PRICE_AT:_PREVIOUS_AT]
    ema_price = price if is_same else _read_price(raw, _EMA_PRICE_AT)
    high, upper, lower, previous = _PREVIOUS_WORD.unpack_from(raw, _PREVIOUS_AT)
    if high or upper or lower:
        raise EmptyRevert
    return PriceFeed("0x" + raw[:32].hex(), price, ema_price), previous


def _read_price(raw: bytes, at: int) -> Price:
    a, b, c, price, d, e, f, conf, g, h, i, j, expo, k, m, n, time = _PRICE_WORDS.unpack_from(raw, at)
    if not (a == b == c == price >> 63 and d == e == f == 0 and g == h == i == j == expo >> 31):
        raise EmptyRevert
    return Price(price, conf, expo, k << 192 | m << 128 | n << 64 | time)


def _decode(kind: abi.TupleType, update: str | bytes) -> tuple[Any, ...]:
    try:
        return kind.decode(_BYTES.raw(update))
    except abi.DecodingError:
        raise EmptyRevert from None


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
        passed: list[tuple[PriceFeed, int]] = []
        for price_id in price_ids:
            feed, slot = _EMPTY, 0
            for number, update in enumerate(update_data):
                if number == len(passed):
                    passed.append(_read_update(_BYTES.raw(update)))
                    # Passed again, it is no newer than what is stored.
                    self._store(passed[number][0])
                feed, previous_publish_time = passed[number]
                publish_time = feed.price.publish_time
                slot = publish_time % _UINT64
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
