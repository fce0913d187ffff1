"""What a demonstration run found, and how it is written down: in the terminal and in `report.json`.

Amounts are integers throughout, in wad (1e-18) unless a name says otherwise. In the JSON each stands twice: as a string
of the integer, which is exact, and as a float for people.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rich.console import Console
from rich.table import Table

from sim.data.window import interval_name, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sim.data.source import PriceSource

__all__ = [
    "SCHEMA",
    "WAD",
    "Books",
    "Cohort",
    "DemoResult",
    "GasUse",
    "LeverageOutcome",
    "LiquidationEvent",
    "MarketPoint",
    "PriceProvenance",
    "StepPoint",
    "outcome_by_leverage",
    "print_report",
    "summarise_gas",
    "to_json",
    "write_report",
]

SCHEMA: Final = "steelyard-demo/1"
WAD: Final = 10**18
SECONDS_PER_DAY: Final = 86_400

Mode = Literal["isolated", "cross", "portfolio"]
Side = Literal["long", "short"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceProvenance:
    """Where the prices came from; fields as in `sim.data.PriceSource`."""

    kind: str
    origin: str
    symbols: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    interval_seconds: int
    first_at: int
    last_at: int
    rows: int
    ticks: int
    missing_candles: int = 0
    notice: str | None = None

    @classmethod
    def of(cls, source: PriceSource) -> PriceProvenance:
        """Take the statement out of a price source, without its prices."""
        return cls(
            kind=source.kind,
            origin=source.origin,
            symbols=source.symbols,
            files=source.files,
            interval_seconds=source.interval_seconds,
            first_at=source.first_at,
            last_at=source.last_at,
            rows=source.rows,
            ticks=len(source.ticks),
            missing_candles=sum(gap.missing for gaps in source.gaps.values() for gap in gaps),
            notice=source.notice,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GasUse:
    """Gas of the transactions that called one function."""

    count: int
    mean: float
    min: int
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """What became of the accounts with one leverage, margin mode and side.

    Attributes
    ----------
    leverage
        At the opening, e.g. 10.
    mode, side
        Of the accounts.
    accounts
        How many there are.
    liquidated
        How many were closed in full by a liquidation.
    partially_liquidated
        How many were liquidated in part only.
    deposit_wad
        What they paid in [quote].
    final_equity_wad
        What they own at the end, and what they drew out before [quote].
    """

    leverage: int
    mode: Mode
    side: Side
    accounts: int
    liquidated: int
    partially_liquidated: int
    deposit_wad: int
    final_equity_wad: int

    @property
    def survival(self) -> float:
        """Final equity over deposit; nan where nothing was deposited."""
        return _ratio(self.final_equity_wad, self.deposit_wad)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageOutcome:
    """Cohorts of one leverage, added up over modes and sides (or of one side)."""

    leverage: int
    accounts: int
    liquidated: int
    partially_liquidated: int
    deposit_wad: int
    final_equity_wad: int

    @property
    def survival(self) -> float:
        """Final equity over deposit; nan where nothing was deposited."""
        return _ratio(self.final_equity_wad, self.deposit_wad)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPoint:
    """One market at one moment.

    Attributes
    ----------
    price_wad
        Oracle price [quote per base unit].
    long_open_interest_wad, short_open_interest_wad
        Sum of each side's sizes [base units], both positive.
    funding_rate_wad
        Rate per second [1e-18], positive where longs pay.
    """

    price_wad: int
    long_open_interest_wad: int
    short_open_interest_wad: int
    funding_rate_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPoint:
    """The exchange after one step of the run.

    Attributes
    ----------
    at
        Time of the step on the replayed clock [Unix s].
    markets
        By symbol; the same symbols at every step.
    liquidations
        Calls that liquidated an account so far.
    insurance_wad, pool_balance_wad, nav_wad
        Balance of the insurance fund, balance of the pool, and the pool's net asset value [quote].
    conservation_error_wei
        Sum of all balances less the tokens held, in the ledger's smallest unit.
    """

    at: int
    markets: Mapping[str, MarketPoint]
    liquidations: int
    insurance_wad: int
    pool_balance_wad: int
    nav_wad: int
    conservation_error_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationEvent:
    """One call that liquidated an account.

    Attributes
    ----------
    at
        When, on the replayed clock [Unix s].
    account
        Its id.
    symbols
        Markets in which it was reduced.
    leverage, mode, side
        The cohort of the account.
    fraction_wad
        Share of its positions that was closed; 1e18 is all.
    notional_wad
        What was closed, at the oracle price [quote].
    reward_wad
        Paid to the liquidator [quote].
    """

    at: int
    account: int
    symbols: tuple[str, ...]
    leverage: int
    mode: Mode
    side: Side
    fraction_wad: int
    notional_wad: int
    reward_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything paid in against everything owned, at the end [quote, wad].

    Attributes
    ----------
    trader_deposits_wad, pool_deposits_wad, other_deposits_wad
        Paid in less drawn out: by traders, into the pool, and by others (insurance fund, keepers).
    trader_equity_wad
        Sum over the traders' accounts, positions at the oracle price and pending funding taken off.
    nav_wad
        Net asset value of the pool.
    insurance_wad, treasury_wad, keeper_wad
        Balances of the insurance fund, the treasury and the keepers.
    impact_potential_wad
        `sum(P * skew^2 / (2 K))`: what the pool owes to those who unwind the skew. Traders are valued at the oracle
        price and the pool at the price of unwinding, so this part is in neither.
    """

    trader_deposits_wad: int
    pool_deposits_wad: int
    other_deposits_wad: int = 0
    trader_equity_wad: int
    nav_wad: int
    insurance_wad: int
    treasury_wad: int
    keeper_wad: int
    impact_potential_wad: int

    @property
    def deposits_wad(self) -> int:
        """All that was paid in."""
        return self.trader_deposits_wad + self.pool_deposits_wad + self.other_deposits_wad

    @property
    def claims_wad(self) -> int:
        """All that is owned: equity, NAV, the funds' balances and the impact potential."""
        return (
            self.trader_equity_wad
            + self.nav_wad
            + self.insurance_wad
            + self.treasury_wad
            + self.keeper_wad
            + self.impact_potential_wad
        )

    @property
    def difference_wad(self) -> int:
        """Claims less deposits: the rounding of valuations. Balances themselves are exact."""
        return self.claims_wad - self.deposits_wad


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """All that a run found.

    Attributes
    ----------
    prices
        Where the prices came from.
    series
        One point per step, ascending in time, at least one.
    events
        Every liquidation, ascending in time.
    trades, fundings, transactions
        Numbers of settled trades, of funding accruals, and of transactions in all.
    gas
        By function.
    cohorts
        What became of the traders, one per leverage, mode and side.
    books
        Deposits against claims.
    chain_id
        Of the local chain.
    wall_seconds
        Duration of the run on the clock of the machine.
    """

    prices: PriceProvenance
    series: tuple[StepPoint, ...]
    events: tuple[LiquidationEvent, ...]
    trades: int
    fundings: int
    transactions: int
    gas: Mapping[str, GasUse]
    cohorts: tuple[Cohort, ...]
    books: Books
    chain_id: int
    wall_seconds: float

    def __post_init__(self) -> None:
        if not self.series:
            raise ValueError("a result needs one step at least")
        if any(step.markets.keys() != self.series[0].markets.keys() for step in self.series):
            raise ValueError("every step needs the same markets")
        if self.series[-1].liquidations != len(self.events):
            raise ValueError(
                f"{len(self.events)} events, but {self.series[-1].liquidations} liquidations in the series"
            )

    @property
    def liquidations(self) -> int:
        """Number of liquidations, in part and in full."""
        return len(self.events)

    @property
    def conservation_error_wei(self) -> int:
        """Largest absolute error of conservation over all steps."""
        return max(abs(step.conservation_error_wei) for step in self.series)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The markets, in their order."""
        return tuple(self.series[0].markets)


def summarise_gas(samples: Mapping[str, Sequence[int]]) -> dict[str, GasUse]:
    """Summarise gas per function, by name; functions without a sample are left out."""
    return {
        name: GasUse(count=len(used), mean=sum(used) / len(used), min=min(used), max=max(used))
        for name, used in sorted(samples.items())
        if used
    }


def outcome_by_leverage(cohorts: Sequence[Cohort], *, side: Side | None = None) -> tuple[LeverageOutcome, ...]:
    """Add cohorts up by leverage, ascending; those of one side only where one is given."""
    groups: defaultdict[int, list[Cohort]] = defaultdict(list)
    for cohort in cohorts:
        if side in (None, cohort.side):
            groups[cohort.leverage].append(cohort)
    return tuple(
        LeverageOutcome(
            leverage=leverage,
            accounts=sum(one.accounts for one in group),
            liquidated=sum(one.liquidated for one in group),
            partially_liquidated=sum(one.partially_liquidated for one in group),
            deposit_wad=sum(one.deposit_wad for one in group),
            final_equity_wad=sum(one.final_equity_wad for one in group),
        )
        for leverage, group in sorted(groups.items())
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


# ---------------------------------------------------------------------------------------------------------------------
# JSON


def _amount(wad: int, unit: str = "usd") -> dict[str, Any]:
    return {"wad": str(wad), unit: wad / WAD}


def _column(values: Sequence[int], unit: str = "usd", *, factor: float = 1.0) -> dict[str, Any]:
    return {"wad": [str(value) for value in values], unit: [value / WAD * factor for value in values]}


def _outcome(one: Cohort | LeverageOutcome) -> dict[str, Any]:
    return {
        "accounts": one.accounts,
        "liquidated": one.liquidated,
        "partially_liquidated": one.partially_liquidated,
        "deposit": _amount(one.deposit_wad),
        "final_equity": _amount(one.final_equity_wad),
        "final_equity_over_deposit": one.survival if one.deposit_wad else None,
    }


def to_json(result: DemoResult) -> dict[str, Any]:
    """Return the report as JSON values, named as the fields of the dataclasses are."""
    prices, series, books = result.prices, result.series, result.books

    def market(read: Callable[[MarketPoint], int], unit: str, *, factor: float = 1.0) -> dict[str, Any]:
        return {
            symbol: _column([read(step.markets[symbol]) for step in series], unit, factor=factor)
            for symbol in result.symbols
        }

    return {
        "schema": SCHEMA,
        "conservation_error_wei": result.conservation_error_wei,
        "conservation_error_at_end_wei": abs(series[-1].conservation_error_wei),
        "conservation_checks": len(series),
        "liquidations": result.liquidations,
        "price_source": {
            "kind": prices.kind,
            "origin": prices.origin,
            "symbols": list(prices.symbols),
            "files": {symbol: list(files) for symbol, files in prices.files.items()},
            "interval": interval_name(prices.interval_seconds),
            "interval_seconds": prices.interval_seconds,
            "first_time": iso(prices.first_at),
            "last_time": iso(prices.last_at),
            "rows": prices.rows,
            "ticks": prices.ticks,
            "missing_candles": prices.missing_candles,
            "notice": prices.notice,
        },
        "first_time": iso(prices.first_at),
        "last_time": iso(prices.last_at),
        "rows": prices.rows,
        "counts": {
            "trades": result.trades,
            "fundings": result.fundings,
            "liquidations": result.liquidations,
            "full_liquidations": sum(event.fraction_wad >= WAD for event in result.events),
            "accounts": sum(cohort.accounts for cohort in result.cohorts),
            "transactions": result.transactions,
            "steps": len(series),
        },
        "gas": {name: asdict(use) for name, use in result.gas.items()},
        "books": {
            "trader_deposits": _amount(books.trader_deposits_wad),
            "pool_deposits": _amount(books.pool_deposits_wad),
            "other_deposits": _amount(books.other_deposits_wad),
            "deposits": _amount(books.deposits_wad),
            "aggregate_equity": _amount(books.trader_equity_wad),
            "nav": _amount(books.nav_wad),
            "insurance": _amount(books.insurance_wad),
            "treasury": _amount(books.treasury_wad),
            "keepers": _amount(books.keeper_wad),
            "impact_potential": _amount(books.impact_potential_wad),
            "claims": _amount(books.claims_wad),
            "claims_less_deposits": _amount(books.difference_wad),
        },
        "cohorts": [
            {"leverage": one.leverage, "mode": one.mode, "side": one.side, **_outcome(one)} for one in result.cohorts
        ],
        "by_leverage": [{"leverage": one.leverage, **_outcome(one)} for one in outcome_by_leverage(result.cohorts)],
        "liquidation_events": [
            {
                "time": iso(event.at),
                "account": str(event.account),
                "symbols": list(event.symbols),
                "leverage": event.leverage,
                "mode": event.mode,
                "side": event.side,
                "fraction": _amount(event.fraction_wad, "ratio"),
                "notional": _amount(event.notional_wad),
                "reward": _amount(event.reward_wad),
            }
            for event in result.events
        ],
        "series": {
            "t": [iso(step.at) for step in series],
            "unix": [step.at for step in series],
            "price": market(lambda point: point.price_wad, "usd"),
            "long_open_interest": market(lambda point: point.long_open_interest_wad, "base"),
            "short_open_interest": market(lambda point: point.short_open_interest_wad, "base"),
            "funding_rate_per_second": market(
                lambda point: point.funding_rate_wad, "percent_per_day", factor=100.0 * SECONDS_PER_DAY
            ),
            "liquidations": [step.liquidations for step in series],
            "insurance": _column([step.insurance_wad for step in series]),
            "pool_balance": _column([step.pool_balance_wad for step in series]),
            "nav": _column([step.nav_wad for step in series]),
            "conservation_error_wei": [str(step.conservation_error_wei) for step in series],
        },
        "chain_id": result.chain_id,
        "wall_seconds": round(result.wall_seconds, 3),
    }


def write_report(result: DemoResult, path: Path = Path("build/demo/report.json")) -> Path:
    """Write the report as JSON; a run that is stopped leaves the old file or the new one.

    Raises
    ------
    OSError
        Where the folder cannot be made or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    aside.write_text(json.dumps(to_json(result), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return aside.replace(path)


# ---------------------------------------------------------------------------------------------------------------------
# Terminal


def _usd(wad: int) -> str:
    return f"{wad / WAD:,.2f}"


def _percent(ratio: float) -> str:
    return "-" if ratio != ratio else f"{100 * ratio:.1f} %"


def _table(title: str, *columns: str, left: int = 1) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", no_wrap=True, header_style="dim")
    return table


def print_report(result: DemoResult, *, console: Console | None = None) -> None:
    """Print the report for people: prices, counts, books, outcome by cohort, gas."""
    console = console or Console()
    prices, books = result.prices, result.books
    error = result.conservation_error_wei
    if prices.notice is not None:
        console.print(f"[yellow]{prices.notice}[/yellow]", highlight=False)
    facts = _table("Run", "", "")
    facts.columns[1].justify = "left"
    facts.columns[1].no_wrap = False
    facts.show_header = False
    names = sorted({name for files in prices.files.values() for name in files})
    facts.add_row("prices", f"{prices.kind}: {', '.join(names) or prices.origin}")
    facts.add_row("window", f"{iso(prices.first_at)} to {iso(prices.last_at)}")
    facts.add_row(
        "candles",
        f"{prices.rows} of {interval_name(prices.interval_seconds)}, {prices.missing_candles} missing, "
        f"{prices.ticks} price updates",
    )
    facts.add_row("trades", f"{result.trades}")
    facts.add_row("funding accruals", f"{result.fundings}")
    full = sum(event.fraction_wad >= WAD for event in result.events)
    facts.add_row("liquidations", f"{result.liquidations}, {full} of them in full")
    facts.add_row("transactions", f"{result.transactions} in {result.wall_seconds:.1f} s")
    style = "green" if error == 0 else "bold red"
    facts.add_row("conservation error", f"[{style}]{error} wei[/{style}] in {len(result.series)} steps, at the most")
    console.print(facts, "", highlight=False)

    table = _table("Books at the end [USD]", "paid in", "", "owned", "")
    table.columns[2].justify = "left"
    paid = [
        ("traders", books.trader_deposits_wad),
        ("pool", books.pool_deposits_wad),
        ("insurance and keepers", books.other_deposits_wad),
    ]
    owned = [
        ("traders' equity", books.trader_equity_wad),
        ("pool NAV", books.nav_wad),
        ("insurance", books.insurance_wad),
        ("treasury", books.treasury_wad),
        ("keepers", books.keeper_wad),
        ("impact potential", books.impact_potential_wad),
    ]
    for place, (name, amount) in enumerate(owned):
        left = (paid[place][0], _usd(paid[place][1])) if place < len(paid) else ("", "")
        table.add_row(*left, name, _usd(amount))
    table.add_row("sum", _usd(books.deposits_wad), "sum", _usd(books.claims_wad), style="bold")
    table.add_row("", "", "rounding of valuations [wei]", f"{books.difference_wad:,}", style="dim")
    console.print(table, "", highlight=False)

    table = _table(
        "What became of the traders",
        "leverage",
        "mode",
        "side",
        "accounts",
        "liquidated",
        "in part",
        "equity / deposit",
        left=3,
    )
    for one in sorted(result.cohorts, key=lambda one: (one.leverage, one.mode, one.side)):
        table.add_row(
            f"{one.leverage}x",
            one.mode,
            one.side,
            f"{one.accounts}",
            f"{one.liquidated}",
            f"{one.partially_liquidated}",
            _percent(one.survival),
        )
    console.print(table, "", highlight=False)

    table = _table("Gas per transaction", "function", "count", "mean", "min", "max")
    for name, use in sorted(result.gas.items(), key=lambda item: -item[1].count):
        table.add_row(name, f"{use.count}", f"{use.mean:,.0f}", f"{use.min:,}", f"{use.max:,}")
    console.print(table, highlight=False)
