"""What a campaign cannot execute, each with its reason: by function, what it is, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARGUED"]

_CONSTRUCTION = "bounds of the deployment, which is fixed; directed cases in tests/parity"
_WHOLE = "only on a side that was deleveraged can a change round to less than a share; directed cases in tests/parity"

ARGUED: Mapping[tuple[str, str, str], str] = {
    ("Clearinghouse.constructor", "never true", "decimals != 6"): _CONSTRUCTION,
    ("Clearinghouse.constructor", "never true", "TREASURY.isReserved()"): _CONSTRUCTION,
    ("ClearinghouseExt.listMarket", "never true", "marketCount == MAX_MARKETS"): (
        "moves list few markets, so that views stay short; a directed case in tests/parity lists all"
    ),
    ("Clearinghouse._checkFill", "never true", "fill.sizeDelta == 0"): _WHOLE,
    ("Lens.quote", "never true", "fill.sizeDelta == 0"): _WHOLE,
}
