"""A real node for each file of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard import toolchain
from steelyard.demo.local import LocalChain, local_chain

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 1_700_000_000
"""Clock of the chains at their start [Unix s]."""


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    toolchain.prepare()


@pytest.fixture(autouse=True)
def _function_isolation() -> None:
    """Replace ape's: it would take the chain back after each test, and a node that mines by itself then loses calls."""


@pytest.fixture(scope="module", autouse=True)
def _module_isolation() -> None:
    """Replace ape's, as above."""


@pytest.fixture(scope="module")
def chain() -> Iterator[LocalChain]:
    """An Anvil with ape connected to it; deployments of different names live on it side by side."""
    with local_chain(START) as started:
        yield started
