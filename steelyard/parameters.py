"""Parameters of a deployment: human units in a YAML file, exact integers in the units of `contracts/types` here.

A file says `4%` or `0.001`; a record holds the integer that the contract stores. What a storage unit cannot hold
exactly is refused, never rounded: whoever reads the file knows what runs. Scalars are read as text and pass through
`Decimal`, so that no binary float comes near them.

Exceptions
----------
ParameterError
    ├── ParameterFileMissing
    ├── ParameterMissing
    ├── ParameterUnknown
    ├── ParameterDuplicate
    ├── ParameterMalformed
    ├── ParameterInexact
    └── ParameterOutOfRange
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import yaml

from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "LOCAL",
    "GuardParameters",
    "HolderParameters",
    "MarketParameters",
    "NetworkParameters",
    "OracleParameters",
    "OrderParameters",
    "ParameterDuplicate",
    "ParameterError",
    "ParameterFileMissing",
    "ParameterInexact",
    "ParameterMalformed",
    "ParameterMissing",
    "ParameterOutOfRange",
    "ParameterUnknown",
    "PortfolioParameters",
    "PythParameters",
    "RiskParameters",
    "RoleParameters",
    "SequencerParameters",
    "SystemParameters",
    "VaultParameters",
    "load",
    "parse",
]

LOCAL = ROOT / "parameters" / "local.yaml"
"""The parameters of a local chain."""

_EXACT = Context(prec=80, traps=[InvalidOperation, Inexact])
_PERCENT = Decimal("0.01")
_HEX_WORD = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


class ParameterError(ValueError):
    """A parameter file is not usable; the message starts with the path of the entry."""


class ParameterFileMissing(ParameterError):
    """There is no such file of parameters, or it cannot be read."""

    def __init__(self, path: Path, reason: OSError) -> None:
        super().__init__(f"{path}: {reason.strerror or reason}")


class ParameterMissing(ParameterError):
    """An entry is not there."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: missing")


class ParameterUnknown(ParameterError):
    """An entry that nothing reads, a slip of the pen more often than not."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: unknown")


class ParameterDuplicate(ParameterError):
    """An entry is there twice."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: given twice")


class ParameterMalformed(ParameterError):
    """An entry is not of the form that is expected."""

    def __init__(self, path: str, value: object, expected: str) -> None:
        super().__init__(f"{path}: {value!r} is not {expected}")


class ParameterInexact(ParameterError):
    """A number falls between two multiples of its storage unit."""

    def __init__(self, path: str, value: str, unit: Decimal) -> None:
        super().__init__(f"{path}: {value} is not a multiple of {unit}")


class ParameterOutOfRange(ParameterError):
    """A number does not fit its storage type."""

    def __init__(self, path: str, value: str, minimum: Decimal, maximum: Decimal) -> None:
        super().__init__(f"{path}: {value} is outside {minimum} .. {maximum}")


_Read = Callable[[str, object], Any]


def _number(unit: str, bits: int, *, signed: bool = False) -> dict[str, _Read]:
    """Metadata of a number that is stored as a multiple of `unit` in `bits` bits."""
    size = Decimal(unit)
    limit = (1 << bits - signed) - 1
    least = -limit if signed else 0

    def read(path: str, value: object) -> int:
        if not isinstance(value, str):
            raise ParameterMalformed(path, value, "a number")
        text = value.strip()
        try:
            number = Decimal(text.removesuffix("%"))
            if not number.is_finite():
                raise InvalidOperation
            if text.endswith("%"):
                number = _EXACT.multiply(number, _PERCENT)
            multiple = _EXACT.divide(number, size)
        except Inexact:
            raise ParameterInexact(path, text, size) from None
        except InvalidOperation:
            raise ParameterMalformed(path, value, "a number") from None
        if multiple != multiple.to_integral_value():
            raise ParameterInexact(path, text, size)
        if not least <= multiple <= limit:
            raise ParameterOutOfRange(path, text, least * size, limit * size)
        return int(multiple)

    return {"read": read}


def _numbers(unit: str, bits: int, count: int) -> dict[str, _Read]:
    """Metadata of a list of `count` signed numbers."""
    read_one = _number(unit, bits, signed=True)["read"]

    def read(path: str, value: object) -> tuple[int, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise ParameterMalformed(path, value, f"a list of {count} numbers")
        return tuple(read_one(f"{path}[{number}]", entry) for number, entry in enumerate(value))

    return {"read": read}


def _read_text(path: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ParameterMalformed(path, value, "a name")
    return value


def _read_word(path: str, value: object) -> str:
    if not isinstance(value, str) or not _HEX_WORD.fullmatch(value.lower()):
        raise ParameterMalformed(path, value, "0x and 64 hexadecimal digits")
    return value.lower()


def _read_address(path: str, value: object) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.lower()) or int(value, 16) == 0:
        raise ParameterMalformed(path, value, "an address: 0x and 40 hexadecimal digits, not all zero")
    return value.lower()


def _read_chain_ids(path: str, value: object) -> tuple[int, ...]:
    read = _number("1", 64)["read"]
    if not isinstance(value, list):
        raise ParameterMalformed(path, value, "a list of chain ids")
    return tuple(read(f"{path}[{number}]", entry) for number, entry in enumerate(value))


class _Record(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_R = TypeVar("_R", bound=_Record)


def _read_record(kind: type[_R]) -> Callable[[str, object], _R]:
    def read(path: str, value: object) -> _R:
        if not isinstance(value, Mapping):
            raise ParameterMalformed(path, value, "a mapping")
        entries = {entry.name: entry for entry in fields(kind)}
        for name in value:
            if name not in entries:
                raise ParameterUnknown(_join(path, name))
        arguments: dict[str, Any] = {}
        for name, entry in entries.items():
            if name in value:
                arguments[name] = entry.metadata["read"](_join(path, name), value[name])
            elif entry.default is MISSING:
                raise ParameterMissing(_join(path, name))
        return kind(**arguments)

    return read


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _record(kind: type[_Record]) -> dict[str, _Read]:
    return {"read": _read_record(kind)}


@dataclass(frozen=True, slots=True)
class GuardParameters:
    """The Chainlink aggregator that confirms a market's prices, arguments of `PriceOracle.sol::setGuard`.

    Attributes
    ----------
    aggregator : str
        Its address, in lower case.
    max_age : int
        Oldest answer that may be used [s].
    max_deviation : int
        Of a price from the answer [1e-4 of the answer].
    """

    aggregator: str = field(metadata={"read": _read_address})
    max_age: int = field(metadata=_number("1", 32))
    max_deviation: int = field(metadata=_number("1e-4", 16))


@dataclass(frozen=True, slots=True)
class SequencerParameters:
    """The uptime feed of an L2's sequencer, arguments of `PriceOracle.sol::setSequencer`.

    Attributes
    ----------
    feed : str
        Address of the feed, in lower case.
    grace_period : int
        For which the sequencer must have been up [s].
    """

    feed: str = field(metadata={"read": _read_address})
    grace_period: int = field(metadata=_number("1", 32))


@dataclass(frozen=True, slots=True)
class OracleParameters:
    """Feed, limits and guard of one market, arguments of `PriceOracle.sol::setFeed`.

    Attributes
    ----------
    feed : str
        Pyth's feed id, lower-case hexadecimal.
    max_age : int
        Oldest price that may be used [s].
    max_confidence : int
        Widest half confidence interval that may be used [1e-4 of price].
    guard : GuardParameters or None
        What confirms its prices, None where they need no confirmation.
    """

    feed: str = field(metadata={"read": _read_word})
    max_age: int = field(metadata=_number("1", 16))
    max_confidence: int = field(metadata=_number("1e-4", 16))
    guard: GuardParameters | None = field(default=None, metadata=_record(GuardParameters))


@dataclass(frozen=True, slots=True)
class PortfolioParameters:
    """How one market nets with others: `types/Market.sol::PortfolioConfig`, all in 1e-4 of the market's own margin.

    Attributes
    ----------
    hedgeable : int
        What offsetting positions may save at most.
    loadings : tuple of int
        On three common factors.
    shocks : tuple of int
        Price moves in eight joint scenarios.
    """

    hedgeable: int = field(metadata=_number("1e-4", 16))
    loadings: tuple[int, ...] = field(metadata=_numbers("1e-4", 16, 3))
    shocks: tuple[int, ...] = field(metadata=_numbers("1e-4", 16, 8))

    def config(self) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """Return `PortfolioConfig` in the order of its fields."""
        return self.hedgeable, self.loadings, self.shocks


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """One market: `types/Market.sol::MarketConfig`, the bound on its funding rate, and its feed.

    Attributes
    ----------
    symbol : str
        Name of the base asset.
    skew_scale : int
        Skew at which the price moves by all of itself [1e-9 base].
    max_open_interest : int
        Cap on each side [1e-4 of skew_scale].
    min_size : int
        Smallest position [1e-9 base].
    max_funding_velocity : int
        Velocity of the funding rate at full skew [1e-18 per second squared].
    max_funding_rate : int
        Bound on the funding rate [1e-4 per day].
    taker_fee, maker_fee : int
        Fee on what grows and on what shrinks the skew [1e-6 of notional].
    margin_ratio : int
        Initial margin [1e-4 of notional].
    maintenance_fraction : int
        Maintenance margin [1e-4 of initial margin].
    concentration : int
        What the margin ratio grows by at a size of `skew_scale` [1e-4 of itself].
    volatility_multiple : int
        Least initial margin in daily standard deviations [1e-2].
    insurance_cap : int
        What bad debt may take from the insurance fund per day [quote].
    portfolio : PortfolioParameters
        How the market nets with others in portfolio mode.
    oracle : OracleParameters
        Feed and limits.
    """

    symbol: str = field(metadata={"read": _read_text})
    skew_scale: int = field(metadata=_number("1e-9", 64))
    max_open_interest: int = field(metadata=_number("1e-4", 16))
    min_size: int = field(metadata=_number("1e-9", 48))
    max_funding_velocity: int = field(metadata=_number("1e-18", 32))
    max_funding_rate: int = field(metadata=_number("1e-4", 16))
    taker_fee: int = field(metadata=_number("1e-6", 16))
    maker_fee: int = field(metadata=_number("1e-6", 16))
    margin_ratio: int = field(metadata=_number("1e-4", 16))
    maintenance_fraction: int = field(metadata=_number("1e-4", 16))
    concentration: int = field(metadata=_number("1e-4", 16))
    volatility_multiple: int = field(metadata=_number("1e-2", 16))
    insurance_cap: int = field(metadata=_number("1", 64))
    portfolio: PortfolioParameters = field(metadata=_record(PortfolioParameters))
    oracle: OracleParameters = field(metadata=_record(OracleParameters))

    def config(self) -> tuple[int, ...]:
        """Return `MarketConfig` in the order of its fields."""
        return (
            self.skew_scale,
            self.max_open_interest,
            self.min_size,
            self.max_funding_velocity,
            self.taker_fee,
            self.maker_fee,
            self.margin_ratio,
            self.maintenance_fraction,
            self.concentration,
            self.volatility_multiple,
        )


@dataclass(frozen=True, slots=True)
class RiskParameters:
    """Liquidations, floors and the fee split: `types/Ledger.sol::RiskConfig`.

    Attributes
    ----------
    min_reward : int
        Least reward of a liquidator, and floor of maintenance margin [1e-2 quote].
    min_initial_margin : int
        Floor of initial margin [1e-2 quote].
    max_reward : int
        Largest reward of a liquidator [1e-2 quote].
    reward_ratio, penalty_ratio : int
        Reward and penalty [1e-6 of the notional closed].
    target_health : int
        Equity over maintenance margin after a partial liquidation [1e-4].
    treasury_threshold : int
        Insurance balance above which the treasury collects [quote].
    pool_fee_share : int
        Part of each fee that the pool gets [1e-4].
    """

    min_reward: int = field(metadata=_number("1e-2", 16))
    min_initial_margin: int = field(metadata=_number("1e-2", 16))
    max_reward: int = field(metadata=_number("1e-2", 32))
    reward_ratio: int = field(metadata=_number("1e-6", 16))
    penalty_ratio: int = field(metadata=_number("1e-6", 16))
    target_health: int = field(metadata=_number("1e-4", 16))
    treasury_threshold: int = field(metadata=_number("1", 64))
    pool_fee_share: int = field(metadata=_number("1e-4", 16))

    def config(self) -> tuple[int, int, int, int, int, int, int, int]:
        """Return `RiskConfig` in the order of its fields."""
        return (
            self.min_reward,
            self.min_initial_margin,
            self.max_reward,
            self.reward_ratio,
            self.penalty_ratio,
            self.target_health,
            self.treasury_threshold,
            self.pool_fee_share,
        )


@dataclass(frozen=True, slots=True)
class PythParameters:
    """The local stand-in of the Pyth contract, arguments of `LocalPyth.sol`.

    Attributes
    ----------
    valid_time : int
        Age after which its own `getPrice` refuses [s].
    update_fee : int
        Fee per update [wei].
    """

    valid_time: int = field(metadata=_number("1", 64))
    update_fee: int = field(metadata=_number("1", 128))


@dataclass(frozen=True, slots=True)
class OrderParameters:
    """Times of the order book, arguments of `OrderBook.sol`.

    Attributes
    ----------
    min_delay : int
        From commit to the earliest settlement price [s].
    window : int
        In which the price must be published and the order settled [s].
    """

    min_delay: int = field(metadata=_number("1", 64))
    window: int = field(metadata=_number("1", 64))


@dataclass(frozen=True, slots=True)
class VaultParameters:
    """Times of the liquidity vault, arguments of `LiquidityVault.sol`.

    Attributes
    ----------
    settle_delay : int
        From a request to the prices that settle it, at least [s].
    max_price_age : int
        Of a price that settles anything [s].
    cancel_delay : int
        From a request to where it can be cancelled [s].
    """

    settle_delay: int = field(metadata=_number("1", 40))
    max_price_age: int = field(metadata=_number("1", 40))
    cancel_delay: int = field(metadata=_number("1", 40))


@dataclass(frozen=True, slots=True)
class HolderParameters:
    """Who holds a role.

    Attributes
    ----------
    holder : str
        Address, in lower case.
    delay : int
        From scheduling a call to its execution [s].
    """

    holder: str = field(metadata={"read": _read_address})
    delay: int = field(default=0, metadata=_number("1", 32))


@dataclass(frozen=True, slots=True)
class RoleParameters:
    """Holders of the roles of `steelyard/roles.py`; None leaves a role with whoever deploys."""

    admin: HolderParameters | None = field(default=None, metadata=_record(HolderParameters))
    guardian: HolderParameters | None = field(default=None, metadata=_record(HolderParameters))
    steward: HolderParameters | None = field(default=None, metadata=_record(HolderParameters))


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """Where the system may be deployed, and what it finds there.

    Attributes
    ----------
    chain_ids : tuple of int
        The only chains on which these parameters may be deployed.
    token, pyth : str or None
        Addresses of the settlement token and of Pyth; None on a local chain, which gets stand-ins.
    treasury : str or None
        Owner of the account that collects the insurance fund's surplus; None for whoever deploys.
    sequencer : SequencerParameters or None
        Of an L2, asked about guarded markets; None where there is none.
    roles : RoleParameters
        Holders of the roles.
    """

    chain_ids: tuple[int, ...] = field(default=(), metadata={"read": _read_chain_ids})
    token: str | None = field(default=None, metadata={"read": _read_address})
    pyth: str | None = field(default=None, metadata={"read": _read_address})
    treasury: str | None = field(default=None, metadata={"read": _read_address})
    sequencer: SequencerParameters | None = field(default=None, metadata=_record(SequencerParameters))
    roles: RoleParameters = field(default=RoleParameters(), metadata=_record(RoleParameters))


def _read_markets(path: str, value: object) -> tuple[MarketParameters, ...]:
    if not isinstance(value, list):
        raise ParameterMalformed(path, value, "a list of markets")
    read = _read_record(MarketParameters)
    markets = tuple(read(f"{path}[{number}]", entry) for number, entry in enumerate(value))
    seen: set[str] = set()
    for number, market in enumerate(markets):
        for name, key in (("symbol", market.symbol), ("oracle.feed", market.oracle.feed)):
            if key in seen:
                raise ParameterDuplicate(f"{path}[{number}].{name} {key}")
            seen.add(key)
    return markets


@dataclass(frozen=True, slots=True)
class SystemParameters:
    """All that a deployment is told.

    Attributes
    ----------
    pyth : PythParameters
        Of the local Pyth, where there is no real one.
    orders : OrderParameters
        Of the order book.
    vault : VaultParameters
        Of the liquidity vault.
    risk : RiskParameters
        Of the clearinghouse.
    markets : tuple of MarketParameters
        In the order in which they are listed: the position is the market's id.
    network : NetworkParameters
        Chains, addresses and holders of roles.
    """

    pyth: PythParameters = field(metadata=_record(PythParameters))
    orders: OrderParameters = field(metadata=_record(OrderParameters))
    vault: VaultParameters = field(metadata=_record(VaultParameters))
    risk: RiskParameters = field(metadata=_record(RiskParameters))
    markets: tuple[MarketParameters, ...] = field(metadata={"read": _read_markets})
    network: NetworkParameters = field(default=NetworkParameters(), metadata=_record(NetworkParameters))


class _Loader(yaml.BaseLoader):
    """Every scalar stays text; a key that is there twice is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise ParameterDuplicate(f"line {key.start_mark.line + 1}: {key.value}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse(text: str) -> SystemParameters:
    """Read parameters from the text of a YAML file.

    Raises
    ------
    ParameterError
        An entry is missing, unknown, there twice, malformed, or not exactly what a contract can store.
    """
    try:
        # Scalars only, as text: `_Loader` extends the loader that builds nothing else.
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ParameterError(f"not YAML: {error}") from error
    return _read_record(SystemParameters)("", document)


def load(path: Path = LOCAL) -> SystemParameters:
    """Read parameters from a YAML file; raises what `parse` raises, and `ParameterFileMissing` where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ParameterFileMissing(path, error) from error
    return parse(text)
