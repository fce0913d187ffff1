"""A trace as a story: who does what to which account, in dollars and coins to the last digit, and what differs then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.protocol import Outcome
from sim.protocol.mocks.hostile_token import Trick
from steelyard.evm.chain import START
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY
from steelyard.fuzz.actors import (
    ALICE,
    ANY_BUY,
    ANY_SALE,
    BOB,
    CAROL,
    INSURANCE,
    KIM,
    MALLORY,
    OSCAR,
    POOL,
    TOKEN,
    UINT256_MAX,
    WAD,
    owner_of,
)
from steelyard.fuzz.order_story import OrderTeller
from steelyard.fuzz.recipe import decoded_update, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from steelyard.evm.artefacts import AbiEntry
    from steelyard.fuzz.pair import Mismatch, Step
    from steelyard.fuzz.recipe import Grammar
    from steelyard.parameters import SystemParameters

__all__ = ["ACTORS", "Teller", "decimal", "differences", "duration"]

ACTORS = {
    ALICE: "alice",
    BOB: "bob",
    CAROL: "carol",
    KIM: "kim",
    OSCAR: "oscar",
    MALLORY: "mallory",
    ADMIN: "the admin",
    GUARDIAN: "the guardian",
    LIQUIDITY: "the liquidity provider",
    STEWARD: "the steward",
    TREASURY: "the treasury",
}
"""Names by address. Kim is the keeper, Oscar operates for others, Mallory is a contract."""

_SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_MODES = {0: "cross", 1: "isolated"}
_PERMISSIONS = {1: "trade", 2: "move margin", 4: "withdraw"}


def decimal(value: int, unit: int) -> str:
    """Return `value / unit` exactly, for instance `1,000.000001`; `unit` is a power of ten."""
    whole, rest = divmod(abs(value), unit)
    digits = len(str(unit)) - 1
    tail = f"{rest:0{digits}d}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}{whole:,}{'.' + tail if tail else ''}"


def duration(seconds: int) -> str:
    """Return a time in words, exactly, for instance `2 hours 1 second`."""
    words = []
    left = abs(seconds)
    for name, length in _SPANS:
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(words) or "0 seconds"


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _named(specs: Iterable[AbiEntry], values: Iterable[Any]) -> dict[str, Any]:
    """Return values by the names that the ABI gives them; structs as mappings."""
    named = {}
    for number, (spec, value) in enumerate(zip(specs, values, strict=True)):
        name = spec["name"] or str(number)
        named[name] = _named(spec["components"], value) if spec["type"] == "tuple" else value
    return named


class Teller:
    """Tells steps in words.

    Parameters
    ----------
    grammar : Grammar
        Knows the names of arguments.
    parameters : SystemParameters
        Knows the names of markets.
    addresses : mapping of str to str
        Of the contracts, by name.
    """

    def __init__(self, grammar: Grammar, parameters: SystemParameters, addresses: Mapping[str, str]) -> None:
        self._grammar = grammar
        self._symbols = [market.symbol for market in parameters.markets]
        self._feeds = {market.oracle.feed: market.symbol for market in parameters.markets}
        self._contracts = {address: name for name, address in addresses.items()}
        self._now = START
        self._traded: set[tuple[int, int]] = set()
        self._tellers: dict[str, Callable[[str, dict[str, Any]], str]] = {
            "Clearinghouse.accrue": lambda who, a: f"{who} accrues the funding of {self.market(a['id'])}",
            "Clearinghouse.closeRemnant": lambda who, a: (
                f"{who} closes what is left of {self.account(a['id'])} in {self.market(a['market'])}"
            ),
            "Clearinghouse.collectTreasury": lambda who, _: f"{who} collects the surplus for the treasury",
            "Clearinghouse.deposit": self._deposit,
            "Clearinghouse.fundInsurance": lambda who, a: f"{who} gives the insurance fund {self._usd(a['amount'])}",
            "Clearinghouse.fundPool": lambda who, a: f"{who} gives the pool {self._usd(a['amount'])}",
            "Clearinghouse.liquidate": self._liquidate,
            "Clearinghouse.movePosition": self._move_position,
            "Clearinghouse.pauseRisk": lambda who, _: f"{who} pauses risk",
            "Clearinghouse.setExecutor": self._set_executor,
            "Clearinghouse.setInsuranceCap": self._set_insurance_cap,
            "Clearinghouse.setLeverage": self._set_leverage,
            "Clearinghouse.setMarginMode": self._set_mode,
            "Clearinghouse.setOperator": self._set_operator,
            "Clearinghouse.trade": self._trade,
            "Clearinghouse.transfer": self._transfer,
            "Clearinghouse.unpauseRisk": lambda who, _: f"{who} ends the pause",
            "Clearinghouse.withdraw": self._withdraw,
            "HostileActor.act": lambda who, a: f"{who} lets mallory {self._inner(a['calls'], a['isStrict'])}",
            "HostileActor.setAnswer": self._set_answer,
            "LocalToken.approve": self._approve,
            "LocalToken.arm": self._arm,
            "LocalToken.mint": lambda _, a: f"{self.actor(a['account'])} is given {self._usd(a['amount'])}",
            "LocalWallet.setApproval": self._approve_hash,
            "PriceOracle.parseFirst": self._parse_first,
            "PriceOracle.update": lambda who, a: f"{who} publishes {self.updates(a['updateData'])}",
            **OrderTeller(self).tellers,
        }

    # ---- names

    def actor(self, address: str) -> str:
        """Return the name of an address."""
        name = ACTORS.get(address) or self._contracts.get(address)
        return name or ("nobody" if int(address, 16) == 0 else address)

    def account(self, account: int) -> str:
        """Return the name of an account, for instance `alice/0`."""
        if account == POOL:
            return "the pool"
        if account == INSURANCE:
            return "the insurance fund"
        if account >> 96 == 0:
            return f"the reserved account {account}"
        return f"{self.actor(owner_of(account))}/{account & (1 << 96) - 1}"

    def market(self, market: int) -> str:
        """Return the name of a market."""
        return self._symbols[market] if market < len(self._symbols) else f"market {market}"

    @staticmethod
    def coins(amount: int) -> str:
        """Return an amount or a price [wad]."""
        return decimal(amount, WAD)

    @staticmethod
    def duration(seconds: int) -> str:
        """Return a time in words."""
        return duration(seconds)

    @staticmethod
    def joined(words: Sequence[str]) -> str:
        """Return an enumeration."""
        return _joined(words)

    def inner(self, contract: str, data: str) -> str:
        """Tell a call that another one makes."""
        call = self._grammar.unpacked(contract, data)
        return self._call("", contract, *call).strip() if call else f"calls {data}"

    @staticmethod
    def _usd(amount: int, unit: int = TOKEN) -> str:
        return f"{decimal(amount, unit)} USD"

    def when(self, timestamp: int) -> str:
        """Return a time [s] from now, in words."""
        if timestamp == self._now:
            return "now"
        if abs(timestamp - self._now) > 10 * 365 * 86_400:
            return f"the time {timestamp}"
        return f"{duration(timestamp - self._now)} {'from now' if timestamp > self._now else 'ago'}"

    # ---- steps

    def tell(self, steps: Sequence[Step]) -> list[str]:
        """Return a sentence for each step."""
        self._now = START
        self._traded.clear()
        return [self._tell(step) for step in steps]

    def _tell(self, step: Step) -> str:
        self._now += step.wait
        told = self._call(self.actor(step.sender), step.contract, step.function, step.args)
        return f"{duration(step.wait)} later, {told}" if step.wait else told

    def _call(self, who: str, contract: str, function: str, args: tuple[Any, ...]) -> str:
        name = f"{contract}.{function.partition('(')[0]}"
        arguments = _named(self._grammar.inputs(contract, function), args)
        if name == "Clearinghouse.multicall":
            return self._multicall(who, contract, arguments["data"])
        teller = self._tellers.get(name)
        if teller is not None:
            return teller(who, arguments)
        return f"{who} calls {name}({self._plain(self._grammar.inputs(contract, function), args, contract, function)})"

    def _plain(self, specs: Sequence[AbiEntry], values: Sequence[Any], contract: str, function: str) -> str:
        return ", ".join(
            f"{spec['name']}: {self._value(spec, value, contract, function)}"
            for spec, value in zip(specs, values, strict=True)
        )

    def _value(self, spec: AbiEntry, value: Any, contract: str, function: str) -> str:
        kind, declared = spec["type"], spec.get("internalType") or ""
        if kind.endswith("]"):
            item = {**spec, "type": kind.rpartition("[")[0], "internalType": declared.rpartition("[")[0]}
            return "[" + ", ".join(self._value(item, one, contract, function) for one in value) + "]"
        if kind == "tuple":
            return "(" + self._plain(spec["components"], value, contract, function) + ")"
        if declared == "AccountId":
            return self.account(value)
        if declared == "MarketId":
            return self.market(value)
        if kind == "address":
            return self.actor(value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return decimal(value, unit_of(contract, function, spec["name"])) if isinstance(value, int) else str(value)

    def _multicall(self, who: str, contract: str, data: Sequence[str]) -> str:
        told = [self.inner(contract, one) for one in data]
        return f"{who} in one call {_joined(told)}" if told else f"{who} makes a multicall of nothing"

    def _inner(self, calls: Sequence[tuple[str, int, str]], is_strict: bool) -> str:
        """Tell what a contract does in one transaction."""
        told = [self._inner_call(target, data) for target, _, data in calls]
        return (_joined(told) or "do nothing") + (", all or nothing" if is_strict and len(told) > 1 else "")

    def _inner_call(self, target: str, data: str) -> str:
        contract = self._contracts.get(target, "")
        call = self._grammar.unpacked(contract, data) if contract else None
        if call is not None:
            return self._call("", contract, *call).strip()
        return f"call {self.actor(target)}" + ("" if data == "0x" else f" with the bytes {data}")

    def _set_answer(self, _: str, a: dict[str, Any]) -> str:
        return f"whoever calls mallory makes her {self._inner(a['calls'], a['isStrict'])}"

    def _arm(self, who: str, a: dict[str, Any]) -> str:
        trick, is_strict, target, amount, data = a["plan_"].values()
        within = f"calls back, {self._inner_call(target, data)}{', or else reverts' if is_strict else ''}"
        will = {
            Trick.NONE: "is honest",
            Trick.CALL_FIRST: f"first {within}",
            Trick.CALL_AFTER: f"then {within}",
            Trick.KEEP_PART: f"keeps {self._usd(amount)}",
            Trick.TAKE_MORE: f"moves {self._usd(amount)} more",
            Trick.RETURN: f"returns the bytes {data}",
            Trick.REFUSE: f"reverts with the bytes {data}",
            Trick.HALT: "burns all gas",
            Trick.LIE: f"then lies about {self.actor(target)} by {amount}",
        }.get(trick, f"plays trick {trick}")
        return f"{who} arms the token: moved by a contract, it {will}"

    def _deposit(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} deposits {self._usd(a['amount'])} to {self.account(a['id'])}"

    def _withdraw(self, who: str, a: dict[str, Any]) -> str:
        recipient = self.actor(a["recipient"])
        to = "" if recipient == who else f", for {recipient}"
        return f"{who} withdraws {self._usd(a['amount'])} from {self.account(a['id'])}{to}"

    def _transfer(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} moves {self._usd(a['amount'], WAD)} from {self.account(a['from'])} to {self.account(a['to'])}"

    def _set_mode(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} sets {self.account(a['id'])} to {_MODES.get(a['mode'], a['mode'])} margin"

    def _set_leverage(self, who: str, a: dict[str, Any]) -> str:
        leverage, funded = decimal(a["leverage"], WAD), self.account(a["fundedBy"])
        return f"{who} sets the leverage of {self.account(a['id'])} to {leverage}, funded by {funded}"

    def _move_position(self, who: str, a: dict[str, Any]) -> str:
        what = f"up to {decimal(a['size'], WAD)} {self.market(a['market'])}"
        return f"{who} moves {what} from {self.account(a['from'])} to {self.account(a['to'])}"

    def _set_operator(self, who: str, a: dict[str, Any]) -> str:
        may = [word for flag, word in _PERMISSIONS.items() if a["flags"] & flag] or ["do nothing"]
        more = f" (flags {a['flags']})" if a["flags"] >> 3 else ""
        return f"{who} lets {self.actor(a['operator'])} {_joined(may)}{more} until {self.when(a['expiresAt'])}"

    def _set_executor(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} {'makes' if a['allowed'] else 'no longer has'} {self.actor(a['executor'])} an executor"

    def _set_insurance_cap(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} lets bad debt in {self.market(a['id'])} take {a['cap']} USD a day from the insurance fund"

    def _liquidate(self, who: str, a: dict[str, Any]) -> str:
        liquidator = self.account(a["liquidator"])
        rewarded = "" if liquidator == f"{who}/0" else f", the reward going to {liquidator}"
        return f"{who} liquidates {self.account(a['id'])}{rewarded}"

    def _approve_hash(self, who: str, a: dict[str, Any]) -> str:
        return f"{who} lets the wallet {'sign' if a['approved'] else 'no longer sign'} {a['hash']}"

    def _approve(self, who: str, a: dict[str, Any]) -> str:
        amount = "any amount" if a["value"] == UINT256_MAX else self._usd(a["value"])
        return f"{who} approves {self.actor(a['spender'])} for {amount}"

    @staticmethod
    def limit(size: int, price: int) -> str:
        """Tell the worst price that an order accepts [wad], if it minds any."""
        if price == (ANY_BUY if size > 0 else ANY_SALE):
            return ""
        return f", at {'most' if size > 0 else 'least'} {decimal(price, WAD)}"

    def _trade(self, who: str, a: dict[str, Any]) -> str:
        o = a["order"]
        size, key = o["sizeDelta"], (o["account"], o["market"])
        verb = ("buys" if size > 0 else "sells") if key in self._traded else f"goes {'long' if size > 0 else 'short'}"
        self._traded.add(key)
        amount = f"{decimal(abs(size), WAD)} {self.market(o['market'])} at {decimal(o['price'], WAD)}"
        fee = f", paying {self.account(o['keeper'])} {self._usd(o['keeperFee'], WAD)}" if o["keeperFee"] else ""
        by = "" if who in ("", "kim") else f" through {who}"
        return f"{self.account(o['account'])} {verb} {amount}{by}{self.limit(size, o['acceptablePrice'])}{fee}"

    def _parse_first(self, who: str, a: dict[str, Any]) -> str:
        first, last = self.when(a["minPublishTime"]), self.when(a["maxPublishTime"])
        told = self.updates(a["updateData"])
        return f"{who} proves the first price of {self.market(a['market'])} from {first} to {last} with {told}"

    def updates(self, updates: Sequence[str]) -> str:
        """Tell prices."""
        return _joined([self._update(update) for update in updates]) or "no price"

    def _update(self, update: str) -> str:
        decoded = decoded_update(update)
        if decoded is None:
            return f"the bytes {update}"
        (feed, (price, confidence, exponent, published), _), previous = decoded
        scale = 10 ** max(0, -exponent)
        value = decimal(price * 10 ** max(0, exponent), scale)
        wide = f" ± {decimal(confidence * 10 ** max(0, exponent), scale)}" if confidence else ""
        when = "" if published == self._now else f" as of {self.when(published)}"
        gap = published - previous
        after = "" if gap == 1 else f", the price before being of {self.when(previous)}"
        return f"{self._feeds.get(feed, f'feed {feed}')} at {value}{wide}{when}{after}"


# ---- what differs


def differences(grammar: Grammar, mismatch: Mismatch, contract: str, function: str) -> list[str]:
    """Return what differs between model and contracts, a line for each value."""
    model, chain = mismatch.model, mismatch.chain
    if not (isinstance(model, Outcome) and isinstance(chain, Outcome)):
        return [f"{mismatch.what.rpartition(chr(10))[2]}: {model} on the model, {chain} on the contracts"]
    if model.ok != chain.ok or not model.ok:
        return [f"on the model it {_ending(model)}, on the contracts it {_ending(chain)}"]
    outputs = grammar.outputs(contract, function)
    lines = list(_unequal(outputs, model.returns, chain.returns, "returned"))
    names = [[f"{event.contract}.{event.name}" for event in side.events] for side in (model, chain)]
    if names[0] != names[1]:
        lines.append(
            f"the model emits {', '.join(names[0]) or 'nothing'}, the contracts {', '.join(names[1]) or 'nothing'}"
        )
        return lines
    for mine, theirs in zip(model.events, chain.events, strict=True):
        lines.extend(_unequal(grammar.event(mine.contract, mine.name), mine.args, theirs.args, mine.name))
    return lines or [str(mismatch)]


def _ending(outcome: Outcome) -> str:
    if outcome.error is None:
        return "succeeds"
    arguments = ", ".join(str(argument) for argument in outcome.error.args)
    return f"reverts with {outcome.error.name}({arguments})" if outcome.error.name else "reverts without data"


def _unequal(specs: Sequence[AbiEntry], model: Any, chain: Any, path: str) -> Iterable[str]:
    if len(model) != len(chain) or len(specs) != len(model):
        yield f"{path}: {model} on the model, {chain} on the contracts"
        return
    for number, (spec, mine, theirs) in enumerate(zip(specs, model, chain, strict=True)):
        if mine == theirs:
            continue
        name = f"{path} {spec['name'] or number}" if spec["type"] != "tuple" or len(specs) > 1 else path
        if spec["type"] == "tuple":
            yield from _unequal(spec["components"], mine, theirs, name)
        elif isinstance(mine, tuple) and isinstance(theirs, tuple):
            item = {**spec, "type": spec["type"].removesuffix("[]")}
            items = [{**item, "name": f"[{at}]"} for at in range(len(mine))]
            yield from _unequal(items, mine, theirs, name)
        else:
            # Flags are whole numbers, too, and differ by nothing.
            off = f", {mine - theirs:+d}" if type(mine) is int and type(theirs) is int else ""
            yield f"{name}: {mine} on the model, {theirs} on the contracts{off}"
