"""What actors do. Each move aims at success or at one named error, and builds its arguments to get there.

A move need not hit: whatever happens, it must happen on both sides. Aims are there so that everything that can happen
does, about equally often.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from sim.protocol import Outcome
from sim.protocol.invariants import Invariants, check_liquidated
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD
from tests.parity import invariants
from tests.parity.choices import Choices
from tests.parity.scenario import (
    ACCOUNTS,
    EVERYBODY,
    INSURANCE,
    INT128_MAX,
    KIM,
    KIMS,
    OSCAR,
    POOL,
    TOKEN,
    TRADERS,
    TRADING_ACCOUNTS,
    UINT128_MAX,
    WAD,
    Order,
    Scenario,
    account_of,
    owner_of,
)

TRADE, MARGIN, WITHDRAW = 1, 2, 4
MAX_THRESHOLD = 10**10
MAX_MARKETS = 6
"""Random sequences list no more, so that views stay short."""

Move = Callable[[Scenario, Choices], Outcome]


@dataclass(frozen=True, slots=True)
class Aim:
    """A move and what it aims at: `""` for success, else the name of an error."""

    action: str
    target: str
    move: Move


AIMS: dict[str, list[Aim]] = defaultdict(list)
"""All moves by action."""


def aim(action: str, target: str = "") -> Callable[[Move], Move]:
    """Register a move."""

    def register(move: Move) -> Move:
        AIMS[action].append(Aim(action, target, move))
        return move

    return register


WEIGHTS = {
    "time": 6,
    "price": 8,
    "deposit": 5,
    "withdraw": 6,
    "transfer": 4,
    "mode": 3,
    "leverage": 6,
    "operator": 3,
    "trade": 24,
    "order": 10,
    "cancel": 3,
    "liquidate": 10,
    "accrue": 3,
    "insurance": 3,
    "govern": 4,
    "pause": 3,
    "oracle": 5,
    "batch": 3,
    "token": 2,
}


class Driver:
    """Plays moves and counts how they end.

    Attributes
    ----------
    ended : Counter
        By action, target and name of the error.
    """

    def __init__(self, scenario: Scenario, choices: Choices, *, compare_every: int = 12) -> None:
        self.scenario = scenario
        self.choices = choices
        self.ended: Counter[tuple[str, str, str]] = Counter()
        self._compare_every = compare_every
        self._played = 0
        self._invariants = Invariants(scenario.pair.model)

    def play(self) -> Outcome:
        """Play one move; compare balances and check the invariants afterwards, and now and then everything."""
        action = self.choices.weighted([(weight, name) for name, weight in WEIGHTS.items()])
        aims = AIMS[action]
        successes = [aim for aim in aims if not aim.target]
        failures = [aim for aim in aims if aim.target]
        aim = self.choices.pick(failures if failures and self.choices.chance(40) else successes)
        outcome = aim.move(self.scenario, self.choices)
        self.ended[action, aim.target, outcome.error.name if outcome.error else ""] += 1
        self._played += 1
        self.scenario.compare_balances()
        self._invariants.check()
        if self._played % self._compare_every == 0:
            self.scenario.compare()
            self.scenario.freshen()
            invariants.check_claims(self.scenario)
        return outcome


# ---- helpers


def _trading(c: Choices) -> int:
    return c.pick(TRADING_ACCOUNTS)


def _market(s: Scenario, c: Choices) -> int:
    """Return a market that has a price, one of the first three more often."""
    priced = [market for market in s.markets if s.price_state(market)[1]]
    return c.pick(priced[:3] if c.chance(80) else priced) if priced else 0


def _holders(s: Scenario) -> list[tuple[int, int]]:
    return [(account, market) for account in ACCOUNTS for market in s.open_markets(account)]


def _holder(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return an account and a market in which it has a position, opening one where nobody has."""
    s.freshen()
    holders = _holders(s)
    if not holders:
        account, market = _trading(c), _market(s, c)
        _grow(s, c, account, market)
        return account, market
    return c.pick(holders)


def _weak_holder(s: Scenario, c: Choices) -> tuple[int, int]:
    """Return one of the accounts with the highest leverage, and the market of its largest position."""
    s.freshen()
    risks = [(risk[0] * WAD // risk[3], account) for account in ACCOUNTS if (risk := s.risk(account)) and risk[3]]
    if not risks:
        return _holder(s, c)
    account = c.pick([account for _, account in sorted(risks)][:3])
    return account, max(s.open_markets(account), key=lambda market: abs(s.size(account, market)) * s.price(market))


def _sign(s: Scenario, c: Choices, account: int, market: int) -> int:
    size = s.size(account, market)
    return (size > 0) - (size < 0) or c.pick((1, -1))


def _execute(
    s: Scenario,
    c: Choices,
    account: int,
    market: int,
    size: int,
    *,
    acceptable: int | None = None,
    fee: int | None = None,
) -> Outcome:
    """Trade directly or by an order, with or without a keeper's fee."""
    size = max(-INT128_MAX, min(INT128_MAX, size))
    pays = c.amount(1, WAD) if fee is None and c.chance(30) else fee or 0
    if size == 0 or c.chance(60):
        keeper = c.pick((KIMS, account)) if pays else c.pick((0, KIMS))
        return s.trade(account, market, size, acceptable=acceptable, keeper=keeper, fee=pays)
    slot = c.integer(0, 3)
    order = s.order(account, market, size, slot=slot, acceptable=acceptable, fee=pays)
    committed = s.commit(order)
    return s.settle(order, after=s.min_delay + c.integer(0, 5)) if committed.ok else committed


def _grow(s: Scenario, c: Choices, account: int, market: int, *, share: int | None = None) -> Outcome:
    """Open or enlarge a position by a share [1e-3] of what margin allows."""
    sign = _sign(s, c, account, market)
    most = s.capacity(account, market, sign)
    low = 0 if s.size(account, market) else s.min_size(market)
    size = c.amount(min(low, most), most) if share is None else most * share // 1000
    return _execute(s, c, account, market, sign * max(1, size))


def _shock(s: Scenario, account: int, market: int, loss: int) -> None:
    """Move the price of one market so that an account loses `loss` [wad] in it, and keep all fresh."""
    size = s.size(account, market)
    price = s.price(market)
    change = -(-loss * WAD // max(1, abs(size)))
    moved = price - change if size > 0 else price + change
    bounded = max(price // 20, min(price * 20, moved))
    s.publish({m: bounded if m == market else s.price(m) for m in s.markets if s.price_state(m)[1]})


def _sink(s: Scenario, c: Choices, account: int, market: int, *, bankrupt: bool) -> None:
    """Bring an account under its maintenance margin, or under water: move what is free away, then the price."""
    free = min(s.free(account), UINT128_MAX)
    if free:
        s.call(owner_of(account), "Clearinghouse", "transfer", account, account ^ 1, free)
    risk = s.risk(account)
    if risk is None:
        return
    equity, _, maintenance, _ = risk
    if bankrupt:
        _shock(s, account, market, max(0, equity) + c.amount(1, maintenance * 2 + WAD))
    elif equity >= maintenance:
        # The requirement of a long falls with the price: a little more than the difference is lost.
        _shock(s, account, market, (equity - maintenance) * 26 // 25 + c.amount(WAD, max(WAD, maintenance // 2)))


# ---- time and prices


@aim("time")
def wait(s: Scenario, c: Choices) -> Outcome:
    """Let a moment, an hour or a week pass, and touch something."""
    longest = c.pick((1, 30, 600, 7_200, 86_400, 604_800))
    return s.call(KIM, "LocalToken", "approve", OSCAR, c.integer(0, 9), wait=c.integer(0, longest))


@aim("price")
def quiet(s: Scenario, c: Choices) -> Outcome:
    """Move all prices by up to half a percent each."""
    prices = {m: s.price(m) * c.integer(9_950, 10_050) // 10_000 for m in s.markets if int(s.feed(m), 16)}
    return s.publish(prices, wait=c.integer(1, 60))


@aim("price")
def jump(s: Scenario, c: Choices) -> Outcome:
    """Move one price by up to thirty percent."""
    market = _market(s, c)
    factor = c.pick((9_500, 10_500, 9_000, 11_000, 7_000, 13_000))
    return s.publish({market: s.price(market) * factor // 10_000}, wait=c.integer(1, 20))


@aim("price")
def old(s: Scenario, c: Choices) -> Outcome:
    """Publish a price that is older than what is held, which changes nothing."""
    market = _market(s, c)
    at = max(0, s.price_state(market)[1] - c.integer(0, 100))
    data = (s.update_data(market, s.price(market) * 2, at=at),)
    return s.call(OSCAR, "PriceOracle", "update", (market,), data, value=s.fee(data))


@aim("price")
def uncertain(s: Scenario, c: Choices) -> Outcome:
    """Publish a price with a wide confidence interval."""
    market = _market(s, c)
    return s.publish({market: s.price(market)}, confidence=c.pick((10_000, 10_001, 500_000, 2_000_000)))


@aim("price")
def first(s: Scenario, c: Choices) -> Outcome:
    """Have the oracle prove a first price."""
    market = _market(s, c)
    s.pair.wait(c.integer(1, 5))
    data = (s.update_data(market, s.price(market), at=s.now, previous=s.now - 1),)
    return s.call(OSCAR, "PriceOracle", "parseFirst", market, data, s.now, s.now + c.integer(0, 60), value=s.fee(data))


# ---- money


@aim("deposit")
def deposit(s: Scenario, c: Choices) -> Outcome:
    """Deposit, for oneself or for another."""
    account = _trading(c)
    payer = owner_of(account) if c.chance(80) else c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "deposit", account, c.amount(1, min(s.tokens(payer), 10**6 * TOKEN)))


@aim("deposit", "AmountZero")
def deposit_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "deposit", _trading(c), 0)


@aim("deposit", "AccountReserved")
def deposit_reserved(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "deposit", c.pick((0, POOL, INSURANCE, 2**96 - 1)), TOKEN)


@aim("deposit", "ERC20InsufficientBalance")
def deposit_more_than_there_is(s: Scenario, c: Choices) -> Outcome:
    payer = c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "deposit", _trading(c), s.tokens(payer) + c.amount(1, 10**20))


@aim("deposit", "ERC20InsufficientAllowance")
def deposit_without_allowance(s: Scenario, c: Choices) -> Outcome:
    return s.call(OSCAR, "Clearinghouse", "deposit", _trading(c), c.amount(1, 10**20))


@aim("deposit", "SafeCastOverflowedIntDowncast")
def deposit_beyond_the_type(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "deposit", _trading(c), c.amount(2**127 // 10**12 + 1, UINT128_MAX))


@aim("withdraw")
def withdraw(s: Scenario, c: Choices) -> Outcome:
    """Withdraw what margin allows, as the owner or an operator."""
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    most = max(1, min(s.free(account), max(0, s.balance(account))) // 10**12)
    owner = owner_of(account)
    if c.chance(20):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, WITHDRAW, s.now)
        return s.call(OSCAR, "Clearinghouse", "withdraw", account, c.amount(1, most), owner)
    recipient = owner if c.chance(70) else c.pick(EVERYBODY)
    return s.call(owner, "Clearinghouse", "withdraw", account, c.amount(1, most), recipient)


@aim("withdraw", "MarginInsufficient")
def withdraw_too_much(s: Scenario, c: Choices) -> Outcome:
    account = _holder(s, c)[0] if c.chance(70) else _trading(c)
    amount = s.free(account) // 10**12 + c.amount(1, 10**12)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, amount, owner_of(account))


@aim("withdraw", "AccountUnauthorized")
def withdraw_unasked(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    thief = c.pick([who for who in EVERYBODY if who != owner_of(account)])
    return s.call(thief, "Clearinghouse", "withdraw", account, c.amount(1, TOKEN), thief)


@aim("withdraw", "RecipientUnauthorized")
def withdraw_elsewhere(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    s.must(owner_of(account), "Clearinghouse", "setOperator", OSCAR, c.pick((WITHDRAW, 7)), s.now + 5)
    return s.call(OSCAR, "Clearinghouse", "withdraw", account, c.amount(1, TOKEN), OSCAR)


@aim("withdraw", "AmountZero")
def withdraw_nothing(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 0, owner_of(account))


@aim("withdraw", "TransferMismatch")
def withdraw_to_the_clearinghouse(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, s.pair.addresses["Clearinghouse"])


@aim("withdraw", "ERC20InvalidReceiver")
def withdraw_to_nobody(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) >= 10**12] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, "0x" + "00" * 20)


@aim("withdraw", "PriceStale")
def withdraw_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.call(owner_of(account), "Clearinghouse", "withdraw", account, 1, owner_of(account))


@aim("transfer")
def transfer(s: Scenario, c: Choices) -> Outcome:
    """Move quote between two accounts of one owner."""
    s.freshen()
    source = c.pick([a for a in TRADING_ACCOUNTS if s.free(a) > 0] or TRADING_ACCOUNTS)
    amount = max(1, c.amount(1, s.free(source)))
    owner = owner_of(source)
    sender = owner
    if c.chance(20):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, MARGIN, s.now + 10)
        sender = OSCAR
    return s.call(sender, "Clearinghouse", "transfer", source, source ^ 1, min(amount, UINT128_MAX))


@aim("transfer", "MarginInsufficient")
def transfer_too_much(s: Scenario, c: Choices) -> Outcome:
    source = _holder(s, c)[0] if c.chance(70) else _trading(c)
    amount = min(UINT128_MAX, s.free(source) + c.amount(1, 10**24))
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, source ^ 1, amount)


@aim("transfer", "AccountPairInvalid")
def transfer_to_another(s: Scenario, c: Choices) -> Outcome:
    source = _trading(c)
    target = c.pick([a for a in ACCOUNTS if owner_of(a) != owner_of(source)] + [source, POOL])
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, target, c.amount(1, WAD))


@aim("transfer", "AccountUnauthorized")
def transfer_unasked(s: Scenario, c: Choices) -> Outcome:
    source = _trading(c)
    s.must(owner_of(source), "Clearinghouse", "setOperator", OSCAR, c.pick((MARGIN, TRADE)), s.now)
    s.pair.wait(c.integer(1, 3))
    return s.call(OSCAR, "Clearinghouse", "transfer", source, source ^ 1, 1)


@aim("transfer", "AmountZero")
def transfer_nothing(s: Scenario, c: Choices) -> Outcome:
    source = _trading(c)
    return s.call(owner_of(source), "Clearinghouse", "transfer", source, source ^ 1, 0)


# ---- modes, leverage, operators


@aim("mode")
def set_mode(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    mode = c.pick((0, 1)) if len(s.open_markets(account)) <= 1 else 0
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, mode)


@aim("mode", "OpenMarketsExceeded")
def isolate_many(s: Scenario, c: Choices) -> Outcome:
    many = [a for a in TRADING_ACCOUNTS if len(s.open_markets(a)) > 1]
    account = c.pick(many or TRADING_ACCOUNTS)
    if not many:
        s.freshen()
        for market in (0, 1):
            _grow(s, c, account, market, share=200)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 1)


@aim("mode", "AccountUnauthorized")
def set_mode_unasked(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.call(c.pick((KIM, ADMIN, GUARDIAN)), "Clearinghouse", "setMarginMode", account, c.integer(0, 1))


@aim("mode", "(no data)")
def set_mode_that_is_none(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, c.integer(2, 255))


def _leverage(s: Scenario, account: int, percent: int) -> int:
    """Return a leverage, in percent of what the account has."""
    risk = s.risk(account)
    if risk is None or risk[0] <= 0:
        return 5 * WAD
    return max(1, min(UINT128_MAX, risk[3] * WAD // risk[0] * percent // 100))


@aim("leverage")
def lower_leverage(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    return s.call(
        owner_of(account),
        "Clearinghouse",
        "setLeverage",
        account,
        account ^ 1,
        _leverage(s, account, c.integer(50, 100)),
    )


@aim("leverage")
def raise_leverage(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    leverage = c.pick((_leverage(s, account, c.integer(100, 200)), 20 * WAD, 25 * WAD, 5 * WAD))
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, leverage)


@aim("leverage", "MarginInsufficient")
def raise_leverage_too_far(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    leverage = c.pick((26 * WAD, 100 * WAD, UINT128_MAX, _leverage(s, account, 1)))
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, leverage)


@aim("leverage", "LeverageZero")
def zero_leverage(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, 0)


@aim("leverage", "AccountFlat")
def leverage_of_nothing(s: Scenario, c: Choices) -> Outcome:
    account = c.pick([a for a in TRADING_ACCOUNTS if not s.open_markets(a)] or TRADING_ACCOUNTS)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, c.amount(1, 20 * WAD))


@aim("leverage", "AccountPairInvalid")
def leverage_from_another(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    other = c.pick([a for a in ACCOUNTS if owner_of(a) != owner_of(account)] + [account])
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, other, c.amount(WAD, 20 * WAD))


@aim("leverage", "SafeCastOverflowedIntDowncast")
def leverage_next_to_nothing(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    return s.call(owner_of(account), "Clearinghouse", "setLeverage", account, account ^ 1, c.amount(1, 9))


@aim("leverage", "AccountUnauthorized")
def leverage_unasked(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.call(KIM, "Clearinghouse", "setLeverage", account, account ^ 1, WAD)


@aim("operator")
def set_operator(s: Scenario, c: Choices) -> Outcome:
    expires = c.pick((0, s.now, s.now + 1, s.now + 3_600, 2**40 - 1))
    return s.call(
        c.pick(TRADERS), "Clearinghouse", "setOperator", c.pick((OSCAR, KIM)), c.pick((0, 1, 2, 4, 3, 7, 255)), expires
    )


# ---- trades


@aim("trade")
def grow(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    able = [a for a in TRADING_ACCOUNTS if s.free(a) > 100 * WAD]
    return _grow(s, c, c.pick(able or TRADING_ACCOUNTS), _market(s, c))


@aim("trade")
def grow_to_the_limit(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    able = [a for a in TRADING_ACCOUNTS if s.free(a) > 100 * WAD]
    return _grow(s, c, c.pick(able or TRADING_ACCOUNTS), _market(s, c), share=c.integer(900, 1000))


@aim("trade")
def reduce(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    size = s.size(account, market)
    part = c.amount(1, max(1, abs(size) - s.min_size(market)))
    return _execute(s, c, account, market, -part if size > 0 else part)


@aim("trade")
def close(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    return _execute(s, c, account, market, -s.size(account, market))


@aim("trade")
def flip(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    size = s.size(account, market)
    over = s.min_size(market) + c.amount(0, abs(size) // 2)
    return _execute(s, c, account, market, -size - over if size > 0 else -size + over)


@aim("trade")
def close_while_paused(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    s.must(GUARDIAN, "Clearinghouse", "pauseRisk")
    outcome = _execute(s, c, account, market, -s.size(account, market))
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("trade")
def reduce_under_maintenance(s: Scenario, c: Choices) -> Outcome:
    account, market = _weak_holder(s, c)
    _sink(s, c, account, market, bankrupt=c.chance(30))
    size = s.size(account, market)
    part = c.amount(1, max(1, abs(size) - s.min_size(market)))
    return s.trade(account, market, -part if size > 0 else part)


@aim("trade", "MaintenanceInsufficient")
def reduce_under_maintenance_and_pay(s: Scenario, c: Choices) -> Outcome:
    account, market = _weak_holder(s, c)
    _sink(s, c, account, market, bankrupt=c.chance(30))
    size = s.size(account, market)
    part = max(1, min(abs(size) // c.integer(2, 9), abs(size) - s.min_size(market)))
    return s.trade(account, market, -part if size > 0 else part, keeper=KIMS, fee=c.amount(1, WAD))


@aim("trade", "AccountBankrupt")
def close_bankrupt(s: Scenario, c: Choices) -> Outcome:
    account, market = _weak_holder(s, c)
    for other in s.open_markets(account):
        if other != market:
            s.trade(account, other, -s.size(account, other))
    _sink(s, c, account, market, bankrupt=True)
    return s.trade(account, market, -s.size(account, market))


@aim("trade", "MarginInsufficient")
def grow_too_far(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    sign = _sign(s, c, account, market)
    longs, shorts = s.open_interest(market)
    room = s.cap(market) - (longs if sign > 0 else shorts)
    most = s.capacity(account, market, sign) * 104 // 100 + s.min_size(market)
    size = min(max(room, 1), c.amount(most, most * 20))
    return _execute(s, c, account, market, sign * size)


@aim("trade", "OpenInterestExceeded")
def grow_over_the_cap(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    sign = _sign(s, c, account, market)
    longs, shorts = s.open_interest(market)
    room = max(0, s.cap(market) - (longs if sign > 0 else shorts))
    return _execute(s, c, account, market, sign * (room + c.amount(1, 2**95 if c.chance(80) else INT128_MAX - room)))


@aim("trade", "SizeBelowMinimum")
def leave_dust(s: Scenario, c: Choices) -> Outcome:
    if c.chance(50):
        account, market = _holder(s, c)
        size = s.size(account, market)
        rest = c.amount(1, s.min_size(market) - 1)
        return _execute(s, c, account, market, -size + (rest if c.chance(50) else -rest))
    s.freshen()
    account = c.pick([a for a in TRADING_ACCOUNTS if not s.open_markets(a)] or TRADING_ACCOUNTS)
    market = _market(s, c)
    return _execute(s, c, account, market, c.pick((1, -1)) * c.amount(1, s.min_size(market) - 1))


@aim("trade", "SizeZero")
def trade_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.trade(_trading(c), _market(s, c), 0)


@aim("trade", "MarketUnknown")
def trade_nowhere(s: Scenario, c: Choices) -> Outcome:
    return s.trade(_trading(c), c.integer(len(s.markets), 255), WAD, price=WAD)


@aim("trade", "AccountReserved")
def trade_for_the_pool(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    if c.chance(50):
        return s.trade(c.pick((POOL, INSURANCE, 0)), _market(s, c), WAD)
    account, market = _holder(s, c)
    size = s.size(account, market)
    part = -size // 2 if c.chance(50) else -size
    return s.trade(account, market, part, keeper=c.pick((POOL, INSURANCE, 0)), fee=1)


@aim("trade", "ExecutorUnauthorized")
def trade_by_oneself(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    return s.trade(account, _market(s, c), WAD, sender=c.pick((owner_of(account), OSCAR, ADMIN)))


@aim("trade", "OpenMarketsExceeded")
def second_market_of_an_isolated_account(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    ready = [a for a in TRADING_ACCOUNTS if len(s.open_markets(a)) == 1]
    account = c.pick(ready or TRADING_ACCOUNTS)
    if not ready:
        _grow(s, c, account, 0, share=100)
    s.call(owner_of(account), "Clearinghouse", "setMarginMode", account, 1)
    market = c.pick([m for m in s.markets if m not in s.open_markets(account) and s.price_state(m)[1]])
    return _execute(s, c, account, market, c.pick((1, -1)) * s.min_size(market))


@aim("trade", "PriceUnacceptable")
def trade_at_a_better_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    sign = c.pick((1, -1))
    size = max(s.min_size(market), s.capacity(account, market, sign) // 2)
    price = s.price(market)
    better = price * c.integer(5_000, 8_000) // 10_000 if sign > 0 else price * c.integer(12_000, 20_000) // 10_000
    return _execute(s, c, account, market, sign * size, acceptable=better)


@aim("trade", "RiskPaused")
def grow_while_paused(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    s.must(GUARDIAN, "Clearinghouse", "pauseRisk")
    outcome = _grow(s, c, _trading(c), _market(s, c))
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("trade", "PriceStale")
def trade_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.trade(account, market, c.pick((1, -1)) * s.min_size(market))


@aim("trade", "PriceUncertain")
def trade_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    s.publish({market: s.price(market)}, confidence=s.price_state(market)[5] * 100 + c.integer(1, 10**6))
    return s.trade(account, market, s.min_size(market))


@aim("trade", "SafeCastOverflowedIntDowncast")
def trade_at_an_absurd_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    account, market = _trading(c), _market(s, c)
    sign = c.pick((1, -1))
    longs, shorts = s.open_interest(market)
    size = max(1, s.cap(market) - (longs if sign > 0 else shorts))
    fill = c.amount(2**94, 2**96 - 1)
    return s.trade(account, market, sign * size, price=fill, fee=c.pick((0, 2**96 - 1)), keeper=KIMS)


@aim("trade")
def trade_at_another_price(s: Scenario, c: Choices) -> Outcome:
    """Have the executor answer for a price that is not the oracle's."""
    account, market = _holder(s, c)
    size = s.size(account, market)
    part = c.amount(1, abs(size) + 1)
    price = s.price(market) * c.integer(9_000, 11_000) // 10_000
    return s.trade(account, market, -part if size > 0 else part, price=c.pick((price, price, 0, 1)))


# ---- orders


def _any_order(s: Scenario, c: Choices) -> Order:
    account, market = _trading(c), _market(s, c)
    sign = _sign(s, c, account, market)
    size = max(s.min_size(market), s.capacity(account, market, sign) // c.integer(2, 9))
    return s.order(account, market, sign * size, slot=c.integer(0, 255), fee=c.pick((0, WAD // 10)))


def _committed(s: Scenario, c: Choices) -> Order:
    """Return an order that was just committed."""
    s.freshen()
    order = _any_order(s, c)
    while (order[0], order[2]) in s.orders:
        order = (*order[:2], (order[2] + 1) % 256, *order[3:])
    s.must(owner_of(order[0]), "OrderBook", "commit", order)
    return order


@aim("order")
def commit_order(s: Scenario, c: Choices) -> Outcome:
    order = _any_order(s, c)
    owner = owner_of(order[0])
    if c.chance(30):
        s.must(owner, "Clearinghouse", "setOperator", OSCAR, c.pick((TRADE, 7)), s.now)
        return s.commit(order, OSCAR)
    return s.commit(order)


@aim("order")
def settle_order(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    price = s.price(order[1]) * c.integer(9_900, 10_100) // 10_000
    return s.settle(order, price=price, after=s.min_delay + c.integer(0, s.window))


@aim("order", "OrderExpired")
def settle_late(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    return s.settle(order, after=s.min_delay + s.window + c.integer(1, 100))


@aim("order", "OrderExpired")
def commit_expired(s: Scenario, c: Choices) -> Outcome:
    order = s.order(_trading(c), _market(s, c), WAD, lasts=-c.amount(1, s.now))
    return s.commit(order)


@aim("order", "OrderUnknown")
def settle_another(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    key = order[0], order[2]
    changed = (*order[:4], order[4] + 1, *order[5:])
    s.orders[key] = changed, s.orders[key][1]
    outcome = s.settle(changed)
    s.orders[key] = order, s.orders[key][1]
    return outcome


@aim("order", "SlotOccupied")
def commit_twice(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(c.pick((0, s.min_delay, s.min_delay + s.window)))
    return s.commit((*order[:3], s.now + 5, *order[4:]))


@aim("order")
def commit_over_an_order_that_is_over(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay + s.window + 1)
    return s.commit((*order[:3], s.now + 5, *order[4:]))


@aim("order", "SizeZero")
def commit_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.commit(s.order(_trading(c), _market(s, c), 0))


@aim("order", "AccountUnauthorized")
def commit_unasked(s: Scenario, c: Choices) -> Outcome:
    order = _any_order(s, c)
    return s.commit(order, c.pick((ADMIN, GUARDIAN, LIQUIDITY)))


def _settle_with(s: Scenario, order: Order, data: tuple[str, ...], *, value: int | None = None) -> Outcome:
    return s.call(KIM, "OrderBook", "settle", order, KIMS, data, value=s.fee(data) if value is None else value)


@aim("order", "PriceFeedNotFoundWithinRange")
def settle_at_a_price_of_before(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    committed = s.now
    s.pair.wait(s.min_delay + c.integer(0, 5))
    at, previous = c.pick(
        (
            (committed + s.min_delay - 1, committed),  # too early
            (committed + s.min_delay + s.window + 1, committed),  # too late
            (committed + s.min_delay + 1, committed + s.min_delay),  # not the first
        )
    )
    return _settle_with(s, order, (s.update_data(order[1], s.price(order[1]), at=at, previous=previous),))


@aim("order", "InsufficientFee")
def settle_without_fee(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    return _settle_with(s, order, (s.update_data(order[1], s.price(order[1]), previous=s.now - 1),), value=0)


@aim("order", "PriceUncertain")
def settle_at_an_uncertain_price(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    confidence = s.price_state(order[1])[5] * 100 + c.integer(1, 10**5)
    data = s.update_data(order[1], s.price(order[1]), confidence=confidence, previous=s.now - 1)
    return _settle_with(s, order, (data,))


@aim("order", "UpdateMalformed")
def settle_without_update(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay)
    return _settle_with(s, order, ())


@aim("cancel")
def cancel_late(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(s.min_delay + s.window + c.integer(1, 50))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "OrderPending")
def cancel_early(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    s.pair.wait(c.integer(0, s.min_delay + s.window))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "OrderUnknown")
def cancel_nothing(s: Scenario, c: Choices) -> Outcome:
    order = s.order(_trading(c), _market(s, c), WAD, slot=c.integer(0, 255), lasts=c.integer(1_000, 2_000))
    return s.call(owner_of(order[0]), "OrderBook", "cancel", order)


@aim("cancel", "AccountUnauthorized")
def cancel_unasked(s: Scenario, c: Choices) -> Outcome:
    order = _committed(s, c)
    return s.call(c.pick((ADMIN, GUARDIAN)), "OrderBook", "cancel", order)


# ---- liquidation


def _liquidate(s: Scenario, c: Choices, account: int) -> Outcome:
    liquidator = KIMS if c.chance(70) else c.pick((account, account_of(OSCAR)))
    outcome = s.call(KIM, "Clearinghouse", "liquidate", account, liquidator)
    if outcome.ok:
        check_liquidated(s.pair.model, account)
    return outcome


@aim("liquidate")
def liquidate(s: Scenario, c: Choices) -> Outcome:
    account, market = _weak_holder(s, c)
    _sink(s, c, account, market, bankrupt=False)
    return _liquidate(s, c, account)


@aim("liquidate")
def liquidate_bankrupt(s: Scenario, c: Choices) -> Outcome:
    account, market = _weak_holder(s, c)
    _sink(s, c, account, market, bankrupt=True)
    return _liquidate(s, c, account)


@aim("liquidate")
def liquidate_after_a_shock_to_all(s: Scenario, c: Choices) -> Outcome:
    """Move every price one way, then liquidate whoever can be."""
    account, _ = _weak_holder(s, c)
    factor = c.pick((7_000, 8_500, 11_500, 13_000))
    s.publish({m: s.price(m) * factor // 10_000 for m in s.markets if s.price_state(m)[1]})
    risks = [(a, s.risk(a)) for a in ACCOUNTS]
    weak = [a for a, risk in risks if risk is not None and risk[3] and risk[0] < risk[2]]
    return _liquidate(s, c, c.pick(weak) if weak else account)


@aim("liquidate", "AccountHealthy")
def liquidate_healthy(s: Scenario, c: Choices) -> Outcome:
    account, _ = _holder(s, c)
    return _liquidate(s, c, account)


@aim("liquidate", "AccountFlat")
def liquidate_flat(s: Scenario, c: Choices) -> Outcome:
    account = c.pick([a for a in ACCOUNTS if not s.open_markets(a)] or ACCOUNTS)
    return _liquidate(s, c, account)


@aim("liquidate", "AccountReserved")
def liquidate_for_the_pool(s: Scenario, c: Choices) -> Outcome:
    return s.call(KIM, "Clearinghouse", "liquidate", c.pick((_trading(c), POOL)), c.pick((POOL, INSURANCE, 0)))


@aim("liquidate", "PriceStale")
def liquidate_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    account, market = _holder(s, c)
    s.pair.wait(s.price_state(market)[4] + c.integer(1, 100))
    return s.call(KIM, "Clearinghouse", "liquidate", account, KIMS)


# ---- anyone


@aim("accrue")
def accrue(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    return s.call(OSCAR, "Clearinghouse", "accrue", _market(s, c), wait=c.integer(0, 60))


@aim("accrue", "MarketUnknown")
def accrue_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(OSCAR, "Clearinghouse", "accrue", c.integer(len(s.markets), 255))


@aim("accrue", "PriceStale")
def accrue_at_a_stale_price(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = _market(s, c)
    return s.call(OSCAR, "Clearinghouse", "accrue", market, wait=s.price_state(market)[4] + c.integer(1, 100))


@aim("insurance")
def fund_insurance(s: Scenario, c: Choices) -> Outcome:
    payer = c.pick(TRADERS)
    return s.call(payer, "Clearinghouse", "fundInsurance", c.amount(1, min(s.tokens(payer), 10**5 * TOKEN)))


@aim("insurance", "AmountZero")
def fund_insurance_with_nothing(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "fundInsurance", 0)


@aim("insurance", "SafeCastOverflowedUintDowncast")
def fund_insurance_beyond_the_type(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick(TRADERS), "Clearinghouse", "fundInsurance", c.amount(2**96 // 10**12 + 1, UINT128_MAX))


def _set_threshold(s: Scenario, threshold: int) -> None:
    config = s.pair.get("Clearinghouse", "riskConfig")
    s.must(STEWARD, "Clearinghouse", "setRiskConfig", (*config[:6], threshold, config[7]))


@aim("insurance")
def collect(s: Scenario, c: Choices) -> Outcome:
    held = s.balance(INSURANCE) // WAD
    if held == 0:
        s.must(c.pick(TRADERS), "Clearinghouse", "fundInsurance", 5 * TOKEN)
        held = 5
    _set_threshold(s, c.amount(0, min(held - 1, MAX_THRESHOLD)))
    return s.call(OSCAR, "Clearinghouse", "collectTreasury")


@aim("insurance", "SurplusMissing")
def collect_nothing(s: Scenario, c: Choices) -> Outcome:
    _set_threshold(s, c.amount(-(-s.balance(INSURANCE) // WAD), MAX_THRESHOLD))
    return s.call(OSCAR, "Clearinghouse", "collectTreasury")


# ---- governance


def _market_config(s: Scenario, c: Choices, market: int) -> tuple[int, ...]:
    """Return parameters near those of a market, within bounds."""
    longs, shorts = s.open_interest(market)
    least = -(-max(longs, shorts) // 10**9)
    scale = s.market(market)[3][0] if c.chance(60) else max(1, least + c.amount(0, 10**16))
    taker = c.integer(0, 10_000) if c.chance(20) else c.integer(0, 1_000)
    return (
        scale,
        c.pick((500, 500, 1, 10_000)),
        c.pick((10**6, 1, 10**9)),
        c.pick((1_200_000_000, 0, 2**31 - 1)),
        taker,
        c.amount(0, taker),
        c.pick((400, 450, 50, 1_000, 10_000)),
        c.pick((5_000, 500, 8_000)),
    )


@aim("govern")
def set_market(s: Scenario, c: Choices) -> Outcome:
    s.freshen()
    market = _market(s, c)
    config = _market_config(s, c, market)
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, config, c.pick((5_000, 0, 1, 50_000)))


@aim("govern")
def list_market(s: Scenario, c: Choices) -> Outcome:
    if len(s.markets) >= MAX_MARKETS:
        return set_market(s, c)
    market = len(s.markets)
    s.must(STEWARD, "PriceOracle", "setFeed", market, f"0x{market + 1:064x}", 600, 100)
    outcome = s.call(STEWARD, "Clearinghouse", "listMarket", s.market(0)[3], 5_000)
    s.publish({market: s.price(market)})
    return outcome


@aim("govern")
def set_risk(s: Scenario, c: Choices) -> Outcome:
    least = c.amount(1, 10_000)
    penalty = c.integer(0, 10_000)
    config = (
        least,
        c.amount(5 * least, 60_000),
        c.amount(least, 10**8),
        c.amount(0, penalty),
        penalty,
        c.pick((10_000, 12_500, 40_000)),
        c.amount(0, MAX_THRESHOLD),
        c.integer(0, 10_000),
    )
    return s.call(STEWARD, "Clearinghouse", "setRiskConfig", config)


@aim("govern", "ParameterOutOfBounds")
def set_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    market = c.integer(0, len(s.markets))
    config = s.market(0)[3]
    field, value = c.pick(
        (
            (0, 0),
            (1, 0),
            (1, 10_001),
            (2, 0),
            (3, 2**31),
            (4, 10_001),
            (5, config[4] + 1),
            (6, 49),
            (6, 10_001),
            (7, 499),
            (7, 8_001),
        )
    )
    changed = (*config[:field], value, *config[field + 1 :])
    if c.chance(30):
        return s.call(STEWARD, "Clearinghouse", "listMarket", changed, 5_000)
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, changed, 5_000)


@aim("govern", "ParameterOutOfBounds")
def set_risk_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    good = (500, 2_500, 100_000, 1_000, 5_000, 12_500, 5_000_000, 8_000)
    wrong = [(0, 0), (0, 10_001), (1, 2_499), (1, 60_001), (2, 499), (2, 10**8 + 1), (3, 5_001), (4, 50_001)]
    wrong += [(5, 9_999), (5, 40_001), (6, MAX_THRESHOLD + 1), (7, 10_001)]
    field, value = c.pick(wrong)
    return s.call(STEWARD, "Clearinghouse", "setRiskConfig", (*good[:field], value, *good[field + 1 :]))


@aim("govern", "OpenInterestExceeded")
def set_too_shallow(s: Scenario, c: Choices) -> Outcome:
    _, market = _holder(s, c)
    config = s.market(market)[3]
    most = max(1, max(s.open_interest(market)) // 10**9 - 1)
    return s.call(STEWARD, "Clearinghouse", "setMarket", market, (c.amount(1, most), *config[1:]), 5_000)


@aim("govern", "MarketUnknown")
def set_unknown_market(s: Scenario, c: Choices) -> Outcome:
    return s.call(STEWARD, "Clearinghouse", "setMarket", c.integer(len(s.markets), 255), s.market(0)[3], 5_000)


@aim("govern", "AccessManagedUnauthorized")
def govern_unasked(s: Scenario, c: Choices) -> Outcome:
    config = s.market(0)[3]
    function, args = c.pick(
        (
            ("setMarket", (0, config, 5_000)),
            ("listMarket", (config, 5_000)),
            ("setRiskConfig", (s.pair.get("Clearinghouse", "riskConfig"),)),
            ("setExecutor", (OSCAR, True)),
            ("pauseRisk", ()),
            ("unpauseRisk", ()),
            ("fundPool", (1,)),
        )
    )
    return s.call(c.pick((*TRADERS, KIM, OSCAR)), "Clearinghouse", function, *args)


@aim("pause")
def pause(s: Scenario, c: Choices) -> Outcome:
    outcome = s.call(GUARDIAN, "Clearinghouse", "pauseRisk")
    s.must(ADMIN, "Clearinghouse", "unpauseRisk")
    return outcome


@aim("pause")
def set_executor(s: Scenario, c: Choices) -> Outcome:
    s.must(ADMIN, "Clearinghouse", "setExecutor", OSCAR, c.chance(50))
    return s.call(ADMIN, "Clearinghouse", "setExecutor", OSCAR, False)


@aim("pause")
def fund_pool(s: Scenario, c: Choices) -> Outcome:
    return s.call(LIQUIDITY, "Clearinghouse", "fundPool", c.amount(1, min(s.tokens(LIQUIDITY), 10**6 * TOKEN)))


@aim("pause", "AccessManagedUnauthorized")
def pause_unasked(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick((ADMIN, STEWARD, KIM)), "Clearinghouse", "pauseRisk")


# ---- oracle


@aim("oracle")
def set_feed(s: Scenario, c: Choices) -> Outcome:
    """Change a market's limits, and sometimes its feed: then its price is missing until the next update."""
    market = c.pick(s.markets)
    feed = s.feed(market)
    return s.call(STEWARD, "PriceOracle", "setFeed", market, feed, c.pick((120, 60, 65_535)), c.pick((100, 10_000, 1)))


@aim("oracle")
def change_feed(s: Scenario, c: Choices) -> Outcome:
    market = c.pick(s.markets)
    price = s.price(market)
    feed = f"0x{c.integer(1, 2**64):064x}"
    outcome = s.call(STEWARD, "PriceOracle", "setFeed", market, feed, 120, 100)
    s.compare_balances()
    s.publish({market: price})
    return outcome


@aim("oracle", "ParameterOutOfBounds")
def set_feed_out_of_bounds(s: Scenario, c: Choices) -> Outcome:
    age, confidence = c.pick(((0, 100), (120, 0), (120, 10_001)))
    return s.call(STEWARD, "PriceOracle", "setFeed", c.pick(s.markets), s.feed(0), age, confidence)


@aim("oracle", "AccessManagedUnauthorized")
def set_feed_unasked(s: Scenario, c: Choices) -> Outcome:
    return s.call(c.pick((*TRADERS, GUARDIAN)), "PriceOracle", "setFeed", 0, s.feed(0), 120, 100)


@aim("oracle", "FeedUnknown")
def update_unknown(s: Scenario, c: Choices) -> Outcome:
    market = c.integer(len(s.markets), 255)
    data = (s.update_data(0, WAD),)
    return s.call(KIM, "PriceOracle", "update", (0, market), data, value=s.fee(data))


@aim("oracle", "UpdateMalformed")
def update_nothing(s: Scenario, c: Choices) -> Outcome:
    markets, data = c.pick((((), ()), ((0,), ()), ((), (s.update_data(0, WAD),))))
    return s.call(KIM, "PriceOracle", "update", markets, data, value=s.fee(data))


@aim("oracle", "PriceInvalid")
def update_invalid(s: Scenario, c: Choices) -> Outcome:
    s.pair.wait(1)
    price, exponent = c.pick(((0, -8), (-1, -8), (5, 1), (5, -19), (2**63 - 1, 0), (-(2**63), -8), (8 * 10**10, 0)))
    value = Price(price, 1, exponent, s.now)
    data = (encode_update(PriceFeed(s.feed(0), value, value), s.now - 1),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))


@aim("oracle", "InsufficientFee")
def update_without_fee(s: Scenario, c: Choices) -> Outcome:
    s.pair.wait(1)
    return s.call(KIM, "PriceOracle", "update", (0,), (s.update_data(0, s.price(0)),), value=0)


@aim("oracle", "PriceFeedNotFoundWithinRange")
def update_of_the_future(s: Scenario, c: Choices) -> Outcome:
    data = (s.update_data(0, s.price(0), at=s.now + c.integer(1, 100)),)
    if c.chance(50):
        data = (s.update_data(0, s.price(0), feed="0x" + "ab" * 32),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))


@aim("oracle", "(no data)")
def update_garbage(s: Scenario, c: Choices) -> Outcome:
    good = s.update_data(0, s.price(0))
    data = (c.pick(("0x", "0x1234", good[:-2], "0x" + "ff" * 320)),)
    return s.call(KIM, "PriceOracle", "update", (0,), data, value=s.fee(data))


# ---- several calls in one


def _packed(s: Scenario, *calls: tuple[str, tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(s.pair.model.calldata("Clearinghouse", function, args) for function, args in calls)


@aim("batch")
def batch(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    owner = owner_of(account)
    calls = _packed(
        s,
        ("deposit", (account, c.amount(1, TOKEN * 1_000))),
        ("transfer", (account, account ^ 1, 1)),
        ("setOperator", (OSCAR, 7, s.now)),
    )
    s.freshen()
    return s.call(owner, "Clearinghouse", "multicall", calls[: c.integer(0, 3)])


@aim("batch", "AmountZero")
def batch_with_an_error(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    calls = _packed(s, ("setOperator", (OSCAR, 7, s.now)), ("deposit", (account, 0)))
    return s.call(owner_of(account), "Clearinghouse", "multicall", calls)


@aim("batch", "FailedCall")
def batch_of_nothing_known(s: Scenario, c: Choices) -> Outcome:
    account = _trading(c)
    calls = _packed(s, ("deposit", (account, 1)))
    odd = c.pick(("0x", "0x01020304", calls[0][:-2]))
    return s.call(owner_of(account), "Clearinghouse", "multicall", (*calls, odd))


# ---- the token itself


@aim("token")
def move_tokens(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(TRADERS)
    return s.call(owner, "LocalToken", "transfer", c.pick(EVERYBODY), c.amount(0, min(s.tokens(owner), TOKEN)))


@aim("token", "ERC20InsufficientBalance")
def move_too_many_tokens(s: Scenario, c: Choices) -> Outcome:
    owner = c.pick(TRADERS)
    return s.call(owner, "LocalToken", "transfer", c.pick(EVERYBODY), s.tokens(owner) + c.amount(1, 10**30))
