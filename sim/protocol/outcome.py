"""What a call did, in the form in which the model and the chain are compared."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["ErrorValue", "Event", "Outcome"]


class ErrorValue(NamedTuple):
    """A decoded revert.

    Parameters
    ----------
    name : str
        Name of the Solidity error; ``"Panic"`` for a panic, ``""`` for a revert without data.
    args : tuple
        Arguments in ABI order.
    """

    name: str
    args: tuple[Any, ...] = ()


class Event(NamedTuple):
    """A decoded log.

    Parameters
    ----------
    contract : str
        Name of the emitting contract.
    name : str
        Name of the Solidity event.
    args : tuple
        Arguments in ABI order, indexed ones too: integers, lower-case ``0x`` strings, nested tuples for structs.
    """

    contract: str
    name: str
    args: tuple[Any, ...]


class Outcome(NamedTuple):
    """Result of one transaction or view.

    Parameters
    ----------
    ok : bool
        Whether it succeeded. If not, nothing changed and there are no events.
    returns : tuple
        One item per value that the function returns, structs as nested tuples.
    error : ErrorValue or None
        Why it failed.
    events : tuple of Event
        In the order of emission, of all contracts.
    """

    ok: bool
    returns: tuple[Any, ...]
    error: ErrorValue | None
    events: tuple[Event, ...]
