"""The retry policy: whether a failed attempt is retried, after how long, and whether it counts.

Pure: it reads no clock and draws no random number.
"""

from dataclasses import dataclass
from zlib import crc32

from shared.errors import INTERNAL, DarkroomError, Fault, Overtaken, PermanentError, Throttled

THROTTLED_FOR = 6 * 3600.0
"""Seconds. Throttling counts as no attempt, so it ends by the age of the message."""
LONGEST_WAIT = 900.0
"""Seconds. SQS allows 12 hours; a longer wait than this only delays the recovery."""


@dataclass(frozen=True)
class Retry:
    """Retry the message after this many seconds.

    ``counts_as_attempt`` says whether the failed attempt counts towards ``max_attempts``.
    """

    seconds: float
    counts_as_attempt: bool


@dataclass(frozen=True)
class GiveUp:
    """Do not retry. The step reports its failure, or the message goes to the dead-letter queue."""

    reason: str
    detail: str
    fault: Fault


def after(
    error: Exception, *, attempts: int, max_attempts: int, age: float, salt: str
) -> Retry | GiveUp:
    """What follows a failed attempt.

    ``attempts`` counts the attempts so far, this one included; ``age`` is the message's, in
    seconds. ``salt`` is the message's id: it spreads the waits of messages that failed together,
    and the same message at the same attempt always waits equally long.
    """
    if isinstance(error, PermanentError):
        return GiveUp(error.reason, error.detail, error.fault)
    if isinstance(error, Overtaken):
        return Retry(spread(5, salt, attempts), counts_as_attempt=False)
    if isinstance(error, Throttled) and age < THROTTLED_FOR:
        wait = min(LONGEST_WAIT, 30 + age / 2)
        return Retry(spread(wait, salt, attempts), counts_as_attempt=False)
    if attempts < max_attempts:
        return Retry(backoff(attempts, salt), counts_as_attempt=True)
    if isinstance(error, DarkroomError):
        return GiveUp(error.reason, error.detail, error.fault)
    return GiveUp(INTERNAL, f"{type(error).__name__}: {error}", Fault.INTERNAL)


def backoff(attempts: int, salt: str) -> float:
    """Seconds before the next attempt: 2, 8, 32, 128 …, at most ``LONGEST_WAIT``, with jitter."""
    steps = min(max(1, attempts), 6) - 1  # the sixth wait is the longest, and 4**n would overflow
    return spread(min(LONGEST_WAIT, 2.0 * 4**steps), salt, attempts)


def spread(seconds: float, salt: str, attempts: int) -> float:
    """Jitter: between half of ``seconds`` and all of it, derived from ``salt`` and ``attempts``."""
    share = crc32(f"{salt}/{attempts}".encode()) / 0xFFFFFFFF
    return seconds * (0.5 + share / 2)
