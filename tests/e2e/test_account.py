"""What a trader sees of an account, on a real node."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from steelyard.account.command import run_account, show
from steelyard.account.portfolio import portfolio_of
from steelyard.client import ContractReverted, Exchange, JointMove, MarginMode, MarginTerm, views
from steelyard.client.records import POOL_ACCOUNT
from steelyard.deployment.command import quiet
from tests.e2e.market import WAD, Market

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.client import AccountId, UnlockedSender
    from steelyard.client.steps import Steps
    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil


@pytest.fixture
def market(chain: LocalChain, tmp_path: Path, request: pytest.FixtureRequest) -> Market:
    return Market.open(chain, tmp_path, f"a{abs(hash(request.node.name))}")


@pytest.fixture
def hedger(market: Market) -> tuple[UnlockedSender, AccountId]:
    """A trader long bitcoin against ether in portfolio mode."""
    sender, account = market.trader("hedger", 20_000, MarginMode.PORTFOLIO)
    market.trade(sender, account, "BTC", 100_000)
    market.trade(sender, account, "ETH", -100_000)
    return sender, account


def run(market: Market, account: AccountId, folder: Path, **options: Any) -> None:
    with quiet():
        run_account(account=account, name=market.artefact.name, folder=folder, **options)


def test_run_account__hedge__shows_three_modes(
    market: Market, hedger: tuple[UnlockedSender, AccountId], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, account = hedger
    run(market, account, tmp_path, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    margins = shown["margins"]
    assert list(margins) == ["cross", "isolated", "portfolio"]
    assert (shown["mode"], int(shown["account"], 16)) == ("portfolio", account)
    assert shown["initial_margin"] == margins["portfolio"]["initial_margin"]
    assert Decimal(margins["portfolio"]["initial_margin"]) < Decimal(margins["cross"]["initial_margin"])
    assert Decimal(margins["portfolio"]["saving"]) > 0
    assert [position["market"] for position in shown["positions"]] == ["BTC", "ETH"]
    assert [order["market"] for order in shown["largest_orders"]] == ["BTC", "ETH", "SOL"]
    assert all(Decimal(order["buy"]) > 0 > Decimal(order["sell"]) for order in shown["largest_orders"])


def test_run_account__tables__name_what_liquidates(
    market: Market, hedger: tuple[UnlockedSender, AccountId], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(market, hedger[1], tmp_path, as_json=False)
    shown = capsys.readouterr().out
    for words in ("portfolio margin, healthy", "portfolio *", "cross", "isolated", "Positions", "Largest orders"):
        assert words in shown
    assert "All prices together: " in shown


def test_portfolio_of__liquidatable_book__says_so(market: Market) -> None:
    account = market.opened("sinking", "BTC", deposit=10_000, leverage=20)
    healthy = portfolio_of(market.exchange, account).joint_move
    assert healthy.lowest is not None
    assert healthy.lowest < WAD
    assert healthy.highest is None
    market.publish(BTC=38_500)
    sunk = portfolio_of(market.exchange, account)
    assert sunk.view.is_liquidatable
    assert sunk.joint_move.lowest is not None
    assert sunk.joint_move.lowest > WAD
    console = Console(record=True, width=120)
    show(sunk, console)
    assert "can be liquidated" in console.export_text()


def test_largest_order__placed_and_settled__is_filled(market: Market, hedger: tuple[UnlockedSender, AccountId]) -> None:
    """A little less than the largest: the price's confidence counts against the fill, and funding moves a little."""
    sender, account = hedger
    size = market.exchange.largest_order(account, 2, is_buy=True)
    quote = market.exchange.quote(account, 2, size)
    assert quote.risk_after.equity >= quote.risk_after.initial_margin
    assert quote.margin_changes[MarginMode.PORTFOLIO].initial_margin == (
        quote.risk_after.initial_margin - quote.risk_before.initial_margin
    )
    assert MarginTerm(quote.margin_after.binding) is not MarginTerm.NONE
    assert market.exchange.failure_of(market.order(sender, account, "SOL", size * 995 // 1_000)) is None
    refused = market.exchange.failure_of(market.order(sender, account, "SOL", size // 100))
    assert refused is not None
    assert refused.name == "MarginInsufficient"


def test_portfolio_of__reserved_account__is_refused(market: Market) -> None:
    with pytest.raises(ContractReverted, match="AccountReserved"):
        portfolio_of(market.exchange, POOL_ACCOUNT)


def answered(value: Any) -> Steps[Any]:
    """Return steps that ask nothing."""
    yield from ()
    return value


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((0, 2**256 - 1), JointMove(None, None)),
        ((WAD // 2, 2 * WAD), JointMove(WAD // 2, 2 * WAD)),
        ((2**256 - 1, 0), JointMove(None, None, is_hopeless=True)),
    ],
)
def test_joint_move__factors__say_which_way(
    market: Market, monkeypatch: pytest.MonkeyPatch, factors: tuple[int, int], expected: JointMove
) -> None:
    exchange: Exchange = market.exchange
    monkeypatch.setattr(views, "read", lambda *_: answered(factors))
    assert exchange.joint_move(POOL_ACCOUNT) == expected
