"""JSON-RPC over one connection that stays open: an order of magnitude faster than one connection per request."""

from __future__ import annotations

import http.client
import itertools
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from steelyard.client.abi import decode_revert
from steelyard.client.errors import ChainError, RpcRejected, RpcUnreachable

__all__ = ["Rpc", "origin_of", "refusal"]

_BUSY = frozenset({429, 502, 503, 504})
_LIMIT_EXCEEDED = -32005


def refusal(node: str, method: str, error: Any) -> ChainError:
    """Return what a node's answer of an error means.

    Parameters
    ----------
    node : str
        Its address, as it may be shown.
    method : str
        Of the request.
    error : dict
        As in the answer.
    """
    message = str(error.get("message", error))
    data = error.get("data")
    if hasattr(data, "get"):
        data = data.get("data")
    if isinstance(data, str) and data.startswith("0x") and (len(data) > 2 or "revert" in message):
        return decode_revert(bytes.fromhex(data[2:]))
    if "revert" in message.lower():
        return decode_revert(b"")
    if error.get("code") == _LIMIT_EXCEEDED and method != "eth_getLogs":
        return RpcUnreachable(node, message)
    return RpcRejected(method, message)


def origin_of(url: str) -> str:
    """Return a node's address as it may be shown: without path and query, which often hold a key.

    Raises
    ------
    RpcUnreachable
        It is neither http nor https.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise RpcUnreachable(url, error) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RpcUnreachable(url, "not an http or https address")
    return f"{parts.scheme}://{parts.hostname}{port}"


class Rpc:
    """A node.

    Parameters
    ----------
    url : str
        Its address, `http` or `https`.
    timeout : float
        Longest wait for an answer [s].
    """

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url
        self._shown = origin_of(url)
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(str(parts.hostname), parts.port, timeout=timeout)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._ids = itertools.count(1)

    def request(self, method: str, *params: Any) -> Any:
        """Return the result of a request.

        Raises
        ------
        RpcUnreachable
            No answer, or none in JSON-RPC.
        ContractReverted
            A contract refused.
        RpcRejected
            Any other error.
        """
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        answer = self._post(body.encode())
        if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
            raise RpcUnreachable(self._shown, "the answer is not JSON-RPC")
        error = answer.get("error")
        if error is None:
            return answer["result"]
        raise refusal(self._shown, method, error)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def _post(self, body: bytes) -> Any:
        try:
            if self._connection.sock is None:
                self._connection.connect()
                opened: Any = self._connection.sock
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
            if response.status in _BUSY or (response.status >= 400 and not content.lstrip().startswith(b"{")):
                raise RpcUnreachable(self._shown, f"HTTP status {response.status}")
            return json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise RpcUnreachable(self._shown, f"{type(error).__name__}: {error}") from error
