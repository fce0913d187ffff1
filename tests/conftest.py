"""Fixtures and Hypothesis profiles of all tests.

Profiles: `ci` (default, the same examples in every run), `nightly` (more, and other ones each time), `dev` (few).
Choose with `HYPOTHESIS_PROFILE`. The state machine in `tests/parity/test_machine.py` plays as many sequences as there
are examples.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from steelyard import toolchain
from steelyard.evm.abi import AbiIndex
from steelyard.evm.artefacts import Artefacts
from steelyard.parameters import SystemParameters, load

toolchain.prepare()

_COMMON = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
settings.register_profile("ci", _COMMON, derandomize=True, max_examples=100, database=None)
settings.register_profile("nightly", _COMMON, max_examples=2_000)
settings.register_profile("dev", _COMMON, max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def artefacts() -> Artefacts:
    """Return the compiled contracts."""
    return Artefacts()


@pytest.fixture(scope="session")
def abi(artefacts: Artefacts) -> AbiIndex:
    """Return the functions, errors and events of the compiled contracts."""
    return AbiIndex(artefacts)


@pytest.fixture(scope="session")
def parameters() -> SystemParameters:
    """Return the parameters of a local chain."""
    return load()
