"""What ``store`` does with every event: one conditional write, then the events on record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.store import logic
from services.store.index_entries import change, index_entries
from services.store.records import RecordsWriter
from services.store.search_index import SearchIndex
from shared import telemetry
from shared.contracts.cost import Rates
from shared.contracts.envelope import Event
from shared.contracts.record import Record, Run
from shared.delivery import StepContext
from shared.errors import Fault, TransientError
from shared.metrics import FAILED
from shared.objects import Objects
from shared.records import TimelineEvent
from shared.telemetry import log

SOURCE = "darkroom/store"
MAX_WRITES = 5
"""Conditional writes that may fail before the message is retried later."""


@dataclass(frozen=True)
class Steps:
    """The record of each image and its projections: the result document and the search index."""

    records: RecordsWriter
    processed: Objects
    search_index: SearchIndex
    policy: logic.Policy = logic.Policy.FLAG
    rates: Rates | None = None

    def decide(self, event: Event, context: StepContext) -> Iterator[Event]:
        """Apply the event and publish what is on record, also for late and repeated events."""
        envelope = context.envelope
        self._add_to_timeline(event, envelope.id, envelope.source, envelope.time)
        record = self._update(event, context)
        if record is None:
            log.warning("no record of this image; nothing to decide")
            return
        decisions = logic.decisions(record, event, context.at)
        for decision in decisions:
            identity = decision.identity(SOURCE, "", 0)
            self._add_to_timeline(decision, identity, SOURCE, decision.decided_at)
        if decisions:
            self._project_result(record)
        self._update_index(record)
        yield from decisions

    def _update(self, event: Event, context: StepContext) -> Record | None:
        for _ in range(MAX_WRITES):
            before = self.records.read(event.image)
            after = logic.decide(before, event, context.at, self.policy, self.rates)
            if after is None or after is before:
                return after
            if self.records.write(after):
                for run in logic.ended(before, after):
                    _count_ended(run)
                return after
        raise TransientError("contended", f"the record changed {MAX_WRITES} times meanwhile")

    def _add_to_timeline(self, event: Event, identity: str, source: str, time: datetime) -> None:
        self.records.add_event(
            TimelineEvent(event.image, event.run, identity, event.type, source, time)
        )

    def _project_result(self, record: Record) -> None:
        """Write ``results/<image>.json`` as the record is now.

        Two workers may project at once, and the one with the older record may write last. So read
        the record again afterwards and repeat if it has changed.
        """
        projected = None
        while projected is None or projected.revision != record.revision:
            self._write_result(record)
            projected, record = record, self.records.read(record.image) or record

    def _write_result(self, record: Record) -> None:
        """The document exists while a completed run is published.

        It links the renditions, so it names none while they are quarantined.
        """
        key = f"results/{record.image}.json"
        result = logic.result(record)
        if result:
            self.processed.put(key, result.model_dump_json().encode(), "application/json")
        else:
            self.processed.delete(key)

    def _update_index(self, record: Record) -> None:
        """Bring the search index up to date before anything is published.

        Only a later revision replaces an earlier one. The worker that wrote a later record also
        indexes it; if that worker dies, the event is redelivered and another one does.
        """
        for _ in range(MAX_WRITES):
            before = self.search_index.read(record.image)
            if before and before.revision >= record.revision:
                return
            if self.search_index.write(change(before, index_entries(record))):
                return
        raise TransientError("contended", f"the search index changed {MAX_WRITES} times meanwhile")


def _count_ended(run: Run) -> None:
    """Log that the run ended, and how. A client's fault does not count as a failure."""
    failure = run.failure
    if failure is None:
        telemetry.count("the run ended", FAILED, 0, status=run.status)
        return
    facts = {"at": failure.stage, "reason": failure.reason, "fault": failure.fault}
    counted = int(failure.fault is not Fault.CLIENT)
    telemetry.count("the run ended", FAILED, counted, status=run.status, **facts)
