"""What the holders of roles do, and what others try in their place."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any, TypeVar

from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD
from steelyard.fuzz.moves.parts import any_holder, any_market
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, OSCAR, TOKEN, TRADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

_T = TypeVar("_T")

MAX_THRESHOLD = 10**10
MAX_MARKETS = 6
"""Random sequences list no more, so that views stay short."""


def _market_config(s: Scenario, c: Choices, market: int) -> tuple[int, ...]:
    """Return parameters near those of a market, within bounds."""
    longs, shorts = s.open_interest(market)
    least = -(-max(longs, shorts) // 10**9)
    scale = s.market(market)[3][0] if c.chance(60) else max(1, least + c.amount(0, 10**16))
    taker = c.integer(0, 10_000) if c.chance(20) else c.integer(0, 1_000)
    return (
        scale,
        c.pick((500, 500, 1, 10_000)),
        c.pick((10**6, 1, 10**9)),
        c.pick((1_200_000_000, 0, 2**31 - 1)),
        taker,
        c.amount(0, taker),
        c.pick((400, 450, 50, 1_000, 10_000)),
        c.pick((5_000, 500, 8_000)),
        c.pick((20_000, 0, 1, 50_000)),
        c.pick((150, 0, 1, 2_000)),
    )


@aim("govern")
def set_market(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = any_market(s, c)
    config = _market_config(s, c, market)
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, config, c.pick((5_000, 0, 1, 50_000)))


@aim("govern")
def list_market(s: Scenario, c: Choices) -> Outcome:
    if len(s.markets) >= MAX_MARKETS:
        return set_market(s, c)
    market = len(s.markets)
    s.must(STEWARD, "PriceOracle", "setFeed", market, f"0x{market + 1:064x}", 600, 100)
    outcome = s.call(STEWARD, "Clearinghouse", "listMarket", s.market(0)[3], 5_000)
    s.publish({market: s.price(market)})
    return outcome


@aim("govern")
def set_risk(s: Scenario, c: Choices) -> Outcome:
    least = c.amount(1, 10_000)
    penalty = c.integer(0, 10_000)
    config = (
        least,
        c.amount(5 * least, 60_000),
        c.amount(least, 10**8),
        c.amount(0, penalty),
        penalty,
        c.pick((10_000, 12_500, 40_000)),
        c.amount(0, MAX_THRESHOLD),
        c.integer(0, 10_000),
    )
    return s.call(STEWARD, "Clearinghouse", "setRiskConfig", config)


def _each(c: Choices, wrong: Sequence[_T], send: Callable[[_T], Outcome]) -> Outcome:
    """Send everything that is wrong, from any of it on; return how the last ended."""
    first = c.integer(0, len(wrong) - 1)
    return [send(one) for one in (*wrong[first:], *wrong[:first])][-1]


@aim("govern", "ParameterOutOfBounds")
def set_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    """Ask for a value beyond each bound of a market."""
    market = c.integer(0, len(s.markets))
    config = s.market(market)[3]
    wrong = [(0, 0), (1, 0), (1, 10_001), (2, 0), (3, 2**31), (4, 10_001), (5, config[4] + 1), (6, 49), (6, 10_001)]
    wrong += [(7, 499), (7, 8_001), (8, 50_001), (9, 2_001)]
    lists = c.chance(30)

    def send(one: tuple[int, int]) -> Outcome:
        changed = (*config[: one[0]], one[1], *config[one[0] + 1 :])
        if lists:
            return s.call(STEWARD, "Clearinghouse", "listMarket", changed, 5_000)
        return s.call(STEWARD, "Clearinghouse", "setMarket", market, changed, 5_000)

    return _each(c, wrong, send)


def _portfolio_config(c: Choices) -> tuple[Any, ...]:
    """Return how a market nets: loadings and shocks within what is hedgeable, at its edge as often as not."""
    hedgeable = c.pick((8_500, 0, 1, 9_900))
    loadings = []
    left = hedgeable * hedgeable
    for _ in range(3):
        loading = c.amount(0, isqrt(left))
        left -= loading * loading
        loadings.append(-loading if c.chance(30) else loading)
    shocks = [c.amount(0, hedgeable) for _ in range(8)]
    return hedgeable, tuple(loadings), tuple([-shock if c.chance(60) else shock for shock in shocks])


@aim("govern")
def set_portfolio(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setPortfolio", any_market(s, c), _portfolio_config(c))


@aim("govern", "ParameterOutOfBounds")
def set_portfolio_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    shocks = (-6_000,) * 8
    wrong = (
        (9_901, (0, 0, 0), shocks),
        (8_000, (8_001, 0, 0), shocks),
        (8_000, (-8_000, 1, 0), shocks),
        (8_000, (0, 0, -8_001), shocks),
        (8_000, (0, 0, 0), (*shocks[:7], -8_001)),
        (0, (0, 0, 0), (1, *(0,) * 7)),
    )
    market = any_market(s, c)
    return _each(c, wrong, lambda config: s.call(STEWARD, "Clearinghouse", "setPortfolio", market, config))


@aim("govern", "MarketUnknown")
def set_portfolio_of_no_market(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setPortfolio", c.integer(len(s.markets), 255), _portfolio_config(c))


@aim("govern")
def set_insurance_cap(s: Scenario, c: Choices) -> Outcome:
    cap = c.pick((0, 1, 100, 10_000, 10**10)) if c.chance(70) else c.amount(0, 10**6)
    return s.call(STEWARD, "Clearinghouse", "setInsuranceCap", any_market(s, c), cap)


@aim("govern", "ParameterOutOfBounds")
def set_insurance_cap_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setInsuranceCap", any_market(s, c), c.pick((10**10 + 1, 2**64 - 1)))


@aim("govern", "MarketUnknown")
def set_insurance_cap_of_no_market(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setInsuranceCap", c.integer(len(s.markets), 255), 1)


@aim("govern", "VaultAlreadySet")
def set_vault_again(s: Scenario, c: Choices) -> Outcome:
    return s.call(ADMIN, "Clearinghouse", "setVault", c.pick((OSCAR, ADMIN, s.pair.addresses["OrderBook"])))


@aim("govern", "ParameterOutOfBounds")
def set_risk_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    good = (500, 2_500, 100_000, 1_000, 5_000, 12_500, 5_000_000, 8_000)
    wrong = [(0, 0), (0, 10_001), (1, 2_499), (1, 60_001), (2, 499), (2, 10**8 + 1), (3, 5_001), (4, 50_001)]
    wrong += [(5, 9_999), (5, 40_001), (6, MAX_THRESHOLD + 1), (7, 10_001)]

    def send(one: tuple[int, int]) -> Outcome:
        changed = (*good[: one[0]], one[1], *good[one[0] + 1 :])
        return s.call(STEWARD, "Clearinghouse", "setRiskConfig", changed)

    return _each(c, wrong, send)


@aim("govern", "OpenInterestExceeded")
def set_too_shallow(s: Scenario, c: Choices) -> Outcome:
    _, market = any_holder(s, c)
    config = s.market(market)[3]
    most = max(1, max(s.open_interest(market)) // 10**9 - 1)
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, (c.amount(1, most), *config[1:]), 5_000)


@aim("govern", "MarketUnknown")
def set_unknown_market(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setMarket", c.integer(len(s.markets), 255), s.market(0)[3], 5_000)


@aim("govern", "AccessManagedUnauthorized")
def govern_unasked(s: Scenario, c: Choices) -> Outcome:
    config = s.market(0)[3]
    function, args = c.pick(
        (
            ("setMarket", (0, config, 5_000)),
            ("listMarket", (config, 5_000)),
            ("setRiskConfig", (s.pair.get("Clearinghouse", "riskConfig"),)),
            ("setExecutor", (OSCAR, True)),
            ("pauseRisk", ()),
            ("unpauseRisk", ()),
        )
    )
    return s.call(c.pick((*TRADERS, KIM, OSCAR)), "Clearinghouse", function, *args)


@aim("govern", "AccessManagedUnauthorized")
def govern_the_waterfall_unasked(s: Scenario, c: Choices) -> Outcome:
    function, args = c.pick(
        (
            ("setPortfolio", (0, _portfolio_config(c))),
            ("setInsuranceCap", (0, 1)),
            ("setVault", (OSCAR,)),
        )
    )
    return s.call(c.pick((*TRADERS, KIM, OSCAR)), "Clearinghouse", function, *args)


@aim("pause")
def pause(s: Scenario, c: Choices) -> Outcome:
    outcome = s.call(GUARDIAN, "Clearinghouse", "pauseRisk")
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("pause")
def set_executor(s: Scenario, c: Choices) -> Outcome:
    s.must(ADMIN, "Clearinghouse", "setExecutor", OSCAR, c.chance(50))
    return s.call(ADMIN, "Clearinghouse", "setExecutor", OSCAR, False)


@aim("pause")
def fund_pool(s: Scenario, c: Choices) -> Outcome:
    return s.call(LIQUIDITY, "Clearinghouse", "fundPool", c.amount(1, min(s.tokens(LIQUIDITY), 10**6 * TOKEN)))


@aim("pause", "AccessManagedUnauthorized")
def pause_unasked(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick((ADMIN, STEWARD, KIM)), "Clearinghouse", "pauseRisk")
