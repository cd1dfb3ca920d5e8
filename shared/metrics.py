"""Every number that Darkroom tells of itself: what services count, what infra draws and watches.

All have the same two dimensions, so there are as many metrics as services times names: a few dozen,
however many images, errors or people there are. What else is known (why, of which image) stands
beside the number on the same log line, where CloudWatch Logs Insights can group by it.
"""

from dataclasses import dataclass
from typing import Literal

NAMESPACE = "Darkroom"
DIMENSIONS = ("stage", "service")
"""The deployment, and the service that the number is about."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A name and a unit, in CloudWatch's words. There is one of each, known by its identity: to be
    found among others costs nothing.
    """

    name: str
    unit: Literal["Count", "Milliseconds"]


DURATION = Metric("Duration", "Milliseconds")
"""Of one try at one event, from taking it up to its end, whatever that is."""
AGE = Metric("Age", "Milliseconds")
"""Of a message when it is done: how long the whole hop took, waits and retries included. There are
as many as messages that were done.
"""
EFFECTS = Metric("Effects", "Count")
"""Effects that cost or are heard, each told the moment it is taken, so that a worker that dies next
has told it: sets of renditions made, detections paid for, notifications sent.
"""
EXPECTED_EFFECTS = Metric("ExpectedEffects", "Count")
"""Effects that the work called for, told once it is done. EFFECTS in excess of it were repeated."""
THROTTLED = Metric("Throttled", "Count")
"""Tries that ended because AWS asked to slow down."""
FAILED = Metric("Failed", "Count")
"""Of each run that ended: 1 if it failed by our fault or the world's, else 0. So its average is the
share of those, and there are as many as runs.
"""
DEAD_LETTERS = Metric("DeadLetters", "Count")
"""Messages that a service gave up, as rescue keeps them."""
REAPED = Metric("Reaped", "Count")
"""Runs that fell silent and uploads that nobody heard of."""

METRICS = (DURATION, AGE, EFFECTS, EXPECTED_EFFECTS, THROTTLED, FAILED, DEAD_LETTERS, REAPED)
