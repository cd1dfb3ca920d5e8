"""What ``store`` does with every fact and report: one conditional write, then what is on record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.store import logic
from services.store.index_entries import change, listing
from services.store.records import Moment, Records
from services.store.search_index import SearchIndex
from shared import telemetry
from shared.contracts.cost import Rates
from shared.contracts.envelope import Event
from shared.contracts.record import Record, Run
from shared.delivery import StepContext
from shared.errors import Fault, TransientError
from shared.metrics import FAILED
from shared.objects import Objects
from shared.telemetry import log

SOURCE = "darkroom/store"
TRIES = 5
"""Writes that may lose to another worker's before the message waits its turn."""


@dataclass(frozen=True)
class Steps:
    """The record of each image, and what follows from it."""

    records: Records
    processed: Objects
    lists: SearchIndex
    policy: logic.Policy = logic.Policy.FLAG
    rates: Rates | None = None

    def decide(self, event: Event, context: StepContext) -> Iterator[Event]:
        """Answer with what is on record, also to the late, the repeated and the contradicting."""
        told = context.envelope
        self._note(event, told.id, told.source, told.time)
        record = self._change(event, context)
        if record is None:
            log.warning("no record, so nothing to decide")
            return
        outcomes = logic.answers(record, event, context.at)
        for verdict in outcomes:
            self._note(verdict, verdict.identity(SOURCE, "", 0), SOURCE, verdict.decided_at)
        if outcomes:
            self._project(record)
        self._list(record)
        yield from outcomes

    def _change(self, event: Event, context: StepContext) -> Record | None:
        for _ in range(TRIES):
            before = self.records.read(event.image)
            after = logic.decide(before, event, context.at, self.policy, self.rates)
            if after is None or after is before:
                return after
            if self.records.write(after):
                for run in logic.ended(before, after):
                    _tell(run)
                return after
        raise TransientError("contended", f"the record changed {TRIES} times meanwhile")

    def _note(self, event: Event, identity: str, source: str, time: datetime) -> None:
        self.records.note(Moment(event.image, event.run, identity, event.type, source, time))

    def _project(self, record: Record) -> None:
        """Make ``results/<image>.json`` say what is on record now.

        Two workers may project at once, the one with the older record last. So the record is read
        again afterwards, and projected again if it has changed.
        """
        shown = None
        while shown is None or shown.revision != record.revision:
            self._show(record)
            shown, record = record, self.records.read(record.image) or record

    def _show(self, record: Record) -> None:
        """The document exists while a completed run is published, and only then.

        It is where anyone finds the renditions, so it names none that are quarantined.
        """
        key = f"results/{record.image}.json"
        result = logic.result(record)
        if result:
            self.processed.put(key, result.model_dump_json().encode(), "application/json")
        else:
            self.processed.delete(key)

    def _list(self, record: Record) -> None:
        """Make the lists say what is on record now, before anyone hears of it.

        A listing only ever gives way to that of a later record, so nobody is late here: who wrote
        the later record lists it too, or dies and leaves the event to another worker.
        """
        for _ in range(TRIES):
            before = self.lists.read(record.image)
            if before and before.revision >= record.revision:
                return
            if self.lists.write(change(before, listing(record))):
                return
        raise TransientError("contended", f"the listing changed {TRIES} times meanwhile")


def _tell(run: Run) -> None:
    """That this run has ended, and how. What the uploader has to mend is no failure of ours."""
    failure = run.failure
    if failure is None:
        telemetry.count("the run ended", FAILED, 0, status=run.status)
        return
    why = {"at": failure.stage, "reason": failure.reason, "fault": failure.fault}
    ours = int(failure.fault is not Fault.CLIENT)
    telemetry.count("the run ended", FAILED, ours, status=run.status, **why)
