"""Commit, then settle (``OrderBook.sol``)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from sim.protocol import abi
from sim.protocol.errors import (
    AccountBankrupt,
    AccountUnauthorized,
    KeeperFeeExceeded,
    MaintenanceInsufficient,
    MarginInsufficient,
    MarketUnknown,
    OpenInterestExceeded,
    OpenMarketsExceeded,
    OrderExpired,
    OrderPending,
    OrderUnknown,
    PriceUnacceptable,
    RiskPaused,
    SizeBelowMinimum,
    SizeZero,
    SlotOccupied,
)
from sim.protocol.evm import Address, Contract, external, non_reentrant, payable, view
from sim.protocol.keccak import keccak256
from sim.protocol.libraries import bounds
from sim.protocol.revert import revert_data
from sim.protocol.types.account import PERMISSION_TRADE
from sim.protocol.types.account_id import owner_of
from sim.protocol.types.fill import Fill, Trade
from sim.protocol.types.order import Order

if TYPE_CHECKING:
    from sim.protocol.clearinghouse import Clearinghouse
    from sim.protocol.world import World

__all__ = ["OrderBook", "hash_of"]

_ORDER: Final = "(uint256,uint8,uint8,uint40,int128,uint128,uint96)"
_ORDER_TYPE: Final = abi.parse_tuple(_ORDER)
_HASH_BITS: Final = 216
_MAX_DELAY_SECONDS: Final = 3_600
_MAX_WINDOW_SECONDS: Final = 86_400
_MAX_KEEPER_FEE: Final = 10**18
_FINAL: Final = (
    MarginInsufficient,
    MaintenanceInsufficient,
    AccountBankrupt,
    PriceUnacceptable,
    RiskPaused,
    SizeBelowMinimum,
    SizeZero,
    OpenMarketsExceeded,
    MarketUnknown,
    OpenInterestExceeded,
)
"""Failures that use an order up (``OrderBook.sol::_isFinal``)."""
_FREE_HASH: Final = 1
"""What a used slot reads as once it is free: a commitment at 0 with this hash."""


@functools.lru_cache(maxsize=1 << 14)
def hash_of(order: tuple[int, ...]) -> int:
    """Return the hash under which an order is stored (``OrderBook.sol::hashOf``)."""
    return int.from_bytes(keccak256(_ORDER_TYPE.encode(order)), "big") % (1 << _HASH_BITS)


class OrderBook(Contract):
    """Orders that cannot pick their price.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    clearinghouse : Clearinghouse
        Where orders trade.
    min_delay_seconds : int
        Time from commit to the earliest settlement price.
    window_seconds : int
        Length of the window for price and settlement.

    Raises
    ------
    ParameterOutOfBounds
        A time is out of bounds.

    Notes
    -----
    A slot keeps the order itself: two orders are equal just if their hashes are, and hashing is slow here.
    """

    def __init__(
        self,
        world: World,
        name: str,
        address: Address,
        *,
        clearinghouse: Clearinghouse,
        min_delay_seconds: int,
        window_seconds: int,
    ) -> None:
        super().__init__(world, name, address)
        bounds.check("minDelaySeconds", min_delay_seconds, 1, _MAX_DELAY_SECONDS)
        bounds.check("windowSeconds", window_seconds, 1, _MAX_WINDOW_SECONDS)
        self.clearinghouse = clearinghouse
        self.oracle = clearinghouse.oracle
        self._min_delay_seconds = min_delay_seconds
        self._window_seconds = window_seconds
        self._commitments: dict[tuple[int, int], tuple[int, Order] | None] = {}

    @external(f"commit({_ORDER})")
    def commit(self, sender: Address, order: Order | tuple[int, ...]) -> None:
        """Commit to an order (``OrderBook.sol::commit``).

        Raises
        ------
        SizeZero, KeeperFeeExceeded, OrderExpired, AccountUnauthorized, SlotOccupied
            As named.
        """
        order = Order(*order)
        now = self.world.timestamp
        if order.size_delta == 0:
            raise SizeZero
        if order.keeper_fee > _MAX_KEEPER_FEE:
            raise KeeperFeeExceeded(order.keeper_fee, _MAX_KEEPER_FEE)
        if now + self._min_delay_seconds > order.expires_at:
            raise OrderExpired(order.expires_at)
        self._authorize(order.account, sender)
        key = (order.account, order.slot)
        held = self._commitments.get(key)
        if held is not None and now <= held[0] + self._min_delay_seconds + self._window_seconds:
            raise SlotOccupied(order.account, order.slot)
        self._put(self._commitments, key, (now, order))
        self.emit("OrderCommitted", order.account, tuple(order))

    @payable(f"settle({_ORDER},uint256,bytes[]) -> ((int256,int256,uint256,int256))")
    @non_reentrant
    def settle(
        self,
        _sender: Address,
        value: int,
        order: Order | tuple[int, ...],
        keeper: int,
        update_data: tuple[str | bytes, ...],
    ) -> Fill:
        """Settle an order at the first price after its delay (``OrderBook.sol::settle``).

        A failure of the order's own uses it up and gives a fill of zeros.

        Raises
        ------
        OrderUnknown, OrderExpired
            As named; the oracle's, Pyth's, those of `Clearinghouse.trade` that are the caller's.
        """
        order = Order(*order)
        earliest, latest = self._free(order)
        if self.world.timestamp > latest:
            raise OrderExpired(latest)
        price = self.oracle.parse_first(self.address, value, order.market, update_data, earliest, latest)
        trade = Trade(
            order.account,
            order.market,
            order.size_delta,
            price,
            order.acceptable_price,
            keeper,
            order.keeper_fee,
        )
        mark = self.world.mark()
        try:
            fill = self.clearinghouse.trade(self.address, trade)
        except _FINAL as error:
            self.world.undo(mark)
            self.emit("OrderFailed", order.account, order.slot, price, "0x" + revert_data(error).hex())
            return Fill(0, 0, 0, 0)
        self.emit("OrderSettled", order.account, order.slot, keeper, price, fill.size_delta)
        return fill

    @external(f"cancel({_ORDER})")
    @non_reentrant
    def cancel(self, sender: Address, order: Order | tuple[int, ...]) -> None:
        """Cancel an order once it can no longer settle (``OrderBook.sol::cancel``).

        Raises
        ------
        AccountUnauthorized, OrderUnknown, OrderPending
            As named.
        """
        order = Order(*order)
        self._authorize(order.account, sender)
        _, latest = self._free(order)
        if self.world.timestamp <= latest:
            raise OrderPending(latest)
        self.emit("OrderCancelled", order.account, order.slot)

    @view("commitmentOf(uint256,uint8) -> (uint40,uint216)")
    def commitment_of(self, account: int, slot: int) -> tuple[int, int]:
        """Return when and as what the order in a slot was committed; a free slot has time 0."""
        held = self._commitments.get((account, slot))
        if held is not None:
            return held[0], hash_of(held[1])
        return 0, _FREE_HASH if (account, slot) in self._commitments else 0

    @view(f"hashOf({_ORDER}) -> (uint216)")
    def hash_of(self, order: Order | tuple[int, ...]) -> int:
        """Return the hash under which an order is stored."""
        return hash_of(order)

    @view("MIN_DELAY_SECONDS() -> (uint64)")
    def min_delay_seconds(self) -> int:
        """Return the time from commit to the earliest settlement price."""
        return self._min_delay_seconds

    @view("WINDOW_SECONDS() -> (uint64)")
    def window_seconds(self) -> int:
        """Return the length of the window for price and settlement."""
        return self._window_seconds

    @view("MAX_KEEPER_FEE() -> (uint96)")
    def max_keeper_fee(self) -> int:
        """Return the largest keeper fee of an order [wad]."""
        return _MAX_KEEPER_FEE

    @view("CLEARINGHOUSE() -> (address)")
    def clearinghouse_address(self) -> Address:
        """Return the address of the clearinghouse."""
        return self.clearinghouse.address

    @view("ORACLE() -> (address)")
    def oracle_address(self) -> Address:
        """Return the address of the price oracle."""
        return self.oracle.address

    def _authorize(self, account: int, caller: Address) -> None:
        if caller == owner_of(account) or self.clearinghouse.is_authorized(account, caller, PERMISSION_TRADE):
            return
        raise AccountUnauthorized(account, caller, PERMISSION_TRADE)

    def _free(self, order: Order) -> tuple[int, int]:
        """Free the slot of `order`; return the bounds of its settlement price and of its settlement [seconds]."""
        key = (order.account, order.slot)
        held = self._commitments.get(key)
        if held is None or held[1] != order:
            raise OrderUnknown(order.account, order.slot)
        self._put(self._commitments, key, None)
        earliest = held[0] + self._min_delay_seconds
        return earliest, min(order.expires_at, earliest + self._window_seconds)
