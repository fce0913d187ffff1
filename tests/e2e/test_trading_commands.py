"""A trader at the command line, on a real node."""

from __future__ import annotations

import json
import threading
import time
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account
from eth_utils.crypto import keccak

from steelyard.cli import cli
from steelyard.client import Client, to_account_id
from steelyard.deployment.artefact import artefact_path, write_artefact
from tests.e2e.market import Market

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.demo.local import LocalChain

pytestmark = pytest.mark.anvil


class Terminal:
    """A trader's terminal."""

    def __init__(self, market: Market, folder: Path, name: str) -> None:
        self.market = market
        self.key = "0x" + keccak(text=name).hex()
        self.address = str(Account.from_key(self.key).address)
        self.folder = folder
        market.chain.fill(self.address)

    def type(self, *words: str, given: str | None = None) -> Result:
        where = ("--rpc", self.market.chain.url, "--name", self.market.artefact.name, "--artefacts", str(self.folder))
        environment = {"STEELYARD_PRIVATE_KEY": self.key, "COLUMNS": "160"}
        return CliRunner().invoke(cli, [*words, *where], env=environment, input=given)

    def say(self, *words: str, given: str | None = None) -> str:
        result = self.type(*words, given=given)
        assert result.exit_code == 0, result.output
        return result.output

    def ask(self, *words: str, given: str | None = None) -> Any:
        return json.loads(self.say(*words, "--json", given=given))

    def settled(self, words: tuple[str, ...], **prices: int) -> Result:
        """Type a command that waits, while a keeper settles what it commits."""
        client = Client(self.market.artefact, self.market.chain.url, self.key)
        results: list[Result] = []
        typing = threading.Thread(target=lambda: results.append(self.type(*words)))
        typing.start()
        deadline = time.monotonic() + 30
        while not (orders := [one for one in client.orders() if one.terms is None]) and time.monotonic() < deadline:
            time.sleep(0.05)
        order = orders[0].order
        update = self.market.publish(**prices)[order.market]
        exchange, keeper = self.market.exchange, self.market.keeper
        exchange.settle(keeper, order, to_account_id(keeper.address, 0), (update,), fee=1)
        typing.join(30)
        return results[0]


@pytest.fixture(scope="module")
def open_market(chain: LocalChain, tmp_path_factory: pytest.TempPathFactory) -> tuple[Market, Path]:
    folder = tmp_path_factory.mktemp("deployment")
    return Market.open(chain, folder, "commands"), folder


@pytest.fixture
def terminal(open_market: tuple[Market, Path], request: pytest.FixtureRequest) -> Terminal:
    market, folder = open_market
    market.publish(BTC=40_000, ETH=2_500, SOL=50)
    return Terminal(market, folder, request.node.name)


def test_market_and_quote__tables_and_json__tell_the_same(terminal: Terminal) -> None:
    assert [one["symbol"] for one in terminal.ask("market")] == ["BTC", "ETH", "SOL"]
    assert terminal.ask("market", "eth")["price"] == "2500"
    assert "2,500" in terminal.say("market", "ETH")
    terminal.say("account", "deposit", "1000", "--mint")
    assert terminal.ask("quote", "BTC", "-0.1")["size"] == "-0.1"
    shown = terminal.say("quote", "BTC", "100")
    assert "Buy 100 BTC" in shown
    assert "has not the initial margin" in shown


def test_account__money_leverage_mode_operator__are_set(terminal: Terminal) -> None:
    sent = terminal.ask("account", "deposit", "5000.5", "--mint")
    assert sent["gas_used"] > 21_000
    terminal.say("account", "transfer", "1000", "--to", "1")
    terminal.say("account", "withdraw", "0.5", "--ledger", "0")
    terminal.say("account", "mode", "portfolio")
    terminal.say("account", "operator", "0x" + "ab" * 20, "--trade", "--expires", "+7d")
    assert terminal.settled(("trade", "buy", "BTC", "0.1", "--json")).exit_code == 0
    terminal.say("account", "leverage", "2", "--funded-by", "1")
    shown = terminal.ask("account", f"{terminal.address}/0")
    assert shown["mode"] == "portfolio"
    assert round(Decimal(shown["leverage"]), 6) == 2
    assert "portfolio margin, healthy" in terminal.say("account", "show", terminal.address)


def test_trade__buy_then_close__waits_for_the_fills(terminal: Terminal) -> None:
    terminal.say("account", "deposit", "5000", "--mint")
    bought = terminal.settled(("trade", "buy", "BTC", "0.2", "--slippage", "0.5", "--json"))
    assert bought.exit_code == 0, bought.output
    order = json.loads(bought.output)
    assert (order["status"], order["fills"][0]["size"], order["slot"]) == ("settled", "0.2", 0)
    closed = terminal.settled(("trade", "close", "BTC"))
    assert closed.exit_code == 0, closed.output
    assert "settled" in closed.output
    assert "-0.2" in closed.output
    nothing = terminal.type("trade", "close", "BTC")
    assert (nothing.exit_code, "PositionNone: no position in BTC" in nothing.output) == (1, True)


def test_trade__price_runs_away__exits_with_its_reason(terminal: Terminal) -> None:
    terminal.say("account", "deposit", "5000", "--mint")
    failed = terminal.settled(("trade", "sell", "BTC", "0.1", "--slippage", "0.1"), BTC=39_000)
    assert failed.exit_code == 3
    assert "failed: PriceUnacceptable(" in failed.output


def test_trade__nobody_settles__ends_with_a_timeout(terminal: Terminal) -> None:
    terminal.say("account", "deposit", "5000", "--mint")
    waited = terminal.type("trade", "buy", "BTC", "0.1", "--timeout", "0.2")
    assert (waited.exit_code, "WaitTimeout" in waited.output) == (5, True)


@pytest.mark.parametrize(
    ("words", "kind", "size"),
    [
        (("limit", "buy", "BTC", "0.1", "--price", "39000"), "limit", "0.1"),
        (("stop-entry", "sell", "BTC", "0.1", "--price", "39000"), "stop", "-0.1"),
        (("stop-loss", "BTC", "--price", "38000", "--size", "0.1", "--side", "sell"), "stop", "-0.1"),
        (("take-profit", "BTC", "--price", "42000", "--size", "0.1", "--side", "sell"), "limit", "-0.1"),
        (("trailing", "BTC", "--distance", "2", "--size", "0.1", "--side", "buy"), "trailing_stop", "0.1"),
        (("twap", "sell", "SOL", "20", "--slices", "4", "--interval", "60"), "twap", "-20"),
        (("bracket", "buy", "ETH", "1", "--stop", "2300", "--target", "2700", "--price", "2450"), "bracket", "1"),
    ],
)
def test_order__each_kind__is_placed_listed_saved_and_cancelled(
    terminal: Terminal, words: tuple[str, ...], kind: str, size: str, tmp_path: Path
) -> None:
    rehearsed = terminal.ask("order", *words, "--dry-run")
    assert rehearsed["dry_run"] is True
    placed = terminal.ask("order", *words, "--keeper-fee", "0.2", "--expires", "+1d")
    assert (placed["kind"], placed["size"], placed["status"], placed["slot"]) == (kind, size, "waiting", 0)
    assert placed["saved"]["order"]["keeper_fee"] == str(2 * 10**17)
    (listed,) = terminal.ask("order", "list")
    assert listed["saved"] == placed["saved"]
    assert kind in terminal.say("order", "list")
    if kind == "twap":
        assert "OrderPending" in terminal.type("order", "cancel", "0").output
        return
    saved = tmp_path / "order.json"
    saved.write_text(json.dumps(placed))
    assert "cancelled" in terminal.say("order", "cancel", str(saved))
    assert terminal.ask("order", "show", str(saved))["status"] == "cancelled"
    assert terminal.ask("order", "list") == []


def test_order_sign__relayed_and_cancelled__by_file(terminal: Terminal, tmp_path: Path) -> None:
    sign = ("order", "limit", "buy", "BTC", "0.1", "--price", "39000", "--expires", "+1d", "--sign")
    message = terminal.say(*sign)
    other = Terminal(terminal.market, terminal.folder, "another who relays")
    assert other.ask("order", "relay", "-", given=message)["kind"] == "limit"
    assert "NonceUsed" in other.type("order", "relay", "-", given=message).output
    file = tmp_path / "signed.json"
    file.write_text(terminal.say(*sign, "--slot", "9"))
    terminal.say("order", "cancel-nonces", str(file))
    refused = other.type("order", "relay", str(file))
    assert (refused.exit_code, "NonceUsed(" in refused.output) == (1, True)


def test_account_permit__relayed_from_another_terminal__operator_trades(terminal: Terminal, tmp_path: Path) -> None:
    terminal.say("account", "deposit", "5000", "--mint")
    other = Terminal(terminal.market, terminal.folder, "an operator with a permit")
    order = ("order", "limit", "buy", "BTC", "0.1", "--price", "39000", "--ledger", f"{terminal.address}/0")
    assert "AccountUnauthorized(" in other.type(*order).output
    assert "nothing" in terminal.say("account", "permission", other.address)
    message = terminal.say("account", "permit", other.address, "--trade", "--margin", "--expires", "+7d")
    assert other.ask("account", "relay-permit", "-", "--dry-run", given=message)["dry_run"] is True
    assert other.ask("account", "relay-permit", "-", given=message)["gas_used"] > 21_000
    granted = other.ask("account", "permission", other.address, "--owner", terminal.address)
    assert granted == {"permissions": ["trade", "margin"], "expires_at": json.loads(message)["expires_at"]}
    assert "trade, margin, until 20" in terminal.say("account", "permission", other.address)
    placed = other.ask(*order)
    assert placed["account"] == f"{terminal.address.lower()}/0"
    assert terminal.ask("order", "list")[0]["saved"] == placed["saved"]
    assert "NonceUsed(" in other.type("account", "relay-permit", "-", given=message).output
    file = tmp_path / "permit.json"
    file.write_text(terminal.say("account", "permit", other.address, "--withdraw", "--expires", "+7d"))
    terminal.say("account", "cancel-permits", str(file))
    refused = other.type("account", "relay-permit", str(file))
    assert (refused.exit_code, "NonceUsed(" in refused.output) == (1, True)
    mistaken = other.type("order", "relay", str(file))
    assert (mistaken.exit_code, "DocumentInvalid: not a signed order" in mistaken.output) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("order", "limit", "buy", "BTC", "0.1"), 2, "--price"),
        (("order", "limit", "buy", "BTC", "-0.1", "--price", "1"), 2, ""),
        (("order", "limit", "buy", "DOGE", "1", "--price", "1"), 1, "MarketUnlisted: no market 'DOGE'"),
        (("order", "limit", "buy", "BTC", "1e-19", "--price", "1"), 1, "AmountInvalid: size '1e-19': more than 18"),
        (("order", "limit", "buy", "BTC", "1", "--price", "1", "--expires", "soon"), 2, "'soon' is neither"),
        (("order", "limit", "buy", "BTC", "1", "--price", "1", "--sign"), 1, "has to expire"),
        (("order", "stop-loss", "BTC", "--price", "1", "--size", "1"), 1, "PositionNone"),
        (("order", "show", "7"), 1, "slot 7 holds no order"),
        (("order", "show", "nothing.json"), 1, "DocumentInvalid: nothing.json: No such file"),
        (("order", "limit", "buy", "BTC", "1", "--price", "1", "--ledger", "alice"), 1, "AccountInvalid: 'alice'"),
        (("account", "withdraw", "1"), 1, "MarginInsufficient("),
        (("account", "withdraw", "1", "--to", "bob"), 1, "AddressInvalid: recipient 'bob': no address"),
        (("account", "operator", "0xzz", "--trade"), 1, "AddressInvalid: operator '0xzz': no address"),
        (("account", "permit", "0xzz", "--expires", "+1d"), 1, "AddressInvalid: operator '0xzz': no address"),
        (("account", "permit", "0x" + "ab" * 20), 2, "--expires"),
        (("account", "permit", "0x" + "ab" * 20, "--expires", "5"), 1, "PermitInvalid: a permit until 5 has expired"),
        (("account", "relay-permit", "/dev/null"), 1, "DocumentInvalid: /dev/null: not JSON"),
        (("account", "cancel-permits", "9" * 78), 1, "AmountInvalid: nonce 999"),
        (("account", "deposit", "nan"), 1, "AmountInvalid: amount 'nan': not a finite number"),
        (("account", "deposit", "0.0000001"), 1, "more than 6 decimals"),
        (("account", "deposit", "1" * 5_000), 1, "out of range"),
        (("account", "deposit", "1e60"), 1, "out of range"),
        (("account", "transfer", "1", "--to", "9" * 5_000), 1, "AccountInvalid"),
        (("quote", "BTC", "0"), 1, "AmountInvalid: size '0': zero"),
        (("quote", "9" * 5_000, "1"), 1, "MarketUnlisted"),
        (("trade", "buy", "BTC", "inf"), 1, "AmountInvalid: size 'inf': not a finite number"),
        (("trade", "buy", "BTC", "1", "--timeout", "nan"), 2, "'nan' is not a number of seconds"),
        (("order", "limit", "buy", "BTC", "1", "--price", "1", "--expires", "+9999999999999d"), 2, "is neither"),
        (
            ("order", "twap", "buy", "SOL", "9", "--slices", "3", "--interval", "1"),
            1,
            "AmountInvalid: interval 1: under",
        ),
        (
            ("order", "twap", "buy", "BTC", "0.01", "--slices", "100", "--interval", "60"),
            1,
            "OrderInvalid: a slice of 0.0001 would be lost",
        ),
        (
            ("order", "bracket", "buy", "BTC", "0.1", "--stop", "41000", "--target", "45000"),
            1,
            "OrderInvalid: the stop of a buy has to lie under the latest price 40000, not at 41000",
        ),
        (
            ("order", "bracket", "sell", "BTC", "0.1", "--stop", "42000", "--target", "39000", "--price", "38000"),
            1,
            "OrderInvalid: the target of a sale has to lie under the entry's limit 38000",
        ),
        (("order", "relay", "/"), 1, "DocumentInvalid: /: Is a directory"),
        (("order", "show", "9" * 5_000), 1, "DocumentInvalid"),
        (("market", "--keystore", "/nowhere"), 2, "/nowhere"),
    ],
)
def test_commands__misused__end_by_name(terminal: Terminal, words: tuple[str, ...], code: int, text: str) -> None:
    result = terminal.type(*words)
    assert (result.exit_code, text in result.output) == (code, True), result.output
    assert isinstance(result.exception, SystemExit)
    told = terminal.type(*words, "--json")
    assert told.exit_code == code
    document = json.loads(told.output)
    assert document["error"] in ("UsageError", "MissingParameter", "NoSuchOption", "BadParameter") or code != 2
    assert document["message"]


def test_commands__no_contract_on_the_chain__end_by_name(terminal: Terminal, tmp_path: Path) -> None:
    artefact = deepcopy(terminal.market.artefact)
    for record in artefact.contracts.values():
        record.address = "0x" + "77" * 20
    write_artefact(artefact_path(artefact.chain_id, "gone", tmp_path), artefact)
    where = ("--rpc", terminal.market.chain.url, "--artefacts", str(tmp_path), "--name", "gone")
    for words in (("market",), ("account", terminal.address), ("order", "list", "--ledger", terminal.address)):
        result = CliRunner().invoke(cli, [*words, *where])
        assert (result.exit_code, "CodeMismatch: no code at 0x7777" in result.output) == (1, True), result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://127.0.0.1:port", "http://[", "node"])
def test_commands__no_node__exit_with_its_code(url: str) -> None:
    result = CliRunner().invoke(cli, ["market", "--rpc", url])
    assert (result.exit_code, "RpcUnreachable" in result.output) == (4, True)


def test_commands__no_deployment__end_by_name(terminal: Terminal, tmp_path: Path) -> None:
    missing = CliRunner().invoke(cli, ["market", "--rpc", terminal.market.chain.url, "--artefacts", str(tmp_path)])
    assert (missing.exit_code, "ArtefactMissing" in missing.output) == (1, True)
    artefact = terminal.market.artefact
    original, artefact.genesis_hash = artefact.genesis_hash, "0x" + "00" * 32
    write_artefact(artefact_path(artefact.chain_id, "steelyard", tmp_path), artefact)
    artefact.genesis_hash = original
    foreign = CliRunner().invoke(cli, ["market", "--rpc", terminal.market.chain.url, "--artefacts", str(tmp_path)])
    assert (foreign.exit_code, "ArtefactForeign" in foreign.output) == (1, True)
