"""Capture the log lines of functions, of one service or of a simulated saga."""

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
    """Start telemetry as a function of this stage does; yields its standard output."""
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
    """The decoded lines. A line that is not JSON fails the test."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


class LoggedSaga(ScriptedSaga):
    """A scripted saga whose log lines name their service, as in separate processes."""

    def handle(self, message: Sent) -> None:
        with telemetry.about(service=message.consumer):
            super().handle(message)
