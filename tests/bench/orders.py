"""How long a keeper takes to find what is due among resting orders, and to rebuild its index from events.

``python -m tests.bench.orders --orders 10000 --markets 5``: limits, stops, trailing stops, TWAPs and brackets in equal
parts, their prices spread over 30 % on both sides of the market's. Prices move on in a random walk, a few orders come
to their turn at each step, and the index is told of every trigger and every mark; then all markets fall by a fifth at
once. Times are of the processor, of this process; the worst of all steps counts.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from sim.protocol.types.order import Order, OrderKind, Terms
from steelyard.keeper.book import Action, Book, Price

__all__ = ["Times", "measure", "place"]

TARGET_MS = 50.0
_WAD = 10**18
_DELAY, _WINDOW = 2, 30
_START = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """What was measured.

    Attributes
    ----------
    orders, markets, steps : int
        Of the run.
    find_ms, worst_find_ms : float
        To find what is due at one step, the median and the worst.
    due : float
        Orders due at a step, on average.
    crash_ms : float
        To find what is due when all markets fall by a fifth.
    crash_due : int
        How many that are.
    events : int
        With which the index is rebuilt.
    events_per_second : int
        At that.
    """

    orders: int
    markets: int
    steps: int
    find_ms: float
    worst_find_ms: float
    due: float
    crash_ms: float
    crash_due: int
    events: int
    events_per_second: int


Told = tuple[str, dict[str, Any], int, int]


def place(count: int, markets: int, seed: int) -> list[Told]:
    """Return the events of `count` orders that were placed, as `Book.apply` takes them."""
    pick = random.Random(seed)
    kinds = (OrderKind.LIMIT, OrderKind.STOP, OrderKind.TRAILING_STOP, OrderKind.TWAP, OrderKind.BRACKET)
    events: list[Told] = []
    for number in range(count):
        kind, is_buy = kinds[number % len(kinds)], pick.random() < 0.5
        # A limit to buy and a stop to sell are under the price, the others over it.
        is_low = is_buy == (kind != OrderKind.STOP)
        away = pick.randint(1_000, 300_000)
        at = _WAD * (1_000_000 - away if is_low else 1_000_000 + away)
        terms = Terms(kind)
        if kind in (OrderKind.LIMIT, OrderKind.STOP):
            terms = terms._replace(trigger_price=at)
        elif kind == OrderKind.TRAILING_STOP:
            terms = terms._replace(distance=pick.randint(10_000, 300_000))
        elif kind == OrderKind.TWAP:
            terms = terms._replace(slices=24, interval=3_600)
        else:
            exits = (at * 9 // 10, at * 11 // 10) if is_buy else (at * 11 // 10, at * 9 // 10)
            terms = terms._replace(trigger_price=at, stop_price=exits[0], target_price=exits[1])
        size = _WAD if is_buy else -_WAD
        order = Order((1 + number // 256) << 96, number % markets, number % 256, 2**40 - 1, size, 0, _WAD // 10)
        events.append(("OrderPlaced", {"order": tuple(order), "terms": tuple(terms)}, number, _START + number % 3_600))
    return events


def measure(count: int, markets: int, steps: int, seed: int = 7) -> Times:
    """Measure one book."""
    pick, book = random.Random(seed), Book(_DELAY, _WINDOW)
    events = place(count, markets, seed)
    for told in events:
        book.apply(*told)
    prices = dict.fromkeys(range(markets), 1_000_000 * _WAD)
    now, block, seconds, found = _START + 3_600, count, list[float](), 0
    for _ in range(steps):
        now, block = now + 5, block + 1
        prices = {market: price * pick.randint(9_990, 10_010) // 10_000 for market, price in prices.items()}
        at = {market: Price(price, now) for market, price in prices.items()}
        started = time.process_time()
        due = book.due(now, at)
        seconds.append(time.process_time() - started)
        found += len(due)
        for one in due:
            order = one.held.order
            name = "OrderTrailed" if one.action is Action.TRAIL else "OrderTriggered"
            if one.action in (Action.SETTLE, Action.EXECUTE):
                name = "OrderSettled"
            where = {"account": order.account, "slot": order.slot}
            events.append((name, where | {"leg": 0, "mark": at[order.market].value, "publishedAt": now}, block, now))
            book.apply(*events[-1])
    now += 5
    crash = {market: Price(price * 4 // 5, now) for market, price in prices.items()}
    started = time.process_time()
    crash_due = len(book.due(now, crash))
    crash_seconds = time.process_time() - started
    again = Book(_DELAY, _WINDOW)
    started = time.process_time()
    for told in events:
        again.apply(*told)
    rebuild = time.process_time() - started
    assert again.orders == book.orders
    return Times(
        orders=count,
        markets=markets,
        steps=steps,
        find_ms=round(median(seconds) * 1_000, 3),
        worst_find_ms=round(max(seconds) * 1_000, 3),
        due=round(found / steps, 1),
        crash_ms=round(crash_seconds * 1_000, 3),
        crash_due=crash_due,
        events=len(events),
        events_per_second=round(len(events) / rebuild),
    )


def main() -> None:
    """Print all times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--markets", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times = measure(options.orders, options.markets, options.steps)
    if options.json:
        print(json.dumps(asdict(times)))
        return
    table = Table(title=f"{times.orders:,} resting orders in {times.markets} markets", title_justify="left")
    for column in ("", "measured", "target"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row(f"find what is due, {times.due:.1f} orders, median [ms]", f"{times.find_ms:.2f}", "")
    table.add_row("the same, worst [ms]", f"{times.worst_find_ms:.2f}", f"{TARGET_MS:.0f}")
    table.add_row(
        f"all markets fall by a fifth, {times.crash_due:,} due [ms]", f"{times.crash_ms:.2f}", f"{TARGET_MS:.0f}"
    )
    table.add_row(f"rebuild from {times.events:,} events [1/s]", f"{times.events_per_second:,}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
