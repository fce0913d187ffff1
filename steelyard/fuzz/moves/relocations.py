"""Positions that move between accounts of one owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.types.shares import ONE_MULTIPLIER
from steelyard.evm.deployment import ADMIN
from steelyard.fuzz.moves.parts import any_account, any_holder, enlarge, holders
from steelyard.fuzz.moves.pool import deleverage_a_weak_pool
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import ACCOUNTS, KIM, OSCAR, TRADING_ACCOUNTS, UINT128_MAX, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


def _move(s: Scenario, account: int, market: int, size: int, *, to: int | None = None) -> Outcome:
    target = account ^ 1 if to is None else to
    return s.call(owner_of(account), "Clearinghouse", "movePosition", account, target, market, size)


def _scaled(s: Scenario) -> list[tuple[int, int]]:
    """Return every account with a market in which its side was deleveraged."""
    s.freshen()
    return [(a, m) for a, m in holders(s) if s.market(m)[s.size(a, m) < 0][2] != ONE_MULTIPLIER]


def _share(s: Scenario, c: Choices, account: int, market: int) -> int:
    """Return a part of a position that leaves no dust, or more than all of it."""
    size = abs(s.size(account, market))
    if c.chance(40):
        return c.pick((size, size + 1, UINT128_MAX)) or 1
    least = s.min_size(market)
    return c.amount(least, max(least, size - least))


@aim("relocate")
def relocate(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    free = s.free(account)
    if free > WAD and c.chance(60):
        s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, min(free // 2, UINT128_MAX))
    return _move(s, account, market, _share(s, c, account, market))


@aim("relocate")
def relocate_onto_a_position(s: Scenario, c: Choices) -> Outcome:
    """Both accounts hold the market, on one side or on two."""
    account, market = any_holder(s, c)
    enlarge(s, c, account ^ 1, market, share=c.integer(100, 500))
    return _move(s, account, market, _share(s, c, account, market))


@aim("relocate")
def relocate_a_part_that_was_deleveraged(s: Scenario, c: Choices) -> Outcome:
    """Move a part of a position whose side has a multiplier of its own: sizes are not whole shares there."""
    scaled = _scaled(s)
    if not scaled:
        deleverage_a_weak_pool(s, c)
        scaled = _scaled(s)
    account, market = c.pick(scaled) if scaled else any_holder(s, c)
    free = s.free(account)
    if free > WAD:
        s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, min(free // 2, UINT128_MAX))
    least, size = s.min_size(market), abs(s.size(account, market))
    return _move(s, account, market, c.amount(least, max(least, size - least)))


@aim("relocate", "MarginInsufficient")
def relocate_to_the_poor(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    free = min(s.free(account ^ 1), UINT128_MAX)
    if free:
        s.call(owner_of(account), "Clearinghouse", "transfer", account ^ 1, account, free)
    return _move(s, account, market, _share(s, c, account, market))


@aim("relocate", "SizeBelowMinimum")
def relocate_all_but_dust(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    size, least = abs(s.size(account, market)), s.min_size(market)
    return _move(s, account, market, c.pick((max(1, size - c.amount(1, least - 1)), c.amount(1, least - 1))))


@aim("relocate", "SizeZero")
def relocate_nothing(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    return _move(s, account, market, 0)


@aim("relocate", "PositionMissing")
def relocate_what_is_not_there(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    market = c.pick([m for m in s.markets if not s.size(account, m)] or s.markets)
    return _move(s, account, market, c.amount(1, WAD))


@aim("relocate", "MarketUnknown")
def relocate_in_no_market(s: Scenario, c: Choices) -> Outcome:
    return _move(s, any_account(c), c.integer(len(s.markets), 255), c.amount(1, WAD))


@aim("relocate", "AccountPairInvalid")
def relocate_to_another(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    others = [a for a in ACCOUNTS if owner_of(a) != owner_of(account)]
    return _move(s, account, market, c.amount(1, WAD), to=c.pick([account, *others]))


@aim("relocate", "AccountUnauthorized")
def relocate_unasked(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    sender = c.pick((KIM, ADMIN, OSCAR))
    return s.call(sender, "Clearinghouse", "movePosition", account, account ^ 1, market, c.amount(1, WAD))


@aim("relocate", "OpenMarketsExceeded")
def relocate_to_an_isolated_account(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    target = account ^ 1
    other = c.pick([m for m in s.markets[:3] if m != market])
    if not s.open_markets(target):
        enlarge(s, c, target, other, share=200)
    s.call(owner_of(target), "Clearinghouse", "setMarginMode", target, 1)
    outcome = _move(s, account, market, _share(s, c, account, market))
    s.call(owner_of(target), "Clearinghouse", "setMarginMode", target, 0)
    return outcome


@aim("relocate", "PriceStale")
def relocate_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    account, market = any_holder(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    account = c.pick([a for a in TRADING_ACCOUNTS if s.size(a, market)] or [account])
    return _move(s, account, market, c.amount(1, WAD))
