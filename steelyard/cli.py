"""The `steelyard` command."""

from __future__ import annotations

import click

from steelyard import __version__, toolchain

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steelyard")
def cli() -> None:
    """On-chain perpetuals whose leverage adapts."""
    toolchain.prepare()


def main() -> None:
    """Run the command line; a missing tool is told in one line."""
    try:
        cli()
    except toolchain.ToolchainError as error:
        raise SystemExit(f"steelyard: {type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
