"""The exact-integer twin of ``contracts/``, file for file and name for name.

Every success, revert, event and rounding is the contracts' own. Start with `World`.
"""

from sim.protocol.outcome import ErrorValue, Event, Outcome
from sim.protocol.world import Settings, World

__all__ = ["ErrorValue", "Event", "Outcome", "Settings", "World"]
