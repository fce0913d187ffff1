"""Skew-priced fills (``Pricing.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sim.protocol.types.market import MarketConfig

__all__ = [
    "average_price",
    "close_cost_up",
    "cost_up",
    "depth",
    "fee_up",
    "min_size",
    "open_interest_cap",
    "potential_up",
    "worst_of",
    "worth_down",
]

_MILLION: Final = 10**6
_UINT96_MAX: Final = 2**96 - 1
_WAD: Final = 10**18
_FEE_SCALE: Final = 10**24
_NANO: Final = 10**9


def potential_up(config: MarketConfig, skew: int, price: int) -> int:
    """Return what traders would be paid beyond the oracle price for unwinding `skew` (``Pricing.sol::potentialUp``)."""
    return -(-skew * skew * price // (2 * depth(config) * _WAD))


def cost_up(size_delta: int, price: int, skew: int, scale: int) -> int:
    """Return the quote paid for a change [wad], up; negative when received (``Pricing.sol::costUp``).

    ``size_delta * price * (2*scale + 2*skew + size_delta) / (2*scale)``: a difference of the potential
    ``price * skew^2 / (2*scale)`` beside ``size_delta * price``. Rounded twice, both times against the trader.

    Parameters
    ----------
    size_delta : int
        Change of the position [base wad].
    price : int
        Oracle price [wad].
    skew : int
        Longs less shorts before [base wad]; at most `scale` before and after, so the bracket is not negative.
    scale : int
        Depth of the market [base wad].
    """
    bracket = 2 * (scale + skew) + size_delta
    if size_delta < 0:
        return -(-size_delta * price // _WAD * bracket // (2 * scale))
    return -(size_delta * price // -_WAD * bracket // (2 * scale))


def fee_up(config: MarketConfig, size_delta: int, price: int, skew: int) -> int:
    """Return taker and maker fee of a change [quote wad], up (``Pricing.sol::feeUp``)."""
    size = abs(size_delta)
    making = min(size, abs(skew)) if (size_delta ^ skew) < 0 else 0
    charged = making * config.maker_fee + (size - making) * config.taker_fee
    return -(-charged * price // _FEE_SCALE)


def close_cost_up(config: MarketConfig, size: int, price: int, skew: int) -> int:
    """Return what closing `size` loses against the oracle price [quote wad], up (``Pricing.sol::closeCostUp``)."""
    impact = cost_up(-size, price, skew, depth(config)) - worth_down(-size, price)
    return impact + fee_up(config, -size, price, skew)


def worst_of(price: int, confidence: int, *, is_buy: bool) -> int:
    """Return the end of a confidence interval that is worse for the trader [wad] (``Pricing.sol::worstOf``).

    Parameters
    ----------
    price : int
        Middle of the interval [wad].
    confidence : int
        Half of its width, at most all of the price [1e-6 of price].
    is_buy : bool
        Whether the trader buys.
    """
    width = -(-price * confidence // _MILLION)
    return min(price + width, _UINT96_MAX) if is_buy else price - width


def average_price(size_delta: int, cost: int) -> int:
    """Return the average price of a fill [wad], against the trader (``Pricing.sol::averagePrice``)."""
    value = abs(cost) * _WAD
    return -(-value // size_delta) if size_delta > 0 else value // -size_delta


def worth_down(size_delta: int, price: int) -> int:
    """Return `size_delta` at `price` [quote wad], down (``Pricing.sol::worthDown``)."""
    return size_delta * price // _WAD


def depth(config: MarketConfig) -> int:
    """Return the depth of a market [base wad] (``Pricing.sol::depth``)."""
    return config.skew_scale * _NANO


def open_interest_cap(config: MarketConfig) -> int:
    """Return the cap on the open interest of one side [base wad], down (``Pricing.sol::openInterestCap``)."""
    return config.skew_scale * _NANO * config.max_open_interest // 10_000


def min_size(config: MarketConfig) -> int:
    """Return the smallest position [base wad] (``Pricing.sol::minSize``)."""
    return config.min_size * _NANO
