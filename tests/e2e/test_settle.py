"""The keeper of orders, on a real node."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol.types.order import Order, OrderKind, Terms
from steelyard import parameters as parameter_files
from steelyard.client import Chain, to_account_id
from steelyard.deployment.command import quiet
from steelyard.keeper.backoff import Backoff
from steelyard.keeper.batches import Batcher
from steelyard.keeper.command import EXIT_FAILED, EXIT_UNREACHABLE
from steelyard.keeper.follower import StateForeign
from steelyard.keeper.order_command import keep_orders, run_order_keeper
from steelyard.keeper.order_round import Outcome
from steelyard.keeper.orders import OrderKeeper, Policy
from steelyard.keeper.prices import Hermes, LocalPrices
from tests.e2e.market import WAD, Market

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.client import Receipt
    from steelyard.demo.local import LocalChain
    from steelyard.keeper.batches import Sent
    from steelyard.keeper.order_round import OrderRound
    from steelyard.keeper.prices import Update

pytestmark = pytest.mark.anvil

BTC, ETH = 0, 1
FEEDS = [market.oracle.feed.lower() for market in parameter_files.load().markets]
LIMIT = Terms(OrderKind.LIMIT, 2_450 * WAD)


class History(LocalPrices):
    """All prices that were published; for the feeds in `broken` an update that is not the first of its time."""

    broken: tuple[str, ...] = ()

    def first_at(self, feed: str, earliest: int) -> Update | None:
        update = super().first_at(feed, earliest)
        if update is None or feed not in self.broken:
            return update
        return replace(update, data=(update.data[0][:-32] + earliest.to_bytes(32),))


class Desk:
    """A trader's orders, and a keeper of them."""

    def __init__(self, chain: LocalChain, folder: Path, name: str) -> None:
        self.market = Market.open(chain, folder, name)
        self.chain = chain
        self.exchange = self.market.exchange
        self.trader, self.account = self.market.trader("trader", 1_000_000)
        self.history = History(chain, self.exchange.addresses["Pyth"])
        self.fees = to_account_id(self.market.keeper.address, 0)
        self.slot = 0

    def keeper(self, **options: Any) -> OrderKeeper:
        options.setdefault("prices", self.history)
        first_block = self.market.artefact.first_block
        return OrderKeeper(self.exchange, self.market.keeper, self.fees, first_block=first_block, **options)

    def publish(self, **prices: int) -> None:
        self.market.publish(**prices)
        for feed, price in zip(FEEDS, self.market.prices.values(), strict=True):
            self.history.record(feed, price=price * 10**8, confidence=10**6, published_at=self.market.now)

    def make(
        self, terms: Terms | None, *, size: int = WAD, market: int = ETH, fee: int = WAD, worst: int | None = None
    ) -> Order:
        """Place an order with terms, or commit to one without, in the next slot."""
        if worst is None:
            worst = 2**100 if size > 0 else 0
        order = Order(self.account, market, self.slot, 2**40 - 1, size, worst, fee)
        self.slot += 1
        if terms is None:
            self.send("commit", order)
        else:
            self.send("place", order, terms)
        return order

    def send(self, function: str, *arguments: Any) -> Receipt:
        return self.chain.send(self.trader, self.exchange.order_book, function, *arguments)

    def earned(self) -> int:
        return self.exchange.balances_of([self.fees])[0]


@pytest.fixture
def desk(chain: LocalChain, tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    return Desk(chain, tmp_path, f"s{abs(hash(request.node.name))}")


def outcomes(done: OrderRound) -> dict[tuple[str, int], str]:
    return {(one.due.action.value, one.due.held.order.slot): one.outcome.value for one in done.attempts}


def test_run_once__all_kinds_and_one_that_reverts__go_in_one_transaction(desk: Desk) -> None:
    limit = desk.make(LIMIT)
    stop = desk.make(Terms(OrderKind.STOP, 2_450 * WAD), size=-WAD)
    trailing = desk.make(Terms(OrderKind.TRAILING_STOP, distance=20_000), size=-WAD)
    twap = desk.make(Terms(OrderKind.TWAP, slices=4, interval=40), size=4 * WAD)
    bracket = desk.make(Terms(OrderKind.BRACKET, 0, 2_450 * WAD, 2_600 * WAD))
    keeper = desk.keeper()
    desk.publish()
    first = keeper.run_once()
    assert outcomes(first) == {
        ("trail", trailing.slot): "done",
        ("execute", twap.slot): "done",
        ("execute", bracket.slot): "done",
    }
    desk.publish(ETH=2_400)
    second = keeper.run_once()
    turned = (limit, stop, trailing, bracket)
    assert outcomes(second) == {("trigger", one.slot): "done" for one in turned}
    market, bad = desk.make(None), desk.make(None, market=BTC)
    desk.history.broken = (FEEDS[BTC],)
    desk.publish()
    before = desk.earned()
    third = keeper.run_once()
    assert outcomes(third) == {
        ("settle", market.slot): "done",
        ("settle", bad.slot): "failed",
        **{("execute", one.slot): "done" for one in (*turned, twap)},
    }
    (failed,) = [one for one in third.attempts if one.outcome is Outcome.FAILED]
    assert str(failed.reason).startswith("PriceFeedNotFoundWithinRange")
    assert [len(one.transactions) for one in (first, second, third)] == [1, 1, 1]
    assert third.transactions[0].calls == 6
    assert not third.is_complete
    assert desk.earned() - before == third.fees == 6 * WAD
    fourth = keeper.run_once()
    assert fourth.attempts == ()
    assert [(one.due.held.order.slot, one.reason[:14]) for one in fourth.left] == [(bad.slot, "failed 1 times")]
    assert fourth.orders == {"market": 1, "twap": 1}


def test_run_once__killed_between_trigger_and_settlement__next_one_settles(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = desk.make(LIMIT)
    path = tmp_path / "state.json"
    keeper = desk.keeper(path=path)
    assert keeper.run_once().orders == {"limit": 1}
    desk.publish(ETH=2_400)
    send = Batcher.send

    def killed(self: Batcher, *arguments: Any, **options: Any) -> Sent:
        assert send(self, *arguments, **options).receipt is not None
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Batcher, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            keeper.run_once()
    desk.publish()
    restarted, anew = desk.keeper(path=path), desk.keeper(is_dry=True)
    assert outcomes(anew.run_once()) == {("execute", order.slot): "would"}
    assert outcomes(restarted.run_once()) == {("execute", order.slot): "done"}
    assert restarted.run_once().orders == anew.run_once().orders == {}
    assert desk.earned() == WAD


def test_read__state_file__starts_there_unless_it_is_of_no_use(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    desk.make(LIMIT)
    for _ in range(70):
        desk.chain.rpc("evm_mine")
    desk.keeper(path=path).run_once()
    state = json.loads(path.read_text())
    assert len(state["orders"]) == 1
    restarted = desk.keeper(path=path).run_once()
    assert (restarted.events, restarted.note, restarted.orders) == (0, None, {"limit": 1})
    for broken in ("{", json.dumps(state | {"hash": "0x00"}), json.dumps(state | {"version": 0})):
        path.write_text(broken)
        again = desk.keeper(path=path).run_once()
        assert (again.events, again.orders) == (1, {"limit": 1})
        assert "all events are read again" in str(again.note)
    path.write_text(json.dumps(state | {"order_book": "0x01"}))
    with pytest.raises(StateForeign):
        desk.keeper(path=path).run_once()


def test_read__chain_is_replaced__book_is_as_if_read_anew(desk: Desk) -> None:
    kept = desk.make(LIMIT)
    keeper = desk.keeper(span=3)
    assert keeper.run_once().orders == {"limit": 1}
    snapshot = desk.chain.rpc("evm_snapshot")
    height = desk.chain.block().number
    desk.make(LIMIT)
    desk.send("cancelPlaced", kept, LIMIT)
    assert [held.order.slot for held in _orders(keeper)] == [1]
    assert desk.chain.rpc("evm_revert", snapshot)
    desk.slot = 5
    desk.make(Terms(OrderKind.STOP, 9_000 * WAD))
    done = keeper.run_once()
    assert done.rewound_to == height
    assert done.orders == {"limit": 1, "stop": 1}
    anew = desk.keeper()
    anew.run_once()
    assert keeper.book.orders == anew.book.orders


def _orders(keeper: OrderKeeper) -> list[Any]:
    keeper.run_once()
    return list(keeper.book.orders.values())


def test_run_once__newer_price_at_the_source__is_stored_and_triggers_in_the_same_transaction(desk: Desk) -> None:
    order = desk.make(LIMIT)
    keeper = desk.keeper()
    desk.publish()
    assert keeper.run_once().attempts == ()
    later = desk.market.now + 5
    desk.chain.move_to(later + 1)
    for feed, price in zip(FEEDS, (40_000, 2_400, 50), strict=True):
        desk.history.record(feed, price=price * 10**8, confidence=10**6, published_at=later)
    done = keeper.run_once()
    assert outcomes(done) == {("trigger", order.slot): "done"}
    states = [desk.chain.call(desk.exchange.oracle, "priceState", market) for market in (BTC, ETH)]
    assert states[ETH].publishedAt == later
    # Prices that trigger nothing are not paid for.
    assert states[BTC].publishedAt < later
    assert [one.price_fees for one in done.transactions] == [1]


def test_run_once__more_than_a_transaction_holds__is_split(desk: Desk) -> None:
    orders = [desk.make(LIMIT) for _ in range(4)]
    desk.publish(ETH=2_400)
    done = desk.keeper(policy=Policy(max_gas=1_000_000)).run_once()
    assert outcomes(done) == {("trigger", one.slot): "done" for one in orders}
    assert [one.calls for one in done.transactions] == [3, 1]


def test_run_once__poor_fee_and_poor_profit__are_left_with_the_reason(desk: Desk) -> None:
    poor, rich = desk.make(None, fee=0), desk.make(None, fee=WAD)
    desk.publish()
    done = desk.keeper(policy=Policy(min_fee=WAD // 2)).run_once()
    assert outcomes(done) == {("settle", rich.slot): "done"}
    assert [(one.due.held.order.slot, one.reason) for one in done.left] == [
        (poor.slot, "fee 0 under the minimum of 0.5")
    ]
    dear = Policy(min_profit=0, native_price=10**9 * WAD)
    third = desk.make(None, fee=WAD)
    desk.publish()
    all_left = desk.keeper(policy=dear).run_once().left
    assert (third.slot, "profit -") in [(one.due.held.order.slot, one.reason[:8]) for one in all_left]


def test_run_once__limit_that_no_fill_can_meet__waits_and_holds_up_none_but_its_account(desk: Desk) -> None:
    keeper = desk.keeper(policy=Policy(first_wait=50))
    hopeless = desk.make(LIMIT, worst=1)
    desk.publish(ETH=2_400)
    assert outcomes(keeper.run_once()) == {("trigger", hopeless.slot): "done"}
    desk.publish()
    rested = keeper.run_once()
    assert outcomes(rested) == {("execute", hopeless.slot): "rested"}
    assert re.search(
        r"rested: PriceUnacceptable\(fillPrice=2400\.01\d+, acceptablePrice=0\.0{17}1\)", rested.lines()[-1]
    )
    assert ", acceptablePrice=1)" in rested.to_json()["attempts"][0]["reason"]
    other = desk.make(LIMIT)
    sender, account = desk.market.trader("stranger", 100_000)
    strange = other._replace(account=account, slot=200)
    desk.chain.send(sender, desk.exchange.order_book, "place", strange, LIMIT)
    desk.publish()
    held_up = keeper.run_once()
    assert outcomes(held_up) == {("trigger", strange.slot): "done"}
    assert sorted((one.due.held.order.slot, one.reason.split(",")[0]) for one in held_up.left) == [
        (hopeless.slot, "failed 1 times"),
        (other.slot, "the account's last 1 fills paid nothing"),
    ]
    desk.publish()
    assert outcomes(keeper.run_once()) == {("execute", strange.slot): "done"}
    desk.publish()
    turns = {("trigger", one.slot): "done" for one in (hopeless, other)}
    assert outcomes(keeper.run_once()) == turns
    desk.publish()
    assert outcomes(keeper.run_once()) == {("execute", hopeless.slot): "rested", ("execute", other.slot): "done"}
    later = desk.make(LIMIT)
    desk.publish()
    last = keeper.run_once()
    assert outcomes(last) == {("trigger", later.slot): "done"}
    assert [(one.due.held.order.slot, one.reason.split(",")[0]) for one in last.left] == [
        (hopeless.slot, "failed 2 times")
    ]


def test_publish__resting_orders__cost_the_chain_nothing(desk: Desk) -> None:
    desk.market.publish()

    def gas() -> int:
        snapshot = desk.chain.rpc("evm_snapshot")
        now, prices = desk.market.now, desk.market.prices.copy()
        block = desk.chain.block().number
        desk.market.publish(ETH=2_300)
        used = sum(
            int(desk.chain.rpc("eth_getTransactionReceipt", one)["gasUsed"], 16)
            for number in range(block + 1, desk.chain.block().number + 1)
            for one in desk.chain.rpc("eth_getBlockByNumber", hex(number), False)["transactions"]
        )
        assert desk.chain.rpc("evm_revert", snapshot)
        desk.market.now, desk.market.prices = now, prices
        return used

    before = gas()
    for _ in range(40):
        desk.make(LIMIT)
    assert gas() == before > 21_000


def test_keep_orders__nothing_answers__exits_with_its_own_codes(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.make(None)
    nobody = Hermes("http://127.0.0.1:9", backoff=Backoff(1))
    assert keep_orders(desk.keeper(prices=nobody), once=True, interval=0, as_json=True) == EXIT_FAILED
    assert "PricesUnreachable" in json.loads(capsys.readouterr().out)["price_failure"]
    keeper = desk.keeper(backoff=Backoff(1))
    keeper._exchange.chain = Chain("http://127.0.0.1:9")
    assert keep_orders(keeper, once=True, interval=0, as_json=False) == EXIT_UNREACHABLE
    assert "RpcUnreachable" in capsys.readouterr().out


def test_run_order_keeper__ape_account__settles_for_its_fee(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = desk.make(None)
    desk.chain.move_to(desk.chain.block().timestamp + 3)
    options: dict[str, Any] = {
        "name": desk.market.artefact.name,
        "account": "TEST::2",
        "fee_index": 7,
        "once": True,
        "interval": 0,
        "min_fee": 0,
        "min_profit": None,
        "native_price": None,
        "trail_share": 100_000,
        "clear": False,
        "max_gas": 12_000_000,
        "fill_gas": 700_000,
        "hermes_url": None,
        "path": None,
        "as_json": True,
        "folder": tmp_path,
    }
    with quiet():
        dry = run_order_keeper(**options, dry_run=True)
        code = run_order_keeper(**options, dry_run=False)
    rounds = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (dry, code) == (0, 0)
    assert [[(one["slot"], one["outcome"]) for one in done["attempts"]] for done in rounds] == [
        [(order.slot, "would")],
        [(order.slot, "done")],
    ]
    assert [len(done["transactions"]) for done in rounds] == [0, 1]
