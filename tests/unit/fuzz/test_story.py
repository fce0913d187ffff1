"""Stories: names for addresses, exact amounts, times in words."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import ErrorValue, Event, Outcome
from sim.protocol.types.order import OrderKind, Terms
from steelyard.evm.chain import START
from steelyard.evm.deployment import ADMIN, STEWARD
from steelyard.fuzz.actors import (
    ALICE,
    ANY_BUY,
    BOB,
    INSURANCE,
    KIM,
    KIMS,
    OSCAR,
    POOL,
    TOKEN,
    UINT256_MAX,
    WAD,
    account_of,
)
from steelyard.fuzz.pair import Mismatch, Step
from steelyard.fuzz.story import decimal, differences, duration
from tests.unit.fuzz.traces import played

if TYPE_CHECKING:
    from steelyard.fuzz.recipe import Grammar
    from steelyard.fuzz.rehearsal import Rehearsal
    from steelyard.fuzz.story import Teller

ALICES, BOBS = account_of(ALICE), account_of(BOB, 1)
HOUSE, BOOK = "Clearinghouse", "OrderBook"
SALE = ALICES, 2, 7, START + 60, -WAD, 0, 0
PURCHASE = ALICES, 0, 7, START + 60, WAD, 41_000 * WAD, WAD // 10, False

SENTENCES = [
    (Step(ALICE, HOUSE, "deposit", (ALICES, 1_000_001)), "alice deposits 1.000001 USD to alice/0"),
    (Step(ALICE, HOUSE, "withdraw", (ALICES, TOKEN, ALICE)), "alice withdraws 1 USD from alice/0"),
    (Step(ALICE, HOUSE, "withdraw", (ALICES, TOKEN, BOB)), "alice withdraws 1 USD from alice/0, for bob"),
    (
        Step(ALICE, HOUSE, "transfer", (ALICES, POOL, 1)),
        "alice moves 0.000000000000000001 USD from alice/0 to the pool",
    ),
    (
        Step(KIM, HOUSE, "trade", ((ALICES, 0, WAD // 1000, 40_000 * WAD, ANY_BUY, 0, 0, False, True),)),
        "alice/0 goes long 0.001 BTC at 40,000",
    ),
    (
        Step(OSCAR, HOUSE, "trade", ((BOBS, 1, -WAD, 2_500 * WAD, WAD, KIMS, WAD // 10, False, True),)),
        "bob/1 goes short 1 ETH at 2,500 through oscar, at least 1, paying kim/0 0.1 USD",
    ),
    (Step(KIM, HOUSE, "liquidate", (BOBS, KIMS), wait=13), "13 seconds later, kim liquidates bob/1"),
    (
        Step(KIM, HOUSE, "liquidate", (BOBS, INSURANCE)),
        "kim liquidates bob/1, the reward going to the insurance fund",
    ),
    (Step(ADMIN, HOUSE, "setExecutor", (KIM, True)), "the admin makes kim an executor"),
    (Step(ALICE, HOUSE, "setMarginMode", (ALICES, 1)), "alice sets alice/0 to isolated margin"),
    (
        Step(ALICE, HOUSE, "setOperator", (OSCAR, 5, START + 3_601)),
        "alice lets oscar trade and withdraw until 1 hour 1 second from now",
    ),
    (Step(ALICE, "LocalToken", "approve", (ALICE, UINT256_MAX)), "alice approves alice for any amount"),
    (
        Step(ALICE, BOOK, "commit", ((*SALE, True),)),
        "alice commits to sell 1 SOL for alice/0 in slot 7 until 1 minute from now, only to reduce",
    ),
    (
        Step(ALICE, BOOK, "place", (PURCHASE, Terms(OrderKind.LIMIT, 40_000 * WAD))),
        "alice places an order to buy 1 BTC for alice/0 in slot 7 once the price is at most 40,000 until"
        " 1 minute from now, at most 41,000, paying 0.1 USD to the keeper",
    ),
    (
        Step(ALICE, BOOK, "place", ((*SALE, False), Terms(OrderKind.STOP, 50 * WAD))),
        "alice places an order to sell 1 SOL for alice/0 in slot 7 once the price is at most 50 until"
        " 1 minute from now",
    ),
    (
        Step(ALICE, BOOK, "place", ((*SALE, False), Terms(OrderKind.TRAILING_STOP, distance=25_000))),
        "alice places an order to sell 1 SOL for alice/0 in slot 7 once the price is 2.5% below its"
        " highest until 1 minute from now",
    ),
    (
        Step(ALICE, BOOK, "place", ((*SALE, False), Terms(OrderKind.TWAP, slices=5, interval=180))),
        "alice places an order to sell 1 SOL for alice/0 in slot 7 in 5 slices, one every 3 minutes until"
        " 1 minute from now",
    ),
    (
        Step(ALICE, BOOK, "place", ((*SALE, False), Terms(OrderKind.BRACKET, 0, 60 * WAD, 40 * WAD))),
        "alice places an order to sell 1 SOL for alice/0 in slot 7 at once, with a stop at 60 and a target at 40, until"
        " 1 minute from now",
    ),
    (
        Step(KIM, BOOK, "placeSigned", ((*SALE, False), Terms(OrderKind.LIMIT, 60 * WAD), 5, ALICE, "0x")),
        "kim relays what alice is said to have signed with nonce 5: to place an order to sell 1 SOL for"
        " alice/0 in slot 7 once the price is at least 60 until 1 minute from now",
    ),
    (
        Step(KIM, BOOK, "commitSigned", ((*SALE, False), 2**255, ALICE, "0x")),
        f"kim relays what alice is said to have signed with nonce {2**255:#x}: to commit to sell 1 SOL for"
        " alice/0 in slot 7 until 1 minute from now",
    ),
    (Step(KIM, BOOK, "trigger", ((*SALE, False), Terms(1))), "kim triggers the order in slot 7 of alice/0"),
    (Step(KIM, BOOK, "trail", ((*SALE, False), Terms(3))), "kim trails the order in slot 7 of alice/0"),
    (
        Step(OSCAR, BOOK, "execute", ((*SALE, False), Terms(1), KIMS, ())),
        "oscar settles what is due of the order in slot 7 of alice/0 at the price proven, for kim/0",
    ),
    (
        Step(OSCAR, BOOK, "provePrice", (1, 1_700_000_000, ())),
        "oscar proves the first price of ETH from now with no price",
    ),
    (
        Step(ALICE, BOOK, "cancelPlaced", ((*SALE, False), Terms(1))),
        "alice takes back the order in slot 7 of alice/0, which rests",
    ),
    (Step(ALICE, BOOK, "cancelNonces", (2, 5)), "alice cancels 2 nonces of the 256 from 512 on"),
    (
        Step(KIM, BOOK, "batch", (("0x1234", "0x"), (0, 0))),
        "kim in one batch, each for itself, calls 0x1234 and calls 0x",
    ),
    (
        Step(KIM, "LocalWallet", "setApproval", ("0x" + "ab" * 32, True)),
        f"kim lets the wallet sign 0x{'ab' * 32}",
    ),
    (
        Step(STEWARD, "PriceOracle", "setFeed", (0, "0x" + "ab" * 32, 120, 100)),
        f"the steward calls PriceOracle.setFeed(market: BTC, feedId: 0x{'ab' * 32}, maxAge: 120, maxConfidence: 100)",
    ),
]


@pytest.mark.parametrize(("step", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_teller__step__is_told(teller: Teller, step: Step, sentence: str) -> None:
    assert teller.tell([step]) == [sentence]


@pytest.mark.evm
def test_teller__trace_of_a_campaign__is_told_without_raw_addresses(teller: Teller, rehearsal: Rehearsal) -> None:
    trace = played(3, 600)
    told = teller.tell(trace)
    assert len(told) == len(trace)
    known = [address[2:] for address in (ALICE, BOB, KIM, OSCAR, *rehearsal.stage.addresses.values())]
    readable = [sentence for sentence in told if "the bytes 0x" not in sentence and "calls 0x" not in sentence]
    assert len(readable) > 500
    assert not [sentence for sentence in readable if any(address in sentence for address in known)]
    kinds = {sentence.split(" ")[1] for sentence in told}
    assert {"deposits", "publishes", "liquidates"} <= kinds


def test_teller__multicall__tells_each_call(teller: Teller, rehearsal: Rehearsal) -> None:
    world = rehearsal.stage.model()
    data = tuple(
        world.calldata(HOUSE, function, args)
        for function, args in (("deposit", (ALICES, TOKEN)), ("transfer", (ALICES, ALICES + 1, WAD)))
    )
    (told,) = teller.tell([Step(ALICE, HOUSE, "multicall", (data,))])
    assert told == "alice in one call deposits 1 USD to alice/0 and moves 1 USD from alice/0 to alice/1"


@given(st.integers(-(2**128), 2**256), st.sampled_from([1, 10**6, 10**8, 10**18]))
def test_decimal__any_amount__is_exact(value: int, unit: int) -> None:
    assert Fraction(decimal(value, unit).replace(",", "")) * unit == value


@given(st.integers(1, 10**9))
def test_duration__any_time__is_exact(seconds: int) -> None:
    lengths = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    words = duration(seconds).split(" ")
    pairs = zip(words[::2], words[1::2], strict=True)
    assert sum(int(count) * lengths[word.removesuffix("s")] for count, word in pairs) == seconds


def _traded(fee: int, events: tuple[Event, ...] = ()) -> Outcome:
    return Outcome(True, ((1, 2, fee, 4),), None, events)


@pytest.mark.parametrize(
    ("model", "chain", "lines"),
    [
        (_traded(3), _traded(5), ["returned fee: 3 on the model, 5 on the contracts, -2"]),
        (
            _traded(3),
            Outcome(False, (), ErrorValue("SizeZero", ()), ()),
            ["on the model it succeeds, on the contracts it reverts with SizeZero()"],
        ),
        (
            _traded(3),
            _traded(3, (Event(HOUSE, "RiskPauseSet", (True,)),)),
            ["the model emits nothing, the contracts Clearinghouse.RiskPauseSet"],
        ),
        (
            _traded(3, (Event(HOUSE, "RiskPauseSet", (True,)),)),
            _traded(3, (Event(HOUSE, "RiskPauseSet", (False,)),)),
            ["RiskPauseSet paused: True on the model, False on the contracts"],
        ),
    ],
)
def test_differences__two_outcomes__names_what_differs(
    grammar: Grammar, model: Any, chain: Any, lines: list[str]
) -> None:
    assert differences(grammar, Mismatch("step 1", model, chain), HOUSE, "trade") == lines
