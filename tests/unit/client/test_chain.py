"""The client's transport and its decoding of what contracts refuse with."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from steelyard.client import Chain, Contract, ContractReverted, RpcRejected, RpcUnreachable
from steelyard.client.abi import abi_of, decode_revert
from steelyard.client.pyth import encode_update
from steelyard.client.records import AccountId, owner_of, to_account_id
from steelyard.keeper.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node:
    """A node that answers what it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {}
        self.requests: list[dict[str, Any]] = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                node.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                body = node.answer if isinstance(node.answer, bytes) else json.dumps(node.answer).encode()
                self.send_response(node.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Some clients keep their connections open.
        self.server.daemon_threads, self.server.block_on_close = True, False
        self.url = f"http://127.0.0.1:{self.server.server_port}/key"


@pytest.fixture
def node() -> Iterator[Node]:
    started = Node()
    thread = threading.Thread(target=started.server.serve_forever, daemon=True)
    thread.start()
    yield started
    started.server.shutdown()
    started.server.server_close()


def revert(name: str, *words: int) -> bytes:
    return keccak(text=name)[:4] + b"".join(word.to_bytes(32, "big", signed=word < 0) for word in words)


def test_rpc__result__returns_it(node: Node) -> None:
    node.answer = {"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}
    chain = Chain(node.url)
    assert chain.chain_id == 31337
    assert chain.chain_id == 31337
    assert [request["method"] for request in node.requests] == ["eth_chainId"]
    chain.close()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (429, {"error": {"code": 1, "message": "slow down"}}),
        (503, b"<html>"),
        (200, b"<html>"),
        (200, []),
        (200, {"jsonrpc": "2.0"}),
        (200, {"error": {"code": -32005, "message": "limit exceeded"}}),
    ],
)
def test_rpc__node_busy_or_broken__is_worth_another_try(node: Node, status: int, answer: Any) -> None:
    node.status, node.answer = status, answer
    chain = Chain(node.url)
    with pytest.raises(RpcUnreachable) as failure:
        chain.rpc("eth_chainId")
    assert "/key" not in str(failure.value)
    chain.close()


def test_rpc__nobody_listens__is_worth_another_try() -> None:
    with pytest.raises(RpcUnreachable):
        Chain("http://127.0.0.1:9").rpc("eth_chainId")


@pytest.mark.parametrize("url", ["ws://localhost:1", "localhost:8545", "http://"])
def test_rpc__no_http_address__refuses(url: str) -> None:
    with pytest.raises(RpcUnreachable, match="not an http"):
        Chain(url)


def test_rpc__node_refuses__is_told(node: Node) -> None:
    node.answer = {"error": {"code": -32000, "message": "nonce too low"}}
    chain = Chain(node.url)
    with pytest.raises(RpcRejected, match="eth_chainId: nonce too low"):
        chain.rpc("eth_chainId")
    chain.close()


@pytest.mark.parametrize("nested", [False, True])
def test_rpc__contract_refuses__is_named(node: Node, nested: bool) -> None:
    data: Any = "0x" + revert("AccountHealthy(int256,uint256)", -7, 9).hex()
    node.answer = {"error": {"code": 3, "message": "execution reverted", "data": {"data": data} if nested else data}}
    chain = Chain(node.url)
    with pytest.raises(ContractReverted) as failure:
        chain.rpc("eth_call")
    assert (failure.value.name, failure.value.arguments) == ("AccountHealthy", {"equity": -7, "maintenanceMargin": 9})
    assert str(failure.value) == "AccountHealthy(equity=-7, maintenanceMargin=9)"
    chain.close()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (revert("Panic(uint256)", 17), "Panic"),
        (revert("PriceFeedNotFoundWithinRange()"), "PriceFeedNotFoundWithinRange"),
        (b"", "Unknown"),
        (b"\x01\x02\x03\x04", "Unknown"),
        (revert("AccountHealthy(int256,uint256)", 1), "Unknown"),
    ],
)
def test_decode_revert__any_data__has_a_name(data: bytes, name: str) -> None:
    assert decode_revert(data).name == name


def test_decode_revert__parameter__is_readable() -> None:
    word = int.from_bytes(b"minReward".ljust(32, b"\0"), "big")
    error = decode_revert(revert("ParameterOutOfBounds(bytes32,uint256,uint256,uint256)", word, 3, 0, 2))
    assert str(error) == "ParameterOutOfBounds(parameter=minReward, value=3, min=0, max=2)"


def test_decode__nested_structs__have_names() -> None:
    abi = abi_of("Lens")
    words = [1, 7, 0, 1, 50, 40, 30, 20, 10**18, 2 * 10**18, 0]
    view = abi.decode("accountView", b"".join(word.to_bytes(32, "big") for word in words))
    assert (view.account, view.risk.maintenanceMargin, view.isLiquidatable) == (1, 30, False)


def test_to_account_id__round_trip__keeps_the_owner() -> None:
    owner = "0x" + "ab" * 20
    account = to_account_id(owner, 5)
    assert account == AccountId((int(owner, 16) << 96) + 5)
    assert owner_of(account) == owner


def test_encode_update__price__is_ten_words() -> None:
    feed = "0x" + "11" * 32
    data = encode_update(
        feed, price=4 * 10**12, confidence=10**6, published_at=1_700_000_000, previous_at=1_699_999_940
    )
    words = [data[start : start + 32] for start in range(0, len(data), 32)]
    assert len(words) == 10
    assert words[0].hex() == "11" * 32
    assert [int.from_bytes(word, "big", signed=True) for word in (words[1], words[3], words[9])] == [
        4 * 10**12,
        -8,
        1_699_999_940,
    ]


def test_backoff__always_unreachable__doubles_then_gives_up() -> None:
    waits: list[float] = []

    def fail() -> None:
        raise RpcUnreachable("http://node", "gone")

    with pytest.raises(RpcUnreachable):
        Backoff(5, 1.0, 3.0, waits.append).run(fail)
    assert waits == [1.0, 2.0, 3.0, 3.0]


def test_backoff__refused__does_not_repeat() -> None:
    calls = []

    def refuse() -> None:
        calls.append(1)
        raise RpcRejected("eth_call", "no")

    with pytest.raises(RpcRejected):
        Backoff(5, 0.0).run(refuse)
    assert calls == [1]


def test_encode__functions_of_one_name__are_found_by_their_signatures() -> None:
    vault = abi_of("LiquidityVault")
    for signature in ("deposit(uint256,address)", "deposit(uint256,address,address)"):
        assert vault.selector(signature) == keccak(text=signature)[:4]


def test_logs__indexed_addresses__are_asked_for_as_topics(node: Node) -> None:
    node.answer = {"jsonrpc": "2.0", "id": 1, "result": []}
    owner = "0x" + "Ab" * 20
    vault = Contract("0x" + "01" * 20, abi_of("LiquidityVault"))
    assert Chain(node.url).logs(vault, 1, 9, "DepositRequest", "RedeemRequest", indexed=(owner,)) == []
    (query,) = node.requests[-1]["params"]
    kinds = [vault.abi.topic(name) for name in ("DepositRequest", "RedeemRequest")]
    assert query["topics"] == [kinds, ["0x" + "00" * 12 + "ab" * 20]]
