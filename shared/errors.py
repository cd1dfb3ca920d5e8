"""The errors of Darkroom, sorted by whether a retry helps.

    DarkroomError
    ├── PermanentError       a retry changes nothing: reported after the first attempt
    └── TransientError       a dependency may recover: retried with backoff, each retry an attempt
        ├── Throttled        a dependency asks to slow down: retried slowly, not counted
        └── Overtaken        another worker or another run has taken over: retried, not counted

Adapters translate the errors of their libraries into these, by type and code. Nothing else handles
a library's error, and nothing at all parses an error message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

LONGEST_DETAIL = 1000
"""Characters. A detail has to fit into a message beside everything else."""

INTERNAL = "internal-error"
"""The reason of an unexpected error: any exception that is no DarkroomError."""


class Fault(StrEnum):
    """Who can fix a failure."""

    CLIENT = "client"
    """The uploader, with another file."""
    DEPENDENCY = "dependency"
    """Nobody: a service that Darkroom depends on was unavailable. A replay may succeed."""
    INTERNAL = "internal"
    """Whoever operates Darkroom: a bug, or a wrong setting or permission."""


class DarkroomError(Exception):
    """An expected failure.

    ``reason`` is a stable code in kebab-case, for programs (``not-an-image``). ``detail`` is a
    sentence for people. ``facts`` are further fields for the log.
    """

    fault = Fault.INTERNAL

    def __init__(
        self, reason: str, detail: str, *, fault: Fault | None = None, **facts: object
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.fault = fault or type(self).fault
        self.facts = facts


class PermanentError(DarkroomError):
    """A retry changes nothing. The client's fault, unless it is raised with another one."""

    fault = Fault.CLIENT


class TransientError(DarkroomError):
    """A dependency may recover: a service is down, or a connection broke."""

    fault = Fault.DEPENDENCY


class Throttled(TransientError):
    """A dependency asks to slow down. It does not count as an attempt."""


class Overtaken(TransientError):
    """This worker's lease has expired, and another worker or another run has taken over."""


def reason_of(error: Exception) -> str:
    """The stable code of an error: ``internal-error`` for an unexpected one."""
    return error.reason if isinstance(error, DarkroomError) else INTERNAL


def sentence(text: str) -> str:
    """The text as every queue, topic and table accepts it: one line of ``LONGEST_DETAIL`` at most.

    Each unprintable character becomes a space, since the messages of libraries may hold any.
    """
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST_DETAIL])


@contextmanager
def error_context(**facts: object) -> Iterator[None]:
    """Add these facts to every DarkroomError that is raised inside."""
    try:
        yield
    except DarkroomError as error:
        error.facts.update(facts)
        raise
