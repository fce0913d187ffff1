"""The keeper that liquidates, on a real node."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from steelyard.client import (
    AccountSender,
    Chain,
    ContractReverted,
    Exchange,
    MarginMode,
    Receipt,
    RpcUnreachable,
    UnlockedSender,
    to_account_id,
)
from steelyard.client.records import AccountId
from steelyard.client.units import to_wad
from steelyard.client.vault import Obstacle
from steelyard.deployment.command import quiet, select_account
from steelyard.keeper.backoff import Backoff
from steelyard.keeper.command import EXIT_FAILED, EXIT_UNREACHABLE, keep, run_keeper
from steelyard.keeper.liquidator import Liquidator, Status
from tests.e2e.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil


@pytest.fixture
def market(chain: LocalChain, tmp_path: Path, request: pytest.FixtureRequest) -> Market:
    return Market.open(chain, tmp_path, f"m{abs(hash(request.node.name))}")


def liquidator(market: Market, **options: Any) -> Liquidator:
    reward = to_account_id(market.keeper.address, 0)
    return Liquidator(market.exchange, market.keeper, reward, first_block=market.artefact.first_block, **options)


def conserves(market: Market, *accounts: AccountId) -> bool:
    exchange = market.exchange
    everybody = [*accounts, to_account_id(market.keeper.address, 0), exchange.treasury, AccountId(1), AccountId(2)]
    return sum(exchange.balances_of(everybody)) == exchange.pool_view().tokens_held * 10**12


def test_run_once__price_falls__liquidates_only_who_is_under(market: Market) -> None:
    high = market.opened("high", "BTC", deposit=10_000, leverage=20)
    low = market.opened("low", "BTC", deposit=10_000, leverage=2)
    flat = market.trader("flat", 1_000)[1]
    keeper = liquidator(market)
    calm = keeper.run_once()
    assert (calm.accounts, calm.open_accounts, calm.attempts) == (3, 2, ())
    market.publish(BTC=38_500)
    done = keeper.run_once()
    (one,) = done.attempts
    assert (one.account, one.status) == (high, Status.LIQUIDATED)
    assert one.health < 10**18
    assert market.exchange.balances_of([to_account_id(market.keeper.address, 0)]) == [one.reward]
    views = market.exchange.account_views([high, low])
    assert not any(view.is_liquidatable for view in views)
    assert conserves(market, high, low, flat)
    assert keeper.run_once().attempts == ()


def test_run_once__several_under__worst_first(market: Market) -> None:
    mild = market.opened("mild", "ETH", deposit=10_000, leverage=10)
    worst = market.opened("worst", "ETH", deposit=10_000, leverage=20)
    middle = market.opened("middle", "BTC", deposit=10_000, leverage=20)
    market.publish(BTC=38_500, ETH=2_290)
    done = liquidator(market, batch=1).run_once()
    assert [one.account for one in done.attempts] == [worst, middle, mild]
    assert [one.health for one in done.attempts] == sorted(one.health for one in done.attempts)
    assert {one.status for one in done.attempts} == {Status.LIQUIDATED}
    assert conserves(market, mild, worst, middle)


def test_run_once__bankrupt__books_the_debt(market: Market) -> None:
    account = market.opened("bankrupt", "SOL", deposit=10_000, leverage=20)
    insurance = market.exchange.pool_view().insurance
    market.publish(SOL=40)
    (one,) = liquidator(market).run_once().liquidated
    assert one.bad_debt > 0
    assert market.exchange.pool_view().insurance < insurance
    assert market.exchange.balances_of([account]) == [0]
    assert conserves(market, account)


def test_run_once__hedge_falls_apart__liquidates_the_portfolio(market: Market) -> None:
    sender, account = market.trader("hedger", 10_000, MarginMode.PORTFOLIO)
    market.trade(sender, account, "BTC", 100_000)
    market.trade(sender, account, "ETH", -100_000)
    keeper = liquidator(market)
    market.publish(BTC=44_000, ETH=2_750)
    assert keeper.run_once().attempts == ()
    market.publish(BTC=44_000, ETH=2_980)
    (one,) = keeper.run_once().liquidated
    assert one.account == account
    assert not market.exchange.account_views([account])[0].is_liquidatable
    assert conserves(market, account)


# ---- the pool


@pytest.fixture
def poor(chain: LocalChain, tmp_path: Path, request: pytest.FixtureRequest) -> Market:
    """A market whose pool is under its maintenance margin once bitcoin gains a tenth."""
    market = Market.open(chain, tmp_path, f"p{abs(hash(request.node.name))}", pool=100_000)
    market.opened("winner", "BTC", deposit=200_000, leverage=5)
    return market


def test_run_once__pool_under_maintenance__is_deleveraged(poor: Market) -> None:
    keeper = liquidator(poor)
    calm = keeper.run_once()
    assert (calm.pool, calm.pool_unpriced, calm.is_complete) == (None, None, True)
    poor.publish(BTC=44_000)
    risk = poor.exchange.pool_risk()
    done = keeper.run_once()
    assert done.pool is not None
    assert (done.pool.status, done.pool.markets) == (Status.DELEVERAGED, (0,))
    assert (done.pool.equity, done.pool.maintenance_margin) <= (risk.net_asset_value, risk.maintenance_margin)
    after = poor.exchange.pool_risk()
    assert after.net_asset_value >= after.maintenance_margin
    assert after.notional < risk.notional
    assert keeper.run_once().pool is None


def test_keep__pool_deleveraged__is_told(poor: Market) -> None:
    poor.publish(BTC=44_000)
    lines = list[str]()
    assert keep(liquidator(poor), once=True, interval=0, as_json=False, say=lines.append) == 0
    assert "pool deleveraged" in lines[-1]
    assert "markets 0" in lines[-1]


def test_run_once__another_deleveraged_first__is_no_failure(poor: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    poor.publish(BTC=44_000)
    deleverage = Exchange.deleverage

    def overtaken(self: Exchange, *arguments: Any) -> Receipt:
        deleverage(self, *arguments)
        return deleverage(self, *arguments)

    monkeypatch.setattr(Exchange, "deleverage", overtaken)
    done = liquidator(poor).run_once()
    assert done.pool is not None
    assert (done.pool.status, done.pool.reason) == (Status.HEALTHY, "AccountHealthy")
    assert done.is_complete


def test_keep__pool_cannot_be_deleveraged__exits_with_failed(
    poor: Market, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    poor.publish(BTC=44_000)

    def refused(self: Exchange, *_: Any) -> Receipt:
        raise ContractReverted("PriceStale", {}, b"")

    monkeypatch.setattr(Exchange, "deleverage", refused)
    assert keep(liquidator(poor), once=True, interval=0, as_json=True) == EXIT_FAILED
    pool = json.loads(capsys.readouterr().out)["pool"]
    assert (pool["status"], pool["transaction"]) == ("failed", None)
    assert "PriceStale" in pool["reason"]


def test_run_once__healthy_again_in_between__is_no_failure(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    account = market.opened("lucky", "BTC", deposit=10_000, leverage=20)
    market.publish(BTC=38_500)
    liquidate = Exchange.liquidate

    def recovered(self: Exchange, *arguments: Any) -> Receipt:
        market.publish(BTC=40_000)
        return liquidate(self, *arguments)

    monkeypatch.setattr(Exchange, "liquidate", recovered)
    (one,) = liquidator(market).run_once().attempts
    assert (one.account, one.status, one.reason) == (account, Status.HEALTHY, "AccountHealthy")


def test_run_once__another_was_faster__is_no_failure(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    market.opened("contested", "SOL", deposit=10_000, leverage=20)
    market.publish(SOL=40)
    liquidate = Exchange.liquidate

    def overtaken(self: Exchange, *arguments: Any) -> Receipt:
        liquidate(self, *arguments)
        return liquidate(self, *arguments)

    monkeypatch.setattr(Exchange, "liquidate", overtaken)
    (one,) = liquidator(market).run_once().attempts
    assert (one.status, one.reason) == (Status.HEALTHY, "AccountFlat")


def test_run_once__node_fails_sometimes__tries_again(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    account = market.opened("patient", "BTC", deposit=10_000, leverage=20)
    market.publish(BTC=38_500)
    rpc, calls, waits = Chain.rpc, [0], list[float]()

    def flaky(self: Chain, method: str, *parameters: Any) -> Any:
        calls[0] += 1
        if calls[0] % 3 == 1:
            raise RpcUnreachable("http://node", "gone for a moment")
        return rpc(self, method, *parameters)

    monkeypatch.setattr(Chain, "rpc", flaky)
    done = liquidator(market, backoff=Backoff(sleep=waits.append)).run_once()
    assert [one.account for one in done.liquidated] == [account]
    assert waits[0] == 0.5


def test_run_once__events_in_small_spans__finds_all(market: Market) -> None:
    names = [f"trader {number}" for number in range(3)]
    accounts = [market.opened(name, "BTC", deposit=5_000, leverage=20) for name in names]
    market.publish(BTC=38_500)
    done = liquidator(market, span=2).run_once()
    assert {one.account for one in done.liquidated} == set(accounts)


def test_run_once__price_stale__is_told_and_tried_later(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    account = market.opened("waiting", "BTC", deposit=10_000, leverage=20)
    market.now += 3_600
    market.chain.move_to(market.now)
    keeper = liquidator(market)
    assert keep(keeper, once=True, interval=0, as_json=False) == EXIT_FAILED
    assert "PriceStale" in capsys.readouterr().out
    market.publish(BTC=38_500)
    assert [one.account for one in keeper.run_once().liquidated] == [account]


def test_keep__node_gone__exits_with_its_own_code(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    exchange = Exchange(market.chain, market.artefact.addresses)
    exchange.chain = Chain("http://127.0.0.1:9")
    keeper = Liquidator(exchange, market.keeper, AccountId(5 << 96), backoff=Backoff(2, 0.0))
    assert keep(keeper, once=True, interval=0, as_json=True) == EXIT_UNREACHABLE
    assert json.loads(capsys.readouterr().out)["error"] == "RpcUnreachable"


def test_keep__node_comes_back__goes_on(market: Market) -> None:
    account = market.opened("later", "BTC", deposit=10_000, leverage=20)
    market.publish(BTC=38_500)
    keeper, lines, rounds = liquidator(market, backoff=Backoff(1)), list[str](), [0]
    run_once = keeper.run_once

    def interrupted() -> Any:
        rounds[0] += 1
        if rounds[0] == 1:
            raise RpcUnreachable("http://node", "gone")
        if rounds[0] == 3:
            raise KeyboardInterrupt
        return run_once()

    keeper.run_once = interrupted  # type: ignore[method-assign]
    assert keep(keeper, once=False, interval=0, as_json=False, say=lines.append) == 0
    assert "RpcUnreachable" in lines[0]
    assert "1 liquidated" in lines[1]
    assert market.exchange.account_views([account])[0].is_liquidatable is False


def test_run_keeper__ape_account__liquidates(
    market: Market, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = market.opened("public", "BTC", deposit=10_000, leverage=20)
    market.publish(BTC=38_500)
    run = partial(run_keeper, account="TEST::2", reward_index=7, interval=0, batch=10, folder=tmp_path)
    with quiet():
        code = run(name=market.artefact.name, once=True, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    (attempt,) = document["attempts"]
    assert (int(attempt["account"], 16), attempt["status"]) == (account, "liquidated")
    sender = AccountSender(select_account("TEST::2", 31337))
    assert market.exchange.balances_of([to_account_id(sender.address, 7)]) == [to_wad(attempt["reward"], "reward")]


def test_run_once__request_to_the_vault__is_settled_once_it_is_due(market: Market) -> None:
    owner, _ = market.trader("provider", 5_000)
    exchange, chain = market.exchange, market.chain
    chain.send(owner, exchange.token, "mint", owner.address, 1_000 * 10**6)
    chain.send(owner, exchange.token, "approve", exchange.vault.address, 1_000 * 10**6)
    chain.send(owner, exchange.vault, "requestDeposit", 1_000 * 10**6, owner.address, owner.address)
    keeper = liquidator(market)
    early = keeper.run_once()
    assert early.vault is None
    assert early.waiting is not None
    assert (early.waiting.deposits, early.waiting.redemptions) == (1, 0)
    assert early.waiting.obstacle is Obstacle.EARLY
    for _ in range(4):
        market.publish()
    done = keeper.run_once()
    assert done.is_complete
    assert done.vault is not None
    assert (done.vault.deposits, done.vault.redemptions, done.vault.reason) == (1, 0, None)
    assert chain.call(exchange.vault, "maxDeposit", owner.address) == 1_000 * 10**6
    assert keeper.run_once().vault is None
    assert keeper.run_once().waiting is None


def test_keep__requests_wait__are_told_once_per_change_with_the_reason(market: Market) -> None:
    """Redemptions of all shares of a pool that stands behind a position: paid down to its initial margin, then busy."""
    market.opened("long", "BTC", deposit=100_000, leverage=10)
    exchange, chain = market.exchange, market.chain
    provider = UnlockedSender(market.artefact.deployer)
    shares = chain.call(exchange.vault, "balanceOf", provider.address)
    keeper, lines = liquidator(market), list[str]()

    def ask() -> None:
        chain.send(provider, exchange.vault, "requestRedeem", shares, provider.address, provider.address)

    def let_prices_come() -> None:
        for _ in range(5):
            market.publish()

    def let_prices_age() -> None:
        chain.move_to(chain.block().timestamp + 30)

    def rest() -> None:
        pass

    between: Iterator[Callable[[], None]] = iter([ask, rest, let_prices_age, let_prices_come, rest])

    def sleep(_: float) -> None:
        action = next(between, None)
        if action is None:
            raise KeyboardInterrupt
        action()

    assert keep(keeper, once=False, interval=0, as_json=False, say=lines.append, sleep=sleep) == 0
    told = [line.strip() for line in lines if " wait at the vault since " in line]
    assert [line.split(": ")[1].split(",")[0] for line in told] == [
        "too early",
        "price outdated",
        "pool busy",
    ]
    assert all(line.startswith("0 deposits and 1 redemptions wait at the vault since ") for line in told)
    assert sum("0 deposits and 1 redemptions settled" in line for line in lines) == 1
