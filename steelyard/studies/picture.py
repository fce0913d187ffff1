"""Margins beside losses in one picture."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.protocol.types.account import MarginMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from sim.studies.history import History
    from sim.studies.portfolio_margin import BookFigures

__all__ = ["STYLE", "draw"]

# Okabe and Ito's colours, told apart by colour-blind readers.
_BLUE, _ORANGE, _RED, _SKY, _INK, _GREY = "#0072B2", "#E69F00", "#D55E00", "#56B4E9", "#222222", "#6b6b6b"
STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "text.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def draw(history: History, found: Sequence[BookFigures], path: Path) -> Path:
    """Draw what each book must hold and lost, and how often the one was less than the other, into a PNG.

    Raises
    ------
    OSError
        Where the folder cannot be made or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 0.42 * len(found) + 2.2))
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        _margins(left, found)
        _shares(right, found)
        left.set_yticks(range(len(found)), [one.book.name for one in found])
        left.invert_yaxis()
        first, last = (datetime.fromtimestamp(at, UTC) for at in (history.window.start, history.window.end))
        figure.suptitle(
            f"Margin of $100k a leg, and what was lost, {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            x=0.01,
            ha="left",
            fontweight="bold",
            fontsize=12,
        )
        figure.tight_layout()
        figure.savefig(aside, format="png", dpi=100, metadata={"Software": None})
    return aside.replace(path)


def _margins(axis: Axes, found: Sequence[BookFigures]) -> None:
    axis.set_title("Margin and losses of closes against closes")
    rows = list(range(len(found)))
    added_up, portfolio = ([one.required[mode] for one in found] for mode in (MarginMode.CROSS, MarginMode.PORTFOLIO))
    axis.barh(rows, [one.initial for one in added_up], 0.7, color="#dddddd", label="sum of legs")
    axis.barh(rows, [one.initial for one in portfolio], 0.45, color=_SKY, label="portfolio, initial")
    axis.barh(rows, [one.maintenance for one in portfolio], 0.2, color=_BLUE, label="portfolio, maintenance")
    for values, marker, colour, label in (
        ([one.losses.day_p99 for one in found], "|", _INK, "99% of 24 h"),
        ([one.losses.day_p999 for one in found], "D", _ORANGE, "99.9% of 24 h"),
        ([one.losses.worst_day for one in found], "X", _RED, "worst 24 h"),
        ([one.losses.worst_hour for one in found], "o", _RED, "worst hour"),
    ):
        axis.plot(values, rows, marker, color=colour, markersize=9 if marker == "|" else 5, label=label, mew=1)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value / 1e3:.0f}k"))
    axis.set_xlim(left=0)
    axis.legend(loc="upper left", bbox_to_anchor=(-0.3, -0.06), ncols=4)


def _shares(axis: Axes, found: Sequence[BookFigures]) -> None:
    axis.set_title("Lost more than initial margin within 24 h")
    for place, (mode, colour) in enumerate(
        ((MarginMode.ISOLATED, _GREY), (MarginMode.CROSS, _ORANGE), (MarginMode.PORTFOLIO, _BLUE))
    ):
        shares = [one.under[mode].day for one in found]
        rows = [row + 0.24 * (place - 1) for row in range(len(found))]
        axis.hlines(rows, [100 * one.closes for one in shares], [100 * one.extremes for one in shares], colour, lw=1)
        axis.plot([100 * one.closes for one in shares], rows, "o", color=colour, markersize=4, label=mode.name.lower())
        axis.plot([100 * one.extremes for one in shares], rows, "|", color=colour, markersize=6)
    axis.set_xlim(left=0)
    axis.legend(
        loc="upper left",
        bbox_to_anchor=(-0.05, -0.06),
        ncols=3,
        title="% of entries: dot on the hour, bar at each leg's worst",
    )
