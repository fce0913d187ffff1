"""Options that the commands about real prices share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["data_option", "folder_of", "parameters_option"]

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of candles; STEELYARD_DATA where none is given.",
)


def parameters_option(default: Path, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--parameters`."""
    return click.option(
        "--parameters",
        type=click.Path(path_type=Path, dir_okay=False),
        default=default,
        show_default=str(default.relative_to(ROOT)),
        help=what,
    )


def folder_of(data: Path | None) -> Path:
    """Return the folder of candles.

    Raises
    ------
    click.UsageError
        None was named.
    """
    from sim.data.source import DATA_VARIABLE, data_folder

    folder = data_folder(data)
    if folder is None:
        raise click.UsageError(f"real prices are needed: --data FOLDER, or the variable {DATA_VARIABLE}")
    return folder
