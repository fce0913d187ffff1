"""What must hold of every state, as executable inequalities with their ids.

Exact means to the wei. Where rounding leaves dust, its bound is derived beside the check.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sim.protocol.libraries import funding_rate, positions, pricing
from sim.protocol.libraries.fixed_point import WAD
from sim.protocol.types.market_id import to_bit
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up, to_size

if TYPE_CHECKING:
    from sim.protocol.types.market import MarketConfig
    from sim.protocol.world import World

__all__ = ["InvariantBroken", "Invariants", "check_liquidated"]

_UNIT: Final = 10**12
_HEALTH_SCALE: Final = 10**4


class InvariantBroken(AssertionError):
    """An invariant does not hold.

    Parameters
    ----------
    invariant : str
        Its id, e.g. ``"I2"``.
    detail : str
        The inequality with its values.
    """

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


def _require(holds: bool, invariant: str, detail: str) -> None:
    if not holds:
        raise InvariantBroken(invariant, detail)


class Invariants:
    """Checks of one world, in linear time; to be run after each transaction.

    Parameters
    ----------
    world : World
        To check.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._open_interest: dict[tuple[int, bool], tuple[int, MarketConfig]] = {}

    def check(self) -> None:
        """Check all.

        Raises
        ------
        InvariantBroken
            The first that does not hold.
        """
        self.check_conservation()
        self.check_aggregates()
        self.check_equity()
        self.check_funding()
        self.check_open_interest()

    def check_conservation(self) -> None:
        """I1, I2: the sum of all ledger balances equals the tokens held less what was sent past the ledger, exactly."""
        world = self._world
        held = world.token.held_by(world.clearinghouse.address)
        total = self._ledger_sum()
        _require(total <= held * _UNIT, "I1", f"claims {total} <= tokens {held * _UNIT}")
        entered = world.clearinghouse.taken_in * _UNIT
        _require(total == entered, "I2", f"sum of balances {total} == tokens that entered {entered}")

    def check_aggregates(self) -> None:
        """I3: shares, entry sums, velocities and bitmaps equal those recomputed from the positions, exactly."""
        house = self._world.clearinghouse
        shares: dict[tuple[int, bool], int] = defaultdict(int)
        entry_sums: dict[int, int] = defaultdict(int)
        bitmaps: dict[int, int] = defaultdict(int)
        for (account, market), position in house.stored_positions().items():
            if position.shares == 0:
                _require(position.entry_index == 0, "I3", f"entry index of empty position {account}, {market} is 0")
                continue
            shares[market, position.shares > 0] += abs(position.shares)
            entry_sums[market] += indexed_up(position.shares, position.entry_index)
            bitmaps[account] |= to_bit(market)
        for market, state in house.stored_markets().items():
            for is_long, side in ((True, state.longs), (False, state.shorts)):
                expected = shares[market, is_long]
                _require(side.shares == expected, "I3", f"shares of {market}, {is_long}: {side.shares} == {expected}")
            held, expected = state.funding.entry_sum, entry_sums[market]
            _require(held == expected, "I3", f"entry sum of {market}: {held} == {expected}")
            held = state.funding.velocity
            expected = funding_rate.velocity_at(state.config, positions.skew_of(state))
            _require(held == expected, "I3", f"velocity of {market}: {held} == {expected}")
        for account, header in house.stored_accounts().items():
            held, expected = header.open_markets, bitmaps.pop(account, 0)
            _require(held == expected, "I3", f"bitmap of {account:#x}: {held:b} == {expected:b}")
        _require(not any(bitmaps.values()), "I3", f"accounts without header: {dict(bitmaps)}")

    def check_equity(self) -> None:
        """I4: equity of all accounts, insurance fund and pool before potential never exceeds what entered.

        Of n positions in m markets, at any prices and indices, all rounds down: each worth, each owed funding, each
        position's part of the pool's claim, and the pool's two terms per market. So
        ``0 <= entered - equity <= 3n + 2m``.
        """
        world = self._world
        house = world.clearinghouse
        markets = house.stored_markets()
        prices = {market: world.oracle.price_state(market).price for market in markets}
        total = self._ledger_sum()
        count = scaled = 0
        for (_, market), position in house.stored_positions().items():
            if position.shares == 0:
                continue
            count += 1
            side = positions.side_of(markets[market], position.shares)
            total += to_size(position.shares, side.multiplier) * prices[market] // WAD
            if side.multiplier != ONE_MULTIPLIER:
                scaled += 1 + prices[market] // WAD
            total -= indexed_up(position.shares, side.index - position.entry_index)
        for market, state in markets.items():
            longs, shorts = state.longs, state.shorts
            total += -positions.skew_of(state) * prices[market] // WAD
            total += (longs.shares * longs.index + shorts.shares * shorts.index) // WAD - state.funding.entry_sum
        dust = house.taken_in * _UNIT - total
        # A size of a deleveraged side rounds to a wei of the base.
        bound = 3 * count + 2 * len(markets) + scaled
        _require(0 <= dust <= bound, "I4", f"0 <= entered - equity = {dust} <= {bound}")

    def check_funding(self) -> None:
        """I6: what one side pays the other receives, at most one wei per share and accrual less; the rate is bounded.

        An accrual adds ``ceil(x)`` to one index and ``ceil(-x)`` to the other, together 0 or 1, and there is at most
        one per second.
        """
        world = self._world
        for market, state in world.clearinghouse.stored_markets().items():
            elapsed = state.funding.accrued_at - world.settings.timestamp
            if not world.clearinghouse.was_deleveraged(market):
                both = state.longs.index + state.shorts.index
                _require(0 <= both <= elapsed, "I6", f"0 <= sum of indices of {market} = {both} <= {elapsed}")
            bound = funding_rate.max_rate_per_second(state.funding.max_rate)
            _require(abs(state.funding.rate) <= bound, "I6", f"|rate| of {market} {state.funding.rate} <= {bound}")

    def check_open_interest(self) -> None:
        """I23: no side grows above its cap; one above a cap that was lowered stays within the depth."""
        for market, state in self._world.clearinghouse.stored_markets().items():
            cap, depth = pricing.open_interest_cap(state.config), pricing.depth(state.config)
            for is_long, side in ((True, state.longs), (False, state.shorts)):
                opened = positions.open_interest(side)
                before, config = self._open_interest.get((market, is_long), (opened, state.config))
                _require(opened <= depth, "I23", f"open interest of {market}, {is_long}: {opened} <= depth {depth}")
                if opened > before and config == state.config:
                    _require(opened <= cap, "I23", f"open interest of {market}, {is_long}: {opened} <= cap {cap}")
                self._open_interest[market, is_long] = (opened, state.config)

    def _ledger_sum(self) -> int:
        house = self._world.clearinghouse
        ledger = house.ledger()
        balances = sum(header.balance for header in house.stored_accounts().values())
        return balances + ledger.pool_balance + ledger.insurance_balance


def check_liquidated(world: World, account: int) -> None:
    """I25: right after its liquidation an account is flat and not negative, or has the target health.

    Raises
    ------
    InvariantBroken
        It has and is neither.
    """
    house = world.clearinghouse
    header = house.account_of(account)
    if header.open_markets == 0:
        _require(header.balance >= 0, "I25", f"balance of flat account {account:#x}: {header.balance} >= 0")
        return
    risk = house.risk_at_any_confidence(account)
    target = risk.maintenance_margin * house.risk_config().target_health
    held = risk.equity * _HEALTH_SCALE
    _require(held >= target, "I25", f"equity of {account:#x} {held} >= target {target}")
