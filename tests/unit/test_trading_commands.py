"""What a trader's commands and the keepers' refuse or tell, without a node."""

from __future__ import annotations

import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.client.signing import Permit, SignedPermit
from steelyard.commands import account

if TYPE_CHECKING:
    from click.testing import Result

    from steelyard.client.values import Permission

OPERATOR = "0x" + "55" * 20


def permit_with(monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """Type `account permit` where a client signs whatever it is asked to."""

    def sign_permit(operator: str, permissions: Permission, *, expires: Any) -> SignedPermit:
        del expires
        permit = Permit(
            owner="0x" + "11" * 20,
            operator=operator,
            permissions=permissions,
            expires_at=7,
            nonce=1,
            chain_id=1,
            clearinghouse="0x" + "22" * 20,
        )
        return SignedPermit(permit, "0x44")

    monkeypatch.setattr(account, "client_of", lambda **_: nullcontext(SimpleNamespace(sign_permit=sign_permit)))
    return CliRunner(mix_stderr=False).invoke(cli, ["account", "permit", OPERATOR, "--expires", "+7d", *words])


def test_permit__no_permission__says_on_stderr_that_it_revokes(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ((), ("--json",)):
        told = permit_with(monkeypatch, *words)
        assert (told.exit_code, json.loads(told.stdout)["permissions"]) == (0, [])
        assert told.stderr == f"no permission is named: once relayed, this revokes all that {OPERATOR} has\n"


def test_permit__some_permission__says_nothing_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    told = permit_with(monkeypatch, "--trade")
    assert (told.exit_code, told.stderr, json.loads(told.stdout)["permissions"]) == (0, "", ["trade"])


@pytest.mark.parametrize(("command", "option"), [("settle", "--fee-index"), ("keeper", "--reward-index")])
@pytest.mark.parametrize("index", [-1, 2**96])
def test_keepers__index_of_somebody_elses_account__is_wrong_usage(command: str, option: str, index: int) -> None:
    told = CliRunner(mix_stderr=False).invoke(cli, [command, option, str(index), "--once"])
    assert told.exit_code == 2
    assert f"'{option}'" in told.stderr
