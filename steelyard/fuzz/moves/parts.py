"""What many moves are made of: whom to choose, how to trade, how to sink an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.scenario import INT128_MAX, KIMS, TRADING_ACCOUNTS, UINT128_MAX, WAD, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


def any_account(c: Choices) -> int:
    """Return an account of a trader."""
    return c.pick(TRADING_ACCOUNTS)


def any_market(s: Scenario, c: Choices) -> int:
    """Return a market that has a price, one of the first three more often."""
    priced = [market for market in s.markets if s.price_state(market)[1]]
    return c.pick(priced[:3] if c.chance(80) else priced) if priced else 0


def holders(s: Scenario) -> list[tuple[int, int]]:
    """Return every account of a trader with a market in which it has a position."""
    return [(account, market) for account in TRADING_ACCOUNTS for market in s.open_markets(account)]


def any_holder(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return an account and a market in which it has a position, opening one where nobody has."""
    s.freshen()
    found = holders(s)
    if not found:
        account, market = any_account(c), any_market(s, c)
        enlarge(s, c, account, market)
        return account, market
    return c.pick(found)


def weak_holder(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return one of the accounts with the highest leverage, and the market of its largest position."""
    s.freshen()
    risks = [
        (risk[0] * WAD // risk[3], account) for account in TRADING_ACCOUNTS if (risk := s.risk(account)) and risk[3]
    ]
    if not risks:
        return any_holder(s, c)
    account = c.pick([account for _, account in sorted(risks)][:3])
    return account, max(s.open_markets(account), key=lambda market: abs(s.size(account, market)) * s.price(market))


def free_slot(s: Scenario, c: Choices, account: int) -> int:
    """Return an order slot of an account that is free."""
    slot = c.integer(0, 255)
    while s.book.stored().get((account, slot)) is not None:
        slot = (slot + 1) % 256
    return slot


def side_of(s: Scenario, c: Choices, account: int, market: int) -> int:
    """Return the sign of a position, any sign where there is none."""
    size = s.size(account, market)
    return (size > 0) - (size < 0) or c.pick((1, -1))


def execute(
    s: Scenario,
    c: Choices,
    account: int,
    market: int,
    size: int,
    *,
    acceptable: int | None = None,
    fee: int | None = None,
) -> Outcome:
    """Trade directly or by an order, with or without a keeper's fee."""
    size = max(-INT128_MAX, min(INT128_MAX, size))
    pays = c.amount(1, WAD) if fee is None and c.chance(30) else fee or 0
    if size == 0 or c.chance(60):
        keeper = c.pick((KIMS, account)) if pays else c.pick((0, KIMS))
        return s.trade(account, market, size, acceptable=acceptable, keeper=keeper, fee=pays)
    slot = c.integer(0, 3)
    order = s.order(account, market, size, slot=slot, acceptable=acceptable, fee=pays)
    committed = s.commit(order)
    return s.settle(order, after=s.min_delay + c.integer(0, 5)) if committed.ok else committed


def enlarge(s: Scenario, c: Choices, account: int, market: int, *, share: int | None = None) -> Outcome:
    """Open or enlarge a position by a share [1e-3] of what margin allows."""
    sign = side_of(s, c, account, market)
    most = s.capacity(account, market, sign)
    low = 0 if s.size(account, market) else s.min_size(market)
    size = c.amount(min(low, most), most) if share is None else most * share // 1000
    return execute(s, c, account, market, sign * max(1, size))


def shock(s: Scenario, account: int, market: int, loss: int) -> None:
    """Move the price of one market so that an account loses `loss` [wad] in it, and keep all fresh."""
    size = s.size(account, market)
    price = s.price(market)
    change = -(-loss * WAD // max(1, abs(size)))
    moved = price - change if size > 0 else price + change
    bounded = max(price // 20, min(price * 20, moved))
    s.publish({m: bounded if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})


def sink(s: Scenario, c: Choices, account: int, market: int, *, bankrupt: bool) -> None:
    """Bring an account under its maintenance margin, or under water: move what is free away, then the price."""
    free = min(s.free(account), UINT128_MAX)
    if free:
        s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, free)
    risk = s.risk(account)
    if risk is None:
        return
    equity, _, maintenance, _ = risk
    if bankrupt:
        shock(s, account, market, max(0, equity) + c.amount(1, maintenance * 2 + WAD))
    elif equity >= maintenance:
        # The requirement of a long falls with the price: a little more than the difference is lost.
        shock(s, account, market, (equity - maintenance) * 26 // 25 + c.amount(WAD, max(WAD, maintenance // 2)))
