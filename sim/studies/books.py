"""Books that margins are tried on: money per market, positive for longs."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.studies.history import Floats

__all__ = ["everything", "hedges"]


def hedges(margin_ratios: Floats) -> Floats:
    """Return hedges: one market against another, and one against all others.

    Each in both directions, once with the same money on both sides and once with the same margin.

    Returns
    -------
    ndarray
        Shape `(n_books, n_markets)`.
    """
    count = len(margin_ratios)
    equal_margin = margin_ratios.max() / margin_ratios
    books = []
    for scale in (np.ones(count), equal_margin):
        for one, other in permutations(range(count), 2):
            books.append(_book(count, {one: scale[one], other: -scale[other]}))
        if count > 2:
            for one in range(count):
                rest = {other: -scale[other] / (count - 1) for other in range(count) if other != one}
                book = _book(count, {one: scale[one], **rest})
                books += [book, -book]
    return np.array(books).reshape(-1, count)


def everything(margin_ratios: Floats) -> Floats:
    """Return the hedges, every single leg and every pair and all markets on one side, shape `(n_books, n_markets)`."""
    count = len(margin_ratios)
    one_sided = [*np.eye(count), np.ones(count)]
    one_sided += [_book(count, {one: 1, other: 1}) for one, other in permutations(range(count), 2) if one < other]
    outright = np.array(one_sided)
    return np.concatenate((hedges(margin_ratios), outright, -outright))


def _book(count: int, money: dict[int, float]) -> Floats:
    book = np.zeros(count)
    for market, amount in money.items():
        book[market] = amount
    return book
