"""Shares of the pool: what they cost, who waits, what a request is worth to whoever sees the price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Outcome
from sim.protocol.evm import Address
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BOB, CAROL, TOKEN, WAD, Exchange

VAULT = "LiquidityVault"
DAY = 86_400
PRICE = 50_000 * WAD


class Pool(Exchange):
    """An exchange whose pool has shares."""

    def __init__(self, assets: int = 1_000_000) -> None:
        super().__init__()
        self.vault = self.world.vault
        self.must(ADMIN, "Clearinghouse", "setVault", self.vault.address)
        for payer in (ADMIN, ALICE, BOB, CAROL):
            self.must(payer, self.world.token.name, "approve", self.vault.address, 2**256 - 1)
        if assets:
            self.provide(CAROL, assets * TOKEN)

    def request(self, owner: str, assets: int) -> int:
        number: int = self.must(owner, VAULT, "requestDeposit", assets, owner, owner).returns[0]
        return number

    def request_back(self, owner: str, shares: int | None = None) -> int:
        held = self.vault.balance_of(Address(owner)) if shares is None else shares
        number: int = self.must(owner, VAULT, "requestRedeem", held, owner, owner).returns[0]
        return number

    def settle(self, price: int | None = None, deposits: int = 50, redemptions: int = 50) -> Outcome:
        """Let the delay pass, publish both prices and settle."""
        self.world.advance(self.vault.settle_delay_seconds())
        self.publish(0, price or self.world.oracle.price_state(0).price)
        self.publish(1, self.world.oracle.price_state(1).price)
        outcome = self.call(BOB, VAULT, "fulfil", deposits, redemptions)
        self.world.check_invariants()
        return outcome

    def claim(self, owner: str) -> int:
        """Claim all shares; return them."""
        shares = self.vault.max_mint(Address(owner))
        self.must(owner, VAULT, "mint(uint256,address)", shares, owner)
        return shares

    def cash(self, owner: str) -> int:
        """Claim all assets; return them."""
        shares = self.vault.max_redeem(Address(owner))
        assets: int = self.must(owner, VAULT, "redeem", shares, owner, owner).returns[0]
        return assets

    def provide(self, owner: str, assets: int) -> int:
        self.request(owner, assets)
        assert self.settle().ok
        return self.claim(owner)

    def crowd(self, size: int = 10 * WAD) -> int:
        """Let Alice be long against the pool; return her account."""
        account = self.fund(ALICE, 10_000_000)
        assert self.trade(account, 0, size).ok
        return account


def test_deposit__empty_pool__a_share_costs_a_dollar() -> None:
    pool = Pool(0)
    assert pool.provide(ALICE, 1_000 * TOKEN) == 1_000 * WAD


@given(st.integers(TOKEN, 10**12 * TOKEN // 100), st.integers(1, 10**6 * TOKEN))
def test_deposit_and_redemption__at_one_price__never_gain(assets: int, donated: int) -> None:
    pool = Pool(1_000)
    pool.must(ADMIN, "Clearinghouse", "fundPool", donated)
    pool.provide(ALICE, assets)
    pool.request_back(ALICE)
    assert pool.settle().ok
    assert 0 <= assets - pool.cash(ALICE) <= 2 + donated // 10**9


def test_donation__before_the_first_share__is_nobodys() -> None:
    """Inflation: whoever donates to make others' deposits round to nothing loses more than they do."""
    pool = Pool(0)
    pool.must(ADMIN, "Clearinghouse", "fundPool", 1_000_000 * TOKEN)
    pool.provide(ALICE, 1_000 * TOKEN)
    pool.request_back(ALICE)
    assert pool.settle().ok
    assert 1_000 * TOKEN - pool.cash(ALICE) <= 2


def test_inflation__attacker_holds_shares_and_donates__loses() -> None:
    pool = Pool(0)
    pool.provide(BOB, TOKEN)
    pool.must(BOB, "Clearinghouse", "fundPool", 1_000_000 * TOKEN)
    pool.provide(ALICE, 10_000 * TOKEN)
    for owner in (ALICE, BOB):
        pool.request_back(owner)
    assert pool.settle().ok
    assert 10_000 * TOKEN - pool.cash(ALICE) <= 2
    assert pool.cash(BOB) <= 1_000_001 * TOKEN


def test_settlement__price_of_the_delay__is_too_early() -> None:
    pool = Pool()
    pool.crowd()
    pool.request(BOB, 1_000 * TOKEN)
    asked = pool.world.timestamp
    pool.world.advance(pool.vault.settle_delay_seconds() - 2)
    pool.publish(0, PRICE)
    assert pool.world.timestamp < asked + pool.vault.settle_delay_seconds()
    assert pool.error(BOB, VAULT, "fulfil", 9, 9) == ErrorValue("RequestsUnready")
    pool.world.advance(5)
    assert pool.error(BOB, VAULT, "fulfil", 9, 9) == ErrorValue("RequestsUnready")
    pool.publish(0, PRICE)
    pool.must(BOB, VAULT, "fulfil", 9, 9)


def test_settlement__price_that_others_may_know_better__is_refused() -> None:
    """A request that waits cannot be settled at a price that has become wrong since."""
    pool = Pool()
    pool.crowd()
    pool.request(BOB, 1_000 * TOKEN)
    pool.world.advance(pool.vault.settle_delay_seconds())
    pool.publish(0, PRICE)
    priced = pool.world.timestamp
    pool.world.advance(pool.vault.max_price_age_seconds() + 1)
    age = pool.vault.max_price_age_seconds()
    assert pool.error(BOB, VAULT, "fulfil", 9, 9) == ErrorValue("PriceOutdated", (priced, age))


@pytest.mark.parametrize("price", [PRICE * 9 // 10, PRICE * 11 // 10])
def test_free_option__depositor_sees_the_price_move__can_neither_cancel_nor_gain(price: int) -> None:
    """Whatever the price does after the request, it is settled at the value of then, and not taken back before."""
    pool = Pool()
    pool.crowd()
    number = pool.request(BOB, 100_000 * TOKEN)
    locked = pool.world.timestamp + DAY
    pool.publish(0, price)
    assert pool.error(BOB, VAULT, "cancelDeposit", number, BOB) == ErrorValue("RequestLocked", (number, locked))
    assert pool.settle(price).ok
    assert 0 <= 100_000 * TOKEN - pool.vault.convert_to_assets(pool.claim(BOB)) <= 2


def test_free_option__redeemer_sees_a_loss_coming__bears_his_part_of_it() -> None:
    """A redemption asked for before the price moves against the pool is paid after it."""
    pool = Pool()
    pool.provide(BOB, 1_000_000 * TOKEN)
    pool.crowd(20 * WAD)
    pool.request_back(BOB)
    assert pool.settle(PRICE * 11 // 10).ok
    loss = 1_000_000 * TOKEN - pool.cash(BOB)
    # The pool is short 20 at 50,000, which rose by a tenth: half of 100,000 is his, less fees and skew paid.
    assert 45_000 * TOKEN < loss < 51_000 * TOKEN


def test_cancel__a_day_later__gives_back_what_was_asked() -> None:
    pool = Pool()
    deposit, redemption = pool.request(BOB, 5 * TOKEN), pool.request_back(CAROL, 7 * WAD)
    pool.world.advance(DAY)
    assert pool.must(BOB, VAULT, "cancelDeposit", deposit, BOB).returns == (5 * TOKEN,)
    assert pool.must(CAROL, VAULT, "cancelRedeem", redemption, CAROL).returns == (7 * WAD,)
    assert pool.error(BOB, VAULT, "cancelDeposit", deposit, BOB) == ErrorValue("RequestUnknown", (deposit,))
    pool.world.check_invariants()


def test_cancel__in_the_middle_of_the_queue__leaves_a_hole_that_is_passed() -> None:
    pool = Pool()
    first, second, third = (pool.request(owner, 10 * TOKEN) for owner in (ALICE, BOB, CAROL))
    pool.world.advance(DAY)
    pool.must(BOB, VAULT, "cancelDeposit", second, BOB)
    assert pool.settle(deposits=2).returns == (2, 0)
    assert pool.vault.claimable_deposit_request(first, ALICE) == 10 * TOKEN
    assert pool.vault.pending_deposit_request(third, CAROL) == 10 * TOKEN
    assert pool.settle(deposits=2).returns == (1, 0)


def test_redemption__pool_at_its_margin__is_paid_in_part_and_keeps_its_place() -> None:
    pool = Pool(1_000_000)
    pool.provide(BOB, 100_000 * TOKEN)
    pool.crowd(100 * WAD)
    head, next_one = pool.request_back(CAROL), pool.request_back(BOB)
    assert pool.settle().returns == (0, 0)
    risk = pool.world.clearinghouse.pool_risk()
    assert 0 <= risk.net_asset_value - risk.initial_margin < 10**13
    paid = pool.vault.claimable_redeem_request(head, CAROL)
    assert 0 < paid < 10**6 * WAD
    assert pool.vault.pending_redeem_request(head, CAROL) == 10**6 * WAD - paid
    assert pool.vault.pending_redeem_request(next_one, BOB) == 100_000 * WAD
    pool.request(ALICE, 50_000 * TOKEN)
    assert pool.settle().returns == (1, 0)
    assert pool.vault.claimable_redeem_request(head, CAROL) > paid
    assert pool.vault.pending_redeem_request(next_one, BOB) == 100_000 * WAD


def test_redemption__cancelled_when_paid_in_part__keeps_the_part() -> None:
    pool = Pool(1_000_000)
    pool.crowd(100 * WAD)
    head = pool.request_back(CAROL)
    assert pool.settle().ok
    paid = pool.vault.claimable_redeem_request(head, CAROL)
    pool.world.advance(DAY)
    assert pool.must(CAROL, VAULT, "cancelRedeem", head, CAROL).returns == (10**6 * WAD - paid,)
    assert pool.vault.claimable_redeem_request(head, CAROL) == paid
    assert pool.cash(CAROL) > 0
    assert pool.vault.claimable_redeem_request(head, CAROL) == 0
    pool.world.check_invariants()


def test_settlement__pool_without_value__all_wait() -> None:
    pool = Pool(100_000)
    pool.crowd(40 * WAD)
    deposit, redemption = pool.request(BOB, 10 * TOKEN), pool.request_back(CAROL)
    outcome = pool.settle(PRICE * 2)
    assert outcome.error is not None
    assert outcome.error.name == "PoolExhausted"
    assert pool.vault.pending_deposit_request(deposit, BOB) == 10 * TOKEN
    assert pool.vault.pending_redeem_request(redemption, CAROL) == 100_000 * WAD


def test_queue__dust_requests__are_settled_a_few_at_a_time() -> None:
    """A queue full of the smallest requests is worked off by calls of bounded length, in order."""
    pool = Pool()
    for _ in range(20):
        pool.request(BOB, TOKEN)
    last = pool.request(ALICE, 1_000 * TOKEN)
    for _ in range(3):
        assert pool.settle(deposits=7).returns == (7, 0)
    assert pool.vault.claimable_deposit_request(last, ALICE) == 1_000 * TOKEN


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=6))
def test_claims__in_any_parts__pay_all_and_no_more(parts: list[int]) -> None:
    pool = Pool(1_000)
    pool.must(ADMIN, "Clearinghouse", "fundPool", 333_333_333)
    pool.request(ALICE, 50 * TOKEN)
    assert pool.settle().ok
    due = pool.vault.max_mint(Address(ALICE))
    for part in parts:
        left = pool.vault.deposits.claim_of(Address(ALICE))
        if left.amount:
            pool.must(ALICE, VAULT, "deposit(uint256,address)", min(part, left.amount), ALICE)
    if pool.vault.max_mint(Address(ALICE)):
        pool.claim(ALICE)
    assert pool.vault.balance_of(Address(ALICE)) == due
    assert pool.vault.deposits.claim_of(Address(ALICE))[:2] == (0, 0)
    pool.world.check_invariants()
