"""Deleveraging that somebody brings about himself, at one price, gains him nothing (I11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.protocol.types.account_id import to_account_id
from steelyard.evm.deployment import LIQUIDITY
from steelyard.fuzz.actors import BOB, KIM, TOKEN, account_of
from steelyard.fuzz.moves.vault import VAULT, claim_assets, fulfil, publish_all, ready, shares_of

if TYPE_CHECKING:
    from steelyard.fuzz.scenario import Scenario
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

BOBS, PROVIDERS = account_of(BOB), to_account_id(LIQUIDITY, 0)
UNIT = 10**12
STEPS = 200


def depth(s: Scenario, market: int) -> int:
    """Return the depth of a market [base wad]."""
    scale: int = s.market(market)[3][0]
    return scale * 10**9


def run_on_the_pool(s: Scenario, rise: int) -> None:
    """Let Bob take a fiftieth of a depth, the only provider redeem what he may, and the price rise by `rise` [1e-4]."""
    s.must(BOB, "Clearinghouse", "deposit", BOBS, 20_000_000 * TOKEN)
    s.must(LIQUIDITY, "Clearinghouse", "deposit", PROVIDERS, 60_000_000 * TOKEN)
    publish_all(s)
    assert s.trade(BOBS, 0, depth(s, 0) // 50).ok
    s.must(LIQUIDITY, VAULT, "requestRedeem", shares_of(s, LIQUIDITY), LIQUIDITY, LIQUIDITY)
    ready(s)
    assert fulfil(s).ok
    claim_assets(s, LIQUIDITY)
    s.publish({m: s.price(m) * (10_000 + rise) // 10_000 if m == 0 else s.price(m) for m in s.markets})


def worth(s: Scenario) -> int:
    """Return what the provider has if all of the pool is his [wad]."""
    risk = s.pool_risk()
    assert risk is not None
    return s.balance(PROVIDERS) + s.tokens(LIQUIDITY) * UNIT + risk[0]


def push_under(s: Scenario) -> None:
    """Let the provider buy in the markets that are least skewed until the pool can be deleveraged."""
    for step in range(STEPS):
        risk = s.pool_risk()
        assert risk is not None
        if risk[0] < risk[2]:
            return
        market = 1 + step % 2
        assert s.trade(PROVIDERS, market, depth(s, market) // 2_000).ok
    raise AssertionError("the pool stays healthy")


@pytest.mark.parametrize("rise", [170, 185])
def test_deleverage__brought_about_by_who_owns_the_pool__gains_him_nothing(stage: Stage, rise: int) -> None:
    with stage.scenario(funds=0) as s:
        run_on_the_pool(s, rise)
        before, value = worth(s), s.pair.model.clearinghouse.pool_risk().net_asset_value
        bobs = s.size(BOBS, 0)
        push_under(s)
        assert s.call(LIQUIDITY, "Clearinghouse", "deleverage").ok
        assert s.size(BOBS, 0) < bobs
        for market in (1, 2):
            assert s.trade(PROVIDERS, market, -s.size(PROVIDERS, market)).ok
        # What the pool is worth has grown by fees only, which are his own.
        assert worth(s) <= before + UNIT
        assert s.pair.model.clearinghouse.pool_risk().net_asset_value >= value
        s.compare()


def test_deleverage__healthy_value__pays_what_unwinding_would_have(stage: Stage) -> None:
    """Net asset value stays, to rounding, and the side is paid what the potential falls by."""
    with stage.scenario(funds=0) as s:
        run_on_the_pool(s, 185)
        push_under(s)
        before = s.pair.model.clearinghouse.pool_risk()
        equity = s.risk(BOBS)
        assert s.call(KIM, "Clearinghouse", "deleverage").ok
        after = s.pair.model.clearinghouse.pool_risk()
        paid = s.risk(BOBS)
        assert equity is not None
        assert paid is not None
        assert 0 <= after.net_asset_value - before.net_asset_value < UNIT
        assert after.equity < before.equity
        assert paid[0] > equity[0]
        assert after.net_asset_value >= after.maintenance_margin * 5 // 4
