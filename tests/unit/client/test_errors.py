"""Every custom error is an exception of its own, with its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_utils.crypto import keccak

from steelyard.client import errors
from steelyard.client.abi import decode_revert
from steelyard.client.errors import ContractReverted, MarginInsufficient, contracts
from steelyard.client.errors.generate import PATH, errors_of, source
from steelyard.evm.abi import ErrorAbi, codec, tuple_codec

if TYPE_CHECKING:
    from steelyard.evm.artefacts import Artefacts

SAMPLES = {"address": "0x" + "ab" * 20, "bool": True, "bytes": "0x0102", "string": "why"}


def test_contracts__as_generated__are_up_to_date(artefacts: Artefacts) -> None:
    assert PATH.read_text(encoding="utf-8") == source(artefacts), "run: python -m steelyard.client.errors.generate"


def test_decode_revert__any_custom_error__is_its_class_with_typed_attributes(artefacts: Artefacts) -> None:
    for entry in errors_of(artefacts):
        values = []
        for part in entry["inputs"]:
            size = part["type"].removeprefix("bytes")
            fixed = "0x" + "cd" * int(size) if size.isdecimal() else 5
            values.append(SAMPLES.get(part["type"], fixed))
        packed = tuple_codec([codec(part) for part in entry["inputs"]]).encode(tuple(values))
        error = decode_revert(ErrorAbi(entry).selector + packed)
        kind = getattr(errors, entry["name"])
        assert type(error) is kind
        assert issubclass(kind, ContractReverted)
        hints = kind.__annotations__
        assert [getattr(error, name) for name in hints] == values
        assert [type(value).__name__ for value in values] == list(hints.values())
    assert len(errors_of(artefacts)) == len(contracts.BY_NAME) > 90


def test_margin_insufficient__caught__tells_equity_and_margin() -> None:
    selector = keccak(text="MarginInsufficient(int256,uint256)")[:4]
    data = selector + (-5).to_bytes(32, "big", signed=True) + (9).to_bytes(32, "big")
    with pytest.raises(MarginInsufficient) as caught:
        raise decode_revert(data)
    assert (caught.value.equity, caught.value.initial_margin) == (-5, 9)
    assert str(caught.value) == "MarginInsufficient(equity=-5, initialMargin=9)"


@pytest.mark.parametrize("data", [b"", b"\x01\x02", b"\xff" * 36])
def test_decode_revert__nothing_known__is_unknown(data: bytes) -> None:
    assert decode_revert(data).name == "Unknown"
    assert type(decode_revert(data)) is ContractReverted
