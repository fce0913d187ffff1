"""What the clearinghouse does seldom (``ClearinghouseExt.sol``): pool, insurance, deleveraging, parameters."""

from __future__ import annotations

from typing import Any, Final

from sim.protocol import abi
from sim.protocol.clearinghouse_core import NO_POSITION, ClearinghouseCore, OpenPosition, to_wad
from sim.protocol.errors import (
    AccountHealthy,
    MarginInsufficient,
    MarketsExhausted,
    MarketUnknown,
    PermitExpired,
    SkewMissing,
    SurplusMissing,
    VaultAlreadySet,
    VaultUnauthorized,
)
from sim.protocol.evm import Address, external, non_reentrant, view
from sim.protocol.keccak import keccak256
from sim.protocol.libraries import bounds, funding_rate, liquidation, margin, positions, pricing, words
from sim.protocol.libraries.fixed_point import WAD, clamp_symmetric
from sim.protocol.libraries.portfolio import Netting
from sim.protocol.signed_messages import SignedMessages
from sim.protocol.types.account import AccountRisk, Permission, PoolRisk, Position
from sim.protocol.types.account_id import INSURANCE_ACCOUNT, POOL_ACCOUNT
from sim.protocol.types.ledger import RISK_CONFIG, InsuranceDraw, Ledger, RiskConfig
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
from sim.protocol.types.price_state import PriceQuality
from sim.protocol.types.shares import ONE_MULTIPLIER

__all__ = ["ClearinghouseExt", "hash_permit"]

_BYTES: Final = abi.BytesType("bytes")
_PERMIT: Final = abi.parse_tuple("(address,address,uint8,uint40,uint256)")
_PERMIT_TYPEHASH: Final = keccak256(
    b"OperatorPermit(address owner,address operator,uint8 flags,uint40 expiresAt,uint256 nonce)"
)

_MAX_INSURANCE_CAP: Final = 10**10
_NO_PORTFOLIO: Final = PortfolioConfig()
_NO_DRAW: Final = InsuranceDraw()


def hash_permit(owner: str, operator: str, flags: int, expires_at: int, nonce: int) -> bytes:
    """Return the hash of a permission that an owner signs (EIP-712)."""
    return keccak256(_PERMIT_TYPEHASH + _PERMIT.encode((owner, operator, flags, expires_at, nonce)))


class ClearinghouseExt(ClearinghouseCore, SignedMessages):
    """The pool, the insurance fund, deleveraging, parameters; on the chain, code that the clearinghouse runs."""

    DOMAIN = ("Steelyard accounts", "1")

    # ---- signed permissions

    @external("permitOperator(address,address,uint8,uint40,uint256,bytes)")
    @non_reentrant
    def permit_operator(
        self,
        _sender: Address,
        owner: Address,
        operator: Address,
        flags: int,
        expires_at: int,
        nonce: int,
        signature: str | bytes,
    ) -> None:
        """Let `operator` use `flags` on all accounts of who signed it (``ClearinghouseExt.sol::permitOperator``).

        Raises
        ------
        PermitExpired, NonceUsed, SignatureInvalid
            As named.
        """
        if self.world.timestamp > expires_at:
            raise PermitExpired(expires_at)
        permit = hash_permit(owner, operator, flags, expires_at, nonce)
        self._use_signed(permit, nonce, owner, _BYTES.raw(signature))
        self._put(self._permissions, (owner, operator), Permission(flags, expires_at))
        self.emit("OperatorSet", owner, operator, flags, expires_at)

    @external("cancelNonces(uint256,uint256)")
    def cancel_nonces(self, sender: Address, word: int, mask: int) -> None:
        """Cancel nonces of the caller (``ClearinghouseExt.sol::cancelNonces``)."""
        super().cancel_nonces(sender, word, mask)

    # ---- pool and insurance fund

    @external("fundPool(uint128)")
    @non_reentrant
    def fund_pool(self, sender: Address, amount: int) -> None:
        """Add `amount` token units to the pool (``ClearinghouseExt.sol::fundPool``).

        Raises
        ------
        AmountZero, TransferMismatch, SafeCastOverflowedIntDowncast
            As named; the token's.
        """
        state = self._ledger.copy()
        state.pool_balance += to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        self.emit("Deposited", POOL_ACCOUNT, sender, amount, state.pool_balance)
        self._pull(sender, amount)

    @external("defundPool(uint128,address)")
    @non_reentrant
    def defund_pool(self, sender: Address, amount: int, recipient: Address) -> None:
        """Pay `amount` token units of the pool out, down to its initial margin (``ClearinghouseExt.sol::defundPool``).

        Raises
        ------
        VaultUnauthorized, AmountZero, MarginInsufficient, TransferMismatch
            As named; the oracle's; the token's.
        """
        if sender != self._vault:
            raise VaultUnauthorized(sender)
        state = self._ledger.copy()
        state.pool_balance -= to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        risk, _ = self._pool_risk(self._load_skewed(PriceQuality.CONFIRMED), state)
        if risk.equity < risk.initial_margin:
            raise MarginInsufficient(risk.equity, risk.initial_margin)
        self.emit("Withdrawn", POOL_ACCOUNT, recipient, amount, state.pool_balance)
        self._push(recipient, amount)

    @external("deleverage() -> (uint256)")
    @non_reentrant
    def deleverage(self, _sender: Address) -> int:
        """Shrink the heavier sides until the pool has its target health (``ClearinghouseExt.sol::deleverage``).

        Raises
        ------
        AccountHealthy, SkewMissing
            The pool is not under its maintenance margin; nothing is left to give up; the oracle's.
        SafeCastOverflowedIntDowncast, SafeCastOverflowedUintDowncast
            A stored value leaves its type.
        """
        skewed = self._load_skewed(PriceQuality.FRESH)
        risk, potential = self._pool_risk(skewed, self._ledger)
        if risk.equity >= risk.maintenance_margin:
            raise AccountHealthy(risk.equity, risk.maintenance_margin)
        pays_unwinding = risk.equity > 0
        close_cost = 0 if pays_unwinding else -potential
        fraction = liquidation.fraction_up(risk.equity, risk.maintenance_margin, close_cost, self._risk_config)
        cuts = 0
        for one in skewed:
            cut = positions.deleverage(one.market, fraction, one.price, pays_unwinding=pays_unwinding)
            self._put(self._markets, one.id, words.pack_market(one.market))
            self._emit_accrued(one.id, one.market)
            multipliers = one.market.longs.multiplier, one.market.shorts.multiplier
            self.emit("Deleveraged", one.id, one.size < 0, cut, *multipliers)
            cuts += cut
            if cut:
                self._put(self._deleveraged, one.id, True)
        if cuts == 0:
            raise SkewMissing
        return fraction

    @external("fundInsurance(uint128)")
    @non_reentrant
    def fund_insurance(self, sender: Address, amount: int) -> None:
        """Donate `amount` token units to the insurance fund (``ClearinghouseExt.sol::fundInsurance``).

        Raises
        ------
        AmountZero, TransferMismatch, SafeCastOverflowedUintDowncast
            As named; the token's.
        """
        state = self._ledger.copy()
        state.insurance_balance += to_wad(amount)
        self._set("_ledger", words.pack_ledger(state))
        self.emit("Deposited", INSURANCE_ACCOUNT, sender, amount, state.insurance_balance)
        self._pull(sender, amount)

    @external("collectTreasury()")
    @non_reentrant
    def collect_treasury(self, _sender: Address) -> None:
        """Move what the insurance fund holds above its threshold (``ClearinghouseExt.sol::collectTreasury``).

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

    @external("accrue(uint8)")
    @non_reentrant
    def accrue(self, _sender: Address, market: int) -> None:
        """Bring a market's funding up to date (``ClearinghouseExt.sol::accrue``).

        Raises
        ------
        MarketUnknown
            As named; the oracle's.
        """
        state = self._load_market(market)
        funding_rate.accrue(state, self.oracle.price_of(market), self.world.timestamp)
        self._put(self._markets, market, words.pack_market(state))
        self._emit_accrued(market, state)

    # ---- governance and guardian

    @external(f"listMarket({MARKET_CONFIG},uint16) -> (uint8)")
    @non_reentrant
    def list_market(self, sender: Address, config: MarketConfig | tuple[int, ...], max_rate: int) -> MarketId:
        """List a market (``ClearinghouseExt.sol::listMarket``).

        Raises
        ------
        AccessManagedUnauthorized, MarketsExhausted, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "listMarket", (config, max_rate))
        config = MarketConfig(*config)
        bounds.check_market(config, max_rate)
        if self._market_count == MAX_MARKETS:
            raise MarketsExhausted
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
        """Change a market's parameters after an accrual at the old ones (``ClearinghouseExt.sol::setMarket``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, MarketUnknown, OpenInterestExceeded
            As named; the oracle's.
        """
        self._check_can_call(sender, "setMarket", (market, config, max_rate))
        config = MarketConfig(*config)
        bounds.check_market(config, max_rate)
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
        """Set how a market nets with others in portfolio mode (``ClearinghouseExt.sol::setPortfolio``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, MarketUnknown
            As named.
        """
        self._check_can_call(sender, "setPortfolio", (market, config))
        config = PortfolioConfig(*config)
        bounds.check_portfolio(config)
        self._require_market(market)
        self._put(self._portfolios, market, config)
        self.emit("PortfolioSet", market, tuple(config))

    @external("setInsuranceCap(uint8,uint64)")
    @non_reentrant
    def set_insurance_cap(self, sender: Address, market: int, cap: int) -> None:
        """Set what bad debt in a market may take per day [quote] (``ClearinghouseExt.sol::setInsuranceCap``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds, MarketUnknown
            As named.
        """
        self._check_can_call(sender, "setInsuranceCap", (market, cap))
        bounds.check("insuranceCap", cap, 0, _MAX_INSURANCE_CAP)
        self._require_market(market)
        self._put(self._insurance, market, self.insurance_of(market)._replace(cap=cap))
        self.emit("InsuranceCapSet", market, cap)

    @external(f"setRiskConfig({RISK_CONFIG})")
    @non_reentrant
    def set_risk_config(self, sender: Address, config: RiskConfig | tuple[int, ...]) -> None:
        """Set liquidation parameters, floors and the fee split (``ClearinghouseExt.sol::setRiskConfig``).

        Raises
        ------
        AccessManagedUnauthorized, ParameterOutOfBounds
            As named.
        """
        self._check_can_call(sender, "setRiskConfig", (config,))
        config = RiskConfig(*config)
        bounds.check_risk(config)
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
        """Let a contract trade for accounts, or stop it (``ClearinghouseExt.sol::setExecutor``).

        Raises
        ------
        AccessManagedUnauthorized
            As named.
        """
        self._check_can_call(sender, "setExecutor", (executor, allowed))
        self._put(self._executors, executor, allowed)
        self.emit("ExecutorSet", executor, allowed)

    @external("setVault(address)")
    @non_reentrant
    def set_vault(self, sender: Address, vault: Address) -> None:
        """Name the vault, once and for good (``ClearinghouseExt.sol::setVault``).

        Raises
        ------
        AccessManagedUnauthorized, VaultAlreadySet
            As named.
        """
        self._check_can_call(sender, "setVault", (vault,))
        if int(self._vault, 16) != 0:
            raise VaultAlreadySet(self._vault)
        self._set("_vault", vault)
        self.emit("VaultSet", vault)

    @external("pauseRisk()")
    @non_reentrant
    def pause_risk(self, sender: Address) -> None:
        """Stop trades that raise risk, and nothing else (``ClearinghouseExt.sol::pauseRisk``).

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
        """Allow them again (``ClearinghouseExt.sol::unpauseRisk``).

        Raises
        ------
        AccessManagedUnauthorized
            As named.
        """
        self._check_can_call(sender, "unpauseRisk", ())
        self._set_paused(False)

    # ---- views

    @view(f"portfolioOf(uint8) -> ({PORTFOLIO_CONFIG})")
    def portfolio_of(self, market: int) -> PortfolioConfig:
        """Return how a market nets with others."""
        return self._portfolios.get(market, _NO_PORTFOLIO)

    @view("insuranceOf(uint8) -> ((uint64,uint32,uint128))")
    def insurance_of(self, market: int) -> InsuranceDraw:
        """Return what bad debt in a market may take from the insurance fund, and has taken."""
        return self._insurance.get(market, _NO_DRAW)

    @view("poolRisk() -> ((int256,int256,uint256,uint256,uint256,uint256))")
    def pool_risk(self) -> PoolRisk:
        """Return value and requirements of the pool, as a portfolio (``ClearinghouseExt.sol::poolRisk``).

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            The oracle's.
        """
        skewed = self._load_skewed(PriceQuality.CONFIRMED)
        risk, potential = self._pool_risk(skewed, self._ledger)
        priced_at = self.world.timestamp
        for one in skewed:
            priced_at = min(priced_at, self.oracle.price_state(one.id).published_at)
        return PoolRisk(
            risk.equity + potential, risk.equity, risk.initial_margin, risk.maintenance_margin, risk.notional, priced_at
        )

    # ---- the pool as an account

    def _pool_risk(self, skewed: list[OpenPosition], state: Ledger) -> tuple[AccountRisk, int]:
        """Return the risk of the pool at its net asset value, and what traders would be paid for unwinding."""
        risk, potential = AccountRisk(state.pool_balance), 0
        netting = Netting()
        for one in skewed:
            risk.equity += positions.unsettled_down(one.market)
            potential += pricing.potential_up(one.market.config, one.size, one.price)
            margin.add(risk, NO_POSITION, one.size, 0, one.market.config, one.mark)
            netting.add(one.size, one.price, one.market.config, self.portfolio_of(one.id))
        risk.equity -= potential
        netting.settle(risk)
        return risk, potential

    def _load_skewed(self, quality: PriceQuality) -> list[OpenPosition]:
        """Return every market with positions, accrued; `size` is what the pool holds of it."""
        ids = [market for market, state in self._markets.items() if state.longs.shares or state.shorts.shares]
        bitmap = sum(map(to_bit, ids))
        marks = self.oracle.marks_of(bitmap, quality)
        skewed = []
        for market, mark in zip(markets_of(bitmap), marks, strict=True):
            state = self._load_market(market)
            price = price_of(mark)
            funding_rate.accrue(state, price, self.world.timestamp)
            skewed.append(OpenPosition(market, mark, price, -positions.skew_of(state), state, Position()))
        return skewed

    def _require_market(self, market: int) -> None:
        if market >= self._market_count:
            raise MarketUnknown(market)

    def _set_paused(self, paused: bool) -> None:
        state = self._ledger.copy()
        state.risk_paused = paused
        self._set("_ledger", state)
        self.emit("RiskPauseSet", paused)
