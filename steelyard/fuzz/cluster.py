"""Tasks on the machines of a Dask cluster.

Every worker needs the same checkout, set up and compiled; each task says which contracts and which fuzzer it is for,
and a worker that has others refuses it by name. Where a worker dies, the scheduler gives its tasks to another.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from distributed import Client
from distributed.comm import CommClosedError, get_address_host_port, parse_address
from distributed.comm.registry import get_backend
from distributed.scheduler import KilledWorker

from steelyard.evm.artefacts import Artefacts
from steelyard.fuzz.campaign import SeedResult
from steelyard.fuzz.errors import ClusterLost, ClusterUnreachable, FuzzError, WorkerDied, WorkerDiffers
from steelyard.fuzz.schedule import Schedule, perform
from steelyard.fuzz.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from distributed import Future

    from steelyard.fuzz.schedule import Done, Plan, Task

__all__ = ["play"]

_CONNECT_SECONDS = 10
_PATIENCE_SECONDS = 2
_TICK_SECONDS = 0.25
_AHEAD = 2
"""Tasks that wait at each place, so that none is idle while results travel."""

_one_at_a_time = threading.Lock()
"""An EVM serves one thread."""


@cache
def _own() -> tuple[Artefacts, Version]:
    artefacts = Artefacts()
    return artefacts, Version.of(artefacts)


def _perform(task: Task, version: Version) -> Done:
    """Do a task on a worker."""
    artefacts, own = _own()
    if own != version:
        raise WorkerDiffers(f"worker on {socket.gethostname()}: {own.difference(version)}")
    with _one_at_a_time:
        return perform(task, artefacts=artefacts)


def play(
    plan: Plan, address: str, version: Version, on_progress: Callable[[int], None] | None = None
) -> Generator[Done, None, None]:
    """Yield what came of each task as it ends, until steps or time are used up, or one fails.

    Parameters
    ----------
    plan : Plan
        What to play; how many work on it, the cluster decides.
    address : str
        Of the scheduler.
    version : Version
        Of contracts and fuzzer.
    on_progress : callable, optional
        Is told a few times a second how many transactions of seeds there were, in seeds that have ended.

    Raises
    ------
    ClusterUnreachable, ClusterLost, WorkerDiffers, WorkerDied
        See there.
    """
    client = _client(address)
    schedule = Schedule(plan)
    arrived: SimpleQueue[Future] = SimpleQueue()
    pending: dict[str, Future] = {}
    played = 0

    def hand_out() -> None:
        places = max(1, sum(client.nthreads().values()))
        while len(pending) < _AHEAD * places:
            task = schedule.next()
            if task is None:
                return
            future = client.submit(_perform, task, version, pure=False)
            pending[future.key] = future
            future.add_done_callback(arrived.put)

    try:
        hand_out()
        while pending and not schedule.is_over:
            try:
                future = arrived.get(timeout=_TICK_SECONDS)
            except Empty:
                pass
            else:
                del pending[future.key]
                done = _result(future, address)
                schedule.note(done)
                if isinstance(done, SeedResult):
                    played += done.steps
                hand_out()
                yield done
            if on_progress is not None:
                on_progress(played)
    finally:
        with suppress(CommClosedError, CancelledError, OSError, TimeoutError):
            client.cancel(list(pending.values()))
            client.close(_PATIENCE_SECONDS)


def _client(address: str) -> Client:
    try:
        # A client of an address that means nothing would not be closed for twenty seconds.
        get_backend(parse_address(address)[0])
        get_address_host_port(address)
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterUnreachable(address, f"no scheduler answers ({error})") from error
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError:
        client.close()
        raise ClusterUnreachable(address, f"no worker within {_CONNECT_SECONDS} seconds") from None
    return client


def _result(future: Future, address: str) -> Done:
    try:
        done: Done = future.result()
    except FuzzError:
        raise
    except KilledWorker as error:
        raise WorkerDied(f"{address}: {error}") from error
    except CancelledError as error:
        raise ClusterLost(f"{address}: the scheduler is gone") from error
    except ImportError as error:
        raise WorkerDiffers(f"{address}: a worker has no steelyard, or another one ({error})") from error
    return done
