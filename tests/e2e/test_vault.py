"""A provider of liquidity at the command line, on a real node: in, out, and what he is told on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from steelyard.client import ContractReverted, UnlockedSender
from steelyard.client.units import to_token
from steelyard.client.vault import Kind, Obstacle, Request, RequestState, Vault
from steelyard.deployment.command import quiet, select_account
from steelyard.keeper.backoff import Backoff
from steelyard.keeper.settler import Settler
from steelyard.vault.command import run_cancel, run_claim, run_deposit, run_redeem, run_requests, run_status
from steelyard.vault.errors import NothingClaimable, SharesMissing
from tests.e2e.market import UNIT, WAD, Market

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil

ACCOUNT = "TEST::3"


@pytest.fixture
def market(chain: LocalChain, tmp_path: Path, request: pytest.FixtureRequest) -> Market:
    return Market.open(chain, tmp_path, f"v{abs(hash(request.node.name))}")


@pytest.fixture
def say(market: Market, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Return what runs a command as a script would and returns its JSON."""

    def run(command: Callable[..., None], **options: Any) -> dict[str, Any]:
        if command is not run_status:
            options["account"] = ACCOUNT
        with quiet():
            command(name=market.artefact.name, folder=tmp_path, as_json=True, **options)
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return run


def settle(market: Market) -> None:
    """Let prices come that are young enough, and the keeper settle."""
    for _ in range(4):
        market.publish()
    done = Settler(market.exchange, market.keeper, Backoff(1)).run_once()
    assert done is not None
    assert done.reason is None


def tokens_of(market: Market, address: str) -> int:
    return int(market.chain.call(market.exchange.token, "balanceOf", address))


def test_vault__deposit_then_redemption__go_through(market: Market, say: Callable[..., dict[str, Any]]) -> None:
    owner = str(select_account(ACCOUNT, market.chain.chain_id).address)
    market.chain.send(UnlockedSender(owner), market.exchange.token, "mint", owner, 5_000 * UNIT)
    start = tokens_of(market, owner)

    tried = say(run_deposit, amount=5_000 * UNIT, is_dry=True)
    assert (tried["is_sent"], len(tried["steps"])) == (False, 2)
    assert tokens_of(market, owner) == start

    made = say(run_deposit, amount=5_000 * UNIT, is_dry=False)
    assert (len(made["transactions"]), made["request"]["state"]) == (2, "pending")
    assert tokens_of(market, owner) == start - 5_000 * UNIT
    assert say(run_status)["waiting"]["obstacle"] == "early"
    with pytest.raises(NothingClaimable):
        say(run_claim, is_dry=False)
    settle(market)

    (request,) = say(run_requests, owner=None)["requests"]
    assert (request["kind"], request["state"], request["claimable"]) == ("deposit", "claimable", "5000")
    claimed = say(run_claim, is_dry=False)
    assert claimed["claimed"] == [{"kind": "deposit", "given": "5000", "paid": "5000"}]
    (request,) = say(run_requests, owner=owner)["requests"]
    assert request["state"] == "claimed"

    status = say(run_status)
    assert status["waiting"] is None
    assert status["assets"] == "10005000" == status["free"]
    assert status["share_value"] == "1"

    with pytest.raises(SharesMissing):
        say(run_redeem, amount=5_001 * WAD, is_dry=False)
    say(run_redeem, amount=2_000 * WAD, is_dry=False)
    say(run_redeem, amount=None, is_dry=False)
    assert say(run_status)["pending_shares"] == "5000"
    settle(market)
    held = tokens_of(market, owner)
    (paid,) = say(run_claim, is_dry=False)["claimed"]
    assert (paid["kind"], paid["given"]) == ("redeem", "5000")
    assert tokens_of(market, owner) - held == to_token(paid["paid"], "paid")
    assert 0 <= start - tokens_of(market, owner) <= 2
    states = [(one["kind"], one["state"]) for one in say(run_requests, owner=None)["requests"]]
    assert states == [("deposit", "claimed"), ("redeem", "claimed"), ("redeem", "claimed")]


def test_vault__cancelled_before_and_after_its_day__is_refused_then_paid_back(
    market: Market, say: Callable[..., dict[str, Any]]
) -> None:
    owner = str(select_account(ACCOUNT, market.chain.chain_id).address)
    held = tokens_of(market, owner)
    number = say(run_deposit, amount=70 * UNIT, is_minted=True, is_dry=False)["request"]["number"]
    for is_dry in (True, False):
        with pytest.raises(ContractReverted, match="RequestLocked"):
            say(run_cancel, kind="deposit", number=number, is_dry=is_dry)
    with pytest.raises(ContractReverted, match="RequestUnknown"):
        say(run_cancel, kind="deposit", number=99, is_dry=True)
    market.chain.move_to(market.chain.block().timestamp + 86_400)
    market.now = market.chain.block().timestamp
    done = say(run_cancel, kind="deposit", number=number, is_dry=False)
    assert (done["request"]["state"], done["steps"]) == ("cancelled", [f"take back 70 tokens of deposit {number}"])
    assert tokens_of(market, owner) == held + 70 * UNIT
    assert say(run_status)["waiting"] is None


def test_vault__pool_behind_positions__pays_down_to_its_initial_margin_and_says_why_the_rest_waits(
    market: Market,
) -> None:
    market.opened("long", "BTC", deposit=100_000, leverage=10)
    vault, provider = Vault(market.exchange), UnlockedSender(market.artefact.deployer)
    number = vault.number_of(vault.request_redeem(provider, vault.shares_of(provider.address)))
    settle(market)
    made: Request = vault.request(Kind.REDEEM, number, provider.address)
    assert made.state is RequestState.PARTLY
    assert made.pending + made.claimable == made.amount
    view = vault.view()
    assert view.free is not None
    assert view.free <= 1
    assert view.waiting is not None
    assert (view.waiting.obstacle, view.waiting.redemptions) == (Obstacle.BUSY, 1)

    market.chain.move_to(market.chain.block().timestamp + 300)
    unpriced = vault.view()
    assert (unpriced.risk, unpriced.free) == (None, None)
    assert unpriced.unpriced is not None
    assert "PriceStale" in unpriced.unpriced
    assert unpriced.waiting is not None
    assert unpriced.waiting.obstacle is Obstacle.UNPRICED


def test_vault__tables__tell_what_the_json_tells(
    market: Market, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"name": market.artefact.name, "folder": tmp_path, "as_json": False}
    stranger = "0x" + keccak(text="stranger")[12:].hex()
    with quiet():
        run_status(**options)
        run_requests(owner=market.artefact.deployer, account=None, **options)
        run_requests(owner=stranger, account=None, **options)
        run_redeem(amount=None, account=None, is_dry=True, **options)
    shown = capsys.readouterr().out
    for words in ("10,000,000", "value of a share", "1.000000", "No request waits", "deposit 2", "claimed"):
        assert words in shown
    assert f"{stranger}: holds 0 shares" in shown
    assert "no requests" in shown
    assert "would request tokens for 10,000,000 shares" in shown
