"""When a failed try is tried again, after how long, and who pays for it. The whole policy, pure."""

from dataclasses import dataclass
from zlib import crc32

from shared.errors import INTERNAL, DarkroomError, Fault, Overtaken, PermanentError, Throttled

THROTTLED_FOR = 6 * 3600.0
"""s. Throttling is charged to no attempt, so it ends by the age of the message."""
LONGEST_WAIT = 900.0
"""s. Past this, waiting longer helps nobody; SQS itself allows 12 hours."""


@dataclass(frozen=True)
class Retry:
    """Put the message back for so many seconds; ``counts_as_attempt`` if the try counts as one."""

    seconds: float
    counts_as_attempt: bool


@dataclass(frozen=True)
class GiveUp:
    """No further try. What is left to do depends on the kind of the step."""

    reason: str
    detail: str
    fault: Fault


def after(
    error: Exception, *, attempts: int, max_attempts: int, age: float, salt: str
) -> Retry | GiveUp:
    """What to do after the ``attempts``-th try of a message ``age`` seconds old failed.

    ``salt`` varies the wait between messages, so that those which failed together do not return
    together; the same message at the same attempt always waits the same time.
    """
    if isinstance(error, PermanentError):
        return GiveUp(error.reason, error.detail, error.fault)
    if isinstance(error, Overtaken):
        return Retry(spread(5, salt, attempts), counts_as_attempt=False)
    if isinstance(error, Throttled) and age < THROTTLED_FOR:
        return Retry(
            spread(min(LONGEST_WAIT, 30 + age / 2), salt, attempts), counts_as_attempt=False
        )
    if attempts < max_attempts:
        return Retry(backoff(attempts, salt), counts_as_attempt=True)
    if isinstance(error, DarkroomError):
        return GiveUp(error.reason, error.detail, error.fault)
    return GiveUp(INTERNAL, f"{type(error).__name__}: {error}", Fault.INTERNAL)


def backoff(attempts: int, salt: str) -> float:
    """Seconds before the next try: 2, 8, 32, 128 … at most ``LONGEST_WAIT``, spread by half."""
    steps = min(max(1, attempts), 6) - 1  # the sixth wait is the longest, and 4**n would overflow
    return spread(min(LONGEST_WAIT, 2.0 * 4**steps), salt, attempts)


def spread(seconds: float, salt: str, attempts: int) -> float:
    """Between half of ``seconds`` and all of it, decided by ``salt`` and ``attempts`` alone."""
    share = crc32(f"{salt}/{attempts}".encode()) / 0xFFFFFFFF
    return seconds * (0.5 + share / 2)
