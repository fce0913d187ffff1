"""Where updates of Pyth's prices come from: Hermes, or a local chain's stand-in."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from steelyard.client.calls import Contract
from steelyard.client.errors import ChainError, ContractReverted, RpcUnreachable
from steelyard.client.pyth import encode_update
from steelyard.keeper.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.chain import Chain

__all__ = ["HERMES_URL", "Hermes", "LocalPrices", "Prices", "PricesRejected", "PricesUnreachable", "Update"]

HERMES_URL: Final = "https://hermes.pyth.network"
_WAD_DECIMALS: Final = 18
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_KEPT: Final = 1_000


class PricesUnreachable(RpcUnreachable):
    """The source of prices did not answer, or not with prices: worth another try."""


class PricesRejected(ChainError):
    """The source of prices refused a request."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"{url}: {reason}")


@dataclass(frozen=True, slots=True)
class Update:
    """A price of one feed.

    Attributes
    ----------
    feed : str
        Its id, hexadecimal with prefix.
    price : int
        [wad]
    confidence : int
        Half-width of its interval [1e-6 of price], up.
    published_at, previous_at : int
        When it was published, and the one before it [Unix s].
    data : tuple of bytes
        What Pyth's contract takes; it may hold other feeds too.
    """

    feed: str
    price: int
    confidence: int
    published_at: int
    previous_at: int
    data: tuple[bytes, ...]


class Prices(Protocol):
    """A source of price updates."""

    def latest(self, feeds: Sequence[str], now: int) -> dict[str, Update]:
        """Return the latest prices of feeds that the chain takes at `now` [Unix s], all in the same data.

        Feeds without such a price are left out: none is published later than `now`.
        """
        ...

    def first_at(self, feed: str, earliest: int) -> Update | None:
        """Return the first price published at or after `earliest` [Unix s], None where there is none yet."""
        ...


class Hermes:
    """Pyth's web service.

    Parameters
    ----------
    url : str
        Of an instance; a path in it is kept.
    timeout : float
        Longest wait for an answer [s].
    backoff : Backoff, optional
        For an instance that does not answer, or limits the rate.
    """

    def __init__(self, url: str = HERMES_URL, *, timeout: float = 5.0, backoff: Backoff | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PricesRejected(url, "not an http or https address")
        self._url = url.rstrip("/")
        # A path may hold a key.
        self._shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._timeout = timeout
        self._backoff = backoff or Backoff(attempts=3)
        self._first: dict[tuple[str, int], Update] = {}

    def latest(self, feeds: Sequence[str], now: int) -> dict[str, Update]:
        """Return the latest prices of feeds that the chain takes at `now` [Unix s], all in the same data.

        The chain's last block is seconds behind the service: where the latest price is later, the one of that block's
        time is asked for.

        Raises
        ------
        PricesUnreachable, PricesRejected
            As named.
        """
        if not feeds:
            return {}
        found = self._updates("latest", feeds)
        if any(one.published_at > now for one in found):
            found = self._updates(str(now), feeds)
        return {one.feed: one for one in found if one.published_at <= now}

    def first_at(self, feed: str, earliest: int) -> Update | None:
        """Return the first price published at or after `earliest` [Unix s], None where there is none yet.

        Raises
        ------
        PricesUnreachable, PricesRejected
            As named.
        """
        key = feed.lower(), earliest
        if key not in self._first:
            found = self._updates(str(earliest), [feed])
            if not found or not found[0].previous_at < earliest <= found[0].published_at:
                return None
            if len(self._first) >= _KEPT:
                self._first.clear()
            self._first[key] = found[0]
        return self._first[key]

    def _updates(self, which: str, feeds: Sequence[str]) -> list[Update]:
        query = urlencode([*(("ids[]", feed) for feed in feeds), ("encoding", "hex"), ("parsed", "true")])
        document = self._backoff.run(lambda: self._get(f"/v2/updates/price/{which}?{query}"))
        if document is None:
            return []
        try:
            data = tuple(bytes.fromhex(one.removeprefix("0x")) for one in document["binary"]["data"])
            return [_read(entry, data) for entry in document["parsed"]]
        except (KeyError, TypeError, ValueError) as error:
            reason = f"not an answer of Hermes: {type(error).__name__}: {error}"
            raise PricesRejected(self._shown, reason) from error

    def _get(self, path: str) -> Any:
        """Return the document, None where there is no price yet."""
        try:
            with urllib.request.urlopen(self._url + path, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read(200).decode(errors="replace").strip()
            if error.code == http.client.NOT_FOUND:
                return None
            if error.code in _BUSY:
                raise PricesUnreachable(self._shown, f"HTTP status {error.code}: {said}") from error
            raise PricesRejected(self._shown, f"HTTP status {error.code}: {said}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PricesUnreachable(self._shown, f"{type(error).__name__}: {error}") from error


def _read(entry: dict[str, Any], data: tuple[bytes, ...]) -> Update:
    """Return one parsed price as an update; rounded as the oracle rounds."""
    price = entry["price"]
    raw, exponent = int(price["price"]), int(price["expo"])
    published_at = int(price["publish_time"])
    if raw <= 0 or not -_WAD_DECIMALS <= exponent <= 0:
        raise ValueError(f"price {raw}e{exponent} of {entry['id']}")
    previous_at = entry.get("metadata", {}).get("prev_publish_time")
    return Update(
        feed="0x" + entry["id"].lower().removeprefix("0x"),
        price=raw * 10 ** (_WAD_DECIMALS + exponent),
        confidence=-(-int(price["conf"]) * 1_000_000 // raw),
        published_at=published_at,
        previous_at=published_at - 1 if previous_at is None else int(previous_at),
        data=data,
    )


class LocalPrices:
    """Updates for a local chain's stand-in of Pyth, made here.

    Prices that were told by `record` are history. Where none was told, the price that the stand-in holds goes on: one
    of just the time that is asked for.

    Parameters
    ----------
    chain : Chain
        That it is on.
    pyth : str
        Its address.
    """

    def __init__(self, chain: Chain, pyth: str) -> None:
        self._chain = chain
        self._pyth = Contract.at("LocalPyth", pyth)
        self._told: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)

    def record(self, feed: str, *, price: int, confidence: int, published_at: int) -> None:
        """Tell a price and its confidence [1e-8 USD] that was published after all others of the feed [Unix s]."""
        self._told[feed.lower()].append((published_at, price, confidence))

    def latest(self, feeds: Sequence[str], now: int) -> dict[str, Update]:
        """Return the last price told of each feed until `now`, else the one held; in one update each."""
        found = {}
        for feed in feeds:
            told = self._told[feed.lower()]
            told = told[: bisect_left(told, (now + 1,))]
            if told:
                found[feed.lower()] = self._update(feed, *told[-1], told[-2][0] if len(told) > 1 else 0)
            elif (held := self._held(feed)) is not None:
                found[feed.lower()] = self._update(feed, *held, held[0] - 1)
        together = tuple(piece for update in found.values() for piece in update.data)
        return {feed: Update(*_plain(update), data=together) for feed, update in found.items()}

    def first_at(self, feed: str, earliest: int) -> Update | None:
        """Return the first price told at or after `earliest` [Unix s]; without history, the one held, of that time."""
        told = self._told[feed.lower()]
        if not told:
            held = self._held(feed)
            if held is None or self._chain.block().timestamp < earliest:
                return None
            return self._update(feed, earliest, *held[1:], earliest - 1)
        place = bisect_left(told, (earliest,))
        if place == len(told):
            return None
        return self._update(feed, *told[place], told[place - 1][0] if place else 0)

    def _held(self, feed: str) -> tuple[int, int, int] | None:
        try:
            found = self._chain.call(self._pyth, "getPriceUnsafe", feed)
        except ContractReverted:
            return None
        return found.publishTime, found.price, found.conf

    def _update(self, feed: str, published_at: int, price: int, confidence: int, previous_at: int) -> Update:
        data = encode_update(
            feed, price=price, confidence=confidence, published_at=published_at, previous_at=previous_at
        )
        return Update(
            feed=feed.lower(),
            price=price * 10**10,
            confidence=-(-confidence * 1_000_000 // price),
            published_at=published_at,
            previous_at=previous_at,
            data=(data,),
        )


def _plain(update: Update) -> tuple[str, int, int, int, int]:
    return update.feed, update.price, update.confidence, update.published_at, update.previous_at
