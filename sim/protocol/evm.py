"""What the EVM and the compiler do around the protocol's arithmetic: ranges, truncation, casts, calls and rollback.

Python's integers have no bounds, so a check stands where a value can leave its Solidity type, and only there; where
none stands, the types of the operands make it impossible.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, Concatenate, Final, NamedTuple, NewType, ParamSpec, TypeVar

from sim.protocol import abi
from sim.protocol.errors import (
    Panic,
    ReentrancyGuardReentrantCall,
    SafeCastOverflowedIntDowncast,
    SafeCastOverflowedUintDowncast,
)
from sim.protocol.outcome import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.protocol.world import World

__all__ = [
    "ARITHMETIC_PANIC",
    "UINT256_MAX",
    "ZERO_ADDRESS",
    "Address",
    "Contract",
    "Entry",
    "ceil_div",
    "checked_sub",
    "external",
    "non_reentrant",
    "payable",
    "to_int96",
    "to_int104",
    "to_int128",
    "to_uint96",
    "trunc_div",
    "view",
]

Address = NewType("Address", str)
"""Twenty bytes as a lower-case ``0x`` string."""

ZERO_ADDRESS: Final = Address("0x" + "00" * 20)
ARITHMETIC_PANIC: Final = 0x11
UINT256_MAX: Final = 2**256 - 1

_INT96_MAX: Final = 2**95 - 1
_INT104_MAX: Final = 2**103 - 1
_INT128_MAX: Final = 2**127 - 1

_P = ParamSpec("_P")
_R = TypeVar("_R")
_C = TypeVar("_C", bound="Contract")
_F = TypeVar("_F", bound="Callable[..., Any]")
_K = TypeVar("_K")
_V = TypeVar("_V")


# ---- arithmetic


def trunc_div(numerator: int, denominator: int) -> int:
    """Return `numerator / denominator` towards zero, as Solidity divides signed integers."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def ceil_div(numerator: int, denominator: int) -> int:
    """Return the quotient rounded up (OpenZeppelin ``Math.sol::ceilDiv``)."""
    return -(-numerator // denominator)


def checked_sub(minuend: int, subtrahend: int) -> int:
    """Return the difference of two unsigned numbers, or panic under zero."""
    if minuend < subtrahend:
        raise Panic(ARITHMETIC_PANIC)
    return minuend - subtrahend


# ---- casts (OpenZeppelin ``SafeCast.sol``)


def to_int96(value: int) -> int:
    """Return `value` if it fits ``int96``."""
    if -_INT96_MAX - 1 <= value <= _INT96_MAX:
        return value
    raise SafeCastOverflowedIntDowncast(96, value)


def to_int104(value: int) -> int:
    """Return `value` if it fits ``int104``."""
    if -_INT104_MAX - 1 <= value <= _INT104_MAX:
        return value
    raise SafeCastOverflowedIntDowncast(104, value)


def to_int128(value: int) -> int:
    """Return `value` if it fits ``int128``."""
    if -_INT128_MAX - 1 <= value <= _INT128_MAX:
        return value
    raise SafeCastOverflowedIntDowncast(128, value)


def to_uint96(value: int) -> int:
    """Return the unsigned `value` if it fits ``uint96``."""
    if value < 1 << 96:
        return value
    raise SafeCastOverflowedUintDowncast(96, value)


# ---- contracts


class Entry(NamedTuple):
    """An external function: its ABI and how it may be called."""

    name: str
    inputs: abi.TupleType
    outputs: abi.TupleType
    is_view: bool
    is_payable: bool

    @property
    def signature(self) -> str:
        """Canonical signature, e.g. ``deposit(uint256,uint128)``."""
        return self.name + self.inputs.name

    @property
    def selector(self) -> str:
        """First four bytes of the signature's hash, as a ``0x`` string."""
        return abi.selector(self.signature)


def _entry(declaration: str, *, is_view: bool = False, is_payable: bool = False) -> Callable[[_F], _F]:
    head, _, returned = declaration.partition(" -> ")
    name, bracket, parameters = head.partition("(")
    entry = Entry(
        name,
        abi.parse_tuple(bracket + parameters),
        abi.parse_tuple(returned or "()"),
        is_view,
        is_payable,
    )

    def mark(function: _F) -> _F:
        function.__dict__["__entry__"] = entry
        return function

    return mark


def external(declaration: str) -> Callable[[_F], _F]:
    """Mark a method ``(self, sender, *args)`` as the external function ``name(types) -> (types)``."""
    return _entry(declaration)


def payable(declaration: str) -> Callable[[_F], _F]:
    """Mark a method ``(self, sender, value, *args)`` as a payable external function."""
    return _entry(declaration, is_payable=True)


def view(declaration: str) -> Callable[[_F], _F]:
    """Mark a method ``(self, *args)`` as an external view."""
    return _entry(declaration, is_view=True)


def non_reentrant(method: Callable[Concatenate[_C, _P], _R]) -> Callable[Concatenate[_C, _P], _R]:
    """Guard a method (OpenZeppelin ``ReentrancyGuardTransient.sol::nonReentrant``)."""

    @functools.wraps(method)
    def guarded(self: _C, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if self.entered:
            raise ReentrancyGuardReentrantCall
        self.entered = True
        try:
            return method(self, *args, **kwargs)
        finally:
            self.entered = False

    return guarded


class Contract:
    """A deployed contract: an address, storage written through the world's journal, and events.

    Parameters
    ----------
    world : World
        The chain it is on.
    name : str
        Its name in outcomes and in `World.call`.
    address : Address
        Where it is.

    Notes
    -----
    Objects in storage are never changed in place: whoever changes one makes a copy and stores that. So undoing a
    transaction means putting the old objects back.
    """

    def __init__(self, world: World, name: str, address: Address) -> None:
        self.world = world
        self.name = name
        self.address = address
        self.entered = False
        self.entries_by_name = self.entries()
        self._journal = world.journal
        self._events = world.events

    @classmethod
    def entries(cls) -> dict[str, Entry]:
        """Return the external functions by Solidity name, overloaded ones by signature, inherited ones too."""
        return {name: entry for name, entry, _ in cls.named()}

    @classmethod
    def named(cls) -> list[tuple[str, Entry, str]]:
        """Return each external function with its name, or its signature where it is overloaded, and its method."""
        declared = cls.declared()
        count = Counter(entry.name for entry, _ in declared)
        return [
            (entry.name if count[entry.name] == 1 else entry.signature, entry, method) for entry, method in declared
        ]

    @classmethod
    def declared(cls) -> list[tuple[Entry, str]]:
        """Return each external function with the name of its method."""
        methods = [(getattr(getattr(cls, attribute), "__entry__", None), attribute) for attribute in dir(cls)]
        return [(entry, attribute) for entry, attribute in methods if isinstance(entry, Entry)]

    def emit(self, name: str, *args: Any) -> None:
        """Log an event."""
        self._events.append(Event(self.name, name, args))

    def _put(self, mapping: dict[_K, _V], key: _K, value: _V) -> None:
        """Store `value` in a mapping."""
        self._journal.append((mapping, key, mapping.get(key, self)))
        mapping[key] = value

    def _set(self, variable: str, value: Any) -> None:
        """Store `value` in a state variable."""
        self._journal.append((self.__dict__, variable, self.__dict__[variable]))
        self.__dict__[variable] = value
