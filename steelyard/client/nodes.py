"""Nodes behind web3.py: a step's request, sent and answered, and what goes wrong by its name."""

from __future__ import annotations

from json import JSONDecodeError
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3, HTTPProvider, Web3
from web3.exceptions import BadResponseFormat, ProviderConnectionError, Web3Exception, Web3RPCError

from steelyard.client.errors import ChainError, RpcRejected, RpcUnreachable
from steelyard.client.rpc import origin_of, refusal

if TYPE_CHECKING:
    from web3.types import RPCEndpoint

    from steelyard.client.steps import Request

__all__ = ["AsyncNode", "SyncNode"]

_TIMEOUT_SECONDS = 30.0
# requests' own errors are OSErrors.
_LOST = (OSError, aiohttp.ClientError, ProviderConnectionError, TimeoutError)


def _shown(web3: Web3 | AsyncWeb3[Any]) -> str:
    url = getattr(web3.provider, "endpoint_uri", None)
    return origin_of(str(url)) if str(url).startswith("http") else type(web3.provider).__name__


def _translated(node: str, request: Request, error: Exception) -> ChainError:
    if isinstance(error, Web3RPCError) and error.rpc_response is not None:
        return refusal(node, request.method, error.rpc_response.get("error"))
    if isinstance(error, (JSONDecodeError, BadResponseFormat)):
        return RpcUnreachable(node, "the answer is not JSON-RPC")
    if isinstance(error, _LOST):
        # Their own words hold the whole address, which may hold a key.
        status = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
        return RpcUnreachable(node, type(error).__name__ if status is None else f"HTTP status {status}")
    return RpcRejected(request.method, str(error))


class SyncNode:
    """A node that is asked and waited for.

    Parameters
    ----------
    node : str or Web3
        Its address, or a Web3 with provider and middleware of your own.
    """

    def __init__(self, node: str | Web3) -> None:
        if isinstance(node, str):
            origin_of(node)
            node = Web3(HTTPProvider(node, request_kwargs={"timeout": _TIMEOUT_SECONDS}))
        self.web3 = node
        self._shown = _shown(node)

    def request(self, request: Request) -> Any:
        """Return the result of a request.

        Raises
        ------
        RpcUnreachable, RpcRejected, ContractReverted
            No answer; the node refused; a contract did.
        """
        try:
            return self.web3.manager.request_blocking(cast("RPCEndpoint", request.method), list(request.params))
        except (*_LOST, Web3Exception, ValueError) as error:
            raise _translated(self._shown, request, error) from None


class AsyncNode:
    """A node that is asked in a coroutine; as `SyncNode`."""

    def __init__(self, node: str | AsyncWeb3[Any]) -> None:
        if isinstance(node, str):
            origin_of(node)
            timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
            node = AsyncWeb3(AsyncHTTPProvider(node, request_kwargs={"timeout": timeout}))
        self.web3 = node
        self._shown = _shown(node)

    async def request(self, request: Request) -> Any:
        """Return the result of a request; raises as `SyncNode.request`."""
        try:
            return await self.web3.manager.coro_request(cast("RPCEndpoint", request.method), list(request.params))
        except (*_LOST, Web3Exception, ValueError) as error:
            raise _translated(self._shown, request, error) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.web3.provider.disconnect()
