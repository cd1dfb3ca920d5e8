"""A service with fakes, whose step is a function of the test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.bus import Bus, Queue
from shared.consumer import consume
from shared.contracts.envelope import Event
from shared.contracts.images import ImageCompleted, ImageFailed, ImageResized, ImageUploaded
from shared.contracts.record import Record, Run, RunStatus
from shared.delivery import Compensate, Deliver, Limits, Route, Service, Step
from shared.ledger import Ledger
from tests.contract.samples import AT, RESIZED, SOURCE
from tests.fakes import (
    Clock,
    FixedTime,
    MemoryBus,
    MemoryLedger,
    MemoryQueue,
    MemoryRecords,
    sqs_batch,
)

StepFunction = Callable[..., Any]


def resized(event: Any, _context: Any) -> Iterator[Event]:
    """A step that succeeds and publishes ``image.resized``."""
    yield RESIZED.model_copy(update={"image": event.image, "run": event.run})


@dataclass
class Bench:
    """The service, its adapters, and the events that its steps received."""

    step: StepFunction = resized
    clock: Clock = field(default_factory=Clock)
    bus: Bus = field(default_factory=MemoryBus)
    queue: Queue = field(default_factory=MemoryQueue)
    ledger: Ledger = field(default_factory=MemoryLedger)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    time_left: FixedTime = field(default_factory=FixedTime)
    handled: list[Any] = field(default_factory=list)
    compensated: list[Any] = field(default_factory=list)

    def _run(self, event: Any, context: Any) -> Any:
        self.handled.append(event)
        return self.step(event, context)

    def routes(self) -> dict[type[Event], Route]:
        return {
            ImageUploaded: Step(self._run, compensate=self.compensated.append),
            ImageResized: Step(self._run, compensate=self.compensated.append),
            ImageCompleted: Deliver(self._run),
            ImageFailed: Compensate(self.compensated.append),
        }

    def consume(self, *bodies: str, receives: int = 1) -> list[str]:
        """Handle one batch; returns the ids of the messages to retry."""
        service = Service(
            name="toy",
            routes=self.routes(),
            bus=self.bus,
            queue=self.queue,
            ledger=self.ledger,
            runs=self.records,
            limits=Limits(timeout=30, worst_case=5, max_attempts=5),
            clock=self.clock,
        )
        batch = sqs_batch(*bodies, sent=self.clock(), receives=receives)
        response = consume(service, batch, self.time_left)
        assert set(response) == {"batchItemFailures"}
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def end(self, event: Any, status: RunStatus) -> None:
        """Record that the run of this event ended."""
        run = Run(status=status, started=AT, ended=AT)
        self.records.records[event.image] = Record(
            image=event.image, runs={event.run: run}, source=SOURCE
        )

    def published_types(self) -> list[str]:
        return [envelope.type for envelope in self.bus.published]

    def reports(self) -> list[Any]:
        return [e.data for e in self.bus.published if e.type == "step.failed.v1"]

    def attempts(self) -> list[int]:
        return [row.attempts for row in self.ledger.rows.values()]

    def completed(self) -> list[bool]:
        return [row.completed_at is not None for row in self.ledger.rows.values()]

    def waits(self) -> list[float]:
        return [seconds for _, seconds in self.queue.returned]


@pytest.fixture
def bench() -> Bench:
    return Bench()
