"""The deployed system and its chain's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.protocol.abi import DecodingError
from sim.protocol.authority import Authority
from sim.protocol.clearinghouse import Clearinghouse
from sim.protocol.errors import EmptyRevert, ProtocolError
from sim.protocol.evm import Address, Contract
from sim.protocol.extension import Extension
from sim.protocol.invariants import Invariants
from sim.protocol.lens import Lens
from sim.protocol.liquidity_vault import LiquidityVault
from sim.protocol.mocks.hostile_actor import HostileActor
from sim.protocol.mocks.hostile_token import HostileToken
from sim.protocol.mocks.local_aggregator import LocalAggregator
from sim.protocol.mocks.local_fee_token import LocalFeeToken
from sim.protocol.mocks.local_pyth import LocalPyth
from sim.protocol.mocks.local_token import LocalToken
from sim.protocol.mocks.local_wallet import LocalWallet
from sim.protocol.order_book import OrderBook
from sim.protocol.outcome import Outcome
from sim.protocol.price_oracle import PriceOracle
from sim.protocol.revert import revert_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sim.protocol.evm import Entry
    from sim.protocol.outcome import Event

__all__ = ["ADMIN", "TREASURY", "Settings", "World"]

ADMIN: Final = Address("0x" + "ad" * 20)
"""Default holder of the admin role."""

TREASURY: Final = Address("0x" + "7e" * 20)
"""Default owner of the treasury's account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Constructor arguments of the system.

    Parameters
    ----------
    admin, treasury : Address
        Holder of the admin role; owner of the treasury's account.
    timestamp : int
        When it is deployed [seconds].
    chain_id : int
        Of the chain, which signatures name.
    token_decimals, token_fee_bps : int
        Of the settlement token; one with a fee is a `LocalFeeToken` [1e-4].
    is_hostile : bool
        Whether the token is a `HostileToken`, in the place and by the name of a `LocalToken`, and a `HostileActor`
        and a `LocalWallet` are there.
    aggregators : tuple of (str, int)
        Name and decimals of each `LocalAggregator`.
    pyth_valid_period_seconds, pyth_update_fee : int
        Of the Pyth mock [seconds, wei].
    min_delay_seconds, window_seconds : int
        Of the order book.
    settle_delay_seconds, max_price_age_seconds, cancel_delay_seconds : int
        Of the vault.
    """

    admin: Address = ADMIN
    treasury: Address = TREASURY
    timestamp: int = 1_700_000_000
    chain_id: int = 31_337
    token_decimals: int = 6
    token_fee_bps: int = 0
    is_hostile: bool = False
    aggregators: tuple[tuple[str, int], ...] = ()
    pyth_valid_period_seconds: int = 60
    pyth_update_fee: int = 0
    min_delay_seconds: int = 2
    window_seconds: int = 60
    settle_delay_seconds: int = 60
    max_price_age_seconds: int = 10
    cancel_delay_seconds: int = 86_400


class World:
    """All contracts, the journal that makes a call atomic, and the time.

    Parameters
    ----------
    settings : Settings, optional
        Constructor arguments.
    addresses : mapping of str to str, optional
        Where each contract is, by name; made up where missing.

    Raises
    ------
    ProtocolError
        What a constructor reverts with.

    Attributes
    ----------
    timestamp : int
        Now [seconds]; only ever later.
    transient : dict
        What contracts keep until the end of the transaction, by a name of their own.
    touched : tuple
        What the last transaction stored: mapping, key, and the value before, a contract where there was none.
    invariants : Invariants
        See `check_invariants`.

    Notes
    -----
    Nothing is wired: like on the chain, the admin sets feeds, markets, executors and roles by calls.
    """

    def __init__(self, settings: Settings | None = None, *, addresses: Mapping[str, str] | None = None) -> None:
        settings = settings or Settings()
        self.settings = settings
        self.timestamp = settings.timestamp
        self.chain_id = settings.chain_id
        self.journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self.transient: dict[str, Any] = {}
        self.touched: tuple[tuple[dict[Any, Any], Any, Any], ...] = ()
        self.events: list[Event] = []
        placed = dict(addresses or {})

        def place(name: str, number: int) -> tuple[World, str, Address]:
            return self, name, Address(placed.get(name, f"0xc0de{number:036x}").lower())

        self.authority = Authority(*place("Authority", 1), initial_admin=settings.admin)
        if settings.token_fee_bps:
            self.token: LocalToken = LocalFeeToken(
                *place("LocalFeeToken", 2), decimals=settings.token_decimals, fee_bps=settings.token_fee_bps
            )
        else:
            kind = HostileToken if settings.is_hostile else LocalToken
            self.token = kind(*place("LocalToken", 2), decimals=settings.token_decimals)
        self.pyth = LocalPyth(
            *place("LocalPyth", 3),
            valid_time_period_seconds=settings.pyth_valid_period_seconds,
            single_update_fee=settings.pyth_update_fee,
        )
        self.oracle = PriceOracle(*place("PriceOracle", 4), pyth=self.pyth)
        self.clearinghouse = Clearinghouse(
            *place("Clearinghouse", 5),
            token=self.token,
            oracle=self.oracle,
            treasury=settings.treasury,
        )
        self.order_book = OrderBook(
            *place("OrderBook", 6),
            clearinghouse=self.clearinghouse,
            min_delay_seconds=settings.min_delay_seconds,
            window_seconds=settings.window_seconds,
        )
        self.lens = Lens(*place("Lens", 7), clearinghouse=self.clearinghouse)
        self.vault = LiquidityVault(
            *place("LiquidityVault", 10),
            clearinghouse=self.clearinghouse,
            settle_delay_seconds=settings.settle_delay_seconds,
            max_price_age_seconds=settings.max_price_age_seconds,
            cancel_delay_seconds=settings.cancel_delay_seconds,
        )
        contracts: list[Contract] = [
            self.authority,
            self.token,
            self.pyth,
            self.oracle,
            self.clearinghouse,
            self.order_book,
            self.lens,
            self.vault,
        ]
        if settings.is_hostile:
            contracts.append(HostileActor(*place("HostileActor", 8)))
            contracts.append(LocalWallet(*place("LocalWallet", 11)))
        for number, (name, decimals) in enumerate(settings.aggregators):
            contracts.append(LocalAggregator(*place(name, 0x20 + number), decimals=decimals))
        self.contracts = {contract.name: contract for contract in contracts}
        contracts.append(Extension(self, "ClearinghouseExt", self.clearinghouse.extension()))
        self._at = {contract.address: contract for contract in contracts}
        self._functions: dict[tuple[str, str], tuple[Entry, Callable[..., Any]]] = {
            (contract.name, function): (entry, getattr(contract, method))
            for contract in contracts
            for function, entry, method in contract.named()
        }
        self._by_selector: dict[tuple[str, str], tuple[Entry, Callable[..., Any]]] = {}
        self.invariants = Invariants(self)
        self.journal.clear()
        self.events.clear()

    @property
    def donated(self) -> int:
        """Tokens that the clearinghouse holds without having taken them, sent past its ledger [token units]."""
        return self.token.held_by(self.clearinghouse.address) - self.clearinghouse.taken_in

    def check_invariants(self) -> None:
        """Check what must hold of every state, see `Invariants`; to be called after each transaction.

        Raises
        ------
        InvariantBroken
            The first that does not hold.
        """
        self.invariants.check()

    def advance(self, seconds: int) -> None:
        """Let time pass.

        Raises
        ------
        ValueError
            A negative time.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} seconds")
        self.timestamp += seconds

    def call(self, sender: str, contract: str, function: str, args: tuple[Any, ...] = (), value: int = 0) -> Outcome:
        """Run one transaction; one that fails changes nothing.

        Parameters
        ----------
        sender : str
            Lower-case address.
        contract, function : str
            Solidity names, e.g. ``"Clearinghouse", "deposit"``; the signature of a function that is overloaded.
        args : tuple
            In ABI order: integers, booleans, lower-case ``0x`` strings, tuples for structs and arrays.
        value : int
            [wei]

        Returns
        -------
        Outcome
            What it returned or reverted with, and its events.

        Raises
        ------
        KeyError
            There is no such function.
        EncodingError
            An argument does not fit its type, so that no such transaction exists.
        """
        entry, method = self._functions[contract, function]
        entry.inputs.check(args)
        return self._run(entry, method, sender, args, value)

    def _run(self, entry: Entry, method: Callable[..., Any], sender: str, args: tuple[Any, ...], value: int) -> Outcome:
        journal, events = self.journal, self.events
        try:
            if entry.is_payable:
                returned = method(sender, value, *args)
            elif value:
                raise EmptyRevert
            else:
                returned = method(*args) if entry.is_view else method(sender, *args)
            outcome = Outcome(True, self.returns(entry, returned), None, tuple(events))
        except ProtocolError as error:
            self.undo((0, 0))
            self.touched = ()
            outcome = Outcome(False, (), error.decoded, ())
        except BaseException:
            self.undo((0, 0))
            raise
        else:
            self.touched = tuple(journal)
        journal.clear()
        events.clear()
        self.transient.clear()
        return outcome

    def contract_at(self, address: str) -> Contract | None:
        """Return the contract at an address, None where there is no code."""
        return self._at.get(Address(address))

    def message(self, sender: Address, target: str, data: bytes, value: int = 0) -> tuple[bool, bytes]:
        """Run a call that a contract makes, and take back what it changed if it reverts.

        Returns
        -------
        tuple of bool and bytes
            Whether it succeeded, and what it returned or reverted with.
        """
        contract = self.contract_at(target)
        if contract is None:
            return True, b""
        mark = self.mark()
        try:
            return True, self._dispatch(contract, sender, data, value)
        except ProtocolError as error:
            self.undo(mark)
            return False, revert_data(error)

    def _dispatch(self, contract: Contract, sender: Address, data: bytes, value: int) -> bytes:
        if not data and isinstance(contract, HostileActor):
            contract.receive(sender, value)
            return b""
        entry, method = self.entry_at(contract.name, "0x" + data[:4].hex())
        if entry is None or method is None or (value and not entry.is_payable):
            raise EmptyRevert
        try:
            args = entry.inputs.decode(data[4:])
        except DecodingError:
            raise EmptyRevert from None
        if entry.is_payable:
            returned = method(sender, value, *args)
        else:
            returned = method(*args) if entry.is_view else method(sender, *args)
        return returned if isinstance(returned, bytes) else entry.outputs.encode(self.returns(entry, returned))

    def read(self, contract: str, function: str, *args: Any) -> Any:
        """Return what a view returns: its value, or a tuple of them where there are several.

        Raises
        ------
        ProtocolError
            What it reverts with.
        """
        entry, method = self._functions[contract, function]
        if not entry.is_view:
            raise ValueError(f"{contract}.{function} is no view")
        entry.inputs.check(args)
        returned = self.returns(entry, method(*args))
        return returned[0] if len(returned) == 1 else returned

    def calldata(self, contract: str, function: str, args: tuple[Any, ...] = ()) -> str:
        """Return the calldata of a call, e.g. for ``multicall``."""
        entry, _ = self._functions[contract, function]
        entry.inputs.check(args)
        return entry.selector + entry.inputs.encode(args).hex()

    def entry_at(self, contract: str, selector: str) -> tuple[Entry | None, Callable[..., Any] | None]:
        """Return the function of a selector, None if the contract has no such function."""
        if not self._by_selector:
            self._by_selector = {
                (name, entry.selector): (entry, method) for (name, _), (entry, method) in self._functions.items()
            }
        return self._by_selector.get((contract, selector), (None, None))

    @staticmethod
    def returns(entry: Entry, returned: Any) -> tuple[Any, ...]:
        """Return what a method returned as a tuple with one item per value of the ABI."""
        count = len(entry.outputs.items)
        if count == 1:
            return (returned.as_tuple(),) if hasattr(returned, "as_tuple") else (returned,)
        return tuple(returned) if count else ()

    def mark(self) -> tuple[int, int]:
        """Return a place in the transaction to `undo` to: what a caught revert takes back."""
        return len(self.journal), len(self.events)

    def undo(self, mark: tuple[int, int]) -> None:
        """Take back what was stored and emitted since `mark`."""
        stored, emitted = mark
        for mapping, key, old in reversed(self.journal[stored:]):
            if isinstance(old, Contract):
                del mapping[key]
            else:
                mapping[key] = old
        del self.journal[stored:]
        del self.events[emitted:]
