"""The run in one picture."""

from __future__ import annotations

import os
from bisect import bisect_right
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from steelyard.demo.report import SECONDS_PER_DAY, WAD, DemoResult, outcome_by_leverage

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from steelyard.demo.report import MarketPoint, StepPoint

__all__ = ["draw"]

# Okabe and Ito's colours, told apart by colour-blind readers; line styles tell the markets apart once more.
_BLUE, _ORANGE, _GREEN, _RED, _SKY, _PINK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
_INK, _GREY, _PALE = "#222222", "#6b6b6b", "#c9c9c9"
_REDS: Final = mpl.colormaps["Oranges"]
_MARKET_STYLES: Final[tuple[tuple[str, Any], ...]] = (
    (_BLUE, "-"),
    (_ORANGE, "--"),
    (_GREEN, "-."),
    (_PINK, ":"),
    (_SKY, (0, (5, 1, 1, 1, 1, 1))),
)

_STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": _GREY,
    "axes.edgecolor": _GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "text.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
}


def draw(result: DemoResult, path: Path = Path("build/demo/report.png")) -> Path:
    """Draw prices, open interest, funding, liquidations, the funds and the outcome by leverage into a PNG.

    Parameters
    ----------
    result
        What the run found.
    path
        Where to; its folder is made.

    Raises
    ------
    OSError
        Where the folder cannot be made or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(13, 12.5))
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(3, 2, left=0.065, right=0.985, top=0.91, bottom=0.045, hspace=0.3, wspace=0.15)
        _head(figure, result)
        _prices(figure.add_subplot(grid[0, 0]), result)
        _liquidations(figure.add_subplot(grid[0, 1]), result)
        _open_interest(figure.add_subplot(grid[1, 0]), result)
        _funding(figure.add_subplot(grid[1, 1]), result)
        halves = grid[2, 0].subgridspec(2, 1, height_ratios=(3, 2), hspace=0.3)
        _funds(figure.add_subplot(halves[0]), figure.add_subplot(halves[1]), result)
        _outcome(figure.add_subplot(grid[2, 1]), result)
        figure.savefig(aside, format="png", dpi=130)
    return aside.replace(path)


def _head(figure: Figure, result: DemoResult) -> None:
    prices = result.prices
    first, last = (datetime.fromtimestamp(step.at, UTC) for step in (result.series[0], result.series[-1]))
    origin = {"folder": "price files", "download": f"downloaded from {prices.origin}"}.get(
        prices.kind, f"MADE-UP prices ({prices.origin})"
    )
    figure.text(
        0.018,
        0.982,
        f"Steelyard on a local chain, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        va="top",
        fontsize=14,
        fontweight="bold",
    )
    figure.text(
        0.018,
        0.958,
        f"{origin}, {prices.rows} candles; {sum(one.accounts for one in result.cohorts)} accounts, "
        f"{result.trades} trades, {result.liquidations} liquidations; "
        f"conservation error {result.conservation_error_wei} wei",
        va="top",
        fontsize=9.5,
        color=_GREY,
    )


def _times(result: DemoResult) -> list[float]:
    return [_date(step.at) for step in result.series]


def _date(timestamp: int) -> float:
    return timestamp / SECONDS_PER_DAY  # matplotlib counts days since 1970, in UTC


def _time_axis(axis: Axes, result: DemoResult) -> None:
    locator = AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))  # type: ignore[no-untyped-call]
    first, last = _date(result.series[0].at), _date(result.series[-1].at)
    axis.set_xlim(first, last if last > first else first + 1 / 24)
    axis.set_xlabel("time [UTC]")


def _markets(
    axis: Axes, result: DemoResult, read: Callable[[MarketPoint, MarketPoint], float], *, step: bool = False
) -> None:
    times = _times(result)
    for symbol, (colour, style) in zip(result.symbols, cycle(_MARKET_STYLES), strict=False):
        first = result.series[0].markets[symbol]
        values = [read(point.markets[symbol], first) for point in result.series]
        axis.plot(
            times, values, color=colour, linestyle=style, label=symbol, drawstyle="steps-post" if step else "default"
        )


def _ticks(axis: Axes, result: DemoResult) -> None:
    """Mark each liquidation at the foot of a panel."""
    if result.events:
        times = [_date(event.at) for event in result.events]
        foot = axis.get_xaxis_transform()
        axis.plot(times, [0.0] * len(times), "|", color=_RED, markersize=9, alpha=0.7, transform=foot, clip_on=False)


def _legend_above(axis: Axes, handles: list[Any]) -> None:
    """Put the legend in one line over the panel, beside its title, where it hides no data."""
    axis.legend(handles=handles, ncols=len(handles), loc="lower right", bbox_to_anchor=(1.01, 0.985), borderpad=0.2)


def _prices(axis: Axes, result: DemoResult) -> None:
    axis.set_title("Oracle price")
    _markets(axis, result, lambda point, first: 100 * point.price_wad / first.price_wad)
    _ticks(axis, result)
    axis.axhline(100, color=_PALE, linewidth=0.8, zorder=0)
    axis.set_ylabel("start = 100")
    handles, _ = axis.get_legend_handles_labels()
    if result.events:
        handles.append(Line2D([], [], color=_RED, marker="|", linestyle="", markersize=9, label="liquidation"))
    _legend_above(axis, handles)
    _time_axis(axis, result)


def _open_interest(axis: Axes, result: DemoResult) -> None:
    axis.set_title("Open interest: longs up, shorts down")
    times = _times(result)
    handles = []
    for symbol, (colour, style) in zip(result.symbols, cycle(_MARKET_STYLES), strict=False):
        for sign in (1, -1):
            values = [
                sign
                * (point.long_open_interest_wad if sign > 0 else point.short_open_interest_wad)
                / WAD
                * (point.price_wad / WAD)
                for point in (step.markets[symbol] for step in result.series)
            ]
            axis.plot(times, values, color=colour, linestyle=style)
        handles.append(Line2D([], [], color=colour, linestyle=style, label=symbol))
    _ticks(axis, result)
    axis.axhline(0, color=_GREY, linewidth=0.8)
    axis.set_ylabel("notional [USD]")
    axis.yaxis.set_major_formatter(FuncFormatter(_short))
    _legend_above(axis, handles)
    _time_axis(axis, result)


def _funding(axis: Axes, result: DemoResult) -> None:
    axis.set_title("Funding rate: positive, longs pay shorts")
    _markets(axis, result, lambda point, _: 100 * SECONDS_PER_DAY * point.funding_rate_wad / WAD)
    axis.axhline(0, color=_GREY, linewidth=0.8)
    axis.set_ylabel("% per day")
    _legend_above(axis, axis.get_legend_handles_labels()[0])
    _time_axis(axis, result)


def _liquidations(axis: Axes, result: DemoResult) -> None:
    axis.set_title("Liquidations since the start, by leverage")
    times = _times(result)
    levers = sorted({event.leverage for event in result.events}, reverse=True)
    below = [0] * len(times)
    for place, lever in enumerate(levers):
        moments = [event.at for event in result.events if event.leverage == lever]
        above = [base + bisect_right(moments, step.at) for base, step in zip(below, result.series, strict=True)]
        shade = _REDS(0.85 - 0.6 * place / max(len(levers) - 1, 1))
        axis.fill_between(times, below, above, step="post", color=shade, linewidth=0, label=f"{lever}x")
        below = above
    axis.plot(times, [step.liquidations for step in result.series], color=_INK, linewidth=1.2, drawstyle="steps-post")
    axis.set_ylabel("count")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylim(0, max(result.liquidations, 1) * 1.12)
    if levers:
        handles, labels = axis.get_legend_handles_labels()
        axis.legend(handles[::-1], labels[::-1], loc="upper left")
    _time_axis(axis, result)


def _funds(upper: Axes, lower: Axes, result: DemoResult) -> None:
    times = _times(result)
    first = result.series[0]
    lines: tuple[tuple[Axes, str, str, Callable[[StepPoint], int]], ...] = (
        (upper, "Pool NAV", _BLUE, lambda step: step.nav_wad),
        (lower, "Insurance fund", _GREEN, lambda step: step.insurance_wad),
    )
    for axis, name, colour, read in lines:
        start = read(first)
        axis.plot(times, [(read(step) - start) / WAD for step in result.series], color=colour)
        _ticks(axis, result)
        axis.set_title(f"{name}: change from {_short(start / WAD)} USD")
        axis.axhline(0, color=_GREY, linewidth=0.8)
        axis.set_ylabel("change [USD]")
        axis.yaxis.set_major_locator(MaxNLocator(5 if axis is upper else 4))
        axis.yaxis.set_major_formatter(FuncFormatter(_short))
        _time_axis(axis, result)
    upper.tick_params(axis="x", labelbottom=False)
    upper.set_xlabel("")


def _outcome(axis: Axes, result: DemoResult) -> None:
    """Draw final equity over deposit as bars, longs and shorts, and write how many were liquidated."""
    axis.set_title("Outcome by leverage at the opening")
    levers = sorted({one.leverage for one in result.cohorts})
    places = {lever: place for place, lever in enumerate(levers)}
    width = 0.38
    highest = 1.0
    for side, colour, shift in (("long", _BLUE, -width / 2), ("short", _ORANGE, width / 2)):
        for one in outcome_by_leverage(result.cohorts, side="long" if side == "long" else "short"):
            if not one.deposit_wad:
                continue
            place = places[one.leverage] + shift
            axis.bar(place, one.survival, width * 0.94, color=colour)
            hit = one.liquidated + one.partially_liquidated
            axis.annotate(
                f"{hit} of {one.accounts}",
                (place, max(one.survival, 0)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=8,
                color=_RED if hit else _GREY,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
            highest = max(highest, one.survival)
    axis.axhline(1, color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    axis.set_xticks(range(len(levers)), [f"{lever}x" for lever in levers])
    axis.tick_params(axis="x", length=0)
    axis.set_ylim(min(0, axis.get_ylim()[0]), highest * 1.18)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.set_ylabel("final equity over deposit")
    axis.set_xlabel("leverage; the figures tell how many accounts were liquidated")
    axis.legend(
        handles=[Patch(color=_BLUE, label="longs"), Patch(color=_ORANGE, label="shorts")], loc="upper left", ncols=2
    )


def _short(value: float, _: Any = None) -> str:
    """Write 1250000 as 1.25M."""
    for unit, size in (("bn", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")
