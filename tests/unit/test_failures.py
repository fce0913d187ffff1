"""Errors of commands: one line, or one JSON object on stderr."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import click
import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.client.abi import decode_revert
from steelyard.client.errors import (
    AmountInvalid,
    ContractReverted,
    MarketUnlisted,
    RpcUnreachable,
    TransactionFailed,
    WaitTimeout,
)
from steelyard.client.errors.base import attribute_name
from steelyard.client.errors.contracts import BY_NAME
from steelyard.client.readable import AMOUNTS
from steelyard.failures import JsonErrors, error_json, named

REVERTED = ContractReverted("MarginInsufficient", {"equity": -5, "initialMargin": 10**30, "isPaused": True}, b"\x01")


@click.group(cls=JsonErrors)
def root() -> None:
    pass


def run(error: BaseException, *words: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command that ends with an error."""

    @root.command("fail")
    @click.option("--json", "as_json", is_flag=True)
    @click.option("--size", type=int)
    @named
    def fail(**_: Any) -> None:
        click.echo("begun", err=True)
        raise error

    result = CliRunner(mix_stderr=False).invoke(root, ["fail", *words])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("error", "name", "arguments"),
    [
        (REVERTED, "MarginInsufficient", {"equity": "-5", "initialMargin": str(10**30), "isPaused": True}),
        (
            AmountInvalid("size", Decimal("1E-19"), "why"),
            "AmountInvalid",
            {"amount": "size", "value": "0." + "0" * 18 + "1"},
        ),
        (RpcUnreachable("http://node", "gone"), "RpcUnreachable", {}),
        (decode_revert(b""), "Unknown", {"data": "0x"}),
        (FileNotFoundError(2, "No such file", "x"), "FileNotFoundError", {}),
        (
            TransactionFailed("0xab", REVERTED),
            "TransactionFailed",
            {"hash": "0xab", "cause": error_json(REVERTED)},
        ),
    ],
)
def test_error_json__any_error__tells_class_arguments_and_words(
    error: Exception, name: str, arguments: dict[str, Any]
) -> None:
    told = error_json(error)
    assert (told["error"], told["arguments"], told["message"]) == (name, arguments, str(error))
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("error", "code"),
    [(MarketUnlisted("X", ("BTC",)), 1), (RpcUnreachable("node", "gone"), 4), (WaitTimeout("late"), 5)],
)
def test_named__json__is_one_object_on_stderr_with_the_same_exit_code(error: Exception, code: int) -> None:
    assert run(error) == (code, "", f"begun\nError: {type(error).__name__}: {error}\n")
    ended, out, err = run(error, "--json")
    assert (ended, out) == (code, "")
    assert json.loads(err.splitlines()[-1]) == error_json(error)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "MarginInsufficient",
            {"equity": -989_999 * 10**18, "initialMargin": 10**17},
            "equity=-989999, initialMargin=0.1",
        ),
        (
            "OpenMarketsExceeded",
            {"account": 7 << 96 | 3, "openMarkets": 11, "maximum": 10},
            f"account=0x{7:040x}/3, openMarkets=11, maximum=10",
        ),
        (
            "AccountPairInvalid",
            {"from": 7 << 96, "to": 8 << 96 | 2**96 - 1},
            f"from=0x{7:040x}/0, to=0x{8:040x}/{2**96 - 1}",
        ),
        ("CallerUnauthorized", {"account": "0x12", "caller": "0x34"}, "account=0x12, caller=0x34"),
        (
            "PriceStale",
            {"market": 1, "publishedAt": 10**9, "maxAge": 60},
            "market=1, publishedAt=1000000000, maxAge=60",
        ),
    ],
)
def test_named__contract_error__is_told_in_decimals_and_accounts_by_name(
    name: str, arguments: dict[str, Any], text: str
) -> None:
    error = BY_NAME[name](name, arguments, b"")
    assert run(error) == (1, "", f"begun\nError: {name}({text})\n")
    wrapped = TransactionFailed("0xab", error)
    assert run(wrapped) == (1, "", f"begun\nError: TransactionFailed: 0xab reverted: {name}({text})\n")
    for one in (error, wrapped):
        exact = json.loads(run(one, "--json")[2].splitlines()[-1])
        assert (exact, exact["message"]) == (error_json(one), str(one))


def test_amounts__by_error__are_arguments_that_it_has() -> None:
    for name, amounts in AMOUNTS.items():
        assert {attribute_name(one) for one in amounts} <= set(BY_NAME[name].__annotations__)


def test_named__error_that_nobody_expected__keeps_its_traceback() -> None:
    @named
    def fail(**_: Any) -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        fail(as_json=True)


def test_json_errors__wrong_usage__is_one_object_too() -> None:
    for words, name in ((["--size", "1.5"], "BadParameter"), (["--sizes"], "NoSuchOption")):
        code, out, err = run(KeyError("never"), "--json", *words)
        assert (code, out) == (2, "")
        told = json.loads(err)
        assert (told["error"], told["arguments"]) == (name, {})
        assert words[0] in told["message"]


def test_json_errors__help_and_success__exit_with_0() -> None:
    runner = CliRunner()
    assert runner.invoke(cli, ["market", "--json", "--help"]).exit_code == 0

    @root.command("succeed")
    @click.option("--json", "as_json", is_flag=True)
    def succeed(**_: Any) -> None:
        click.echo("{}")

    done = runner.invoke(root, ["succeed", "--json"])
    assert (done.exit_code, done.output) == (0, "{}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("market",),
        ("quote", "BTC", "1"),
        ("account", "0x" + "11" * 20),
        ("account", "permit", "0x" + "11" * 20, "--expires", "+1d"),
        ("trade", "buy", "BTC", "1"),
        ("order", "list"),
    ],
)
def test_commands__node_unreachable__is_one_object_with_exit_code_4(words: tuple[str, ...]) -> None:
    where = ("--rpc", "http://127.0.0.1:9/key", "--json")
    result = CliRunner(mix_stderr=False).invoke(cli, [*words, *where])
    assert (result.exit_code, result.stdout) == (4, "")
    assert json.loads(result.stderr)["error"] == "RpcUnreachable"
    assert "key" not in result.stderr
