"""The CloudWatch metrics: services emit them, ``infra`` draws them and puts alarms on them.

Every metric has the same two dimensions. So their number is services times names: a few dozen,
whatever the traffic. Further fields (the reason, the image) are on the same log line, where
CloudWatch Logs Insights can group by them.
"""

from dataclasses import dataclass
from typing import Literal

NAMESPACE = "Darkroom"
DIMENSIONS = ("stage", "service")
"""The stage, and the service that the metric is about."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A name and a unit of CloudWatch's. Compared by identity, which is fast."""

    name: str
    unit: Literal["Count", "Milliseconds"]


DURATION = Metric("Duration", "Milliseconds")
"""Of one attempt at one event, from parsing it to its end."""
AGE = Metric("Age", "Milliseconds")
"""Of a message when it is handled: the duration of the whole hop, with waits and retries. One for
each message.
"""
EFFECTS = Metric("Effects", "Count")
"""Effects that cost money or reach the outside: sets of renditions created, detections paid for,
notifications sent. Each is counted when it happens, so it counts even if the worker dies right
after.
"""
EXPECTED_EFFECTS = Metric("ExpectedEffects", "Count")
"""The effects that an event needs, counted when its step completes. EFFECTS minus this is the
number of repeats.
"""
THROTTLED = Metric("Throttled", "Count")
"""Attempts that ended because AWS throttled a request."""
FAILED = Metric("Failed", "Count")
"""Of each run that ended: 1 if it failed and the client cannot fix it, else 0. So the average is
the failure rate, and the sample count is the number of runs.
"""
DEAD_LETTERS = Metric("DeadLetters", "Count")
"""Messages that a service dead-lettered, counted by ``rescue``."""
REAPED = Metric("Reaped", "Count")
"""Stuck runs and missed uploads that the timeout sweeper found."""

METRICS = (DURATION, AGE, EFFECTS, EXPECTED_EFFECTS, THROTTLED, FAILED, DEAD_LETTERS, REAPED)
