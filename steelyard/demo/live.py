"""What a spectator sees: a table that moves in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sim.data.window import iso
from steelyard.demo.report import WAD

if TYPE_CHECKING:
    from types import TracebackType

    from steelyard.demo.driver import Frame, LeverageFrame

__all__ = ["Spectator"]

_BAR = 20
_PROGRESS = 12
_NEWS = 12
_ROWS = 20
"""Rows of the page beside the news."""

_LINES = 16
"""Plain lines of a whole run, beside those that tell of liquidations."""


class Spectator:
    """Shows frames as they come.

    Parameters
    ----------
    console : Console
        Where to.
    pace : float
        Least time between two frames in a terminal [s].
    """

    def __init__(self, console: Console, *, pace: float = 0.12) -> None:
        self._console = console
        self._is_live = console.is_terminal
        self._pace = pace if self._is_live else 0.0
        self._live = Live(console=console, auto_refresh=False, transient=True) if self._is_live else None
        self._news: deque[tuple[int, str]] = deque(maxlen=max(0, min(_NEWS, console.height - _ROWS)))
        self._shown_at = 0.0
        self._told = 0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def progress(self, text: str) -> None:
        """Tell what is being prepared."""
        if self._live is not None:
            self._live.update(Text(f"{text} ...", style="dim"), refresh=True)

    def show(self, frame: Frame) -> None:
        """Show one frame."""
        self._news.extend((frame.at, line) for line in frame.news)
        if self._live is None:
            self._print(frame)
            return
        wait = self._shown_at + self._pace - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._shown_at = time.monotonic()
        self._live.update(self._page(frame), refresh=True)

    # ---- plain lines

    def _print(self, frame: Frame) -> None:
        every = max(1, frame.count // _LINES)
        liquidations = frame.liquidations - self._told
        if frame.number % every and frame.number + 1 != frame.count and not liquidations:
            return
        self._told = frame.liquidations
        prices = "  ".join(
            f"{symbol} {_price(market.price)} ({_change(market.price, first)})"
            for symbol, market, first in zip(frame.symbols, frame.markets, frame.first_prices, strict=True)
        )
        self._console.print(
            f"{_clock(frame.at)}  {prices}  open {sum(one.open for one in frame.leverages)}"
            f"  liquidations {frame.liquidations}{f' (+{liquidations})' if liquidations else ''}"
            f"  insurance {_usd(frame.pool.insurance)}  pool {_usd(frame.pool.net_asset_value)}"
            f"  error {frame.conservation_error_wei} wei",
            highlight=False,
            soft_wrap=True,
        )

    # ---- the page

    def _page(self, frame: Frame) -> Group:
        done = (frame.number + 1) * _PROGRESS // frame.count
        error = frame.conservation_error_wei
        head = Text.assemble(
            (f" {iso(frame.at)[:10]} {_clock(frame.at)} UTC ", "bold reverse"),
            "  ",
            ("━" * done, "cyan"),
            ("━" * (_PROGRESS - done), "bright_black"),
            f"  {frame.trades} trades, ",
            (f"{frame.liquidations} liquidations", "bold red" if frame.liquidations else ""),
            ", ",
            (f"books {error} wei off", "bold red") if error else ("books balance", "bold green"),
        )
        return Group(
            head,
            Text(),
            self._markets(frame),
            Text(),
            self._traders(frame),
            Text(),
            self._funds(frame),
            Text(),
            self._ticker(),
        )

    def _markets(self, frame: Frame) -> Table:
        table = _table("market", "price [USD]", "change", "long [USD]", "short [USD]", "skew [USD]", "funding/day")
        for symbol, market, first in zip(frame.symbols, frame.markets, frame.first_prices, strict=True):
            skew = market.skew * market.price // WAD
            table.add_row(
                symbol,
                _price(market.price),
                _coloured(market.price - first, _change(market.price, first)),
                _usd(market.long_open_interest * market.price // WAD),
                _usd(market.short_open_interest * market.price // WAD),
                _usd(skew),
                _coloured(-market.funding_rate, f"{market.funding_rate * 86_400 * 100 / WAD:+.2f} %"),
            )
        return table

    def _traders(self, frame: Frame) -> Table:
        table = _table("", "open", "liquidated", "in part", "longs keep", "shorts keep", "accounts")
        table.columns[-1].justify = "left"
        for one in frame.leverages:
            table.add_row(
                f"{one.leverage}x",
                f"{one.open}",
                Text(f"{one.liquidated}", style="red" if one.liquidated else ""),
                Text(f"{one.in_part}", style="yellow" if one.in_part else ""),
                _kept(one.long_survival),
                _kept(one.short_survival),
                _fate(one),
            )
        return table

    def _funds(self, frame: Frame) -> Table:
        table = _table("fund", "balance [USD]", "since start [USD]")
        pool, insurance = frame.pool.net_asset_value, frame.pool.insurance
        for name, now, first in (("pool", pool, frame.first_nav), ("insurance", insurance, frame.first_insurance)):
            table.add_row(name, _usd(now), _coloured(now - first, f"{(now - first) / WAD:+,.0f}"))
        return table

    def _ticker(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        for at, line in self._news:
            style = "red" if "in full" in line else "yellow" if "liquidated" in line else "dim"
            text.append(f"{_clock(at)}  {line}\n", style=style)
        text.append("\n" * ((self._news.maxlen or 0) - len(self._news)))
        return text


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _fate(one: LeverageFrame) -> Text:
    """Draw the accounts as a bar: open, liquidated in part, liquidated, flat."""
    in_part = min(one.in_part, one.open)
    flat = max(0, one.accounts - one.open - one.liquidated)
    kinds = (
        ("■", "green", one.open - in_part),
        ("■", "yellow", in_part),
        ("■", "red", one.liquidated),
        ("·", "dim", flat),
    )
    text, drawn, seen = Text(), 0, 0
    for sign, style, count in kinds:
        seen += count
        until = round(seen * min(_BAR, one.accounts) / max(one.accounts, 1))
        text.append(sign * (until - drawn), style=style)
        drawn = until
    return text


def _kept(ratio: float | None) -> Text:
    if ratio is None:
        return Text("-", style="dim")
    return Text(f"{ratio:.0%}", style="green" if ratio >= 1 else "red" if ratio < 0.5 else "")


def _clock(at: int) -> str:
    return iso(at)[11:16]


def _price(wad: int) -> str:
    price = wad / WAD
    return f"{price:,.0f}" if price >= 10_000 else f"{price:,.2f}"


def _usd(wad: int) -> str:
    return f"{wad / WAD:,.0f}"


def _change(now: int, first: int) -> str:
    return f"{(now - first) / first:+.1%}"


def _coloured(value: int, text: str) -> Text:
    return Text(text, style="green" if value > 0 else "red" if value < 0 else "")
