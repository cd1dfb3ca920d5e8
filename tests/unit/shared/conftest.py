"""One service over fakes, whose one step does what the test says."""

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

Act = Callable[..., Any]


def resized(event: Any, _turn: Any) -> Iterator[Event]:
    """What a healthy step says: its run was resized."""
    yield RESIZED.model_copy(update={"image": event.image, "run": event.run})


@dataclass
class Bench:
    """The service, what it stands on, and what was asked of its steps."""

    act: Act = resized
    clock: Clock = field(default_factory=Clock)
    bus: Bus = field(default_factory=MemoryBus)
    queue: Queue = field(default_factory=MemoryQueue)
    ledger: Ledger = field(default_factory=MemoryLedger)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    time_left: FixedTime = field(default_factory=FixedTime)
    done: list[Any] = field(default_factory=list)
    undone: list[Any] = field(default_factory=list)

    def _act(self, event: Any, context: Any) -> Any:
        self.done.append(event)
        return self.act(event, context)

    def routes(self) -> dict[type[Event], Route]:
        return {
            ImageUploaded: Step(self._act, compensate=self.undone.append),
            ImageResized: Step(self._act, compensate=self.undone.append),
            ImageCompleted: Deliver(self._act),
            ImageFailed: Compensate(self.undone.append),
        }

    def consume(self, *bodies: str, receives: int = 1) -> list[str]:
        """Deliver one batch; the ids of the messages that are to come again."""
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
        answer = consume(service, batch, self.time_left)
        assert set(answer) == {"batchItemFailures"}
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    def end(self, event: Any, status: RunStatus) -> None:
        """Put it on record that the event's run has ended."""
        run = Run(status=status, started=AT, ended=AT)
        self.records.records[event.image] = Record(
            image=event.image, runs={event.run: run}, source=SOURCE
        )

    def said(self) -> list[str]:
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
