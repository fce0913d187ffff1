"""Where the decisions of a sequence come from: Hypothesis, which can shrink them, or a seed, which is fast."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis import strategies as st

_T = TypeVar("_T")


class Choices(ABC):
    """Decisions, all made of whole numbers."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`; simpler ones lie nearer to `low`."""

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of `options`; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[int, _T]], total: int = 0) -> _T:
        """Return one of `options`, each with its weight; `total` is their sum, where that is known."""
        at = self.integer(1, total or sum(weight for weight, _ in options))
        for weight, option in options:
            at -= weight
            if at <= 0:
                return option
        raise AssertionError("weights are positive")

    def chance(self, percent: int) -> bool:
        """Return True so many times in a hundred."""
        return self.integer(1, 100) > 100 - percent

    def amount(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, the ends themselves and all orders of magnitude being likely."""
        if low >= high:
            return low
        match self.integer(0, 5):
            case 0:
                return high
            case 1:
                return low
            case 2 | 3:
                return self.integer(low, high)
            case _:
                span = high - low
                return low + min(span, self.integer(0, (1 << self.integer(0, span.bit_length())) - 1))


class SeededChoices(Choices):
    """Decisions of a seed, the same on every machine."""

    def __init__(self, seed: int) -> None:
        self._bits = random.Random(seed).getrandbits

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        return low + self._below(high - low + 1)

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of `options`."""
        return options[self._below(len(options))]

    def chance(self, percent: int) -> bool:
        """Return True so many times in a hundred."""
        return self._below(100) >= 100 - percent

    def _below(self, count: int) -> int:
        if count <= 0:
            raise ValueError(f"no whole number out of {count}")
        width = count.bit_length()
        bits = self._bits
        drawn = bits(width)
        while drawn >= count:
            drawn = bits(width)
        return drawn


class DrawnChoices(Choices):
    """Decisions of Hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        from hypothesis import strategies

        self._integers: Callable[[int, int], st.SearchStrategy[int]] = strategies.integers
        self._draw = data.draw

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        return self._draw(self._integers(low, high))
