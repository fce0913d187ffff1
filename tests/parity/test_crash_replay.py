"""A made-up crash with a crowded book: each stage of the waterfall, every wei accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.studies.crash_bars import HOUR, Bars
from sim.studies.crash_ledger import FLOWS, Unreconciled
from sim.studies.crash_replay import Hands, Replay
from sim.studies.crowd import CrowdSettings
from steelyard.evm.deployment import ADMIN, STEWARD
from steelyard.studies.crashes import stage_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sim.protocol.outcome import Event
    from sim.studies.crash_replay import Result
    from steelyard.parameters import SystemParameters

pytestmark = pytest.mark.evm

WAD = 10**18
E8 = 10**8
BARS = 8
FALL, WICK, REBOUND = 0.06, 0.02, 0.25


def _bars() -> Bars:
    """Fall by 6% an hour with wicks of 2%, and win a quarter of the fall back in the last one."""
    rows = []
    for start, beta in ((40_000, 1.0), (2_500, 1.2), (100, 1.5)):
        closes = start * (1 - FALL * beta) ** np.arange(BARS)
        closes = np.append(closes, closes[-1] + REBOUND * (start - closes[-1]))
        opens = np.append(closes[0], closes[:-1])
        low, high = np.minimum(opens, closes) * (1 - WICK), np.maximum(opens, closes) * (1 + WICK)
        rows.append(np.stack((opens, low, high, closes), axis=1))
    return Bars(("BTC", "ETH", "SOL"), 1_600_000_000 // HOUR * HOUR, (np.array(rows) * E8).astype(np.int64))


@pytest.fixture(scope="session")
def play(parameters: SystemParameters) -> Callable[..., Result]:
    """Return what replays the made-up crash on freshly deployed contracts beside the model."""
    stage = stage_of(parameters)

    def run(*, prompt: bool = True, **settings: Any) -> Result:
        with stage() as pair:
            book = CrowdSettings(accounts=30, **settings)
            result = Replay(pair, Hands(ADMIN, STEWARD), _bars(), (0, 1, 2), book, prompt).run()
            pair.compare_looked_at()
            return result

    return run


def _sums(result: Result) -> dict[str, int]:
    return {name: sum(getattr(flows, name) for flows in result.flows.values()) for name in FLOWS}


def test_replay__longs_crowded_prompt__traders_pay_and_the_pool_is_never_cut(play: Callable[..., Result]) -> None:
    result = play(is_long=True)

    assert _sums(result) == dict.fromkeys(FLOWS, 0)
    assert result.liquidated > 10
    assert result.flows["liquidated"].total < 0 < result.flows["pool"].total
    assert result.deleveragings == 0
    assert set(result.multipliers.values()) == {(1.0, 1.0)}
    assert result.unpaid == 0


def test_replay__longs_crowded_late_keepers__the_fund_pays_to_its_cap_and_the_pool_the_rest(
    play: Callable[..., Result],
) -> None:
    result = play(is_long=True, prompt=False, insurance_cap=0.2)
    uncapped = play(is_long=True, prompt=False, insurance_cap=1.0)

    assert _sums(result) == _sums(uncapped) == dict.fromkeys(FLOWS, 0)
    assert result.bankruptcies > 0
    by_fund, by_pool = -result.flows["insurance"].bad_debt, -result.flows["pool"].bad_debt
    assert by_fund + by_pool == result.bad_debt
    assert 0 < by_fund <= result.bad_debt
    assert by_fund < -uncapped.flows["insurance"].bad_debt
    assert result.capped > uncapped.capped
    assert by_pool > 0


def test_replay__shorts_crowded_prompt__winners_are_cut_alike_and_everybody_is_paid(
    play: Callable[..., Result],
) -> None:
    result = play(is_long=False)

    assert _sums(result) == dict.fromkeys(FLOWS, 0)
    assert result.deleveragings > 1
    assert result.flows["deleveraged"].total > 0 > result.flows["pool"].total
    for longs, shorts in result.multipliers.values():
        assert 0 < shorts < longs <= 1
    assert sum(one.size < 0 for one in result.given_up) * 2 > len(result.given_up)
    assert 0 < result.lowest_health < 1
    assert result.unpaid == 0
    hedges = result.hedges()
    assert 0 < hedges.touched <= hedges.accounts
    assert 0 < hedges.exposure < 1


def test_replay__shorts_crowded_pool_small_keepers_late__pool_is_negative_and_what_is_unpaid_is_what_it_owes(
    play: Callable[..., Result],
) -> None:
    result = play(is_long=False, prompt=False, pool=0.03)

    assert _sums(result) == dict.fromkeys(FLOWS, 0)
    assert result.lowest_equity < 0
    owed = -(result.funded[0] + result.flows["pool"].total)
    fund = result.funded[1] + result.flows["insurance"].total
    assert owed > fund
    dust = (len(result.traders) + 1) * 10**12
    kept = fund + result.flows["keepers"].total
    assert abs(result.unpaid - (owed - kept)) <= dust


def test_replay__same_seed__same_outcome_and_another_book_with_another(play: Callable[..., Result]) -> None:
    result = play(is_long=False)
    assert play(is_long=False) == result
    assert play(is_long=False, seed=2).flows != result.flows


def test_replay__an_event_is_a_wei_off__is_noticed(
    play: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Replay.may.__globals__["Books"].read

    def off(self: Any, events: tuple[Event, ...]) -> None:
        read(
            self,
            [e._replace(args=(*e.args[:3], e.args[3] + 1, *e.args[4:])) if e.name == "Traded" else e for e in events],
        )

    monkeypatch.setattr("sim.studies.crash_ledger.Books.read", off)
    with pytest.raises(Unreconciled, match="pool"):
        play(is_long=True)


def test_replay__nine_tenths_redeem_in_the_fall__pool_is_cut_that_was_safe_and_who_stays_gains_less(
    play: Callable[..., Result],
) -> None:
    """Behind a crowd at the cap, a pool that nobody leaves is never cut; one that is left to its initial margin is."""
    stayed = play(is_long=True, crowding=1.0, pool=0.15)
    left = play(is_long=True, crowding=1.0, pool=0.15, redeem=0.9)

    assert _sums(left) == dict.fromkeys(FLOWS, 0)
    assert stayed.deleveragings == 0
    assert stayed.provided.settlements == 0
    assert left.provided.settlements > 1
    assert left.provided.refused["RequestsUnready"] >= 1
    assert left.deleveragings > 0
    assert left.lowest_health < 1 < stayed.lowest_health
    assert left.unpaid == 0
    assert left.flows["pool"].total < stayed.flows["pool"].total
    returns = [result.provided.gains[1] / result.provided.paid_in[1] for result in (left, stayed)]
    assert returns[0] < returns[1]
    dust = 10**12 * 1_000
    for result in (stayed, left):
        assert abs(sum(result.provided.gains) - result.flows["pool"].total) <= dust


def test_replay__fall_alarms_nobody__nobody_redeems(play: Callable[..., Result]) -> None:
    calm = play(is_long=False, redeem=0.9, alarm=1.0)
    quiet = play(is_long=False)

    assert calm.provided.early == calm.provided.settlements == 0
    assert calm.flows == quiet.flows
    assert sum(calm.provided.paid_in) == sum(quiet.provided.paid_in)
