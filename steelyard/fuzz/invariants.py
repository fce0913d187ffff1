"""Invariants that need what the contracts show, beside those of the model's own state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.scenario import ACCOUNTS

if TYPE_CHECKING:
    from steelyard.fuzz.scenario import Scenario

_UNIT = 10**12


def check_claims(scenario: Scenario) -> None:
    """Check that what all accounts and the pool are worth now, pending funding included, is what is held (I4).

    All prices must be fresh.
    """
    get = scenario.pair.get
    risks = [scenario.risk(account) for account in ACCOUNTS]
    _, equity, value, insurance, tokens = get("Lens", "poolView")
    claims = sum(risk[0] for risk in risks if risk is not None) + equity + insurance
    held = tokens * _UNIT
    positions = sum(len(scenario.open_markets(account)) for account in ACCOUNTS)
    # Each position rounds its worth, its funding and its entry sum, each market its skew and its funding, always down.
    dust = 3 * positions + 2 * len(scenario.markets)
    assert held - dust <= claims <= held, f"I4: claims {claims}, tokens {held}, dust {dust}"
    assert value <= equity, f"the pool's potential is negative: {value}, {equity}"
