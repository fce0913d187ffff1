"""What a keeper tries again later: orders that fail, and accounts whose fills do not pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol.types.order import Order, OrderKind, Progress, Terms
from steelyard.keeper.book import Action, Due, OpenOrder
from steelyard.keeper.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, LONGEST = 2, 600
ALICE, BOB = 7 << 96, 8 << 96
LIMIT = Terms(OrderKind.LIMIT, 10)


@pytest.fixture
def troubles() -> Troubles:
    return Troubles(FIRST, LONGEST)


def rests(slot: int = 0, *, account: int = ALICE, fee: int = 1, made_at: int = 0) -> OpenOrder:
    return OpenOrder(Order(account, 0, slot, 2**40 - 1, 10, 1, fee), LIMIT, made_at)


def obstacle(troubles: Troubles, held: OpenOrder, now: int, action: Action = Action.TRIGGER) -> str | None:
    return troubles.obstacle(Due(action, held), now)


@pytest.mark.parametrize("note", [Troubles.failed, Troubles.unpaid])
def test_obstacle__fails_again_and_again__waits_twice_as_long_each_time(
    troubles: Troubles, note: Callable[[Troubles, OpenOrder, int], None]
) -> None:
    now, held, waits = 1_000, rests(), []
    for failures in range(1, 13):
        note(troubles, held, now)
        wait = min(FIRST << (failures - 1), LONGEST)
        assert obstacle(troubles, held, now + wait - 1) == f"failed {failures} times, is tried again at {now + wait}"
        assert obstacle(troubles, held, now + wait) is None
        waits.append(wait)
        now += wait
    assert waits[-3:] == [LONGEST] * 3


def test_unpaid__triggered_meanwhile__is_still_the_same_order_in_trouble(troubles: Troubles) -> None:
    troubles.unpaid(rests(), 100)
    triggered = rests()._replace(progress=Progress(triggered_at=102))
    troubles.unpaid(triggered, 102)
    assert obstacle(troubles, rests(), 105) == "failed 2 times, is tried again at 106"


def test_unpaid__other_slots_of_the_account__wait_too_and_nobody_else(troubles: Troubles) -> None:
    for now in range(80, 101):
        troubles.unpaid(rests(now, made_at=1), now)
    fresh = rests(3, made_at=2)
    reason = "the account's last 21 fills paid nothing, is tried again at 700"
    for action in (Action.TRAIL, Action.TRIGGER):
        assert obstacle(troubles, fresh, 699, action) == reason
        assert obstacle(troubles, fresh, 700, action) is None
        assert obstacle(troubles, rests(account=BOB), 101, action) is None
        assert obstacle(troubles, rests(account=ALICE + 1), 101, action) is None


def test_unpaid__what_is_delayed_or_triggered__does_not_wait_for_its_account_lest_it_lapse(troubles: Troubles) -> None:
    troubles.unpaid(rests(), 100)
    assert obstacle(troubles, rests(1)._replace(terms=None), 100, Action.SETTLE) is None
    assert obstacle(troubles, rests(1), 100, Action.EXECUTE) is None
    assert obstacle(troubles, rests(1), 100, Action.CLEAR) is None


def test_unpaid__many_orders_in_one_round__count_once_for_their_account(troubles: Troubles) -> None:
    for slot in range(9):
        troubles.unpaid(rests(slot), 100)
    assert obstacle(troubles, rests(10), 100) == "the account's last 1 fills paid nothing, is tried again at 102"


def test_unpaid__slices__hold_up_their_own_order_only(troubles: Troubles) -> None:
    slices = rests()._replace(terms=Terms(OrderKind.TWAP, slices=60, interval=60))
    for number in range(5):
        troubles.unpaid(slices, 60 * number)
    assert obstacle(troubles, rests(1), 240) is None
    assert obstacle(troubles, slices, 241, Action.EXECUTE) is not None


def test_failed__reverts_cost_nothing__do_not_hold_up_the_account(troubles: Troubles) -> None:
    troubles.failed(rests(), 100)
    assert obstacle(troubles, rests(), 100) is not None
    assert obstacle(troubles, rests(1), 100) is None


def test_settled__fill_that_pays__ends_the_troubles_of_order_and_account(troubles: Troubles) -> None:
    for _ in range(5):
        troubles.unpaid(rests(), 100)
        troubles.unpaid(rests(1), 100)
    troubles.settled(rests())
    assert obstacle(troubles, rests(), 100) is None
    assert obstacle(troubles, rests(2), 100) is None
    assert obstacle(troubles, rests(1), 100) == "failed 5 times, is tried again at 132"


def test_settled__fill_without_a_fee__does_not_excuse_the_account(troubles: Troubles) -> None:
    troubles.unpaid(rests(1), 100)
    troubles.settled(rests(2, fee=0))
    assert obstacle(troubles, rests(3), 101) == "the account's last 1 fills paid nothing, is tried again at 102"


def test_forget__order_over_and_account_quiet__begin_anew(troubles: Troubles) -> None:
    held = rests()
    troubles.unpaid(held, 100)
    troubles.forget({held.key: held}, 102 + LONGEST)
    troubles.unpaid(held, 702)
    assert obstacle(troubles, rests(1), 703) == "the account's last 2 fills paid nothing, is tried again at 706"
    troubles.forget({}, 706 + LONGEST + 1)
    troubles.unpaid(held, 2_000)
    assert obstacle(troubles, held, 2_001) == "failed 1 times, is tried again at 2002"
    assert obstacle(troubles, rests(1), 2_001) == "the account's last 1 fills paid nothing, is tried again at 2002"


def test_failed__another_order_in_the_slot__begins_anew(troubles: Troubles) -> None:
    troubles.failed(rests(), 100)
    assert obstacle(troubles, rests(made_at=50), 100) is None
