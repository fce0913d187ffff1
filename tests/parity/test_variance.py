"""The variance at the end of its bits, where a campaign's prices do not go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from steelyard.fuzz.scenario import Scenario

pytestmark = pytest.mark.evm

_JUMPS = 80
"""Each adds at most a quarter, and the bits hold 18.4."""


def test_update__price_that_doubles_and_halves_each_second__variance_ends_at_the_largest_value(
    scenario: Scenario,
) -> None:
    low = scenario.price(0)
    for jump in range(_JUMPS):
        assert scenario.publish({0: low if jump % 2 else 2 * low}).ok
    assert scenario.price_state(0)[3] == 2**64 - 1
    scenario.compare_words()
