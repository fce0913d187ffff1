"""Markets: sides, funding and parameters (``Market.sol``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

__all__ = ["MARKET_CONFIG", "PORTFOLIO_CONFIG", "FundingState", "Market", "MarketConfig", "PortfolioConfig", "Side"]

MARKET_CONFIG: Final = "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
"""ABI type of `MarketConfig`."""

PORTFOLIO_CONFIG: Final = "(uint256,int256[3],int256[8])"
"""ABI type of `PortfolioConfig`."""


@dataclass(slots=True)
class Side:
    """One side of a market.

    Parameters
    ----------
    shares : int
        Of all positions of the side [wad].
    index : int
        Cumulative payment per share [quote wad]; a position pays its growth, a fall is income.
    multiplier : int
        Base units per share [1e15 = 1].
    """

    shares: int = 0
    index: int = 0
    multiplier: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (self.shares, self.index, self.multiplier)


@dataclass(slots=True)
class FundingState:
    """Funding of a market.

    Parameters
    ----------
    entry_sum : int
        Sum over positions of ``ceil(|shares| * entry_index)`` [quote wad].
    rate : int
        Funding rate [1e-18 per second], longs pay when positive.
    velocity : int
        Change of the rate [1e-18 per second^2].
    accrued_at : int
        When the indices were last brought up to date [seconds].
    max_rate : int
        Bound on ``|rate|`` [1e-4 per day].
    """

    entry_sum: int = 0
    rate: int = 0
    velocity: int = 0
    accrued_at: int = 0
    max_rate: int = 0

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (self.entry_sum, self.rate, self.velocity, self.accrued_at, self.max_rate)


class MarketConfig(NamedTuple):
    """Parameters of a market.

    Parameters
    ----------
    skew_scale : int
        Skew at which the price moves by all of itself [1e-9 base units].
    max_open_interest : int
        Cap on each side [1e-4 of skew_scale].
    min_size : int
        Smallest position [1e-9 base units].
    max_funding_velocity : int
        Velocity at full skew [1e-18 per second^2].
    taker_fee, maker_fee : int
        On what grows and what shrinks ``|skew|`` [1e-6 of notional].
    margin_ratio : int
        Initial margin [1e-4 of notional].
    maintenance_fraction : int
        Maintenance margin [1e-4 of initial margin, before volatility].
    concentration : int
        What the margin ratio grows by at a size of `skew_scale`, in proportion to size [1e-4 of itself].
    volatility_multiple : int
        Least initial margin in daily standard deviations of the price [1e-2], 0 for none.
    """

    skew_scale: int = 0
    max_open_interest: int = 0
    min_size: int = 0
    max_funding_velocity: int = 0
    taker_fee: int = 0
    maker_fee: int = 0
    margin_ratio: int = 0
    maintenance_fraction: int = 0
    concentration: int = 0
    volatility_multiple: int = 0


class PortfolioConfig(NamedTuple):
    """How a position's margin nets with that of positions in other markets, in 1e-4 of the market's own margin.

    Parameters
    ----------
    hedgeable : int
        What offsetting positions may save at most; the rest is a floor that is always required.
    loadings : tuple of int
        On three common factors; what they leave of `hedgeable`, in squares, is the market's own risk.
    shocks : tuple of int
        Price moves in eight joint scenarios, negative for a fall, at most `hedgeable`.
    """

    hedgeable: int = 0
    loadings: tuple[int, ...] = (0,) * 3
    shocks: tuple[int, ...] = (0,) * 8


@dataclass(slots=True)
class Market:
    """All of a market."""

    longs: Side
    shorts: Side
    funding: FundingState
    config: MarketConfig

    @classmethod
    def empty(cls) -> Market:
        """Return what the storage of an unlisted market reads as."""
        return cls(Side(), Side(), FundingState(), MarketConfig())

    def copy(self) -> Market:
        """Return a copy, as a load into memory."""
        longs, shorts, funding = self.longs, self.shorts, self.funding
        return Market(
            Side(longs.shares, longs.index, longs.multiplier),
            Side(shorts.shares, shorts.index, shorts.multiplier),
            FundingState(funding.entry_sum, funding.rate, funding.velocity, funding.accrued_at, funding.max_rate),
            self.config,
        )

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the ABI form."""
        return (self.longs.as_tuple(), self.shorts.as_tuple(), self.funding.as_tuple(), tuple(self.config))
