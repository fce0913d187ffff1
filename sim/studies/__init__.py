"""Studies on real prices: floating point and NumPy, cross-checked against the exact model where they speak of margins.

Exceptions
----------
StudyError
    ├── CallRefused
    ├── CrashUncovered
    ├── CrashUnknown
    ├── HistoryTooShort
    └── MarketsUnlike
"""

from sim.studies.errors import CallRefused, CrashUncovered, CrashUnknown, HistoryTooShort, MarketsUnlike, StudyError
from sim.studies.history import History, find_hourly, load_history

__all__ = [
    "CallRefused",
    "CrashUncovered",
    "CrashUnknown",
    "History",
    "HistoryTooShort",
    "MarketsUnlike",
    "StudyError",
    "find_hourly",
    "load_history",
]
