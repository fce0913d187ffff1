"""The command that shows an account: how it is named, and what is told of one that is in an odd state."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from steelyard.account.command import AccountParameter, show
from steelyard.account.portfolio import LargestOrders, Portfolio
from steelyard.cli import cli
from steelyard.client.records import (
    AccountId,
    AccountRisk,
    AccountView,
    JointMove,
    MarginMode,
    MarginTerm,
    MarginView,
    PositionView,
    to_account_id,
)

WAD = 10**18
OWNER = "0x" + "Ab" * 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OWNER, to_account_id(OWNER, 0)),
        (f"{OWNER}/7", to_account_id(OWNER, 7)),
        ("0x" + "cd" * 32, AccountId(int("cd" * 32, 16))),
    ],
)
def test_account_parameter__address_or_id__is_the_account(text: str, expected: AccountId) -> None:
    assert AccountParameter().convert(text, None, None) == expected


@pytest.mark.parametrize(
    "text", ["", "0x12", OWNER[2:], f"{OWNER}/", f"{OWNER}/-1", f"{OWNER}/{2**96}", "0x" + "g" * 64]
)
def test_account_parameter__anything_else__is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no address"):
        AccountParameter().convert(text, None, None)


def test_account__no_account__exits_with_usage() -> None:
    result = CliRunner().invoke(cli, ["account", "nobody"])
    assert result.exit_code == 2
    assert "no address" in result.output


def portfolio(move: JointMove, size: int = -WAD) -> Portfolio:
    risk = AccountRisk(-5 * WAD, 250 * WAD, 125 * WAD, 2_500 * WAD)
    margins = {
        mode: MarginView(mode, 250 * WAD, 125 * WAD, MarginTerm.STRESS, 3, 0b101, 10 * WAD) for mode in MarginMode
    }
    return Portfolio(
        view=AccountView(to_account_id(OWNER, 0), WAD, 2, 1, risk, 2**256 - 1, -WAD // 25, True),
        margins=margins,
        positions=(PositionView(0, size, 2_500 * WAD, 0, 0),),
        joint_move=move,
        largest_orders=(LargestOrders(0, 2_500 * WAD, 10**15, -2 * WAD),),
        symbols=("BTC", "ETH"),
    )


def text_of(shown: Portfolio) -> str:
    console = Console(record=True, width=120)
    show(shown, console)
    return console.export_text()


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (JointMove(None, None, is_hopeless=True), "no move saves the account"),
        (JointMove(None, None), "no fall liquidates, no rise liquidates"),
        (JointMove(WAD * 9 // 10, None), "liquidated below -10.00%, no rise liquidates"),
        (JointMove(None, WAD * 12 // 10), "no fall liquidates, liquidated above +20.00%"),
    ],
)
def test_show__joint_move__is_told_in_percent(move: JointMove, words: str) -> None:
    assert words in text_of(portfolio(move))


def test_show__no_liquidation_price__says_for_which_side() -> None:
    assert "any price" in text_of(portfolio(JointMove(None, None)))
    assert "no price" in text_of(portfolio(JointMove(None, None), WAD))


def test_show__binding_term__names_scenario_and_volatility() -> None:
    assert "stress 3, volatility" in text_of(portfolio(JointMove(None, None)))


def test_to_json__odd_account__has_exact_decimals() -> None:
    shown = portfolio(JointMove(None, WAD)).to_json()
    assert shown["positions"][0]["liquidation_price"] == "0"
    assert portfolio(JointMove(None, WAD), WAD).to_json()["positions"][0]["liquidation_price"] is None
    assert shown["joint_move"] == {"lowest": None, "highest": "1", "is_hopeless": False}
    assert shown["margins"]["portfolio"]["scenario"] == 3
    assert shown["margins"]["portfolio"]["volatile_markets"] == ["BTC", "2"]
    assert shown["largest_orders"] == [{"market": "BTC", "price": "2500", "buy": "0.001", "sell": "-2"}]
    assert (shown["equity"], shown["balance"], shown["leverage"], shown["health"]) == ("-5", "1", None, "-0.04")
