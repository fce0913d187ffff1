"""From a trace of thousands of steps to the few that matter, with numbers that a person can follow.

First by delta debugging, which is fast where much can go: chunks of steps, then single ones, then parts of steps,
actors and markets that can be merged, numbers that can be rounded. Then Hypothesis has the rest: it drops steps and
makes the numbers as small as they can be. What is kept throughout is the kind of the failure and its place.

Nothing here looks at a clock: the work is bounded by the number of steps that are run, so that the same failure shrinks
to the same story on every machine.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.engine import ConjectureRunner, RunIsComplete
from hypothesis.internal.escalation import InterestingOrigin

from sim.protocol.abi import EncodingError
from steelyard.evm.abi import AbiError
from steelyard.fuzz.actors import TRADERS, account_of, owner_of
from steelyard.fuzz.pair import Mismatch
from steelyard.fuzz.recipe import Action, Grammar, Name, Number, Recipe, numbers, renamed, shortened, with_numbers
from steelyard.fuzz.rehearsal import Rehearsal, Sign, ending, sign_of
from steelyard.fuzz.story import Teller, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hypothesis.internal.conjecture.data import ConjectureData

    from sim.protocol import Outcome
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.campaign import Failure
    from steelyard.fuzz.pair import Step
    from steelyard.parameters import SystemParameters

__all__ = ["BUDGET", "NotReproduced", "Shrunk", "shrink"]

BUDGET = 150_000
"""Work that may be done to shrink one failure, in steps that are run: about twenty seconds."""
_ATTEMPT = 15
"""What it takes to try a trace, beside its steps."""

_ROUNDS = 4
_HEAD = 32
"""The steps with which a campaign sets its stage are among so many."""
_FAILED = InterestingOrigin(AssertionError, "", 0, (), ())
_SHRINK = settings(
    database=None, phases=(Phase.shrink,), max_examples=10**6, deadline=None, suppress_health_check=list(HealthCheck)
)


class _Spent(Exception):
    """The budget is spent."""


class NotReproduced(ValueError):
    """The steps of a failure, run again, do not fail."""


# ---- shrinking


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A failure with nothing in it that does not matter.

    Attributes
    ----------
    failure : Failure
        Of the seed that played it, with the short trace.
    sign : Sign
        What was kept.
    before : int
        Steps of the trace that was found.
    attempts, played : int
        Traces that were tried, and steps that were run for that.
    endings : tuple of str
        How each step before the failure ended, the error's name or `success`.
    parameters : SystemParameters
        With which the system was deployed.
    story : tuple of str
        The steps in words.
    differences : tuple of str
        What differs then, or does not hold.
    """

    failure: Failure
    sign: Sign
    before: int
    attempts: int
    played: int
    endings: tuple[str, ...]
    parameters: SystemParameters
    story: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The short trace."""
        return self.failure.trace


def shrink(
    failure: Failure,
    *,
    artefacts: Artefacts | None = None,
    parameters: SystemParameters | None = None,
    budget: int = BUDGET,
) -> Shrunk:
    """Return the shortest and simplest trace that is found to fail in the same way.

    Parameters
    ----------
    failure : Failure
        Found by a campaign.
    artefacts : Artefacts, optional
        The contracts on which it was found.
    parameters : SystemParameters, optional
        With which they were deployed.
    budget : int
        Work that may be done, in steps that are run.

    Raises
    ------
    NotReproduced
        The trace does not fail.
    """
    rehearsal = Rehearsal(artefacts, parameters)
    chain = rehearsal.stage.chain
    grammar = Grammar(chain.artefacts, chain.abi, rehearsal.stage.parameters)
    shrinker = _Shrinker(rehearsal, grammar, failure, budget)
    for _ in range(_ROUNDS):
        shrinker.shrink()
        outcomes: list[Outcome] = []
        found = rehearsal.play(grammar.build(shrinker.recipe), on_step=_into(outcomes))
        if found is None:
            break
        if sign_of(found) == shrinker.sign:
            teller = Teller(grammar, rehearsal.stage.parameters, rehearsal.stage.addresses)
            return Shrunk(
                failure=replace(found, seed=failure.seed),
                sign=shrinker.sign,
                before=len(failure.trace),
                attempts=shrinker.attempts,
                played=rehearsal.played,
                endings=tuple(ending(outcome) for outcome in outcomes[: found.step_index]),
                parameters=rehearsal.stage.parameters,
                story=tuple(teller.tell(found.trace)),
                differences=tuple(_differences(grammar, rehearsal.raised, shrinker.sign)),
            )
        # Where all is checked, it shows earlier, and somewhere else.
        shrinker.aim_at(found)
    raise NotReproduced(f"the {len(failure.trace)} steps of seed {failure.seed} do not fail again")


def _into(outcomes: list[Outcome]) -> Callable[[Step, Outcome], None]:
    return lambda _, outcome: outcomes.append(outcome)


def _differences(grammar: Grammar, raised: BaseException | None, sign: Sign) -> list[str]:
    if isinstance(raised, Mismatch):
        contract, _, function = sign.place.partition(".")
        return differences(grammar, raised, contract, function)
    return [f"{sign.kind}: {raised}"]


class _Shrinker:
    """Makes a recipe simpler as long as it fails in the same way."""

    def __init__(self, rehearsal: Rehearsal, grammar: Grammar, failure: Failure, budget: int) -> None:
        self._rehearsal = rehearsal
        self._grammar = grammar
        self._budget = budget
        self._tried: dict[tuple[Step, ...], bool] = {}
        self.attempts = 0
        self.aim_at(failure)

    def aim_at(self, failure: Failure) -> None:
        """Go on with a failure."""
        self.sign = sign_of(failure)
        self.recipe = self._grammar.read(failure.trace[: failure.step_index + 1])
        self._tried.clear()

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing may be run any more."""
        return self._rehearsal.played + _ATTEMPT * self.attempts >= self._budget

    def fails(self, recipe: Recipe) -> bool:
        """Return whether a recipe fails in the same way; raises `_Spent` where nothing may be run any more."""
        try:
            steps = self._grammar.build(recipe)
        except (AbiError, EncodingError, OverflowError):
            return False
        known = self._tried.get(steps)
        if known is not None:
            return known
        if self.is_exhausted:
            raise _Spent
        self.attempts += 1
        try:
            failure = self._rehearsal.play(steps, self.sign)
        except EncodingError:
            failure = None
        does = failure is not None and sign_of(failure) == self.sign
        self._tried[steps] = does
        return does

    def take(self, recipe: Recipe) -> bool:
        """Go on with a recipe if it fails in the same way."""
        if recipe == self.recipe or not self.fails(recipe):
            return False
        self.recipe = recipe
        return True

    def shrink(self) -> None:
        """Make it as simple as can be.

        Raises
        ------
        NotReproduced
            It does not even fail as it is.
        """
        with suppress(_Spent):
            if not self._keep_the_end() and not self.fails(self.recipe):
                self._look_again()
            self._drop_what_reverts()
            asked: Recipe | None = None
            for _ in range(_ROUNDS):
                self._drop_chunks()
                self._drop_literally()
                self._shorten_lists()
                self._merge_names()
                self._round_numbers()
                if self.recipe == asked:
                    return
                self._ask_hypothesis()
                asked = self.recipe

    def _look_again(self) -> None:
        """Find what a trace fails with where it is not what was said."""
        found = self._rehearsal.play(self._grammar.build(self.recipe))
        if found is None:
            raise NotReproduced(f"{len(self.recipe)} steps run without a failure")
        self.aim_at(found)

    # ---- steps

    def _without(self, start: int, stop: int, *, keep_time: bool) -> Recipe:
        """Return the recipe without some steps, the time that passed in them passing before the next, or not at all."""
        recipe = self.recipe
        rest = recipe[stop:]
        if keep_time and rest:
            passed = sum(action.wait.value for action in recipe[start:stop])
            wait = replace(rest[0].wait, value=rest[0].wait.value + passed)
            rest = (replace(rest[0], wait=wait), *rest[1:])
        return recipe[:start] + rest

    def _drop_what_reverts(self) -> None:
        """Drop, at once, all steps that change nothing; if it still fails without them."""
        outcomes: list[Outcome] = []
        self._rehearsal.play(self._grammar.build(self.recipe), self.sign, on_step=_into(outcomes))
        kept: list[Action] = []
        passed = 0
        for number, action in enumerate(self.recipe):
            if number < len(self.recipe) - 1 and not (number < len(outcomes) and outcomes[number].ok):
                passed += action.wait.value
                continue
            kept.append(replace(action, wait=replace(action.wait, value=action.wait.value + passed)))
            passed = 0
        self.take(tuple(kept))

    def _keep_the_end(self) -> bool:
        """Keep the steps that set the stage, and of the others as few of the last as suffice; return whether any do."""
        recipe = self.recipe
        count = 8
        while count + _HEAD < len(recipe):
            if self.take(recipe[:_HEAD] + recipe[-count:]):
                return True
            count *= 2
        return False

    def _drop_chunks(self) -> None:
        """Drop chunks of steps, from the end to the beginning, large ones first."""
        size = max(1, len(self.recipe) // 2)
        while True:
            dropped = self._drop_chunks_of(size)
            if size == 1 and not dropped:
                return
            size = max(1, size // 2)

    def _drop_chunks_of(self, size: int) -> bool:
        dropped = False
        stop = len(self.recipe)
        while stop > 0:
            start = max(0, stop - size)
            for keep_time in (False, True):
                if self.take(self._without(start, stop, keep_time=keep_time)):
                    dropped = True
                    break
            stop = start
        return dropped

    def _drop_literally(self) -> None:
        """Drop single steps, all others staying what they are to the last bit, even what would follow from the step."""
        for number in reversed(range(len(self.recipe))):
            steps = list(self._grammar.build(self.recipe))
            dropped = steps.pop(number)
            if number < len(steps):
                steps[number] = steps[number]._replace(wait=steps[number].wait + dropped.wait)
            self.take(self._grammar.read(steps))

    # ---- parts of steps

    def _replaced(self, number: int, action: Action) -> Recipe:
        return (*self.recipe[:number], action, *self.recipe[number + 1 :])

    def _shorten_lists(self) -> None:
        """Drop items of lists, and make a call of its own of what a multicall carries."""
        for number in reversed(range(len(self.recipe))):
            while any(self.take(self._replaced(number, shorter)) for shorter in shortened(self.recipe[number])):
                pass

    def _merge_names(self) -> None:
        """Let one trader, account or market take the part of another."""
        for later, trader in reversed(list(enumerate(TRADERS))):
            any(self._rename(_owner(trader, other)) for other in TRADERS[:later])
        for trader in TRADERS:
            self._rename(_account(account_of(trader, 1), account_of(trader, 0)))
        markets = sorted({name.value for name in self._names() if name.kind == "market"}, reverse=True)
        for market in markets:
            any(self._rename(_market(market, other)) for other in range(market))

    def _names(self) -> Iterator[Name]:
        names: list[Name] = []

        def note(name: Name) -> Name:
            names.append(name)
            return name

        for action in self.recipe:
            renamed(action, note)
        return iter(names)

    def _rename(self, naming: Callable[[Name], Name]) -> bool:
        changed = tuple([renamed(action, naming) for action in self.recipe])
        if changed == self.recipe:
            return False
        try:
            steps = self._grammar.build(changed)
        except (AbiError, EncodingError, OverflowError):
            return False
        # What is simple depends on the market: read again.
        return self.take(self._grammar.read(steps))

    # ---- numbers

    def _numbers(self) -> list[tuple[int, int, Number]]:
        """Return all numbers with their places, those of the last step first."""
        return [
            (at, number, held)
            for at in reversed(range(len(self.recipe)))
            for number, held in enumerate(numbers(self.recipe[at]))
        ]

    def _with(self, places: Sequence[tuple[int, int]], value: Callable[[Number], int]) -> Recipe:
        recipe = list(self.recipe)
        for at, number in places:
            values = [held.value for held in numbers(recipe[at])]
            values[number] = value(numbers(recipe[at])[number])
            recipe[at] = with_numbers(recipe[at], values)
        return tuple(recipe)

    def _round_numbers(self) -> None:
        """Bring numbers to where they are simplest, or round them: equal ones together, then each for itself."""
        for at, number, held in self._numbers():
            now = numbers(self.recipe[at])[number]
            if now != held or now.value == now.origin:
                continue
            same = [
                (other, place)
                for other, place, one in self._numbers()
                if abs(one.value) == abs(now.value) and now.value
            ]
            for places in (same, [(at, number)]) if len(same) > 1 else (same,):
                for value in _simpler(now):
                    flip = value * now.value < 0
                    size = abs(value)

                    def changed(one: Number, flip: bool = flip, size: int = size) -> int:
                        return size if (one.value > 0) != flip or not one.is_signed else -size

                    if self.take(self._with(places, changed)):
                        break
                else:
                    continue
                break

    def _ask_hypothesis(self) -> None:
        """Let Hypothesis drop steps and make numbers smaller, from what is there."""
        recipe = self.recipe
        choices: list[int | bool] = []
        for action in recipe:
            choices.append(True)
            choices.extend(_steps_of(number) for number in numbers(action) if number.value != number.origin)
        failed: dict[tuple[Any, ...], Recipe] = {}

        def attempt(data: ConjectureData) -> None:
            drawn = tuple([_drawn(data, action) for action in recipe if data.draw_boolean(0.5)])
            # Not before the draws: the engine would take their absence for a test that depends on something else.
            if self.is_exhausted:
                raise RunIsComplete
            if self.fails(drawn):
                failed[data.choices] = drawn
                data.mark_interesting(_FAILED)

        # `hypothesis.find` takes no example to start from together with a seed: its engine takes both.
        runner = ConjectureRunner(attempt, settings=_SHRINK, random=Random(0))
        with suppress(RunIsComplete):
            runner.cached_test_function(choices)
            runner.shrink_interesting_test_cases()
        for result in runner.interesting_test_cases.values():
            self.take(failed[result.choices])


def _drawn(data: ConjectureData, action: Action) -> Action:
    """Return a step with numbers no further from where they are simplest."""
    held = numbers(action)
    values = [
        number.value if number.value == number.origin else _value_of(number, data.draw_integer(0, _steps_of(number)))
        for number in held
    ]
    return with_numbers(action, values)


def _owner(old: str, new: str) -> Callable[[Name], Name]:
    """Return what lets another trader act, with all accounts."""

    def naming(name: Name) -> Name:
        if name.kind == "address" and name.value == old:
            return Name("address", new)
        if name.kind == "account" and owner_of(name.value) == old:
            return Name("account", account_of(new, name.value & (1 << 96) - 1))
        return name

    return naming


def _account(old: int, new: int) -> Callable[[Name], Name]:
    return lambda name: Name("account", new) if name.kind == "account" and name.value == old else name


def _market(old: int, new: int) -> Callable[[Name], Name]:
    return lambda name: Name("market", new) if name.kind == "market" and name.value == old else name


def _grain(number: Number) -> int:
    """Return the largest power of ten that the distance to the origin is a multiple of, or the unit that is less."""
    distance = abs(number.value - number.origin)
    grain = 1
    while distance % (grain * 10) == 0:
        grain *= 10
    return min(grain, number.unit)


def _steps_of(number: Number) -> int:
    """Return how many grains a number, which is not at its origin, lies away from it."""
    return abs(number.value - number.origin) // _grain(number)


def _value_of(number: Number, steps: int) -> int:
    away = steps * _grain(number)
    return number.origin + away if number.value > number.origin else number.origin - away


def _digits(value: int) -> int:
    return len(str(abs(value)).rstrip("0"))


def _complexity(number: Number, value: int) -> tuple[bool, int, int, bool]:
    return value != number.origin, _digits(value), abs(value - number.origin), value < 0


def _simpler(number: Number) -> Iterator[int]:
    """Yield simpler values of a number, the simplest first."""
    value, origin = number.value, number.origin
    sign = 1 if value > 0 else -1
    size = abs(value)
    found = {origin, abs(value)}
    if origin == 0:
        found |= {sign * 10**power for power in range(len(str(size)))}
        found |= {10**power for power in range(len(str(size)))}
    for digits in (1, 2, 3, 4):
        scale = 10 ** max(0, len(str(size)) - digits)
        found |= {sign * (size // scale) * scale, sign * -(-size // scale) * scale}
    limit = _complexity(number, value)
    yield from sorted(
        (one for one in found if _complexity(number, one) < limit), key=lambda one: _complexity(number, one)
    )
