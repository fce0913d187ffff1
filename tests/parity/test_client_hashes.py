"""The client's hashes and signatures of orders against the contract's, on the in-process EVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.client.records import AccountId, Order, OrderKind, Terms, to_account_id
from steelyard.client.signing import order_hash, signable, typed_data
from steelyard.fuzz.actors import ALICE, OSCAR
from steelyard.fuzz.moves.signed import _key

if TYPE_CHECKING:
    from steelyard.fuzz.scenario import Scenario
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

WAD = 10**18


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


ORDERS = st.builds(
    Order,
    account=unsigned(256).map(AccountId),
    market=unsigned(8),
    slot=unsigned(8),
    expires_at=unsigned(40),
    size_delta=st.integers(-(2**127), 2**127 - 1),
    acceptable_price=unsigned(128),
    keeper_fee=unsigned(96),
    reduce_only=st.booleans(),
)
TERMS = st.builds(
    Terms,
    kind=st.sampled_from(OrderKind),
    trigger_price=unsigned(96),
    stop_price=unsigned(96),
    target_price=unsigned(96),
    distance=unsigned(32),
    slices=unsigned(16),
    interval=unsigned(32),
)


@given(ORDERS, TERMS)
@settings(max_examples=50)
def test_order_hash__any_order__is_the_contracts(stage: Stage, order: Order, terms: Terms) -> None:
    view = stage.chain.view
    assert order_hash(order, None) == view("OrderBook", "hashOf", order.encoded())
    assert order_hash(order, terms) == view("OrderBook", "hashOfPlaced", order.encoded(), terms.encoded())


@pytest.mark.parametrize("terms", [None, Terms(kind=OrderKind.LIMIT, trigger_price=30_000 * WAD)])
def test_typed_data__signed_by_the_owner__is_taken_by_the_contract(
    stage: Stage, scenario: Scenario, terms: Terms | None
) -> None:
    scenario.set_stage()
    order = Order(
        account=to_account_id(ALICE, 0),
        market=0,
        slot=9,
        expires_at=2**40 - 1,
        size_delta=-WAD,
        acceptable_price=0,
        keeper_fee=0,
        reduce_only=True,
    )
    _, _, _, chain_id, book, *_ = stage.chain.view("OrderBook", "eip712Domain")
    data = typed_data(order, terms, ALICE, 77, chain_id=chain_id, order_book=book)
    signature = "0x" + bytes(Account.from_key(bytes(_key(ALICE).secret)).sign_message(signable(data)).signature).hex()
    rest = 77, ALICE, signature
    if terms is None:
        scenario.must(OSCAR, "OrderBook", "commitSigned", order.encoded(), *rest)
    else:
        scenario.must(OSCAR, "OrderBook", "placeSigned", order.encoded(), terms.encoded(), *rest)
    scenario.pair.catch_up()
    _, is_resting, held = stage.chain.view("OrderBook", "commitmentOf", order.account, order.slot)
    assert (is_resting, held) == (terms is not None, order_hash(order, terms))
