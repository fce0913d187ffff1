"""A trace as a recipe: what has to agree is said once, so that a part can change and the rest still makes sense.

Times count from the call that holds them, a Pyth update is told by its fields, what a multicall carries are calls, an
order is settled as it was committed, an executor answers with the price that was published, and a fee is what the
updates cost. Which argument is what, the ABI tells: by the user-defined type, or by the name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sim.protocol import abi
from sim.protocol.mocks.local_pyth import Price, PriceFeed, encode_update
from steelyard.evm.abi import AbiError, AbiIndex, signature
from steelyard.evm.chain import START
from steelyard.fuzz.actors import (
    AGGREGATORS,
    ANY_BUY,
    ANY_SALE,
    CONTRACTS,
    EXPONENT,
    START_PRICES,
    TOKEN,
    UINT256_MAX,
    WAD,
)
from steelyard.fuzz.pair import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from steelyard.evm.artefacts import AbiEntry, Artefacts
    from steelyard.parameters import SystemParameters

__all__ = [
    "Action",
    "Grammar",
    "Name",
    "Number",
    "Recipe",
    "decoded_update",
    "numbers",
    "renamed",
    "shortened",
    "unit_of",
    "with_numbers",
]

_UPDATE = abi.parse_tuple("((bytes32,(int64,uint64,int32,uint256),(int64,uint64,int32,uint256)),uint64)")
_SECONDS_NEAR = 10 * 365 * 86_400
"""A time that lies further away is meant as a number."""
_CALLED = ("Clearinghouse", "OrderBook", "PriceOracle", "LocalToken", "HostileActor", "Lens", *AGGREGATORS)
"""Contracts that are called from within a call."""
_MADE = ("commit", "place")
"""Functions that commit or place an order."""
_HELD = ("settle", "cancel", "trigger", "trail", "execute", "cancelPlaced")
"""Functions that name an order that was committed or placed."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What cannot change but as a whole; `is_update` where it stands for a Pyth update."""

    value: Any
    is_update: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, the simpler the nearer to `origin`; people count it in multiples of `unit`."""

    value: int
    origin: int = 0
    unit: int = 1
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """An account, a market or an address: another one can take its part, everywhere at once."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, told from the time of the call [s]."""

    offset: Number


@dataclass(frozen=True, slots=True)
class Items:
    """A struct, or a list, from which items can be dropped; an order that is committed has a `label`."""

    items: tuple[Node, ...]
    is_list: bool = False
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A Pyth update: published `age` seconds before the call, `gap` seconds after the one before it."""

    feed: Node
    price: Number
    confidence: Number
    exponent: Number
    age: Number
    gap: Number


@dataclass(frozen=True, slots=True)
class Packed:
    """Calldata of a function."""

    contract: str
    function: str
    arguments: Items


@dataclass(frozen=True, slots=True)
class Held:
    """The order that was committed under a label; where there is none, `order` itself."""

    label: int
    order: Items


@dataclass(frozen=True, slots=True)
class Quoted:
    """The price published last of a market [wad]; where there is none, `price` itself."""

    market: Node
    price: Number


@dataclass(frozen=True, slots=True)
class Fee:
    """What Pyth takes for the updates of the call [wei]."""


Node = Fixed | Number | Name | Moment | Items | Update | Packed | Held | Quoted | Fee


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a recipe."""

    sender: Name
    contract: str
    function: str
    arguments: Items
    value: Node
    wait: Number


Recipe = tuple[Action, ...]

_WADS = frozenset(("sizeDelta", "price", "acceptablePrice", "keeperFee", "leverage"))


def unit_of(contract: str, function: str, name: str) -> int:
    """Return in multiples of what people count an argument: a whole dollar, coin or turn of leverage."""
    if name in _WADS:
        return WAD
    if contract == "LocalToken" and name in ("amount", "value"):
        return TOKEN
    if contract == "Clearinghouse" and name == "amount":
        return WAD if function.startswith("transfer") else TOKEN
    return 1


# ---- what a recipe is made of


def numbers(action: Action) -> tuple[Number, ...]:
    """Return the numbers that can change, the time before the step first."""
    return (action.wait, *_numbers(action.arguments), *_numbers(action.value))


def _numbers(node: Node) -> Iterator[Number]:
    match node:
        case Number():
            yield node
        case Moment(offset):
            yield offset
        case Items(items):
            for item in items:
                yield from _numbers(item)
        case Update(_, price, confidence, exponent, age, gap):
            yield from (price, confidence, exponent, age, gap)
        case Packed(_, _, arguments):
            yield from _numbers(arguments)
        case _:
            return


def with_numbers(action: Action, values: Sequence[int]) -> Action:
    """Return the step with other numbers, in the order of `numbers`."""
    given = iter(values)
    wait = replace(action.wait, value=next(given))
    changed: Any = _with_numbers(action.arguments, given)
    return replace(action, wait=wait, arguments=changed, value=_with_numbers(action.value, given))


def _with_numbers(node: Node, values: Iterator[int]) -> Node:
    def other(number: Number) -> Number:
        return replace(number, value=next(values))

    match node:
        case Number():
            return other(node)
        case Moment(offset):
            return Moment(other(offset))
        case Items(items):
            return replace(node, items=tuple([_with_numbers(item, values) for item in items]))
        case Update(feed, price, confidence, exponent, age, gap):
            return Update(feed, *[other(number) for number in (price, confidence, exponent, age, gap)])
        case Packed(_, _, arguments):
            changed: Any = _with_numbers(arguments, values)
            return replace(node, arguments=changed)
        case _:
            return node


def renamed(action: Action, naming: Callable[[Name], Name]) -> Action:
    """Return the step with every name passed through `naming`."""
    arguments: Any = _renamed(action.arguments, naming)
    return replace(action, sender=naming(action.sender), arguments=arguments)


def _renamed(node: Node, naming: Callable[[Name], Name]) -> Node:
    changed: Any
    match node:
        case Name():
            return naming(node)
        case Items(items):
            return replace(node, items=tuple([_renamed(item, naming) for item in items]))
        case Update(feed):
            return replace(node, feed=_renamed(feed, naming))
        case Packed(_, _, arguments):
            changed = _renamed(arguments, naming)
            return replace(node, arguments=changed)
        case Held(_, order):
            changed = _renamed(order, naming)
            return replace(node, order=changed)
        case Quoted(market, price):
            return Quoted(_renamed(market, naming), price)
        case _:
            return node


def shortened(action: Action) -> Iterator[Action]:
    """Yield the step with one item less in its lists, and each call of a multicall for itself."""
    items = action.arguments.items
    lists = [number for number, item in enumerate(items) if isinstance(item, Items) and item.is_list]
    if not lists:
        return
    first = items[lists[0]]
    if isinstance(first, Items):
        for call in first.items:
            if isinstance(call, Packed) and call.contract == action.contract:
                yield replace(action, function=call.function, arguments=call.arguments)
    lengths = {len(item.items) for item in items if isinstance(item, Items) and item.is_list}
    if len(lengths) != 1:
        return
    for dropped in range(lengths.pop()):
        less = [
            replace(item, items=item.items[:dropped] + item.items[dropped + 1 :])
            if isinstance(item, Items) and item.is_list
            else item
            for item in items
        ]
        yield replace(action, arguments=Items(tuple(less)))


# ---- to and from steps


class _State:
    """What the steps so far say to the ones that follow."""

    def __init__(self, feeds: Mapping[int, str]) -> None:
        self.now = START
        self.feeds = dict(feeds)
        self.prices: dict[str, int] = {}
        self.orders: list[tuple[int, ...]] = []
        self.labels: dict[int, tuple[int, ...]] = {}
        self.updates = 0

    def note(self, step: Step) -> None:
        """Remember what a step, read or built, leaves to the ones after it."""
        args = step.args
        if step.function == "setFeed":
            self.feeds[args[0]] = args[1]
        elif step.function in _MADE:
            self.orders.append(args[0])

    def publish(self, decoded: tuple[Any, ...]) -> None:
        """Remember a price."""
        (feed, (price, _, exponent, _), _), _ = decoded
        if price > 0 and -18 <= exponent <= 0:
            self.prices[feed] = price * 10 ** (18 + exponent)

    def price(self, market: int) -> int | None:
        """Return the price of a market published last [wad]."""
        return self.prices.get(self.feeds.get(market, ""))


def decoded_update(update: Any) -> tuple[Any, ...] | None:
    """Return what an update says, None unless it says just that."""
    if not isinstance(update, str):
        return None
    try:
        decoded = _UPDATE.decode(bytes.fromhex(update[2:]))
    except (abi.DecodingError, ValueError):
        return None
    (_, price, average), _ = decoded
    if price != average or "0x" + _UPDATE.encode(decoded).hex() != update:
        return None
    return decoded


def _type_of(contract: str) -> str:
    return CONTRACTS.get(contract, contract)


class Grammar:
    """Reads steps into recipes and builds them again; what is read and built unchanged is what it was.

    Parameters
    ----------
    artefacts : Artefacts
        The contracts that are called.
    index : AbiIndex
        Of the same.
    parameters : SystemParameters
        With which they are deployed.
    """

    def __init__(self, artefacts: Artefacts, index: AbiIndex, parameters: SystemParameters) -> None:
        self._artefacts = artefacts
        self._index = index
        self._update_fee = parameters.pyth.update_fee
        self._feeds = {number: market.oracle.feed for number, market in enumerate(parameters.markets)}
        self._defaults: dict[str, tuple[int, ...]] = {"struct RiskConfig": parameters.risk.config()}
        self._origins: dict[tuple[str, str], int] = {("approve", "value"): UINT256_MAX}
        if parameters.markets:
            market = parameters.markets[0]
            self._defaults["struct MarketConfig"] = market.config()
            self._origins["setFeed", "maxAge"] = market.oracle.max_age
            self._origins["setFeed", "maxConfidence"] = market.oracle.max_confidence
            for function in ("setMarket", "listMarket"):
                self._origins[function, "maxRate"] = market.max_funding_rate
        self._functions: dict[tuple[str, str], AbiEntry] = {}

    def inputs(self, contract: str, function: str) -> list[AbiEntry]:
        """Return the parameters of a function, as the ABI has them."""
        inputs: list[AbiEntry] = self._function(contract, function)["inputs"]
        return inputs

    def outputs(self, contract: str, function: str) -> list[AbiEntry]:
        """Return what a function returns, as the ABI has it."""
        outputs: list[AbiEntry] = self._function(contract, function)["outputs"]
        return outputs

    def event(self, contract: str, name: str) -> list[AbiEntry]:
        """Return the arguments of an event, as the ABI has them."""
        for entry in self._artefacts[_type_of(contract)].abi:
            if entry["type"] == "event" and entry["name"] == name:
                inputs: list[AbiEntry] = entry["inputs"]
                return inputs
        return []

    def unpacked(self, contract: str, data: str) -> tuple[str, tuple[Any, ...]] | None:
        """Return signature and arguments of calldata, None unless they are just that."""
        raw = bytes.fromhex(data[2:])
        for function in self._index.functions(_type_of(contract)):
            if function.selector != raw[:4]:
                continue
            try:
                args = function.inputs.decode(raw[4:], 0)
                return (function.signature, args) if function.pack(args) == raw else None
            except AbiError:
                return None
        return None

    def _function(self, contract: str, function: str) -> AbiEntry:
        key = contract, function
        if key not in self._functions:
            wanted = self._index.function(_type_of(contract), function).signature
            # What the clearinghouse only passes on is named by its extension.
            declared = ("ClearinghouseExt", "Clearinghouse") if contract == "Clearinghouse" else (_type_of(contract),)
            entries = [each for name in declared for each in self._artefacts[name].abi if each["type"] == "function"]
            self._functions[key] = next(entry for entry in entries if signature(entry) == wanted)
        return self._functions[key]

    # ---- reading

    def read(self, steps: Sequence[Step]) -> Recipe:
        """Return the recipe of a trace that starts right after the deployment."""
        state = _State(self._feeds)
        actions = []
        for step in steps:
            state.now += step.wait
            actions.append(self._read_step(step, state))
            state.note(step)
        return tuple(actions)

    def _read_step(self, step: Step, state: _State) -> Action:
        state.updates = 0
        arguments = self._read_arguments(step.contract, step.function, step.args, state)
        fee = state.updates * self._update_fee
        value = Fee() if step.value == fee and state.updates else Number(step.value)
        return Action(Name("address", step.sender), step.contract, step.function, arguments, value, Number(step.wait))

    def _read_arguments(self, contract: str, function: str, args: tuple[Any, ...], state: _State) -> Items:
        specs = self.inputs(contract, function)
        return Items(
            tuple([self._read(contract, function, spec, value, state) for spec, value in zip(specs, args, strict=True)])
        )

    def _read(self, contract: str, function: str, spec: AbiEntry, value: Any, state: _State) -> Node:
        kind, name, declared = spec["type"], spec["name"], spec.get("internalType") or ""
        if kind.endswith("]"):
            item = {**spec, "type": kind.rpartition("[")[0], "internalType": declared.rpartition("[")[0]}
            items = tuple([self._read(contract, function, item, one, state) for one in value])
            return Items(items, is_list=kind.endswith("[]"))
        if kind == "tuple":
            return self._read_struct(contract, function, spec, value, state)
        if kind == "bytes":
            return self._read_bytes(contract, name, value, state)
        if declared == "AccountId":
            return Name("account", value)
        if declared == "MarketId":
            return Name("market", value)
        if kind == "address":
            return Name("address", value)
        if kind == "bool" or not isinstance(value, int):
            return Fixed(value)
        if (name.endswith(("At", "PublishTime"))) and abs(value - state.now) < _SECONDS_NEAR:
            return Moment(Number(value - state.now, is_signed=True))
        origin = self._origins.get((function, name), 0)
        return Number(value, origin, unit_of(contract, function, name), is_signed=kind.startswith("int"))

    def _read_struct(self, contract: str, function: str, spec: AbiEntry, value: Any, state: _State) -> Node:
        declared = spec.get("internalType") or ""
        parts: list[Node] = [
            self._read(contract, function, part, one, state)
            for part, one in zip(spec["components"], value, strict=True)
        ]
        fields = {part["name"]: number for number, part in enumerate(spec["components"])}
        if "acceptablePrice" in fields:
            limit = ANY_BUY if value[fields["sizeDelta"]] > 0 else ANY_SALE
            parts[fields["acceptablePrice"]] = Number(value[fields["acceptablePrice"]], limit, WAD)
        if declared == "struct Trade":
            market, price = value[fields["market"]], value[fields["price"]]
            number = Number(price, START_PRICES[market % len(START_PRICES)], WAD)
            same = state.price(market) == price
            parts[fields["price"]] = Quoted(parts[fields["market"]], number) if same else number
        defaults = self._defaults.get(declared, ())
        for at, default in enumerate(defaults):
            parts[at] = Number(value[at], default)
        if declared != "struct Order":
            return Items(tuple(parts))
        if function in _MADE:
            return Items(tuple(parts), label=len(state.orders))
        order = Items(tuple(parts))
        if function in _HELD and value in state.orders:
            return Held(len(state.orders) - 1 - state.orders[::-1].index(value), order)
        return order

    def _read_bytes(self, contract: str, name: str, value: Any, state: _State) -> Node:
        if name == "updateData":
            state.updates += 1
            return self._read_update(value, state)
        if name == "data" and isinstance(value, str):
            return self._read_call(contract, value, state)
        return Fixed(value)

    def _read_update(self, value: Any, state: _State) -> Node:
        decoded = decoded_update(value)
        if decoded is None:
            return Fixed(value, is_update=True)
        state.publish(decoded)
        (feed, (price, confidence, exponent, published), _), previous = decoded
        market = next((number for number, known in state.feeds.items() if known == feed), None)
        start = START_PRICES[(market or 0) % len(START_PRICES)] * 10**-EXPONENT // WAD
        return Update(
            Fixed(feed) if market is None else Name("market", market),
            Number(price, start, 10**-EXPONENT, is_signed=True),
            Number(confidence),
            Number(exponent, EXPONENT, is_signed=True),
            Number(state.now - published, is_signed=True),
            Number(published - previous, 1, is_signed=True),
        )

    def _read_call(self, contract: str, value: str, state: _State) -> Node:
        for called in (contract, *_CALLED):
            call = self.unpacked(called, value)
            if call is not None:
                return Packed(called, call[0], self._read_arguments(called, *call, state))
        return Fixed(value)

    # ---- building

    def build(self, recipe: Recipe) -> tuple[Step, ...]:
        """Return the steps of a recipe; what no longer fits its type raises `AbiError` or `EncodingError`."""
        state = _State(self._feeds)
        steps = []
        for action in recipe:
            state.now += action.wait.value
            state.updates = 0
            args: Any = self._build(action.contract, action.arguments, state)
            value: Any = self._build(action.contract, action.value, state)
            step = Step(action.sender.value, action.contract, action.function, args, value, action.wait.value)
            state.note(step)
            steps.append(step)
        return tuple(steps)

    def _build(self, contract: str, node: Node, state: _State) -> Any:
        match node:
            case Fixed(value, is_update):
                state.updates += is_update
                return value
            case Name(_, value):
                return value
            case Number(value):
                return value
            case Moment(offset):
                return state.now + offset.value
            case Items(items, _, label):
                built = tuple([self._build(contract, item, state) for item in items])
                if label is not None:
                    state.labels[label] = built
                return built
            case Update():
                return self._build_update(node, state)
            case Packed(called, function, arguments):
                args = self._build(called, arguments, state)
                return "0x" + self._index.function(_type_of(called), function).pack(args).hex()
            case Held(label, order):
                return state.labels.get(label) or self._build(contract, order, state)
            case Quoted(market, price):
                published = state.price(self._build(contract, market, state))
                return price.value if published is None else published
            case Fee():
                return state.updates * self._update_fee

    def _build_update(self, update: Update, state: _State) -> str:
        state.updates += 1
        feed = update.feed
        known = state.feeds.get(feed.value) if isinstance(feed, Name) else None
        published = state.now - update.age.value
        price = Price(update.price.value, update.confidence.value, update.exponent.value, published)
        told = known or (feed.value if isinstance(feed, Fixed) else "0x" + "00" * 32)
        previous = published - update.gap.value
        state.publish(((told, price, price), previous))
        return encode_update(PriceFeed(told, price, price), previous)
