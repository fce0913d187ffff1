"""Amounts: exact both ways, or refused by name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.client.errors import AmountInvalid
from steelyard.client.units import from_fixed, from_token, from_wad, to_token, to_wad

WAD = 10**18


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1", WAD),
        (2, 2 * WAD),
        (Decimal("-0.000000000000000001"), -1),
        ("1_000.5", 10005 * 10**17),
        ("1e-18", 1),
        ("1E3", 1_000 * WAD),
        ("-0.0", 0),
        ("0e999999", 0),
        ("1.500000000000000000000000000", 15 * 10**17),
        (10**40, 10**58),
    ],
)
def test_to_wad__exact_number__is_an_integer(amount: Decimal | int | str, expected: int) -> None:
    assert to_wad(amount, "amount") == expected


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (0.1, "a float is not exact"),
        ("0.0000000000000000001", "more than 18 decimals"),
        ("1e-999999", "more than 18 decimals"),
        ("1e999999", "out of range"),
        ("ten", "not a number"),
        ("", "not a number"),
        ("NaN", "not a finite number"),
        (Decimal("Infinity"), "not a finite number"),
        (True, "not a number"),
        (None, "not a number"),
        (b"1", "not a number"),
    ],
)
def test_to_wad__no_exact_number__is_refused_by_name(amount: object, reason: str) -> None:
    with pytest.raises(AmountInvalid, match=f"size .*{reason}") as refused:
        to_wad(amount, "size")  # type: ignore[arg-type]
    assert refused.value.amount == "size"


def test_to_token__seventh_decimal__is_refused() -> None:
    assert to_token("0.000001", "amount") == 1
    assert from_token(1_500_000) == Decimal("1.5")
    with pytest.raises(AmountInvalid, match="more than 6 decimals"):
        to_token("0.0000001", "amount")


@given(st.integers(-(2**300), 2**300))
def test_from_wad__any_integer__comes_back(value: int) -> None:
    number = from_wad(value)
    assert to_wad(number, "amount") == value
    assert to_wad(format(number, "f"), "amount") == value


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (10**20, "100"), (-15 * 10**17, "-1.5"), (1, "0." + "0" * 17 + "1")]
)
def test_from_fixed__for_people__has_no_trailing_zeros(value: int, text: str) -> None:
    assert format(from_fixed(value, 18), "f") == text
