from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Event, Settings
from sim.protocol.libraries.volatility import updated_variance
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, MAX_AGE_SECONDS, MAX_CONFIDENCE, WAD, Exchange, feed


def update_of(exchange: Exchange, price: Price, market: int = 0) -> str:
    return encode_update(PriceFeed(feed(market), price, price), exchange.world.timestamp - 1)


@given(st.integers(-18, 0), st.data())
def test_update__any_exponent__is_exact(exponent: int, data: st.DataObject) -> None:
    largest = min((2**96 - 1) // 10 ** (18 + exponent), 2**63 - 1)
    raw = data.draw(st.integers(1, largest))
    confidence = data.draw(st.integers(0, raw // 100))
    exchange = Exchange()
    exchange.world.advance(1)
    now = exchange.world.timestamp
    outcome = exchange.must(
        ALICE, "PriceOracle", "update", (0,), (update_of(exchange, Price(raw, confidence, exponent, now)),)
    )
    state = exchange.world.oracle.price_state(0)
    assert state.price == raw * 10 ** (18 + exponent)
    assert (state.confidence - 1) * raw < confidence * 10**6 <= state.confidence * raw
    assert outcome.events[-1] == Event(
        "PriceOracle", "PriceUpdated", (0, state.price, state.confidence, now, state.variance)
    )


@pytest.mark.parametrize(
    ("raw", "exponent"), [(0, -8), (-1, -8), (1, 1), (1, -19), (2**63 - 1, 0), (2**96 // 10**18 + 1, 0)]
)
def test_update__unusable_price__is_refused(raw: int, exponent: int) -> None:
    exchange = Exchange()
    exchange.world.advance(1)
    update = update_of(exchange, Price(raw, 0, exponent, exchange.world.timestamp))
    error = exchange.error(ALICE, "PriceOracle", "update", (0,), (update,))
    assert error == ErrorValue("PriceInvalid", (0, raw, exponent))


def test_update__older_than_what_is_held__changes_nothing() -> None:
    exchange = Exchange()
    held = exchange.world.oracle.price_state(0)
    update = update_of(exchange, Price(1, 0, -8, held.published_at))
    assert exchange.must(ALICE, "PriceOracle", "update", (0,), (update,)).events == ()
    assert exchange.world.oracle.price_state(0) == held


def test_price_of__aged_or_uncertain__is_refused() -> None:
    exchange = Exchange()
    oracle = exchange.world.oracle
    published_at = oracle.price_state(0).published_at
    exchange.world.advance(published_at + MAX_AGE_SECONDS - exchange.world.timestamp)
    assert exchange.world.read("PriceOracle", "priceOf", 0) == 50_000 * WAD
    exchange.world.advance(1)
    error = exchange.error(ALICE, "PriceOracle", "priceOf", 0)
    assert error == ErrorValue("PriceStale", (0, published_at, MAX_AGE_SECONDS))
    for width, is_usable in ((100, True), (101, False)):
        exchange.world.advance(1)
        update = update_of(exchange, Price(10_000, width, 0, exchange.world.timestamp))
        exchange.must(ALICE, "PriceOracle", "update", (0,), (update,))
        outcome = exchange.call(ALICE, "PriceOracle", "priceOf", 0)
        assert outcome.ok is is_usable
    assert outcome.error == ErrorValue("PriceUncertain", (0, 10_100, MAX_CONFIDENCE * 100))
    assert exchange.error(ALICE, "PriceOracle", "priceOf", 9) == ErrorValue("PriceMissing", (9,))


@pytest.mark.parametrize(
    ("markets", "updates", "expected"),
    [
        ((), ("0x",), ErrorValue("UpdateMalformed", (0, 1))),
        ((0,), (), ErrorValue("UpdateMalformed", (1, 0))),
        ((9,), ("0x",), ErrorValue("FeedUnknown", (9,))),
        ((0,), ("0x",), ErrorValue("")),
    ],
)
def test_update__malformed__is_refused(
    markets: tuple[int, ...], updates: tuple[str, ...], expected: ErrorValue
) -> None:
    assert Exchange().error(ALICE, "PriceOracle", "update", markets, updates) == expected


def test_update__fee_not_paid__is_pyths_error() -> None:
    exchange = Exchange(prices=(), configs=(), settings=Settings(pyth_update_fee=3))
    exchange.must(ADMIN, "PriceOracle", "setFeed", 0, feed(0), 60, 100)
    arguments = (0,), (update_of(exchange, Price(1, 0, 0, exchange.world.timestamp)),)
    assert exchange.error(ALICE, "PriceOracle", "update", *arguments) == ErrorValue("InsufficientFee")
    assert exchange.world.call(ALICE, "PriceOracle", "update", arguments, value=3).ok


def test_set_feed__another_feed__starts_without_price() -> None:
    exchange = Exchange()
    exchange.must(ADMIN, "PriceOracle", "setFeed", 0, feed(0), 60, 50)
    kept = exchange.world.oracle.price_state(0)
    assert (kept.price, kept.max_age, kept.max_confidence) == (50_000 * WAD, 60, 50)
    exchange.must(ADMIN, "PriceOracle", "setFeed", 0, feed(7), 60, 50)
    assert exchange.error(ALICE, "PriceOracle", "priceOf", 0) == ErrorValue("PriceMissing", (0,))


def test_parse__update_of_another_feed__is_stored_by_the_mock_all_the_same() -> None:
    """A quirk of the SDK's mock: it stores whatever it decodes before it looks for the feed asked for."""
    exchange = Exchange()
    exchange.world.advance(1)
    now = exchange.world.timestamp
    updates = (update_of(exchange, Price(7, 0, 0, now), 1), update_of(exchange, Price(8, 0, 0, now), 0))
    exchange.must(ALICE, "PriceOracle", "update", (0,), updates)
    assert exchange.world.pyth.get_price(feed(1)).price == 7
    assert exchange.world.oracle.price_state(1).price == 2_500 * WAD
    backwards = exchange.error(ALICE, "PriceOracle", "update", (1,), updates[::-1][:1])
    assert backwards == ErrorValue("PriceFeedNotFoundWithinRange")


@given(
    st.integers(0, 2**64 - 1),
    st.integers(1, 2**96 - 1),
    st.integers(1, 2**96 - 1),
    st.integers(1, 2**40),
)
def test_updated_variance__any_move__stays_between_fading_and_the_cap(
    variance: int, previous: int, price: int, elapsed: int
) -> None:
    tau = 86_400
    updated = updated_variance(variance, previous, price, elapsed, tau)
    assert min(variance * tau // (tau + elapsed), 2**64 - 1) <= updated
    assert updated <= min((variance * tau + 25 * 10**16 * 86_400) // (tau + elapsed), 2**64 - 1)
    assert (
        updated == updated_variance(variance, price, previous, elapsed, tau)
        or abs(updated - updated_variance(variance, price, previous, elapsed, tau)) <= 86_400
    )
