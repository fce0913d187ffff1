"""The cast of the demonstration: who trades what, with how much leverage, and what they do during the day.

Everything follows from a seed, so that a run can be repeated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from eth_utils.crypto import keccak

from steelyard.client.records import MarginMode, to_account_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steelyard.client.records import AccountId

__all__ = ["LEVERAGES", "Action", "Leg", "Plan", "Trader", "cast"]

LEVERAGES: Final = (2, 3, 5, 10, 20)

_UNIT: Final = 10**6
_NOTIONAL: Final = (60_000, 420_000)
"""Notional of a trader at the opening [USD]: much the same for all, so that leverage decides about the deposit."""

_MODES: Final = (MarginMode.ISOLATED, MarginMode.CROSS, MarginMode.PORTFOLIO)
_SIDES: Final = ("long", "short", "long", "short", "long")
_WEIGHTS: Final = (50, 30, 20)


class Action(StrEnum):
    """What a trader does after the opening."""

    REDUCE = "reduce"
    ADD = "add"
    CLOSE = "close"
    FLIP = "flip"
    DELEVERAGE = "deleverage"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Leg:
    """One position of a trader: the market's number, and its part of the notional, negative where short [1e-2]."""

    market: int
    percent: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An action at a tick."""

    tick: int
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """One trader: an address with a trading account and, beside an isolated one, a reserve.

    Attributes
    ----------
    address : str
        Owner of the accounts.
    account : AccountId
        That trades.
    reserve : AccountId or None
        That holds what margin may be added from.
    leverage : int
        At the opening.
    mode : MarginMode
        Of the trading account.
    side : str
        Of the net exposure.
    legs : tuple of Leg
        One per market.
    deposit : int
        Into the trading account [token units].
    reserve_deposit : int
        Into the reserve [token units].
    opens_at : int
        Tick whose price fills the opening.
    plans : tuple of Plan
        What comes after.
    """

    address: str
    account: AccountId
    reserve: AccountId | None
    leverage: int
    mode: MarginMode
    side: Literal["long", "short"]
    legs: tuple[Leg, ...]
    deposit: int
    reserve_deposit: int
    opens_at: int
    plans: tuple[Plan, ...]


def cast(count: int, ticks: int, markets: int, seed: int) -> tuple[Trader, ...]:
    """Return `count` traders for a window of `ticks`.

    Leverage goes round first, then the margin mode, then the side (three longs on two shorts), so that each
    combination is there as soon as there are thirty traders.
    """
    rng = random.Random(seed)
    return tuple(_trader(number, ticks, markets, seed, rng) for number in range(count))


def _trader(number: int, ticks: int, markets: int, seed: int, rng: random.Random) -> Trader:
    leverage = LEVERAGES[number % len(LEVERAGES)]
    mode = _MODES[number // len(LEVERAGES) % len(_MODES)]
    turn = number // (len(_MODES) * len(LEVERAGES))
    side: Literal["long", "short"] = "long" if _SIDES[turn % len(_SIDES)] == "long" else "short"
    address = "0x" + keccak(text=f"steelyard demo trader {seed} {number}")[12:].hex()
    isolated = mode is MarginMode.ISOLATED
    deposit = rng.randrange(*_NOTIONAL) * _UNIT // leverage
    opens_at = _opening(ticks, side, rng)
    return Trader(
        address=address,
        account=to_account_id(address, 1 if isolated else 0),
        reserve=to_account_id(address, 0) if isolated else None,
        leverage=leverage,
        mode=mode,
        side=side,
        legs=_legs(mode, side, markets, rng),
        deposit=deposit,
        reserve_deposit=deposit if isolated else 0,
        opens_at=opens_at,
        plans=_plans(opens_at, ticks, isolated, rng),
    )


def _legs(mode: MarginMode, side: str, markets: int, rng: random.Random) -> tuple[Leg, ...]:
    """One market; two or three for most cross accounts, every other of which hedges with its smaller legs, as all
    portfolios do.
    """
    sign = 1 if side == "long" else -1
    numbers = list(range(markets))
    weights: Sequence[int] = (_WEIGHTS + (10,) * markets)[:markets]
    counts = {MarginMode.ISOLATED: (1,), MarginMode.CROSS: (1, 2, 2, 3), MarginMode.PORTFOLIO: (2, 3)}
    count = min(markets, rng.choice(counts[mode]))
    chosen: list[int] = []
    while len(chosen) < count:
        market = rng.choices(numbers, weights)[0]
        if market not in chosen:
            chosen.append(market)
    if count == 1:
        return (Leg(chosen[0], 100 * sign),)
    hedge = -1 if mode is MarginMode.PORTFOLIO else rng.choice((1, -1))
    parts = {2: (65, 35), 3: (50, 30, 20)}[count]
    return tuple(
        Leg(market, part * sign * (1 if place == 0 else hedge))
        for place, (market, part) in enumerate(zip(chosen, parts, strict=True))
    )


def _opening(ticks: int, side: str, rng: random.Random) -> int:
    """Most open early; some during the day; some longs buy the dip, after the middle of the window."""
    kind = rng.random()
    if kind < 0.6:
        first, last = 0.01, 0.12
    elif kind < 0.82 or side == "short":
        first, last = 0.12, 0.5
    else:
        first, last = 0.55, 0.68
    return max(1, min(ticks - 1, round(ticks * rng.uniform(first, last))))


def _plans(opens_at: int, ticks: int, isolated: bool, rng: random.Random) -> tuple[Plan, ...]:
    """At most two actions; whoever closes early may draw the money out."""
    plans = []
    tick = opens_at
    for _ in range(2):
        tick += round(ticks * rng.uniform(0.05, 0.4)) + 1
        if tick >= ticks - 1 or rng.random() < 0.45:
            continue
        menu = [Action.REDUCE, Action.REDUCE, Action.ADD, Action.CLOSE, Action.FLIP]
        if isolated:
            menu += [Action.DELEVERAGE] * 3
        action = rng.choice(menu)
        plans.append(Plan(tick, action))
        if action is Action.CLOSE:
            if rng.random() < 0.7:
                plans.append(Plan(tick + 1, Action.WITHDRAW))
            break
    return tuple(plans)
