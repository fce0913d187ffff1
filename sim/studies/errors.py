"""Why a study cannot be made.

Exceptions
----------
StudyError
    ├── HistoryTooShort
    └── MarketsUnlike
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HistoryTooShort", "MarketsUnlike", "StudyError"]


class StudyError(Exception):
    """The data do not carry the study."""


class HistoryTooShort(StudyError):
    """All markets together have too few hours of prices.

    Parameters
    ----------
    hours, least
        How many they have, and how many are needed.
    """

    def __init__(self, hours: int, least: int) -> None:
        self.hours = hours
        self.least = least
        super().__init__(f"the markets share {hours} hours of prices, at least {least} are needed")


class MarketsUnlike(StudyError):
    """The parameters lack a market that the study is about.

    Parameters
    ----------
    missing
        Symbols that are not there.
    """

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(f"the parameters have no market {', '.join(missing)}")
