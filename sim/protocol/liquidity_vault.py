"""Shares of the liquidity pool (``LiquidityVault.sol``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from sim.protocol.erc20 import ERC20
from sim.protocol.errors import (
    AmountTooLarge,
    AmountTooSmall,
    CallerUnauthorized,
    ControllerZero,
    EmptyRevert,
    Panic,
    PoolExhausted,
    PoolUnhealthy,
    PreviewUnavailable,
    PriceOutdated,
    ProtocolError,
    RequestLocked,
    RequestsUnready,
    SafeERC20FailedOperation,
    TransferMismatch,
)
from sim.protocol.evm import (
    ARITHMETIC_PANIC,
    UINT256_MAX,
    ZERO_ADDRESS,
    Address,
    ceil_div,
    checked_sub,
    external,
    non_reentrant,
    view,
)
from sim.protocol.libraries import bounds
from sim.protocol.libraries.requests import Queue
from sim.protocol.types.queue import REQUEST, Request

if TYPE_CHECKING:
    from typing import Literal

    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.types.account import PoolRisk
    from sim.protocol.world import World

__all__ = ["LiquidityVault"]

_UNIT: Final = 10**12
_VIRTUAL_SHARES: Final = 10**12
_MIN_DEPOSIT: Final = 10**6
_MAX_ASSETS: Final = 7 * 10**16
_MAX_SUPPLY: Final = 2**104 - 1
_WORD: Final = 32
_TRUE: Final = (1).to_bytes(_WORD, "big")
_INTERFACES: Final = frozenset(
    (
        "0x01ffc9a7",
        "0xe3bc4e65",
        "0xce3bbe50",
        "0x620ee8e4",
        "0x2f0a18c5",
        "0x50a526d6",
        "0xc1f329ef",
        "0xe1550342",
        "0x2fd7d42a",
        "0x70dec094",
    )
)
"""ERC-165; ERC-7540 operators, deposits, redemptions; ERC-7575 whole and in its five parts."""


@dataclass(slots=True)
class _Settlement:
    """One call of `fulfil`; assets are token units (``LiquidityVault.sol::Settlement``).

    Attributes
    ----------
    latest : int
        Time of a request that can be settled.
    supply : int
        Of shares before, virtual ones included.
    value_up, value_down : int
        Of the pool before, the virtual asset included.
    free : int
        What the pool has above its initial margin before [wad].
    deposited, minted, burned, paid : int
        Assets, shares, shares, assets.
    """

    latest: int
    supply: int
    value_up: int
    value_down: int
    free: int
    deposited: int = 0
    minted: int = 0
    burned: int = 0
    paid: int = 0


class LiquidityVault(ERC20):
    """ERC-4626 with asynchronous deposits and redemptions (ERC-7540, ERC-7575).

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    clearinghouse : Clearinghouse
        Whose pool the shares are of.
    settle_delay_seconds : int
        Least time from a request to the prices that settle it.
    max_price_age_seconds : int
        Largest age of a price that settles anything.
    cancel_delay_seconds : int
        Time from a request to where it can be cancelled.

    Raises
    ------
    ParameterOutOfBounds
        A time is out of bounds.
    """

    def __init__(
        self,
        world: World,
        name: str,
        address: Address,
        *,
        clearinghouse: Clearinghouse,
        settle_delay_seconds: int,
        max_price_age_seconds: int,
        cancel_delay_seconds: int,
    ) -> None:
        super().__init__(world, name, address)
        bounds.check("settleDelaySeconds", settle_delay_seconds, 10, 86_400)
        bounds.check("maxPriceAgeSeconds", max_price_age_seconds, 1, 300)
        bounds.check("cancelDelaySeconds", cancel_delay_seconds, 3_600, 30 * 86_400)
        self.clearinghouse = clearinghouse
        self._token = clearinghouse.token
        self._settle_delay_seconds = settle_delay_seconds
        self._max_price_age_seconds = max_price_age_seconds
        self._cancel_delay_seconds = cancel_delay_seconds
        self._operators: dict[tuple[Address, Address], bool] = {}
        self.deposits = Queue(self._put)
        self.redemptions = Queue(self._put)
        self._last_net_asset_value = 0
        self.assets_owed = 0
        """Assets of pending deposits and claimable redemptions [token units]."""
        self.shares_owed = 0
        """Shares of pending redemptions and claimable deposits."""
        self._token.approve(self.address, clearinghouse.address, UINT256_MAX)

    # ---- requests

    @external("requestDeposit(uint256,address,address) -> (uint256)")
    @non_reentrant
    def request_deposit(self, sender: Address, assets: int, controller: Address, owner: Address) -> int:
        """Take `assets` from `owner` and append a request of `controller` (``LiquidityVault.sol::requestDeposit``).

        Raises
        ------
        CallerUnauthorized, ControllerZero, AmountTooSmall, AmountTooLarge, TransferMismatch
            As named; the token's.
        """
        self._authorize(owner, sender)
        if controller == ZERO_ADDRESS:
            raise ControllerZero
        if assets < _MIN_DEPOSIT:
            raise AmountTooSmall(assets, _MIN_DEPOSIT)
        if assets > _MAX_ASSETS:
            raise AmountTooLarge(assets, _MAX_ASSETS)
        number = self.deposits.push(controller, assets, self.world.timestamp)
        self._owe(assets=assets)
        self.emit("DepositRequest", controller, owner, number, sender, assets)
        self._pull(owner, assets)
        return number

    @external("requestRedeem(uint256,address,address) -> (uint256)")
    @non_reentrant
    def request_redeem(self, sender: Address, shares: int, controller: Address, owner: Address) -> int:
        """Take `shares` from `owner` and append a request of `controller` (``LiquidityVault.sol::requestRedeem``).

        Raises
        ------
        ControllerZero, AmountTooSmall
            As named; ERC-20's.
        """
        if sender != owner and not self.is_operator(owner, sender):
            self._spend_allowance(owner, sender, shares)
        if controller == ZERO_ADDRESS:
            raise ControllerZero
        minimum = self.least_redemption()
        if shares < minimum:
            raise AmountTooSmall(shares, minimum)
        self._transfer(owner, self.address, shares)
        number = self.redemptions.push(controller, shares, self.world.timestamp)
        self._owe(shares=shares)
        self.emit("RedeemRequest", controller, owner, number, sender, shares)
        return number

    @external("cancelDeposit(uint256,address) -> (uint256)")
    @non_reentrant
    def cancel_deposit(self, sender: Address, number: int, receiver: Address) -> int:
        """Take a deposit back that is not settled (``LiquidityVault.sol::cancelDeposit``).

        Raises
        ------
        RequestUnknown, CallerUnauthorized, RequestLocked, TransferMismatch
            As named; the token's.
        """
        controller, assets = self._cancel(self.deposits, sender, number)
        self._owe(assets=-assets)
        self.emit("DepositCancelled", controller, number, receiver, assets)
        self._push(receiver, assets)
        return assets

    @external("cancelRedeem(uint256,address) -> (uint256)")
    @non_reentrant
    def cancel_redeem(self, sender: Address, number: int, receiver: Address) -> int:
        """Take the part of a redemption back that is not settled (``LiquidityVault.sol::cancelRedeem``).

        Raises
        ------
        RequestUnknown, CallerUnauthorized, RequestLocked
            As named; ERC-20's.
        """
        controller, shares = self._cancel(self.redemptions, sender, number)
        self._owe(shares=-shares)
        self.emit("RedeemCancelled", controller, number, receiver, shares)
        self._transfer(self.address, receiver, shares)
        return shares

    @external("setOperator(address,bool) -> (bool)")
    def set_operator(self, sender: Address, operator: Address, approved: bool) -> bool:
        """Let `operator` do all of this for the sender, or stop it (``LiquidityVault.sol::setOperator``)."""
        self._put(self._operators, (sender, operator), approved)
        self.emit("OperatorSet", sender, operator, approved)
        return True

    # ---- anyone

    @external("fulfil(uint256,uint256) -> (uint256,uint256)")
    @non_reentrant
    def fulfil(self, _sender: Address, max_deposits: int, max_redemptions: int) -> tuple[int, int]:
        """Settle requests in their order at the pool's net asset value (``LiquidityVault.sol::fulfil``).

        Raises
        ------
        PriceOutdated, PoolExhausted, RequestsUnready, TransferMismatch
            As named; the oracle's; the token's.
        """
        house = self.clearinghouse
        settling = self._settlement(house.pool_risk())
        deposits = self._settle_deposits(settling, max_deposits)
        redemptions = self._settle_redemptions(settling, max_redemptions)
        if deposits + redemptions + settling.burned == 0:
            raise RequestsUnready
        if settling.minted:
            self._update(ZERO_ADDRESS, self.address, settling.minted)
        if settling.burned:
            self._update(self.address, ZERO_ADDRESS, settling.burned)
        net = settling.deposited - settling.paid
        self._set("_last_net_asset_value", settling.value_down - 1 + net)
        self._owe(assets=-net, shares=settling.minted - settling.burned)
        self.emit("Fulfilled", self._last_net_asset_value, self._total_supply)
        if net > 0:
            house.fund_pool(self.address, net)
        elif net < 0:
            house.defund_pool(self.address, -net, self.address)
        return deposits, redemptions

    # ---- claims

    @external("deposit(uint256,address) -> (uint256)")
    def deposit_own(self, sender: Address, assets: int, receiver: Address) -> int:
        """Claim shares for `assets` of the sender's own deposits."""
        return self.deposit(sender, assets, receiver, sender)

    @external("deposit(uint256,address,address) -> (uint256)")
    @non_reentrant
    def deposit(self, sender: Address, assets: int, receiver: Address, controller: Address) -> int:
        """Claim shares for `assets` of settled deposits (``LiquidityVault.sol::deposit``).

        Raises
        ------
        CallerUnauthorized, AmountZero, ClaimExceeded
            As named; ERC-20's.
        """
        self._authorize(controller, sender)
        shares = self.deposits.take_amount(controller, assets)
        self._give_shares(controller, receiver, assets, shares)
        return shares

    @external("mint(uint256,address) -> (uint256)")
    def mint_own(self, sender: Address, shares: int, receiver: Address) -> int:
        """Claim `shares` of the sender's own deposits."""
        return self.mint(sender, shares, receiver, sender)

    @external("mint(uint256,address,address) -> (uint256)")
    @non_reentrant
    def mint(self, sender: Address, shares: int, receiver: Address, controller: Address) -> int:
        """Claim `shares` of settled deposits (``LiquidityVault.sol::mint``).

        Raises
        ------
        CallerUnauthorized, AmountZero, ClaimExceeded
            As named; ERC-20's.
        """
        self._authorize(controller, sender)
        assets = self.deposits.take_payout(controller, shares)
        self._give_shares(controller, receiver, assets, shares)
        return assets

    @external("withdraw(uint256,address,address) -> (uint256)")
    @non_reentrant
    def withdraw(self, sender: Address, assets: int, receiver: Address, controller: Address) -> int:
        """Claim `assets` of settled redemptions (``LiquidityVault.sol::withdraw``).

        Raises
        ------
        CallerUnauthorized, AmountZero, ClaimExceeded, TransferMismatch
            As named; the token's.
        """
        self._authorize(controller, sender)
        shares = self.redemptions.take_payout(controller, assets)
        self._give_assets(sender, controller, receiver, assets, shares)
        return shares

    @external("redeem(uint256,address,address) -> (uint256)")
    @non_reentrant
    def redeem(self, sender: Address, shares: int, receiver: Address, controller: Address) -> int:
        """Claim assets for `shares` of settled redemptions (``LiquidityVault.sol::redeem``).

        Raises
        ------
        CallerUnauthorized, AmountZero, ClaimExceeded, TransferMismatch
            As named; the token's.
        """
        self._authorize(controller, sender)
        assets = self.redemptions.take_amount(controller, shares)
        self._give_assets(sender, controller, receiver, assets, shares)
        return assets

    # ---- views

    @view("asset() -> (address)")
    def asset(self) -> Address:
        """Return the address of the settlement token."""
        return self._token.address

    @view("share() -> (address)")
    def share(self) -> Address:
        """Return the address of the share token: the vault's own."""
        return self.address

    @view("totalAssets() -> (uint256)")
    def total_assets(self) -> int:
        """Return the pool's net asset value, that of the last settlement where no price is usable [token units]."""
        try:
            return max(0, self.clearinghouse.pool_risk().net_asset_value) // _UNIT
        except EmptyRevert:
            raise
        except ProtocolError:
            return self._last_net_asset_value

    @view("convertToShares(uint256) -> (uint256)")
    def convert_to_shares(self, assets: int) -> int:
        """Return what `assets` would buy, down."""
        return _mul_div(assets, self._total_supply + _VIRTUAL_SHARES, self.total_assets() + 1)

    @view("convertToAssets(uint256) -> (uint256)")
    def convert_to_assets(self, shares: int) -> int:
        """Return what `shares` are worth, down [token units]."""
        return _mul_div(shares, self.total_assets() + 1, self._total_supply + _VIRTUAL_SHARES)

    @view("maxDeposit(address) -> (uint256)")
    def max_deposit(self, controller: Address) -> int:
        """Return the assets of settled deposits that a controller may claim for."""
        return self.deposits.claim_of(controller).amount

    @view("maxMint(address) -> (uint256)")
    def max_mint(self, controller: Address) -> int:
        """Return the shares of settled deposits that a controller may claim."""
        return self.deposits.claim_of(controller).payout

    @view("maxWithdraw(address) -> (uint256)")
    def max_withdraw(self, controller: Address) -> int:
        """Return the assets of settled redemptions that a controller may claim."""
        return self.redemptions.claim_of(controller).payout

    @view("maxRedeem(address) -> (uint256)")
    def max_redeem(self, controller: Address) -> int:
        """Return the shares of settled redemptions that a controller may claim for."""
        return self.redemptions.claim_of(controller).amount

    @view("previewDeposit(uint256) -> (uint256)")
    def preview_deposit(self, _assets: int) -> NoReturn:
        """Refuse to tell."""
        raise PreviewUnavailable

    @view("previewMint(uint256) -> (uint256)")
    def preview_mint(self, _shares: int) -> NoReturn:
        """Refuse to tell."""
        raise PreviewUnavailable

    @view("previewWithdraw(uint256) -> (uint256)")
    def preview_withdraw(self, _assets: int) -> NoReturn:
        """Refuse to tell."""
        raise PreviewUnavailable

    @view("previewRedeem(uint256) -> (uint256)")
    def preview_redeem(self, _shares: int) -> NoReturn:
        """Refuse to tell."""
        raise PreviewUnavailable

    @view("isOperator(address,address) -> (bool)")
    def is_operator(self, controller: Address, operator: Address) -> bool:
        """Return whether `operator` may act for `controller`."""
        return self._operators.get((controller, operator), False)

    @view("pendingDepositRequest(uint256,address) -> (uint256)")
    def pending_deposit_request(self, number: int, controller: Address) -> int:
        """Return the assets of a request that are not settled."""
        return self.deposits.pending_of(number, controller)

    @view("claimableDepositRequest(uint256,address) -> (uint256)")
    def claimable_deposit_request(self, number: int, controller: Address) -> int:
        """Return the assets of a request that are settled and not claimed."""
        return self.deposits.claimable_of(number, controller)

    @view("pendingRedeemRequest(uint256,address) -> (uint256)")
    def pending_redeem_request(self, number: int, controller: Address) -> int:
        """Return the shares of a request that are not settled."""
        return self.redemptions.pending_of(number, controller)

    @view("claimableRedeemRequest(uint256,address) -> (uint256)")
    def claimable_redeem_request(self, number: int, controller: Address) -> int:
        """Return the shares of a request that are settled and not claimed."""
        return self.redemptions.claimable_of(number, controller)

    @view("depositQueue() -> (uint256,uint256)")
    def deposit_queue(self) -> tuple[int, int]:
        """Return the ids of the last deposit that is over and of the last one."""
        return self.deposits.header[:2]

    @view("redeemQueue() -> (uint256,uint256,uint256)")
    def redeem_queue(self) -> tuple[int, int, int]:
        """Return the same of redemptions, and what is settled of the next one [shares]."""
        done, made, filled = self.redemptions.header
        return done, made, filled

    @view(f"depositRequestOf(uint256) -> {REQUEST}")
    def deposit_request_of(self, number: int) -> Request:
        """Return a request to deposit, zeros where there is none."""
        return self.deposits.request_of(number)

    @view(f"redeemRequestOf(uint256) -> {REQUEST}")
    def redeem_request_of(self, number: int) -> Request:
        """Return a request to redeem, zeros where there is none."""
        return self.redemptions.request_of(number)

    @view("lastNetAssetValue() -> (uint256)")
    def last_net_asset_value(self) -> int:
        """Return the pool's net asset value after the last settlement [token units]."""
        return self._last_net_asset_value

    @view("supportsInterface(bytes4) -> (bool)")
    def supports_interface(self, interface: str) -> bool:
        """Return whether the vault is what an ERC-165 identifier says."""
        return interface in _INTERFACES

    @view("decimals() -> (uint8)")
    def decimals(self) -> int:
        """Return the number of decimals of shares."""
        return 18

    @view("name() -> (string)")
    def token_name(self) -> str:
        """Return the name."""
        return "Steelyard Liquidity"

    @view("symbol() -> (string)")
    def symbol(self) -> str:
        """Return the symbol."""
        return "SLP"

    @view("CLEARINGHOUSE() -> (address)")
    def clearinghouse_address(self) -> Address:
        """Return the address of the clearinghouse."""
        return self.clearinghouse.address

    @view("SETTLE_DELAY_SECONDS() -> (uint40)")
    def settle_delay_seconds(self) -> int:
        """Return the least time from a request to the prices that settle it."""
        return self._settle_delay_seconds

    @view("MAX_PRICE_AGE_SECONDS() -> (uint40)")
    def max_price_age_seconds(self) -> int:
        """Return the largest age of a price that settles anything."""
        return self._max_price_age_seconds

    @view("CANCEL_DELAY_SECONDS() -> (uint40)")
    def cancel_delay_seconds(self) -> int:
        """Return the time from a request to where it can be cancelled."""
        return self._cancel_delay_seconds

    @view("MIN_DEPOSIT() -> (uint256)")
    def min_deposit(self) -> int:
        """Return the smallest deposit [token units]."""
        return _MIN_DEPOSIT

    @view("MAX_ASSETS() -> (uint256)")
    def max_assets(self) -> int:
        """Return the largest pool that takes deposits [token units]."""
        return _MAX_ASSETS

    @view("MAX_SUPPLY() -> (uint256)")
    def max_supply(self) -> int:
        """Return the most shares that deposits bring about."""
        return _MAX_SUPPLY

    def least_redemption(self) -> int:
        """Return the shares that were worth a token unit at the last settlement, up."""
        return ceil_div(self._total_supply + _VIRTUAL_SHARES, self._last_net_asset_value + 1)

    # ---- settling

    def _settlement(self, risk: PoolRisk) -> _Settlement:
        if self.world.timestamp > risk.priced_at + self._max_price_age_seconds:
            raise PriceOutdated(risk.priced_at, self._max_price_age_seconds)
        value = risk.net_asset_value
        if value < 0 or (value == 0 and self._total_supply):
            raise PoolExhausted(value)
        if value < risk.maintenance_margin:
            raise PoolUnhealthy(value, risk.maintenance_margin)
        return _Settlement(
            latest=risk.priced_at - self._settle_delay_seconds,
            supply=self._total_supply + _VIRTUAL_SHARES,
            value_up=ceil_div(value, _UNIT) + 1,
            value_down=value // _UNIT + 1,
            free=value - risk.initial_margin,
        )

    def _settle_deposits(self, settling: _Settlement, most: int) -> int:
        queue = self.deposits
        done, made, _ = queue.header
        count = 0
        while count < most and done < made:
            request = queue.request_of(done + 1)
            assets = request.amount
            if assets:
                shares = assets * settling.supply // settling.value_up
                if (
                    request.requested_at > settling.latest
                    or settling.value_up + settling.deposited + assets > _MAX_ASSETS
                    or settling.supply + settling.minted + shares > _MAX_SUPPLY
                ):
                    break
                settling.deposited += assets
                settling.minted += shares
                queue.finish(done + 1, queue.fill(request.controller, assets, shares))
                self.emit("DepositFulfilled", request.controller, done + 1, assets, shares)
            done += 1
            count += 1
        queue.move(done, 0)
        return count

    def _settle_redemptions(self, settling: _Settlement, most: int) -> int:
        queue = self.redemptions
        done, made, filled = queue.header
        room = max(0, settling.free + settling.deposited * _UNIT) // _UNIT
        count = 0
        while count < most and done < made:
            request = queue.request_of(done + 1)
            if request.amount:
                if request.requested_at > settling.latest:
                    break
                shares = request.amount - filled
                assets = shares * settling.value_down // settling.supply
                is_part = assets > room - settling.paid
                if is_part:
                    shares = (room - settling.paid) * settling.supply // settling.value_down
                    assets = shares * settling.value_down // settling.supply
                    if assets == 0:
                        break
                settling.burned += shares
                settling.paid += assets
                end = queue.fill(request.controller, shares, assets)
                self.emit("RedeemFulfilled", request.controller, done + 1, shares, assets)
                if is_part:
                    filled += shares
                    break
                queue.finish(done + 1, end)
                filled = 0
            done += 1
            count += 1
        queue.move(done, filled)
        return count

    def _cancel(self, queue: Queue, sender: Address, number: int) -> tuple[Address, int]:
        cancellable_at = queue.request_of(number).requested_at + self._cancel_delay_seconds
        controller, amount = queue.cancel(number)
        self._authorize(controller, sender)
        if self.world.timestamp < cancellable_at:
            raise RequestLocked(number, cancellable_at)
        return controller, amount

    def _authorize(self, account: Address, caller: Address) -> None:
        if caller != account and not self.is_operator(account, caller):
            raise CallerUnauthorized(account, caller)

    # ---- tokens

    def _give_shares(self, controller: Address, receiver: Address, assets: int, shares: int) -> None:
        self._owe(shares=-shares)
        self.emit("Deposit", controller, receiver, assets, shares)
        self._transfer(self.address, receiver, shares)

    def _give_assets(self, sender: Address, controller: Address, receiver: Address, assets: int, shares: int) -> None:
        self._owe(assets=-assets)
        self.emit("Withdraw", sender, receiver, controller, assets, shares)
        self._push(receiver, assets)

    def _owe(self, *, assets: int = 0, shares: int = 0) -> None:
        self._set("assets_owed", self.assets_owed + assets)
        self._set("shares_owed", self.shares_owed + shares)

    def _pull(self, owner: Address, assets: int) -> None:
        """Take `assets` from `owner`; a token that keeps a part of them is refused."""
        held = self._token.balance_of(self.address)
        self._require_moved(self._token.transfer_from(self.address, owner, self.address, assets))
        received = checked_sub(self._token.balance_of(self.address), held)
        if received != assets:
            raise TransferMismatch(assets, received)

    def _push(self, receiver: Address, assets: int) -> None:
        held = self._token.balance_of(self.address)
        self._require_moved(self._token.transfer(self.address, receiver, assets))
        paid = checked_sub(held, self._token.balance_of(self.address))
        if paid != assets:
            raise TransferMismatch(assets, paid)

    def _require_moved(self, returned: Literal[True] | bytes) -> None:
        """Accept what a token returns: true, or nothing (OpenZeppelin ``SafeERC20.sol``)."""
        if returned is not True and returned != b"" and returned[:_WORD] != _TRUE:
            raise SafeERC20FailedOperation(self._token.address)


def _mul_div(left: int, right: int, denominator: int) -> int:
    """Return `left * right / denominator`, down (OpenZeppelin ``Math.sol::mulDiv``)."""
    quotient = left * right // denominator
    if quotient > UINT256_MAX:
        raise Panic(ARITHMETIC_PANIC)
    return quotient
