"""The ledger of the exchange (``Clearinghouse.sol``).

Every entry point has the contract's shape: authorise, load and accrue, change memory, check, store, event,
interaction. Accounts are ``owner << 96 | index``; quote, sizes and prices are wad; token amounts have 6 decimals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol import abi
from sim.protocol.clearinghouse_core import NO_ACCOUNT, NO_POSITION, OpenPosition, to_wad
from sim.protocol.clearinghouse_ext import ClearinghouseExt
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
    OpenMarketsExceeded,
    PositionMissing,
    PositionWhole,
    PriceUnacceptable,
    PriceUnconfirmed,
    RecipientUnauthorized,
    RiskPaused,
    SizeBelowMinimum,
    SizeZero,
    TokenDecimalsMismatch,
)
from sim.protocol.evm import (
    Address,
    ceil_div,
    external,
    non_reentrant,
    view,
)
from sim.protocol.keccak import keccak256
from sim.protocol.libraries import funding_rate, liquidation, margin, positions, pricing, words
from sim.protocol.libraries.fixed_point import WAD
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
from sim.protocol.types.account_id import INSURANCE_ACCOUNT, POOL_ACCOUNT, is_reserved, owner_of
from sim.protocol.types.fill import Fill, LiquidationResult, Trade
from sim.protocol.types.ledger import RISK_CONFIG, InsuranceDraw, Ledger, RiskConfig
from sim.protocol.types.mark import is_confirmed, price_of
from sim.protocol.types.market import (
    MARKET_CONFIG,
    Market,
)
from sim.protocol.types.market_id import markets_of, to_bit
from sim.protocol.types.price_state import PriceQuality
from sim.protocol.types.shares import to_size

if TYPE_CHECKING:
    from sim.protocol.mocks.local_token import LocalToken
    from sim.protocol.price_oracle import PriceOracle
    from sim.protocol.world import World

__all__ = ["MAX_OPEN_MARKETS", "Clearinghouse"]

MAX_OPEN_MARKETS: Final = 16
"""Bounds the gas of the largest liquidation."""

_TOKEN_DECIMALS: Final = 6
_BPS: Final = 10_000
_DAY: Final = 86_400
_TRADE: Final = "(uint256,uint8,int128,uint96,uint128,uint256,uint96,bool,bool)"
_FILL: Final = "(int256,int256,uint256,int256)"
_NO_PERMISSION: Final = Permission(0, 0)


class Clearinghouse(ClearinghouseExt):
    """One ledger for traders, the liquidity pool, the insurance fund and the treasury.

    Parameters
    ----------
    world, name, address, token, oracle, treasury
        As for `ClearinghouseCore`.

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
        treasury: Address,
    ) -> None:
        super().__init__(world, name, address, token=token, oracle=oracle, treasury=treasury)
        if token.decimals() != _TOKEN_DECIMALS:
            raise TokenDecimalsMismatch(token.decimals())
        if is_reserved(self.treasury):
            raise AccountReserved(self.treasury)

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
        balance = self._credit(account, to_wad(amount))
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
        balance = self._credit(account, -to_wad(amount))
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
        header = self._accounts.get(account, NO_ACCOUNT).copy()
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

    @external("movePosition(uint256,uint256,uint8,uint128) -> (int256)")
    @non_reentrant
    def move_position(self, sender: Address, source: int, target: int, market: int, size: int) -> int:
        """Move up to `size` of a position to another account of its owner (``Clearinghouse.sol::movePosition``).

        Returns
        -------
        int
            Change of the receiving position [base wad].

        Raises
        ------
        AccountUnauthorized, AccountPairInvalid, SizeZero, MarketUnknown, PositionMissing, SizeBelowMinimum
            As named.
        OpenMarketsExceeded, MarginInsufficient
            As named; the oracle's.
        """
        self._authorize(source, sender, PERMISSION_MARGIN)
        _require_pair(source, target)
        if size == 0:
            raise SizeZero
        opened = self._load(source, market)
        if opened.position.shares == 0:
            raise PositionMissing(source, market)
        opened.mark = self.oracle.mark_of(market)
        opened.price = price_of(opened.mark)
        funding_rate.accrue(opened.market, opened.price, self.world.timestamp)
        part = min(size, abs(opened.size))
        state = self._ledger.copy()
        moved = -self._resize(source, opened, -part if opened.size > 0 else part, state)
        if moved == 0:
            raise SizeZero
        stored = self._positions.get((target, market), NO_POSITION)
        opened.position = Position(stored.shares, stored.entry_index)
        opened.size = positions.size_of(opened.market, opened.position)
        opened.market = opened.market.copy()
        moved = self._resize(target, opened, moved, state)
        self._set("_ledger", words.pack_ledger(state))
        self.emit("PositionMoved", source, target, market, moved)
        self._require_initial_margin(source)
        self._require_initial_margin(target)
        return moved

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
        account, market, size_delta, price, acceptable_price, keeper, keeper_fee, reduce_only, confirmed = order
        if is_reserved(account):
            raise AccountReserved(account)
        header = self._accounts.get(account, NO_ACCOUNT).copy()
        opened = self._load(account, market)
        size_before = opened.size
        if reduce_only:
            size_delta = positions.reducing(size_delta, size_before, pricing.min_size(opened.market.config))
        if size_delta == 0:
            raise SizeZero
        opened.mark = self.oracle.mark_of(market)
        opened.price = price_of(opened.mark)
        is_opposite = size_before > 0 if size_delta < 0 else size_before < 0
        required_before = (
            self._risk_at(account, PriceQuality.FRESH).maintenance_margin if is_opposite and _is_netted(header) else 0
        )
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
            if not (confirmed and is_confirmed(opened.mark)):
                raise PriceUnconfirmed(market)
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
        header = self._accounts.get(account, NO_ACCOUNT).copy()
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
        result = self._distribute(account, header, opened, state, config, closed_notional)
        self._set("_ledger", words.pack_ledger(state))
        self._put(self._accounts, account, words.pack_account(header))
        balance = header.balance
        self._credit(liquidator, result.reward)
        self.emit("Liquidated", account, liquidator, closed_notional, result.reward, result.penalty, balance)
        return result

    @external("closeRemnant(uint256,uint8)")
    @non_reentrant
    def close_remnant(self, _sender: Address, account: int, market: int) -> None:
        """Close a position of a side deleveraged to a thousandth (``Clearinghouse.sol::closeRemnant``).

        Raises
        ------
        MarketUnknown, PositionMissing, PositionWhole, AccountBankrupt
            As named; the oracle's.
        """
        header = self._accounts.get(account, NO_ACCOUNT).copy()
        opened = self._load(account, market)
        shares = opened.position.shares
        if shares == 0:
            raise PositionMissing(account, market)
        side = positions.side_of(opened.market, shares)
        if not positions.is_remnant(side):
            raise PositionWhole(account, market, side.multiplier)
        opened.mark = self.oracle.mark_of(market)
        opened.price = price_of(opened.mark)
        funding_rate.accrue(opened.market, opened.price, self.world.timestamp)
        state = self._ledger.copy()
        opened.size, fill = positions.change(opened.market, opened.position, opened.size, -opened.size, opened.price)
        fill = fill._replace(fee=0)
        _set_open(header, opened)
        _apply(header, state, fill)
        if header.open_markets == 0 and header.balance < 0:
            raise AccountBankrupt(account, header.balance)
        self._set("_ledger", words.pack_ledger(state))
        self._put(self._accounts, account, words.pack_account(header))
        self._store(account, opened)
        self._emit_traded(account, opened, fill, header.balance)

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
        return self._accounts.get(account, NO_ACCOUNT).balance

    @view("accountOf(uint256) -> ((int256,uint8,uint256))")
    def account_of(self, account: int) -> Account:
        """Return an account header; not to be changed."""
        return self._accounts.get(account, NO_ACCOUNT)

    @view("positionOf(uint256,uint8) -> ((int256,int256))")
    def position_of(self, account: int, market: int) -> Position:
        """Return a position; not to be changed."""
        return self._positions.get((account, market), NO_POSITION)

    @view(
        "marketOf(uint8) -> (((uint256,int256,uint256),(uint256,int256,uint256),(int256,int256,int256,uint256,uint256),"
        f"{MARKET_CONFIG}))"
    )
    def market_of(self, market: int) -> Market:
        """Return all of a market; not to be changed."""
        return self._markets.get(market) or Market.empty()

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
        return self._risk_at(account, PriceQuality.CERTAIN)

    @view("EXTENSION() -> (address)")
    def extension(self) -> Address:
        """Return the address of the code of what is done seldom: the first that the clearinghouse created."""
        created = keccak256(b"\xd6\x94" + bytes.fromhex(self.address[2:]) + b"\x01")
        return Address("0x" + created[12:].hex())

    @view("MAX_OPEN_MARKETS() -> (uint256)")
    def max_open_markets(self) -> int:
        """Return the most markets in which an account has positions."""
        return MAX_OPEN_MARKETS

    # ---- checks

    def _authorize(self, account: int, caller: Address, permission: int) -> None:
        if not self.is_authorized(account, caller, permission):
            raise AccountUnauthorized(account, caller, permission)

    def _require_initial_margin(self, account: int) -> None:
        risk = self._risk_at(account, PriceQuality.CONFIRMED)
        if risk.equity < risk.initial_margin:
            raise MarginInsufficient(risk.equity, risk.initial_margin)

    def _require_reduction(
        self,
        account: int,
        keeper_fee: int,
        fill: Fill,
        opened: OpenPosition,
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
            released = required_before - self._risk_at(account, PriceQuality.FRESH).maintenance_margin
        charged = fill.cost - pricing.worth_down(fill.size_delta, opened.price) + fill.fee
        covered = charged + keeper_fee < released
        if covered and keeper_fee == 0:
            return
        if not covered and keeper_fee > 0:
            self._require_initial_margin(account)
            return
        risk = self._risk_at(account, PriceQuality.CERTAIN if required_before == 0 else PriceQuality.FRESH)
        if risk.equity < risk.maintenance_margin:
            raise MaintenanceInsufficient(risk.equity, risk.maintenance_margin)

    # ---- fills

    def _resize(self, account: int, opened: OpenPosition, size_delta: int, state: Ledger) -> int:
        """Change a position by about `size_delta` at the oracle price, without fee; return by how much."""
        header = self._accounts.get(account, NO_ACCOUNT).copy()
        opened.size, filled, funding = positions.resize(opened.market, opened.position, opened.size, size_delta)
        _require_min_size(opened)
        fill = Fill(filled, -pricing.worth_down(-filled, opened.price), 0, funding)
        if _set_open(header, opened):
            _require_market_limit(account, header)
        _apply(header, state, fill)
        self._put(self._accounts, account, words.pack_account(header))
        self._store(account, opened)
        self._emit_traded(account, opened, fill, header.balance)
        return filled

    def _pay_keeper(self, account: int, keeper: int, keeper_fee: int) -> None:
        if is_reserved(keeper):
            raise AccountReserved(keeper)
        balance = self._credit(keeper, keeper_fee)
        self.emit("KeeperPaid", account, keeper, keeper_fee, balance)

    def _emit_traded(self, account: int, opened: OpenPosition, fill: Fill, balance: int) -> None:
        size_delta, cost, fee, funding = fill
        self.emit("Traded", account, opened.id, size_delta, cost, fee, funding, opened.market.funding.rate, balance)

    # ---- liquidation

    def _close_all(
        self, account: int, header: Account, opened: list[OpenPosition], state: Ledger, fraction: int
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
            notional = abs(fill.size_delta) * one.price // WAD
            one.closed_notional += notional
            closed_notional += notional
        return closed_notional

    def _distribute(
        self,
        account: int,
        header: Account,
        opened: list[OpenPosition],
        state: Ledger,
        config: RiskConfig,
        closed_notional: int,
    ) -> LiquidationResult:
        """Pay reward and penalty; bad debt falls on the insurance fund, then on the pool."""
        reward = liquidation.reward_down(closed_notional, config)
        penalty = max(liquidation.penalty_up(closed_notional, config) - reward, 0)
        header.balance -= reward
        bad_debt = 0
        if header.open_markets == 0:
            if header.balance < 0:
                bad_debt = -header.balance
                from_insurance = self._draw_insurance(opened, state, bad_debt, closed_notional)
                state.pool_balance -= bad_debt - from_insurance
                header.balance = 0
                self.emit("BadDebtBooked", account, from_insurance, bad_debt - from_insurance)
            penalty = min(penalty, header.balance)
        header.balance -= penalty
        state.insurance_balance += penalty
        return LiquidationResult(closed_notional, reward, penalty, bad_debt)

    def _draw_insurance(self, opened: list[OpenPosition], state: Ledger, bad_debt: int, closed_notional: int) -> int:
        """Let each market pay its part of the bad debt out of the insurance fund, up to its cap of the day."""
        left, paid, today = bad_debt, 0, self.world.timestamp // _DAY
        for one in opened:
            part = left if one is opened[-1] else bad_debt * one.closed_notional // max(closed_notional, 1)
            left -= part
            cap, day, drawn = self.insurance_of(one.id)
            if day != today:
                drawn = 0
            part = min(part, max(cap * WAD - drawn, 0), state.insurance_balance)
            if part == 0:
                continue
            state.insurance_balance -= part
            paid += part
            self._put(self._insurance, one.id, InsuranceDraw(cap, today, drawn + part))
            self.emit("InsuranceDrawn", one.id, part, drawn + part)
        return paid

    # ---- risk

    def _risk_at(self, account: int, quality: PriceQuality) -> AccountRisk:
        """Return the risk of an account as it is stored, at prices of at least `quality`."""
        header = self._accounts.get(account, NO_ACCOUNT)
        risk = AccountRisk(header.balance)
        if header.open_markets == 0:
            return risk
        netting = _netting_of(header)
        self._add_pending(risk, netting, account, header.open_markets, quality)
        _settle_risk(risk, netting, self._ledger)
        return risk

    def _risk_after(self, account: int, header: Account, opened: OpenPosition, state: Ledger) -> AccountRisk:
        """Return the risk of an account after a fill, whose position is accrued in memory."""
        risk = AccountRisk(header.balance)
        netting = _netting_of(header)
        self._add_accrued(risk, netting, opened)
        self._add_pending(risk, netting, account, header.open_markets & ~to_bit(opened.id), PriceQuality.CONFIRMED)
        _settle_risk(risk, netting, state)
        return risk

    def _risk_in_memory(self, header: Account, opened: list[OpenPosition], state: Ledger) -> AccountRisk:
        """Return what `risk_of` would, of positions that are accrued in memory."""
        risk = AccountRisk(header.balance)
        netting = _netting_of(header)
        for one in opened:
            if one.position.shares != 0:
                self._add_accrued(risk, netting, one)
        _settle_risk(risk, netting, state)
        return risk

    def _add_accrued(self, risk: AccountRisk, netting: Netting | None, opened: OpenPosition) -> None:
        index = positions.index_of(opened.market, opened.position)
        margin.add(risk, opened.position, opened.size, index, opened.market.config, opened.mark)
        if netting is not None:
            netting.add(opened.size, opened.price, opened.market.config, self.portfolio_of(opened.id))

    def _add_pending(
        self, risk: AccountRisk, netting: Netting | None, account: int, markets: int, quality: PriceQuality
    ) -> None:
        """Add the positions in `markets`, pending funding included."""
        if markets == 0:
            return
        now = self.world.timestamp
        marks = self.oracle.marks_of(markets, quality)
        for market, mark in zip(markets_of(markets), marks, strict=True):
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

    def _load(self, account: int, market: int) -> OpenPosition:
        stored = self._positions.get((account, market), NO_POSITION)
        position = Position(stored.shares, stored.entry_index)
        state = self._load_market(market)
        return OpenPosition(market, 0, 0, positions.size_of(state, position), state, position)

    def _load_all(self, account: int, markets: int) -> list[OpenPosition]:
        opened = []
        marks = self.oracle.marks_of(markets, PriceQuality.FRESH)
        for market, mark in zip(markets_of(markets), marks, strict=True):
            one = self._load(account, market)
            one.mark, one.price = mark, price_of(mark)
            funding_rate.accrue(one.market, one.price, self.world.timestamp)
            opened.append(one)
        return opened

    def _store(self, account: int, opened: OpenPosition) -> None:
        self._put(self._positions, (account, opened.id), opened.position)
        self._put(self._markets, opened.id, words.pack_market(opened.market))

    # ---- balances

    def _move(self, source: int, target: int, amount: int) -> None:
        _require_pair(source, target)
        source_balance = self._credit(source, -amount)
        target_balance = self._credit(target, amount)
        self.emit("Transferred", source, target, amount, source_balance, target_balance)

    # ---- iteration, for invariants and studies

    def risk_at_any_confidence(self, account: int) -> AccountRisk:
        """Return what `liquidate` goes by: the risk at fresh prices, however wide their confidence intervals."""
        header = self._accounts.get(account, NO_ACCOUNT)
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


def _require_pair(source: int, target: int) -> None:
    if source == target or owner_of(source) != owner_of(target):
        raise AccountPairInvalid(source, target)


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


def _set_open(header: Account, opened: OpenPosition) -> bool:
    """Set or clear the market's bit; return whether the account had no position in the market before."""
    bit = to_bit(opened.id)
    before = header.open_markets
    header.open_markets = before & ~bit if opened.position.shares == 0 else before | bit
    return header.open_markets > before


def _require_min_size(opened: OpenPosition) -> None:
    minimum = pricing.min_size(opened.market.config)
    size = abs(opened.size)
    if opened.position.shares != 0 and size < minimum:
        raise SizeBelowMinimum(size, minimum)


def _check_fill(fill: Fill, opened: OpenPosition, acceptable_price: int) -> None:
    if fill.size_delta == 0:
        raise SizeZero
    _require_min_size(opened)
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


def _fraction_to_close(risk: AccountRisk, opened: list[OpenPosition], config: RiskConfig) -> int:
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
