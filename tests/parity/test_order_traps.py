"""Every trap that audits of perpetuals found in orders, on contracts and model: each is named after it, and is shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol.types.order import Leg, OrderKind, Terms
from steelyard.evm.deployment import GUARDIAN, STEWARD
from steelyard.evm.machine import Machine
from steelyard.fuzz.moves.signed import digest_of, signature_of
from steelyard.fuzz.scenario import (
    ALICE,
    BOB,
    KIM,
    KIMS,
    MALLORY,
    MALLORYS,
    OSCAR,
    TOKEN,
    TRADING_ACCOUNTS,
    UINT256_MAX,
    WAD,
    WALLET,
)
from tests.parity.other_code import code_at

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.scenario import Order, Scenario

pytestmark = pytest.mark.evm

ALICES, SECOND = TRADING_ACCOUNTS[:2]
BOOK, HOUSE = "OrderBook", "Clearinghouse"
BTC = 0
TRADE = 1
NEVER = 2**40 - 1


def name_of(outcome: Outcome) -> str:
    return outcome.error.name if outcome.error else ""


def told(outcome: Outcome) -> list[str]:
    """Return the names of the book's events."""
    return [event.name for event in outcome.events if event.contract == BOOK]


def place(s: Scenario, terms: Terms, size: int = WAD, *, reduce_only: bool = False, slot: int = 1) -> Order:
    order = s.order(ALICES, BTC, size, slot=slot, lasts=NEVER - s.now, reduce_only=reduce_only)
    s.must(ALICE, BOOK, "place", order, terms)
    return order


def settle(s: Scenario, order: Order, terms: Terms, price: int, *, at: int, previous: int | None = None) -> Outcome:
    """Settle what is due at a price published `at`, not before then."""
    s.pair.wait(max(0, at - s.now))
    data = (s.update_data(BTC, price, at=at, previous=at - 1 if previous is None else previous),)
    return s.call(KIM, BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))


def trigger(s: Scenario, order: Order, terms: Terms, price: int) -> int:
    """Trigger at a new price; return the earliest time of the settlement's."""
    s.publish({BTC: price, 1: s.price(1), 2: s.price(2)})
    s.must(KIM, BOOK, "trigger", order, terms)
    return s.now + s.min_delay


# ---- stale or selectable price


def test_stale_price__known_when_an_order_was_placed__triggers_nothing(scenario: Scenario) -> None:
    terms = Terms(OrderKind.LIMIT, scenario.price(BTC))
    order = place(scenario, terms)
    assert name_of(scenario.call(KIM, BOOK, "trigger", order, terms)) == "PricePremature"
    scenario.compare()


def test_stale_price__older_than_the_oracle_allows__triggers_nothing(scenario: Scenario) -> None:
    terms = Terms(OrderKind.LIMIT, scenario.price(BTC))
    order = place(scenario, terms)
    scenario.publish({BTC: scenario.price(BTC)})
    assert name_of(scenario.call(KIM, BOOK, "trigger", order, terms, wait=100_000)) == "PriceStale"


def test_selectable_price__the_one_that_triggered__is_not_the_one_of_the_fill(scenario: Scenario) -> None:
    """A keeper who triggers at a spike cannot fill there: the price of the fill is published afterwards."""
    price = scenario.price(BTC)
    terms = Terms(OrderKind.STOP, price * 101 // 100)
    order = place(scenario, terms)
    earliest = trigger(scenario, order, terms, price * 103 // 100)
    for at in (earliest - scenario.min_delay, earliest - 1):
        assert name_of(settle(scenario, order, terms, price * 103 // 100, at=at)) == "PriceFeedNotFoundWithinRange"
    assert settle(scenario, order, terms, price, at=earliest).ok
    scenario.compare()


def test_selectable_price__a_later_one_of_the_window__is_refused(scenario: Scenario) -> None:
    price = scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = place(scenario, terms)
    earliest = trigger(scenario, order, terms, price)
    later = settle(scenario, order, terms, price * 9 // 10, at=earliest + 5, previous=earliest)
    assert name_of(later) == "PriceFeedNotFoundWithinRange"
    assert settle(scenario, order, terms, price, at=earliest + 5, previous=earliest - 1).ok


def batch(s: Scenario, *calls: tuple[str, tuple[Any, ...], int]) -> list[bool]:
    """Return which calls of a batch passed; each is a function, its arguments, and its value."""
    data = tuple(s.pair.model.calldata(BOOK, function, args) for function, args, _ in calls)
    values = tuple(value for *_, value in calls)
    outcome = s.call(KIM, BOOK, "batch", data, values, value=sum(values))
    assert outcome.ok
    s.compare()
    return list(outcome.returns[0])


def test_selectable_price__proven_once_for_many__is_the_first_one_of_each(scenario: Scenario) -> None:
    """A proof serves who waits since then, until its price was published: not before, not after, nor elsewhere."""
    s = scenario
    orders = [s.order(ALICES, market, WAD, slot=slot, lasts=10_000) for slot, market in enumerate((BTC,) * 4 + (1,))]
    for order in orders:
        s.must(ALICE, BOOK, "commit", order)
        s.pair.wait(1)
    earliest = [s.orders[order[0], order[2]][1] + s.min_delay for order in orders]
    s.pair.wait(s.min_delay)
    update = (s.update_data(BTC, s.price(BTC), at=earliest[2], previous=earliest[1] - 1),)
    settlements = [("settle", (order, KIMS, ()), 0) for order in orders]
    proof = ("provePrice", (BTC, earliest[1], update), s.fee(update))
    assert batch(s, proof, *settlements) == [True, False, True, True, False, False]
    assert [s.orders.get((order[0], order[2])) is None for order in orders] == [False, True, True, False, False]


def test_selectable_price__proven_in_another_transaction__is_proven_no_more(scenario: Scenario) -> None:
    s = scenario
    order = s.order(ALICES, BTC, WAD, lasts=10_000)
    s.must(ALICE, BOOK, "commit", order)
    s.pair.wait(s.min_delay)
    update = (s.update_data(BTC, s.price(BTC), previous=s.now - 1),)
    s.must(KIM, BOOK, "provePrice", BTC, s.now, update, value=s.fee(update))
    assert name_of(s.call(KIM, BOOK, "settle", order, KIMS, ())) == "PriceUnproven"


def test_selectable_price__proof_that_failed__leaves_the_one_before(scenario: Scenario) -> None:
    """One for a later time than its price was published proves nothing, and takes nothing back."""
    s = scenario
    order = s.order(ALICES, BTC, WAD, lasts=10_000)
    s.must(ALICE, BOOK, "commit", order)
    s.pair.wait(s.min_delay)
    update = (s.update_data(BTC, s.price(BTC), previous=s.now - 1),)
    fee = s.fee(update)
    calls = [("provePrice", (BTC, s.now, update), fee), ("provePrice", (BTC, s.now + 1, update), fee)]
    assert batch(s, *calls, ("settle", (order, KIMS, ()), 0)) == [True, False, True]


def test_selectable_price__triggered_again_while_pending__is_refused(scenario: Scenario) -> None:
    """Else a keeper who dislikes the price of a settlement would draw another one."""
    price = scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = place(scenario, terms)
    trigger(scenario, order, terms, price)
    scenario.publish({BTC: price})
    assert name_of(scenario.call(KIM, BOOK, "trigger", order, terms)) == "OrderPending"


def test_selectable_price__mark_of_a_trailing_stop__is_one_that_was_published(scenario: Scenario) -> None:
    """Nobody moves a mark away from the price, and nobody moves it without a newer price."""
    price = scenario.price(BTC)
    assert scenario.trade(ALICES, BTC, WAD).ok
    terms = Terms(OrderKind.TRAILING_STOP, distance=10_000)
    order = place(scenario, terms, -WAD, reduce_only=True)
    assert name_of(scenario.call(KIM, BOOK, "trail", order, terms)) == "PricePremature"
    scenario.publish({BTC: price})
    scenario.must(KIM, BOOK, "trail", order, terms)
    assert name_of(scenario.call(KIM, BOOK, "trail", order, terms)) == "PricePremature"
    scenario.publish({BTC: price * 995 // 1_000})
    assert name_of(scenario.call(KIM, BOOK, "trail", order, terms)) == "MarkUnmoved"


def test_selectable_price__slice_of_a_twap__has_the_time_that_was_set_when_it_was_placed(scenario: Scenario) -> None:
    price, interval = scenario.price(BTC), scenario.min_delay + scenario.window + 50
    terms = Terms(OrderKind.TWAP, slices=2, interval=interval)
    order = place(scenario, terms)
    second = scenario.now + interval + scenario.min_delay
    early = settle(scenario, order, terms, price, at=second - 1)
    assert name_of(early) == "PriceFeedNotFoundWithinRange"
    assert settle(scenario, order, terms, price, at=second).ok
    again = settle(scenario, order, terms, price, at=second)
    assert name_of(again) == "OrderUnknown"
    assert scenario.size(ALICES, BTC) == WAD // 2


# ---- a free option: who knows the price decides


@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.TWAP, OrderKind.BRACKET])
def test_free_option__cancel_once_the_price_is_known__is_refused(scenario: Scenario, kind: OrderKind) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = {
        OrderKind.LIMIT: Terms(kind, price),
        OrderKind.TWAP: Terms(kind, slices=2, interval=1_000),
        OrderKind.BRACKET: Terms(kind, 0, price // 2, price * 2),
    }[kind]
    order = place(s, terms)
    earliest = trigger(s, order, terms, price) if kind == OrderKind.LIMIT else s.now + s.min_delay
    for at in (earliest, earliest + s.window):
        s.pair.wait(at - s.now)
        assert name_of(s.call(ALICE, BOOK, "cancelPlaced", order, terms)) == "OrderPending"
    s.must(ALICE, BOOK, "cancelPlaced", order, terms, wait=1)
    s.compare()


def test_free_option__resting_order_without_margin__is_used_up_by_its_fill(scenario: Scenario) -> None:
    """Place both ways without a margin, and fund what won: whoever settles first ends it."""
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = place(s, terms, 10_000 * WAD)
    earliest = trigger(s, order, terms, price)
    assert told(settle(s, order, terms, price, at=earliest)) == ["OrderFailed"]
    s.must(ALICE, HOUSE, "deposit", ALICES, 10**8 * TOKEN)
    assert name_of(settle(s, order, terms, price, at=earliest)) == "OrderUnknown"


def test_free_option__unacceptable_price__costs_the_trigger(scenario: Scenario) -> None:
    """An order that rests on is not tried again at the next price: it needs a new trigger, and a price after that."""
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = (*s.order(ALICES, BTC, WAD, slot=1, lasts=10**5)[:5], price, 0, False)
    s.must(ALICE, BOOK, "place", order, terms)
    earliest = trigger(s, order, terms, price)
    assert told(settle(s, order, terms, price * 2, at=earliest)) == ["OrderRested"]
    again = settle(s, order, terms, price // 2, at=s.now, previous=earliest - 1)
    assert name_of(again) == "OrderUntriggered"
    s.compare()


# ---- open and liquidate oneself in one transaction


def test_open_and_liquidate_self__in_one_transaction__is_refused_or_gains_nothing(scenario: Scenario) -> None:
    """Settle an order, store a worse price and liquidate oneself, all at once: the worse price is not yet to be had.

    Prices only ever get newer, none of the future is taken, and what has just passed the initial margin is healthy.
    """
    s, mine = scenario, MALLORYS[0]
    price, size = s.price(BTC), s.capacity(MALLORYS[0], BTC, 1)
    order = s.order(mine, BTC, size, slot=0)
    s.act(s.message(BOOK, "commit", order))
    earliest = s.now + s.min_delay
    s.pair.wait(s.min_delay)
    first = (s.update_data(BTC, price, at=earliest, previous=earliest - 1),)
    worse = (s.update_data(BTC, price * 9 // 10, at=earliest, previous=earliest - 1),)
    future = (s.update_data(BTC, price * 9 // 10, at=earliest + 1, previous=earliest),)
    worth = s.balance(mine) + s.balance(MALLORYS[1])
    for later in (worse, future):
        outcome = s.act(
            s.message(BOOK, "settle", order, KIMS, first, value=s.fee(first)),
            s.message("PriceOracle", "update", (BTC,), later, value=s.fee(later)),
            s.message(HOUSE, "liquidate", mine, MALLORYS[1]),
            is_strict=True,
        )
        assert not outcome.ok
    assert s.balance(mine) + s.balance(MALLORYS[1]) == worth
    assert s.size(mine, BTC) == 0


# ---- fields of an order that go stale between commit and execution


def test_stale_fields__position_is_gone__stop_opens_nothing(scenario: Scenario) -> None:
    """Size and side were right when the stop was placed: they are checked against the position of its fill."""
    s, price = scenario, scenario.price(BTC)
    assert s.trade(ALICES, BTC, WAD).ok
    terms = Terms(OrderKind.STOP, price)
    order = place(s, terms, -WAD, reduce_only=True)
    assert s.trade(ALICES, BTC, -WAD).ok
    earliest = trigger(s, order, terms, price)
    assert told(settle(s, order, terms, price, at=earliest)) == ["OrderFailed"]
    assert s.size(ALICES, BTC) == 0
    s.compare()


@pytest.mark.parametrize(("held", "left"), [(WAD // 2, 0), (3 * WAD, 2 * WAD), (-WAD, -WAD)])
def test_stale_fields__position_has_changed__stop_never_flips_it(scenario: Scenario, held: int, left: int) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.STOP, price)
    order = place(s, terms, -WAD, reduce_only=True)
    assert s.trade(ALICES, BTC, held).ok
    earliest = trigger(s, order, terms, price)
    assert settle(s, order, terms, price, at=earliest).ok
    assert s.size(ALICES, BTC) == left


@pytest.mark.parametrize(("beyond", "left"), [(-1, 0), (0, 0), (1, 1)])
def test_stale_fields__position_has_grown_by_a_trifle__stop_closes_it_all(
    scenario: Scenario, beyond: int, left: int
) -> None:
    """What would be too small to be left goes along, in an exit of a bracket, too: else dust would destroy a stop."""
    s, price, least = scenario, scenario.price(BTC), scenario.min_size(BTC)
    terms = Terms(OrderKind.STOP, price)
    order = place(s, terms, -WAD, reduce_only=True)
    assert s.trade(ALICES, BTC, WAD + least + beyond).ok
    earliest = trigger(s, order, terms, price)
    assert told(settle(s, order, terms, price, at=earliest)) == ["OrderSettled"]
    assert s.size(ALICES, BTC) == left * (least + 1)
    s.compare()


def test_stale_fields__margin_is_gone__order_fails_by_the_state_of_its_fill(scenario: Scenario) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = place(s, terms, s.capacity(ALICES, BTC, 1))
    earliest = trigger(s, order, terms, price)
    s.must(ALICE, HOUSE, "transfer", ALICES, SECOND, s.free(ALICES))
    assert told(settle(s, order, terms, price, at=earliest)) == ["OrderFailed"]


def test_stale_fields__risk_is_paused__growth_fails_and_reduction_goes_on(scenario: Scenario) -> None:
    s, price = scenario, scenario.price(BTC)
    assert s.trade(ALICES, BTC, WAD).ok
    terms = Terms(OrderKind.LIMIT, price)
    grows, stop = place(s, terms), Terms(OrderKind.STOP, price)
    reduces = place(s, stop, -WAD, reduce_only=True, slot=2)
    s.must(GUARDIAN, HOUSE, "pauseRisk")
    earliest = trigger(s, grows, terms, price)
    s.must(KIM, BOOK, "trigger", reduces, stop)
    assert told(settle(s, grows, terms, price, at=earliest)) == ["OrderFailed"]
    assert told(settle(s, reduces, stop, price, at=earliest)) == ["OrderSettled"]


def test_stale_fields__feed_was_replaced__old_feeds_price_settles_nothing(scenario: Scenario) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.LIMIT, price)
    order = place(s, terms)
    earliest = trigger(s, order, terms, price)
    s.pair.wait(s.min_delay)
    old = (s.update_data(BTC, price, at=earliest, previous=earliest - 1),)
    s.must(STEWARD, "PriceOracle", "setFeed", BTC, "0x" + "ee" * 32, 120, 100)
    outcome = s.call(KIM, BOOK, "execute", order, terms, KIMS, old, value=s.fee(old))
    assert name_of(outcome) == "PriceFeedNotFoundWithinRange"


def test_stale_fields__bracket_whose_entry_failed__has_no_exits(scenario: Scenario) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.BRACKET, 0, price // 2, price * 2)
    order = place(s, terms, 10_000 * WAD)
    assert told(settle(s, order, terms, price, at=s.now + s.min_delay)) == ["OrderFailed"]
    s.publish({BTC: price // 2})
    assert name_of(s.call(KIM, BOOK, "trigger", order, terms)) == "OrderUnknown"


def test_stale_fields__both_exits_met_by_turns__one_fills(scenario: Scenario) -> None:
    s, price = scenario, scenario.price(BTC)
    terms = Terms(OrderKind.BRACKET, 0, price * 95 // 100, price * 105 // 100)
    order = place(s, terms)
    assert settle(s, order, terms, price, at=s.now + s.min_delay).ok
    earliest = trigger(s, order, terms, price * 106 // 100)
    s.publish({BTC: price * 94 // 100})
    assert name_of(s.call(KIM, BOOK, "trigger", order, terms)) == "OrderPending"
    assert s.book.progress_of(ALICES, 1).leg == Leg.TARGET
    assert settle(s, order, terms, price * 106 // 100, at=earliest, previous=earliest - 1).ok
    assert s.size(ALICES, BTC) == 0
    assert name_of(s.call(KIM, BOOK, "trigger", order, terms)) == "OrderUnknown"


# ---- griefing through callbacks and return data


def _resting(s: Scenario) -> tuple[Order, Terms, int]:
    """Return an order that waits for its settlement, and the earliest time of its price."""
    terms = Terms(OrderKind.LIMIT, s.price(BTC))
    order = place(s, terms)
    return order, terms, trigger(s, order, terms, s.price(BTC))


def test_griefing__one_bad_order_of_a_batch__blocks_no_other(scenario: Scenario) -> None:
    s = scenario
    order, terms, earliest = _resting(s)
    s.pair.wait(s.min_delay)
    data = (s.update_data(BTC, s.price(BTC), at=earliest, previous=earliest - 1),)
    good = s.pair.model.calldata(BOOK, "execute", (order, terms, KIMS, data))
    bad = s.pair.model.calldata(BOOK, "trigger", (order, terms._replace(trigger_price=1)))
    paid = s.fee(data)
    outcome = s.call(KIM, BOOK, "batch", (bad, "0x", good, good), (0, 0, paid, paid), value=2 * paid)
    assert outcome.returns == ((False, False, True, False),)
    assert told(outcome) == ["CallFailed", "CallFailed", "OrderSettled", "CallFailed"]
    assert s.size(ALICES, BTC) == WAD
    assert s.pair.chain.balance(s.pair.addresses[BOOK]) == 0
    s.compare()


def test_griefing__receiver_of_the_rest_calls_back__settles_nothing_twice(scenario: Scenario) -> None:
    s = scenario
    order, terms, earliest = _resting(s)
    s.pair.wait(s.min_delay)
    data = (s.update_data(BTC, s.price(BTC), at=earliest, previous=earliest - 1),)
    call = s.message(BOOK, "execute", order, terms, KIMS, data, value=s.fee(data))
    s.must(KIM, "HostileActor", "setAnswer", (call,), False)
    batch = s.message(BOOK, "batch", (call[2],), (call[1],), value=call[1] + 9)
    outcome = s.act(batch)
    assert outcome.ok
    assert told(outcome) == ["OrderSettled"]
    assert s.size(ALICES, BTC) == WAD


def test_griefing__receiver_refuses_the_rest__undoes_its_own_batch_only(scenario: Scenario) -> None:
    s = scenario
    order, terms, earliest = _resting(s)
    halt = s.message("HostileActor", "halt")
    s.must(KIM, "HostileActor", "setAnswer", (halt,), True)
    outcome = s.act(s.message(BOOK, "batch", (), (), value=9))
    assert not outcome.ok
    assert settle(s, order, terms, s.price(BTC), at=earliest).ok


def test_griefing__keeper_without_an_account__uses_no_order_up(scenario: Scenario) -> None:
    s = scenario
    order = s.order(ALICES, BTC, WAD, slot=1, fee=WAD)
    assert s.commit(order).ok
    refused = s.settle(order, keeper=0)
    assert name_of(refused) == "AccountReserved"
    assert s.settle(order, after=0).ok


def test_griefing__stranger_clears_away_what_can_still_fill__is_refused(scenario: Scenario) -> None:
    s = scenario
    terms = Terms(OrderKind.STOP, s.price(BTC))
    order = place(s, terms, -WAD, reduce_only=True)
    assert name_of(s.call(BOB, BOOK, "cancelPlaced", order, terms)) == "AccountUnauthorized"
    bracket = Terms(OrderKind.BRACKET, 0, s.price(BTC) // 2, s.price(BTC) * 2)
    entry = s.order(ALICES, BTC, WAD, slot=2, lasts=500)
    s.must(ALICE, BOOK, "place", entry, bracket)
    assert settle(s, entry, bracket, s.price(BTC), at=s.now + s.min_delay).ok
    s.pair.wait(1_000)
    assert name_of(s.call(BOB, BOOK, "cancelPlaced", entry, bracket)) == "AccountUnauthorized"


ANSWERS = {
    "says_no": "60205ff3",
    "reverts": "5f5ffd",
    "says_nothing": "00",
    "burns_all_gas": "fe",
    "another_word": "7f" + "11" * 32 + "5f5260205ff3",
    "too_few_bytes": "631626ba7e60e01b5f5260045ff3",
    "too_many_bytes": "7f1626ba7e" + "00" * 27 + "01" + "5f52620100005ff3",
}
"""Code of contracts that answer `isValidSignature` badly; `test_reentrancy` has those that call back."""


@pytest.mark.parametrize("code", ANSWERS.values(), ids=ANSWERS)
def test_griefing__wallet_that_misbehaves__gets_nothing_committed(scenario: Scenario, code: str) -> None:
    """Whatever a contract answers but the one right word is no signature, and costs the others of a batch nothing."""
    s = scenario
    machine = s.pair.chain
    assert isinstance(machine, Machine)
    order = s.order(int(WALLET, 16) << 96, BTC, WAD)
    s.freshen()
    s.pair.catch_up()
    signed = machine.abi.function(BOOK, "commitSigned").pack((order, 7, WALLET, "0x1234"))
    price = s.update_data(BTC, s.price(BTC))
    update = machine.abi.function(BOOK, "updatePrices").pack(((BTC,), (price,)))
    calls, values = ("0x" + signed.hex(), "0x" + update.hex()), (0, s.fee((price,)))
    with code_at(machine, WALLET, bytes.fromhex(code)):
        single = machine.call(KIM, BOOK, "commitSigned", (order, 7, WALLET, "0x1234"))
        assert single.error is not None
        assert single.error.name == "SignatureInvalid"
        outcome = machine.call(KIM, BOOK, "batch", (calls, values), value=values[1])
        assert outcome.returns == ((False, True),)
        assert not machine.view(BOOK, "isNonceUsed", WALLET, 7)


# ---- delegates with too much permission


def test_delegate__whose_permission_ended__commits_and_places_no_more(scenario: Scenario) -> None:
    s = scenario
    terms = Terms(OrderKind.LIMIT, s.price(BTC))
    s.must(ALICE, HOUSE, "setOperator", OSCAR, TRADE, s.now + 10)
    order = s.order(ALICES, BTC, WAD, slot=5, lasts=10_000)
    signature = signature_of(OSCAR, digest_of(s, order, terms, 0, OSCAR))
    s.must(OSCAR, BOOK, "place", (*order[:2], 6, *order[3:]), terms)
    s.pair.wait(11)
    assert name_of(s.call(OSCAR, BOOK, "place", order, terms)) == "AccountUnauthorized"
    relayed = s.call(KIM, BOOK, "placeSigned", order, terms, 0, OSCAR, signature)
    assert name_of(relayed) == "AccountUnauthorized"
    s.must(ALICE, BOOK, "cancelPlaced", (*order[:2], 6, *order[3:]), terms)


def test_delegate__who_may_move_margin__may_not_trade(scenario: Scenario) -> None:
    s = scenario
    s.must(ALICE, HOUSE, "setOperator", OSCAR, 6, s.now + 10_000)
    terms = Terms(OrderKind.LIMIT, s.price(BTC))
    order = s.order(ALICES, BTC, WAD, slot=5)
    for function, args in (("commit", (order,)), ("place", (order, terms)), ("cancelPlaced", (order, terms))):
        if function == "cancelPlaced":
            s.must(ALICE, BOOK, "place", order, terms)
        assert name_of(s.call(OSCAR, BOOK, function, *args)) == "AccountUnauthorized"


def test_delegate__keeper_fee_of_every_slice__is_bounded(scenario: Scenario) -> None:
    s = scenario
    s.must(ALICE, HOUSE, "setOperator", OSCAR, TRADE, s.now + 10_000)
    order = s.order(ALICES, BTC, WAD, slot=5, lasts=10**6, fee=WAD + 1)
    terms = Terms(OrderKind.TWAP, slices=9, interval=1_000)
    assert name_of(s.call(OSCAR, BOOK, "place", order, terms)) == "KeeperFeeExceeded"


def test_delegate__batch_of_anyone__acts_for_nobody(scenario: Scenario) -> None:
    """Calls of a batch come from the book itself, which has no rights, not even its caller's."""
    s = scenario
    order = s.order(ALICES, BTC, WAD, slot=5)
    calls = (
        s.pair.model.calldata(BOOK, "commit", (order,)),
        s.pair.model.calldata(BOOK, "cancelNonces", (0, UINT256_MAX)),
    )
    outcome = s.call(ALICE, BOOK, "batch", calls, (0, 0))
    assert outcome.returns == ((False, True),)
    assert not s.pair.get(BOOK, "isNonceUsed", ALICE, 0)


# ---- signatures


def test_signature__relayed_twice__is_good_once(scenario: Scenario) -> None:
    s = scenario
    order = s.order(ALICES, BTC, WAD, slot=5)
    signature = signature_of(ALICE, digest_of(s, order, None, 9, ALICE))
    s.must(BOB, BOOK, "commitSigned", order, 9, ALICE, signature)
    s.orders.pop((ALICES, 5))
    s.pair.wait(s.min_delay + s.window + 1)
    assert name_of(s.call(BOB, BOOK, "commitSigned", order, 9, ALICE, signature)) == "NonceUsed"


def test_signature__of_an_owner__is_none_of_a_wallet_that_takes_it_for_one(scenario: Scenario) -> None:
    """A message names its signer, whose the nonce is: else it would be good once for each who takes it for his own."""
    s = scenario
    order = s.order(ALICES, BTC, WAD, slot=5, lasts=10_000)
    s.must(ALICE, HOUSE, "setOperator", WALLET, TRADE, s.now + 10_000)
    digest = digest_of(s, order, None, 9, ALICE)
    s.must(KIM, "LocalWallet", "setApproval", "0x" + digest.hex(), True)
    signature = signature_of(ALICE, digest)
    s.must(BOB, BOOK, "commitSigned", order, 9, ALICE, signature)
    assert s.settle(order).ok
    assert name_of(s.call(BOB, BOOK, "commitSigned", order, 9, WALLET, signature)) == "SignatureInvalid"


def test_signature__relayed_late__makes_an_order_of_now(scenario: Scenario) -> None:
    """Who relays when decides nothing but when: the price comes after the relay."""
    s, price = scenario, scenario.price(BTC)
    order = s.order(ALICES, BTC, WAD, slot=5, lasts=10_000)
    signature = signature_of(ALICE, digest_of(s, order, None, 9, ALICE))
    s.pair.wait(500)
    s.must(BOB, BOOK, "commitSigned", order, 9, ALICE, signature)
    data = (s.update_data(BTC, price, at=s.now, previous=s.now - 1),)
    early = s.call(KIM, BOOK, "settle", order, KIMS, data, value=s.fee(data), wait=s.min_delay)
    assert name_of(early) == "PriceFeedNotFoundWithinRange"
    assert s.settle(order, after=0).ok


def test_signature__of_mallorys_contract__is_none(scenario: Scenario) -> None:
    s = scenario
    order = s.order(MALLORYS[0], BTC, WAD, slot=5)
    assert name_of(s.call(KIM, BOOK, "commitSigned", order, 0, MALLORY, "0x")) == "SignatureInvalid"
