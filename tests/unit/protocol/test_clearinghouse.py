from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Event, Settings
from sim.protocol.clearinghouse_core import UNIT
from sim.protocol.errors import AccountReserved, TokenDecimalsMismatch
from sim.protocol.evm import ZERO_ADDRESS
from sim.protocol.invariants import check_liquidated
from sim.protocol.types.account import PERMISSION_MARGIN, PERMISSION_WITHDRAW, MarginMode
from sim.protocol.types.account_id import INSURANCE_ACCOUNT, POOL_ACCOUNT, to_account_id
from sim.protocol.types.ledger import CENT
from sim.protocol.world import ADMIN, TREASURY, World
from tests.unit.protocol.exchange import (
    ALICE,
    BITCOIN,
    BOB,
    CAROL,
    ETHER,
    EXECUTOR,
    MAX_AGE_SECONDS,
    MAX_RATE,
    RISK,
    TOKEN,
    UINT128_MAX,
    WAD,
    Exchange,
)

Error = ErrorValue


def state_of(world: World) -> tuple[Any, ...]:
    """Return everything that a call may change, as plain values."""
    house, oracle = world.clearinghouse, world.oracle
    markets = sorted(house.stored_markets())
    return (
        {account: header.as_tuple() for account, header in house.stored_accounts().items()},
        {key: position.as_tuple() for key, position in house.stored_positions().items()},
        [house.market_of(market).as_tuple() for market in markets],
        house.ledger().as_tuple(),
        house.risk_config(),
        [oracle.price_state(market) for market in markets],
        {owner: world.token.balance_of(owner) for owner in (ALICE, BOB, CAROL, house.address)},
        world.donated,
    )


# ---- deposits and withdrawals


@given(st.integers(1, 10**12 * TOKEN))
def test_deposit__then_withdraw_all__gives_back_to_the_unit(amount: int) -> None:
    exchange = Exchange()
    account = to_account_id(ALICE, 7)
    outcome = exchange.must(ALICE, "Clearinghouse", "deposit", account, amount)
    house = exchange.world.clearinghouse.address
    assert outcome.events == (
        Event("Clearinghouse", "Deposited", (account, ALICE, amount, amount * UNIT)),
        Event("LocalToken", "Transfer", (ALICE, house, amount)),
    )
    exchange.must(ALICE, "Clearinghouse", "withdraw", account, amount, BOB)
    assert exchange.world.token.balance_of(BOB) == 10**12 * TOKEN + amount
    assert exchange.balance(account) == 0


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        ("deposit", (POOL_ACCOUNT, 1), Error("AccountReserved", (POOL_ACCOUNT,))),
        ("deposit", (to_account_id(ALICE, 0), 0), Error("AmountZero")),
        (
            "deposit",
            (to_account_id(ALICE, 0), UINT128_MAX),
            Error("SafeCastOverflowedIntDowncast", (128, 1_000 * WAD + UINT128_MAX * UNIT)),
        ),
        (
            "withdraw",
            (to_account_id(BOB, 0), 1, ALICE),
            Error("AccountUnauthorized", (to_account_id(BOB, 0), ALICE, PERMISSION_WITHDRAW)),
        ),
        ("withdraw", (to_account_id(ALICE, 0), 0, ALICE), Error("AmountZero")),
        (
            "withdraw",
            (to_account_id(ALICE, 0), 1_001 * TOKEN, ALICE),
            Error("MarginInsufficient", (-WAD, 0)),
        ),
        ("withdraw", (to_account_id(ALICE, 0), 1, ZERO_ADDRESS), Error("ERC20InvalidReceiver", (ZERO_ADDRESS,))),
        ("transfer", (to_account_id(ALICE, 0), to_account_id(ALICE, 1), 0), Error("AmountZero")),
        (
            "transfer",
            (to_account_id(ALICE, 0), to_account_id(BOB, 1), 1),
            Error("AccountPairInvalid", (to_account_id(ALICE, 0), to_account_id(BOB, 1))),
        ),
        (
            "transfer",
            (to_account_id(ALICE, 0), to_account_id(ALICE, 0), 1),
            Error("AccountPairInvalid", (to_account_id(ALICE, 0),) * 2),
        ),
        (
            "setMarginMode",
            (to_account_id(BOB, 0), 1),
            Error("AccountUnauthorized", (to_account_id(BOB, 0), ALICE, PERMISSION_MARGIN)),
        ),
        ("setMarginMode", (to_account_id(ALICE, 0), 3), Error("")),
        ("setLeverage", (to_account_id(ALICE, 0), to_account_id(ALICE, 1), 0), Error("LeverageZero")),
        (
            "setLeverage",
            (to_account_id(ALICE, 0), to_account_id(ALICE, 1), WAD),
            Error("AccountFlat", (to_account_id(ALICE, 0),)),
        ),
        ("liquidate", (to_account_id(ALICE, 0), POOL_ACCOUNT), Error("AccountReserved", (POOL_ACCOUNT,))),
        (
            "liquidate",
            (to_account_id(ALICE, 0), to_account_id(BOB, 0)),
            Error("AccountFlat", (to_account_id(ALICE, 0),)),
        ),
        ("accrue", (9,), Error("MarketUnknown", (9,))),
        ("collectTreasury", (), Error("SurplusMissing", (0, RISK.treasury_threshold * WAD))),
        ("fundInsurance", (0,), Error("AmountZero")),
        ("fundPool", (0,), Error("AmountZero")),
        ("defundPool", (1, ALICE), Error("VaultUnauthorized", (ALICE,))),
        ("setVault", (ALICE,), Error("AccessManagedUnauthorized", (ALICE,))),
        ("setInsuranceCap", (0, 1), Error("AccessManagedUnauthorized", (ALICE,))),
        (
            "movePosition",
            (to_account_id(BOB, 0), to_account_id(BOB, 1), 0, 1),
            Error("AccountUnauthorized", (to_account_id(BOB, 0), ALICE, PERMISSION_MARGIN)),
        ),
        (
            "movePosition",
            (to_account_id(ALICE, 0), to_account_id(BOB, 0), 0, 1),
            Error("AccountPairInvalid", (to_account_id(ALICE, 0), to_account_id(BOB, 0))),
        ),
        ("movePosition", (to_account_id(ALICE, 0), to_account_id(ALICE, 1), 0, 0), Error("SizeZero")),
        (
            "movePosition",
            (to_account_id(ALICE, 0), to_account_id(ALICE, 1), 0, 1),
            Error("PositionMissing", (to_account_id(ALICE, 0), 0)),
        ),
        ("pauseRisk", (), Error("AccessManagedUnauthorized", (ALICE,))),
        ("setExecutor", (ALICE, True), Error("AccessManagedUnauthorized", (ALICE,))),
        ("setRiskConfig", (RISK,), Error("AccessManagedUnauthorized", (ALICE,))),
        ("listMarket", (BITCOIN, MAX_RATE), Error("AccessManagedUnauthorized", (ALICE,))),
        ("trade", ((to_account_id(ALICE, 0), 0, 1, 1, 1, 1, 1, False, True),), Error("ExecutorUnauthorized", (ALICE,))),
    ],
)
def test_call__refused__names_the_error_and_changes_nothing(
    function: str, args: tuple[Any, ...], expected: ErrorValue
) -> None:
    exchange = Exchange()
    exchange.fund(ALICE, 1_000)
    before = state_of(exchange.world)
    assert exchange.error(ALICE, "Clearinghouse", function, *args) == expected
    assert state_of(exchange.world) == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": 5}, Error("AccountReserved", (5,))),
        ({"size_delta": 0}, Error("SizeZero")),
        ({"market": 9}, Error("MarketUnknown", (9,))),
        ({"size_delta": 10**14}, Error("SizeBelowMinimum", (10**14, 10**15))),
        ({"size_delta": 2**127 - 1}, Error("OpenInterestExceeded", (2**127 - 1, 50_000 * WAD))),
        ({"size_delta": -(2**127)}, Error("OpenInterestExceeded", (2**127, 50_000 * WAD))),
        ({"acceptable_price": 50_000 * WAD}, Error("PriceUnacceptable", (50_000 * WAD + 25 * 10**16, 50_000 * WAD))),
        ({"keeper": INSURANCE_ACCOUNT, "keeper_fee": 1}, Error("AccountReserved", (INSURANCE_ACCOUNT,))),
    ],
)
def test_trade__refused__names_the_error_and_changes_nothing(changes: dict[str, int], expected: ErrorValue) -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 100_000)
    before = state_of(exchange.world)
    outcome = exchange.trade(**{"account": account, "market": 0, "size_delta": WAD, **changes})
    assert outcome.error == expected
    assert state_of(exchange.world) == before


def test_trade__too_much_for_the_margin__says_what_there_is_and_what_is_required() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 2_000)
    cost = 50_000 * WAD + 25 * 10**16
    fee = 25 * WAD
    equity = 2_000 * WAD - cost - fee + 50_000 * WAD
    assert exchange.trade(account, 0, WAD).error == Error("MarginInsufficient", (equity, 2_500 * WAD))


# ---- modes, pause, permissions


def test_trade__second_market_of_an_isolated_account__is_refused() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 100_000)
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.ISOLATED)
    assert exchange.trade(account, 0, WAD).ok
    assert exchange.trade(account, 1, WAD).error == Error("OpenMarketsExceeded", (account, 2, 1))
    exchange.must(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.CROSS)
    assert exchange.trade(account, 1, WAD).ok
    error = exchange.error(ALICE, "Clearinghouse", "setMarginMode", account, MarginMode.ISOLATED)
    assert error == Error("OpenMarketsExceeded", (account, 2, 1))


def test_pause_risk__open_position__only_shrinks() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 100_000)
    assert exchange.trade(account, 0, 2 * WAD).ok
    exchange.must(ADMIN, "Clearinghouse", "pauseRisk")
    assert exchange.trade(account, 0, 1).error == Error("RiskPaused")
    assert exchange.trade(account, 0, -3 * WAD).error == Error("RiskPaused")
    assert exchange.trade(account, 0, -WAD).ok
    exchange.must(ALICE, "Clearinghouse", "withdraw", account, TOKEN, ALICE)
    assert exchange.trade(account, 0, -WAD).ok
    exchange.must(ADMIN, "Clearinghouse", "unpauseRisk")
    assert exchange.trade(account, 0, WAD).ok


def test_operator__until_expiry_inclusive__does_what_it_may_and_pays_the_owner_only() -> None:
    exchange = Exchange()
    account, other = exchange.fund(ALICE, 1_000), to_account_id(ALICE, 1)
    flags = PERMISSION_WITHDRAW | PERMISSION_MARGIN
    exchange.must(ALICE, "Clearinghouse", "setOperator", BOB, flags, exchange.world.timestamp + 10)
    exchange.world.advance(10)
    exchange.must(BOB, "Clearinghouse", "transfer", account, other, WAD)
    exchange.must(BOB, "Clearinghouse", "withdraw", account, TOKEN, ALICE)
    error = exchange.error(BOB, "Clearinghouse", "withdraw", account, TOKEN, BOB)
    assert error == Error("RecipientUnauthorized", (BOB,))
    exchange.world.advance(1)
    error = exchange.error(BOB, "Clearinghouse", "withdraw", account, TOKEN, ALICE)
    assert error == Error("AccountUnauthorized", (account, BOB, PERMISSION_WITHDRAW))


# ---- reductions


def test_trade__reduction_with_another_market_stale__passes_without_its_price() -> None:
    """I22, I33: a stale price keeps nobody in a position, but a keeper's fee takes the whole account's margin."""
    exchange = Exchange()
    account = exchange.fund(ALICE, 100_000)
    assert exchange.trade(account, 0, 2 * WAD).ok
    assert exchange.trade(account, 1, 2 * WAD).ok
    exchange.world.advance(MAX_AGE_SECONDS + 1)
    exchange.publish(0, 50_000 * WAD)
    stale = Error("PriceStale", (1, exchange.world.oracle.price_state(1).published_at, MAX_AGE_SECONDS))
    assert exchange.trade(account, 0, WAD).error == stale
    assert exchange.trade(account, 0, -WAD, keeper_fee=1).error == stale
    assert exchange.trade(account, 0, -WAD).ok


def test_trade__bankrupt_account__shrinks_but_does_not_close() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 3_000)
    assert exchange.trade(account, 0, WAD).ok
    exchange.publish(0, 40_000 * WAD)
    assert exchange.trade(account, 0, -WAD // 2).ok
    outcome = exchange.trade(account, 0, -WAD // 2)
    assert outcome.error is not None
    assert outcome.error.name == "AccountBankrupt"
    paid = exchange.trade(account, 0, -WAD // 4, keeper_fee=1)
    assert paid.error is not None
    assert paid.error.name == "MaintenanceInsufficient"


# ---- leverage


@given(st.integers(WAD, 20 * WAD), st.sampled_from((-1, 1)))
def test_set_leverage__open_position__leaves_notional_over_leverage(leverage: int, direction: int) -> None:
    exchange = Exchange()
    account, other = exchange.fund(ALICE, 100_000), exchange.fund(ALICE, 100_000, 1)
    assert exchange.trade(account, 0, direction * WAD).ok
    exchange.must(ALICE, "Clearinghouse", "setLeverage", account, other, leverage)
    risk = exchange.world.clearinghouse.risk_of(account)
    assert risk.equity == -(-risk.notional * WAD // leverage)
    exchange.world.check_invariants()


# ---- liquidation


@given(st.integers(20_000, 47_600), st.integers(0, 100_000))
def test_liquidate__any_crash__heals_or_flattens_and_books_all(price: int, insurance: int) -> None:
    """I2, I25, I26, I30: the account, then the insurance fund, then the pool."""
    exchange = Exchange()
    exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**6 * TOKEN)
    exchange.must(ADMIN, "Clearinghouse", "fundInsurance", insurance * TOKEN + 1)
    account, liquidator = exchange.fund(ALICE, 36_000), to_account_id(CAROL, 0)
    assert exchange.trade(account, 0, 10 * WAD).ok
    assert exchange.trade(account, 1, 20 * WAD).ok
    exchange.publish(0, price * WAD)
    before = exchange.world.clearinghouse.ledger()
    outcome = exchange.must(BOB, "Clearinghouse", "liquidate", account, liquidator)
    exchange.world.check_invariants()
    check_liquidated(exchange.world, account)
    result = outcome.returns[0]
    assert exchange.balance(liquidator) == result.reward >= RISK.min_reward * CENT
    booked = [event.args for event in outcome.events if event.name == "BadDebtBooked"]
    assert sum(from_insurance + from_pool for _, from_insurance, from_pool in booked) == result.bad_debt
    assert all(from_pool == 0 or from_insurance >= before.insurance_balance for _, from_insurance, from_pool in booked)
    again = exchange.error(BOB, "Clearinghouse", "liquidate", account, liquidator)
    assert again.name in ("AccountHealthy", "AccountFlat")


def test_liquidate__healthy_account__says_how_healthy() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 10_000)
    assert exchange.trade(account, 0, WAD).ok
    risk = exchange.world.clearinghouse.risk_of(account)
    error = exchange.error(BOB, "Clearinghouse", "liquidate", account, to_account_id(BOB, 0))
    assert error == Error("AccountHealthy", (risk.equity, risk.maintenance_margin))


def test_liquidate__own_account_for_the_reward__costs_more_than_closing() -> None:
    """I18: the owner as his own liquidator ends with less than one who closed in time."""
    ends = []
    for closes in (True, False):
        exchange = Exchange()
        exchange.must(ADMIN, "Clearinghouse", "fundPool", 10**6 * TOKEN)
        account, reward = exchange.fund(ALICE, 3_000), to_account_id(ALICE, 1)
        assert exchange.trade(account, 0, WAD).ok
        exchange.publish(0, 48_000 * WAD)
        if closes:
            assert exchange.trade(account, 0, -WAD).ok
        else:
            exchange.must(ALICE, "Clearinghouse", "liquidate", account, reward)
            exchange.trade(account, 0, -exchange.world.clearinghouse.position_of(account, 0).shares)
        ends.append(exchange.balance(account) + exchange.balance(reward))
    assert ends[0] > ends[1]


# ---- governance


def test_collect_treasury__surplus__goes_to_the_treasury() -> None:
    exchange = Exchange()
    exchange.must(ADMIN, "Clearinghouse", "fundInsurance", (RISK.treasury_threshold + 5) * TOKEN)
    outcome = exchange.must(BOB, "Clearinghouse", "collectTreasury")
    treasury = to_account_id(TREASURY, 0)
    assert outcome.events == (Event("Clearinghouse", "TreasuryCollected", (treasury, 5 * WAD, 5 * WAD)),)
    assert exchange.balance(INSURANCE_ACCOUNT) == RISK.treasury_threshold * WAD


@pytest.mark.parametrize(
    ("changes", "parameter", "bounds"),
    [
        ({"skew_scale": 0}, "skewScale", (0, 1, 2**64 - 1)),
        ({"max_open_interest": 10_001}, "maxOpenInterest", (10_001, 1, 10_000)),
        ({"min_size": 0}, "minSize", (0, 1, 2**48 - 1)),
        ({"maker_fee": 501}, "makerFee", (501, 0, 500)),
        ({"margin_ratio": 49}, "marginRatio", (49, 50, 10_000)),
        ({"maintenance_fraction": 8_001}, "maintenanceFraction", (8_001, 500, 8_000)),
        ({"max_funding_velocity": 2**31}, "maxFundingVelocity", (2**31, 0, 2**31 - 1)),
    ],
)
def test_list_market__parameter_out_of_bounds__is_named(
    changes: dict[str, int], parameter: str, bounds: tuple[int, int, int]
) -> None:
    error = Exchange().error(ADMIN, "Clearinghouse", "listMarket", BITCOIN._replace(**changes), MAX_RATE)
    word = "0x" + parameter.encode().ljust(32, b"\0").hex()
    assert error == Error("ParameterOutOfBounds", (word, *bounds))


def test_list_market__all_numbers_used__is_refused() -> None:
    exchange = Exchange()
    for market in range(2, 120):
        assert exchange.must(ADMIN, "Clearinghouse", "listMarket", ETHER, MAX_RATE).returns == (market,)
    assert exchange.error(ADMIN, "Clearinghouse", "listMarket", ETHER, MAX_RATE) == Error("MarketsExhausted")


def test_set_market__depth_below_open_interest__is_refused() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 10**6)
    assert exchange.trade(account, 0, 100 * WAD).ok
    shallow = BITCOIN._replace(skew_scale=99 * 10**9)
    error = exchange.error(ADMIN, "Clearinghouse", "setMarket", 0, shallow, MAX_RATE)
    assert error == Error("OpenInterestExceeded", (100 * WAD, 99 * WAD))
    exchange.must(ADMIN, "Clearinghouse", "setMarket", 0, shallow._replace(skew_scale=100 * 10**9), 0)
    assert exchange.world.clearinghouse.market_of(0).funding.rate == 0
    exchange.world.check_invariants()
    grown = exchange.trade(account, 0, WAD)
    assert grown.error == Error("OpenInterestExceeded", (101 * WAD, 50 * WAD))


# ---- the settlement token


def test_deposit__token_keeps_a_fee__is_refused_and_changes_nothing() -> None:
    exchange = Exchange(settings=Settings(token_fee_bps=100))
    before = state_of(exchange.world)
    error = exchange.error(ALICE, "Clearinghouse", "deposit", to_account_id(ALICE, 0), 1_000)
    assert error == Error("TransferMismatch", (1_000, 990))
    assert state_of(exchange.world) == before


def test_world__token_with_other_decimals__is_refused() -> None:
    with pytest.raises(TokenDecimalsMismatch):
        World(Settings(token_decimals=18))


def test_world__treasury_of_nobody__is_refused() -> None:
    with pytest.raises(AccountReserved):
        World(Settings(treasury=ZERO_ADDRESS))


def test_donation__tokens_past_the_ledger__are_nobodys() -> None:
    """I1, I14: who sends tokens to the clearinghouse loses them; no balance changes."""
    exchange = Exchange()
    account = exchange.fund(ALICE, 1_000)
    exchange.must(BOB, "LocalToken", "transfer", exchange.world.clearinghouse.address, 55)
    assert exchange.world.donated == 55
    assert exchange.balance(account) == 1_000 * WAD
    exchange.world.check_invariants()


# ---- many calls in one


def test_multicall__several_calls__returns_what_each_returned() -> None:
    exchange = Exchange()
    world = exchange.world
    account, other = to_account_id(ALICE, 0), to_account_id(ALICE, 1)
    calls = (
        world.calldata("Clearinghouse", "deposit", (account, 1_000)),
        world.calldata("Clearinghouse", "transfer", (account, other, 3)),
        world.calldata("Clearinghouse", "balanceOf", (other,)),
    )
    outcome = exchange.must(ALICE, "Clearinghouse", "multicall", calls)
    assert outcome.returns == (("0x", "0x", f"0x{3:064x}"),)
    assert [event.name for event in outcome.events] == ["Deposited", "Transfer", "Transferred"]


@pytest.mark.parametrize("last", ["", "0x12345678", "0x"])
def test_multicall__last_call_fails__undoes_the_first(last: str) -> None:
    exchange = Exchange()
    world = exchange.world
    account = exchange.fund(ALICE, 1_000)
    before = state_of(world)
    failing = last or world.calldata("Clearinghouse", "transfer", (account, account, 1))
    calls = (world.calldata("Clearinghouse", "deposit", (account, 1_000)), failing)
    error = exchange.error(ALICE, "Clearinghouse", "multicall", calls)
    assert error == (Error("FailedCall") if last else Error("AccountPairInvalid", (account, account)))
    assert state_of(world) == before


# ---- value and range


def test_call__value_to_a_function_that_takes_none__reverts_without_data() -> None:
    exchange = Exchange()
    outcome = exchange.world.call(ALICE, "Clearinghouse", "accrue", (0,), value=1)
    assert outcome.error == Error("")


def test_events__failed_call__leaves_none_for_the_next() -> None:
    exchange = Exchange()
    account = exchange.fund(ALICE, 100)
    assert exchange.trade(account, 0, WAD).events == ()
    outcome = exchange.must(ALICE, "Clearinghouse", "setOperator", BOB, 1, 2)
    assert [event.name for event in outcome.events] == ["OperatorSet"]
    assert exchange.world.clearinghouse.is_executor(EXECUTOR)
