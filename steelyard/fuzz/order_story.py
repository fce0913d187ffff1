"""Orders in words: what they wait for, who settles them, who signed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol.types.order import OrderKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from steelyard.fuzz.story import Teller

__all__ = ["OrderTeller", "percent"]

_MILLION = 10**6
_WORD = 256
_FOREVER = 10**10


def percent(millionths: int) -> str:
    """Return a part [1e-6] in percent, exactly, for instance `2.5%`."""
    whole, rest = divmod(millionths, _MILLION // 100)
    digits = f".{rest:04d}".rstrip("0") if rest else ""
    return f"{whole}{digits}%"


class OrderTeller:
    """Tells calls of the order book.

    Parameters
    ----------
    teller : Teller
        Knows names, amounts and times.
    """

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    @property
    def tellers(self) -> dict[str, Callable[[str, dict[str, Any]], str]]:
        """What tells each function, by its name."""
        return {
            "OrderBook.batch": self._batch,
            "OrderBook.cancel": lambda who, a: f"{who} cancels {self._order(a['order'])}",
            "OrderBook.cancelNonces": self._cancel_nonces,
            "OrderBook.cancelPlaced": lambda who, a: f"{who} takes back {self._order(a['order'])}, which rests",
            "OrderBook.commit": lambda who, a: f"{who} commits to {self._wish(a['order'])}",
            "OrderBook.commitSigned": lambda who, a: (
                f"{who} relays {self._signed(a)} commit to {self._wish(a['order'])}"
            ),
            "OrderBook.execute": lambda who, a: (
                f"{who} settles what is due of {self._order(a['order'])}{self._by(who, a)}"
            ),
            "OrderBook.place": lambda who, a: f"{who} places an order to {self._wish(a['order'], a['terms'])}",
            "OrderBook.placeSigned": lambda who, a: (
                f"{who} relays {self._signed(a)} place an order to {self._wish(a['order'], a['terms'])}"
            ),
            "OrderBook.provePrice": lambda who, a: (
                f"{who} proves the first price of {self._teller.market(a['market'])} from "
                f"{self._teller.when(a['earliest'])} with {self._teller.updates(a['updateData'])}"
            ),
            "OrderBook.settle": lambda who, a: f"{who} settles {self._order(a['order'])}{self._by(who, a)}",
            "OrderBook.trail": lambda who, a: f"{who} trails {self._order(a['order'])}",
            "OrderBook.trigger": lambda who, a: f"{who} triggers {self._order(a['order'])}",
            "OrderBook.updatePrices": lambda who, a: f"{who} publishes {self._teller.updates(a['updateData'])}",
        }

    def _order(self, o: dict[str, Any]) -> str:
        return f"the order in slot {o['slot']} of {self._teller.account(o['account'])}"

    def _by(self, who: str, a: dict[str, Any]) -> str:
        """Tell at which price, and who is paid for it."""
        keeper = self._teller.account(a["keeper"])
        rewarded = "" if keeper == f"{who}/0" else f", for {keeper}"
        price = f"with {self._teller.updates(a['updateData'])}" if a["updateData"] else "at the price proven"
        return f" {price}{rewarded}"

    def _wish(self, o: dict[str, Any], terms: dict[str, Any] | None = None) -> str:
        t, size = self._teller, o["sizeDelta"]
        what = f"{'buy' if size > 0 else 'sell'} {t.coins(abs(size))} {t.market(o['market'])}"
        fee = f", paying {t.coins(o['keeperFee'])} USD to the keeper" if o["keeperFee"] else ""
        only = ", only to reduce" if o["reduceOnly"] else ""
        waits = f" {self._terms(size > 0, terms)}" if terms is not None else ""
        where = f"for {t.account(o['account'])} in slot {o['slot']}"
        return f"{what} {where}{waits} until {t.when(o['expiresAt'])}{t.limit(size, o['acceptablePrice'])}{only}{fee}"

    def _terms(self, is_buy: bool, terms: dict[str, Any]) -> str:
        low, high = (f"once the price is {side} " for side in ("at most", "at least"))
        price = self._teller.coins(terms["triggerPrice"])
        match terms["kind"]:
            case OrderKind.LIMIT:
                return f"{low if is_buy else high}{price}"
            case OrderKind.STOP:
                return f"{high if is_buy else low}{price}"
            case OrderKind.TRAILING_STOP:
                side = "above its lowest" if is_buy else "below its highest"
                return f"once the price is {percent(terms['distance'])} {side}"
            case OrderKind.TWAP:
                return f"in {terms['slices']} slices, one every {self._teller.duration(terms['interval'])}"
            case OrderKind.BRACKET:
                entry = f"{low if is_buy else high}{price}" if terms["triggerPrice"] else "at once"
                stop, target = (self._teller.coins(terms[name]) for name in ("stopPrice", "targetPrice"))
                return f"{entry}, with a stop at {stop} and a target at {target},"
            case kind:
                return f"with terms of kind {kind}"

    def _signed(self, a: dict[str, Any]) -> str:
        nonce = a["nonce"]
        number = f" {nonce}" if nonce < _FOREVER else f" {nonce:#x}"
        return f"what {self._teller.actor(a['signer'])} is said to have signed with nonce{number}: to"

    @staticmethod
    def _cancel_nonces(who: str, a: dict[str, Any]) -> str:
        count, word = a["mask"].bit_count(), a["word"]
        first = f"{word * _WORD}" if word < _FOREVER else f"{word:#x} times {_WORD}"
        return f"{who} cancels {count} nonce{'' if count == 1 else 's'} of the {_WORD} from {first} on"

    def _batch(self, who: str, a: dict[str, Any]) -> str:
        told = [self._teller.inner("OrderBook", data) for data in a["calls"]]
        return f"{who} in one batch, each for itself, {self._teller.joined(told) or 'does nothing'}"
