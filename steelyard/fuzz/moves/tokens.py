"""The settlement token itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import EVERYBODY, TOKEN, TRADERS

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


@aim("token")
def move_tokens(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(TRADERS)
    return s.call(owner, "LocalToken", "transfer", c.pick(EVERYBODY), c.amount(0, min(s.tokens(owner), TOKEN)))


@aim("token", "ERC20InsufficientBalance")
def move_too_many_tokens(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(TRADERS)
    return s.call(owner, "LocalToken", "transfer", c.pick(EVERYBODY), s.tokens(owner) + c.amount(1, 10**30))
