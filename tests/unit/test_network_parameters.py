"""Where a system may be deployed, as the parameter file says it."""

from __future__ import annotations

import pytest

from steelyard import parameters
from steelyard.parameters import (
    GuardParameters,
    HolderParameters,
    NetworkParameters,
    ParameterMalformed,
    ParameterOutOfRange,
    SequencerParameters,
    parse,
)

TEXT = parameters.LOCAL.read_text(encoding="utf-8")
ADDRESS = "0x" + "Ab" * 20


def network(entry: str) -> NetworkParameters:
    return parse(TEXT.replace("network:\n", f"network:\n  {entry}\n")).network


def test_parse__local__names_anvil_and_stand_ins() -> None:
    assert parse(TEXT).network == NetworkParameters((31337,))


def test_parse__no_network__allows_no_chain() -> None:
    start, end = TEXT.index("network:"), TEXT.index("pyth:")
    assert parse(TEXT[:start] + TEXT[end:]).network.chain_ids == ()


def test_parse__addresses__are_lower_case() -> None:
    assert network(f'token: "{ADDRESS}"').token == ADDRESS.lower()
    assert network(f'pyth: "{ADDRESS}"').pyth == ADDRESS.lower()


def test_parse__holder__has_a_delay() -> None:
    roles = network(f'roles: {{admin: {{holder: "{ADDRESS}", delay: 86400}}, guardian: {{holder: "{ADDRESS}"}}}}').roles
    assert roles.admin == HolderParameters(ADDRESS.lower(), 86_400)
    assert roles.guardian == HolderParameters(ADDRESS.lower(), 0)
    assert roles.steward is None


def test_parse__guard_and_sequencer__are_optional() -> None:
    assert network("treasury: " + f'"{ADDRESS}"').sequencer is None
    assert network(f'sequencer: {{feed: "{ADDRESS}", grace_period: 3600}}').sequencer == SequencerParameters(
        ADDRESS.lower(), 3_600
    )
    limit = "      max_confidence: 1%\n"
    guard = f'      guard: {{aggregator: "{ADDRESS}", max_age: 3600, max_deviation: 2%}}\n'
    bitcoin, ether, _ = parse(TEXT.replace(limit, limit + guard, 1)).markets
    assert bitcoin.oracle.guard == GuardParameters(ADDRESS.lower(), 3_600, 200)
    assert ether.oracle.guard is None


@pytest.mark.parametrize("address", ["0x1", "Ab" * 20, "0x" + "0" * 40, "0x" + "g" * 40])
def test_parse__no_address__refuses(address: str) -> None:
    with pytest.raises(ParameterMalformed, match=r"network\.token"):
        network(f'token: "{address}"')


def test_parse__delay_out_of_range__refuses() -> None:
    with pytest.raises(ParameterOutOfRange, match=r"network\.roles\.admin\.delay"):
        network(f'roles: {{admin: {{holder: "{ADDRESS}", delay: {2**32}}}}}')


@pytest.mark.parametrize("ids", ["31337", "[anvil]", "[-1]"])
def test_parse__no_chain_ids__refuses(ids: str) -> None:
    with pytest.raises((ParameterMalformed, ParameterOutOfRange), match=r"network\.chain_ids"):
        parse(TEXT.replace("chain_ids: [31337]", f"chain_ids: {ids}"))
