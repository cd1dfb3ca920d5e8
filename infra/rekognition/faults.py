"""Misbehaves on purpose: throttles, fails and dawdles, by a seed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from infra.rekognition.errors import Code, RekognitionError


@dataclass(frozen=True)
class Plan:
    """Shares of the calls between 0 and 1, and the seconds that each call takes longer."""

    throttle: float = 0.0
    fail: float = 0.0
    least_latency: float = 0.0
    most_latency: float = 0.0
    seed: int = 0


class Faults:
    """The same seed gives the n-th call the same fate, whatever call it is."""

    def __init__(self, plan: Plan, sleep: Callable[[float], None] = time.sleep) -> None:
        self._plan = plan
        self._sleep = sleep
        self._random = random.Random(plan.seed)  # noqa: S311 (a repeatable sequence is the point)
        self._lock = Lock()

    def strike(self) -> None:
        """Wait, raise RekognitionError, or let the call pass."""
        plan = self._plan
        with self._lock:  # all three, so that what one call draws never depends on another fault
            throttle, fail, wait = (self._random.random() for _ in range(3))
        latency = plan.least_latency + wait * (plan.most_latency - plan.least_latency)
        if latency:
            self._sleep(latency)
        if throttle < plan.throttle:
            raise RekognitionError(Code.THROTTLING, "throttled on purpose (--throttle)")
        if fail < plan.fail:
            raise RekognitionError(Code.INTERNAL, "failed on purpose (--fail)")
