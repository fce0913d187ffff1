"""`Client` and `AsyncClient`: a trader's view of a deployment."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from steelyard.client.handles import AsyncPlacedOrder, PlacedOrder
from steelyard.client.nodes import AsyncNode, SyncNode
from steelyard.client.senders import Rehearsal, to_sender
from steelyard.client.session import Session
from steelyard.client.steps import Asynchronous, Pause, Request, Synchronous
from steelyard.client.trading import Trading
from steelyard.client.units import to_unsigned
from steelyard.deployment.artefact import Artefact, read_artefact

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from web3 import AsyncWeb3, Web3

    from steelyard.client.senders import Signer
    from steelyard.client.steps import Step, Steps
    from steelyard.client.units import Amount

__all__ = ["AsyncClient", "Client"]

_T = TypeVar("_T")
_KEEPER_FEE = "0.1"


def _session(
    deployment: Artefact | Path | str, signer: Signer | None, keeper_fee: Amount, *, is_dry_run: bool
) -> Session:
    artefact = deployment if isinstance(deployment, Artefact) else read_artefact(Path(deployment))
    artefact.require_complete()
    sender = None if signer is None else to_sender(signer)
    if sender is not None and is_dry_run:
        sender = Rehearsal(sender)
    return Session(artefact, sender, to_unsigned(keeper_fee, 18, 96, "keeper fee"))


class Client(Trading[PlacedOrder], Synchronous):
    """A trader on a deployment, call by call.

    Parameters
    ----------
    deployment : Artefact, Path or str
        What `steelyard deploy` left, or the path of its file.
    node : str or Web3
        Address of a node, or a Web3 with provider and middleware of your own.
    signer : LocalAccount or str, optional
        An account with its key, a private key in hexadecimal, or the address of an account that the node signs for.
        None to look only.
    keeper_fee : Amount
        Of orders that name none: paid to whoever settles, for each fill [USD].
    is_dry_run : bool
        Send nothing: what would be sent is estimated, then `NotSent` raised.

    Examples
    --------
    >>> with Client("deployments/11155111/steelyard.json", "https://node", keystore) as client:  # doctest: +SKIP
    ...     client.deposit("1000")
    ...     order = client.market_order("BTC", "0.05", slippage="0.3")
    ...     print(order.wait().fills[0].price)

    Raises
    ------
    ArtefactMissing, ArtefactMalformed, DeploymentIncomplete
        There is no such deployment, or it was not finished.
    SignerInvalid
        Nobody can sign with this.
    """

    def __init__(
        self,
        deployment: Artefact | Path | str,
        node: str | Web3,
        signer: Signer | None = None,
        *,
        keeper_fee: Amount = _KEEPER_FEE,
        is_dry_run: bool = False,
    ) -> None:
        session = _session(deployment, signer, keeper_fee, is_dry_run=is_dry_run)
        super().__init__(session, lambda record: PlacedOrder(session, record, self._answer))
        self._node = SyncNode(node)
        self._lock = threading.RLock()

    @property
    def web3(self) -> Web3:
        """What the node is reached through."""
        return self._node.web3

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave; connections are closed when nobody uses them."""

    def _run(self, steps: Steps[_T]) -> _T:
        return super()._run(self._session.checked(steps))

    def _answer(self, step: Step) -> Any:
        if isinstance(step, Request):
            return self._node.request(step)
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        with self._lock:
            return super()._run(step.steps)


class AsyncClient(Trading[AsyncPlacedOrder], Asynchronous):
    """A trader on a deployment, in coroutines; everything else is as `Client` has it.

    Parameters
    ----------
    deployment, signer, keeper_fee, is_dry_run
        As of `Client`.
    node : str or AsyncWeb3
        Address of a node, or an AsyncWeb3 with provider and middleware of your own.

    Examples
    --------
    >>> async with AsyncClient("deployments/11155111/steelyard.json", "https://node", key) as client:  # doctest: +SKIP
    ...     bitcoin, ether = await asyncio.gather(client.market("BTC"), client.market("ETH"))
    """

    def __init__(
        self,
        deployment: Artefact | Path | str,
        node: str | AsyncWeb3[Any],
        signer: Signer | None = None,
        *,
        keeper_fee: Amount = _KEEPER_FEE,
        is_dry_run: bool = False,
    ) -> None:
        session = _session(deployment, signer, keeper_fee, is_dry_run=is_dry_run)
        super().__init__(session, lambda record: AsyncPlacedOrder(session, record, self._answer))
        self._node = AsyncNode(node)
        self._lock = asyncio.Lock()

    @property
    def web3(self) -> AsyncWeb3[Any]:
        """What the node is reached through."""
        return self._node.web3

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._node.close()

    async def _run(self, steps: Steps[_T]) -> _T:
        return await super()._run(self._session.checked(steps))

    async def _answer(self, step: Step) -> Any:
        if isinstance(step, Request):
            return await self._node.request(step)
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        async with self._lock:
            return await super()._run(step.steps)
