"""What both halves of the clearinghouse share (``ClearinghouseCore.sol``): storage, balances, tokens.

Accounts are ``owner << 96 | index``; quote, sizes and prices are wad; token amounts have 6 decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sim.protocol.authority import AccessManaged
from sim.protocol.errors import AmountZero, MarketUnknown, SafeERC20FailedOperation, TransferMismatch
from sim.protocol.evm import Address, checked_sub, view
from sim.protocol.libraries import words
from sim.protocol.types.account import Account, Permission, Position
from sim.protocol.types.account_id import to_account_id
from sim.protocol.types.ledger import InsuranceDraw, Ledger, RiskConfig

if TYPE_CHECKING:
    from sim.protocol.mocks.local_token import LocalToken
    from sim.protocol.price_oracle import PriceOracle
    from sim.protocol.types.market import Market, PortfolioConfig
    from sim.protocol.world import World

__all__ = ["NO_ACCOUNT", "NO_POSITION", "UNIT", "ClearinghouseCore", "OpenPosition", "to_wad"]

UNIT: Final = 10**12
"""Wad per unit of the settlement token."""

NO_ACCOUNT: Final = Account()
"""What an account that was never stored reads as; not to be changed."""

NO_POSITION: Final = Position()
"""What a position that was never stored reads as; not to be changed."""

_WORD: Final = 32
_TRUE: Final = (1).to_bytes(_WORD, "big")
_NOBODY: Final = Address("0x" + "00" * 20)


@dataclass(slots=True)
class OpenPosition:
    """One market of an account in memory; `closed_notional` is what a liquidation has closed of it."""

    id: int
    mark: int
    price: int
    size: int
    market: Market
    position: Position
    closed_notional: int = 0


class ClearinghouseCore(AccessManaged):
    """Storage of the clearinghouse, and what is read and written of it everywhere.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    token : LocalToken
        Settlement token, 6 decimals.
    oracle : PriceOracle
        Prices.
    treasury : Address
        Owner of the treasury's account.
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
        super().__init__(world, name, address)
        self.token = token
        self.oracle = oracle
        self.treasury = to_account_id(treasury, 0)
        self._accounts: dict[int, Account] = {}
        self._positions: dict[tuple[int, int], Position] = {}
        self._markets: dict[int, Market] = {}
        self._portfolios: dict[int, PortfolioConfig] = {}
        self._insurance: dict[int, InsuranceDraw] = {}
        self._deleveraged: dict[int, bool] = {}
        self._permissions: dict[tuple[Address, Address], Permission] = {}
        self._executors: dict[Address, bool] = {}
        self._ledger = Ledger()
        self._risk_config = RiskConfig()
        self._market_count = 0
        self._vault = _NOBODY
        self.taken_in = 0
        """Tokens that were deposited, less those withdrawn [token units]."""

    # ---- views

    @view("isExecutor(address) -> (bool)")
    def is_executor(self, executor: Address) -> bool:
        """Return whether a contract may trade for accounts."""
        return self._executors.get(executor, False)

    @view("marketCount() -> (uint8)")
    def market_count(self) -> int:
        """Return the number of listed markets."""
        return self._market_count

    @view("TOKEN() -> (address)")
    def token_address(self) -> Address:
        """Return the address of the settlement token."""
        return self.token.address

    @view("ORACLE() -> (address)")
    def oracle_address(self) -> Address:
        """Return the address of the price oracle."""
        return self.oracle.address

    @view("TREASURY() -> (uint256)")
    def treasury_account(self) -> int:
        """Return the treasury's account."""
        return self.treasury

    @view("vault() -> (address)")
    def vault(self) -> Address:
        """Return who alone takes money out of the pool; the zero address until it is set."""
        return self._vault

    # ---- storage

    def _load_market(self, market: int) -> Market:
        stored = self._markets.get(market)
        if stored is None:
            raise MarketUnknown(market)
        return stored.copy()

    def _emit_accrued(self, market: int, state: Market) -> None:
        self.emit("FundingAccrued", market, state.funding.rate, state.longs.index, state.shorts.index)

    # ---- balances

    def _credit(self, account: int, amount: int) -> int:
        header = self._accounts.get(account, NO_ACCOUNT)
        credited = Account(header.balance + amount, header.mode, header.open_markets)
        self._put(self._accounts, account, words.pack_account(credited))
        return credited.balance

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


def to_wad(amount: int) -> int:
    """Return `amount` token units in wad (``ClearinghouseCore.sol::_toWad``).

    Raises
    ------
    AmountZero
        As named.
    """
    if amount == 0:
        raise AmountZero
    return amount * UNIT
