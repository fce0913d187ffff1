"""Replay a crash on a local chain: `ape run demo`, or `steelyard demo`."""

from typing import Any

import click

from steelyard.demo.command import demo_options, run_demo
from steelyard.failures import named


@click.command()
@demo_options
@named
def cli(**options: Any) -> None:
    run_demo(**options)
