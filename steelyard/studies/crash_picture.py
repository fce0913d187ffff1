"""Who paid for each crash, in one picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from steelyard.studies.picture import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from sim.studies.crashes import CrashReplay, Variant

__all__ = ["draw"]

# Okabe and Ito's colours, told apart by colour-blind readers.
_PARTIES: Final = {
    "liquidated": ("traders liquidated", "#D55E00"),
    "deleveraged": ("traders deleveraged", "#56B4E9"),
    "others": ("other traders", "#999999"),
    "pool": ("pool", "#0072B2"),
    "insurance": ("insurance fund", "#E69F00"),
    "keepers": ("keepers", "#009E73"),
}


def draw(done: Sequence[CrashReplay], path: Path) -> Path:
    """Draw gains to the right and losses to the left of zero, a panel for each variant, into a PNG.

    Raises
    ------
    OSError
        Where the folder cannot be made or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    variants = list(dict.fromkeys(one.variant for one in done))
    crashes = list(dict.fromkeys(one.crash for one in done))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(12, 0.6 * len(crashes) * (len(variants) + 1) // 2 + 2.0))
        FigureCanvasAgg(figure)
        axes = figure.subplots(-(-len(variants) // 2), 2, squeeze=False, sharey=True)
        for axis, variant in zip(axes.flat, variants, strict=False):
            _panel(axis, variant, [one for one in done if one.variant == variant], crashes)
        axes[0][0].invert_yaxis()
        figure.suptitle("Who gained and who lost, in % of the notional opened", x=0.01, ha="left", fontweight="bold")
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower left", ncols=len(_PARTIES))
        figure.tight_layout(rect=(0, 0.05, 1, 1))
        figure.savefig(aside, format="png", dpi=100, metadata={"Software": None})
    return aside.replace(path)


def _panel(axis: Axes, variant: Variant, done: Sequence[CrashReplay], crashes: Sequence[str]) -> None:
    axis.set_title(variant.name)
    rows = [crashes.index(one.crash) for one in done]
    right, left = [0.0] * len(done), [0.0] * len(done)
    for party, (label, colour) in _PARTIES.items():
        parts = [100 * one.result.flows[party].total / one.result.notional for one in done]
        starts = [right[at] if part >= 0 else left[at] for at, part in enumerate(parts)]
        axis.barh(rows, parts, 0.6, left=starts, color=colour, label=label)
        for at, part in enumerate(parts):
            if part >= 0:
                right[at] += part
            else:
                left[at] += part
    axis.axvline(0, color="#222222", lw=0.7)
    axis.set_yticks(range(len(crashes)), crashes)
