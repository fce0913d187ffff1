"""Shrinking: a fault planted in the model leaves a short story, of which no step can be spared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from steelyard.evm.chain import START
from steelyard.evm.deployment import ADMIN
from steelyard.fuzz.actors import ANY_BUY, BOB, CAROL, KIM, OSCAR, TRADERS, UINT256_MAX, account_of
from steelyard.fuzz.campaign import Failure
from steelyard.fuzz.pair import Step
from steelyard.fuzz.record import Record
from steelyard.fuzz.rehearsal import Rehearsal, Sign, sign_of
from steelyard.fuzz.replay import replay
from steelyard.fuzz.shrink import NotReproduced, shrink
from tests.unit.fuzz.faults import FAULTS
from tests.unit.fuzz.traces import played

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.parameters import SystemParameters


@pytest.mark.evm
@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_shrink__planted_fault__leaves_a_short_story(
    name: str, artefacts: Artefacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    fault.plant(monkeypatch)
    first = fault.found()
    shrunk = shrink(first)
    for later in range(1, 4):
        # One trace in five or so needs many steps at once to get where it fails: a later seed tells it shortly.
        if len(shrunk.steps) > fault.longest:
            shrunk = shrink(fault.found(first.seed + later))
    assert len(shrunk.steps) <= fault.longest
    assert len(shrunk.story) == len(shrunk.steps)
    assert shrunk.differences
    rehearsal = Rehearsal(artefacts)
    found = rehearsal.play(shrunk.steps)
    assert found is not None
    assert sign_of(found) == shrunk.sign
    for spared in range(len(shrunk.steps)):
        other = rehearsal.play(shrunk.steps[:spared] + shrunk.steps[spared + 1 :])
        assert other is None or sign_of(other) != shrunk.sign, f"step {spared + 1} can be spared"
    monkeypatch.undo()
    assert rehearsal.play(shrunk.steps) is None


@pytest.mark.evm
def test_shrink__same_failure_twice__is_the_same_story(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS["funding drifts the wrong way"]
    fault.plant(monkeypatch)
    failure = fault.found()
    assert shrink(failure) == shrink(failure)


@pytest.fixture
def crowded(rehearsal: Rehearsal, parameters: SystemParameters) -> tuple[Step, ...]:
    """Return a trace of three traders, two markets and an order, with long numbers throughout."""
    house = rehearsal.stage.addresses["Clearinghouse"]
    steps: list[Step] = []
    for number, owner in enumerate(TRADERS):
        amount = 123_456_789_012 + number
        steps.append(Step(owner, "LocalToken", "mint", (owner, amount)))
        steps.append(Step(owner, "LocalToken", "approve", (house, UINT256_MAX), wait=7))
        steps.append(Step(owner, "Clearinghouse", "deposit", (account_of(owner, 1), amount)))
    steps.append(Step(ADMIN, "Clearinghouse", "setExecutor", (KIM, True), wait=100))
    now = START + sum(step.wait for step in steps)
    values = [Price(raw, 5_000, -8, now + 20) for raw in (4_123_412_345_678, 251_234_567_890)]
    data = tuple(
        encode_update(PriceFeed(market.oracle.feed, value, value), now)
        for market, value in zip(parameters.markets, values, strict=False)
    )
    fee = 2 * parameters.pyth.update_fee
    steps.append(Step(OSCAR, "PriceOracle", "update", ((0, 1), data), value=fee, wait=20))
    for market, owner, size in ((1, BOB, -(5**20)), (0, CAROL, 3**38), (1, CAROL, 7**21)):
        price = values[market].price * 10**10
        order = (account_of(owner, 1), market, size, price, ANY_BUY if size > 0 else 0, 0, 0, False, True)
        steps.append(Step(KIM, "Clearinghouse", "trade", (order,), wait=1))
    return tuple(steps)


@pytest.mark.evm
def test_shrink__crowded_trace__comes_down_to_boundary_values(
    rehearsal: Rehearsal, crowded: tuple[Step, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rehearsal.play(crowded) is None
    FAULTS["funding drifts the wrong way"].plant(monkeypatch)
    failure = rehearsal.play(crowded)
    assert failure is not None
    shrunk = shrink(failure)
    assert sorted(shrunk.story) == [
        "alice approves Clearinghouse for any amount",
        "alice deposits 26 USD to alice/0",
        "alice is given 26 USD",
        "alice/0 goes long 0.001 BTC at 40,000",
        "oscar publishes BTC at 40,000",
        "the admin makes kim an executor",
    ]


@pytest.mark.evm
def test_shrink__trace_that_does_not_fail__is_refused() -> None:
    trace = played(1, 60)
    with pytest.raises(NotReproduced):
        shrink(Failure(1, len(trace) - 1, "mismatch", f"step {len(trace)}: made up", trace))


@pytest.mark.evm
def test_shrink__budget_spent__still_gives_a_failing_trace(
    artefacts: Artefacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS["variance forgets"]
    fault.plant(monkeypatch)
    failure = fault.found()
    shrunk = shrink(failure, budget=2_000)
    assert len(shrunk.steps) < shrunk.before
    found = Rehearsal(artefacts).play(shrunk.steps)
    assert found is not None
    assert sign_of(found) == shrunk.sign


@pytest.mark.evm
def test_rehearsal__traces_one_after_the_other__start_from_the_same_state(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = played(2, 400)
    ended: list[list[object]] = [[], []]
    assert rehearsal.play(trace, on_step=lambda _, outcome: ended[0].append(outcome)) is None
    with monkeypatch.context() as planting:
        FAULTS["fee rounds down"].plant(planting)
        assert rehearsal.play(trace) is not None
    assert rehearsal.play(trace, on_step=lambda _, outcome: ended[1].append(outcome)) is None
    assert len(ended[0]) == len(trace)
    assert ended[0] == ended[1]


def test_sign_of__mismatches__tells_them_apart() -> None:
    trace = played(1, 40)
    at = len(trace) - 1
    called = f"{trace[at].contract}.{trace[at].function}"

    def signed(kind: str, message: str) -> Sign:
        return sign_of(Failure(1, at, kind, message, trace))

    ended = "\n  model: Outcome(ok=True, returns=(), error=None, events=())"
    ended += "\n  chain: Outcome(ok=False, returns=(), error=ErrorValue(name='SizeZero', args=()), events=())"
    assert signed("mismatch", f"step 40: {trace[at]}{ended}") == Sign("mismatch", called, ("success", "SizeZero"))
    words = f"step 40: {trace[at]}\nstorage of Clearinghouse at 0x12\n  model: 0x1\n  chain: 0x2"
    assert signed("mismatch", words) == Sign("mismatch", called, ("storage Clearinghouse",))
    assert signed("mismatch", "Lens.poolView() at 17\n  model: 1\n  chain: 2") == Sign("mismatch", "Lens.poolView")
    assert signed("invariant", "I2: sum of balances 1 == 2") == Sign("invariant", "I2")
    assert signed("halted", "OutOfGas") == Sign("halted", called)
    assert signed("crash", 'Traceback\n  File "x"\nbuiltins.KeyError: 5\n') == Sign("crash", called, ("KeyError",))


def test_sign_of__failure_before_any_step__has_a_place() -> None:
    views = "Lens.poolView() at 17\n  model: 1\n  chain: 2"
    assert sign_of(Failure(1, 0, "mismatch", views, ())) == Sign("mismatch", "Lens.poolView")
    assert sign_of(Failure(1, 0, "halted", "OutOfGas", ())) == Sign("halted", "deployment")


@pytest.mark.anvil
@pytest.mark.slow
@pytest.mark.parametrize("name", ["fee rounds down", "funding drifts the wrong way"])
def test_replay__on_a_node__agrees(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    fault.plant(monkeypatch)
    path = Record.of(shrink(fault.found())).write(tmp_path)
    assert replay(path, on="evm").is_reproduced
    assert replay(path, on="anvil").is_reproduced
    monkeypatch.undo()
    assert replay(path, on="anvil").is_fixed


@pytest.mark.anvil
@pytest.mark.slow
def test_replay__through_ape__agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS["fee rounds down"]
    fault.plant(monkeypatch)
    path = Record.of(shrink(fault.found())).write(tmp_path)
    assert replay(path, on="ape").is_reproduced
    monkeypatch.undo()
    assert replay(path, on="ape").is_fixed
