"""What functions put on standard output, read back; and the saga, whose every service says so."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from shared import telemetry
from shared.telemetry import log
from tests.saga.world import Delivery, World

Line = dict[str, Any]


@contextmanager
def captured_logs(service: str, stage: str = "test", level: str = "INFO") -> Iterator[io.StringIO]:
    """Telemetry, started as a function of this stage does it: what it has put out so far."""
    handlers, before, propagate = log.handlers[:], log.level, log.propagate
    token = telemetry._facts.set({})
    with redirect_stdout(io.StringIO()) as out:
        telemetry.start(service, stage=stage, level=level)
    try:
        yield out
    finally:
        telemetry._facts.reset(token)
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(before)


def lines(out: io.StringIO) -> list[Line]:
    """Every line, decoded: one that is no JSON fails the test."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


class LoggedWorld(World):
    """The saga with each service's name on its lines, as if each had its own process."""

    def _deliver(self, name: str, delivery: Delivery) -> None:
        with telemetry.about(service=name):
            super()._deliver(name, delivery)

    def _rescue(self, name: str, delivery: Delivery) -> None:
        with telemetry.about(service="rescue"):
            super()._rescue(name, delivery)
