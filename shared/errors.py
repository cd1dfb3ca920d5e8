"""What can go wrong, told apart by whether trying again helps.

    DarkroomError
    ├── PermanentError       trying again changes nothing: reported at the first try
    └── TransientError       the world may be better later: tried again with backoff, each charged
        ├── Throttled        told to slow down: tried again more slowly, charged to nothing
        └── Overtaken        another worker, or another run, has taken over: nothing to do here

Adapters turn foreign errors into these where they meet them, by type and code; nobody further in
reads a foreign error, and nobody at all reads a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

LONGEST_DETAIL = 1000
"""Characters: an explanation needs no more, and it has to fit into a message beside all else."""

INTERNAL = "internal-error"
"""The reason of what is no error of ours: a step failed in a way that nobody expected."""


class Fault(StrEnum):
    """Who has to act so that the same thing would work: the uploader, nobody (wait), or us."""

    CLIENT = "client"
    DEPENDENCY = "dependency"
    INTERNAL = "internal"


class DarkroomError(Exception):
    """An expected failure.

    ``reason`` is a stable code in kebab-case that programs may compare (``not-an-image``),
    ``detail`` a sentence for people, ``facts`` what else is known: fields for the log.
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
    """Trying again changes nothing. At fault, unless said otherwise, is what was uploaded."""

    fault = Fault.CLIENT


class TransientError(DarkroomError):
    """The world may be better later: a service that is down, a connection that broke."""

    fault = Fault.DEPENDENCY


class Throttled(TransientError):
    """The world asks to slow down. Not a failed try, so it is charged to no budget."""


class Overtaken(TransientError):
    """This worker outlived its claim, and what it was about to do is no longer its to do."""


def reason_of(error: Exception) -> str:
    """The stable code of any error; what nobody expected is an ``internal-error``."""
    return error.reason if isinstance(error, DarkroomError) else INTERNAL


def sentence(words: str) -> str:
    """The words as every queue, topic and table takes them: one line, no longer than a detail.

    What cannot be printed becomes a space. Foreign messages put anything at all into errors.
    """
    return "".join(c if c.isprintable() else " " for c in words[:LONGEST_DETAIL])


@contextmanager
def error_context(**facts: object) -> Iterator[None]:
    """Add what is known by now to the facts of any of our errors that passes through."""
    try:
        yield
    except DarkroomError as error:
        error.facts.update(facts)
        raise
