"""What aggregators say of prices (``Rounds.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.protocol import abi
from sim.protocol.errors import EmptyRevert
from sim.protocol.mocks.local_aggregator import LocalAggregator

if TYPE_CHECKING:
    from sim.protocol.mocks.local_aggregator import Round
    from sim.protocol.types.guard import Guard, Sequencer
    from sim.protocol.world import World

__all__ = ["confirms", "decimals_of", "is_up", "latest"]

_MAX_ANSWER: Final = 2**96 - 1
_DECIMALS: Final = abi.selector("decimals()")


def confirms(world: World, guard: Guard, price: int) -> bool:
    """Return whether the latest answer is positive, not of the future, not old, and `price` [wad] near it.

    Exact: ``|price - answer| <= maxDeviation * answer`` (``Rounds.sol::confirms``).
    """
    found = latest(world, guard.aggregator)
    if (
        found is None
        or not 0 < found.answer <= _MAX_ANSWER
        or not 0 <= world.timestamp - found.updated_at <= guard.max_age
    ):
        return False
    reference = found.answer * 10 ** (18 - guard.decimals)
    within: bool = abs(price - reference) * 10_000 <= reference * guard.max_deviation
    return within


def is_up(world: World, sequencer: Sequencer) -> bool:
    """Return whether the sequencer is up, and has been for the grace period (``Rounds.sol::isUp``)."""
    found = latest(world, sequencer.feed)
    if found is None or found.answer != 0 or found.started_at == 0:
        return False
    return world.timestamp - found.started_at >= sequencer.grace_period


def decimals_of(world: World, aggregator: str) -> int:
    """Return the decimals of an aggregator's answer.

    Raises
    ------
    EmptyRevert
        There is none at this address that tells them.
    """
    entry, method = None, None
    contract = world.contract_at(aggregator)
    if contract is not None:
        entry, method = world.entry_at(contract.name, _DECIMALS)
    if method is None or entry is None:
        raise EmptyRevert
    return int(method())


def latest(world: World, aggregator: str) -> Round | None:
    """Return the latest round of an aggregator, None where it gives none (``Rounds.sol::latest``)."""
    contract = world.contract_at(aggregator)
    return contract.shown() if isinstance(contract, LocalAggregator) else None
