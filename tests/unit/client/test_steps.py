"""Steps: the same work, performed at once, in a coroutine, or as a part of other steps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from steelyard.client.steps import Asynchronous, Request, Step, Steps, Stepwise, Synchronous, operation


class Refused(Exception):
    """A node's."""


class Work:
    """Operations on whatever answers."""

    @operation
    def total(self, *numbers: int, scale: int = 1) -> Steps[int]:
        """Return the sum of what is answered."""
        found = 0
        for number in numbers:
            found += yield Request("number", (number,))
        return found * scale

    @operation
    def careful(self, number: int) -> Steps[str]:
        """Return what went wrong, and go on."""
        try:
            yield Request("number", (number,))
        except Refused as error:
            return f"{error} {yield Request('number', (1,))}"
        return "fine"


def answer(step: Step) -> Any:
    assert isinstance(step, Request)
    if step.params[0] < 0:
        raise Refused("no")
    return step.params[0]


class Now(Work, Synchronous):
    def _answer(self, step: Step) -> Any:
        return answer(step)


class Later(Work, Asynchronous):
    async def _answer(self, step: Step) -> Any:
        await asyncio.sleep(0)
        return answer(step)


class Part(Work, Stepwise):
    pass


class Whole(Synchronous):
    """Work that other work is a part of."""

    @operation
    def twice(self, number: int) -> Steps[int]:
        return 2 * (yield from Part().total(number))

    def _answer(self, step: Step) -> Any:
        return answer(step)


def test_operation__synchronous_and_asynchronous__give_the_same() -> None:
    now: int = Now().total(1, 2, 3, scale=2)
    later: int = asyncio.run(Later().total(1, 2, 3, scale=2))
    assert now == later == 12
    assert Whole().twice(4) == 8
    assert Now.total(Now(), 5) == 5


def test_operation__answer_fails__is_raised_where_it_was_asked() -> None:
    assert Now().careful(-1) == asyncio.run(Later().careful(-1)) == "no 1"
    assert Now().careful(7) == "fine"
    with pytest.raises(Refused):
        Now().total(1, -1)
    with pytest.raises(Refused):
        asyncio.run(Later().total(1, -1))


def test_operation__described__keeps_name_and_docstring() -> None:
    assert Now().total.__doc__ == Now.total.__doc__ == "Return the sum of what is answered."
    assert Now().total.__name__ == "total"
