"""Hermes, as it answers and as it does not."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from steelyard.keeper.backoff import Backoff
from steelyard.keeper.prices import Hermes, PricesRejected, PricesUnreachable, Update

if TYPE_CHECKING:
    from collections.abc import Iterator

FEED = "0x" + "ab" * 32


def answer(published_at: int, previous_at: int) -> dict[str, Any]:
    price = {"price": "4000012345678", "conf": "1", "expo": -8, "publish_time": published_at}
    parsed = {"id": FEED[2:], "price": price, "ema_price": price, "metadata": {"prev_publish_time": previous_at}}
    return {"binary": {"encoding": "hex", "data": ["504e4155"]}, "parsed": [parsed]}


class Service:
    """A web service that gives the answers it is told, one after the other, then the last again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                status, document = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(document if isinstance(document, bytes) else json.dumps(document).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/key"


@pytest.fixture
def service() -> Iterator[Service]:
    started = Service()
    threading.Thread(target=started.server.serve_forever, daemon=True).start()
    yield started
    started.server.shutdown()
    started.server.server_close()


def test_latest__answer__is_read_as_the_oracle_reads_it(service: Service) -> None:
    service.answers = [(200, answer(100, 99))]
    found = Hermes(service.url).latest([FEED], 100)
    assert found == {FEED: Update(FEED, 40_000_123_456_780_000_000_000, 1, 100, 99, (b"PNAU",))}
    parts = urlsplit(service.asked[0])
    assert parts.path == "/key/v2/updates/price/latest"
    assert parse_qs(parts.query) == {"ids[]": [FEED], "encoding": ["hex"], "parsed": ["true"]}
    assert Hermes(service.url).latest([], 100) == {}
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("published_at", "previous_at", "is_first"), [(50, 49, True), (53, 49, True), (53, 50, False), (49, 48, False)]
)
def test_first_at__price__is_taken_only_if_it_is_the_first(
    service: Service, published_at: int, previous_at: int, is_first: bool
) -> None:
    service.answers = [(200, answer(published_at, previous_at))]
    hermes = Hermes(service.url)
    found = hermes.first_at(FEED, 50)
    assert (found is not None) == is_first
    assert hermes.first_at(FEED, 50) == found
    assert urlsplit(service.asked[0]).path == "/key/v2/updates/price/50"
    # One that was found never changes: it is not asked for again.
    assert len(service.asked) == (1 if is_first else 2)


def test_latest__later_than_the_chain__is_that_of_the_time_of_its_block(service: Service) -> None:
    service.answers = [(200, answer(107, 106)), (200, answer(100, 99))]
    found = Hermes(service.url).latest([FEED], 100)
    assert found[FEED].published_at == 100
    assert [urlsplit(path).path.rpartition("/")[2] for path in service.asked] == ["latest", "100"]
    service.answers = [(200, answer(107, 106))]
    assert Hermes(service.url).latest([FEED], 100) == {}


def test_first_at__none_yet__is_none(service: Service) -> None:
    service.answers = [(404, b"not found")]
    assert Hermes(service.url).first_at(FEED, 50) is None


def test_latest__rate_limited__tries_again_later(service: Service) -> None:
    service.answers = [(429, b"slow down"), (200, b"<html>"), (200, answer(100, 99))]
    waits: list[float] = []
    assert FEED in Hermes(service.url, backoff=Backoff(3, sleep=waits.append)).latest([FEED], 100)
    assert waits == [0.5, 1.0]
    service.answers = [(503, b"down")]
    with pytest.raises(PricesUnreachable, match="HTTP status 503: down") as told:
        Hermes(service.url, backoff=Backoff(1)).latest([FEED], 100)
    assert "key" not in str(told.value)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"binary": {"data": ["zz"]}, "parsed": []},
        {"binary": {"data": []}, "parsed": [{"id": FEED, "price": {}}]},
    ],
)
def test_latest__another_answer__is_refused(service: Service, document: object) -> None:
    service.answers = [(200, document)]
    with pytest.raises(PricesRejected, match="not an answer of Hermes"):
        Hermes(service.url).latest([FEED], 100)
    service.answers = [(400, b"unknown feed")]
    with pytest.raises(PricesRejected, match="HTTP status 400: unknown feed"):
        Hermes(service.url).latest([FEED], 100)


def test_hermes__no_address__is_refused() -> None:
    with pytest.raises(PricesRejected, match="not an http or https address"):
        Hermes("hermes.pyth.network")
