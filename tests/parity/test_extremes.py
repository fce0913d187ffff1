"""Prices, books and pools at their extremes, on contracts and model side by side: no wei is lost and nobody is stuck.

What every story ends with: everybody closes and leaves, and what is left in the clearinghouse is the pool's and the
insurance fund's, to the wei.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol.invariants import check_liquidated
from sim.protocol.libraries.positions import LEAST_MULTIPLIER
from sim.protocol.types.account import MarginMode
from sim.protocol.types.shares import ONE_MULTIPLIER
from steelyard.evm.deployment import LIQUIDITY, Governors
from steelyard.evm.machine import Machine
from steelyard.fuzz.actors import (
    ALICE,
    BOB,
    CAROL,
    INSURANCE,
    KIM,
    KIMS,
    POOL,
    START_PRICES,
    TOKEN,
    TRADING_ACCOUNTS,
    WAD,
    account_of,
    owner_of,
)
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.scenario import Scenario
    from steelyard.parameters import SystemParameters

pytestmark = pytest.mark.evm

BTC, ETH, SOL = range(3)
UNIT = 10**12
RAW = 10**10
"""A published price of one, in wad."""
ALICES, BOBS, CAROLS = (account_of(owner) for owner in (ALICE, BOB, CAROL))
PLENTY = 100_000_000 * TOKEN


def error_of(outcome: Outcome) -> str:
    """Return the name of the error, empty for success."""
    return outcome.error.name if outcome.error else ""


class Story:
    """A scenario whose whole state is checked after every call."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.house = scenario.pair.model.clearinghouse
        self.accounts = (*TRADING_ACCOUNTS, KIMS)

    def call(self, sender: str, function: str, *args: Any) -> Outcome:
        outcome = self.scenario.call(sender, "Clearinghouse", function, *args)
        self.scenario.pair.model.check_invariants()
        return outcome

    def must(self, sender: str, function: str, *args: Any) -> Outcome:
        outcome = self.call(sender, function, *args)
        assert outcome.ok, (function, args, outcome.error)
        return outcome

    def fund(self, account: int, amount: int) -> None:
        """Deposit `amount` token units."""
        self.must(owner_of(account), "deposit", account, amount)

    def move(self, *factors: tuple[int, int], wait: int = 60) -> None:
        """Publish each market's starting price times a fraction, however far that is."""
        scenario = self.scenario
        scenario.pair.wait(wait)
        raws = [max(1, START_PRICES[market] * up // (down * RAW)) for market, (up, down) in enumerate(factors)]
        prices = [raw * RAW for raw in raws]
        data = tuple(scenario.update_data(market, price) for market, price in enumerate(prices))
        markets = tuple(range(len(prices)))
        outcome = scenario.call(KIM, "PriceOracle", "update", markets, data, value=scenario.fee(data))
        assert outcome.ok, outcome.error
        assert [scenario.price(market) for market in markets] == prices
        scenario.pair.model.check_invariants()

    def move_all(self, up: int, down: int, wait: int = 60) -> None:
        """Publish the starting price of every market times one fraction."""
        self.move(*[(up, down)] * 3, wait=wait)

    def trade(self, account: int, market: int, size: int) -> Outcome:
        outcome = self.scenario.trade(account, market, size)
        self.scenario.pair.model.check_invariants()
        return outcome

    def open(self, account: int, market: int, size: int) -> None:
        outcome = self.trade(account, market, size)
        assert outcome.ok, outcome.error

    def liquidate_all(self) -> dict[int, Outcome]:
        """Liquidate whoever can be; nobody is left under the maintenance margin, and no flat account is negative."""
        done = {}
        for account in self.accounts:
            risk = self.scenario.risk(account)
            assert risk is not None
            is_under = self.scenario.open_markets(account) != [] and risk[0] < risk[2]
            outcome = self.call(KIM, "liquidate", account, KIMS)
            assert outcome.ok == is_under, (account, risk, outcome.error)
            if outcome.ok:
                check_liquidated(self.scenario.pair.model, account)
                done[account] = outcome
        return done

    def pool_health(self) -> tuple[int, int]:
        """Return the pool's equity and maintenance margin [wad]."""
        risk = self.scenario.pool_risk()
        assert risk is not None
        return risk[0], risk[2]

    def pool_free(self) -> int:
        """Return what the pool holds above its initial margin [token units]."""
        risk = self.scenario.pool_risk()
        assert risk is not None
        return (risk[0] - risk[1]) // UNIT

    def has_skew(self) -> bool:
        """Return whether any side outweighs the other by what a multiplier can give up."""
        for market in self.scenario.markets:
            longs, shorts = self.scenario.market(market)[:2]
            long_interest, short_interest = self.scenario.open_interest(market)
            heavier = longs if long_interest > short_interest else shorts
            if long_interest != short_interest and heavier[2] > LEAST_MULTIPLIER:
                return True
        return False

    def deleverage(self) -> int:
        """Deleverage, which must pass exactly where the pool is under its maintenance margin; return the fraction."""
        equity, maintenance = self.pool_health()
        expected = ("" if self.has_skew() else "SkewMissing") if equity < maintenance else "AccountHealthy"
        outcome = self.call(KIM, "deleverage")
        assert error_of(outcome) == expected, (equity, maintenance, outcome.error)
        return outcome.returns[0] if outcome.ok else 0

    def settle_down(self) -> None:
        """Liquidate and deleverage until neither can be done."""
        for _ in range(20):
            if not self.liquidate_all() and not self.deleverage():
                return
        raise AssertionError("liquidations and deleveragings do not end")

    def leave(self, account: int) -> None:
        """Close everything and withdraw the whole balance; a hedge that has too little for one leg goes in parts."""
        scenario = self.scenario
        for parts in (1, 2, 2, 1):
            for market in scenario.open_markets(account):
                outcome = self.trade(account, market, -scenario.size(account, market) // parts)
                assert error_of(outcome) in ("", "MaintenanceInsufficient")
        assert scenario.open_markets(account) == []
        amount = scenario.balance(account) // UNIT
        if amount:
            self.must(owner_of(account), "withdraw", account, amount, owner_of(account))
        assert 0 <= scenario.balance(account) < UNIT

    def defund(self, tokens: int) -> Outcome:
        """Pay tokens of the pool out, which here the liquidity provider may, without a vault's delay."""
        return self.call(LIQUIDITY, "defundPool", tokens, LIQUIDITY)

    def reopen(self, market: int, sign: int = 1) -> None:
        """Open both sides anew, twice the least size and a hundred times it, by accounts that are rich; they stay."""
        least = self.scenario.min_size(market)
        for account, size in ((KIMS, 2 * sign * least), (TRADING_ACCOUNTS[1], -100 * sign * least)):
            self.fund(account, PLENTY)
            self.open(account, market, size)
            assert abs(self.scenario.size(account, market) - size) <= 1

    def everybody_leaves(self) -> None:
        """Let all leave; the tokens left are the pool's, the fund's and the dust of the rest, exactly."""
        scenario = self.scenario
        for account in self.accounts:
            self.leave(account)
        for market in scenario.markets:
            assert scenario.open_interest(market) == (0, 0)
            longs, shorts, funding, _ = scenario.market(market)
            assert longs[2] == shorts[2] == ONE_MULTIPLIER
            assert funding[0] == 0
        held = scenario.pair.model.token.held_by(self.house.address)
        dust = sum(header.balance for header in self.house.stored_accounts().values())
        assert scenario.balance(POOL) + scenario.balance(INSURANCE) + dust == held * UNIT
        scenario.compare()
        scenario.compare_words()
        scenario.pair.compare_looked_at()


@pytest.fixture(scope="module")
def stage(artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters) -> Stage:
    """Return the system on the in-process EVM, with the liquidity provider in the vault's place."""
    return Stage.built(Machine(artefacts, abi), parameters, Governors(vault=LIQUIDITY))


@pytest.fixture
def story(scenario: Scenario) -> Story:
    """Return a scenario in which three owners are rich."""
    found = Story(scenario)
    for account in (ALICES, BOBS, CAROLS):
        found.fund(account, PLENTY)
    found.must(LIQUIDITY, "fundPool", PLENTY)
    return found


def _open_a_hedge(story: Story) -> None:
    """Let Carol's second account be long ETH against short BTC, in portfolio mode."""
    account = TRADING_ACCOUNTS[5]
    story.must(CAROL, "setMarginMode", account, int(MarginMode.PORTFOLIO))
    story.open(account, ETH, 400 * WAD)
    story.open(account, BTC, -25 * WAD)


@pytest.mark.parametrize("down", [10**6, 10**9, 4 * 10**12])
def test_price__nearly_zero_at_once__longs_are_gone_shorts_are_paid_and_everybody_leaves(
    story: Story, down: int
) -> None:
    _open_a_hedge(story)
    longs = TRADING_ACCOUNTS[1], TRADING_ACCOUNTS[3]
    for account in longs:
        for market, size in ((BTC, 15 * WAD), (ETH, 200 * WAD), (SOL, 2_000 * WAD)):
            story.open(account, market, size)
    story.open(BOBS, BTC, -100 * WAD)
    story.open(CAROLS, SOL, -10_000 * WAD)

    story.move_all(1, down)
    done = story.liquidate_all()

    assert tuple(done) == longs
    for account in longs:
        assert story.scenario.open_markets(account) == []
        assert story.scenario.balance(account) == 0
    assert story.scenario.balance(INSURANCE) == 0
    story.settle_down()
    story.reopen(ETH)
    story.everybody_leaves()


@pytest.mark.parametrize("steps", [1, 60])
def test_price__six_times_in_an_hour__shorts_are_gone_longs_are_paid_and_everybody_leaves(
    story: Story, steps: int
) -> None:
    _open_a_hedge(story)
    shorts = TRADING_ACCOUNTS[1], TRADING_ACCOUNTS[3]
    for account in shorts:
        for market, size in ((BTC, -15 * WAD), (ETH, -200 * WAD), (SOL, -2_000 * WAD)):
            story.open(account, market, size)
    story.open(BOBS, BTC, 100 * WAD)
    story.open(CAROLS, SOL, 10_000 * WAD)

    for step in range(steps):
        story.move_all(steps + 5 * (step + 1), steps, wait=3_600 // steps)
        story.settle_down()

    for account in shorts:
        assert story.scenario.open_markets(account) == []
    assert story.scenario.balance(INSURANCE) >= 0
    story.reopen(ETH)
    story.everybody_leaves()


@pytest.mark.parametrize("sign", [1, -1])
def test_one_side__all_at_the_cap__pool_shrinks_it_and_pays_what_it_still_owes(story: Story, sign: int) -> None:
    crowd = {market: story.scenario.cap(market) for market in story.scenario.markets}
    for account, part in ((ALICES, 2), (BOBS, 4), (CAROLS, 4)):
        for market, cap in crowd.items():
            story.open(account, market, sign * cap // part)
    for market, cap in crowd.items():
        assert story.scenario.open_interest(market)[sign < 0] == cap
        refused = story.trade(ALICES, market, sign * story.scenario.min_size(market))
        assert error_of(refused) == "OpenInterestExceeded"

    cuts = 0
    for step in range(1, 81):
        story.move_all(200 + sign * step, 200)
        assert story.liquidate_all() == {}
        cuts += story.deleverage() > 0
        equity, maintenance = story.pool_health()
        assert equity >= maintenance

    assert cuts > 3
    for market, cap in crowd.items():
        sides = story.scenario.market(market)[:2]
        assert sides[sign < 0][2] < ONE_MULTIPLIER
        assert sides[sign > 0][2] == ONE_MULTIPLIER
        parts = [abs(story.scenario.size(account, market)) for account in (ALICES, BOBS, CAROLS)]
        assert abs(parts[0] - 2 * parts[1]) <= 2
        assert parts[1] == parts[2]
        assert sum(parts) < cap
    story.reopen(BTC, sign)
    story.everybody_leaves()


def test_pool__paid_out_to_its_initial_margin__gives_no_wei_more_and_is_deleveraged_when_prices_turn(
    story: Story,
) -> None:
    story.open(ALICES, BTC, 500 * WAD)
    story.open(BOBS, SOL, 50_000 * WAD)
    free = story.pool_free()
    refused = story.defund(free + 1)
    assert error_of(refused) == "MarginInsufficient"
    assert story.defund(free).ok
    assert error_of(story.defund(1)) == "MarginInsufficient"

    story.move_all(101, 100)
    assert story.deleverage() == 0
    story.move_all(103, 100)
    fraction = story.deleverage()

    assert 0 < fraction < WAD
    equity, maintenance = story.pool_health()
    assert equity * 100 >= maintenance * 125
    story.everybody_leaves()


@pytest.mark.parametrize("sign", [1, -1])
def test_pool__negative_at_once__all_skew_goes_and_what_is_owed_waits_for_new_money(story: Story, sign: int) -> None:
    scenario = story.scenario
    story.open(ALICES, BTC, sign * 500 * WAD)
    story.open(BOBS, BTC, sign * 250 * WAD)
    story.open(CAROLS, BTC, sign * -250 * WAD)
    assert story.defund(story.pool_free()).ok

    story.move((100 + 30 * sign, 100), (1, 1), (1, 1))
    assert story.pool_health()[0] < 0
    assert story.deleverage() == WAD

    longs, shorts = scenario.open_interest(BTC)
    # A multiplier is cut by whole parts of 1e-15.
    assert abs(longs - shorts) <= 750 * WAD // ONE_MULTIPLIER
    owed = -story.pool_health()[0]
    assert owed > 0
    # No later price makes the pool owe more: it holds nothing.
    story.move((100 + 60 * sign, 100), (1, 1), (1, 1))
    assert abs(story.pool_health()[0] + owed) < WAD

    for account in (CAROLS, BOBS, ALICES):
        story.open(account, BTC, -scenario.size(account, BTC))
    for account in set(story.accounts) - {ALICES}:
        story.leave(account)
    held = scenario.pair.model.token.held_by(story.house.address)
    claim = scenario.balance(ALICES) // UNIT
    assert claim > held
    outcome = story.call(ALICE, "withdraw", ALICES, claim, ALICE)
    assert error_of(outcome) == "ERC20InsufficientBalance"
    story.must(ALICE, "withdraw", ALICES, held, ALICE)
    story.must(LIQUIDITY, "fundPool", claim - held + TOKEN)
    story.everybody_leaves()


def test_side__emptied_after_deleveraging__starts_anew_at_one_and_new_positions_are_exact(story: Story) -> None:
    scenario = story.scenario
    for account, part in ((ALICES, 300), (BOBS, 100)):
        story.open(account, BTC, part * WAD)
    assert story.defund(story.pool_free()).ok
    story.move((103, 100), (1, 1), (1, 1))
    assert story.deleverage() > 0
    cut = scenario.market(BTC)[0][2]
    assert cut < ONE_MULTIPLIER

    # While somebody stays, so does the multiplier.
    story.leave(ALICES)
    assert scenario.market(BTC)[0][2] == cut
    story.leave(BOBS)
    assert scenario.market(BTC)[0][2] == ONE_MULTIPLIER

    size = 7 * WAD + 1
    story.fund(ALICES, PLENTY)
    story.open(ALICES, BTC, size)
    assert scenario.size(ALICES, BTC) == size
    assert story.house.position_of(ALICES, BTC).shares == size
    balance, pool = scenario.balance(ALICES), scenario.balance(POOL)
    story.move((104, 100), (1, 1), (1, 1))
    story.open(ALICES, BTC, -size)
    assert scenario.balance(ALICES) - balance > 0
    assert scenario.balance(POOL) < pool
    story.everybody_leaves()


@pytest.mark.parametrize(("beyond", "left"), [(-1, 0), (0, 0), (1, 1)])
def test_reduction__on_a_side_that_was_cut__is_not_destroyed_by_a_wei_of_a_share(
    story: Story, beyond: int, left: int
) -> None:
    """What is left there is of whole shares, which may be a wei less than what is asked for."""
    scenario = story.scenario
    for account, part in ((ALICES, 300), (BOBS, 100)):
        story.open(account, BTC, part * WAD)
    assert story.defund(story.pool_free()).ok
    story.move((103, 100), (1, 1), (1, 1))
    assert story.deleverage() > 0
    least = scenario.min_size(BTC)
    size = scenario.size(ALICES, BTC) - least - beyond
    order = scenario.order(ALICES, BTC, -size, reduce_only=True)
    assert scenario.commit(order).ok
    settled = scenario.settle(order)
    assert "OrderSettled" in [event.name for event in settled.events]
    assert left * least <= scenario.size(ALICES, BTC) <= left * (least + 1)


def test_side__shrunk_to_a_billionth__is_joined_by_nobody_and_closed_by_anybody(story: Story) -> None:
    scenario = story.scenario
    for account in (ALICES, BOBS):
        story.open(account, BTC, 300 * WAD)
    assert error_of(story.call(KIM, "closeRemnant", BOBS, BTC)) == "PositionWhole"
    assert story.defund(story.pool_free()).ok
    story.move((130, 100), (1, 1), (1, 1))
    assert story.pool_health()[0] < 0
    assert story.deleverage() == WAD
    assert scenario.market(BTC)[0][2] == LEAST_MULTIPLIER
    # Nothing is left to give up, whatever the pool owes.
    assert error_of(story.call(KIM, "deleverage")) == "SkewMissing"
    story.must(LIQUIDITY, "fundPool", PLENTY)

    # Bob keeps his billionth: on the multiplier that is left shares would soon leave their 96 bits.
    assert error_of(story.trade(ALICES, BTC, 50 * WAD)) == "OpenInterestExceeded"
    for account in (ALICES, BOBS):
        before = scenario.pair.model.clearinghouse.risk_of(account).equity
        story.must(KIM, "closeRemnant", account, BTC)
        after = scenario.balance(account)
        # What was left is less than a millionth of a bitcoin: closing it takes no fee, and next to no impact.
        assert abs(before - after) < WAD // 10**6
    assert scenario.market(BTC)[0][2] == ONE_MULTIPLIER
    story.open(ALICES, BTC, 50 * WAD)
    story.everybody_leaves()


def test_market_views__after_a_month_without_prices__tell_the_last_ones(scenario: Scenario) -> None:
    """Who asks what the markets are is told, when each price was published; who trades needs a fresh one."""
    s = scenario
    s.publish({market: s.price(market) for market in (BTC, ETH, SOL)})
    published = s.now
    s.pair.wait(30 * 86_400)
    views = s.pair.read("Lens", "marketViews")
    assert views.ok
    assert [(view[1], view[2]) for view in views.returns[0]] == [(s.price(n), published) for n in (BTC, ETH, SOL)]
    refused = s.pair.read("Lens", "quote", ALICES, BTC, WAD)
    assert refused.error is not None
    assert refused.error.name == "PriceStale"
