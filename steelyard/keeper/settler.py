"""Settles requests to the vault as soon as they are due, and tells why those wait that are not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from steelyard.client.errors import ContractReverted, RpcRejected, RpcUnreachable, TransactionFailed
from steelyard.client.vault import REFUSALS, Vault

if TYPE_CHECKING:
    from steelyard.client.chain import Receipt, Sender
    from steelyard.client.exchange import Exchange
    from steelyard.client.vault import Waiting
    from steelyard.keeper.backoff import Backoff

__all__ = ["Settlement", "Settler"]

_WAITING = frozenset({"RequestsUnready", *REFUSALS})
"""Nothing can be settled now, and nothing is wrong with the keeper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One attempt to settle requests.

    Attributes
    ----------
    deposits, redemptions : int
        That were settled, in part too.
    gas_used : int
        Whole transaction.
    transaction : str or None
        Its hash.
    reason : str or None
        Of a failure.
    """

    deposits: int = 0
    redemptions: int = 0
    gas_used: int = 0
    transaction: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            "deposits": self.deposits,
            "redemptions": self.redemptions,
            "gas_used": self.gas_used,
            "transaction": self.transaction,
            "reason": self.reason,
        }


class Settler:
    """Settles what is due of both queues, some requests a time.

    Parameters
    ----------
    exchange : Exchange
        Where.
    sender : Sender
        Who sends the transactions.
    backoff : Backoff
        For a node that does not answer.
    batch : int
        Requests of each queue that one transaction looks at.
    """

    def __init__(self, exchange: Exchange, sender: Sender, backoff: Backoff, *, batch: int = 20) -> None:
        self._exchange = exchange
        self._sender = sender
        self._backoff = backoff
        self._batch = batch

    def run_once(self) -> Settlement | None:
        """Settle what is due; returns the attempt, None where there is nothing to do."""
        exchange = self._exchange
        try:
            if not self._backoff.run(exchange.pending_requests):
                return None
            receipt = self._backoff.run(partial(exchange.fulfil, self._sender, self._batch, self._batch))
        except (ContractReverted, TransactionFailed) as error:
            cause = error if isinstance(error, ContractReverted) else error.cause
            return None if cause is not None and cause.name in _WAITING else Settlement(reason=str(cause or error))
        except (RpcRejected, RpcUnreachable) as error:
            return Settlement(reason=f"{type(error).__name__}: {error}")
        return self._settled(receipt)

    def waiting(self) -> Waiting | None:
        """Return what waits at the latest block, and why; None where nothing does.

        Raises
        ------
        RpcUnreachable, RpcRejected
            The node did not answer, or refused.
        """
        exchange = self._exchange
        if not self._backoff.run(exchange.pending_requests):
            return None
        return self._backoff.run(lambda: Vault(exchange).waiting())

    def _settled(self, receipt: Receipt) -> Settlement:
        exchange = self._exchange
        deposits, redemptions = (
            len(exchange.chain.events(exchange.vault, receipt.raw_logs, f"{kind}Fulfilled"))
            for kind in ("Deposit", "Redeem")
        )
        return Settlement(
            deposits=deposits, redemptions=redemptions, gas_used=receipt.gas_used, transaction=receipt.hash
        )
