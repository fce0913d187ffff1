"""What settled requests leave to claim, and shares as tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.evm import Address
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.vault import HOLDERS, VAULT, fulfil, holder, ready, shares_of
from steelyard.fuzz.scenario import EVERYBODY, KIM, MALLORY, OSCAR, TOKEN, TRADERS, UINT256_MAX

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

_LEAST = 10**6
_NOBODY = "0x" + "00" * 20


def _settled_deposit(s: Scenario, c: Choices) -> str:
    """Return a controller who has shares to claim."""
    found = [owner for owner in HOLDERS if s.vault.max_deposit(Address(owner))]
    if found and c.chance(70):
        return c.pick(found)
    owner = c.pick(TRADERS)
    s.call(owner, VAULT, "requestDeposit", c.amount(_LEAST, 10_000 * TOKEN), owner, owner)
    ready(s)
    fulfil(s)
    return owner


def _settled_redemption(s: Scenario, c: Choices) -> str:
    """Return a controller who has assets to claim."""
    found = [owner for owner in HOLDERS if s.vault.max_withdraw(Address(owner))]
    if found and c.chance(70):
        return c.pick(found)
    owner = holder(s, c)
    shares = c.amount(s.vault.least_redemption(), max(s.vault.least_redemption(), shares_of(s, owner) // 4))
    s.call(owner, VAULT, "requestRedeem", shares, owner, owner)
    ready(s)
    fulfil(s)
    return owner


def _sender(s: Scenario, c: Choices, owner: str) -> str:
    if c.chance(70):
        return owner
    s.must(owner, VAULT, "setOperator", OSCAR, True)
    return OSCAR


@aim("claim")
def claim_deposit(s: Scenario, c: Choices) -> Outcome:
    """Claim shares by assets or by shares, in parts or all."""
    owner = _settled_deposit(s, c)
    claim = s.vault.deposits.claim_of(Address(owner))
    by_assets = c.chance(50)
    most = claim.amount if by_assets else claim.payout
    name, amount = "deposit" if by_assets else "mint", c.amount(1, max(1, most))
    receiver = c.pick((owner, *EVERYBODY))
    if c.chance(40):
        return s.call(owner, VAULT, f"{name}(uint256,address)", amount, receiver)
    return s.call(_sender(s, c, owner), VAULT, f"{name}(uint256,address,address)", amount, receiver, owner)


@aim("claim")
def claim_redemption(s: Scenario, c: Choices) -> Outcome:
    """Claim assets by shares or by assets, in parts or all."""
    owner = _settled_redemption(s, c)
    claim = s.vault.redemptions.claim_of(Address(owner))
    by_shares = c.chance(50)
    most = claim.amount if by_shares else claim.payout
    receiver = c.pick((owner, *EVERYBODY))
    function = "redeem" if by_shares else "withdraw"
    return s.call(_sender(s, c, owner), VAULT, function, c.amount(1, max(1, most)), receiver, owner)


@aim("claim", "ClaimExceeded")
def claim_too_much(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(HOLDERS)
    deposits, redemptions = (queue.claim_of(Address(owner)) for queue in (s.vault.deposits, s.vault.redemptions))
    function, most = c.pick(
        (
            ("deposit(uint256,address,address)", deposits.amount),
            ("mint(uint256,address,address)", deposits.payout),
            ("redeem", redemptions.amount),
            ("withdraw", redemptions.payout),
        )
    )
    return s.call(owner, VAULT, function, most + c.amount(1, UINT256_MAX - most), owner, owner)


@aim("claim", "AmountZero")
def claim_nothing(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(HOLDERS)
    overloaded = c.pick(("deposit", "mint"))
    function = c.pick((f"{overloaded}(uint256,address,address)", "redeem", "withdraw"))
    return s.call(owner, VAULT, function, 0, owner, owner)


@aim("claim", "CallerUnauthorized")
def claim_unasked(s: Scenario, c: Choices) -> Outcome:
    owner, thief = c.pick(HOLDERS), c.pick((KIM, ADMIN, GUARDIAN, STEWARD))
    overloaded = c.pick(("deposit", "mint"))
    function = c.pick((f"{overloaded}(uint256,address,address)", "redeem", "withdraw"))
    return s.call(thief, VAULT, function, c.amount(1, TOKEN), thief, owner)


@aim("claim", "ERC20InvalidReceiver")
def claim_for_nobody(s: Scenario, c: Choices) -> Outcome:
    if c.chance(50):
        return s.call(_settled_deposit(s, c), VAULT, "deposit(uint256,address)", 1, _NOBODY)
    owner = _settled_redemption(s, c)
    return s.call(owner, VAULT, "withdraw", 1, _NOBODY, owner)


@aim("claim", "TransferMismatch")
def claim_to_the_vault(s: Scenario, c: Choices) -> Outcome:
    owner = _settled_redemption(s, c)
    return s.call(owner, VAULT, "withdraw", 1, s.vault.address, owner)


# ---- shares


@aim("shares")
def move_shares(s: Scenario, c: Choices) -> Outcome:
    """Send shares to anybody, the vault included."""
    owner = holder(s, c)
    most = shares_of(s, owner) // 4
    return s.call(owner, VAULT, "transfer", c.pick((*HOLDERS, MALLORY, KIM, s.vault.address)), c.amount(0, most))


@aim("shares")
def spend_shares(s: Scenario, c: Choices) -> Outcome:
    owner = holder(s, c)
    shares = c.amount(0, shares_of(s, owner) // 4)
    s.must(owner, VAULT, "approve", KIM, c.pick((shares, UINT256_MAX)))
    return s.call(KIM, VAULT, "transferFrom", owner, c.pick(HOLDERS), shares)


@aim("shares")
def send_assets_to_the_vault(s: Scenario, c: Choices) -> Outcome:
    """Send tokens past the queues: they are nobody's."""
    owner = c.pick(TRADERS)
    return s.call(owner, "LocalToken", "transfer", s.vault.address, c.amount(0, min(s.tokens(owner), TOKEN)))


@aim("shares")
def set_operator(s: Scenario, c: Choices) -> Outcome:
    owner, operator = c.pick(HOLDERS), c.pick((OSCAR, OSCAR, MALLORY, LIQUIDITY))
    return s.call(owner, VAULT, "setOperator", operator, c.chance(50))


@aim("shares", "ERC20InsufficientBalance")
def move_too_many_shares(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(HOLDERS)
    return s.call(owner, VAULT, "transfer", c.pick(HOLDERS), shares_of(s, owner) + c.amount(1, 10**30))


@aim("shares", "ERC20InsufficientAllowance")
def spend_too_many_shares(s: Scenario, c: Choices) -> Outcome:
    owner, amount = holder(s, c), c.amount(1, 10**30)
    s.must(owner, VAULT, "approve", KIM, amount - 1)
    return s.call(KIM, VAULT, "transferFrom", owner, KIM, amount)
