"""Hand-packed ABI data against the reference implementation."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode as reference_decode
from eth_abi.abi import encode as reference_encode
from hypothesis import given
from hypothesis import strategies as st

from steelyard.evm.abi import (
    AbiDataMalformed,
    AbiIndex,
    AbiTypeUnsupported,
    AbiValueInvalid,
    ErrorUndeclared,
    EventUndeclared,
    FunctionAmbiguous,
    FunctionUnknown,
    codec,
    tuple_codec,
)
from steelyard.evm.artefacts import Artefacts, ArtefactsMissing, ArtefactUnknown
from steelyard.evm.packing import packer

Entry = dict[str, Any]
Case = tuple[Entry, str, Any, Any]
"""ABI entry, canonical name, value as the project has it, value as the reference wants it."""


def _plain(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Case]:
    return values.map(lambda value: ({"type": kind}, kind, value, value))


def _bytes_case(kind: str, raw: bytes) -> Case:
    return {"type": kind}, kind, "0x" + raw.hex(), raw


@st.composite
def integers(draw: st.DrawFn) -> Case:
    bits = draw(st.integers(1, 32)) * 8
    if draw(st.booleans()):
        value = draw(st.sampled_from([0, 1, 2**bits - 1]) | st.integers(0, 2**bits - 1))
        return {"type": f"uint{bits}"}, f"uint{bits}", value, value
    edge = 2 ** (bits - 1)
    value = draw(st.sampled_from([0, 1, -1, edge - 1, -edge]) | st.integers(-edge, edge - 1))
    return {"type": f"int{bits}"}, f"int{bits}", value, value


@st.composite
def fixed_bytes(draw: st.DrawFn) -> Case:
    size = draw(st.integers(1, 32))
    return _bytes_case(f"bytes{size}", draw(st.binary(min_size=size, max_size=size)))


leaves = (
    integers()
    | fixed_bytes()
    | st.binary(max_size=70).map(lambda raw: _bytes_case("bytes", raw))
    | st.binary(min_size=20, max_size=20).map(lambda raw: ({"type": "address"}, "address", *["0x" + raw.hex()] * 2))
    | _plain("bool", st.booleans())
    | _plain("string", st.text(max_size=40))
)


def _tuple(parts: list[Case]) -> Case:
    entry = {"type": "tuple", "components": [part[0] for part in parts]}
    kind = f"({','.join(part[1] for part in parts)})"
    return entry, kind, tuple(part[2] for part in parts), tuple(part[3] for part in parts)


def _array(case: Case, count: int, fixed: bool) -> Case:
    suffix = f"[{count}]" if fixed else "[]"
    return {**case[0], "type": case[0]["type"] + suffix}, case[1] + suffix, (case[2],) * count, (case[3],) * count


def _nest(children: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return st.lists(children, min_size=1, max_size=4).map(_tuple) | st.builds(
        lambda case, count, fixed: _array(case, count + fixed, fixed), children, st.integers(0, 3), st.booleans()
    )


cases = st.recursive(leaves, _nest, max_leaves=12)
arguments = st.lists(cases, max_size=5)


@given(arguments)
def test_encode__any_type__equals_the_reference(parts: list[Case]) -> None:
    whole = tuple_codec([codec(part[0]) for part in parts])
    assert whole.kind == f"({','.join(part[1] for part in parts)})"
    expected = reference_encode([part[1] for part in parts], [part[3] for part in parts])
    assert whole.encode(tuple(part[2] for part in parts)) == expected


@given(arguments)
def test_packer__any_type__equals_the_reference(parts: list[Case]) -> None:
    pack = packer(tuple_codec([codec(part[0]) for part in parts]))
    expected = reference_encode([part[1] for part in parts], [part[3] for part in parts])
    assert pack(tuple(part[2] for part in parts)) == expected


@given(arguments)
def test_decode__any_type__gives_back_what_was_encoded(parts: list[Case]) -> None:
    whole = tuple_codec([codec(part[0]) for part in parts])
    data = reference_encode([part[1] for part in parts], [part[3] for part in parts])
    assert whole.decode(data, 0) == tuple(part[2] for part in parts)


@given(cases, st.data())
def test_decode__data_cut_short__refuses(case: Case, data: st.DataObject) -> None:
    whole = tuple_codec([codec(case[0])])
    encoded = whole.encode((case[2],))
    # Nothing to cut where the value takes no room: an array of nothing but its length does take some.
    cut = data.draw(st.integers(0, max(0, len(encoded) - 1)))
    with pytest.raises(AbiDataMalformed):
        whole.decode(encoded[:cut], 0)


@given(integers())
def test_decode__any_word__agrees_with_the_reference_or_refuses(case: Case) -> None:
    bits = int(case[1].lstrip("uint"))
    word = (case[2] % 2**256 ^ (1 << 255 if bits < 256 else 0)).to_bytes(32, "big")
    if bits < 256:
        with pytest.raises(AbiDataMalformed):
            codec(case[0]).decode(word, 0)
    else:
        assert (codec(case[0]).decode(word, 0),) == reference_decode([case[1]], word)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int8", 128),
        ("int8", -129),
        ("uint256", 2**256),
        ("uint8", "1"),
        ("uint8", 1.0),
        ("bool", 1),
        ("bool", None),
        ("address", "0x12"),
        ("address", "aa" * 20),
        ("bytes4", "0x123456"),
        ("bytes", "0xzz"),
        ("bytes", [1]),
        ("string", b"text"),
        ("uint8[]", [1]),
        ("uint8[2]", (1,)),
    ],
)
def test_encode__value_that_does_not_fit__refuses(kind: str, value: object) -> None:
    with pytest.raises(AbiValueInvalid):
        codec({"type": kind}).encode(value)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("uint8", 256),
        ("int8", 128),
        ("bool", 2),
        ("address", 1 << 160),
        ("bytes4", 1),
        ("bytes", 1),
        ("string", 1),
        ("uint8[]", 1 << 200),
    ],
)
def test_decode__word_out_of_range__refuses(kind: str, word: int) -> None:
    with pytest.raises(AbiDataMalformed):
        codec({"type": kind}).decode(word.to_bytes(32, "big"), 0)


@pytest.mark.parametrize("kind", ["fixed128x18", "function", "uint7", "uint264", "bytes33", "bytes0", "uint", ""])
def test_codec__type_that_nothing_uses__refuses(kind: str) -> None:
    with pytest.raises(AbiTypeUnsupported):
        codec({"type": kind})


def test_index__every_function__has_the_compiler_s_selector(artefacts: Artefacts, abi: AbiIndex) -> None:
    count = 0
    for artefact in artefacts.all:
        for signature, selector in artefact.selectors.items():
            assert abi.function(artefact.name, signature).selector == selector
            count += 1
    assert count > 100


def test_index__unknown_names__refuse(abi: AbiIndex) -> None:
    with pytest.raises(FunctionUnknown):
        abi.function("Clearinghouse", "steal")
    with pytest.raises(ErrorUndeclared):
        abi.error(bytes.fromhex("01020304"))
    with pytest.raises(EventUndeclared):
        abi.event("Clearinghouse", [bytes(32)], b"")
    with pytest.raises(EventUndeclared):
        abi.event("Clearinghouse", [], b"")


def test_index__overloaded_function__wants_the_signature(artefacts: Artefacts) -> None:
    class Overloaded(Artefacts):
        def __init__(self) -> None:
            base = artefacts["LocalToken"]
            entry = {"type": "function", "name": "mint", "stateMutability": "view", "inputs": [], "outputs": []}
            self._by_name = {"LocalToken": type(base)("LocalToken", (*base.abi, entry), b"", b"", {})}

    index = AbiIndex(Overloaded())
    with pytest.raises(FunctionAmbiguous, match=r"mint\(\), mint\(address,uint256\)"):
        index.function("LocalToken", "mint")
    assert index.function("LocalToken", "mint()").is_view


def test_error__panic_reason_and_nothing__decode(abi: AbiIndex) -> None:
    panic = abi.error(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"))
    assert (panic.name, panic.args) == ("Panic", (0x11,))
    reason = abi.error(bytes.fromhex("08c379a0") + reference_encode(["string"], ["no"]))
    assert (reason.name, reason.args) == ("Error", ("no",))
    assert abi.error(b"").name == ""


def test_error__pyth_s__is_known(abi: AbiIndex) -> None:
    assert {"PriceFeedNotFoundWithinRange", "InsufficientFee"} <= {error.name for error in abi.errors.values()}


def test_artefacts__nothing_compiled__tells_what_to_run(tmp_path: Any) -> None:
    with pytest.raises(ArtefactsMissing, match="make compile"):
        Artefacts(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ArtefactsMissing, match="make compile"):
        Artefacts(tmp_path / "broken.json")
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(ArtefactsMissing, match="make compile"):
        Artefacts(tmp_path / "empty.json")


def test_artefacts__unknown_contract__names_those_there_are(artefacts: Artefacts) -> None:
    with pytest.raises(ArtefactUnknown, match="Clearinghouse"):
        artefacts["Nothing"]
