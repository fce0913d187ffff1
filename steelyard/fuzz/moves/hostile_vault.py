"""The vault between a token that misbehaves and a contract that answers back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.evm import Address
from sim.protocol.mocks.hostile_token import Plan, Trick
from steelyard.fuzz.moves.hostile import calling, through
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.moves.vault import VAULT, fulfil, ready, shares_of
from steelyard.fuzz.scenario import KIM, MALLORY, OSCAR, TOKEN, TRADERS, WAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol import Outcome
    from sim.protocol.mocks.hostile_actor import Call
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

    Door = Callable[[], Outcome]

_LEAST = 10**6


def _paying_in(s: Scenario, c: Choices) -> Door:
    """Return a request of a trader's, or of Mallory's contract."""
    amount = c.amount(_LEAST, 1_000 * TOKEN)
    if c.chance(50):
        return lambda: s.act(s.message(VAULT, "requestDeposit", amount, MALLORY, MALLORY))
    owner = c.pick(TRADERS)
    return lambda: s.call(owner, VAULT, "requestDeposit", amount, owner, owner)


def _settling(s: Scenario, c: Choices) -> Door:
    """Return the settlement of a deposit, by which tokens go to the pool."""
    owner = c.pick(TRADERS)
    s.must(owner, VAULT, "requestDeposit", c.amount(_LEAST, 1_000 * TOKEN), owner, owner)
    ready(s)
    return lambda: fulfil(s, 50, 0)


def _paying_out(s: Scenario, c: Choices) -> Door:
    """Return the claim of assets, where there are any."""
    owner = next((who for who in TRADERS if s.vault.max_withdraw(Address(who)) > 1), "")
    if owner:
        return lambda: s.call(owner, VAULT, "withdraw", 1, c.pick((owner, MALLORY)), owner)
    return _paying_in(s, c)


def _any_door(s: Scenario, c: Choices) -> Door:
    return c.pick((_paying_in, _settling, _paying_out))(s, c)


def _locked(s: Scenario, c: Choices) -> Call:
    """Return a call of an entry point that is closed while another one runs."""
    function, args = c.pick(
        (
            ("requestDeposit", (_LEAST, MALLORY, MALLORY)),
            ("requestRedeem", (WAD, MALLORY, MALLORY)),
            ("cancelDeposit", (1, MALLORY)),
            ("cancelRedeem", (1, MALLORY)),
            ("fulfil", (1, 1)),
            ("deposit(uint256,address)", (1, MALLORY)),
            ("mint(uint256,address,address)", (1, MALLORY, MALLORY)),
            ("withdraw", (1, MALLORY, MALLORY)),
            ("redeem", (1, MALLORY, MALLORY)),
        )
    )
    return s.message(VAULT, function, *args)


def _open(s: Scenario, c: Choices) -> Call:
    """Return a call that goes through at any time: shares and views."""
    function, args = c.pick(
        (
            ("transfer", (c.pick(TRADERS), c.amount(0, shares_of(s, MALLORY)))),
            ("approve", (KIM, c.amount(0, WAD))),
            ("setOperator", (OSCAR, c.chance(50))),
            ("totalAssets", ()),
            ("convertToAssets", (WAD,)),
            ("totalSupply", ()),
            ("depositQueue", ()),
            ("pendingDepositRequest", (1, MALLORY)),
        )
    )
    return s.message(VAULT, function, *args)


@aim("hostile", "ReentrancyGuardReentrantCall")
def enter_the_vault_again(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    call = _locked(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=True))


@aim("hostile")
def act_within_the_vault(s: Scenario, c: Choices) -> Outcome:
    """Move shares, or look, in the middle of a call."""
    s.freshen()
    call = _open(s, c)
    return through(s, _any_door(s, c), calling(s, c, call, is_strict=False))


@aim("hostile", "TransferMismatch")
def keep_a_part_of_a_request(s: Scenario, c: Choices) -> Outcome:
    plan = Plan(Trick.KEEP_PART, amount=c.amount(1, 10**9))
    return through(s, c.pick((_paying_in, _settling))(s, c), plan)


@aim("hostile", "TransferMismatch")
def move_more_than_the_vault_asks(s: Scenario, c: Choices) -> Outcome:
    return through(s, _paying_in(s, c), Plan(Trick.TAKE_MORE, amount=c.amount(1, TOKEN)))


@aim("hostile", "SafeERC20FailedOperation")
def tell_the_vault_something_else(s: Scenario, c: Choices) -> Outcome:
    data = c.pick(("00" * 32, "00" * 31 + "02", "ff" * 32, "01"))
    return through(s, _any_door(s, c), Plan(Trick.RETURN, data="0x" + data))


@aim("hostile", "TransferMismatch")
def lie_to_the_vault(s: Scenario, c: Choices) -> Outcome:
    plan = Plan(Trick.LIE, False, s.vault.address, c.amount(1, 2**128))
    return through(s, _paying_in(s, c), plan)


@aim("hostile")
def provide_by_a_contract(s: Scenario, c: Choices) -> Outcome:
    """Request, settle, claim and request back in one transaction: what is not due fails."""
    s.pair.wait(s.vault.settle_delay_seconds())
    shares = shares_of(s, MALLORY)
    calls = (
        s.message(VAULT, "requestDeposit", c.amount(_LEAST, 1_000 * TOKEN), MALLORY, MALLORY),
        s.message(VAULT, "fulfil", 10, 10),
        s.message(VAULT, "mint(uint256,address)", max(1, s.vault.max_mint(Address(MALLORY))), MALLORY),
        s.message(VAULT, "requestRedeem", max(s.vault.least_redemption(), shares), MALLORY, MALLORY),
        s.message(VAULT, "redeem", max(1, s.vault.max_redeem(Address(MALLORY))), MALLORY, MALLORY),
    )
    return s.act(*calls, is_strict=False)
