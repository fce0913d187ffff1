"""A trader's orders through `Client` and `AsyncClient`: one story, told twice, for every kind."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from steelyard.client import AsyncClient, Client, MarginMode, to_account_id
from steelyard.client.errors import (
    AccountUnauthorized,
    AddressInvalid,
    AmountInvalid,
    DeploymentMistaken,
    DocumentInvalid,
    MarginInsufficient,
    NonceUsed,
    OrderInvalid,
    OrderPending,
    OrderUnknown,
    PermitExpired,
    PermitInvalid,
    PositionNone,
    PriceUnacceptable,
    SignatureInvalid,
    SlotOccupied,
    WaitTimeout,
)
from steelyard.client.lifecycle import Status
from steelyard.client.records import Leg, OrderKind
from steelyard.client.senders import NotSent
from steelyard.client.signing import SignedOrder, SignedPermit
from steelyard.client.specs import Limit
from steelyard.client.specs import Market as MarketSpec
from steelyard.client.values import Grant, Permission
from tests.e2e.market import UNIT, Market

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil


async def done(answer: Any) -> Any:
    """Return an answer, whichever client gives it."""
    return await answer if inspect.isawaitable(answer) else answer


def with_confidence(price: int, *, buys: bool) -> Decimal:
    """Return a published price with its confidence, a millionth rounded up, counted against the trader."""
    return price * (1 + Decimal("0.000001") * (1 if buys else -1))


class Stage:
    """A market, and a trader's client of one of the two kinds on it."""

    def __init__(self, market: Market, kind: type[Client] | type[AsyncClient], name: str) -> None:
        self.market = market
        self.kind = kind
        self.clients: list[Any] = []
        self.key, self.other_key = ("0x" + keccak(text=f"{who} {name}").hex() for who in ("trader", "other"))

    def client(self, key: str | None = None, **options: Any) -> Any:
        self.clients.append(self.kind(self.market.artefact, self.market.chain.url, key or self.key, **options))
        return self.clients[-1]

    def fund(self, key: str, dollars: int) -> str:
        """Return the address of a key, with tokens and native currency."""
        address = str(Account.from_key(key).address)
        self.market.chain.fill(address)
        self.market.chain.send(self.market.keeper, self.market.exchange.token, "mint", address, dollars * UNIT)
        return address

    def trigger(self, order: Any) -> None:
        self._as_keeper("trigger", order.order.encoded(), order.terms.encoded())

    def trail(self, order: Any) -> None:
        self._as_keeper("trail", order.order.encoded(), order.terms.encoded())

    def fill(self, order: Any, **prices: int) -> None:
        """Publish prices, and settle what is due of the order at them."""
        update = self.market.publish(**prices)[order.order.market]
        terms = () if order.terms is None else (order.terms.encoded(),)
        function = "execute" if terms else "settle"
        reward = to_account_id(self.market.keeper.address, 0)
        self._as_keeper(function, order.order.encoded(), *terms, reward, (update,), value=1)

    def _as_keeper(self, function: str, *arguments: Any, value: int = 0) -> None:
        exchange = self.market.exchange
        self.market.chain.send(self.market.keeper, exchange.order_book, function, *arguments, value=value)


@pytest.fixture(scope="module")
def market(chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market.open(chain, tmp_path_factory.mktemp("deployment"), "orders")


@pytest.fixture(params=[Client, AsyncClient])
def stage(market: Market, request: pytest.FixtureRequest) -> Stage:
    """New traders on the market of all tests, at round prices."""
    market.publish(BTC=40_000, ETH=2_500, SOL=50)
    return Stage(market, request.param, request.node.name)


def told(story: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[Stage], None]:
    """Make a test of a story."""

    def test(stage: Stage) -> None:
        async def tell() -> None:
            try:
                await story(stage)
            finally:
                for client in stage.clients:
                    if isinstance(client, AsyncClient):
                        await client.close()

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


async def opened(stage: Stage, size: str = "0.5", **options: Any) -> Any:
    """Return a client with 10,000 USD in its account and a position in bitcoin."""
    stage.fund(stage.key, 20_000)
    client = stage.client(**options)
    await done(client.deposit(10_000))
    order = await done(client.market_order("BTC", size))
    stage.fill(order)
    assert (await done(order.wait(5))).status is Status.SETTLED
    return client


@told
async def test_market_order__settled__tells_the_fill(stage: Stage) -> None:
    stage.fund(stage.key, 20_000)
    client = stage.client()
    await done(client.deposit("10000.000001"))
    assert await done(client.wallet()) == Decimal("9999.999999")
    quote = await done(client.quote("BTC", "0.5"))
    order = await done(client.market_order("BTC", "0.5", slippage="0.2"))
    assert (order.market, order.size, order.slot, order.kind) == ("BTC", Decimal("0.5"), 0, OrderKind.MARKET)
    waiting = await done(order.state())
    assert waiting.status is Status.WAITING
    with pytest.raises(OrderPending) as pending:
        await done(order.cancel())
    assert pending.value.latest == waiting.settles_until
    with pytest.raises(WaitTimeout):
        await done(order.wait(0))
    stage.fill(order, BTC=40_010)
    state = await done(order.wait(5))
    (fill,) = state.fills
    assert (state.status, fill.size) == (Status.SETTLED, Decimal("0.5"))
    assert fill.oracle_price == with_confidence(40_010, buys=True)
    assert fill.keeper_fee == Decimal("0.1")
    account = await done(client.account())
    assert account.position("BTC") == Decimal("0.5")
    assert account.balance == Decimal("10000.000001") - fill.cost - fill.fee - fill.keeper_fee
    assert fill.price / fill.oracle_price == quote.price / 40_000
    with pytest.raises(OrderUnknown):
        await done(order.cancel())


@told
async def test_market_order__price_beyond_its_bound__fails_by_name(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.market_order("ETH", 1, slippage="0.1"))
    stage.fill(order, ETH=2_510)
    state = await done(order.wait(5))
    assert state.status is Status.FAILED
    assert isinstance(state.reason, PriceUnacceptable)
    assert state.reason.acceptable_price == order.order.acceptable_price < state.reason.fill_price
    assert not state.fills


@told
async def test_market_order__not_settled_in_its_window__expires_and_frees_its_slot(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.market_order("BTC", "0.1"))
    stage.market.publish()
    stage.market.publish()
    assert (await done(order.wait(5))).status is Status.EXPIRED
    assert await done(client.orders()) == []
    again = await done(client.market_order("BTC", "0.1"))
    assert again.slot == 0
    stage.fill(again)
    assert (await done(again.wait(5))).status is Status.SETTLED
    assert (await done(order.state())).status is Status.EXPIRED


@told
async def test_limit__price_comes__fills_at_it_or_better(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.limit("BTC", "0.2", 39_500))
    stage.market.publish(BTC=39_400)
    stage.trigger(order)
    state = await done(order.state())
    assert (state.status, state.settles_until) == (Status.TRIGGERED, stage.market.now + 32)
    stage.fill(order, BTC=39_600)
    rested = await done(order.state())
    assert rested.status is Status.WAITING
    assert isinstance(rested.reason, PriceUnacceptable)
    stage.market.publish(BTC=39_450)
    stage.trigger(order)
    stage.fill(order, BTC=39_450)
    state = await done(order.wait(5))
    assert state.status is Status.SETTLED
    assert state.fills[0].price <= 39_500


@told
async def test_stop_loss_and_take_profit__on_a_position__one_fills_and_the_other_cannot_flip(stage: Stage) -> None:
    client = await opened(stage)
    stop = await done(client.stop_loss("BTC", 38_000))
    target = await done(client.take_profit("BTC", 42_000, "-0.7"))
    assert (stop.size, target.size, stop.slot, target.slot) == (Decimal("-0.5"), Decimal("-0.7"), 0, 1)
    assert [order.kind for order in await done(client.orders())] == [OrderKind.STOP, OrderKind.LIMIT]
    stage.market.publish(BTC=42_500)
    stage.trigger(target)
    stage.fill(target, BTC=42_500)
    state = await done(target.wait(5))
    assert state.fills[0].size == Decimal("-0.5")
    assert (await done(client.account())).positions == ()
    await done(stop.cancel())
    assert (await done(stop.state())).status is Status.CANCELLED
    with pytest.raises(PositionNone):
        await done(client.stop_loss("BTC", 38_000))


@told
async def test_stop_loss__price_falls_through__fills_without_a_bound(stage: Stage) -> None:
    client = await opened(stage)
    stop = await done(client.stop_loss("BTC", 39_000))
    stage.market.publish(BTC=38_900)
    stage.trigger(stop)
    stage.fill(stop, BTC=37_000)
    assert (await done(stop.wait(5))).fills[0].oracle_price == with_confidence(37_000, buys=False)


@told
async def test_stop_entry__price_rises_through__enters_within_its_slippage(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.stop_entry("ETH", 2, 2_600, slippage=2))
    assert order.order.acceptable_price == 2_652 * 10**18
    stage.market.publish(ETH=2_605)
    stage.trigger(order)
    stage.fill(order, ETH=2_610)
    assert (await done(order.wait(5))).status is Status.SETTLED
    assert (await done(client.account())).position("ETH") == 2


@told
async def test_trailing_stop__mark_moves__fills_below_it(stage: Stage) -> None:
    client = await opened(stage)
    order = await done(client.trailing_stop("BTC", "2.5"))
    stage.market.publish(BTC=41_000)
    stage.trail(order)
    assert (await done(order.state())).mark == 41_000
    stage.market.publish(BTC=39_975)
    stage.trigger(order)
    stage.fill(order, BTC=39_900)
    state = await done(order.wait(5))
    assert state.status is Status.SETTLED
    assert state.fills[0].oracle_price == with_confidence(39_900, buys=False)


@told
async def test_twap__slices__fill_at_their_times_and_a_missed_one_is_lost(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.twap("SOL", 30, slices=3, interval=40))
    stage.fill(order)
    state = await done(order.wait(5, fills=1))
    assert (state.status, state.slices_over, state.fills[0].size) == (Status.WAITING, 1, Decimal(10))
    for _ in range(3):
        stage.market.publish()
    stage.fill(order)
    state = await done(order.wait(5))
    assert (state.status, [fill.size for fill in state.fills]) == (Status.SETTLED, [Decimal(10)] * 2)
    assert (await done(client.account())).position("SOL") == 20


@told
async def test_bracket__target_comes__entry_and_exit_are_told(stage: Stage) -> None:
    stage.fund(stage.key, 10_000)
    client = stage.client()
    await done(client.deposit(10_000))
    order = await done(client.bracket("BTC", "0.2", stop_price=39_000, target_price=41_000))
    stage.fill(order)
    state = await done(order.wait(5, fills=1))
    assert (state.status, state.leg) == (Status.WAITING, Leg.EXITS)
    stage.market.publish(BTC=41_100)
    stage.trigger(order)
    stage.fill(order, BTC=41_050)
    state = await done(order.wait(5))
    assert (state.status, state.leg) == (Status.SETTLED, Leg.TARGET)
    assert [fill.size for fill in state.fills] == [Decimal("0.2"), Decimal("-0.2")]


@told
async def test_order__saved_and_found_again__is_the_same(stage: Stage) -> None:
    client = await opened(stage)
    order = await done(client.stop_loss("BTC", 38_000))
    loaded = client.load(json.loads(json.dumps(order.to_json())))
    assert loaded.record == order.record
    (found,) = await done(stage.client().orders())
    assert found.record == order.record
    await done(loaded.cancel())
    assert (await done(found.state())).status is Status.CANCELLED


@told
async def test_sign__relayed_by_another__is_good_once(stage: Stage) -> None:
    client = await opened(stage)
    stage.fund(stage.other_key, 0)
    relayer = stage.client(stage.other_key)
    signed = await done(client.sign(MarketSpec(market="ETH", size=1)))
    order = await done(relayer.relay(SignedOrder.from_json(json.loads(json.dumps(signed.to_json())))))
    stage.fill(order)
    assert (await done(order.wait(5))).status is Status.SETTLED
    with pytest.raises(NonceUsed) as used:
        await done(relayer.relay(signed))
    assert used.value.nonce == signed.nonce
    resting = await done(client.sign(Limit(market="ETH", size=-1, price=3_000, reduce_only=True, expires=2**39)))
    assert (await done(relayer.relay(resting))).kind is OrderKind.LIMIT
    with pytest.raises(OrderInvalid):
        await done(client.sign(Limit(market="ETH", size=-1, price=3_000)))


@told
async def test_cancel_nonces__before_relay__ends_all_of_a_word_at_once(stage: Stage) -> None:
    client = await opened(stage)
    signed = [await done(client.sign(MarketSpec(market="ETH", size=1))) for _ in range(3)]
    assert len({one.order.slot for one in signed}) == 3
    receipts = await done(client.cancel_nonces(signed[:2]))
    assert len(receipts) == 1
    assert [await done(client.is_nonce_used(one.nonce)) for one in signed] == [True, True, False]
    with pytest.raises(NonceUsed):
        await done(client.relay(signed[1]))
    with pytest.raises(SignatureInvalid):
        await done(client.relay(SignedOrder.from_json({**signed[2].to_json(), "nonce": "7"})))
    assert (await done(client.relay(signed[2]))).slot == signed[2].order.slot


@told
async def test_orders__since_a_block__finds_what_was_placed_from_there(stage: Stage) -> None:
    client = await opened(stage)
    older = await done(client.stop_loss("BTC", 38_000))
    newer = await done(client.stop_loss("BTC", 37_000))
    assert [one.slot for one in await done(client.orders())] == [older.slot, newer.slot]
    assert [one.slot for one in await done(client.orders(since=newer.record.block))] == [newer.slot]
    assert await done(client.orders(since=newer.record.block + 1)) == []


@told
async def test_sign_permit__relayed_by_another__operator_trades_until_it_ends(stage: Stage) -> None:
    client = await opened(stage)
    operator = stage.fund(stage.other_key, 0)
    other = stage.client(stage.other_key)
    owned = (await done(client.account())).name
    assert (await done(client.permission(operator))).permissions is Permission.NONE
    signed = await done(client.sign_permit(operator, Permission.TRADE, expires=timedelta(hours=1)))
    assert not await done(client.is_permit_used(signed))
    with pytest.raises(AccountUnauthorized):
        await done(other.market_order("BTC", "-0.1", account=owned))
    assert signed.permit.expires_at == stage.market.chain.block().timestamp + 3_600
    await done(other.relay_permit(SignedPermit.from_json(json.loads(json.dumps(signed.to_json())))))
    granted = await done(other.permission(operator, client.address))
    assert granted == Grant(permissions=Permission.TRADE, expires_at=signed.permit.expires_at)
    assert await done(other.is_permit_used(signed))
    order = await done(other.market_order("BTC", "-0.1", account=owned))
    stage.fill(order)
    assert (await done(order.wait(5))).status is Status.SETTLED
    with pytest.raises(AccountUnauthorized):
        await done(other.withdraw(1, owned))
    with pytest.raises(NonceUsed) as used:
        await done(other.relay_permit(signed))
    assert used.value.nonce == signed.permit.nonce
    revoked = await done(client.sign_permit(operator, Permission.NONE, expires=timedelta(hours=1)))
    await done(other.relay_permit(revoked))
    with pytest.raises(AccountUnauthorized):
        await done(other.market_order("BTC", "-0.1", account=owned))


@told
async def test_relay_permit__forged_cancelled_late_or_foreign__is_refused_by_name(stage: Stage) -> None:
    client = await opened(stage)
    operator = stage.fund(stage.other_key, 0)
    other = stage.client(stage.other_key)
    signed = [await done(client.sign_permit(operator, Permission.TRADE, expires=timedelta(30))) for _ in range(3)]
    wider = replace(signed[0], permit=replace(signed[0].permit, permissions=Permission.WITHDRAW))
    with pytest.raises(SignatureInvalid):
        await done(other.relay_permit(wider))
    assert len(await done(client.cancel_permits([signed[0], signed[1].permit.nonce]))) == 1
    for one, is_used in zip(signed, (True, True, False), strict=True):
        assert await done(client.is_permit_used(one)) is is_used
        assert await done(other.is_permit_used(one.permit.nonce, client.address)) is is_used
        assert await done(client.is_nonce_used(one.permit.nonce)) is False
    with pytest.raises(NonceUsed):
        await done(other.relay_permit(signed[1]))
    foreign = replace(signed[2], permit=replace(signed[2].permit, chain_id=1))
    with pytest.raises(DocumentInvalid, match="on chain 1, not of"):
        await done(other.relay_permit(foreign))
    brief = await done(client.sign_permit(operator, Permission.TRADE, expires=timedelta(seconds=1)))
    stage.market.publish()
    with pytest.raises(PermitExpired):
        await done(other.relay_permit(brief))


@told
async def test_sign_permit__senseless__is_refused_before_anything_is_asked(stage: Stage) -> None:
    client = stage.client()
    for operator, permissions, expires, error in (
        ("0x12", Permission.TRADE, timedelta(1), AddressInvalid),
        (client.address, 8, timedelta(1), PermitInvalid),
        (client.address, Permission.TRADE, None, PermitInvalid),
        (client.address, Permission.TRADE, 1, PermitInvalid),
        (client.address, Permission.TRADE, 2**40, AmountInvalid),
    ):
        with pytest.raises(error):
            await done(client.sign_permit(operator, permissions, expires=expires))
    with pytest.raises(AddressInvalid, match="recipient 'bob'"):
        await done(client.withdraw(1, recipient="bob"))
    for amount in ("-1", "1e40", "nan"):
        with pytest.raises(AmountInvalid):
            await done(client.deposit(amount))


@told
async def test_accounts__money_modes_operators__move_as_told(stage: Stage) -> None:
    client = await opened(stage)
    await done(client.deposit(1_000, 1))
    await done(client.transfer("0.000000000000000001", 0, 1))
    assert (await done(client.account(1))).balance == Decimal("1000.000000000000000001")
    await done(client.set_margin_mode("portfolio"))
    await done(client.set_leverage(5, 0, funded_by=1))
    account = await done(client.account())
    assert account.mode is MarginMode.PORTFOLIO
    assert account.leverage is not None
    assert round(account.leverage, 6) == 5
    with pytest.raises(MarginInsufficient) as short:
        await done(client.withdraw(5_000))
    assert short.value.equity < short.value.initial_margin
    operator = stage.fund(stage.other_key, 0)
    other = stage.client(stage.other_key)
    with pytest.raises(AccountUnauthorized):
        await done(other.market_order("BTC", "0.1", account=account.name))
    await done(client.set_operator(operator, Permission.TRADE))
    order = await done(other.market_order("BTC", "-0.1", account=account.name))
    assert order.account == account.name
    margins = await done(client.margins())
    assert margins[MarginMode.PORTFOLIO].initial == account.initial_margin
    assert (await done(client.moves())).lowest is not None
    assert await done(client.largest_order("BTC", is_buy=False)) < 0
    await done(client.withdraw(100, 1))


@told
async def test_place__slot_asked_for_is_taken__is_refused_unsent(stage: Stage) -> None:
    client = await opened(stage)
    await done(client.stop_loss("BTC", 38_000, slot=7))
    with pytest.raises(SlotOccupied):
        await done(client.stop_loss("BTC", 37_000, slot=7))


@told
async def test_dry_run__any_order__is_estimated_and_not_sent(stage: Stage) -> None:
    client = await opened(stage)
    block = stage.market.chain.block().number
    with pytest.raises(NotSent) as rehearsed:
        await done(stage.client(is_dry_run=True).stop_loss("BTC", 38_000))
    assert int(rehearsed.value.transaction["gas"], 16) > 21_000
    assert stage.market.chain.block().number == block
    assert await done(client.orders()) == []


@told
async def test_client__node_signs__as_with_a_key(stage: Stage) -> None:
    address = stage.fund(stage.key, 1_000)
    client = stage.client(address)
    await done(client.deposit(1_000))
    assert (await done(client.account())).balance == 1_000


@told
async def test_client__node_of_another_chain__is_refused(stage: Stage) -> None:
    foreign = replace(stage.market.artefact, genesis_hash="0x" + "00" * 32)
    with pytest.raises(DeploymentMistaken):
        await done(stage.kind(foreign, stage.market.chain.url).markets())


def test_async_client__orders_at_once__take_slots_and_nonces_of_their_own(market: Market) -> None:
    async def story() -> None:
        stage = Stage(market, AsyncClient, "at once")
        stage.fund(stage.key, 10_000)
        async with stage.client() as client:
            await client.deposit(10_000)
            orders = await asyncio.gather(*[client.limit("BTC", "0.01", 30_000 + step) for step in range(5)])
            assert sorted(order.slot for order in orders) == list(range(5))
            assert len({order.transaction for order in orders}) == 5

    asyncio.run(story())
