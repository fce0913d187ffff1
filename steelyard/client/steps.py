"""What is asked of a node, apart from how: one text for synchronous and asynchronous callers.

Work is a generator of steps, `Steps[T]`: it yields what it needs from outside (an answer of the node, a pause) and
returns a `T`. `Synchronous` performs the steps at once, `Asynchronous` as a coroutine, `Stepwise` hands them on to
be a part of others. A method that is an `@operation` has, on each of them, the type that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

__all__ = ["Asynchronous", "Exclusive", "Pause", "Request", "Step", "Steps", "Stepwise", "Synchronous", "operation"]

_S = TypeVar("_S")
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Request:
    """A JSON-RPC request; answered with its result."""

    method: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait [s]."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Steps that no other exclusive ones of the same client may come in between of; answered with what they return."""

    steps: Generator[Step, Any, Any]


Step: TypeAlias = "Request | Pause | Exclusive"
Steps: TypeAlias = Generator[Step, Any, _T]


class Synchronous:
    """Performs steps at once; a subclass answers single ones."""

    def _answer(self, step: Step) -> Any:
        raise NotImplementedError

    def _run(self, steps: Steps[_T]) -> _T:
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._answer(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            return cast("_T", end.value)


class Asynchronous:
    """Performs steps in a coroutine; a subclass answers single ones."""

    async def _answer(self, step: Step) -> Any:
        raise NotImplementedError

    async def _run(self, steps: Steps[_T]) -> _T:
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._answer(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            return cast("_T", end.value)


class Stepwise:
    """Performs nothing: its operations are steps of others, `yield from ...`."""

    def _run(self, steps: Steps[_T]) -> Steps[_T]:
        return steps


class Operation(Generic[_S, _P, _T]):
    """A method written as steps; see `operation`."""

    def __init__(self, steps: Callable[Concatenate[_S, _P], Steps[_T]]) -> None:
        self._steps = steps
        update_wrapper(cast("Any", self), steps)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Stepwise, owner: type) -> Callable[_P, Steps[_T]]: ...
    @overload
    def __get__(self, instance: Synchronous, owner: type) -> Callable[_P, _T]: ...
    @overload
    def __get__(self, instance: Asynchronous, owner: type) -> Callable[_P, Coroutine[Any, Any, _T]]: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        steps = self._steps

        def perform(*args: _P.args, **kwargs: _P.kwargs) -> Any:
            return instance._run(steps(instance, *args, **kwargs))

        return update_wrapper(perform, steps)

    def __call__(self, instance: Any, *args: _P.args, **kwargs: _P.kwargs) -> Any:
        """Perform it on an instance."""
        return instance._run(self._steps(instance, *args, **kwargs))


def operation(steps: Callable[Concatenate[_S, _P], Steps[_T]]) -> Operation[_S, _P, _T]:
    """Make a method of steps one that performs them as its instance does."""
    return Operation(steps)
