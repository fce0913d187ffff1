"""Planted bugs: whoever changes the fuzzer can tell whether it still finds them.

Each is a small exact substitution in the contracts, planted alone in a copy that is thrown away. All classes of bugs
that audits of perpetuals found are among them. `steelyard.fuzz.self_test` plants them and runs the campaign.
"""

from __future__ import annotations

from steelyard.fuzz.canaries.accounts import CHECKS, MONEY, PERMISSIONS
from steelyard.fuzz.canaries.canary import Canary, CanaryRotten, Sources
from steelyard.fuzz.canaries.funding import FUNDING, POSITIONS
from steelyard.fuzz.canaries.guard import CONFIDENCE, GUARDS
from steelyard.fuzz.canaries.oracle import PRICES, VIEWS
from steelyard.fuzz.canaries.orders import ORDERS, RESTING, TRIGGERS
from steelyard.fuzz.canaries.portfolio import MODES, NETTING, PARAMETERS, REQUIREMENTS
from steelyard.fuzz.canaries.rounding import NUMBERS, ROUNDING
from steelyard.fuzz.canaries.settling import BATCHES, PROVEN, SETTLING, SIGNED
from steelyard.fuzz.canaries.trades import FEES, LIQUIDATION
from steelyard.fuzz.canaries.vault import CLAIMS, REQUESTS, SETTLEMENT, TOLD
from steelyard.fuzz.canaries.waterfall import DELEVERAGING, EXTENSION, INSURANCE, POOL, RELOCATION

__all__ = ["CANARIES", "Canary", "CanaryRotten", "Sources"]

CANARIES: dict[str, Canary] = {
    canary.id: canary
    for group in (
        ROUNDING,
        NUMBERS,
        FUNDING,
        POSITIONS,
        PERMISSIONS,
        MONEY,
        CHECKS,
        FEES,
        LIQUIDATION,
        PRICES,
        GUARDS,
        CONFIDENCE,
        ORDERS,
        RESTING,
        TRIGGERS,
        SETTLING,
        PROVEN,
        SIGNED,
        BATCHES,
        VIEWS,
        NETTING,
        MODES,
        PARAMETERS,
        REQUIREMENTS,
        DELEVERAGING,
        POOL,
        INSURANCE,
        RELOCATION,
        EXTENSION,
        REQUESTS,
        SETTLEMENT,
        CLAIMS,
        TOLD,
    )
    for canary in group
}
"""All planted bugs by id."""
