"""Ids of accounts."""

from __future__ import annotations

import pytest

from steelyard.client.errors import AmountInvalid
from steelyard.client.records import owner_of, to_account_id

OWNER = "0x" + "0" * 39 + "7"


@pytest.mark.parametrize("index", [0, 2**96 - 1])
def test_to_account_id__any_index_of_96_bits__is_the_owners(index: int) -> None:
    account = to_account_id(OWNER, index)
    assert (owner_of(account), account % 2**96) == (OWNER, index)


@pytest.mark.parametrize("index", [-1, 2**96])
def test_to_account_id__index_that_would_change_the_owner__is_refused(index: int) -> None:
    with pytest.raises(AmountInvalid, match="account index"):
        to_account_id(OWNER, index)
