"""The ledger of the exchange (``Clearinghouse.sol``).

Every entry point has the contract's shape: authorise, load and accrue, change memory, check, store, event,
interaction. Accounts are ``owner << 96 | index``; quote, sizes and prices are wad; token amounts have 6 decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sim.protocol import abi
from sim.protocol.authority import AccessManaged
from sim.protocol.errors import (
    AccountBankrupt,
    AccountFlat,
    AccountHealthy,
    AccountPairInvalid,
    AccountReserved,
    AccountUnauthorized,
    AmountZero,
    EmptyRevert,
    ExecutorUnauthorized,
    FailedCall,
    LeverageZero,
    MaintenanceInsufficient,
    MarginInsufficient,
    MarketsExhausted,
    MarketUnknown,
    OpenMarketsExceeded,
    PriceUnacceptable,
    RecipientUnauthorized,
    RiskPaused,
    SafeERC20FailedOperation,
    SizeBelowMinimum,
    SizeZero,
    SurplusMissing,
    TokenDecimalsMismatch,
    TransferMismatch,
)
from sim.protocol.evm import (
    Address,
    ceil_div,
    checked_sub,
    external,
    non_reentrant,
    view,
)
from sim.protocol.libraries import funding_rate, liquidation, margin, positions, pricing, words
from sim.protocol.libraries.fixed_point import WAD, clamp_symmetric
from sim.protocol.libraries.portfolio import Netting
from sim.protocol.types.account import (
    PERMISSION_MARGIN,
    PERMISSION_WITHDRAW,
    Account,
    AccountRisk,
    MarginMode,
    Permission,
    Position,
)
from sim.protocol.types.account_id import INSURANCE_ACCOUNT, POOL_ACCOUNT, is_reserved, owner_of, to_account_id
from sim.protocol.types.fill import Fill, LiquidationResult, Trade
from sim.protocol.types.ledger import RISK_CONFIG, Ledger, RiskConfig
from sim.protocol.types.mark import price_of
from sim.protocol.types.market import (
    MARKET_CONFIG,
    PORTFOLIO_CONFIG,
    FundingState,
    Market,
    MarketConfig,
    PortfolioConfig,
    Side,
)
from sim.protocol.types.market_id import MAX_MARKETS, MarketId, markets_of, to_bit
from sim.protocol.types.shares import ONE_MULTIPLIER, to_size

if TYPE_CHECKING:
    from sim.protocol.mocks.local_token import LocalToken
    from sim.protocol.parameter_bounds import ParameterBounds
    from sim.protocol.price_oracle import PriceOracle
    from sim.protocol.world import World

__all__ = ["MAX_OPEN_MARKETS", "UNIT", "Clearinghouse"]

MAX_OPEN_MARKETS: Final = 16
"""Bounds the gas of the largest liquidation."""

UNIT: Final = 10**12
"""Wad per unit of the settlement token."""

_TOKEN_DECIMALS: Final = 6
_WORD: Final = 32
_TRUE: Final = (1).to_bytes(_WORD, "big")
_BPS: Final = 10_000
_TRADE: Final = "(uint256,uint8,int128,uint96,uint128,uint256,uint96)"
_FILL: Final = "(int256,int256,uint256,int256)"
_NO_ACCOUNT: Final = Account()
_NO_POSITION: Final = Position()
_NO_PORTFOLIO: Final = PortfolioConfig()
_NO_PERMISSION: Final = Permission(0, 0)


@dataclass(slots=True)
class _OpenPosition:
    """One market of an account in memory."""

    id: int
    mark: int
    price: int
    size: int
    market: Market
    position: Position


class Clearinghouse(AccessManaged):
    """One ledger for traders, the liquidity pool, the insurance fund and the treasury.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    token : LocalToken
        Settlement token, 6 decimals.
    oracle : PriceOracle
        Prices.
    bounds : ParameterBounds
        Of the parameters.
    treasury : Address
        Owner of the treasury's account.

    Raises
    ------
    TokenDecimalsMismatch, AccountReserved
        Other than 6 decimals; the treasury is the zero address.
    """

    def __init__(
        self,
        world: World,
        name: str,
        address: Address,
        *,
        token: LocalToken,
        oracle: PriceOracle,
        bounds: ParameterBounds,
        treasury: Address,
    ) -> None:
        super().__init__(world, name, address)
        if token.decimals() != _TOKEN_DECIMALS:
            raise TokenDecimalsMismatch(token.decimals())
        self.token = token
        self.oracle = oracle
        self.bounds = bounds
        self.treasury = to_account_id(treasury, 0)
        if is_reserved(self.treasury):
            raise AccountReserved(self.treasury)
        self._accounts: dict[int, Account] = {}
        self._positions: dict[tuple[int, int], Position] = {}
        self._markets: dict[int, Market] = {}
        self._portfolios: dict[int, PortfolioConfig] = {}
        self._deleveraged: dict[int, bool] = {}
        self._permissions: dict[tuple[Address, Address], Permission] = {}
        self._executors: dict[Address, bool] = {}
        self._ledger = Ledger()
        self._risk_config = RiskConfig()
        self._market_count = 0
        self.taken_in = 0
        """Tokens that were deposited, less those withdrawn [token units]."""

    # ---- owners and operators

    @external("deposit(uint256,uint128)")
    @non_reentrant
    def deposit(self, sender: Address, account: int, amount: int) -> None:
        """Credit `amount` token units, paid by the sender (``Clearinghouse.sol::deposit``).

        Raises
        ------
        AccountReserved, AmountZero, TransferMismatch
            As named, and the token's own.
        SafeCastOverflowedIntDowncast
            The balance leaves its type.
        """
        if is_reserved(account):
            raise AccountReserved(account)
        balance = self._credit(account, _to_wad(amount))
        self.emit("Deposited", account, sender, amount, balance)
        self._pull(sender, amount)

    @external("withdraw(uint256,uint128,address)")
    @non_reentrant
    def withdraw(self, sender: Address, account: int, amount: int, recipient: Address) -> None:
        """Pay `amount` token units out, if what is left meets the initial margin (``Clearinghouse.sol::withdraw``).

        Raises
        ------
        AccountUnauthorized, RecipientUnauthorized, AmountZero, MarginInsufficient, TransferMismatch
            As named; the oracle's while positions are open; the token's.
        """
        self._authorize(account, sender, PERMISSION_WITHDRAW)
        owner = owner_of(account)
        if owner not in (sender, recipient):
            raise RecipientUnauthorized(recipient)
        balance = self._credit(account, -_to_wad(amount))
        self._require_initial_margin(account)
        self.emit("Withdrawn", account, recipient, amount, balance)
        self._push(recipient, amount)

    @external("transfer(uint256,uint256,uint128)")
    @non_reentrant
    def transfer(self, sender: Address, source: int, target: int, amount: int) -> None:
        """Move `amount` [wad] between two accounts of one owner (``Clearinghouse.sol::transfer``).

        Raises
        ------
        AccountUnauthorized, AmountZero, AccountPairInvalid, MarginInsufficient
            As named; the oracle's.
        """
        self._authorize(source, sender, PERMISSION_MARGIN)
        if amount == 0:
            raise AmountZero
        self._move(source, target, amount)
        self._require_initial_margin(source)

    @external("setMarginMode(uint256,uint8)")
    @non_reentrant
    def set_margin_mode(self, sender: Address, account: int, mode: int) -> None:
        """Set how an account's positions share its margin (``Clearinghouse.sol::setMarginMode``).

        Raises
        ------
        AccountUnauthorized, OpenMarketsExceeded, MarginInsufficient, EmptyRevert
            As named; the oracle's; no such mode.
        """
        if mode > MarginMode.PORTFOLIO:
            raise EmptyRevert
        self._authorize(account, sender, PERMISSION_MARGIN)
        header = self._accounts.get(account, _NO_ACCOUNT).copy()
        is_netted = _is_netted(header)
        header.mode = mode
        _require_market_limit(account, header)
        self._put(self._accounts, account, words.pack_account(header))
        if is_netted:
            self._require_initial_margin(account)
        self.emit("MarginModeSet", account, mode)

    @external("setLeverage(uint256,uint256,uint128)")
    @non_reentrant
    def set_leverage(self, sender: Address, account: int, funded_by: int, leverage: int) -> None:
        """Bring an account to `leverage` [wad] by moving quote (``Clearinghouse.sol::setLeverage``).

        Raises
        ------
        AccountUnauthorized, LeverageZero, AccountFlat, AccountPairInvalid, MarginInsufficient
            As named; the oracle's.
        """
        self._authorize(account, sender, PERMISSION_MARGIN)
        if leverage == 0:
            raise LeverageZero
        risk = self.risk_of(account)
        if risk.notional == 0:
            raise AccountFlat(account)
        missing = ceil_div(risk.notional * WAD, leverage) - risk.equity
        if missing > 0:
            self._move(funded_by, account, missing)
            self._require_initial_margin(funded_by)
        else:
            self._move(account, funded_by, -missing)
            self._require_initial_margin(account)
        self.emit("LeverageSet", account, funded_by, leverage)

    @external("setOperator(address,uint8,uint40)")
    @non_reentrant
    def set_operator(self, sender: Address, operator: Address, flags: int, expires_at: int) -> None:
        """Let `operator` use `flags` on all accounts of the sender (``Clearinghouse.sol::setOperator``)."""
        self._put(self._permissions, (sender, operator), Permission(flags, expires_at))
        self.emit("OperatorSet", sender, operator, flags, expires_at)

    # ---- executors

    @external(f"trade({_TRADE}) -> ({_FILL})")
    @non_reentrant
    def trade(self, sender: Address, order: Trade | tuple[int, ...]) -> Fill:
        """Change a position at a price moved by skew, and pay the keeper (``Clearinghouse.sol::trade``).

        Raises
        ------
        ExecutorUnauthorized, AccountReserved, SizeZero, MarketUnknown, OpenInterestExceeded, SizeBelowMinimum
            As named.
        PriceUnacceptable, OpenMarketsExceeded, AccountBankrupt, MaintenanceInsufficient, RiskPaused, MarginInsufficient
            As named; the oracle's.
        SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
            A stored value leaves its type.
        """
        if not self._executors.get(sender, False):
            raise ExecutorUnauthorized(sender)
        account, market, size_delta, price, acceptable_price, keeper, keeper_fee = order
        if is_reserved(account):
            raise AccountReserved(account)
        if size_delta == 0:
            raise SizeZero
        header = self._accounts.get(account, _NO_ACCOUNT).copy()
        opened = self._load(account, market)
        size_before = opened.size
        opened.mark = self.oracle.mark_of(market)
        opened.price = price_of(opened.mark)
        is_opposite = size_before > 0 if size_delta < 0 else size_before < 0
        required_before = self.risk_of(account).maintenance_margin if is_opposite and _is_netted(header) else 0
        funding_rate.accrue(opened.market, opened.price, self.world.timestamp)
        opened.size, fill = positions.change(opened.market, opened.position, size_before, size_delta, price)
        _check_fill(fill, opened, acceptable_price)
        if _set_open(header, opened):
            _require_market_limit(account, header)

        state = self._ledger.copy()
        _apply(header, state, fill)
        header.balance -= keeper_fee
        self._set("_ledger", words.pack_ledger(state))
        self._put(self._accounts, account, words.pack_account(header))
        self._store(account, opened)
        self._emit_traded(account, opened, fill, header.balance)

        if (size_before ^ fill.size_delta) < 0 and abs(fill.size_delta) <= abs(size_before):
            self._require_reduction(account, keeper_fee, fill, opened, header, required_before)
        else:
            if state.risk_paused:
                raise RiskPaused
            risk = self._risk_after(account, header, opened, state)
            if risk.equity < risk.initial_margin:
                raise MarginInsufficient(risk.equity, risk.initial_margin)
        if keeper_fee > 0:
            self._pay_keeper(account, keeper, keeper_fee)
        return fill

    # ---- anyone

    @external("liquidate(uint256,uint256) -> ((uint256,uint256,uint256,uint256))")
    @non_reentrant
    def liquidate(self, _sender: Address, account: int, liquidator: int) -> LiquidationResult:
        """Close as much of an account as brings it to the target health, or all (``Clearinghouse.sol::liquidate``).

        Raises
        ------
        AccountReserved, AccountFlat, AccountHealthy
            As named; the oracle's.
        SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
            A stored value leaves its type.
        """
        if is_reserved(liquidator):
            raise AccountReserved(liquidator)
        header = self._accounts.get(account, _NO_ACCOUNT).copy()
        if header.open_markets == 0:
            raise AccountFlat(account)
        config = self._risk_config
        state = self._ledger.copy()
        opened = self._load_all(account, header.open_markets)

        fraction = _fraction_to_close(self._risk_in_memory(header, opened, state), opened, config)
        closed_notional = self._close_all(account, header, opened, state, fraction)
        if header.open_markets != 0 and not _is_healed(
            self._risk_in_memory(header, opened, state), config, closed_notional
        ):
            closed_notional += self._close_all(account, header, opened, state, WAD)
        for one in opened:
            self._store(account, one)
        result = self._distribute(account, header, state, config, closed_notional)
        self._set("_ledger", words.pack_ledger(state))
        self._put(self._accounts, account, words.pack_account(header))
        balance = header.balance
        self._credit(liquidator, result.reward)
        self.emit("Liquidated", account, liquidator, closed_notional, result.reward, result.penalty, balance)
        return result

    @external("deleverage() -> (uint256)")
    @non_reentrant
    def deleverage(self, _sender: Address) -> int:
        """Shrink the heavier sides until the pool has its target health (``Clearinghouse.sol::deleverage``).

        Raises
        ------
        AccountHealthy
            The pool is not under its maintenance margin; the oracle's.
        SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
            A stored value leaves its type.
        """
        skewed = self._load_skewed(is_certain=False)
        risk = self._pool_risk(skewed, self._ledger)
        if risk.equity >= risk.maintenance_margin:
            raise AccountHealthy(risk.equity, risk.maintenance_margin)
        fraction = liquidation.fraction_up(risk.equity, risk.maintenance_margin, 0, self._risk_config)
        for one in skewed:
            cut = positions.deleverage(one.market, fraction, one.price)
            self._put(self._markets, one.id, words.pack_market(one.market))
            self._emit_accrued(one.id, one.market)
            multipliers = one.market.longs.multiplier, one.market.shorts.multiplier
            self.emit("Deleveraged", one.id, one.size < 0, cut, *multipliers)
            if cut:
                self._put(self._deleveraged, one.id, True)
        return fraction

    @external("accrue(uint8)")
    @non_reentrant
    def accrue(self, _sender: Address, market: int) -> None:
        """Bring a market's funding up to date (``Clearinghouse.sol::accrue``).

        Raises
        ------
        MarketUnknown
            As named; the oracle's.
        """
        state = self._load_market(market)
        funding_rate.accrue(state, self.oracle.price_of(market), self.world.timestamp)
        self._put(self._markets, market, words.pack_market(state))
        self._emit_accrued(market, state)

    @external("fundInsurance(uint128)")
    @non_reentrant
    def fund_insurance(self, sender: Address, amount: int) -> None:
        """Donate `amount` token units to the insurance fund (``Clearinghouse.sol::fundInsurance``).

        Raises
        ------
        AmountZero, TransferMismatch, SafeCastOverflowedUintDowncast
            As named; the token's.
        """
        state = self._ledger.copy()
        state.insurance_balance += _to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        self.emit("Deposited", INSURANCE_ACCOUNT, sender, amount, state.insurance_balance)
        self._pull(sender, amount)

    @external("collectTreasury()")
    @non_reentrant
    def collect_treasury(self, _sender: Address) -> None:
        """Move what the insurance fund holds above its threshold (``Clearinghouse.sol::collectTreasury``).

        Raises
        ------
        SurplusMissing
            It holds no more.
        """
        threshold = self._risk_config.treasury_threshold * WAD
        held = self._ledger.insurance_balance
        if held <= threshold:
            raise SurplusMissing(held, threshold)
        state = self._ledger.copy()
        state.insurance_balance = threshold
        self._set("_ledger", state)
        balance = self._credit(self.treasury, held - threshold)
        self.emit("TreasuryCollected", self.treasury, held - threshold, balance)

    # ---- governance and guardian

    @external("fundPool(uint128)")
    @non_reentrant
    def fund_pool(self, sender: Address, amount: int) -> None:
        """Add `amount` token units to the pool (``Clearinghouse.sol::fundPool``).

        Raises
        ------
        AccessManagedUnauthorized, AmountZero, TransferMismatch, SafeCastOverflowedIntDowncast
            As named; the token's.
        """
        self._check_can_call(sender, "fundPool", (amount,))
        state = self._ledger.copy()
        state.pool_balance += _to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        self.emit("Deposited", POOL_ACCOUNT, sender, amount, state.pool_balance)
        self._pull(sender, amount)

    @external("defundPool(uint128,address)")
    @non_reentrant
    def defund_pool(self, sender: Address, amount: int, recipient: Address) -> None:
        """Pay `amount` token units of the pool out, down to its initial margin (``Clearinghouse.sol::defundPool``).

        Raises
        ------
        AccessManagedUnauthorized, AmountZero, MarginInsufficient, TransferMismatch
            As named; the oracle's; the token's.
        """
        self._check_can_call(sender, "defundPool", (amount, recipient))
        state = self._ledger.copy()
        state.pool_balance -= _to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        risk = self._pool_risk(self._load_skewed(is_certain=True), state)
        if risk.equity < risk.initial_margin:
            raise MarginInsufficient(risk.equity, risk.initial_margin)
        self.emit("Withdrawn", POOL_ACCOUNT, recipient, amount, state.pool_balance)
        self._push(recipient, amount)

    @external(f"listMarket({MARKET_CONFIG},uint16) -> (uint8)")
    @non_reentrant
    def list_market(self, sender: Address, config: MarketConfig | tuple[int, ...], max_rate: int) -> MarketId:
        """List a market (``Clearinghouse.sol::listMarket``).

        Raises
        ------
        AccessManagedUnauthorized, MarketsExhausted, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "listMarket", (config, max_rate))
        self.bounds.list_market(config, max_rate)
        if self._market_count == MAX_MARKETS:
            raise MarketsExhausted
        config = MarketConfig(*config)
        market = MarketId(self._market_count)
        self._set("_market_count", market + 1)
        funding = FundingState(accrued_at=self.world.timestamp, max_rate=max_rate)
        sides = Side(multiplier=ONE_MULTIPLIER), Side(multiplier=ONE_MULTIPLIER)
        self._put(self._markets, market, words.pack_market(Market(*sides, funding, config)))
        self.emit("MarketSet", market, tuple(config), max_rate)
        return market

    @external(f"setMarket(uint8,{MARKET_CONFIG},uint16)")
    @non_reentrant
    def set_market(self, sender: Address, market: int, config: MarketConfig | tuple[int, ...], max_rate: int) -> None:
        """Change a market's parameters after an accrual at the old ones (``Clearinghouse.sol::setMarket``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, MarketUnknown, OpenInterestExceeded
            As named; the oracle's.
        """
        self._check_can_call(sender, "setMarket", (market, config, max_rate))
        self.bounds.set_market(market, config, max_rate)
        config = MarketConfig(*config)
        state = self._load_market(market)
        funding_rate.accrue(state, self.oracle.price_state(market).price, self.world.timestamp)
        positions.require_open_interest(state.longs, pricing.depth(config))
        positions.require_open_interest(state.shorts, pricing.depth(config))
        funding = state.funding
        funding.max_rate = max_rate
        funding.rate = clamp_symmetric(funding.rate, funding_rate.max_rate_per_second(max_rate))
        funding.velocity = funding_rate.velocity_at(config, positions.skew_of(state))
        state.config = config
        self._put(self._markets, market, words.pack_market(state))
        self._emit_accrued(market, state)
        self.emit("MarketSet", market, tuple(config), max_rate)

    @external(f"setPortfolio(uint8,{PORTFOLIO_CONFIG})")
    @non_reentrant
    def set_portfolio(self, sender: Address, market: int, config: PortfolioConfig | tuple[Any, ...]) -> None:
        """Set how a market nets with others in portfolio mode (``Clearinghouse.sol::setPortfolio``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, MarketUnknown
            As named.
        """
        self._check_can_call(sender, "setPortfolio", (market, config))
        self.bounds.set_portfolio(market, config)
        config = PortfolioConfig(*config)
        if market >= self._market_count:
            raise MarketUnknown(market)
        self._put(self._portfolios, market, config)
        self.emit("PortfolioSet", market, tuple(config))

    @external(f"setRiskConfig({RISK_CONFIG})")
    @non_reentrant
    def set_risk_config(self, sender: Address, config: RiskConfig | tuple[int, ...]) -> None:
        """Set liquidation parameters, floors and the fee split (``Clearinghouse.sol::setRiskConfig``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "setRiskConfig", (config,))
        self.bounds.set_risk_config(config)
        config = RiskConfig(*config)
        self._set("_risk_config", config)
        state = self._ledger.copy()
        state.pool_fee_share = config.pool_fee_share
        state.min_reward = config.min_reward
        state.min_initial_margin = config.min_initial_margin
        self._set("_ledger", state)
        self.emit("RiskConfigSet", tuple(config))

    @external("setExecutor(address,bool)")
    @non_reentrant
    def set_executor(self, sender: Address, executor: Address, allowed: bool) -> None:
        """Let a contract trade for accounts, or stop it (``Clearinghouse.sol::setExecutor``).

        Raises
        ------
        AccessManagedUnauthorized
            As named.
        """
        self._check_can_call(sender, "setExecutor", (executor, allowed))
        self._put(self._executors, executor, allowed)
        self.emit("ExecutorSet", executor, allowed)

    @external("pauseRisk()")
    @non_reentrant
    def pause_risk(self, sender: Address) -> None:
        """Stop trades that raise risk, and nothing else (``Clearinghouse.sol::pauseRisk``).

        Raises
        ------
        AccessManagedUnauthorized
            As named.
        """
        self._check_can_call(sender, "pauseRisk", ())
        self._set_paused(True)

    @external("unpauseRisk()")
    @non_reentrant
    def unpause_risk(self, sender: Address) -> None:
        """Allow them again (``Clearinghouse.sol::unpauseRisk``).

        Raises
        ------
        AccessManagedUnauthorized
            As named.
        """
        self._check_can_call(sender, "unpauseRisk", ())
        self._set_paused(False)

    # ---- many calls in one

    @external("multicall(bytes[]) -> (bytes[])")
    def multicall(self, sender: Address, data: tuple[str | bytes, ...]) -> tuple[str, ...]:
        """Run several calls of this contract as the sender (OpenZeppelin ``Multicall.sol::multicall``).

        Returns
        -------
        tuple of str
            The ABI encoding of what each call returns.

        Raises
        ------
        FailedCall
            A call reverted without data; else the call's own error.
        """
        return tuple([self._delegate(sender, abi.BytesType("bytes").raw(call)) for call in data])

    def _delegate(self, sender: Address, call: bytes) -> str:
        entry, method = self.world.entry_at(self.name, "0x" + call[:4].hex())
        if entry is None or method is None:
            raise FailedCall
        try:
            args = entry.inputs.decode(call[4:])
            returned = method(*args) if entry.is_view else method(sender, *args)
        except (abi.DecodingError, EmptyRevert):
            raise FailedCall from None
        return "0x" + entry.outputs.encode(self.world.returns(entry, returned)).hex()

    # ---- views

    @view("balanceOf(uint256) -> (int256)")
    def balance_of(self, account: int) -> int:
        """Return the ledger balance of any account, pool and insurance fund included [quote wad]."""
        if account == POOL_ACCOUNT:
            return self._ledger.pool_balance
        if account == INSURANCE_ACCOUNT:
            return self._ledger.insurance_balance
        return self._accounts.get(account, _NO_ACCOUNT).balance

    @view("accountOf(uint256) -> ((int256,uint8,uint256))")
    def account_of(self, account: int) -> Account:
        """Return an account header; not to be changed."""
        return self._accounts.get(account, _NO_ACCOUNT)

    @view("positionOf(uint256,uint8) -> ((int256,int256))")
    def position_of(self, account: int, market: int) -> Position:
        """Return a position; not to be changed."""
        return self._positions.get((account, market), _NO_POSITION)

    @view(
        "marketOf(uint8) -> (((uint256,int256,uint256),(uint256,int256,uint256),(int256,int256,int256,uint256,uint256),"
        f"{MARKET_CONFIG}))"
    )
    def market_of(self, market: int) -> Market:
        """Return all of a market; not to be changed."""
        return self._markets.get(market) or Market.empty()

    @view(f"portfolioOf(uint8) -> ({PORTFOLIO_CONFIG})")
    def portfolio_of(self, market: int) -> PortfolioConfig:
        """Return how a market nets with others."""
        return self._portfolios.get(market, _NO_PORTFOLIO)

    @view("ledger() -> ((int256,uint256,uint256,uint256,uint256,bool))")
    def ledger(self) -> Ledger:
        """Return pool, insurance fund and pause; not to be changed."""
        return self._ledger

    @view(f"riskConfig() -> ({RISK_CONFIG})")
    def risk_config(self) -> RiskConfig:
        """Return parameters of liquidations and floors."""
        return self._risk_config

    @view("permissionOf(address,address) -> ((uint8,uint40))")
    def permission_of(self, owner: Address, operator: Address) -> Permission:
        """Return what an operator may do."""
        return self._permissions.get((owner, operator), _NO_PERMISSION)

    @view("isExecutor(address) -> (bool)")
    def is_executor(self, executor: Address) -> bool:
        """Return whether a contract may trade for accounts."""
        return self._executors.get(executor, False)

    @view("isAuthorized(uint256,address,uint8) -> (bool)")
    def is_authorized(self, account: int, caller: Address, permission: int) -> bool:
        """Return whether `caller` owns the account or is an operator with `permission` now."""
        owner = owner_of(account)
        if caller == owner:
            return True
        granted = self._permissions.get((owner, caller), _NO_PERMISSION)
        return granted.flags & permission == permission and self.world.timestamp <= granted.expires_at

    @view("riskOf(uint256) -> ((int256,uint256,uint256,uint256))")
    def risk_of(self, account: int) -> AccountRisk:
        """Return equity and requirements at current prices (``Clearinghouse.sol::riskOf``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        header = self._accounts.get(account, _NO_ACCOUNT)
        risk = AccountRisk(header.balance)
        if header.open_markets == 0:
            return risk
        netting = _netting_of(header)
        self._add_pending(risk, netting, account, header.open_markets)
        _settle_risk(risk, netting, self._ledger)
        return risk

    @view("poolRisk() -> ((int256,uint256,uint256,uint256))")
    def pool_risk(self) -> AccountRisk:
        """Return the same of the pool, as a portfolio (``Clearinghouse.sol::poolRisk``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        return self._pool_risk(self._load_skewed(is_certain=True), self._ledger)

    @view("marketCount() -> (uint8)")
    def market_count(self) -> int:
        """Return the number of listed markets."""
        return self._market_count

    @view("MAX_OPEN_MARKETS() -> (uint256)")
    def max_open_markets(self) -> int:
        """Return the most markets in which an account has positions."""
        return MAX_OPEN_MARKETS

    @view("TOKEN() -> (address)")
    def token_address(self) -> Address:
        """Return the address of the settlement token."""
        return self.token.address

    @view("ORACLE() -> (address)")
    def oracle_address(self) -> Address:
        """Return the address of the price oracle."""
        return self.oracle.address

    @view("BOUNDS() -> (address)")
    def bounds_address(self) -> Address:
        """Return the address of the contract that knows the bounds of parameters."""
        return self.bounds.address

    @view("TREASURY() -> (uint256)")
    def treasury_account(self) -> int:
        """Return the treasury's account."""
        return self.treasury

    # ---- checks

    def _authorize(self, account: int, caller: Address, permission: int) -> None:
        if not self.is_authorized(account, caller, permission):
            raise AccountUnauthorized(account, caller, permission)

    def _require_initial_margin(self, account: int) -> None:
        risk = self.risk_of(account)
        if risk.equity < risk.initial_margin:
            raise MarginInsufficient(risk.equity, risk.initial_margin)

    def _require_reduction(
        self,
        account: int,
        keeper_fee: int,
        fill: Fill,
        opened: _OpenPosition,
        header: Account,
        required_before: int,
    ) -> None:
        """Let a reduction pass that costs less than it releases; else, or with a keeper fee, require margin."""
        if header.open_markets == 0:
            if header.balance < 0:
                raise AccountBankrupt(account, header.balance)
            return
        if required_before == 0:
            released = margin.maintenance_up(opened.market.config, abs(fill.size_delta), opened.price)
        else:
            released = required_before - self.risk_of(account).maintenance_margin
        charged = fill.cost - pricing.worth_down(fill.size_delta, opened.price) + fill.fee
        covered = charged + keeper_fee < released
        if covered and keeper_fee == 0:
            return
        if not covered and keeper_fee > 0:
            self._require_initial_margin(account)
            return
        risk = self.risk_of(account)
        if risk.equity < risk.maintenance_margin:
            raise MaintenanceInsufficient(risk.equity, risk.maintenance_margin)

    # ---- fills

    def _pay_keeper(self, account: int, keeper: int, keeper_fee: int) -> None:
        if is_reserved(keeper):
            raise AccountReserved(keeper)
        balance = self._credit(keeper, keeper_fee)
        self.emit("KeeperPaid", account, keeper, keeper_fee, balance)

    def _emit_traded(self, account: int, opened: _OpenPosition, fill: Fill, balance: int) -> None:
        size_delta, cost, fee, funding = fill
        self.emit("Traded", account, opened.id, size_delta, cost, fee, funding, opened.market.funding.rate, balance)

    # ---- liquidation

    def _close_all(
        self, account: int, header: Account, opened: list[_OpenPosition], state: Ledger, fraction: int
    ) -> int:
        """Close `fraction` of each position at the oracle price moved by skew; return the notional closed, down."""
        closed_notional = 0
        for one in opened:
            size = one.size
            if one.position.shares == 0:
                continue
            closed = liquidation.portion_up(abs(size), fraction, pricing.min_size(one.market.config))
            size_delta = -closed if size > 0 else closed
            one.size, fill = positions.change(one.market, one.position, size, size_delta, one.price)
            _set_open(header, one)
            _apply(header, state, fill)
            self._emit_traded(account, one, fill, header.balance)
            closed_notional += abs(fill.size_delta) * one.price // WAD
        return closed_notional

    def _distribute(
        self, account: int, header: Account, state: Ledger, config: RiskConfig, closed_notional: int
    ) -> LiquidationResult:
        """Pay reward and penalty; bad debt falls on the insurance fund, then on the pool."""
        reward = liquidation.reward_down(closed_notional, config)
        penalty = max(liquidation.penalty_up(closed_notional, config) - reward, 0)
        header.balance -= reward
        bad_debt = 0
        if header.open_markets == 0:
            if header.balance < 0:
                bad_debt = -header.balance
                from_insurance = min(bad_debt, state.insurance_balance)
                state.insurance_balance -= from_insurance
                state.pool_balance -= bad_debt - from_insurance
                header.balance = 0
                self.emit("BadDebtBooked", account, from_insurance, bad_debt - from_insurance)
            penalty = min(penalty, header.balance)
        header.balance -= penalty
        state.insurance_balance += penalty
        return LiquidationResult(closed_notional, reward, penalty, bad_debt)

    # ---- risk

    def _risk_after(self, account: int, header: Account, opened: _OpenPosition, state: Ledger) -> AccountRisk:
        """Return the risk of an account after a fill, whose position is accrued in memory."""
        risk = AccountRisk(header.balance)
        netting = _netting_of(header)
        self._add_accrued(risk, netting, opened)
        self._add_pending(risk, netting, account, header.open_markets & ~to_bit(opened.id))
        _settle_risk(risk, netting, state)
        return risk

    def _risk_in_memory(self, header: Account, opened: list[_OpenPosition], state: Ledger) -> AccountRisk:
        """Return what `risk_of` would, of positions that are accrued in memory."""
        risk = AccountRisk(header.balance)
        netting = _netting_of(header)
        for one in opened:
            if one.position.shares != 0:
                self._add_accrued(risk, netting, one)
        _settle_risk(risk, netting, state)
        return risk

    def _pool_risk(self, skewed: list[_OpenPosition], state: Ledger) -> AccountRisk:
        """Return the risk of the pool, whose position in each market is what its skew leaves."""
        risk = AccountRisk(state.pool_balance)
        netting = Netting()
        for one in skewed:
            risk.equity += positions.unsettled_down(one.market)
            margin.add(risk, _NO_POSITION, one.size, 0, one.market.config, one.mark)
            netting.add(one.size, one.price, one.market.config, self.portfolio_of(one.id))
        netting.settle(risk)
        return risk

    def _add_accrued(self, risk: AccountRisk, netting: Netting | None, opened: _OpenPosition) -> None:
        index = positions.index_of(opened.market, opened.position)
        margin.add(risk, opened.position, opened.size, index, opened.market.config, opened.mark)
        if netting is not None:
            netting.add(opened.size, opened.price, opened.market.config, self.portfolio_of(opened.id))

    def _add_pending(self, risk: AccountRisk, netting: Netting | None, account: int, markets: int) -> None:
        """Add the positions in `markets`, pending funding included."""
        if markets == 0:
            return
        now = self.world.timestamp
        for market, mark in zip(markets_of(markets), self.oracle.marks_of(markets), strict=True):
            price = price_of(mark)
            position = self._positions[account, market]
            state = self._markets[market]
            is_long = position.shares > 0
            side = state.longs if is_long else state.shorts
            index = funding_rate.preview_index(state.funding, side, is_long, price, now)
            size = to_size(position.shares, side.multiplier)
            margin.add(risk, position, size, index, state.config, mark)
            if netting is not None:
                netting.add(size, price, state.config, self.portfolio_of(market))

    # ---- storage

    def _load(self, account: int, market: int) -> _OpenPosition:
        stored = self._positions.get((account, market), _NO_POSITION)
        position = Position(stored.shares, stored.entry_index)
        state = self._load_market(market)
        return _OpenPosition(market, 0, 0, positions.size_of(state, position), state, position)

    def _load_all(self, account: int, markets: int) -> list[_OpenPosition]:
        opened = []
        for market, mark in zip(markets_of(markets), self.oracle.fresh_marks_of(markets), strict=True):
            one = self._load(account, market)
            one.mark, one.price = mark, price_of(mark)
            funding_rate.accrue(one.market, one.price, self.world.timestamp)
            opened.append(one)
        return opened

    def _load_skewed(self, *, is_certain: bool) -> list[_OpenPosition]:
        """Return every market with positions, accrued; `size` is what the pool holds of it."""
        ids = [market for market, state in self._markets.items() if state.longs.shares or state.shorts.shares]
        bitmap = sum(map(to_bit, ids))
        marks = self.oracle.marks_of(bitmap) if is_certain else self.oracle.fresh_marks_of(bitmap)
        skewed = []
        for market, mark in zip(markets_of(bitmap), marks, strict=True):
            state = self._load_market(market)
            price = price_of(mark)
            funding_rate.accrue(state, price, self.world.timestamp)
            skewed.append(_OpenPosition(market, mark, price, -positions.skew_of(state), state, Position()))
        return skewed

    def _load_market(self, market: int) -> Market:
        stored = self._markets.get(market)
        if stored is None:
            raise MarketUnknown(market)
        return stored.copy()

    def _store(self, account: int, opened: _OpenPosition) -> None:
        self._put(self._positions, (account, opened.id), opened.position)
        self._put(self._markets, opened.id, words.pack_market(opened.market))

    def _emit_accrued(self, market: int, state: Market) -> None:
        self.emit("FundingAccrued", market, state.funding.rate, state.longs.index, state.shorts.index)

    def _set_paused(self, paused: bool) -> None:
        state = self._ledger.copy()
        state.risk_paused = paused
        self._set("_ledger", state)
        self.emit("RiskPauseSet", paused)

    # ---- balances

    def _credit(self, account: int, amount: int) -> int:
        header = self._accounts.get(account, _NO_ACCOUNT)
        credited = Account(header.balance + amount, header.mode, header.open_markets)
        self._put(self._accounts, account, words.pack_account(credited))
        return credited.balance

    def _move(self, source: int, target: int, amount: int) -> None:
        if source == target or owner_of(source) != owner_of(target):
            raise AccountPairInvalid(source, target)
        source_balance = self._credit(source, -amount)
        target_balance = self._credit(target, amount)
        self.emit("Transferred", source, target, amount, source_balance, target_balance)

    def _push(self, recipient: Address, amount: int) -> None:
        """Pay `amount` token units out; a token that moves another amount is refused."""
        held = self.token.balance_of(self.address)
        self._require_moved(self.token.transfer(self.address, recipient, amount))
        paid = checked_sub(held, self.token.balance_of(self.address))
        if paid != amount:
            raise TransferMismatch(amount, paid)
        self._set("taken_in", self.taken_in - amount)

    def _pull(self, sender: Address, amount: int) -> None:
        """Take `amount` token units from the sender; a token that keeps a part of it is refused."""
        held = self.token.balance_of(self.address)
        self._require_moved(self.token.transfer_from(self.address, sender, self.address, amount))
        received = checked_sub(self.token.balance_of(self.address), held)
        if received != amount:
            raise TransferMismatch(amount, received)
        self._set("taken_in", self.taken_in + amount)

    def _require_moved(self, returned: Literal[True] | bytes) -> None:
        """Accept what a token returns: true, or nothing (OpenZeppelin ``SafeERC20.sol``)."""
        if returned is not True and returned != b"" and returned[:_WORD] != _TRUE:
            raise SafeERC20FailedOperation(self.token.address)

    # ---- iteration, for invariants and studies

    def risk_at_any_confidence(self, account: int) -> AccountRisk:
        """Return what `liquidate` goes by: the risk at fresh prices, however wide their confidence intervals."""
        header = self._accounts.get(account, _NO_ACCOUNT)
        return self._risk_in_memory(header, self._load_all(account, header.open_markets), self._ledger)

    def was_deleveraged(self, market: int) -> bool:
        """Return whether a side of the market ever was."""
        return self._deleveraged.get(market, False)

    def stored_accounts(self) -> dict[int, Account]:
        """Return all account headers ever stored; not to be changed."""
        return self._accounts

    def stored_positions(self) -> dict[tuple[int, int], Position]:
        """Return all positions ever stored, by account and market; not to be changed."""
        return self._positions

    def stored_markets(self) -> dict[int, Market]:
        """Return all listed markets; not to be changed."""
        return self._markets


def _require_market_limit(account: int, header: Account) -> None:
    maximum = 1 if header.mode == MarginMode.ISOLATED else MAX_OPEN_MARKETS
    count = header.open_markets.bit_count()
    if count > maximum:
        raise OpenMarketsExceeded(account, count, maximum)


def _apply(header: Account, state: Ledger, fill: Fill) -> None:
    """Move the quote of a fill: cost and funding to the pool, the fee to pool and insurance fund."""
    _, cost, fee, funding = fill
    paid = cost + funding
    pool_fee = fee * state.pool_fee_share // _BPS
    header.balance -= paid + fee
    state.pool_balance += paid + pool_fee
    state.insurance_balance += fee - pool_fee


def _set_open(header: Account, opened: _OpenPosition) -> bool:
    """Set or clear the market's bit; return whether the account had no position in the market before."""
    bit = to_bit(opened.id)
    before = header.open_markets
    header.open_markets = before & ~bit if opened.position.shares == 0 else before | bit
    return header.open_markets > before


def _check_fill(fill: Fill, opened: _OpenPosition, acceptable_price: int) -> None:
    if fill.size_delta == 0:
        raise SizeZero
    minimum = pricing.min_size(opened.market.config)
    size = abs(opened.size)
    if opened.position.shares != 0 and size < minimum:
        raise SizeBelowMinimum(size, minimum)
    price = pricing.average_price(fill.size_delta, fill.cost)
    if price > acceptable_price if fill.size_delta > 0 else price < acceptable_price:
        raise PriceUnacceptable(price, acceptable_price)


def _is_netted(header: Account) -> bool:
    """Return whether offsets between positions count: with one position there are none."""
    return header.mode == MarginMode.PORTFOLIO and header.open_markets & (header.open_markets - 1) != 0


def _netting_of(header: Account) -> Netting | None:
    return Netting() if _is_netted(header) else None


def _settle_risk(risk: AccountRisk, netting: Netting | None, state: Ledger) -> None:
    if netting is not None:
        netting.settle(risk)
    margin.apply_floors(risk, state)


def _fraction_to_close(risk: AccountRisk, opened: list[_OpenPosition], config: RiskConfig) -> int:
    """Return the fraction to close [wad]; an account that is not under its maintenance margin is refused."""
    if risk.equity >= risk.maintenance_margin:
        raise AccountHealthy(risk.equity, risk.maintenance_margin)
    close_cost = liquidation.penalty_up(risk.notional, config)
    for one in opened:
        skew = positions.skew_of(one.market)
        close_cost += pricing.close_cost_up(one.market.config, one.size, one.price, skew)
    return liquidation.fraction_up(risk.equity, risk.maintenance_margin, close_cost, config)


def _is_healed(risk: AccountRisk, config: RiskConfig, closed_notional: int) -> bool:
    """Return whether an account with positions left has the target health once penalty and reward are paid."""
    charged = max(liquidation.penalty_up(closed_notional, config), liquidation.reward_down(closed_notional, config))
    return liquidation.is_healed(risk.equity - charged, risk.maintenance_margin, config)


def _to_wad(amount: int) -> int:
    if amount == 0:
        raise AmountZero
    return amount * UNIT
