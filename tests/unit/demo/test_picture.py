from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matplotlib.image import imread

from steelyard.demo.picture import draw
from tests.unit.demo.made_up import made_up_result

if TYPE_CHECKING:
    from pathlib import Path


def test_draw__made_up_run__writes_a_large_png(tmp_path: Path) -> None:
    path = draw(made_up_result(), tmp_path / "demo" / "report.png")
    height, width = imread(path).shape[:2]
    assert (width, height) == (1690, 1625)
    assert [one.name for one in path.parent.iterdir()] == ["report.png"]


def test_draw__one_step_and_nobody_liquidated__writes_a_png(tmp_path: Path) -> None:
    result = made_up_result()
    bare = replace(result, series=result.series[:1], events=(), cohorts=())
    assert draw(bare, tmp_path / "report.png").stat().st_size > 10_000
