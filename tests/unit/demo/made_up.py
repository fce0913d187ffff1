"""A result made of round numbers, for tests and for looking at the picture."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from sim.data.source import PriceSource, load_price_source
from steelyard.demo.report import (
    WAD,
    Books,
    Cohort,
    DemoResult,
    LiquidationEvent,
    MarketPoint,
    PriceProvenance,
    StepPoint,
    summarise_gas,
)

if TYPE_CHECKING:
    from steelyard.demo.report import Mode, Side

SYMBOLS = ("BTC", "ETH", "SOL")
SIDES: tuple[Side, ...] = ("long", "short")
MODES: tuple[Mode, ...] = ("isolated", "cross")


def made_up_result(source: PriceSource | None = None, *, error_wei: int = 0) -> DemoResult:
    source = source or load_price_source(SYMBOLS, data="", download=False)
    start = {symbol: quote.price_e8 for symbol, quote in source.ticks[0].quotes.items()}
    size = dict(zip(SYMBOLS, (40, 500, 30_000), strict=True))
    events: list[LiquidationEvent] = []
    series: list[StepPoint] = []
    lowest, insurance, nav, rate = start["BTC"], 250_000, 5_000_000, dict.fromkeys(SYMBOLS, 0)
    for index, tick in enumerate(source.ticks):
        price = tick.quotes["BTC"].price_e8
        for level, leverage in ((95, 20), (92, 20), (91, 20), (88, 10), (86, 10), (81, 10), (80, 5), (77, 5), (70, 5)):
            if price * 100 < start["BTC"] * level <= lowest * 100:
                mode: Mode = "cross" if level % 2 else "isolated"
                events.append(
                    LiquidationEvent(
                        at=tick.timestamp,
                        account=(0xA11CE << 96) | level,
                        symbols=("BTC",) if mode == "isolated" else SYMBOLS,
                        leverage=leverage,
                        mode=mode,
                        side="long",
                        fraction_wad=WAD if leverage > 5 else WAD // 3,
                        notional_wad=100_000 * WAD,
                        reward_wad=50 * WAD,
                    )
                )
                insurance += 400
                nav += 9_000
        lowest = min(lowest, price)
        markets = {}
        for symbol, quote in tick.quotes.items():
            opened = min(index, 16) * size[symbol] * WAD // 16
            longs = max(opened - len(events) * size[symbol] * WAD // 18, opened // 3)
            shorts = opened * 7 // 10 - len(events) * size[symbol] * WAD // 60
            rate[symbol] += (longs - shorts) * 900 // (size[symbol] * 100_000)
            markets[symbol] = MarketPoint(
                price_wad=quote.price_e8 * 10**10,
                long_open_interest_wad=longs,
                short_open_interest_wad=shorts,
                funding_rate_wad=rate[symbol] // 40_000,
            )
        pool = nav * WAD + (start["BTC"] - price) * 8 * 10**10 // 2
        series.append(
            StepPoint(
                at=tick.timestamp,
                markets=markets,
                liquidations=len(events),
                insurance_wad=insurance * WAD,
                pool_balance_wad=pool + 10**18,
                nav_wad=pool,
                conservation_error_wei=error_wei if index == 3 else 0,
            )
        )
    cohorts = tuple(
        Cohort(
            leverage=leverage,
            mode=mode,
            side=side,
            accounts=3,
            liquidated=(side == "long") * (leverage >= 10) * 3,
            partially_liquidated=(side == "long") * (leverage == 5) * 2,
            deposit_wad=30_000 * WAD,
            final_equity_wad=int(30_000 * max(1 + (-0.15 if side == "long" else 0.15) * leverage * 0.8, 0.02) * 100)
            * WAD
            // 100,
        )
        for leverage, mode, side in product((2, 3, 5, 10, 20), MODES, SIDES)
    )
    equity = sum(one.final_equity_wad for one in cohorts)
    deposits = sum(one.deposit_wad for one in cohorts)
    books = Books(
        trader_deposits_wad=deposits,
        pool_deposits_wad=5_000_000 * WAD,
        other_deposits_wad=250_000 * WAD,
        trader_equity_wad=equity,
        nav_wad=deposits + 5_250_000 * WAD - equity - insurance * WAD - 3_000 * WAD + 7,
        insurance_wad=insurance * WAD,
        treasury_wad=1_500 * WAD,
        keeper_wad=500 * WAD,
        impact_potential_wad=1_000 * WAD,
    )
    gas = summarise_gas(
        {"settle": [128_400, 131_002, 127_733], "commit": [58_120] * 3, "liquidate": [173_000], "deposit": []}
    )
    return DemoResult(
        prices=PriceProvenance.of(source),
        series=tuple(series),
        events=tuple(events),
        trades=210,
        fundings=288,
        transactions=1_034,
        gas=gas,
        cohorts=cohorts,
        books=books,
        chain_id=31_337,
        wall_seconds=42.5,
    )
