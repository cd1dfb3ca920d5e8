"""Work in a child process that may die in the parent's place: too much memory, time, or a crash.

A fork, a pipe and two limits: Lambda has no ``/dev/shm``, so no pool and no queue of Python's. The
child has the parent's memory and none of its other threads; it works, answers and leaves. What
another thread held at the fork is held for ever in the child, so the work must take no lock of
Python's and import nothing; the allocators, the log and the import system renew theirs at a fork.

On macOS memory is not limited: the system takes such a limit and does not keep it. Time is. Its
warning about a fork concerns Objective-C, of which neither Pillow nor its decoders use any.
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

from services.resize.pictures.held import held
from shared.errors import TransientError

Work = Callable[[], Sequence[bytes]]

ROOM_FOR_THREADS = 256 * 1024**2
"""Bytes of address space beside what decoding fills: a decoder's four threads reserve a stack of
8 MB and a heap of 64 MB each, and touch little of either."""

LENGTH = struct.Struct(">Q")
CHUNK = 1024**2

_forking = Lock()
"""Else a child forked between another's pipe and fork would hold that pipe open when it dies."""


@dataclass(frozen=True)
class Allowance:
    """What a child may take: ``memory`` in bytes above the parent's, ``seconds`` by the clock."""

    memory: int
    seconds: float


class Stopped(Exception):
    """The child gave no answer; ``by``: ``time``, ``answer`` (too long), a signal, or its exit."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


def confined(work: Work, allowance: Allowance) -> bytes:
    """Do the work in a child and give back what it returned, joined.

    The child is gone when this returns, whatever became of it. ``work`` must not raise, and what it
    prints or logs is lost. Raises Stopped if the child gave no whole answer, TransientError if none
    could be started.
    """
    until = time.monotonic() + allowance.seconds
    child, answers = _start(work, allowance)
    stopped, answer = "", b""
    try:
        answer = _read(answers, until, allowance.memory)
    except Stopped as error:
        stopped = error.by
    finally:
        os.close(answers)
        how = _end(child)
    if stopped or not _is_whole(answer):
        raise Stopped(stopped or how)
    return answer[LENGTH.size :]


def _start(work: Work, allowance: Allowance) -> tuple[int, int]:
    """The child's id, and where to read what it writes."""
    with _forking, warnings.catch_warnings():
        # Python 3.12 warns of locks that other threads may hold: see the module's docstring.
        warnings.simplefilter("ignore", DeprecationWarning)
        answers, writing = os.pipe()
        try:
            child = os.fork()
        except OSError as error:
            os.close(answers)
            os.close(writing)
            raise TransientError(
                "no-process", "No process could be started to decode in."
            ) from error
        if child == 0:
            _work_and_leave(work, writing, allowance)
        os.close(writing)
        return child, answers


def _work_and_leave(work: Work, writing: int, allowance: Allowance) -> NoReturn:
    """The child's whole life. Nothing may return or rise from here: the parent's code is above."""
    try:
        _fall_silent()
        _limit(allowance)
        parts = work()
        _write(writing, LENGTH.pack(sum(map(len, parts))))
        for part in parts:
            _write(writing, part)
    finally:
        os._exit(0)  # an answer that is not whole says the rest


def _fall_silent() -> None:
    """Decoders complain of damage on standard error, line by line; in the log it is one refusal."""
    logging.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _limit(allowance: Allowance) -> None:
    """The CPU limit ends a child whose parent was killed and cannot end it."""
    cpu = math.ceil(time.process_time() + allowance.seconds * 4)  # of up to four threads
    _lower(resource.RLIMIT_CPU, cpu)
    _lower(resource.RLIMIT_CORE, 0)
    if now := held():
        _lower(resource.RLIMIT_AS, now.addresses + allowance.memory + ROOM_FOR_THREADS)


def _lower(kind: int, most: int) -> None:
    """Set a limit; one that is stricter already stays, since only root may raise it."""
    _, hard = resource.getrlimit(kind)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (least, least))


def _write(writing: int, part: bytes) -> None:
    left = memoryview(part)
    while left:
        left = left[os.write(writing, left) :]


def _read(answers: int, until: float, most: int) -> bytes:
    """All that the child writes until it closes its end."""
    answer = bytearray()
    waiting = select.poll()
    waiting.register(answers, select.POLLIN)
    while len(answer) <= most + LENGTH.size:
        left = until - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            raise Stopped("time")
        chunk = os.read(answers, CHUNK)
        if not chunk:
            return bytes(answer)
        answer += chunk
    raise Stopped("answer")


def _is_whole(answer: bytes) -> bool:
    if len(answer) < LENGTH.size:
        return False
    (length,) = LENGTH.unpack_from(answer)
    return bool(length == len(answer) - LENGTH.size)


def _end(child: int) -> str:
    """Kill it, if it lives, and take leave of it; says how it ended."""
    with suppress(ProcessLookupError):
        os.kill(child, SIGKILL)  # one that has ended already keeps the end it had
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Signals(-code).name if code < 0 else f"exit {code}"
