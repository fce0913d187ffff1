from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.protocol import World, abi
from sim.protocol.errors import SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
from sim.protocol.evm import to_int96, to_int104, to_int128, to_uint96, trunc_div
from sim.protocol.keccak import keccak256
from sim.protocol.libraries.fixed_point import clamp_symmetric, div_down, div_up

words = st.integers(-(2**255), 2**255 - 1)
positive = st.integers(1, 2**128)


@given(words, positive)
def test_div_down_and_up__any_numerator__bracket_the_quotient(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert div_down(numerator, denominator) == floor(exact)
    assert div_up(numerator, denominator) == ceil(exact)


@given(words, positive | positive.map(lambda value: -value))
def test_trunc_div__any_signs__rounds_towards_zero(numerator: int, denominator: int) -> None:
    assert trunc_div(numerator, denominator) == trunc(Fraction(numerator, denominator))


@given(words, st.integers(0, 2**128))
def test_clamp_symmetric__any_value__is_nearest_within(value: int, bound: int) -> None:
    assert clamp_symmetric(value, bound) == min(max(value, -bound), bound)


@pytest.mark.parametrize(("cast", "bits"), [(to_int96, 96), (to_int104, 104), (to_int128, 128)])
def test_signed_cast__at_both_ends__fits_or_names_the_value(cast: object, bits: int) -> None:
    assert callable(cast)
    for value in (-(2 ** (bits - 1)), -1, 0, 2 ** (bits - 1) - 1):
        assert cast(value) == value
    for value in (-(2 ** (bits - 1)) - 1, 2 ** (bits - 1)):
        with pytest.raises(SafeCastOverflowedIntDowncast) as caught:
            cast(value)
        assert caught.value.decoded.args == (bits, value)


def test_unsigned_cast__at_the_end__fits_or_names_the_value() -> None:
    assert to_uint96(2**96 - 1) == 2**96 - 1
    with pytest.raises(SafeCastOverflowedUintDowncast) as caught:
        to_uint96(2**96)
    assert caught.value.decoded.args == (96, 2**96)


def test_keccak256__known_inputs__gives_the_published_digests() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    # The digest of 136 bytes, a whole block, exercises the padding block of its own.
    assert keccak256(b"a" * 136).hex() == "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"
    assert abi.selector("transfer(address,uint256)") == "0xa9059cbb"


def test_selector__all_functions_of_all_contracts__are_distinct() -> None:
    for contract in World().contracts.values():
        entries = type(contract).entries().values()
        assert len({entry.selector for entry in entries}) == len(entries)


@given(
    st.integers(0, 2**96 - 1),
    st.booleans(),
    st.binary(max_size=100),
    st.lists(st.integers(-(2**127), 2**127 - 1), max_size=4),
)
def test_abi__encode_then_decode__gives_back(number: int, flag: bool, data: bytes, items: list[int]) -> None:
    kind = abi.parse_tuple("(uint96,(bool,bytes),int128[],address,bytes32)")
    value = (number, (flag, "0x" + data.hex()), tuple(items), "0x" + "ab" * 20, "0x" + "cd" * 32)
    kind.check(value)
    assert kind.decode(kind.encode(value)) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [("uint8", 256), ("uint8", -1), ("int8", 128), ("address", "0x12"), ("bytes32", "0x"), ("uint8[]", 1)],
)
def test_abi_check__value_out_of_type__is_refused(kind: str, value: object) -> None:
    with pytest.raises(abi.EncodingError):
        abi.parse(kind).check(value)


@pytest.mark.parametrize("data", ["00" * 31 + "02", "ff" * 32, "00" * 31])
def test_abi_decode__dirty_or_short_bool__is_malformed(data: str) -> None:
    with pytest.raises(abi.DecodingError):
        abi.parse_tuple("(bool)").decode(bytes.fromhex(data))
