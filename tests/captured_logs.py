"""Captures what functions log, alone or as a whole saga whose lines name their service."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from shared import telemetry
from shared.telemetry import log
from tests.lab.simulator.scripted import ScriptedSaga
from tests.lab.simulator.simulation import Sent

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


class LoggedSaga(ScriptedSaga):
    """A scripted saga that puts the service's name on every line, as separate processes would."""

    def handle(self, message: Sent) -> None:
        with telemetry.about(service=message.consumer):
            super().handle(message)
