"""Options that the commands about real prices share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.data import Window

__all__ = ["data_option", "end_option", "folder_of", "parameters_option", "start_option", "window_of"]

_NEVER = 2**34
"""Year 2514 [Unix s]."""

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


start_option = click.option("--start", help="First moment looked at, ISO 8601, UTC; the first there is.")
end_option = click.option("--end", help="Last moment, exclusive; the last there is.")


def window_of(start: str | None, end: str | None) -> Window | None:
    """Return the window between two times, open where one is not given; None for everything.

    Raises
    ------
    click.UsageError
        A time cannot be read, or the window is empty.
    """
    from sim.data import Window
    from sim.data.window import parse_time

    if start is None and end is None:
        return None
    try:
        return Window(0 if start is None else parse_time(start), _NEVER if end is None else parse_time(end))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


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
