"""The vault: requests, their settlement and their cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.protocol.errors import ProtocolError
from sim.protocol.evm import Address
from sim.protocol.invariants import InvariantBroken
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD
from steelyard.fuzz.moves.parts import any_account, any_market, enlarge
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import KIM, MALLORY, OSCAR, POOL_ASSETS, TOKEN, TRADERS, UINT256_MAX, WAD

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from sim.protocol.libraries.requests import Queue
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario

VAULT = "LiquidityVault"
HOLDERS = (*TRADERS, LIQUIDITY)
"""Who has shares."""
UNIT = 10**12
"""Wad per token unit."""
VIRTUAL_SHARES = 10**12
_MANY = 50
_LEAST = 10**6


# ---- parts


def vault_call(s: Scenario, sender: str, function: str, *args: object, wait: int = 0) -> Outcome:
    """Call the vault, as Mallory through her contract."""
    if sender == MALLORY:
        s.pair.wait(wait)
        return s.act(s.message(VAULT, function, *args))
    return s.call(sender, VAULT, function, *args, wait=wait)


def shares_of(s: Scenario, owner: str) -> int:
    """Return the shares of an owner."""
    return s.vault.balance_of(Address(owner))


def publish_all(s: Scenario, *, wait: int = 1) -> None:
    """Let time pass and publish all prices again."""
    s.publish({market: s.price(market) for market in s.markets if int(s.feed(market), 16)}, wait=wait)


def ready(s: Scenario) -> None:
    """Let the delay pass and publish all prices, so that every request can be settled."""
    publish_all(s, wait=s.vault.settle_delay_seconds())


def fulfil(s: Scenario, deposits: int = _MANY, redemptions: int = _MANY, *, sender: str = KIM) -> Outcome:
    """Settle requests, and check that nobody's shares lost by it (I12).

    Raises
    ------
    InvariantBroken
        The value of a share fell, or a request got more than its part.
    """
    vault, house = s.vault, s.pair.model.clearinghouse
    try:
        value = house.pool_risk().net_asset_value + UNIT
    except ProtocolError:
        value = 0
    supply = vault.total_supply() + VIRTUAL_SHARES
    outcome = vault_call(s, sender, "fulfil", deposits, redemptions)
    if not outcome.ok or sender == MALLORY:
        return outcome
    after, left = house.pool_risk().net_asset_value + UNIT, vault.total_supply() + VIRTUAL_SHARES
    if after * supply < value * left:
        raise InvariantBroken("I12", f"value of a share {after} / {left} >= {value} / {supply}")
    for event in outcome.events:
        if event.name in ("DepositFulfilled", "RedeemFulfilled"):
            _, number, given, got = event.args
            assets, shares = (given, got) if event.name == "DepositFulfilled" else (got, given)
            mine, theirs = (shares * value, assets * UNIT * supply)
            if (mine > theirs) if event.name == "DepositFulfilled" else (mine < theirs):
                raise InvariantBroken("I12", f"{event.name} of {number}: {assets} assets for {shares} shares")
    return outcome


def claim_shares(s: Scenario, owner: str) -> None:
    """Claim all shares of an owner's settled deposits."""
    shares = s.vault.max_mint(Address(owner))
    if shares:
        s.must(owner, VAULT, "mint(uint256,address)", shares, owner)


def claim_assets(s: Scenario, owner: str) -> None:
    """Claim all assets of an owner's settled redemptions."""
    shares = s.vault.max_redeem(Address(owner))
    if shares:
        s.must(owner, VAULT, "redeem", shares, owner, owner)


def provide(s: Scenario, owner: str, assets: int) -> Outcome:
    """Deposit as fast as the vault allows, and claim."""
    outcome = s.call(owner, VAULT, "requestDeposit", assets, owner, owner)
    ready(s)
    fulfil(s)
    claim_shares(s, owner)
    return outcome


def holder(s: Scenario, c: Choices) -> str:
    """Return somebody who has shares that are worth a redemption."""
    least = s.vault.least_redemption()
    found = [owner for owner in HOLDERS if shares_of(s, owner) >= least]
    if not found:
        provide(s, LIQUIDITY, 1_000 * TOKEN)
        return LIQUIDITY
    return c.pick(found)


def refill(s: Scenario) -> None:
    """Make a share worth a dollar and the pool healthy again, and let the liquidity provider fill it."""
    publish_all(s)
    risk = s.pool_risk()
    if risk is None:
        return
    value = risk[0] // UNIT
    missing = max(s.vault.total_supply(), 2 * risk[2]) // UNIT - value
    for amount in (missing, POOL_ASSETS):
        if s.tokens(LIQUIDITY) < amount:
            s.must(KIM, "LocalToken", "mint", LIQUIDITY, amount)
    if missing > 0:
        s.must(LIQUIDITY, "Clearinghouse", "fundPool", missing)
    if value < POOL_ASSETS:
        provide(s, LIQUIDITY, max(_LEAST, POOL_ASSETS - max(value, 0)))


def _operated(s: Scenario, c: Choices, owner: str) -> str:
    """Return who acts for an owner: himself, or Oscar, who then is his operator."""
    if c.chance(70):
        return owner
    s.must(owner, VAULT, "setOperator", OSCAR, True)
    return OSCAR


def _pending(queue: Queue) -> list[int]:
    done, made, _ = queue.header
    return [number for number in range(done + 1, made + 1) if queue.request_of(number).amount]


def _requested(s: Scenario, c: Choices) -> tuple[str, Queue, int]:
    """Return kind, queue and number of a request that was just made by a trader or the liquidity provider."""
    owner = holder(s, c) if c.chance(50) else ""
    least = s.vault.least_redemption()
    if not owner or shares_of(s, owner) < least:
        owner = c.pick(TRADERS)
        if s.tokens(owner) < 10_000 * TOKEN:
            s.must(KIM, "LocalToken", "mint", owner, 10_000 * TOKEN)
        s.must(owner, VAULT, "requestDeposit", c.amount(_LEAST, 10_000 * TOKEN), owner, owner)
        return "Deposit", s.vault.deposits, s.vault.deposits.header.made
    s.must(owner, VAULT, "requestRedeem", c.amount(least, shares_of(s, owner)), owner, owner)
    return "Redeem", s.vault.redemptions, s.vault.redemptions.header.made


def _read_head(s: Scenario) -> None:
    """Compare what is told of the redemption that is next, a part of which may be settled."""
    queue = s.vault.redemptions
    head = queue.header.done + 1
    for kind in ("pending", "claimable"):
        s.pair.read(VAULT, f"{kind}RedeemRequest", head, queue.request_of(head).controller)


# ---- requests


@aim("vault")
def request_deposit(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(HOLDERS)
    sender = _operated(s, c, owner)
    most = max(_LEAST, min(s.tokens(owner), 10**6 * TOKEN))
    controller = owner if c.chance(80) else c.pick((*HOLDERS, MALLORY, OSCAR))
    return s.call(sender, VAULT, "requestDeposit", c.amount(_LEAST, most), controller, owner)


@aim("vault")
def request_redeem(s: Scenario, c: Choices) -> Outcome:
    """Redeem as the owner, his operator, or somebody who may spend the shares."""
    owner = holder(s, c)
    shares = c.amount(s.vault.least_redemption(), shares_of(s, owner))
    controller = owner if c.chance(80) else c.pick((*HOLDERS, MALLORY, OSCAR))
    if c.chance(20):
        s.must(owner, VAULT, "approve", KIM, c.pick((shares, UINT256_MAX, shares + WAD)))
        return s.call(KIM, VAULT, "requestRedeem", shares, controller, owner)
    return s.call(_operated(s, c, owner), VAULT, "requestRedeem", shares, controller, owner)


@aim("vault", "AmountTooSmall")
def request_too_little(s: Scenario, c: Choices) -> Outcome:
    if c.chance(50):
        owner = c.pick(TRADERS)
        return s.call(owner, VAULT, "requestDeposit", _LEAST - c.amount(1, _LEAST), owner, owner)
    owner, least = holder(s, c), s.vault.least_redemption()
    return s.call(owner, VAULT, "requestRedeem", least - c.amount(1, least), owner, owner)


@aim("vault", "AmountTooLarge")
def request_too_much(s: Scenario, c: Choices) -> Outcome:
    owner, most = c.pick(TRADERS), s.vault.max_assets()
    return s.call(owner, VAULT, "requestDeposit", most + c.amount(1, UINT256_MAX - most), owner, owner)


@aim("vault", "ControllerZero")
def request_for_nobody(s: Scenario, c: Choices) -> Outcome:
    owner, nobody = c.pick(TRADERS), "0x" + "00" * 20
    function = c.pick(("requestDeposit", "requestRedeem"))
    return s.call(owner, VAULT, function, c.amount(_LEAST, WAD), nobody, owner)


@aim("vault", "CallerUnauthorized")
def request_unasked(s: Scenario, c: Choices) -> Outcome:
    owner, thief = c.pick(TRADERS), c.pick((KIM, ADMIN, GUARDIAN, STEWARD))
    return s.call(thief, VAULT, "requestDeposit", c.amount(_LEAST, TOKEN * 10), thief, owner)


@aim("vault", "ERC20InsufficientAllowance")
def redeem_unasked(s: Scenario, c: Choices) -> Outcome:
    owner, thief = holder(s, c), c.pick((ADMIN, GUARDIAN, STEWARD))
    return s.call(thief, VAULT, "requestRedeem", c.amount(s.vault.least_redemption(), UINT256_MAX), thief, owner)


@aim("vault", "ERC20InsufficientBalance")
def redeem_more_than_there_is(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(HOLDERS)
    held = max(shares_of(s, owner), s.vault.least_redemption())
    return s.call(owner, VAULT, "requestRedeem", held + c.amount(1, UINT256_MAX - held), owner, owner)


# ---- settlement


@aim("vault")
def settle_requests(s: Scenario, c: Choices) -> Outcome:
    """Settle what is due, as anyone, all of it or a few."""
    _requested(s, c)
    ready(s)
    if c.chance(30):
        _requested(s, c)
    most = c.pick((_MANY, 2, 1, 0))
    outcome = fulfil(s, most or 1, most or _MANY, sender=c.pick((KIM, OSCAR, *TRADERS, MALLORY)))
    return outcome if outcome.ok else fulfil(s)


def _redeem_too_much(s: Scenario, c: Choices) -> Outcome:
    """Redeem more than the pool's margin lets go, so that a part is settled."""
    s.freshen()
    enlarge(s, c, any_account(c), any_market(s, c), share=900)
    if shares_of(s, LIQUIDITY) < s.vault.least_redemption():
        provide(s, LIQUIDITY, POOL_ASSETS)
    s.call(LIQUIDITY, VAULT, "requestRedeem", shares_of(s, LIQUIDITY), LIQUIDITY, LIQUIDITY)
    ready(s)
    outcome = fulfil(s)
    _read_head(s)
    return outcome


@aim("vault")
def settle_what_the_pool_can_pay(s: Scenario, c: Choices) -> Outcome:
    """Redeem more than the pool's margin lets go: a part is settled, the rest when deposits make room."""
    outcome = _redeem_too_much(s, c)
    if c.chance(60):
        owner = c.pick(TRADERS)
        s.call(owner, VAULT, "requestDeposit", c.amount(_LEAST, 10**6 * TOKEN), owner, owner)
        ready(s)
        fulfil(s)
    claim_assets(s, LIQUIDITY)
    refill(s)
    return outcome


@aim("vault", "RequestsUnready")
def settle_nothing(s: Scenario, c: Choices) -> Outcome:
    publish_all(s)
    if c.chance(50):
        _requested(s, c)
        publish_all(s, wait=c.integer(1, s.vault.settle_delay_seconds() - 1))
    return fulfil(s, 0, 0)


@aim("vault", "RequestsUnready")
def settle_too_early(s: Scenario, c: Choices) -> Outcome:
    """Settle at a price that may have been known at the request, once its delay is over by the clock or before that."""
    ready(s)
    for _ in range(3):
        if not fulfil(s).ok:
            break
    kind, _, _ = _requested(s, c)
    publish_all(s, wait=s.vault.settle_delay_seconds() - 1 - c.pick((0, 0, c.integer(1, 5))))
    s.pair.wait(c.pick((0, s.vault.max_price_age_seconds(), c.integer(1, 9))))
    return fulfil(s, _MANY, 0) if kind == "Deposit" else fulfil(s, 0, _MANY)


@aim("vault", "PriceOutdated")
def settle_at_old_prices(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    if not any(sum(s.open_interest(market)) for market in s.markets):
        enlarge(s, c, any_account(c), any_market(s, c), share=500)
    publish_all(s)
    s.pair.wait(s.vault.max_price_age_seconds() + c.integer(1, 5))
    return fulfil(s)


@aim("vault", "PriceStale")
def settle_at_stale_prices(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    if not any(sum(s.open_interest(market)) for market in s.markets):
        enlarge(s, c, any_account(c), any_market(s, c), share=500)
    s.pair.wait(max(s.price_state(market)[4] for market in s.markets) + c.integer(1, 100))
    s.pair.read(VAULT, "totalAssets")
    return fulfil(s)


# ---- cancellation


@aim("vault")
def cancel_request(s: Scenario, c: Choices) -> Outcome:
    """Take a request back once it has waited long enough, as its controller or his operator."""
    kind, queue, number = _requested(s, c)
    controller = queue.request_of(number).controller
    if c.chance(30):
        ready(s)
        fulfil(s, c.integer(0, 1), c.integer(0, 1))
    pending = [one for one in _pending(queue) if queue.request_of(one).controller in (*HOLDERS, OSCAR)]
    if not pending:
        kind, queue, number = _requested(s, c)
        pending = [number]
    number = c.pick(pending[::-1])
    controller = queue.request_of(number).controller
    sender = controller if controller == OSCAR else _operated(s, c, controller)
    receiver = c.pick((controller, *TRADERS, KIM))
    wait = s.vault.cancel_delay_seconds() + c.integer(0, 100)
    return s.call(sender, VAULT, f"cancel{kind}", number, receiver, wait=wait)


@aim("vault")
def cancel_a_part(s: Scenario, c: Choices) -> Outcome:
    """Take back what is left of a request that was settled in part, and let the next ones have their turn."""
    outcome = _redeem_too_much(s, c)
    done, made, filled = s.vault.redemptions.header
    if filled:
        controller = s.vault.redemptions.request_of(done + 1).controller
        wait = s.vault.cancel_delay_seconds()
        outcome = vault_call(s, controller, "cancelRedeem", done + 1, controller, wait=wait)
    refill(s)
    if made == done + 1:
        _requested(s, c)
    ready(s)
    fulfil(s)
    claim_assets(s, LIQUIDITY)
    return outcome


@aim("vault", "RequestLocked")
def cancel_at_once(s: Scenario, c: Choices) -> Outcome:
    kind, queue, number = _requested(s, c)
    controller = queue.request_of(number).controller
    wait = c.amount(0, s.vault.cancel_delay_seconds() - 1)
    return s.call(controller, VAULT, f"cancel{kind}", number, controller, wait=wait)


@aim("vault", "CallerUnauthorized")
def cancel_unasked(s: Scenario, c: Choices) -> Outcome:
    kind, _, number = _requested(s, c)
    thief = c.pick((KIM, ADMIN, GUARDIAN, STEWARD))
    return s.call(thief, VAULT, f"cancel{kind}", number, thief)


@aim("vault", "RequestUnknown")
def cancel_what_is_not_there(s: Scenario, c: Choices) -> Outcome:
    owner, kind = c.pick(TRADERS), c.pick(("Deposit", "Redeem"))
    queue = s.vault.deposits if kind == "Deposit" else s.vault.redemptions
    done, made, _ = queue.header
    number = c.pick((done, done, 0, made + 1, UINT256_MAX))
    return s.call(owner, VAULT, f"cancel{kind}", number, owner)
