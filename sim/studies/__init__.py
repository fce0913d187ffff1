"""Studies on real prices: floating point and NumPy, cross-checked against the exact model where they speak of margins.

Exceptions
----------
StudyError
    ├── HistoryTooShort
    └── MarketsUnlike
"""

from sim.studies.errors import HistoryTooShort, MarketsUnlike, StudyError
from sim.studies.history import History, find_hourly, load_history

__all__ = ["History", "HistoryTooShort", "MarketsUnlike", "StudyError", "find_hourly", "load_history"]
