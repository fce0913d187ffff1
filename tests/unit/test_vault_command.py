"""The commands of a provider of liquidity: amounts, what is told, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from steelyard.cli import cli
from steelyard.client import ContractReverted
from steelyard.client.records import PoolRisk
from steelyard.client.vault import Kind, Obstacle, Request, RequestState, Vault, VaultTimes, VaultView, Waiting
from steelyard.vault.actions import Provider
from steelyard.vault.amounts import SHARES, TOKENS, decimal_of
from steelyard.vault.command import show_requests, show_status
from steelyard.vault.errors import MintForbidden, NothingClaimable, SharesMissing, TokensMissing

if TYPE_CHECKING:
    from steelyard.client.steps import Steps

WAD = 10**18
OWNER = "0x" + "Ab" * 20
NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1000", 1_000 * 10**6), ("0.000001", 1), ("1_000.5", 1_000_500_000), ("1e3", 10**9), ("2.50000000", 2_500_000)],
)
def test_amount__decimal__is_units_of_the_token(text: str, expected: int) -> None:
    assert TOKENS.convert(text, None, None) == expected


def test_amount__shares__have_18_decimals() -> None:
    assert SHARES.convert("0.000000000000000001", None, None) == 1
    assert SHARES.convert("340282366920938463463.374607431768211455", None, None) == 2**128 - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no decimal number"),
        ("ten", "no decimal number"),
        ("1,000", "no decimal number"),
        ("0", "not above zero"),
        ("-1", "not above zero"),
        ("nan", "not above zero"),
        ("inf", "not above zero"),
        ("0.0000001", "more than 6 decimals"),
        ("1.0000001", "more than 6 decimals"),
        ("1e-999999999", "more than 6 decimals"),
        ("1e999999999", "too large"),
        ("340282366920938463463374607431768.211456", "too large"),
    ],
)
def test_amount__anything_else__is_refused(text: str, words: str) -> None:
    with pytest.raises(click.BadParameter, match=words):
        TOKENS.convert(text, None, None)


@pytest.mark.parametrize(
    ("units", "decimals", "expected"),
    [(0, 6, "0"), (1, 6, "0.000001"), (1_234_500_000, 6, "1,234.5"), (10**18, 18, "1"), (-1_500_000, 6, "-1.5")],
)
def test_decimal_of__units__are_told_exactly(units: int, decimals: int, expected: str) -> None:
    assert decimal_of(units, decimals) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["redeem"], "give AMOUNT or --all"),
        (["redeem", "5", "--all"], "give AMOUNT or --all"),
        (["deposit", "-5"], "No such option"),
        (["deposit", "0"], "not above zero"),
        (["cancel", "deposit", "0"], "0 is not in the range"),
        (["cancel", "mint", "1"], "'mint' is not one of"),
        (["requests", "nobody"], "no address"),
    ],
)
def test_vault__bad_usage__exits_with_2(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["vault", *arguments])
    assert result.exit_code == 2
    assert words in result.output


def request(**changes: Any) -> Request:
    made = Request(
        kind=Kind.REDEEM,
        number=4,
        controller=OWNER,
        requested_at=NOW,
        amount=10 * WAD,
        pending=4 * WAD,
        claimable=6 * WAD,
        settled_from=NOW + 60,
        cancellable_from=NOW + 86_400,
        state=RequestState.PARTLY,
    )
    return replace(made, **changes)


def view(**changes: Any) -> VaultView:
    waiting = Waiting(deposits=0, redemptions=2, since=NOW, obstacle=Obstacle.BUSY, detail="because")
    made = VaultView(
        block=7,
        timestamp=NOW + 5,
        assets=20_000_000 * 10**6,
        supply=16_000_000 * WAD,
        share_value=1_250_000_000_000_000_000,
        last_assets=19_000_000 * 10**6,
        risk=PoolRisk(21_000_000 * WAD, 20_000_000 * WAD, 4_000_000 * WAD, 2_000_000 * WAD, 40_000_000 * WAD, NOW),
        unpriced=None,
        free=16_000_000 * 10**6,
        pending_assets=0,
        pending_shares=4 * WAD,
        waiting=waiting,
        times=VaultTimes(60, 10, 86_400),
    )
    return replace(made, **changes)


def status_of(shown: VaultView) -> str:
    console = Console(record=True, width=160)
    show_status(shown, console)
    return console.export_text()


def test_show_status__requests_wait__tells_numbers_and_reason() -> None:
    text = status_of(view())
    for words in ("20,000,000", "1.250000", "4,000,000.00", "16,000,000", "5 s old", "4 shares"):
        assert words in text
    assert "0 deposits and 2 redemptions wait since 2023-11-14 22:13:20: pool busy, because." in text


def test_show_status__nothing_waits__says_what_a_request_is_settled_at() -> None:
    assert "No request waits. One is settled at prices published 60 s after it" in status_of(view(waiting=None))


def test_show_status__no_usable_price__says_so_and_has_no_margins() -> None:
    shown = view(risk=None, free=None, unpriced="PriceStale(market=0)")
    text = status_of(shown)
    assert "no usable price: PriceStale(market=0)" in text
    assert "margin" not in text
    document = shown.to_json()
    assert (document["pool"], document["free"], document["unpriced"]) == (None, None, "PriceStale(market=0)")


def test_to_json__view__has_exact_decimals_in_strings() -> None:
    document = view().to_json()
    assert document["share_value"] == "1.25"
    assert document["pool"]["priced_at"] == NOW
    assert document["pool"]["initial_margin"] == "4000000"
    assert document["waiting"]["obstacle"] == "busy"
    assert request().to_json()["pending"] == "4"


class FakeChain:
    """Answers calls by the name of the function, and refuses to send."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.chain_id = 31_337

    def call(self, _contract: Any, function: str, *_: Any, sender: str | None = None) -> Any:
        self.asked.append(function if sender is None else f"{function} by {sender}")
        answer = self.answers[function]
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeSender:
    """An address that never signs."""

    address = OWNER

    def submit(self, transaction: dict[str, Any]) -> Steps[dict[str, Any]]:
        raise AssertionError("a dry run sends nothing")


class FakeExchange:
    """Contracts that are only names."""

    class _Contract:
        address = "0x" + "01" * 20

    vault = token = _Contract()

    def __init__(self, chain: FakeChain) -> None:
        self.chain = chain


def provider(**answers: Any) -> tuple[Provider, FakeChain]:
    times = {"SETTLE_DELAY_SECONDS": 60, "MAX_PRICE_AGE_SECONDS": 10, "CANCEL_DELAY_SECONDS": 86_400}
    chain = FakeChain(**times, **answers)
    vault = Vault(FakeExchange(chain))  # type: ignore[arg-type]
    return Provider(vault, FakeSender(), is_dry=True), chain


def test_deposit__fewer_tokens__is_refused_by_name() -> None:
    acting, _ = provider(balanceOf=999_999)
    with pytest.raises(TokensMissing, match=r"holds 0.999999 of the settlement token, not 1$"):
        acting.deposit(10**6)


def test_deposit__dry__asks_the_vault_only_where_it_may_take_the_tokens() -> None:
    acting, chain = provider(balanceOf=10**6, allowance=0)
    assert acting.deposit(10**6).steps == ("let the vault take 1 tokens", "request shares for 1 tokens")
    assert not any("requestDeposit" in function for function in chain.asked)

    acting, chain = provider(balanceOf=10**6, allowance=10**6, requestDeposit=1)
    done = acting.deposit(10**6)
    assert done.steps == ("request shares for 1 tokens",)
    assert done.to_json()["is_sent"] is False
    assert f"requestDeposit by {OWNER}" in chain.asked


@pytest.mark.parametrize("chain_id", [1, 11_155_111])
def test_deposit__minted_where_the_chain_is_not_local__is_refused(chain_id: int) -> None:
    acting, chain = provider(allowance=0)
    chain.chain_id = chain_id
    with pytest.raises(MintForbidden, match=f"chain {chain_id} is not local"):
        acting.deposit(10**6, is_minted=True)


def test_deposit__vault_refuses__is_told_in_a_dry_run_too() -> None:
    refusal = ContractReverted("AmountTooSmall", {"amount": 1, "minimum": 10**6}, b"")
    acting, _ = provider(balanceOf=10**6, allowance=10**6, requestDeposit=refusal)
    with pytest.raises(ContractReverted, match=r"AmountTooSmall\(amount=1, minimum=1000000\)"):
        acting.deposit(1)


def test_redeem__no_shares__is_refused_by_name() -> None:
    acting, _ = provider(balanceOf=0)
    with pytest.raises(SharesMissing, match="holds 0 shares, not any"):
        acting.redeem(None)
    with pytest.raises(SharesMissing, match="holds 0 shares, not 2"):
        acting.redeem(2 * WAD)


def test_claim__nothing_settled__is_refused_with_an_exit_code_of_its_own() -> None:
    acting, _ = provider(maxDeposit=0, maxMint=0, maxRedeem=0, maxWithdraw=0)
    with pytest.raises(NothingClaimable) as refused:
        acting.claim()
    assert refused.value.exit_code == 3


def test_claim__both_kinds__are_told() -> None:
    acting, _ = provider(maxDeposit=10**6, maxMint=WAD, maxRedeem=2 * WAD, maxWithdraw=2_500_000)
    done = acting.claim()
    assert done.steps == ("claim 1 shares of deposits", "claim 2.5 tokens of redemptions")
    assert [one.to_json()["paid"] for one in done.claimed] == ["1", "2.5"]


@pytest.mark.parametrize(
    ("answers", "obstacle"),
    [
        ({"fulfil": ContractReverted("PriceStale", {"market": 0}, b"")}, Obstacle.UNPRICED),
        (
            {"fulfil": ContractReverted("PoolUnhealthy", {"netAssetValue": 1, "maintenanceMargin": 2}, b"")},
            Obstacle.UNHEALTHY,
        ),
        ({"fulfil": ContractReverted("PoolExhausted", {"netAssetValue": -1}, b"")}, Obstacle.EXHAUSTED),
        ({"fulfil": ContractReverted("TransferMismatch", {"requested": 1, "received": 2}, b"")}, Obstacle.OTHER),
        ({"fulfil": (1, 0)}, None),
    ],
)
def test_waiting__vault_refuses__is_the_obstacle(answers: dict[str, Any], obstacle: Obstacle | None) -> None:
    chain = FakeChain(
        SETTLE_DELAY_SECONDS=60,
        MAX_PRICE_AGE_SECONDS=10,
        CANCEL_DELAY_SECONDS=86_400,
        depositQueue=(2, 3),
        redeemQueue=(5, 5, 0),
        depositRequestOf=(OWNER, NOW, 10**6, 0),
        pendingDepositRequest=10**6,
        claimableDepositRequest=0,
        **answers,
    )
    chain.block = lambda: type("Block", (), {"timestamp": NOW})  # type: ignore[attr-defined]
    found = Vault(FakeExchange(chain)).waiting()  # type: ignore[arg-type]
    assert found is not None
    assert (found.deposits, found.redemptions, found.since, found.obstacle) == (1, 0, NOW, obstacle)


def test_waiting__empty_queues__is_none() -> None:
    acting, chain = provider(depositQueue=(2, 2), redeemQueue=(5, 5, 0))
    assert acting is not None
    assert Vault(FakeExchange(chain)).waiting() is None  # type: ignore[arg-type]


def test_show_requests__settled_in_part__tells_what_is_pending_and_from_when() -> None:
    _, chain = provider(balanceOf=WAD, maxDeposit=0, maxMint=0, maxRedeem=6 * WAD, maxWithdraw=7_500_000)
    console = Console(record=True, width=160)
    taken = request(number=5, state=RequestState.CANCELLED, amount=0, pending=0, claimable=0)
    show_requests(Vault(FakeExchange(chain)), OWNER, [request(), taken], console)  # type: ignore[arg-type]
    text = console.export_text()
    assert "holds 1 shares, may claim 0 shares and 7.5 tokens" in text
    (line,) = [line for line in text.splitlines() if "redeem 4" in line]
    for words in ("settled in part", "10", "4", "6", "2023-11-14 22:14:20", "2023-11-15 22:13:20"):
        assert words in line
    (line,) = [line for line in text.splitlines() if "redeem 5" in line]
    assert "cancelled" in line
    assert "2023" not in line
