"""Parameter files: human units in, exact integers out, everything else refused by name."""

from __future__ import annotations

import re

import pytest

from steelyard.parameters import (
    LOCAL,
    ParameterDuplicate,
    ParameterError,
    ParameterInexact,
    ParameterMalformed,
    ParameterMissing,
    ParameterOutOfRange,
    ParameterUnknown,
    SystemParameters,
    parse,
)

TEXT = LOCAL.read_text(encoding="utf-8")


def _with(entry: str, value: str) -> str:
    """Return the file with the first `entry` changed to `value`."""
    changed, count = re.subn(rf"(?m)^(\s*(?:- )?{entry}:)[^\n]*", rf"\1 {value}", TEXT, count=1)
    assert count == 1
    return changed


def test_load__local__gives_the_units_of_the_contracts(parameters: SystemParameters) -> None:
    bitcoin, ether, solana = parameters.markets
    assert [market.symbol for market in parameters.markets] == ["BTC", "ETH", "SOL"]
    assert bitcoin.config() == (10**14, 500, 10**6, 1_200_000_000, 500, 200, 400, 5_000, 20_000, 150)
    assert (bitcoin.max_funding_rate, bitcoin.insurance_cap) == (5_000, 1_000_000)
    assert (ether.skew_scale, solana.margin_ratio) == (10**15, 450)
    assert (bitcoin.oracle.max_age, bitcoin.oracle.max_confidence) == (120, 100)
    assert parameters.risk.config() == (500, 2_500, 100_000, 1_000, 5_000, 12_500, 5_000_000, 8_000)


@pytest.mark.parametrize(
    ("entry", "value", "error"),
    [
        ("taker_fee", "0.00005%", ParameterInexact),
        ("margin_ratio", "0.00001", ParameterInexact),
        ("min_size", "1e-10", ParameterInexact),
        ("margin_ratio", "700%", ParameterOutOfRange),
        ("taker_fee", "-1%", ParameterOutOfRange),
        ("skew_scale", "1e12", ParameterOutOfRange),
        ("margin_ratio", "four", ParameterMalformed),
        ("margin_ratio", "NaN", ParameterMalformed),
        ("margin_ratio", "Infinity", ParameterMalformed),
        ("margin_ratio", "", ParameterMalformed),
        ("margin_ratio", "[1]", ParameterMalformed),
        ("feed", "0x12", ParameterMalformed),
        ("symbol", "", ParameterMalformed),
        ("symbol", "ETH", ParameterDuplicate),
        ("feed", "0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace", ParameterDuplicate),
    ],
)
def test_parse__value_that_no_contract_can_store__refuses(entry: str, value: str, error: type[ParameterError]) -> None:
    with pytest.raises(error, match=entry):
        parse(_with(entry, value))


def test_parse__decimal_and_percent__are_the_same() -> None:
    assert parse(_with("margin_ratio", "0.04")) == parse(_with("margin_ratio", "4%")) == parse(TEXT)


def test_parse__entry_missing_unknown_or_twice__names_it() -> None:
    with pytest.raises(ParameterMissing, match=r"markets\[0\]\.taker_fee"):
        parse(re.sub(r"(?m)^ *taker_fee:.*\n", "", TEXT, count=1))
    with pytest.raises(ParameterUnknown, match=r"markets\[0\]\.taker_fees"):
        parse(TEXT.replace("taker_fee:", "taker_fees:", 1))
    with pytest.raises(ParameterDuplicate, match="taker_fee"):
        parse(re.sub(r"(?m)^( *taker_fee:.*\n)", r"\1\1", TEXT, count=1))


@pytest.mark.parametrize(
    ("text", "error"), [("", ParameterMalformed), ("[", ParameterError), ("- 1", ParameterMalformed)]
)
def test_parse__not_a_mapping__refuses(text: str, error: type[ParameterError]) -> None:
    with pytest.raises(error):
        parse(text)
