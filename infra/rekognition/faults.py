"""Fault injection: throttled, failed and delayed requests, repeatable by a seed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from infra.rekognition.errors import Code, RekognitionError


@dataclass(frozen=True)
class FaultPlan:
    """Which faults to inject.

    `throttle` and `fail` are shares of the requests between 0 and 1. Each request is delayed by a
    random time between `least_latency` and `most_latency`, in seconds.
    """

    throttle: float = 0.0
    fail: float = 0.0
    least_latency: float = 0.0
    most_latency: float = 0.0
    seed: int = 0


class Faults:
    """Injects the faults of a plan. With the same seed, the n-th request gets the same fault."""

    def __init__(self, plan: FaultPlan, sleep: Callable[[float], None] = time.sleep) -> None:
        self._plan = plan
        self._sleep = sleep
        self._random = random.Random(plan.seed)  # noqa: S311 (a repeatable sequence is the point)
        self._lock = Lock()

    def inject(self) -> None:
        """Delay this request or raise RekognitionError, as planned."""
        plan = self._plan
        with (
            self._lock
        ):  # always draw three numbers, so that one fault's share does not affect another's
            throttle, fail, wait = (self._random.random() for _ in range(3))
        latency = plan.least_latency + wait * (plan.most_latency - plan.least_latency)
        if latency:
            self._sleep(latency)
        if throttle < plan.throttle:
            raise RekognitionError(Code.THROTTLING, "throttled on purpose (--throttle)")
        if fail < plan.fail:
            raise RekognitionError(Code.INTERNAL, "failed on purpose (--fail)")
