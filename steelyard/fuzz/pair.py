"""The exact model and a chain side by side: every call runs on both, and every difference is an error."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sim.protocol import Outcome, Settings, World
from sim.protocol.evm import Address
from sim.protocol.invariants import InvariantBroken
from steelyard.evm.chain import START, Chain, InProcess
from steelyard.evm.deployment import Governors, deploy_system, setup_calls
from steelyard.evm.machine import Machine
from steelyard.fuzz.actors import AGGREGATORS, EVERYBODY
from steelyard.fuzz.expected import Expected
from steelyard.fuzz.invariants import StepInvariants
from steelyard.fuzz.order_invariants import OrderInvariants
from steelyard.fuzz.storage import Storage
from steelyard.fuzz.vault_storage import mapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steelyard.evm.abi import AbiIndex
    from steelyard.fuzz.vault_storage import Word
    from steelyard.parameters import SystemParameters

NO_DATA = "(no data)"
"""Stands for the name of a revert without data."""
NOBODY = "0x" + "00" * 20

_OWN = ("Clearinghouse", "OrderBook", "PriceOracle", "LiquidityVault")
"""Contracts whose storage is the model's, word for word."""
_AUTHORITY = 0
"""Slot of `AccessManaged._authority`, which the model does not store; the order book has commitments there, hashed."""


class Step(NamedTuple):
    """One transaction, `wait` seconds after the one before."""

    sender: str
    contract: str
    function: str
    args: tuple[Any, ...] = ()
    value: int = 0
    wait: int = 0


class Mismatch(AssertionError):
    """The model and the chain disagree; `model` and `chain` hold what each says of `what`."""

    def __init__(self, what: str, model: object, chain: object) -> None:
        super().__init__(f"{what}\n  model: {model}\n  chain: {chain}")
        self.what = what
        self.model = model
        self.chain = chain


class Side(Protocol):
    """What a chain must offer to be compared."""

    @property
    def timestamp(self) -> int:
        """The present time [s]."""
        ...

    def call(self, sender: str, contract: str, function: str, args: tuple[Any, ...], value: int = 0) -> Outcome:
        """Run a transaction."""
        ...

    def read(self, contract: str, function: str, args: tuple[Any, ...] = ()) -> Outcome:
        """Run a view."""
        ...

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        ...

    def balance(self, address: str) -> int:
        """Return the balance of native currency [wei]."""
        ...


def settings_of(parameters: SystemParameters, governors: Governors, **changes: Any) -> Settings:
    """Return the model's constructor arguments of a deployment."""
    return Settings(
        **{
            "admin": Address(governors.admin),
            "treasury": Address(governors.treasury),
            "timestamp": START,
            "pyth_valid_period_seconds": parameters.pyth.valid_time,
            "pyth_update_fee": parameters.pyth.update_fee,
            "min_delay_seconds": parameters.orders.min_delay,
            "window_seconds": parameters.orders.window,
            "settle_delay_seconds": parameters.vault.settle_delay,
            "max_price_age_seconds": parameters.vault.max_price_age,
            "cancel_delay_seconds": parameters.vault.cancel_delay,
            **changes,
        }
    )


def model_of(
    abi: AbiIndex,
    addresses: dict[str, str],
    parameters: SystemParameters,
    governors: Governors,
    *,
    timestamp: int = START,
) -> World:
    """Return the model of a system that was just deployed and configured at `addresses`."""
    settings = settings_of(
        parameters,
        governors,
        timestamp=timestamp,
        is_hostile="HostileActor" in addresses,
        aggregators=tuple((name, decimals) for name, decimals in AGGREGATORS.items() if name in addresses),
    )
    world = World(settings, addresses=addresses)
    for sender, contract, function, args in setup_calls(abi, addresses, parameters, governors):
        outcome = world.call(sender, contract, function, args)
        if not outcome.ok:
            raise Mismatch(f"{contract}.{function}{args}", outcome, "it succeeded")
    return world


def _named(step: Step, number: int) -> str:
    return f"step {number}: {step}"


def check_native(chain: Side, addresses: dict[str, str], where: str = "") -> None:
    """Raise `Mismatch` where a contract of the protocol holds native currency; `where` is told first."""
    for name in _OWN:
        held = chain.balance(addresses[name])
        if held:
            raise Mismatch(f"{where}native currency of {name}", 0, held)


class _Due(NamedTuple):
    """What the model says of a step that the chain has yet to run."""

    step: Step
    number: int
    wait: int
    outcome: Outcome
    words: list[Word]
    balances: list[int]


@lru_cache(maxsize=1)
def _expected_of(chain: InProcess) -> Expected:
    """Return the encoders of a chain's contracts, which are the same for all that is played on it."""
    return Expected(chain)


class _RawSide:
    """The in-process EVM, compared by bytes and by storage words, once for several steps.

    Model and EVM each stay in the processor's caches while they run, which makes both faster than turn and turn about.
    """

    def __init__(self, model: World, chain: InProcess, expected: Expected | None) -> None:
        self.model = model
        self.chain = chain
        self.due: list[_Due] = []
        self.storage = Storage(model)
        self._expected = expected or _expected_of(chain)
        self._invariants = StepInvariants(model)
        self._order_invariants = OrderInvariants(model)
        token = model.token
        self._balances = token._balances
        self._owners = (*map(Address, EVERYBODY), model.clearinghouse.address, model.vault.address)
        self._nothing = [0] * len(self._owners)
        self._token = [token.address] * len(self._owners)
        self._slots = [mapped(0, int(owner, 16)) for owner in self._owners]

    def rewind(self) -> None:
        self.due = []
        self._invariants = StepInvariants(self.model)
        self._order_invariants = OrderInvariants(self.model)

    def expect(self, step: Step, number: int, wait: int, outcome: Outcome) -> None:
        """Keep what the model says of a step, its last one, and check the invariants of what it touched."""
        touched = self.model.touched
        words = self.storage.touched(touched) if touched else []
        held = list(map(self._balances.get, self._owners, self._nothing))
        self.due.append(_Due(step, number, wait, outcome, words, held))
        if touched:
            self._invariants.check(touched)
            self._order_invariants.check(outcome.events, touched)

    def run(self, due: _Due) -> None:
        """Run a step on the chain and compare."""
        (sender, contract, function, args, value, _), number, wait, outcome, words, held = due
        chain = self.chain
        if wait:
            chain.warp(wait)
        result = chain.send(sender, contract, function, args, value)
        if not self._expected.matches(contract, function, outcome, result):
            decoded = chain.decoded(contract, function, result)
            if decoded != outcome:
                raise Mismatch(_named(due.step, number), outcome, decoded)
        if words:
            self.compare(words, due.step, number)
        found = list(map(chain.word_at, self._token, self._slots))
        if held != found:
            for owner, mine, theirs in zip(self._owners, held, found, strict=True):
                if mine != theirs:
                    raise Mismatch(f"{_named(due.step, number)}\ntoken balance of {owner}", mine, theirs)
        if value:
            check_native(chain, chain.addresses, f"{_named(due.step, number)}\n")

    def read(self, contract: str, function: str, args: tuple[Any, ...], outcome: Outcome) -> None:
        """Run a view on the chain and compare."""
        result = self.chain.look(contract, function, args)
        if not self._expected.matches(contract, function, outcome, result):
            decoded = self.chain.decoded(contract, function, result)
            if decoded != outcome:
                raise Mismatch(f"{contract}.{function}{args} at {self.model.timestamp}", outcome, decoded)

    def compare_looked_at(self, chain: Machine, number: int) -> None:
        """Compare all words that the chain has looked at with those that the model ever stored: there are no others."""
        stored = list(self.storage.stored())
        self.compare(stored, None, number)
        known = {(address, slot) for address, slot, _ in stored}
        for name in _OWN:
            address = chain.addresses[name]
            for slot, word in chain.words_of(address).items():
                if word and slot != _AUTHORITY and (address, slot) not in known:
                    raise Mismatch(f"after step {number}\nstorage of {name} at {slot:#x}", "nothing", f"{word:#066x}")

    def compare(self, words: Iterable[Word], step: Step | None, number: int) -> None:
        """Compare storage words."""
        read = self.chain.word_at
        for address, slot, word in words:
            found = read(address, slot)
            if found != word:
                where = _named(step, number) if step is not None else f"after step {number}"
                name = next((name for name, at in self.chain.addresses.items() if at == address), address)
                raise Mismatch(f"{where}\nstorage of {name} at {slot:#x}", f"{word:#066x}", f"{found:#066x}")


class Pair:
    """A model and a chain that start equal.

    Parameters
    ----------
    model, chain
        See below.
    addresses : dict of str to str
        Of the contracts, by name.
    ahead : int
        Steps that the model may run before the in-process EVM runs them, too. Each is compared by itself, with what
        the model said of it then; `catch_up` tells when that is to be done.
    expected : Expected, optional
        Compares outcomes of an in-process chain, by default by their bytes.

    Attributes
    ----------
    model : World
        The exact model.
    chain : Side
        The contracts.
    trace : list of Step
        All that was called so far, each with all the time that passed before it; up to the step that differs.
    outcomes : Counter
        How often each function ended how, by contract, function and name of the error, `""` for success.
    """

    def __init__(
        self,
        model: World,
        chain: Side,
        addresses: dict[str, str],
        *,
        ahead: int = 1,
        expected: Expected | None = None,
    ) -> None:
        self.model = model
        self.chain = chain
        self.addresses = addresses
        self._ahead = ahead
        self.trace: list[Step] = []
        self.outcomes: Counter[tuple[str, str, str]] = Counter()
        self._waited = 0
        self._late = 0
        self._check("timestamp", model.timestamp, chain.timestamp)
        self._raw: _RawSide | None = _RawSide(model, chain, expected) if isinstance(chain, InProcess) else None

    @classmethod
    def deployed(cls, chain: Chain, parameters: SystemParameters) -> Pair:
        """Deploy the system on `chain` and return it beside its model."""
        governors = Governors()
        addresses = deploy_system(chain, parameters, governors)
        return cls(model_of(chain.abi, addresses, parameters, governors), chain, addresses)

    @staticmethod
    def _check(what: str, model: object, chain: object) -> None:
        if model != chain:
            raise Mismatch(what, model, chain)

    def rewind(self) -> None:
        """Forget all that was called, both sides being back in the state of the start."""
        self.trace = []
        self.outcomes.clear()
        self._waited = self._late = 0
        self._check("timestamp", self.model.timestamp, self.chain.timestamp)
        if self._raw is not None:
            self._raw.rewind()

    @property
    def now(self) -> int:
        """The present time [s]."""
        return self.model.timestamp

    def wait(self, seconds: int) -> None:
        """Let time pass on both sides."""
        if seconds:
            self.model.advance(seconds)
            self._waited += seconds
            self._late += seconds

    def catch_up(self) -> None:
        """Let the chain run, and compare, all that the model has run; see `run`."""
        if self._raw is not None and self._raw.due:
            due, self._raw.due = self._raw.due, []
            run = self._raw.run
            for one in due:
                try:
                    run(one)
                except BaseException:
                    del self.trace[one.number :]
                    raise
                self._count(one.step.contract, one.step.function, one.outcome)
        if self._late:
            self.chain.warp(self._late)
            self._late = 0

    def run(self, step: Step) -> Outcome:
        """Run a transaction on both sides.

        Outcome, return values, events and errors are compared. In the in-process EVM so are every storage word that
        the transaction touched and every token balance, and the invariants of what it touched are checked; what it
        sends must not stay with the protocol.

        Raises
        ------
        Mismatch
            The sides differ.
        InvariantBroken
            They agree on a state that must not be.
        """
        if step.wait:
            self.wait(step.wait)
        if self._waited != step.wait:
            step = step._replace(wait=self._waited)
        self._waited = 0
        self.trace.append(step)
        sender, contract, function, args, value, _ = step
        model = self.model.call(sender, contract, function, args, value)
        raw = self._raw
        if raw is None:
            self.catch_up()
            chain = self.chain.call(sender, contract, function, args, value)
            self._check(_named(step, len(self.trace)), model, chain)
            self._count(contract, function, model)
            return model
        late, self._late = self._late, 0
        try:
            raw.expect(step, len(self.trace), late, model)
        except InvariantBroken:
            self.catch_up()
            raise
        if len(raw.due) >= self._ahead:
            self.catch_up()
        return model

    def _count(self, contract: str, function: str, outcome: Outcome) -> None:
        name = outcome.error.name or NO_DATA if outcome.error else ""
        self.outcomes[contract, function, name] += 1

    def call(self, sender: str, contract: str, function: str, *args: Any, value: int = 0, wait: int = 0) -> Outcome:
        """Run a transaction on both sides."""
        return self.run(Step(sender, contract, function, args, value, wait))

    def read(self, contract: str, function: str, *args: Any) -> Outcome:
        """Run a view on both sides; raises `Mismatch` where they differ."""
        self.catch_up()
        model = self.model.call(NOBODY, contract, function, args)
        if self._raw is not None:
            self._raw.read(contract, function, args, model)
        else:
            self._check(f"{contract}.{function}{args} at {self.now}", model, self.chain.read(contract, function, args))
        self._count(contract, function, model)
        return model

    def compare_words(self, accounts: Iterable[int], markets: Iterable[int]) -> None:
        """Compare all storage words of accounts and markets, of everybody's tokens, orders and permissions.

        Raises
        ------
        Mismatch
            One differs.
        """
        self.catch_up()
        if self._raw is not None:
            words = self._raw.storage.every(accounts, map(Address, EVERYBODY), markets)
            self._raw.compare(words, None, len(self.trace))

    def compare_looked_at(self) -> None:
        """Compare every storage word of the protocol's contracts that any call looked at, whatever the model knows.

        Raises
        ------
        Mismatch
            One differs, or the contracts hold something where the model never stored anything.
        """
        self.catch_up()
        if self._raw is not None and isinstance(self.chain, Machine):
            self._raw.compare_looked_at(self.chain, len(self.trace))

    def get(self, contract: str, function: str, *args: Any) -> Any:
        """Return what a view of the model returns, without asking the chain."""
        return self.model.read(contract, function, *args)
