"""A crowded book: many accounts of all kinds, most of them on one side."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from sim.protocol.libraries import pricing
from sim.protocol.types.account import MarginMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.protocol.types.market import MarketConfig

__all__ = ["KINDS", "CrowdSettings", "Trader", "crowd", "net_notional"]

_WAD: Final = 10**18
_E8: Final = 10**8
_TOKEN: Final = 10**6
_SPREAD: Final = 1.0
"""Of the logarithm of what accounts are worth."""
_LEAST_LEVERAGE: Final = 2.0
_OF_MOST: Final = 0.8
"""What the margin ratio allows is not used up: entering moves the price and pays a fee."""
_WITH_THE_CROWD: Final = 0.85

KINDS: Final = {"isolated": 40, "cross": 25, "hedge": 20, "unlevered": 15}
"""Of a hundred accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdSettings:
    """What a book is made of.

    Attributes
    ----------
    is_long
        Which side is crowded.
    accounts
        How many there are.
    crowding
        Open interest of the crowded side where it is largest, as part of its cap; less where a side would exceed one.
    pool
        What the pool starts with, as part of the notional of the skew.
    redeem
        Part of the pool's shares whose holders ask for their money as soon as they are alarmed.
    alarm
        What the price of some market must have fallen by to alarm them, as part of where it started.
    insurance
        What the insurance fund starts with, as part of the same.
    insurance_cap
        What the bad debt of one market may draw from the fund on one day, as part of what it starts with.
    seed
        Of all that is drawn.
    """

    is_long: bool = True
    accounts: int = 150
    crowding: float = 0.1
    pool: float = 0.15
    redeem: float = 0.0
    alarm: float = 0.03
    insurance: float = 0.002
    insurance_cap: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Trader:
    """One account before it opens its positions.

    Attributes
    ----------
    kind
        One of `KINDS`.
    mode
        Of margin.
    leverage
        Gross notional over deposit.
    legs
        Markets and sizes [base wad].
    deposit
        [token units]
    """

    kind: str
    mode: MarginMode
    leverage: float
    legs: tuple[tuple[int, int], ...]
    deposit: int


def crowd(
    settings: CrowdSettings, configs: Sequence[MarketConfig], markets: Sequence[int], prices: Sequence[int]
) -> tuple[Trader, ...]:
    """Draw a book.

    Parameters
    ----------
    settings
        What it is made of.
    configs
        Of all markets.
    markets
        Those with prices.
    prices
        Theirs [1e-8 USD].
    """
    draw = Random(settings.seed)
    caps = [
        pricing.open_interest_cap(configs[market]) * price // _E8 for market, price in zip(markets, prices, strict=True)
    ]
    kinds = [kind for kind, share in KINDS.items() for _ in range(share)]
    drawn = []
    for number in range(settings.accounts):
        kind = kinds[number * len(kinds) // settings.accounts]
        drawn.append((kind, *_legs(draw, kind, len(markets), caps, is_long=settings.is_long)))
    draw.shuffle(drawn)

    # One scale for all, so that hedges stay hedges.
    sides = [[0.0, 0.0] for _ in markets]
    for _, _, legs in drawn:
        for place, money in legs:
            sides[place][money < 0] += abs(money)
    fullest = max(side[not settings.is_long] / cap for side, cap in zip(sides, caps, strict=True))
    # Hedges may make the other side of a market the fuller one: it ends at its cap, too.
    most_full = max(max(side) / cap for side, cap in zip(sides, caps, strict=True))
    scale = min(settings.crowding / fullest, 1 / most_full)
    slip = 0.001 + settings.crowding * max(configs[market].max_open_interest for market in markets) / 10_000
    traders = []
    for kind, part, legs in drawn:
        most = min(10_000 / configs[markets[place]].margin_ratio for place, _ in legs) * _OF_MOST
        leverage = 0.2 + 0.8 * part if kind == "unlevered" else _LEAST_LEVERAGE * (most / _LEAST_LEVERAGE) ** part
        sized, gross = [], 0.0
        for place, money in legs:
            config, price = configs[markets[place]], prices[place]
            least = pricing.min_size(config)
            size = max(int(abs(money) * scale * _E8 / price) // least, 2) * least
            gross += size * price / (_E8 * _WAD)
            sized.append((markets[place], size if money > 0 else -size))
        deposit = int(gross / leverage + gross * slip) + 30
        mode = {"isolated": MarginMode.ISOLATED, "hedge": MarginMode.PORTFOLIO}.get(kind, MarginMode.CROSS)
        traders.append(Trader(kind, mode, leverage, tuple(sized), deposit * _TOKEN))
    return tuple(traders)


def net_notional(traders: Sequence[Trader], markets: Sequence[int], prices: Sequence[int]) -> int:
    """Return the notional of what all legs leave in each market, added up [quote wad]."""
    net = dict.fromkeys(markets, 0)
    for trader in traders:
        for market, size in trader.legs:
            net[market] += size
    return sum(abs(net[market]) * price // _E8 for market, price in zip(markets, prices, strict=True))


def _legs(
    draw: Random, kind: str, count: int, caps: Sequence[int], *, is_long: bool
) -> tuple[float, list[tuple[int, float]]]:
    """Return where between least and most the leverage lies, and places of markets with signed money."""
    part = draw.random()
    sign = 1 if (draw.random() < _WITH_THE_CROWD) == is_long else -1
    money = draw.lognormvariate(0, _SPREAD)
    places = list(range(count))
    one = draw.choices(places, weights=caps)[0]
    if kind == "cross" and count > 1:
        chosen = sorted(draw.sample(places, draw.randint(2, count)))
        return part, [(place, sign * money * caps[place] / max(caps[at] for at in chosen)) for place in chosen]
    if kind == "hedge" and count > 1:
        other = draw.choice([place for place in places if place != one])
        even = min(1.0, caps[other] / caps[one])
        side = draw.choice((1, -1))
        return part, [(one, side * money * even), (other, -side * money * even)]
    if kind == "unlevered":
        sign = draw.choice((1, -1))
    return part, [(one, sign * money)]
