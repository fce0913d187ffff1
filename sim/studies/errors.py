"""Why a study cannot be made.

Exceptions
----------
StudyError
    ├── CallRefused
    ├── CrashUncovered
    ├── CrashUnknown
    ├── HistoryTooShort
    └── MarketsUnlike
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CallRefused", "CrashUncovered", "CrashUnknown", "HistoryTooShort", "MarketsUnlike", "StudyError"]


class StudyError(Exception):
    """The data do not carry the study."""


class CallRefused(StudyError):
    """A call that the study needs reverted."""

    def __init__(self, function: str, reason: object) -> None:
        super().__init__(f"{function}: {reason}")


class CrashUncovered(StudyError):
    """No market has prices of any of the crashes."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"no prices of {', '.join(names)}")


class CrashUnknown(StudyError):
    """A name fits none of the named crashes."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no crash {name!r}; there are {', '.join(known)}")


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
