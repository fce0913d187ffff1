"""What a client knows of a deployment, asked of a node that is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.address import to_checksum_address

from steelyard.client.errors import AddressInvalid, RpcRejected, SignerMissing
from steelyard.client.records import AccountId
from steelyard.client.session import Session
from steelyard.deployment.artefact import Artefact, ContractRecord

if TYPE_CHECKING:
    from steelyard.client.steps import Request

ROLES = ("Clearinghouse", "OrderBook", "PriceOracle", "Lens", "LiquidityVault", "Token", "Pyth")


@pytest.fixture
def session() -> Session:
    artefact = Artefact(
        name="made up",
        network="",
        chain_id=1,
        genesis_hash="0x",
        deployer="0x",
        first_block=10,
        parameters_file="",
        parameters_hash="",
        parameters={"markets": [{"symbol": "BTC"}]},
        compiler={},
        contracts={role: ContractRecord(role, f"0x{number:040x}") for number, role in enumerate(ROLES)},
        complete=True,
    )
    return Session(artefact, None, 0)


class LogsNode:
    """Answers requests for events of at most `most` blocks."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.answered: list[tuple[int, int]] = []
        self.refused = 0

    def serve(self, steps: Any) -> Any:
        try:
            request: Request = next(steps)
            while True:
                try:
                    answer = self._logs(request.params[0])
                except RpcRejected as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(answer)
        except StopIteration as ended:
            return ended.value

    def _logs(self, query: dict[str, Any]) -> list[Any]:
        first, last = (int(query[end], 16) for end in ("fromBlock", "toBlock"))
        if last - first + 1 > self.most:
            self.refused += 1
            raise RpcRejected("eth_getLogs", "range is too large")
        self.answered.append((first, last))
        return []


def assert_covers(node: LogsNode, first: int, last: int) -> None:
    assert node.answered[0][0] == first
    assert node.answered[-1][1] == last
    assert all(one[1] + 1 == other[0] for one, other in zip(node.answered, node.answered[1:], strict=False))


def test_events__long_chain__is_read_in_spans(session: Session) -> None:
    node = LogsNode(10_000)
    assert node.serve(session.events(AccountId(1), 10, 1_000_009)) == []
    assert_covers(node, 10, 1_000_009)
    assert (len(node.answered), node.refused) == (200, 0)


@pytest.mark.parametrize("most", [1, 7, 500, 2_000, 4_999])
def test_events__node_takes_fewer_blocks__asks_for_fewer(session: Session, most: int) -> None:
    node = LogsNode(most)
    node.serve(session.events(AccountId(1), 10, 6_000))
    assert_covers(node, 10, 6_000)
    assert node.refused <= 13


def test_events__node_takes_not_even_one_block__is_told(session: Session) -> None:
    with pytest.raises(RpcRejected):
        LogsNode(0).serve(session.events(AccountId(1), 10, 6_000))


@pytest.mark.parametrize("wrong", ["", "bob", "0x12", "0x" + "g" * 40, "0x" + "1" * 64, 7, None, "11" * 20])
def test_address_of__anything_else__is_refused(session: Session, wrong: object) -> None:
    with pytest.raises(AddressInvalid, match="recipient"):
        session.address_of(wrong, "recipient")


def test_address_of__checksum__has_to_be_right_where_there_is_one(session: Session) -> None:
    right = to_checksum_address("0x" + "ab" * 20)
    for spelt in (right, right.lower(), "0x" + right[2:].upper()):
        assert session.address_of(spelt, "owner") == right
    with pytest.raises(AddressInvalid, match="checksum is wrong"):
        session.address_of("0x" + right[2:].swapcase(), "owner")


def test_owner_of__nobody_signs__is_told(session: Session) -> None:
    with pytest.raises(SignerMissing):
        session.owner_of(None)
