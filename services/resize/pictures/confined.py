"""Runs work in a child process with limits on memory and time.

If the work exceeds a limit or crashes, only the child ends. It uses a fork, a pipe and resource
limits, because Lambda has no ``/dev/shm``, which Python's process pools and queues need. The child
has the parent's memory, but none of its other threads. A lock that another thread held at the fork
is never released in the child. So the work must not take a Python lock or import a module; the
allocators, logging and the import system reset their locks at a fork.

On macOS memory is not limited, because the system ignores such a limit; time is. Its warning about
forks concerns Objective-C, which Pillow and its decoders do not use.
"""

import logging
import math
import os
import resource
import select
import struct
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL, Signals
from threading import Lock
from typing import NoReturn

from services.resize.pictures.memory_usage import memory_usage
from shared.errors import TransientError

Work = Callable[[], Sequence[bytes]]

ROOM_FOR_THREADS = 256 * 1024**2
"""Bytes of address space in addition to the allowance: each of a decoder's four threads reserves a
stack of 8 MB and a heap of 64 MB, and uses little of them."""

LENGTH = struct.Struct(">Q")
CHUNK = 1024**2

_forking = Lock()
"""One fork at a time: otherwise a child could inherit another child's pipe and hold it open."""


@dataclass(frozen=True)
class Allowance:
    """A child's limits: ``memory`` in bytes above the parent's, ``seconds`` of wall-clock time."""

    memory: int
    seconds: float


class Stopped(Exception):
    """The child returned no result.

    ``by`` is the reason: ``time``, ``answer`` (too long), the name of a signal, or its exit status.
    """

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


def deadline_in(seconds: float) -> float:
    """The moment in this many seconds, for ``is_past``. Work may end early at its own deadline."""
    return time.monotonic() + seconds


def is_past(deadline: float) -> bool:
    return time.monotonic() > deadline


def confined(work: Work, allowance: Allowance) -> bytes:
    """Run the work in a child process; return its parts, joined.

    The child has ended when this returns. ``work`` must not raise; its output and logs are lost.
    Raises Stopped if the child returned no complete result, TransientError if no process could be
    started.
    """
    deadline = time.monotonic() + allowance.seconds
    child, reader = _start(work, allowance)
    stopped, result = "", b""
    try:
        result = _read(reader, deadline, allowance.memory)
    except Stopped as error:
        stopped = error.by
    finally:
        os.close(reader)
        status = _end(child)
    if stopped or not _is_complete(result):
        raise Stopped(stopped or status)
    return result[LENGTH.size :]


def _start(work: Work, allowance: Allowance) -> tuple[int, int]:
    """Fork; return the child's process id and the file descriptor of its output."""
    with _forking, warnings.catch_warnings():
        # Python 3.12 warns about locks of other threads; see the module's docstring.
        warnings.simplefilter("ignore", DeprecationWarning)
        reader, writer = os.pipe()
        try:
            child = os.fork()
        except OSError as error:
            os.close(reader)
            os.close(writer)
            raise TransientError(
                "no-process", "No process could be started to decode in."
            ) from error
        if child == 0:
            _run_and_exit(work, writer, allowance)
        os.close(writer)
        return child, reader


def _run_and_exit(work: Work, writer: int, allowance: Allowance) -> NoReturn:
    """Run the work and exit. The child must not return or raise, or it would run parent code."""
    try:
        _silence()
        _limit(allowance)
        parts = work()
        _write(writer, LENGTH.pack(sum(map(len, parts))))
        for part in parts:
            _write(writer, part)
    finally:
        os._exit(0)  # the parent recognizes an incomplete result by its length


def _silence() -> None:
    """Discard logs and output. Decoders print many lines about damage; one refusal is logged."""
    logging.disable()
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(devnull, stream)


def _limit(allowance: Allowance) -> None:
    """Set the child's limits. The CPU limit ends a child whose parent was killed."""
    cpu = math.ceil(time.process_time() + allowance.seconds * 4)  # up to four threads
    _lower(resource.RLIMIT_CPU, cpu)
    _lower(resource.RLIMIT_CORE, 0)
    if now := memory_usage():
        _lower(resource.RLIMIT_AS, now.addresses + allowance.memory + ROOM_FOR_THREADS)


def _lower(kind: int, maximum: int) -> None:
    """Set a limit, unless a stricter one exists, which only root may raise."""
    _, hard = resource.getrlimit(kind)
    limit = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
    resource.setrlimit(kind, (limit, limit))


def _write(writer: int, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(writer, rest) :]


def _read(reader: int, deadline: float, maximum: int) -> bytes:
    """Everything the child writes until it closes the pipe. Raises Stopped at a limit."""
    result = bytearray()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    while len(result) <= maximum + LENGTH.size:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not poll.poll(remaining * 1000):
            raise Stopped("time")
        chunk = os.read(reader, CHUNK)
        if not chunk:
            return bytes(result)
        result += chunk
    raise Stopped("answer")


def _is_complete(result: bytes) -> bool:
    if len(result) < LENGTH.size:
        return False
    (length,) = LENGTH.unpack_from(result)
    return bool(length == len(result) - LENGTH.size)


def _end(child: int) -> str:
    """Kill the child if it still runs, and reap it; return its signal's name or exit status."""
    with suppress(ProcessLookupError):
        os.kill(child, SIGKILL)  # has no effect on a child that has already ended
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Signals(-code).name if code < 0 else f"exit {code}"
