"""What must hold of every state, as executable inequalities with their ids.

Exact means to the wei. Where rounding leaves dust, its bound is derived beside the check.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from operator import mul
from typing import TYPE_CHECKING, Final

from sim.protocol.libraries import funding_rate, margin, portfolio, positions, pricing
from sim.protocol.libraries.fixed_point import WAD
from sim.protocol.types.account import AccountRisk, Position
from sim.protocol.types.mark import to_mark
from sim.protocol.types.market_id import markets_of, to_bit
from sim.protocol.types.shares import ONE_MULTIPLIER, indexed_up, to_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.protocol.types.market import MarketConfig, PortfolioConfig
    from sim.protocol.world import World

__all__ = ["MOVED_DUST", "InvariantBroken", "Invariants", "check_liquidated", "check_netting"]

_UNIT: Final = 10**12
_HEALTH_SCALE: Final = 10**4
_PART: Final = 10**4
_NO_POSITION: Final = Position()
MOVED_DUST: Final = 1_000
"""By how much sides that were deleveraged may grow beyond the depth while their positions are moved [base wei].

Sizes of such a side are not whole shares: each move rounds by a wei or two.
"""


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
        self.check_netting()
        self.check_vault()

    def check_vault(self) -> None:
        """I15: shares and assets in the vault are those of its requests and claims; nothing of a request is lost."""
        vault, token = self._world.vault, self._world.token
        shares = assets = 0
        for is_deposit, queue in ((True, vault.deposits), (False, vault.redemptions)):
            pending = sum(queue.pending_of(number, queue.request_of(number).controller) for number in queue.requests)
            payouts = sum(claim.payout for claim in queue.claims.values())
            assets += pending if is_deposit else payouts
            shares += payouts if is_deposit else pending
            claimable: dict[str, int] = defaultdict(int)
            for number, request in queue.requests.items():
                claimable[request.controller] += queue.claimable_of(number, request.controller)
            for controller, claim in queue.claims.items():
                found = claimable[controller]
                _require(found == claim.amount, "I15", f"claims of {controller}: {found} == {claim.amount}")
        _require(assets == vault.assets_owed, "I15", f"assets owed {assets} == {vault.assets_owed}")
        _require(shares == vault.shares_owed, "I15", f"shares owed {shares} == {vault.shares_owed}")
        held = token.held_by(vault.address)
        _require(assets <= held, "I15", f"assets owed {assets} <= held {held}")
        held = vault.balance_of(vault.address)
        _require(shares <= held, "I15", f"shares owed {shares} <= held {held}")
        total = sum(vault.stored_balances().values())
        _require(total == vault.total_supply(), "I15", f"sum of shares {total} == supply {vault.total_supply()}")

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
                dust = MOVED_DUST if self._world.clearinghouse.was_deleveraged(market) else 0
                most = depth + dust
                _require(opened <= most, "I23", f"open interest of {market}, {is_long}: {opened} <= depth {most}")
                if opened > before + dust and config == state.config:
                    _require(opened <= cap, "I23", f"open interest of {market}, {is_long}: {opened} <= cap {cap}")
                self._open_interest[market, is_long] = (opened, state.config)

    def check_netting(self) -> None:
        """I20, I21 of each account with a position, whatever its mode; see `check_netting`."""
        for account, header in self._world.clearinghouse.stored_accounts().items():
            if header.open_markets != 0:
                check_netting(self._world, account)

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


def check_netting(world: World, account: int) -> None:
    """I20, I21: what an account's positions need as a portfolio, at the last prices, however old.

    No more than in a cross account, as much for one market, at least each named loss, twice as much for twice as much,
    and no more than its two halves apart: exactly, but for what rounding up adds.

    Raises
    ------
    InvariantBroken
        One of these does not hold.
    """
    house = world.clearinghouse
    markets = house.stored_markets()
    netting, cross = portfolio.Netting(), AccountRisk(0)
    for market in markets_of(house.account_of(account).open_markets):
        config, state = markets[market].config, world.oracle.price_state(market)
        size = positions.size_of(markets[market], house.position_of(account, market))
        margin.add(cross, _NO_POSITION, size, 0, config, to_mark(state.price, state.variance))
        netting.add(size, state.price, config, house.portfolio_of(market))
    netted = replace(cross)
    netting.settle(netted)
    for name, less, more in (
        ("portfolio maintenance <= portfolio initial", netted.maintenance_margin, netted.initial_margin),
        ("portfolio initial <= cross initial", netted.initial_margin, cross.initial_margin),
        ("portfolio maintenance <= cross maintenance", netted.maintenance_margin, cross.maintenance_margin),
    ):
        _require(less <= more, "I20", f"{name} of {account:#x}: {less} <= {more}")
    if len(netting.initial) == 1:
        _require(netted == cross, "I20", f"one market of {account:#x}: {netted} == {cross}")
    _check_norm(account, netting.initial, netting.configs)
    if len(netting.fractions) > 1:
        _check_norm(account, netting.maintenance, netting.configs)


def _check_norm(account: int, margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> None:
    needed = _needed(margins, configs)
    _require(needed >= 0, "I20", f"requirement of {account:#x}: {needed} >= 0")
    for shocks in zip(*(config.shocks for config in configs), strict=True):
        loss = -sum(map(mul, shocks, margins))
        _require(needed * _PART >= loss, "I20", f"requirement of {account:#x}: {needed * _PART} >= loss {loss}")
    twice = _needed([2 * one for one in margins], configs)
    # What is rounded up once in twice the book is rounded up twice in two of it.
    _require(2 * needed - 2 <= twice <= 2 * needed, "I21", f"twice {account:#x}: {twice} == 2 * {needed}")
    # Legs are moved whole and by a third, so that the halves are other books than the whole.
    first = [one // 3 if number % 2 else one for number, one in enumerate(margins)]
    rest = [one - other for one, other in zip(margins, first, strict=True)]
    apart = _needed(first, configs) + _needed(rest, configs)
    _require(needed <= apart, "I21", f"{account:#x} in one account: {needed} <= in two {apart}")


def _needed(margins: Sequence[int], configs: Sequence[PortfolioConfig]) -> int:
    return sum(map(abs, margins)) - portfolio.saving_down(margins, configs)
