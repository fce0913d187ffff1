"""Skew-velocity funding (``FundingRate.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol.evm import trunc_div

if TYPE_CHECKING:
    from sim.protocol.types.market import FundingState, Market, MarketConfig, Side

__all__ = ["accrue", "integrate", "max_rate_per_second", "payment_up", "preview_index", "velocity_at"]

_RATE_SCALE: Final = 10**14
_SECONDS_PER_DAY: Final = 86_400
_INDEX_SCALE: Final = 10**33


def accrue(market: Market, price: int, timestamp: int) -> None:
    """Bring rate and both indices of `market` up to date (``FundingRate.sol::accrue``).

    Parameters
    ----------
    market : Market
        Changed in place.
    price : int
        Oracle price [wad].
    timestamp : int
        Now [seconds].
    """
    funding = market.funding
    if timestamp == funding.accrued_at:
        return
    rate, accrual = integrate(funding, timestamp)
    longs, shorts = market.longs, market.shorts
    longs.index += payment_up(longs, accrual, price)
    shorts.index += payment_up(shorts, -accrual, price)
    funding.rate = rate
    funding.accrued_at = timestamp


def preview_index(funding: FundingState, side: Side, is_long: bool, price: int, timestamp: int) -> int:
    """Return the index that `side` would have after an accrual [quote wad] (``FundingRate.sol::previewIndex``)."""
    if timestamp == funding.accrued_at:
        return side.index
    _, accrual = integrate(funding, timestamp)
    return side.index + payment_up(side, accrual if is_long else -accrual, price)


def integrate(funding: FundingState, timestamp: int) -> tuple[int, int]:
    """Return the rate at `timestamp` and its integral since `accrued_at` (``FundingRate.sol::integrate``).

    Returns
    -------
    rate : int
        ``clamp(r + v * dt)`` [1e-18 per second].
    accrual : int
        Integral of the clamped rate [1e-18]; quotients round towards zero.
    """
    before, velocity = funding.rate, funding.velocity
    elapsed = timestamp - funding.accrued_at
    unbounded = before + velocity * elapsed
    bound = max_rate_per_second(funding.max_rate)
    rate = bound if unbounded > bound else max(unbounded, -bound)
    change = rate - before
    if rate == unbounded:
        return rate, rate * elapsed - trunc_div(change * elapsed, 2)
    return rate, rate * elapsed - trunc_div(change * change, 2 * velocity)


def payment_up(side: Side, accrual: int, price: int) -> int:
    """Return what one share pays for `accrual` [quote wad], up (``FundingRate.sol::paymentUp``)."""
    return -(-side.multiplier * accrual * price // _INDEX_SCALE)


def velocity_at(config: MarketConfig, skew: int) -> int:
    """Return the velocity for a skew [1e-18 per second^2], towards zero (``FundingRate.sol::velocityAt``)."""
    scale = config.skew_scale * 10**9
    clamped = scale if skew > scale else max(skew, -scale)
    if clamped >= 0:
        return config.max_funding_velocity * clamped // scale
    return -(config.max_funding_velocity * -clamped // scale)


def max_rate_per_second(max_rate: int) -> int:
    """Return the bound on ``|rate|`` [1e-18 per second], down (``FundingRate.sol::maxRatePerSecond``)."""
    return max_rate * _RATE_SCALE // _SECONDS_PER_DAY
