"""Invariants after each step, at the cost of what the step touched, and those that need what the contracts show."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sim.protocol.evm import Contract
from sim.protocol.invariants import MOVED_DUST, InvariantBroken
from sim.protocol.libraries import funding_rate, positions, pricing
from sim.protocol.types.account import Account
from sim.protocol.types.shares import indexed_up
from steelyard.fuzz.actors import ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.protocol import World
    from sim.protocol.types.account import Position
    from sim.protocol.types.market import Market, MarketConfig
    from steelyard.fuzz.scenario import Scenario

__all__ = ["StepInvariants", "check_claims"]

_UNIT = 10**12
_WAD = 10**18
_NO_ACCOUNT = Account()


def _require(holds: bool, invariant: str, *detail: object) -> None:
    if not holds:
        raise InvariantBroken(invariant, " ".join(str(part) for part in detail))


class StepInvariants:
    """I1, I2, I3, I6, I15 and I23 of what a transaction touched, on sums that are carried along.

    They say what `sim.protocol.invariants.Invariants` says in linear time; that one is run now and then beside
    this one, so that the sums themselves are checked.

    Parameters
    ----------
    world : World
        The model, in any state that satisfies the invariants.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        house = world.clearinghouse
        self._house = house
        self._balances = sum(header.balance for header in house.stored_accounts().values())
        self._shares: defaultdict[tuple[int, bool], int] = defaultdict(int)
        self._entry_sums: defaultdict[int, int] = defaultdict(int)
        self._open: defaultdict[int, int] = defaultdict(int)
        self._interest: dict[tuple[int, bool], tuple[int, MarketConfig]] = {}
        self._surplus = self._surplus_of_vault()
        for (account, market), position in house.stored_positions().items():
            self._add(account, market, position.shares, position.entry_index)
        for market, state in house.stored_markets().items():
            self._check_market(market, state)

    def _add(self, account: int, market: int, shares: int, entry_index: int) -> None:
        if shares:
            self._shares[market, shares > 0] += abs(shares)
            self._entry_sums[market] += indexed_up(shares, entry_index)
            self._open[account] |= 1 << market

    def check(self, touched: Iterable[tuple[dict[Any, Any], Any, Any]]) -> None:
        """Check what the last transaction left; `touched` is `World.touched`.

        Raises
        ------
        InvariantBroken
            The first that does not hold.
        """
        house = self._house
        accounts, held, markets = house.stored_accounts(), house.stored_positions(), house.stored_markets()
        owners: dict[int, Any] = {}
        positions_before: dict[tuple[int, int], Any] = {}
        changed: set[int] = set()
        for mapping, key, old in touched:
            if mapping is accounts:
                owners.setdefault(key, old)
            elif mapping is held:
                positions_before.setdefault(key, old)
            elif mapping is markets:
                changed.add(key)
        for account, old in owners.items():
            self._balances += accounts[account].balance - (0 if isinstance(old, Contract) else old.balance)
        for key, old in positions_before.items():
            account, market = key
            owners.setdefault(account, None)
            changed.add(market)
            self._change(account, market, old, held[key])
        self._check_conservation()
        self._check_vault()
        for account in owners:
            bitmap = accounts.get(account, _NO_ACCOUNT).open_markets
            if bitmap != self._open[account]:
                raise InvariantBroken("I3", f"bitmap of {account:#x}: {bitmap:b}, {self._open[account]:b}")
        for market in changed:
            self._check_market(market, markets[market])

    def _change(self, account: int, market: int, old: Any, now: Position) -> None:
        self._open[account] &= ~(1 << market)
        if not isinstance(old, Contract) and old.shares:
            self._shares[market, old.shares > 0] -= abs(old.shares)
            self._entry_sums[market] -= indexed_up(old.shares, old.entry_index)
        self._add(account, market, now.shares, now.entry_index)
        if now.shares == 0:
            _require(now.entry_index == 0, "I3", "entry index of empty position", account, market)

    def _surplus_of_vault(self) -> tuple[int, int]:
        """Return what the vault holds beyond what it owes: assets and shares that were sent to it."""
        vault = self._world.vault
        assets = self._world.token.held_by(vault.address) - vault.assets_owed
        return assets, vault.balance_of(vault.address) - vault.shares_owed

    def _check_vault(self) -> None:
        before, now = self._surplus, self._surplus_of_vault()
        if now[0] < before[0] or now[1] < before[1]:
            raise InvariantBroken("I15", f"surplus of the vault {now} >= {before}")
        self._surplus = now

    def _check_conservation(self) -> None:
        ledger = self._house._ledger
        tokens = self._world.token.held_by(self._house.address)
        total = self._balances + ledger.pool_balance + ledger.insurance_balance
        if total > tokens * _UNIT:
            raise InvariantBroken("I1", f"claims {total} <= tokens {tokens * _UNIT}")
        entered = self._house.taken_in * _UNIT
        if total != entered:
            raise InvariantBroken("I2", f"sum of balances {total} == tokens that entered {entered}")

    def _check_market(self, market: int, state: Market) -> None:
        config, funding = state.config, state.funding
        for is_long, side in ((True, state.longs), (False, state.shorts)):
            expected = self._shares[market, is_long]
            _require(side.shares == expected, "I3", "shares of", market, is_long, ":", side.shares, "==", expected)
            opened = positions.open_interest(side)
            before, known = self._interest.get((market, is_long), (opened, config))
            # Sizes of a deleveraged side are not whole shares: a position that is moved may round up by a wei or two.
            is_scaled = self._world.clearinghouse.was_deleveraged(market)
            depth = pricing.depth(config) + (MOVED_DUST if is_scaled else 0)
            _require(opened <= depth, "I23", "open interest of", market, is_long, opened, "<= depth")
            if opened > before + (2 if is_scaled else 0) and config == known:
                _require(
                    opened <= pricing.open_interest_cap(config), "I23", "open interest of", market, is_long, opened
                )
            self._interest[market, is_long] = opened, config
        expected = self._entry_sums[market]
        _require(funding.entry_sum == expected, "I3", "entry sum of", market, ":", funding.entry_sum, "==", expected)
        velocity = funding_rate.velocity_at(config, positions.skew_of(state))
        _require(funding.velocity == velocity, "I3", "velocity of", market, ":", funding.velocity, "==", velocity)
        if not self._world.clearinghouse.was_deleveraged(market):
            both = state.longs.index + state.shorts.index
            elapsed = funding.accrued_at - self._world.settings.timestamp
            _require(0 <= both <= elapsed, "I6", "0 <= sum of indices of", market, "=", both, "<=", elapsed)
        bound = funding_rate.max_rate_per_second(funding.max_rate)
        _require(abs(funding.rate) <= bound, "I6", "rate of", market, funding.rate, "within", bound)


def check_claims(scenario: Scenario) -> None:
    """Check that what all accounts and the pool are worth now, pending funding included, is what is held (I4).

    All prices must be fresh.
    """
    get = scenario.pair.get
    risks = [scenario.risk(account) for account in ACCOUNTS]
    _, equity, value, insurance, _ = get("Lens", "poolView")
    house = scenario.pair.model.clearinghouse
    claims = sum(risk[0] for risk in risks if risk is not None) + equity + insurance
    held = house.taken_in * _UNIT
    positions = sum(len(scenario.open_markets(account)) for account in ACCOUNTS)
    # Each position rounds its worth, its funding and its entry sum, each market its skew and its funding, always down.
    dust = 3 * positions + 2 * len(scenario.markets)
    # A size of a deleveraged side rounds to a wei of the base.
    for account in ACCOUNTS:
        for market in scenario.open_markets(account):
            if house.was_deleveraged(market):
                dust += 1 + scenario.price(market) // _WAD
    assert held - dust <= claims <= held, f"I4: claims {claims}, entered {held}, dust {dust}"
    assert value <= equity, f"the pool's potential is negative: {value}, {equity}"
