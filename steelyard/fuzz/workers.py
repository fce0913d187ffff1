"""Tasks on several processes of this machine, each with an EVM of its own."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.campaign import StopSeed
from steelyard.fuzz.errors import WorkerDied
from steelyard.fuzz.schedule import Schedule, perform

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from multiprocessing.context import SpawnProcess

    from steelyard.fuzz.schedule import Done, Plan, Task

__all__ = ["play"]

_TICK_SECONDS = 0.25
_PATIENCE_SECONDS = 2
"""For a worker to end its move."""


def _work(pipe: Connection, stop: Any, progress: Any, place: int) -> None:
    """Do the tasks that come through the pipe, until it is closed."""
    total = 0

    def on_step(played: int) -> None:
        progress[place] = total + played
        if stop.value:
            raise StopSeed

    while True:
        try:
            task: Task = pipe.recv()
            done = perform(task, on_step=on_step)
            if not task.trace:
                total += done.steps
            pipe.send(done)
        except (EOFError, ConnectionError):
            return


@contextmanager
def _unseen_interrupts() -> Iterator[None]:
    """Let processes that are started here not see the user's Ctrl-C, which is for this one."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def play(plan: Plan, on_progress: Callable[[int], None] | None = None) -> Generator[Done, None, None]:
    """Yield what came of each task as it ends, until steps or time are used up, or one fails.

    Parameters
    ----------
    plan : Plan
        What to play.
    on_progress : callable, optional
        Is told a few times a second how many transactions of seeds there were.

    Raises
    ------
    WorkerDied
        See there.

    Notes
    -----
    Seeds are handed out in order, and as many as the steps need; so steps decide what is played, and time does not,
    unless it runs out. On an interrupt, or when the caller closes the iterator, workers end their move and go; what
    they had not finished does not count.
    """
    context = get_context("spawn")
    stop, progress = context.RawValue("b", 0), context.RawArray("q", plan.workers)
    schedule = Schedule(plan)
    workers: dict[Connection, SpawnProcess] = {}
    busy: set[Connection] = set()

    def hand_out(pipe: Connection, task: Task | None) -> None:
        if task is not None:
            pipe.send(task)
            busy.add(pipe)

    try:
        for place in range(plan.workers):
            task = schedule.next()
            if task is None:
                break
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, stop, progress, place), daemon=True)
            with _unseen_interrupts():
                process.start()
            theirs.close()
            workers[ours] = process
            hand_out(ours, task)
        while busy:
            for pipe in wait(list(busy), timeout=_TICK_SECONDS):
                assert isinstance(pipe, Connection)
                busy.discard(pipe)
                try:
                    done: Done = pipe.recv()
                    schedule.note(done)
                    hand_out(pipe, schedule.next())
                except (EOFError, ConnectionError):
                    workers[pipe].join(_PATIENCE_SECONDS)
                    raise WorkerDied(f"a worker ended with exit code {workers[pipe].exitcode}") from None
                yield done
            if on_progress is not None:
                on_progress(sum(progress))
            if schedule.is_over:
                stop.value = 1
    finally:
        stop.value = 1
        for pipe, process in workers.items():
            pipe.close()
            process.join(_PATIENCE_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join()
