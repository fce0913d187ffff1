"""What a campaign cannot execute, each with its reason: by function, what it is, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARGUED"]

_CONSTRUCTION = "bounds of the deployment, which is fixed; directed cases in tests/parity"
_WHOLE = "a multiplier stays at one, so that sizes are whole shares: no change rounds to nothing, and none is asked for"

ARGUED: Mapping[tuple[str, str, str], str] = {
    ("Clearinghouse.constructor", "never true", "decimals != 6"): _CONSTRUCTION,
    ("Clearinghouse.constructor", "never true", "TREASURY.isReserved()"): _CONSTRUCTION,
    ("ClearinghouseExt.listMarket", "never true", "marketCount == MAX_MARKETS"): (
        "moves list few markets, so that views stay short; a directed case in tests/parity lists all"
    ),
    ("Clearinghouse._checkFill", "never true", "fill.sizeDelta == 0"): _WHOLE,
    ("Lens.quote", "never true", "fill.sizeDelta == 0"): _WHOLE,
    ("OrderBook._isFinal", "never true", "selector == IClearinghouse.SizeZero.selector"): _WHOLE,
}
