"""What is measured: each row prepares its own state after the common setup, then sends one transaction."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_account import Account
from eth_utils.crypto import keccak

from tests.bench.breakdown import INTRINSIC
from tests.bench.exchange import (
    BLOCK_SECONDS,
    FEE,
    IDLE_SECONDS,
    MIN_DELAY_SECONDS,
    PRICES,
    UNIT,
    WAD,
    Exchange,
    ExchangeError,
    account_of,
    address_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from eth_account.signers.local import LocalAccount

    from tests.bench.chain import Receipt

__all__ = ["DERIVED", "ROWS", "Derived", "Row"]

ETH = 1
"""The market of one-market rows."""
MODES = {"Cross": 0, "Isolated": 1, "Portfolio": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured transaction."""

    name: str
    run: Callable[[Exchange], Receipt]
    target: int | None
    about: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A number made of rows: of their gas, and of the part of it that the mock of Pyth used."""

    name: str
    formula: Callable[[Mapping[str, int], Mapping[str, int]], int]
    target: int | None
    about: str

    def of(self, gas: Mapping[str, int], in_mock: Mapping[str, int]) -> int | None:
        """Return the number, or None where a row was not measured."""
        try:
            return self.formula(gas, in_mock)
        except KeyError:
            return None


def per(count: int, more: str, less: str) -> Callable[[Mapping[str, int], Mapping[str, int]], int]:
    """Return the difference of two rows by `count`, up."""
    return lambda gas, _: -((gas[less] - gas[more]) // count)


ROWS: dict[str, Row] = {}


def row(
    about: str, target: int | None = None
) -> Callable[[Callable[[Exchange], Receipt]], Callable[[Exchange], Receipt]]:
    """Register a function as the row of its name."""

    def register(run: Callable[[Exchange], Receipt]) -> Callable[[Exchange], Receipt]:
        ROWS[run.__name__] = Row(run.__name__, run, target, about)
        return run

    return register


def row_per_count(
    about: str, counts: Mapping[str, tuple[int, int | None]]
) -> Callable[[Callable[[Exchange, int], Receipt]], Callable[[Exchange, int], Receipt]]:
    """Register a function of a count as several rows: name to count and target."""

    def register(run: Callable[[Exchange, int], Receipt]) -> Callable[[Exchange, int], Receipt]:
        for name, (count, target) in counts.items():
            ROWS[name] = Row(name, functools.partial(_of_count, run, count), target, about.format(count))
        return run

    return register


def _of_count(run: Callable[[Exchange, int], Receipt], count: int, exchange: Exchange) -> Receipt:
    return run(exchange, count)


# ---- deposits and withdrawals


@row("deposit to an account never used", 80_000)
def deposit_first(exchange: Exchange) -> Receipt:
    exchange.give_tokens("alice", 10_000 * UNIT)
    return exchange.send("alice", "Clearinghouse", "deposit", account_of("alice"), 2_500_000_001, wait=IDLE_SECONDS)


@row("deposit to an account in use", 62_000)
def deposit_repeat(exchange: Exchange) -> Receipt:
    exchange.fund("alice", 5_000)
    return exchange.send("alice", "Clearinghouse", "deposit", account_of("alice"), 1_000_001, wait=IDLE_SECONDS)


@row("withdraw a part to the owner, no position")
def withdraw(exchange: Exchange) -> Receipt:
    return _withdraw(exchange, 0)


@row("the same with 1 open market: its margin is checked")
def withdraw_margined(exchange: Exchange) -> Receipt:
    return _withdraw(exchange, 1)


def _withdraw(exchange: Exchange, markets: int) -> Receipt:
    if markets:
        exchange.hold("alice", [ETH])
    else:
        exchange.fund("alice", 5_000)
    args = (account_of("alice"), 250_000_001, address_of("alice"))
    return exchange.send("alice", "Clearinghouse", "withdraw", *args, wait=IDLE_SECONDS)


@row("move quote between two used accounts of one owner, no position")
def transfer(exchange: Exchange) -> Receipt:
    exchange.fund("alice", 5_000)
    exchange.fund("alice", 3_000, index=1)
    args = (account_of("alice"), account_of("alice", 1), 1_250 * WAD + 1)
    return exchange.send("alice", "Clearinghouse", "transfer", *args, wait=IDLE_SECONDS)


@row("lower the leverage of one open market: quote comes from another account")
def set_leverage(exchange: Exchange) -> Receipt:
    return _set_leverage(exchange, 2)


@row("raise it: quote leaves, the margin is checked")
def set_leverage_raise(exchange: Exchange) -> Receipt:
    return _set_leverage(exchange, 6)


def _set_leverage(exchange: Exchange, leverage: int) -> Receipt:
    exchange.hold("alice", [ETH])
    exchange.fund("alice", 50_000, index=1)
    args = (account_of("alice"), account_of("alice", 1), leverage * WAD)
    return exchange.send("alice", "Clearinghouse", "setLeverage", *args, wait=IDLE_SECONDS)


@row("multicall: first deposit and isolated mode")
def multicall_deposit_mode(exchange: Exchange) -> Receipt:
    exchange.give_tokens("alice", 10_000 * UNIT)
    encode = exchange.artefacts["Clearinghouse"].encode_call
    calls = [
        encode("deposit", account_of("alice"), 2_500_000_001),
        encode("setMarginMode", account_of("alice"), MODES["Isolated"]),
    ]
    return exchange.send("alice", "Clearinghouse", "multicall", calls, wait=IDLE_SECONDS)


# ---- trades, by an executor


@row("first position of an account in use", 110_000)
def trade_open(exchange: Exchange) -> Receipt:
    exchange.fund("alice", 5_000)
    return exchange.trade("alice", ETH, exchange.size_for(ETH, -12_000), wait=IDLE_SECONDS)


@row_per_count(
    "increase one position, {} open",
    {"trade_modify": (1, 80_000), "trade_modify_3": (3, None), "trade_modify_10": (10, None)},
)
def _trade_modify(exchange: Exchange, count: int) -> Receipt:
    exchange.hold("alice", _markets(count))
    return exchange.trade("alice", ETH, exchange.size_for(ETH, -2_500), wait=IDLE_SECONDS)


@row_per_count(
    "increase one position, {} open, portfolio mode",
    {"trade_modify_portfolio_3": (3, None), "trade_modify_portfolio_10": (10, None)},
)
def _trade_modify_portfolio(exchange: Exchange, count: int) -> Receipt:
    exchange.hold("alice", _markets(count), netted=True)
    return exchange.trade("alice", ETH, exchange.size_for(ETH, -2_500), wait=IDLE_SECONDS)


@row("move half of a position to an account in use, each in one market")
def move_position(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    exchange.fund("alice", 20_000, index=1)
    args = (account_of("alice"), account_of("alice", 1), ETH, -exchange.size_for(ETH, -10_000))
    return exchange.send("alice", "Clearinghouse", "movePosition", *args, wait=IDLE_SECONDS)


@row("increase, and pay a keeper's account")
def trade_modify_keeper_fee(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    return exchange.trade("alice", ETH, exchange.size_for(ETH, -2_500), keeper_fee=WAD // 4, wait=IDLE_SECONDS)


@row("increase, with twice the markets listed")
def trade_modify_listed(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    for price in PRICES:
        exchange.list_market(price)
    return exchange.trade("alice", ETH, exchange.size_for(ETH, -2_500), wait=IDLE_SECONDS)


@row("reduce a position")
def trade_reduce(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    return exchange.trade("alice", ETH, exchange.size_for(ETH, 2_500), wait=IDLE_SECONDS)


@row("short to long in one trade")
def trade_flip(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    return exchange.trade("alice", ETH, exchange.size_for(ETH, 32_000), wait=IDLE_SECONDS)


@row("close the only position", 80_000)
def trade_close(exchange: Exchange) -> Receipt:
    exchange.hold("alice", [ETH])
    size = int(exchange.read("Clearinghouse", "positionOf", account_of("alice"), ETH)["shares"])
    receipt = exchange.trade("alice", ETH, -size, wait=IDLE_SECONDS)
    _expect(exchange.account("alice")["openMarkets"] == 0, "the position is still open")
    return receipt


# ---- orders


@row("commit in a slot never used", 50_000)
def commit(exchange: Exchange) -> Receipt:
    exchange.fund("alice", 5_000)
    order = exchange.order("alice", ETH, exchange.size_for(ETH, -12_000))
    return exchange.send("alice", "OrderBook", "commit", order, wait=IDLE_SECONDS)


@row("commit in a slot used before", 35_000)
def commit_reused(exchange: Exchange) -> Receipt:
    _settled(exchange)
    order = exchange.order("alice", ETH, exchange.size_for(ETH, 3_000))
    return exchange.send("alice", "OrderBook", "commit", order, wait=IDLE_SECONDS)


@row("cancel an order whose window has passed")
def cancel(exchange: Exchange) -> Receipt:
    order = _committed(exchange)
    return exchange.send("alice", "OrderBook", "cancel", order, wait=IDLE_SECONDS)


@row("settle an increase: price update, trade, keeper's fee")
def settle(exchange: Exchange) -> Receipt:
    return _settled(exchange)


@row("settle a first position")
def settle_open(exchange: Exchange) -> Receipt:
    return _settled(exchange, held=False)


@row("settle, the mock of Pyth storing the price too")
def settle_mock_storage(exchange: Exchange) -> Receipt:
    return _settled(exchange, mock_knows=False)


@row("settle, with no fee to Pyth")
def settle_fee_free(exchange: Exchange) -> Receipt:
    return _settled(exchange, fee=0)


@row("the price update of `settle` by itself: same state, same data, same time")
def settle_update(exchange: Exchange) -> Receipt:
    _, update = _ready(exchange)
    return exchange.send("keeper", "PriceOracle", "update", [ETH], [update], wait=BLOCK_SECONDS, value=FEE)


@row("relay an order that an operator signed, in a slot never used: no transaction of the trader's")
def commit_signed(exchange: Exchange) -> Receipt:
    signer: LocalAccount = Account.from_key(keccak(text="steelyard bench signer"))
    exchange.fund("alice", 5_000)
    order = exchange.order("alice", ETH, exchange.size_for(ETH, -12_000))
    permission = signer.address, 1, order["expiresAt"]
    exchange.send("alice", "Clearinghouse", "setOperator", *permission)
    kinds = "uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta"
    kinds += ",uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly"
    fields = [dict(zip(("type", "name"), part.split(" "), strict=True)) for part in kinds.split(",")]
    signed_fields = {"order": "Order", "signer": "address", "nonce": "uint256"}
    types = {"Order": fields, "SignedOrder": [{"name": name, "type": kind} for name, kind in signed_fields.items()]}
    domain = {
        "name": "Steelyard orders",
        "version": "1",
        "chainId": int(exchange.chain.rpc("eth_chainId"), 16),
        "verifyingContract": exchange.addresses["OrderBook"],
    }
    nonce = 1_234
    signed = signer.sign_typed_data(domain, types, {"order": order, "signer": signer.address, "nonce": nonce})
    args = order, nonce, signer.address, bytes(signed.signature)
    return exchange.send("keeper", "OrderBook", "commitSigned", *args, wait=IDLE_SECONDS)


TEN = 10
_KINDS = {"limit": 1, "stop": 2, "trailing": 3, "twap": 4, "bracket": 5}


def _terms(exchange: Exchange, kind: str, *, is_buy: bool = False) -> dict[str, int]:
    """Return terms of a sale, or a purchase, that a price about a hundredth better or worse meets."""
    price = exchange.price_of(ETH)
    better, worse = price * 101 // 100, price * 99 // 100
    return {
        "kind": _KINDS[kind],
        "triggerPrice": {"limit": worse if is_buy else better, "stop": worse}.get(kind, 0),
        "stopPrice": better if kind == "bracket" else 0,
        "targetPrice": worse if kind == "bracket" else 0,
        "distance": 10_000 if kind == "trailing" else 0,
        "slices": 5 if kind == "twap" else 0,
        "interval": 600 if kind == "twap" else 0,
    }


def _placed(exchange: Exchange, kind: str) -> tuple[dict[str, Any], dict[str, int], Receipt]:
    exchange.hold("alice", [ETH])
    order = exchange.order("alice", ETH, exchange.size_for(ETH, -2_500))
    terms = _terms(exchange, kind)
    return order, terms, exchange.send("alice", "OrderBook", "place", order, terms, wait=IDLE_SECONDS)


def _place_row(kind: str, about: str) -> None:
    ROWS[f"place_{kind}"] = Row(f"place_{kind}", lambda exchange: _placed(exchange, kind)[2], None, about)


_place_row("limit", "place a limit in a slot never used")
_place_row("stop", "the same, a stop")
_place_row("trailing", "the same, a trailing stop")
_place_row("twap", "the same, a TWAP")
_place_row("bracket", "the same, a bracket that enters at once")


def _triggered(exchange: Exchange, kind: str = "limit") -> tuple[dict[str, Any], dict[str, int], Receipt]:
    order, terms, _ = _placed(exchange, kind)
    exchange.chain.now += IDLE_SECONDS
    exchange.publish({ETH: 0.02})
    return order, terms, exchange.send("keeper", "OrderBook", "trigger", order, terms, wait=BLOCK_SECONDS)


@row("trigger a limit, its price stored before")
def trigger(exchange: Exchange) -> Receipt:
    return _triggered(exchange)[2]


@row("move a trailing stop's first mark")
def trail(exchange: Exchange) -> Receipt:
    order, terms, _ = _placed(exchange, "trailing")
    exchange.chain.now += IDLE_SECONDS
    exchange.publish({ETH: 0.02})
    return exchange.send("keeper", "OrderBook", "trail", order, terms, wait=BLOCK_SECONDS)


@row("settle a limit that was triggered: price update, trade, keeper's fee")
def execute(exchange: Exchange) -> Receipt:
    order, terms, _ = _triggered(exchange)
    update = exchange.publication(ETH, 0.0006, exchange.chain.now + MIN_DELAY_SECONDS)
    _tell_mock(exchange, [update])
    args = (order, terms, account_of("keeper"), [update])
    return exchange.send("keeper", "OrderBook", "execute", *args, wait=BLOCK_SECONDS, value=FEE)


@row("take a limit back")
def cancel_placed(exchange: Exchange) -> Receipt:
    order, terms, _ = _placed(exchange, "limit")
    return exchange.send("alice", "OrderBook", "cancelPlaced", order, terms, wait=IDLE_SECONDS)


@row("settle 10 orders of 10 accounts in one batch, all at one price, proven once")
def settle_batch_10(exchange: Exchange) -> Receipt:
    owners = [f"trader {number}" for number in range(TEN)]
    for owner in owners:
        exchange.hold(owner, [ETH])
    exchange.chain.now += IDLE_SECONDS
    orders = [exchange.order(owner, ETH, exchange.size_for(ETH, -2_500)) for owner in owners]
    for owner, order in zip(owners, orders, strict=True):
        exchange.send(owner, "OrderBook", "commit", order, wait=1)
    since = exchange.chain.now - TEN + 1 + MIN_DELAY_SECONDS
    update = exchange.publication(ETH, 0.0006, exchange.chain.now + MIN_DELAY_SECONDS)
    _tell_mock(exchange, [update])
    encode = exchange.artefacts["OrderBook"].encode_call
    calls = [
        encode("provePrice", ETH, since, [update]),
        *(encode("settle", order, account_of("keeper"), []) for order in orders),
    ]
    values = [FEE] + [0] * TEN
    receipt = exchange.send("keeper", "OrderBook", "batch", calls, values, wait=BLOCK_SECONDS, value=FEE)
    left = [order for order in orders if exchange.read("OrderBook", "commitmentOf", order["account"], order["slot"])[0]]
    _expect(not left, f"{len(left)} orders were not settled")
    return receipt


def _committed(exchange: Exchange, *, held: bool = True) -> dict[str, Any]:
    if held:
        exchange.hold("alice", [ETH])
        exchange.chain.now += IDLE_SECONDS
    else:
        exchange.fund("alice", 5_000)
    order = exchange.order("alice", ETH, exchange.size_for(ETH, -2_500))
    exchange.send("alice", "OrderBook", "commit", order)
    return order


def _ready(exchange: Exchange, *, held: bool = True, mock_knows: bool = True) -> tuple[dict[str, Any], bytes]:
    """Commit an order, and publish the price that it fills at; with `mock_knows` it already lies in Pyth's mock."""
    order = _committed(exchange, held=held)
    update = exchange.publication(ETH, 0.0006, exchange.chain.now + MIN_DELAY_SECONDS)
    if mock_knows:
        _tell_mock(exchange, [update])
    return order, update


def _settled(exchange: Exchange, *, held: bool = True, mock_knows: bool = True, fee: int = FEE) -> Receipt:
    order, update = _ready(exchange, held=held, mock_knows=mock_knows)
    if fee == 0:
        _waive_fee(exchange)
    args = (order, account_of("keeper"), [update])
    return exchange.send("keeper", "OrderBook", "settle", *args, wait=BLOCK_SECONDS, value=fee)


# ---- liquidations


@row_per_count(
    "{} open, closed in part",
    {"liquidate": (1, 90_000), "liquidate_3": (3, None), "liquidate_10": (10, None)},
)
def _liquidate_part(exchange: Exchange, count: int) -> Receipt:
    return _liquidate(exchange, count, 0.8, is_partial=True)


@row_per_count(
    "{} open, closed in part, portfolio mode",
    {"liquidate_portfolio_3": (3, None), "liquidate_portfolio_10": (10, None)},
)
def _liquidate_portfolio(exchange: Exchange, count: int) -> Receipt:
    return _liquidate(exchange, count, 0.8, is_partial=True, netted=True)


@row("16 open, portfolio mode, closed in part and then entirely, insurance covers the loss", 15_000_000)
def liquidate_largest(exchange: Exchange) -> Receipt:
    exchange.list_to(16)
    return _liquidate(exchange, 16, -0.5, is_partial=False, netted=True)


@row_per_count(
    "{} open, closed entirely, solvent",
    {"liquidate_full": (1, 90_000), "liquidate_full_3": (3, None), "liquidate_full_10": (10, None)},
)
def _liquidate_full(exchange: Exchange, count: int) -> Receipt:
    return _liquidate(exchange, count, 0.2, is_partial=False)


@row("1 open, closed entirely, insurance covers the loss")
def liquidate_bankrupt(exchange: Exchange) -> Receipt:
    return _liquidate(exchange, 1, -0.5, is_partial=False)


def _liquidate(exchange: Exchange, count: int, health: float, *, is_partial: bool, netted: bool = False) -> Receipt:
    exchange.hold_unhealthy("alice", _markets(count), health=health, netted=netted)
    insurance = exchange.read("Clearinghouse", "ledger")["insuranceBalance"]
    args = (account_of("alice"), account_of("keeper"))
    receipt = exchange.send("keeper", "Clearinghouse", "liquidate", *args, wait=IDLE_SECONDS)
    left = exchange.account("alice")["openMarkets"].bit_count()
    _expect(left == (count if is_partial else 0), f"{left} of {count} positions are left")
    gained = exchange.read("Clearinghouse", "ledger")["insuranceBalance"] - insurance
    _expect((gained < 0) == (health < 0), f"the insurance fund gained {gained}")
    return receipt


# ---- the pool


@row_per_count(
    "deleverage a pool with skew in {} markets",
    {"deleverage_3": (3, None), "deleverage_12": (12, None)},
)
def _deleverage(exchange: Exchange, count: int) -> Receipt:
    exchange.weaken_pool(list(range(count)))
    return exchange.send("keeper", "Clearinghouse", "deleverage", wait=BLOCK_SECONDS)


# ---- prices and funding


@row("bring one market's funding up to date")
def accrue(exchange: Exchange) -> Receipt:
    return exchange.send("keeper", "Clearinghouse", "accrue", ETH, wait=IDLE_SECONDS)


@row_per_count(
    "newer prices stored: {}; Pyth's fee paid",
    {"oracle_update_1": (1, 42_000), "oracle_update_3": (3, None)},
)
def _oracle_update(exchange: Exchange, count: int) -> Receipt:
    return _updated(exchange, count)


@row_per_count(
    "prices: {}; the mock of Pyth stores them too",
    {"oracle_update_1_mock_storage": (1, None), "oracle_update_3_mock_storage": (3, None)},
)
def _oracle_update_mock_storage(exchange: Exchange, count: int) -> Receipt:
    return _updated(exchange, count, mock_knows=False)


@row_per_count(
    "prices: {}; no fee to Pyth",
    {"oracle_update_1_fee_free": (1, None), "oracle_update_3_fee_free": (3, None)},
)
def _oracle_update_fee_free(exchange: Exchange, count: int) -> Receipt:
    return _updated(exchange, count, fee=0)


@row_per_count(
    "1 price; feeds of Chainlink asked: {}, a guard, then the sequencer's, too",
    {"oracle_update_1_guarded": (1, None), "oracle_update_1_guarded_l2": (2, None)},
)
def _oracle_update_guarded(exchange: Exchange, feeds: int) -> Receipt:
    exchange.chain.now += IDLE_SECONDS
    guard = exchange.deploy("LocalAggregator", 8)
    now = exchange.chain.now
    exchange.send("updater", "LocalAggregator", "setRound", exchange.price_of(ETH) // 10**10, now, now)
    exchange.send("admin", "PriceOracle", "setGuard", ETH, guard, 86_400, 5_000)
    if feeds > 1:
        sequencer = exchange.deploy("LocalAggregator", 0)
        exchange.send("updater", "LocalAggregator", "setRound", 0, now - 86_400, now)
        exchange.send("admin", "PriceOracle", "setSequencer", sequencer, 3_600)
    receipt = _updated(exchange, 1)
    _expect(exchange.read("PriceOracle", "priceState", ETH)["isConfirmed"], "the guard did not confirm")
    return receipt


def _updated(exchange: Exchange, count: int, *, mock_knows: bool = True, fee: int = FEE) -> Receipt:
    exchange.chain.now += IDLE_SECONDS
    markets = list(range(ETH, ETH + count))
    updates = [exchange.publication(market, 0.0006, exchange.chain.now) for market in markets]
    if mock_knows:
        _tell_mock(exchange, updates)
    if fee == 0:
        _waive_fee(exchange)
    value = fee * count
    return exchange.send("updater", "PriceOracle", "update", markets, updates, wait=BLOCK_SECONDS, value=value)


def _tell_mock(exchange: Exchange, updates: list[bytes]) -> None:
    """Store prices in the mock of Pyth: parsing them later then writes nothing there, as the real one does not."""
    exchange.send("updater", "LocalPyth", "updatePriceFeeds", updates, wait=1, value=FEE * len(updates))


def _waive_fee(exchange: Exchange) -> None:
    """Set the mock's fee, which it has no setter for, to zero: its second slot."""
    pyth = exchange.addresses["LocalPyth"]
    exchange.chain.rpc("anvil_setStorageAt", pyth, hex(1), f"0x{0:064x}")
    _expect(exchange.read("LocalPyth", "getUpdateFee", [b""]) == 0, "the fee was not waived")


# ---- the vault


@row("request a deposit, the first of its controller", 110_000)
def vault_request_deposit(exchange: Exchange) -> Receipt:
    return exchange.request_deposit("alice", 1_000 * UNIT)


@row("request a redemption of a part, the first of its controller", 110_000)
def vault_request_redeem(exchange: Exchange) -> Receipt:
    return _request_redeem(exchange, "provider", _shares(exchange) // 7)


@row_per_count(
    "settle deposits of controllers who never claimed: {}; 12 markets with positions",
    {"vault_fulfil_deposit": (1, None), "vault_fulfil_deposit_5": (5, None)},
)
def _vault_fulfil_deposit(exchange: Exchange, count: int) -> Receipt:
    return _fulfil_deposits(exchange, count)


@row("settle 1 deposit, 6 markets with positions")
def vault_fulfil_deposit_6_markets(exchange: Exchange) -> Receipt:
    for market in range(len(PRICES) // 2):
        for owner in ("crowd long", "crowd short"):
            shares = exchange.read("Clearinghouse", "positionOf", account_of(owner), market)["shares"]
            exchange.trade(owner, market, -shares)
    return _fulfil_deposits(exchange, 1)


@row_per_count(
    "settle redemptions of controllers who never claimed: {}; 12 markets with positions, margin checked",
    {"vault_fulfil_redeem": (1, None), "vault_fulfil_redeem_5": (5, None)},
)
def _vault_fulfil_redeem(exchange: Exchange, count: int) -> Receipt:
    part = _shares(exchange) // 100
    for number in range(count):
        exchange.send("provider", "LiquidityVault", "transfer", address_of(f"holder {number}"), part)
        _request_redeem(exchange, f"holder {number}", part)
    return _settle_vault(exchange, 0, count)


@row("claim shares, the receiver's first", 110_000)
def vault_claim_shares(exchange: Exchange) -> Receipt:
    _fulfil_deposits(exchange, 1)
    receiver = address_of("holder 0")
    return exchange.send("holder 0", "LiquidityVault", "deposit", 999 * UNIT, receiver, wait=IDLE_SECONDS)


@row("claim assets, in part", 110_000)
def vault_claim_assets(exchange: Exchange) -> Receipt:
    part = _shares(exchange) // 7
    _request_redeem(exchange, "provider", part)
    _settle_vault(exchange, 0, 1)
    owner = address_of("provider")
    return exchange.send("provider", "LiquidityVault", "redeem", part - 1, owner, owner, wait=IDLE_SECONDS)


@row("take a deposit back")
def vault_cancel_deposit(exchange: Exchange) -> Receipt:
    exchange.request_deposit("alice", 1_000 * UNIT)
    requests = exchange.read("LiquidityVault", "depositQueue")
    return exchange.send("alice", "LiquidityVault", "cancelDeposit", requests[1], address_of("alice"), wait=86_400)


def _shares(exchange: Exchange) -> int:
    return int(exchange.read("LiquidityVault", "balanceOf", address_of("provider")))


def _request_redeem(exchange: Exchange, owner: str, shares: int) -> Receipt:
    who = address_of(owner)
    return exchange.send(owner, "LiquidityVault", "requestRedeem", shares, who, who, wait=IDLE_SECONDS)


def _fulfil_deposits(exchange: Exchange, count: int) -> Receipt:
    for number in range(count):
        exchange.request_deposit(f"holder {number}", 1_000 * UNIT + number)
    return _settle_vault(exchange, count, 0)


def _settle_vault(exchange: Exchange, deposits: int, redemptions: int) -> Receipt:
    exchange.chain.now += IDLE_SECONDS
    exchange.publish(dict.fromkeys(range(len(PRICES)), 0.0003))
    return exchange.send("keeper", "LiquidityVault", "fulfil", deposits, redemptions)


def _markets(count: int) -> list[int]:
    """Return `count` markets, among them the one that is traded."""
    return [ETH] if count == 1 else list(range(count))


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ExchangeError(otherwise)


def _own(name: str) -> Callable[[Mapping[str, int], Mapping[str, int]], int]:
    return lambda gas, in_mock: gas[name] - in_mock[name]


def _own_per_price(gas: Mapping[str, int], in_mock: Mapping[str, int]) -> int:
    more, less = "oracle_update_3", "oracle_update_1"
    return -((gas[less] - in_mock[less] - gas[more] + in_mock[more]) // 2)


def _beyond_update(gas: Mapping[str, int], _: Mapping[str, int]) -> int:
    return gas["settle"] - (gas["settle_update"] - INTRINSIC)


def _without_markets(name: str) -> Callable[[Mapping[str, int], Mapping[str, int]], int]:
    """Return a row less what the net asset value of its markets adds: as of a pool without positions."""
    per_market = per(len(PRICES) // 2, "vault_fulfil_deposit", "vault_fulfil_deposit_6_markets")
    return lambda gas, in_mock: gas[name] - len(PRICES) * per_market(gas, in_mock)


DERIVED: tuple[Derived, ...] = (
    Derived("trade_per_open_market_3", per(2, "trade_modify_3", "trade_modify"), 15_000, "each further one, 1 to 3"),
    Derived("trade_per_open_market_10", per(9, "trade_modify_10", "trade_modify"), 15_000, "the same, 1 to 10"),
    Derived(
        "portfolio_beyond_cross_3",
        lambda gas, _: gas["trade_modify_portfolio_3"] - gas["trade_modify_3"],
        15_000,
        "portfolio mode's check beyond cross margin's, 3 open",
    ),
    Derived(
        "portfolio_beyond_cross_10",
        lambda gas, _: gas["trade_modify_portfolio_10"] - gas["trade_modify_10"],
        None,
        "the same, 10 open",
    ),
    Derived("trade_per_listed_market", per(len(PRICES), "trade_modify_listed", "trade_modify"), 0, "only listed"),
    Derived("liquidate_per_market_3", per(2, "liquidate_3", "liquidate"), 30_000, "each further one, 1 to 3"),
    Derived("liquidate_per_market_10", per(9, "liquidate_10", "liquidate"), 30_000, "the same, 1 to 10"),
    Derived("liquidate_full_per_market_3", per(2, "liquidate_full_3", "liquidate_full"), 30_000, "entirely, 1 to 3"),
    Derived("liquidate_full_per_market_10", per(9, "liquidate_full_10", "liquidate_full"), 30_000, "the same, 1 to 10"),
    Derived("deleverage_per_market", per(9, "deleverage_12", "deleverage_3"), None, "each further one"),
    Derived("oracle_per_price", per(2, "oracle_update_3", "oracle_update_1"), 7_000, "each further price"),
    Derived("oracle_per_price_own", _own_per_price, 7_000, "the same without what the mock of Pyth uses"),
    Derived("oracle_update_1_own", _own("oracle_update_1"), 42_000, "1 price without what the mock of Pyth uses"),
    Derived("settle_own", _own("settle"), None, "settle without what the mock of Pyth uses"),
    Derived("settle_in_batch", lambda gas, _: gas["settle_batch_10"] // TEN, None, "each of 10, price data and all"),
    Derived(
        "settle_in_batch_beyond_update",
        lambda gas, _: (gas["settle_batch_10"] - (gas["settle_update"] - INTRINSIC)) // TEN,
        75_000,
        "each of 10, without one price update for all",
    ),
    Derived("settle_beyond_update", _beyond_update, 115_000, "settle without what its price update adds"),
    Derived("vault_deposit_settled", per(4, "vault_fulfil_deposit_5", "vault_fulfil_deposit"), 110_000, "each further"),
    Derived(
        "vault_redemption_settled", per(4, "vault_fulfil_redeem_5", "vault_fulfil_redeem"), 110_000, "each further"
    ),
    Derived(
        "vault_per_market",
        per(len(PRICES) // 2, "vault_fulfil_deposit", "vault_fulfil_deposit_6_markets"),
        None,
        "net asset value, each market with positions",
    ),
    Derived("vault_fulfil_no_market", _without_markets("vault_fulfil_deposit"), None, "1 deposit, 12 idle markets"),
)
