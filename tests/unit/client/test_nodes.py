"""What goes wrong behind web3.py, by name: the same for both of its kinds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from steelyard.client.errors import AccountHealthy, ChainError, ContractReverted, RpcRejected, RpcUnreachable
from steelyard.client.nodes import AsyncNode, SyncNode
from steelyard.client.steps import Request
from tests.unit.client.test_chain import Node, node, revert

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["node"]


def ask_now(url: str, method: str) -> Any:
    return SyncNode(url).request(Request(method))


def ask_later(url: str, method: str) -> Any:
    async def ask() -> Any:
        node = AsyncNode(url)
        try:
            return await node.request(Request(method))
        finally:
            await node.close()

    return asyncio.run(ask())


@pytest.fixture(params=[ask_now, ask_later])
def ask(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    asked: Callable[[str, str], Any] = request.param
    return asked


def test_request__result__is_returned(node: Node, ask: Callable[[str, str], Any]) -> None:
    node.answer = {"jsonrpc": "2.0", "id": 0, "result": None}
    assert ask(node.url, "eth_getTransactionReceipt") is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": -32000, "message": "nonce too low"}, RpcRejected),
        ({"code": -32005, "message": "limit exceeded"}, RpcUnreachable),
        ({"code": 3, "message": "execution reverted"}, ContractReverted),
        (
            {"code": 3, "message": "reverted", "data": "0x" + revert("AccountHealthy(int256,uint256)", 7, 9).hex()},
            AccountHealthy,
        ),
    ],
)
def test_request__error__has_its_name(
    node: Node, ask: Callable[[str, str], Any], error: dict[str, Any], kind: type[ChainError]
) -> None:
    node.answer = {"jsonrpc": "2.0", "id": 0, "error": error}
    with pytest.raises(kind):
        ask(node.url, "evm_mine")


@pytest.mark.parametrize(("status", "answer"), [(503, {}), (404, b"<html>"), (200, b"<html>")])
def test_request__no_json_rpc__is_unreachable_and_keeps_the_key(
    node: Node, ask: Callable[[str, str], Any], status: int, answer: Any
) -> None:
    node.status, node.answer = status, answer
    with pytest.raises(RpcUnreachable) as failure:
        ask(node.url, "evm_mine")
    assert "/key" not in str(failure.value)


def test_request__nobody_listens__is_unreachable(ask: Callable[[str, str], Any]) -> None:
    with pytest.raises(RpcUnreachable):
        ask("http://127.0.0.1:9/key", "evm_mine")


@pytest.mark.parametrize("kind", [SyncNode, AsyncNode])
def test_node__no_http_address__is_refused(kind: type[SyncNode] | type[AsyncNode]) -> None:
    with pytest.raises(RpcUnreachable, match="not an http"):
        kind("localhost:8545")
