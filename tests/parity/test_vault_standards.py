"""The vault against the text of its standards, one test a clause: ERC-4626 where asynchrony allows, ERC-7540, ERC-7575,
ERC-165. What a test calls runs on contract and model, which are compared.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

import pytest

from sim.protocol import ErrorValue
from steelyard.fuzz.moves.vault import VAULT, fulfil, publish_all, ready
from steelyard.fuzz.scenario import ALICE, BOB, CAROL, KIM, OSCAR, TOKEN, TRADING_ACCOUNTS, UINT256_MAX, WAD, Scenario

if TYPE_CHECKING:
    from sim.protocol import Outcome

pytestmark = pytest.mark.evm

ASSETS = 1_000 * TOKEN
DEPOSIT, MINT = "deposit(uint256,address,address)", "mint(uint256,address,address)"
CLAIMS = (DEPOSIT, MINT, "withdraw", "redeem")
EVERYBODY = (ALICE, BOB, KIM, OSCAR)


def view(s: Scenario, function: str, *args: Any) -> Any:
    """Return what a view returns on both sides."""
    outcome = s.pair.read(VAULT, function, *args)
    assert outcome.ok, outcome.error
    return outcome.returns[0]


def error(outcome: Outcome) -> str:
    assert outcome.error is not None, outcome
    return outcome.error.name


def event(outcome: Outcome, name: str) -> tuple[Any, ...]:
    """Return the arguments of the one event of a name."""
    assert outcome.ok, outcome.error
    (found,) = [one.args for one in outcome.events if one.contract == VAULT and one.name == name]
    return found


def requested(s: Scenario, owner: str = ALICE, assets: int = ASSETS) -> int:
    """Request a deposit; return its id."""
    number: int = s.must(owner, VAULT, "requestDeposit", assets, owner, owner).returns[0]
    return number


def settled(s: Scenario, owner: str = ALICE, assets: int = ASSETS) -> int:
    """Request a deposit and have it settled; return its id."""
    number = requested(s, owner, assets)
    ready(s)
    assert fulfil(s).ok
    return number


def held(s: Scenario, owner: str = ALICE, assets: int = ASSETS) -> int:
    """Deposit and claim; return the shares."""
    settled(s, owner, assets)
    shares: int = s.must(owner, VAULT, DEPOSIT, assets, owner, owner).returns[0]
    return shares


def redeemed(s: Scenario, owner: str = ALICE) -> tuple[int, int]:
    """Redeem half of what is held and have it settled; return id and shares."""
    shares = held(s, owner) // 2
    number = s.must(owner, VAULT, "requestRedeem", shares, owner, owner).returns[0]
    ready(s)
    assert fulfil(s).ok
    return number, shares


def stale(s: Scenario) -> None:
    """Leave the pool with a position whose price is too old."""
    assert s.trade(TRADING_ACCOUNTS[0], 0, 10 * WAD).ok
    s.pair.wait(s.price_state(0)[4] + 1)


# ---- ERC-4626


def test_shares__are_erc_20_with_metadata(scenario: Scenario) -> None:
    """MUST implement EIP-20 to represent shares; MUST implement EIP-20's optional metadata extensions."""
    s = scenario
    shares = held(s)
    s.must(ALICE, VAULT, "transfer", BOB, shares // 2)
    s.must(BOB, VAULT, "approve", KIM, shares // 4)
    s.must(KIM, VAULT, "transferFrom", BOB, CAROL, shares // 4)
    assert view(s, "balanceOf", CAROL) == shares // 4
    assert view(s, "allowance", BOB, KIM) == 0
    assert (view(s, "name"), view(s, "symbol"), view(s, "decimals")) == ("Steelyard Liquidity", "SLP", 18)


def test_asset__is_the_settlement_token(scenario: Scenario) -> None:
    """asset: MUST be an EIP-20 token contract. MUST NOT revert."""
    assert view(scenario, "asset") == scenario.pair.addresses["LocalToken"]


def test_total_assets__never_reverts_and_includes_yield(scenario: Scenario) -> None:
    """totalAssets: SHOULD include any compounding that occurs from yield. MUST NOT revert."""
    s = scenario
    before = view(s, "totalAssets")
    assert s.trade(TRADING_ACCOUNTS[0], 0, 10 * WAD).ok
    assert view(s, "totalAssets") > before
    s.pair.wait(s.price_state(0)[4] + 1)
    assert view(s, "totalAssets") == view(s, "lastNetAssetValue")


@pytest.mark.parametrize("function", ["convertToShares", "convertToAssets"])
def test_convert__any_caller_and_prices__same_answer_without_revert(scenario: Scenario, function: str) -> None:
    """convertTo*: MUST NOT show any variations depending on the caller. MUST NOT revert unless due to overflow."""
    s = scenario
    held(s)
    answers = {s.call(caller, VAULT, function, 10**20).returns for caller in EVERYBODY}
    assert len(answers) == 1
    stale(s)
    for amount in (0, 1, 10**30):
        view(s, function, amount)
    assert s.pair.read(VAULT, function, UINT256_MAX).error in (None, ErrorValue("Panic", (0x11,)))


def test_convert__rounds_down(scenario: Scenario) -> None:
    """convertTo*: MUST round down towards 0."""
    s = scenario
    held(s)
    assert s.trade(TRADING_ACCOUNTS[0], 0, 10 * WAD).ok
    supply, assets = view(s, "totalSupply") + 10**12, view(s, "totalAssets") + 1
    for amount in (1, 7, ASSETS, 10**18 + 1):
        assert view(s, "convertToShares", amount) == amount * supply // assets
        assert view(s, "convertToAssets", amount) == amount * assets // supply


@pytest.mark.parametrize(
    ("limit", "claim"),
    [("maxDeposit", DEPOSIT), ("maxMint", MINT), ("maxWithdraw", "withdraw"), ("maxRedeem", "redeem")],
)
def test_max__is_what_can_be_claimed_and_no_more(scenario: Scenario, limit: str, claim: str) -> None:
    """max*: MUST return the maximum amount that would be allowed and not cause a revert; MUST NOT revert."""
    s = scenario
    assert view(s, limit, BOB) == 0
    redeemed(s)
    settled(s)
    most = view(s, limit, ALICE)
    assert most > 0
    assert error(s.call(ALICE, VAULT, claim, most + 1, ALICE, ALICE)) == "ClaimExceeded"
    s.must(ALICE, VAULT, claim, most, ALICE, ALICE)
    assert view(s, limit, ALICE) == 0
    assert view(s, limit, "0x" + "00" * 20) == 0


def test_deposit__emits_and_gives_the_shares(scenario: Scenario) -> None:
    """deposit: MUST emit the Deposit event. MUST revert if all of assets cannot be deposited."""
    s = scenario
    settled(s)
    outcome = s.call(ALICE, VAULT, "deposit(uint256,address)", ASSETS, BOB)
    (shares,) = outcome.returns
    assert event(outcome, "Deposit") == (ALICE, BOB, ASSETS, shares)
    assert view(s, "balanceOf", BOB) == shares
    assert error(s.call(ALICE, VAULT, "deposit(uint256,address)", 1, ALICE)) == "ClaimExceeded"


def test_mint__gives_exactly_the_shares(scenario: Scenario) -> None:
    """mint: Mints exactly shares Vault shares to receiver. MUST emit the Deposit event."""
    s = scenario
    settled(s)
    shares = view(s, "maxMint", ALICE) // 3
    outcome = s.call(ALICE, VAULT, "mint(uint256,address)", shares, BOB)
    assert event(outcome, "Deposit") == (ALICE, BOB, outcome.returns[0], shares)
    assert view(s, "balanceOf", BOB) == shares


def test_withdraw__pays_exactly_the_assets(scenario: Scenario) -> None:
    """withdraw: sends exactly assets of underlying tokens to receiver. MUST emit the Withdraw event."""
    s = scenario
    redeemed(s)
    assets, before = view(s, "maxWithdraw", ALICE) // 3, s.tokens(CAROL)
    outcome = s.call(ALICE, VAULT, "withdraw", assets, CAROL, ALICE)
    assert event(outcome, "Withdraw") == (ALICE, CAROL, ALICE, assets, outcome.returns[0])
    assert s.tokens(CAROL) - before == assets


def test_redeem__pays_for_exactly_the_shares(scenario: Scenario) -> None:
    """redeem: MUST emit the Withdraw event. MUST revert if all of shares cannot be redeemed."""
    s = scenario
    _, shares = redeemed(s)
    before = s.tokens(CAROL)
    outcome = s.call(ALICE, VAULT, "redeem", shares, CAROL, ALICE)
    assert event(outcome, "Withdraw") == (ALICE, CAROL, ALICE, outcome.returns[0], shares)
    assert s.tokens(CAROL) - before == outcome.returns[0]
    assert error(s.call(ALICE, VAULT, "redeem", 1, ALICE, ALICE)) == "ClaimExceeded"


# ---- ERC-7540: overrides


@pytest.mark.parametrize("function", ["previewDeposit", "previewMint", "previewWithdraw", "previewRedeem"])
def test_preview__any_caller_and_input__reverts(scenario: Scenario, function: str) -> None:
    """preview*: MUST revert for all callers and inputs."""
    for caller in EVERYBODY:
        for amount in (0, 1, ASSETS, UINT256_MAX):
            assert error(scenario.call(caller, VAULT, function, amount)) == "PreviewUnavailable"


def test_claim_of_a_deposit__moves_no_assets(scenario: Scenario) -> None:
    """The deposit and mint methods do not transfer assets to the Vault."""
    s = scenario
    settled(s)
    before = s.tokens(ALICE), s.tokens(s.vault.address)
    s.must(ALICE, VAULT, DEPOSIT, ASSETS // 2, ALICE, ALICE)
    s.must(ALICE, VAULT, MINT, 1, ALICE, ALICE)
    assert (s.tokens(ALICE), s.tokens(s.vault.address)) == before


def test_claim_of_a_redemption__moves_no_shares_to_the_vault(scenario: Scenario) -> None:
    """The redeem and withdraw methods do not transfer shares to the Vault."""
    s = scenario
    _, shares = redeemed(s)
    before = view(s, "balanceOf", ALICE), view(s, "totalSupply")
    s.must(ALICE, VAULT, "redeem", shares // 2, ALICE, ALICE)
    s.must(ALICE, VAULT, "withdraw", 1, ALICE, ALICE)
    assert (view(s, "balanceOf", ALICE), view(s, "totalSupply")) == before


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim__another_caller__must_be_an_operator(scenario: Scenario, claim: str) -> None:
    """The controller MUST be msg.sender unless the controller has approved the msg.sender as an operator."""
    s = scenario
    redeemed(s)
    settled(s)
    assert error(s.call(OSCAR, VAULT, claim, 10**6, OSCAR, ALICE)) == "CallerUnauthorized"
    s.must(ALICE, VAULT, "setOperator", OSCAR, True)
    s.must(OSCAR, VAULT, claim, 10**6, OSCAR, ALICE)
    s.must(ALICE, VAULT, "setOperator", OSCAR, False)
    assert error(s.call(OSCAR, VAULT, claim, 1, OSCAR, ALICE)) == "CallerUnauthorized"


# ---- ERC-7540: the life of a request


def test_requests__are_claimed_by_their_controller_only(scenario: Scenario) -> None:
    """Requests MUST NOT skip or otherwise short-circuit the Claim state. Vaults MUST NOT "push" tokens."""
    s = scenario
    number = requested(s)
    before = s.tokens(ALICE), view(s, "balanceOf", ALICE)
    ready(s)
    assert fulfil(s).ok
    assert (s.tokens(ALICE), view(s, "balanceOf", ALICE)) == before
    assert view(s, "claimableDepositRequest", number, ALICE) == ASSETS


def test_max_deposit__moves_with_what_is_claimable(scenario: Scenario) -> None:
    """maxDeposit increases and decreases in sync with claimableDepositRequest."""
    s = scenario
    numbers = [requested(s), requested(s)]
    for part in (0, ASSETS // 3, ASSETS, ASSETS // 2):
        if part == 0:
            ready(s)
            assert fulfil(s).ok
        else:
            s.must(ALICE, VAULT, DEPOSIT, part, ALICE, ALICE)
        claimable = [view(s, "claimableDepositRequest", number, ALICE) for number in numbers]
        assert sum(claimable) == view(s, "maxDeposit", ALICE)
    assert claimable == [0, 2 * ASSETS - ASSETS // 3 - ASSETS - ASSETS // 2]


def test_request_ids__are_never_zero_and_each_ones_own(scenario: Scenario) -> None:
    """If a Vault returns 0 for the requestId of any request, it MUST return 0 for all requests."""
    s = scenario
    numbers = [requested(s, owner) for owner in (ALICE, BOB, ALICE)]
    assert numbers == sorted(set(numbers))
    assert 0 not in numbers
    assert [view(s, "pendingDepositRequest", numbers[0], who) for who in (ALICE, BOB)] == [ASSETS, 0]


# ---- ERC-7540: requestDeposit


def test_request_deposit__takes_the_assets_and_is_pending(scenario: Scenario) -> None:
    """Transfers assets from owner into the Vault and submits a Request; MUST emit the DepositRequest event."""
    s = scenario
    before = s.tokens(ALICE)
    outcome = s.call(ALICE, VAULT, "requestDeposit", ASSETS, BOB, ALICE)
    (number,) = outcome.returns
    assert event(outcome, "DepositRequest") == (BOB, ALICE, number, ALICE, ASSETS)
    assert before - s.tokens(ALICE) == ASSETS
    assert view(s, "pendingDepositRequest", number, BOB) == ASSETS
    assert view(s, "pendingDepositRequest", number, ALICE) == 0


def test_request_deposit__not_the_owner__must_be_his_operator(scenario: Scenario) -> None:
    """owner MUST equal msg.sender unless the owner has approved the msg.sender as an operator."""
    s = scenario
    assert error(s.call(OSCAR, VAULT, "requestDeposit", ASSETS, OSCAR, ALICE)) == "CallerUnauthorized"
    s.must(ALICE, VAULT, "setOperator", OSCAR, True)
    outcome = s.call(OSCAR, VAULT, "requestDeposit", ASSETS, OSCAR, ALICE)
    assert event(outcome, "DepositRequest")[3] == OSCAR


def test_request_deposit__without_enough_approval__reverts(scenario: Scenario) -> None:
    """MUST support ERC-20 approve / transferFrom; MUST revert if all of assets cannot be requested."""
    s = scenario
    s.must(ALICE, "LocalToken", "approve", s.vault.address, ASSETS - 1)
    assert error(s.call(ALICE, VAULT, "requestDeposit", ASSETS, ALICE, ALICE)) == "ERC20InsufficientAllowance"
    s.must(ALICE, "LocalToken", "approve", s.vault.address, ASSETS)
    s.must(ALICE, VAULT, "requestDeposit", ASSETS, ALICE, ALICE)


@pytest.mark.parametrize("kind", ["Deposit", "Redeem"])
def test_pending_and_claimable__hold_no_part_of_each_other(scenario: Scenario, kind: str) -> None:
    """pending*Request MUST NOT include any amount in Claimable state, and claimable*Request none in Pending state."""
    s = scenario
    amount = held(s) if kind == "Redeem" else ASSETS
    number = s.must(ALICE, VAULT, f"request{kind}", amount, ALICE, ALICE).returns[0]
    both = f"pending{kind}Request", f"claimable{kind}Request"
    assert [view(s, function, number, ALICE) for function in both] == [amount, 0]
    ready(s)
    assert fulfil(s).ok
    assert [view(s, function, number, ALICE) for function in both] == [0, amount]


@pytest.mark.parametrize(
    "function",
    ["pendingDepositRequest", "claimableDepositRequest", "pendingRedeemRequest", "claimableRedeemRequest"],
)
def test_status__any_caller_and_input__same_answer_without_revert(scenario: Scenario, function: str) -> None:
    """MUST NOT show any variations depending on the caller. MUST NOT revert."""
    s = scenario
    redeemed(s)
    requested(s)
    for number in (0, 1, 2, 3, UINT256_MAX):
        for controller in (ALICE, "0x" + "00" * 20, s.vault.address):
            assert len({s.must(who, VAULT, function, number, controller).returns for who in EVERYBODY}) == 1


# ---- ERC-7540: requestRedeem


def test_request_redeem__takes_the_shares_and_burns_them_by_the_claim(scenario: Scenario) -> None:
    """shares MUST be removed from the custody of owner upon requestRedeem and burned by the time it is Claimed."""
    s = scenario
    shares, supply = held(s), view(s, "totalSupply")
    outcome = s.call(ALICE, VAULT, "requestRedeem", shares, BOB, ALICE)
    (number,) = outcome.returns
    assert event(outcome, "RedeemRequest") == (BOB, ALICE, number, ALICE, shares)
    assert view(s, "balanceOf", ALICE) == 0
    assert view(s, "pendingRedeemRequest", number, BOB) == shares
    ready(s)
    assert fulfil(s).ok
    s.must(BOB, VAULT, "redeem", shares, BOB, BOB)
    assert supply - view(s, "totalSupply") == shares


def test_request_redeem__by_approval__spends_it_unless_infinite(scenario: Scenario) -> None:
    """Approval may come from ERC-20 approval over the shares of owner; infinite approvals SHOULD NOT be deducted."""
    s = scenario
    part = held(s) // 4
    assert error(s.call(KIM, VAULT, "requestRedeem", part, KIM, ALICE)) == "ERC20InsufficientAllowance"
    s.must(ALICE, VAULT, "approve", KIM, part + 1)
    s.must(KIM, VAULT, "requestRedeem", part, KIM, ALICE)
    assert view(s, "allowance", ALICE, KIM) == 1
    s.must(ALICE, VAULT, "approve", KIM, UINT256_MAX)
    s.must(KIM, VAULT, "requestRedeem", part, KIM, ALICE)
    assert view(s, "allowance", ALICE, KIM) == UINT256_MAX


def test_request_redeem__by_an_operator__spends_no_approval(scenario: Scenario) -> None:
    """Spenders with operator permission are not subject to allowance restrictions."""
    s = scenario
    shares = held(s)
    s.must(ALICE, VAULT, "setOperator", OSCAR, True)
    s.must(ALICE, VAULT, "approve", OSCAR, 5)
    s.must(OSCAR, VAULT, "requestRedeem", shares, OSCAR, ALICE)
    assert view(s, "allowance", ALICE, OSCAR) == 5


def test_request_redeem__more_than_there_is__reverts(scenario: Scenario) -> None:
    """MUST revert if all of shares cannot be requested."""
    s = scenario
    shares = held(s)
    assert error(s.call(ALICE, VAULT, "requestRedeem", shares + 1, ALICE, ALICE)) == "ERC20InsufficientBalance"


# ---- ERC-7540: operators


@pytest.mark.parametrize("approved", [True, False])
def test_set_operator__sets_logs_and_returns_true(scenario: Scenario, approved: bool) -> None:
    """setOperator: MUST set the operator status to the approved value. MUST log OperatorSet. MUST return True."""
    s = scenario
    outcome = s.call(ALICE, VAULT, "setOperator", OSCAR, approved)
    assert outcome.returns == (True,)
    assert event(outcome, "OperatorSet") == (ALICE, OSCAR, approved)
    assert view(s, "isOperator", ALICE, OSCAR) is approved


@pytest.mark.parametrize("claim", [DEPOSIT, MINT])
def test_deposit_event__of_the_overloads__names_controller_and_receiver(scenario: Scenario, claim: str) -> None:
    """The first parameter MUST be the controller, and the second parameter MUST be the receiver."""
    s = scenario
    settled(s)
    s.must(ALICE, VAULT, "setOperator", OSCAR, True)
    outcome = s.call(OSCAR, VAULT, claim, 10**6, CAROL, ALICE)
    assert event(outcome, "Deposit")[:2] == (ALICE, CAROL)


# ---- ERC-7575


def test_share__is_the_vault(scenario: Scenario) -> None:
    """share: MUST return an address of an ERC-20 share representation of the Vault; MAY be itself. MUST NOT revert."""
    assert view(scenario, "share") == scenario.vault.address


# ---- ERC-165

_MINIMAL = ("asset", "share", "convertToAssets", "convertToShares", "totalAssets")
_PARTS = {
    "0xc1f329ef": ("deposit(uint256,address)", "previewDeposit", "maxDeposit"),
    "0xe1550342": ("mint(uint256,address)", "previewMint", "maxMint"),
    "0x2fd7d42a": ("redeem", "previewRedeem", "maxRedeem"),
    "0x70dec094": ("withdraw", "previewWithdraw", "maxWithdraw"),
}
INTERFACES = {
    "0x01ffc9a7": ("supportsInterface",),
    "0xe3bc4e65": ("setOperator", "isOperator"),
    "0xce3bbe50": ("requestDeposit", "pendingDepositRequest", "claimableDepositRequest", DEPOSIT, MINT),
    "0x620ee8e4": ("requestRedeem", "pendingRedeemRequest", "claimableRedeemRequest"),
    "0x50a526d6": _MINIMAL,
    **_PARTS,
    "0x2f0a18c5": (*_MINIMAL, *(function for part in _PARTS.values() for function in part)),
}


@pytest.mark.parametrize("interface", INTERFACES)
def test_supports_interface__each_standard__is_told(scenario: Scenario, interface: str) -> None:
    """MUST return the constant value true if the identifier is passed; it is the exclusive or of the selectors."""
    index = scenario.pair.chain.abi  # type: ignore[attr-defined]
    selectors = [index.function(VAULT, function).selector for function in INTERFACES[interface]]
    assert reduce(xor, (int.from_bytes(selector, "big") for selector in selectors)) == int(interface, 16)
    assert view(scenario, "supportsInterface", interface) is True


@pytest.mark.parametrize("interface", ["0xffffffff", "0x00000000", "0x36372b07"])
def test_supports_interface__anything_else__is_not(scenario: Scenario, interface: str) -> None:
    """false when interfaceID is 0xffffffff, and for any other interfaceID."""
    assert view(scenario, "supportsInterface", interface) is False


def test_views__with_stale_prices__do_not_revert(scenario: Scenario) -> None:
    """MUST NOT revert: all views but the previews."""
    s = scenario
    held(s)
    stale(s)
    for function in ("asset", "share", "totalAssets", "totalSupply", "depositQueue", "redeemQueue"):
        assert s.pair.read(VAULT, function).ok
    for function in ("maxDeposit", "maxMint", "maxWithdraw", "maxRedeem", "balanceOf"):
        assert s.pair.read(VAULT, function, ALICE).ok
    publish_all(s)
