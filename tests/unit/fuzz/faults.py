"""Faults that are planted in the exact model, one at a time, and what the fuzzer must make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.protocol.libraries import funding_rate, liquidation, positions, pricing, volatility
from sim.protocol.types.shares import indexed_up
from steelyard.fuzz.campaign import run_seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import pytest

    from sim.protocol.types.account import Position
    from sim.protocol.types.ledger import RiskConfig
    from sim.protocol.types.market import Market, MarketConfig
    from steelyard.fuzz.campaign import Failure

STEPS = 2_500
SEEDS = 12
DAY = 86_400

_velocity_at = funding_rate.velocity_at
_open_interest_cap = pricing.open_interest_cap
_updated_variance = volatility.updated_variance


@dataclass(frozen=True, slots=True)
class Fault:
    """A function of the model's libraries that does something else, and how many steps must suffice to show it."""

    module: ModuleType
    function: str
    instead: Callable[..., Any]
    longest: int

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in."""
        monkeypatch.setattr(self.module, self.function, self.instead)

    def found(self, seed: int = 1) -> Failure:
        """Return the first failure of the seeds from `seed` on, the fault being planted."""
        for number in range(seed, seed + SEEDS):
            failure = run_seed(number, STEPS).failure
            if failure is not None:
                return failure
        raise AssertionError(f"{SEEDS} seeds do not find it")


def _fee_down(config: MarketConfig, size_delta: int, price: int, skew: int) -> int:
    size = abs(size_delta)
    making = min(size, abs(skew)) if (size_delta ^ skew) < 0 else 0
    return (making * config.maker_fee + (size - making) * config.taker_fee) * price // 10**24


def _remove_down(market: Market, position: Position) -> int:
    shares = position.shares
    if shares == 0:
        return 0
    side = positions.side_of(market, shares)
    side.shares -= abs(shares)
    market.funding.entry_sum -= shares * position.entry_index // 10**18
    return indexed_up(shares, side.index - position.entry_index)


def _velocity_turned(config: MarketConfig, skew: int) -> int:
    return -_velocity_at(config, skew)


def _penalty_down(notional: int, config: RiskConfig) -> int:
    return notional * config.penalty_ratio // 10**6


def _twice_the_cap(config: MarketConfig) -> int:
    return 2 * _open_interest_cap(config)


def _forgetful_variance(variance: int, previous: int, price: int, elapsed: int, tau: int) -> int:
    return 0 if elapsed > 3 * DAY else _updated_variance(variance, previous, price, elapsed, tau)


FAULTS = {
    "fee rounds down": Fault(pricing, "fee_up", _fee_down, 8),
    "entry sum leaves rounded down": Fault(positions, "_remove", _remove_down, 12),
    "funding drifts the wrong way": Fault(funding_rate, "velocity_at", _velocity_turned, 8),
    "penalty rounds down": Fault(liquidation, "penalty_up", _penalty_down, 12),
    "cap is doubled": Fault(pricing, "open_interest_cap", _twice_the_cap, 8),
    "variance forgets": Fault(volatility, "updated_variance", _forgetful_variance, 8),
}
