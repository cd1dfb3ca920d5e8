"""Runs a function in parallel processes, with a time limit for each call."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from signal import SIGKILL
from typing import Any, TypeVar

Item = TypeVar("Item")
Work = Callable[[Any], Any]

SPAWN = multiprocessing.get_context("spawn")
"""Starts a process without a copy of this one's memory, threads and locks."""


class Stopped(str):
    """Why a call has no result: ``time limit``, or its process's exit status."""

    __slots__ = ()


class _Worker:
    """A process that runs one call after another; ``deadline`` is that of the current call."""

    def __init__(self, work: Work, seconds: float) -> None:
        self.seconds = seconds
        self.item: Any = None
        self.deadline = 0.0
        self.connection, other = SPAWN.Pipe()
        self.process = SPAWN.Process(target=_serve, args=(work, other), daemon=True)
        self.process.start()
        other.close()
        self.connection.recv()  # its modules are imported; their time does not count

    def start(self, item: Any) -> None:
        self.item, self.deadline = item, time.monotonic() + self.seconds
        self.connection.send(item)

    def result(self) -> Any:
        """The result of the current call. Stopped if there is none: the process has ended."""
        if not self.connection.poll():
            return Stopped("time limit")
        try:
            return self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            return Stopped(f"exit status {self.process.exitcode}")

    def stop(self) -> None:
        """End the process and the processes that it started."""
        with suppress(ProcessLookupError, PermissionError):  # all have ended
            os.killpg(self.process.pid, SIGKILL)
        self.process.join()
        self.connection.close()


def run(work: Work, items: Sequence[Item], jobs: int, seconds: float) -> Iterator[tuple[Item, Any]]:
    """Each item with the result of ``work(item)``, or Stopped, in the order of completion.

    ``work`` must be importable by its name. A call that takes longer than ``seconds``, or whose
    process ends, does not affect the other calls.
    """
    remaining = list(reversed(items))
    workers: list[_Worker] = []
    try:
        while remaining or workers:
            while remaining and len(workers) < jobs:
                workers.append(_Worker(work, seconds))
                workers[-1].start(remaining.pop())
            for worker in _finished(workers):
                item, result = worker.item, worker.result()
                if isinstance(result, Stopped) or not remaining:
                    workers.remove(worker)
                    worker.stop()
                else:
                    worker.start(remaining.pop())
                yield item, result
    finally:
        for worker in workers:
            worker.stop()


def _finished(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait for workers that have a result, have ended or are past their deadline."""
    patience = min(worker.deadline for worker in workers) - time.monotonic()
    ready = wait([worker.connection for worker in workers], max(0, patience))
    now = time.monotonic()
    return [w for w in workers if w.connection in ready or w.deadline <= now]


def _serve(work: Work, connection: Connection) -> None:
    """Answer each item with its result, until the other end is closed."""
    os.setpgid(0, 0)  # so that ``stop`` reaches the processes that the work starts
    connection.send(None)
    with suppress(EOFError):
        while True:
            connection.send(work(connection.recv()))
