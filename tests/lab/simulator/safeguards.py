"""Every safeguard of the protocol, as a patch that removes it, and what breaks without it.

A patch removes the safeguard from the real code at run time, at a seam wherever there is one: an
adapter, a route or a public function. The profile leads schedules to where the safeguard matters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from infra.operations import audit
from services.analyze import documents, reuse
from services.analyze import handler as analyze
from services.analyze import steps as analyze_steps
from services.resize import handler as resize
from services.resize import steps as resize_steps
from services.store import logic
from services.store import steps as store_steps
from services.store.index_entries import Change, IndexEntries, IndexState, change, index_entries
from shared import delivery
from shared.contracts import record as record_contract
from shared.contracts.analysis import Analysis, Hint
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import (
    ImageAnalyzed,
    ImageCompleted,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageReleased,
    ImageReplayed,
    ImageSuperseded,
    PreviousVersion,
    ReleaseRequested,
    ReplayRequested,
    Request,
    StepFailed,
)
from shared.contracts.record import Record, Release, Run, RunStatus
from shared.delivery import Compensate, Deliver, Step, StepContext
from shared.errors import Fault, TransientError
from shared.ledger import Claim, ClaimStatus
from shared.message import message_records, read
from shared.retries import GiveUp
from tests.fakes import MemoryLedger, MemoryObjects, MemoryRecords
from tests.lab.simulator import parts, simulation, wiring
from tests.lab.simulator.evidence import OUTAGE
from tests.unit.store.memory import MemorySearchIndex

AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Safeguard:
    """A rule of the protocol. ``remove`` disables it inside a ``with`` block."""

    name: str
    breaks: str
    profile: str
    remove: Patch


def _without_compensation(handler: Any, kind: type[ImageEvent]) -> Patch:
    """This service compensates nothing for this kind of outcome."""
    whole = handler.routes

    def routes(steps: Any) -> Mapping[Any, Any]:
        return {**whole(steps), kind: Compensate(lambda _: None)}

    return lambda: patch.object(handler, "routes", routes)


def _rerouted(change: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Every service runs the routes that ``change`` makes of its own."""
    wired = wiring.services

    def services(given: wiring.Parts) -> dict[str, delivery.Service]:
        return {name: _with_routes(service, change) for name, service in wired(given).items()}

    return patch.object(simulation, "services", services)


def _with_routes(service: delivery.Service, change: Callable[[Any], Any]) -> delivery.Service:
    routes = {kind: change(route) for kind, route in service.routes.items()}
    return replace(service, routes=routes)


def _republished(change: Callable[[Any, Any], Any]) -> AbstractContextManager[Any]:
    """Every step publishes what ``change`` makes of its event and each event it yields."""

    def changed(route: Any) -> Any:
        if not isinstance(route, Step):
            return route

        def run(event: Any, context: StepContext) -> Iterator[Any]:
            for published in route.run(event, context):
                yield change(event, published)

        return replace(route, run=run)

    return _rerouted(changed)


def _deciding(change: Callable[..., Any]) -> AbstractContextManager[Any]:
    """``store`` decides with ``change(decide, record, event, at, *settings)``."""
    decide = logic.decide
    return patch.object(logic, "decide", lambda *arguments: change(decide, *arguments))


def _answering(change: Callable[..., Any]) -> AbstractContextManager[Any]:
    """``store`` publishes the decisions of ``change(decisions, record, event, at)``."""
    decisions = logic.decisions
    return patch.object(logic, "decisions", lambda *arguments: change(decisions, *arguments))


def _revised(record: Record, **fields: object) -> Record:
    """The record's next revision with these fields."""
    return record.model_copy(update={**fields, "revision": record.revision + 1})


def _everyone_decides() -> AbstractContextManager[Any]:
    """A service publishes ``image.failed`` itself where it should report."""
    publish = parts.Topic.publish

    def decided(self: parts.Topic, envelopes: Iterable[Envelope]) -> None:
        publish(self, [_as_outcome(e) for e in envelopes])

    return patch.object(parts.Topic, "publish", decided)


def _as_outcome(envelope: Envelope) -> Envelope:
    report = envelope.data
    if not isinstance(report, StepFailed):
        return envelope
    failed = ImageFailed(**report.model_dump(), decided_at=envelope.time)
    return Envelope.first(failed, envelope.source, envelope.time, envelope.causationid)


def _no_lease() -> AbstractContextManager[Any]:
    claim = MemoryLedger.claim

    def at_once(self: Any, key: Any, owner: str, now: float, lease: float) -> Claim:
        if key in self.rows:
            self.rows[key].until = 0.0
        return claim(self, key, owner, now, lease)

    return patch.object(MemoryLedger, "claim", at_once)


def _no_owner() -> AbstractContextManager[Any]:
    release = MemoryLedger.release

    def anyone(self: Any, claim: Claim, *, counts_as_attempt: bool) -> None:
        row = self.rows[claim.key]
        release(
            self,
            claim._replace(owner=row.owner, until=row.until),
            counts_as_attempt=counts_as_attempt,
        )

    return patch.object(MemoryLedger, "release", anyone)


def _receives_count() -> AbstractContextManager[Any]:
    claim = parts.Ledger.claim

    def received(self: Any, *args: Any) -> Claim:
        receives = max(message.receives for message in self.simulation.current.messages)
        return claim(self, *args)._replace(attempts=receives)

    return patch.object(parts.Ledger, "claim", received)


def _endless_attempts() -> AbstractContextManager[Any]:
    claim = parts.Ledger.claim

    def forgiving(self: Any, *args: Any) -> Claim:
        found = claim(self, *args)
        capped = found._replace(attempts=min(found.attempts, wiring.LIMITS.max_attempts))
        worker = self.simulation.current
        worker.claim = capped if worker.claim else None
        return capped

    return patch.object(parts.Ledger, "claim", forgiving)


def _no_compensation_past_the_lease() -> AbstractContextManager[Any]:
    """An overtaken worker reads its run as open from then on, so it compensates nothing."""
    status = parts.Records.status
    overtaken: list[object] = []

    def open_once_overtaken(self: parts.Records, image: str, run: int) -> RunStatus:
        worker = self.simulation.current
        if any(worker is other for other in overtaken):
            return RunStatus.OPEN
        found = status(self, image, run)
        late = worker and worker.claim and self.simulation.clock() > worker.claim.until
        if late and found is not RunStatus.OPEN:
            overtaken.append(worker)
        return found

    return patch.object(parts.Records, "status", open_once_overtaken)


def _no_read_past_the_lease() -> AbstractContextManager[Any]:
    """A worker past its lease takes its run to be open, without a read."""
    status = parts.Records.status

    def trusting(self: parts.Records, image: str, run: int) -> RunStatus:
        worker = self.simulation.current
        late = worker and worker.claim and self.simulation.clock() > worker.claim.until
        return RunStatus.OPEN if late else status(self, image, run)

    return patch.object(parts.Records, "status", trusting)


def _complete_first() -> AbstractContextManager[Any]:
    """A claim is completed as soon as it is acquired."""
    claim = parts.Ledger.claim

    def completed(self: parts.Ledger, key: Any, owner: str, now: float, lease: float) -> Claim:
        found = claim(self, key, owner, now, lease)
        if found.status is ClaimStatus.ACQUIRED:
            MemoryLedger.complete(self, found, now)
        return found

    return patch.object(parts.Ledger, "claim", completed)


def _compensate_once() -> AbstractContextManager[Any]:
    """A compensation takes a claim, so it runs once."""

    def claimed(route: Any) -> Any:
        if isinstance(route, Compensate):
            return Deliver(lambda event, _: route.run(event))
        return route

    return _rerouted(claimed)


def _a_delivery_reports() -> AbstractContextManager[Any]:
    """``notify`` reports what it should send to its dead-letter queue."""
    dead_letter = parts.Queue.dead_letter

    def reported(self: parts.Queue, body: str, reason: str, detail: str) -> None:
        if self.service != "notify" or reason not in ERRORS_OF_NOTIFY:
            dead_letter(self, body, reason, detail)
            return
        (envelope,) = map(read, message_records(body))
        report = delivery.report_on(
            envelope.data, "notify", GiveUp(reason, detail, Fault.DEPENDENCY)
        )
        at = self.simulation.at()
        self.simulation.publish(envelope.caused(report, "darkroom/notify", 0, at))

    return patch.object(parts.Queue, "dead_letter", reported)


ERRORS_OF_NOTIFY = {OUTAGE, "throttled", "forbidden"}


def _keys_of_the_image() -> AbstractContextManager[Any]:
    return _all(
        patch.object(resize_steps, "prefix", lambda event: f"renditions/{event.image}/0/"),
        patch.object(documents, "prefix", lambda image, _run: f"analyses/{image}/0/"),
    )


@contextmanager
def _all(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


def _outcomes_published_once() -> AbstractContextManager[Any]:
    decide = store_steps.Steps.decide

    def once(self: Any, event: Any, context: StepContext) -> Iterator[Any]:
        before = self.records.read(event.image)
        outcomes = list(decide(self, event, context))
        if self.records.read(event.image) != before:
            yield from outcomes

    return patch.object(store_steps.Steps, "decide", once)


def _no_tombstone() -> AbstractContextManager[Any]:
    status = record_contract.status_on_record

    def forgetful(stored: RunStatus | None, *, superseded: bool, deleted: bool) -> RunStatus:
        return status(stored, superseded=superseded, deleted=False)

    return patch.object(record_contract, "status_on_record", forgetful)


def _rescue_without_reports() -> AbstractContextManager[Any]:
    publish = parts.Topic.publish

    def silent(self: parts.Topic, envelopes: Iterable[Envelope]) -> None:
        worker = self.simulation.current
        if worker is None or worker.service != "rescue":
            publish(self, envelopes)

    return patch.object(parts.Topic, "publish", silent)


def _replay_of_any_run() -> AbstractContextManager[Any]:
    """A replay is granted for the current run, whichever run the request names."""

    def any_run(decide: Any, record: Any, event: Any, *more: Any) -> Any:
        if record and isinstance(event, ReplayRequested):
            event = event.model_copy(update={"run": record.run})
        return decide(record, event, *more)

    return _deciding(any_run)


def _replay_of_open_runs() -> AbstractContextManager[Any]:
    """A replay is granted while the run is open, and does not end it."""

    def anyway(decide: Any, record: Any, event: Any, at: datetime, *more: Any) -> Any:
        named = record and isinstance(event, ReplayRequested) and record.run == event.run
        if not named or record.deleted:
            return decide(record, event, at, *more)
        runs = {**record.runs, record.run + 1: Run(started=at)}
        return _revised(record, run=record.run + 1, runs=runs)

    return _deciding(anyway)


def _nothing_superseded() -> AbstractContextManager[Any]:
    """The write that completes a run leaves the one before it as it was."""

    def unmarked(decide: Any, record: Any, *more: Any) -> Any:
        after = decide(record, *more)
        return after and after.model_copy(update={"superseded": ()})

    return _deciding(unmarked)


def _outcomes_with_what_is_known_now() -> AbstractContextManager[Any]:
    """An outcome that is published again has the source and owner that later runs found."""

    def latest(decisions: Any, record: Record, *more: Any) -> Any:
        known = {"source": record.source, "owner": record.owner}
        return [decision.model_copy(update=known) for decision in decisions(record, *more)]

    return _answering(latest)


def _any_release_granted() -> AbstractContextManager[Any]:
    def anyway(decide: Any, record: Any, event: Any, at: datetime, *more: Any) -> Any:
        if record and isinstance(event, ReleaseRequested):
            return _revised(record, released=Release(run=record.run, at=at))
        return decide(record, event, at, *more)

    return _deciding(anyway)


def _every_release_granted() -> AbstractContextManager[Any]:
    """A release is granted again for every request."""

    def again(decide: Any, record: Any, event: Any, *more: Any) -> Any:
        if record and isinstance(event, ReleaseRequested):
            record = record.model_copy(update={"released": None})
        return decide(record, event, *more)

    return _deciding(again)


def _results_never_quarantined() -> AbstractContextManager[Any]:
    shown = logic.result

    def whole(record: Record) -> ImageCompleted | None:
        return shown(record.model_copy(update={"released": Release(run=0, at=AGES_AGO)}))

    return patch.object(logic, "result", whole)


def _outcomes_with_the_latest_release() -> AbstractContextManager[Any]:
    """An outcome that is published again is quarantined only if it still is."""

    def latest(decisions: Any, record: Record, *more: Any) -> Any:
        clear = {n: run.model_copy(update={"quarantined": False}) for n, run in record.runs.items()}
        runs = clear if record.released else record.runs
        return decisions(record.model_copy(update={"runs": runs}), *more)

    return _answering(latest)


def _release_of_one_run() -> AbstractContextManager[Any]:
    """A run is quarantined although an earlier one was released."""

    def anew(decide: Any, record: Any, event: Any, *more: Any) -> Any:
        if record is None or record.released is None or isinstance(event, Request):
            return decide(record, event, *more)
        unreleased = record.model_copy(update={"released": None})
        after = decide(unreleased, event, *more)
        if after == unreleased:
            return record
        return after.model_copy(update={"released": record.released})

    return _deciding(anew)


def _release_repeated_for_every_run() -> AbstractContextManager[Any]:
    """The release is published again for every event of the image."""

    def always(decisions: Any, record: Record, event: Event, at: datetime) -> Any:
        found = decisions(record, event, at)
        if record.released is None or isinstance(event, Request):
            return found
        request = ReleaseRequested(image=event.image, run=event.run)
        repeated = decisions(record, request, record.released.at)
        return [*found, *(d for d in repeated if isinstance(d, ImageReleased) and d not in found)]

    return _answering(always)


def _result_written_once() -> AbstractContextManager[Any]:
    """The record is not read again after the result was written."""
    read, put, delete = parts.Records.read, parts.Processed.put, parts.Processed.delete
    written: list[object] = []

    def write(self: Any, key: str, *arguments: Any, **more: Any) -> None:
        put(self, key, *arguments, **more)
        _note(self, key)

    def remove(self: Any, key: str, **more: Any) -> None:
        delete(self, key, **more)
        _note(self, key)

    def _note(self: Any, key: str) -> None:
        if key.startswith("results/"):
            written[:] = [self.simulation.current]

    def stale(self: Any, image: str) -> Record | None:
        if written and written.pop() is self.simulation.current:
            return None
        return read(self, image)

    return _all(
        patch.object(parts.Records, "read", stale),
        patch.object(parts.Processed, "put", write),
        patch.object(parts.Processed, "delete", remove),
    )


def _index_written_unconditionally() -> AbstractContextManager[Any]:
    write = MemorySearchIndex.write

    def over(self: Any, change: Change) -> bool:
        before = self.states.get(change.state.image)
        there = {place[0] for place in self.entries if place[1] == change.state.image}
        replaces = before.revision if before else None
        delete = tuple(name for name in change.delete if name in there)
        return write(self, change.model_copy(update={"replaces": replaces, "delete": delete}))

    return patch.object(MemorySearchIndex, "write", over)


def _index_of_an_older_record() -> AbstractContextManager[Any]:
    def anyway(self: Any, record: Record) -> None:
        self.search_index.write(change(self.search_index.read(record.image), index_entries(record)))

    return patch.object(store_steps.Steps, "_update_index", anyway)


def _indexed_once() -> AbstractContextManager[Any]:
    decide = store_steps.Steps.decide

    def once(self: Any, event: Any, context: StepContext) -> Iterator[Any]:
        before = self.records.read(event.image)
        outcomes = list(decide(replace(self, search_index=Nowhere()), event, context))
        after = self.records.read(event.image)
        if after and after != before:
            self._update_index(after)
        yield from outcomes

    return patch.object(store_steps.Steps, "decide", once)


class Nowhere:
    """A search index that holds a later record of every image."""

    def read(self, image: str) -> IndexState:
        return IndexState(image=image, revision=9999, entries={})


def _counted_apart() -> AbstractContextManager[Any]:
    def in_two(self: Any, record: Record) -> None:
        before = self.search_index.read(record.image)
        if before and before.revision >= record.revision:
            return
        whole = change(before, index_entries(record))
        if not self.search_index.write(whole.model_copy(update={"counts": {}})):
            raise TransientError("contended", "another one was faster")
        counts = {"replaces": record.revision, "put": (), "delete": ()}
        self.search_index.write(whole.model_copy(update=counts))

    return patch.object(store_steps.Steps, "_update_index", in_two)


def _indexed_although_deleted() -> AbstractContextManager[Any]:
    def alive(record: Record) -> IndexEntries:
        return index_entries(record.model_copy(update={"deleted": None}))

    return patch.object(store_steps, "index_entries", alive)


def _records_written_unconditionally() -> AbstractContextManager[Any]:
    def write(self: Any, record: Record) -> bool:
        self.records[record.image] = record
        return True

    return patch.object(MemoryRecords, "write", write)


def _replaced_unconditionally() -> AbstractContextManager[Any]:
    def replace_it(self: Any, key: str, _before: Any, body: bytes, content_type: str) -> bool:
        self.put(key, body, content_type)
        return True

    return patch.object(MemoryObjects, "replace", replace_it)


def _index_trusted() -> AbstractContextManager[Any]:
    def believed(self: Any, event: Any, request: Any) -> Any:
        key = reuse.entry(
            event.source.sha256, request.analyzer, request.applied_thresholds, event.analysis
        )
        hint = reuse.read(Hint, self.processed.find(key))
        if hint is None:
            return None
        there = reuse.read(Analysis, self.processed.find(hint.document))
        return there or _empty_analysis(event, request)

    return patch.object(reuse.Reuse, "find", believed)


def _empty_analysis(event: Any, request: Any) -> Analysis:
    return Analysis(
        image=event.image,
        run=event.run,
        owner=event.owner,
        source=event.source,
        picture=event.analysis,
        analyzer=request.analyzer,
        models={},
        thresholds=request.applied_thresholds,
        analyzed_at=datetime.now(UTC),
        answers={},
    )


def _not_copied() -> AbstractContextManager[Any]:
    """A run that reuses answers names the document of the run that it takes them from."""

    def another_runs(_event: Any, published: Any) -> Any:
        origin = published.reused_from if isinstance(published, ImageAnalyzed) else None
        if origin is None:
            return published
        key = f"analyses/{origin.image}/{origin.run}/analysis.json"
        return published.model_copy(update={"document": key})

    return _republished(another_runs)


def _shared_renditions() -> AbstractContextManager[Any]:
    """A re-analysis names the renditions of the run that it takes them from."""

    def shared(event: Any, published: Any) -> Any:
        if not isinstance(event, ImageReplayed) or event.copy_from is None:
            return published
        keys = {"renditions": event.copy_from.renditions, "analysis": event.copy_from.analysis}
        return published.model_copy(update=keys)

    return _republished(shared)


def _versions_not_copied() -> AbstractContextManager[Any]:
    def named(self: Any, event: Any, from_run: int, _: Any) -> tuple[PreviousVersion, ...]:
        key = f"analyses/{event.image}/{from_run}/analysis.json"
        return (PreviousVersion(run=from_run, document=key),)

    return patch.object(documents.Documents, "copy_versions", named)


def _reused_for_a_reanalysis() -> AbstractContextManager[Any]:
    def whatever(self: Any, event: Any, request: Any) -> Any:
        return self.reuse.find(event, request)

    return patch.object(analyze_steps.Steps, "_reusable", whatever)


SAFEGUARDS: tuple[Safeguard, ...] = (
    Safeguard(
        "only store decides",
        "outcomes are sent that are not on record",
        "uniform",
        _everyone_decides,
    ),
    Safeguard(
        "resize compensates a failed run",
        "orphan",
        "uniform",
        _without_compensation(resize, ImageFailed),
    ),
    Safeguard(
        "resize compensates a superseded run",
        "orphan",
        "replays",
        _without_compensation(resize, ImageSuperseded),
    ),
    Safeguard(
        "resize purges a deleted image",
        "orphan",
        "frozen",
        _without_compensation(resize, ImageDeleted),
    ),
    Safeguard(
        "analyze compensates a failed run",
        "orphan",
        "uniform",
        _without_compensation(analyze, ImageFailed),
    ),
    Safeguard(
        "analyze compensates a superseded run",
        "orphan",
        "replays",
        _without_compensation(analyze, ImageSuperseded),
    ),
    Safeguard(
        "analyze purges a deleted image",
        "orphan",
        "frozen",
        _without_compensation(analyze, ImageDeleted),
    ),
    Safeguard("lease", "two workers pay and notify at once", "uniform", _no_lease),
    Safeguard(
        "owner token", "a late worker releases another worker's lease", "outlives", _no_owner
    ),
    Safeguard(
        "attempts counted in the ledger", "given up without an attempt", "uniform", _receives_count
    ),
    Safeguard(
        "dead-letter after the last attempt",
        "a picture that kills its worker is retried for ever",
        "last-attempt",
        _endless_attempts,
    ),
    Safeguard(
        "dead-letter an unreadable message",
        "a message is lost",
        "poisoned",
        lambda: patch.object(delivery.Service, "dead_letter", lambda *_: None),
    ),
    Safeguard(
        "rescue reports a dead worker's event",
        "an upload without an outcome",
        "killed",
        _rescue_without_reports,
    ),
    Safeguard(
        "run status before a step",
        "a step runs for an ended run",
        "late",
        lambda: patch.object(parts.Records, "status", lambda *_: RunStatus.OPEN),
    ),
    Safeguard(
        "run status past the lease", "pays for an ended run", "outlives", _no_read_past_the_lease
    ),
    Safeguard(
        "compensation past the lease",
        "an orphan of an overtaken worker",
        "outlives",
        _no_compensation_past_the_lease,
    ),
    Safeguard(
        "run-owned keys",
        "compensation deletes a newer run's objects",
        "replays",
        _keys_of_the_image,
    ),
    Safeguard(
        "publishing an outcome again",
        "an outcome that is never published",
        "uniform",
        _outcomes_published_once,
    ),
    Safeguard(
        "an outcome keeps its content",
        "one id, two contents",
        "outage",
        _outcomes_with_what_is_known_now,
    ),
    Safeguard("tombstone", "a deleted image comes back", "frozen", _no_tombstone),
    Safeguard("a replay names its run", "one request, two runs", "replays", _replay_of_any_run),
    Safeguard(
        "replay only of an ended run", "a run without an outcome", "replays", _replay_of_open_runs
    ),
    Safeguard(
        "publish before completing the claim",
        "an upload without an outcome",
        "uniform",
        _complete_first,
    ),
    Safeguard(
        "analysis reused",
        "paid twice",
        "uniform",
        lambda: patch.object(analyze_steps, "_partial_analysis", lambda *_: None),
    ),
    Safeguard(
        "an analysis replaces the one it grew from",
        "a late worker's answers replace all others",
        "outlives",
        _replaced_unconditionally,
    ),
    Safeguard("check what the index points at", "an empty analysis", "reuses", _index_trusted),
    Safeguard("copy what is reused", "gone with its origin", "reuses", _not_copied),
    Safeguard(
        "delete purges the reuse index",
        "an entry of a deleted image",
        "reuses",
        lambda: patch.object(reuse.Reuse, "purge", lambda *_: None),
    ),
    Safeguard(
        "compensation removes reuse entries",
        "an entry of a run that is gone",
        "reuses",
        lambda: patch.object(reuse.Reuse, "compensate", lambda *_: None),
    ),
    Safeguard(
        "enter content only when it is on record",
        "an entry that no outcome can remove",
        "reuses",
        lambda: patch.object(MemoryRecords, "resized", lambda *_: True),
    ),
    Safeguard(
        "a re-analysis copies the renditions", "gone with their run", "replays", _shared_renditions
    ),
    Safeguard(
        "a re-analysis copies the versions",
        "gone with their run",
        "replays",
        _versions_not_copied,
    ),
    Safeguard(
        "a re-analysis asks again", "the old answers again", "replays", _reused_for_a_reanalysis
    ),
    Safeguard(
        "compensation without a claim", "orphan of a late writer", "frozen", _compensate_once
    ),
    Safeguard(
        "a delivery never reports",
        "an outcome without a notification",
        "last-attempt",
        _a_delivery_reports,
    ),
    Safeguard(
        "deadline check",
        "begun without enough time",
        "several",
        lambda: patch.object(wiring, "LIMITS", replace(wiring.LIMITS, worst_case=0)),
    ),
    Safeguard("supersede in the completing write", "orphan", "replays", _nothing_superseded),
    Safeguard("projection read again", "an old result stays", "frozen", _result_written_once),
    Safeguard(
        "index entries replace those they were derived from",
        "an image counts twice",
        "frozen",
        _index_written_unconditionally,
    ),
    Safeguard(
        "only a later record replaces index entries",
        "old index entries stay",
        "frozen",
        _index_of_an_older_record,
    ),
    Safeguard(
        "index every event again", "a dead worker's record is not indexed", "uniform", _indexed_once
    ),
    Safeguard(
        "entries and counts in one transaction",
        "a label is indexed and not counted",
        "uniform",
        _counted_apart,
    ),
    Safeguard(
        "a deleted image has no index entries",
        "it is found after it was deleted",
        "uniform",
        _indexed_although_deleted,
    ),
    Safeguard(
        "a result names nothing quarantined",
        "quarantined renditions are published",
        "quarantine",
        _results_never_quarantined,
    ),
    Safeguard(
        "release only of a quarantined run",
        "released without a look",
        "quarantine",
        _any_release_granted,
    ),
    Safeguard(
        "a release is granted once",
        "one notification for each request",
        "quarantine",
        _every_release_granted,
    ),
    Safeguard(
        "quarantine decided in the completing write",
        "one id, two contents",
        "quarantine",
        _outcomes_with_the_latest_release,
    ),
    Safeguard(
        "a release holds for every run",
        "a released picture is quarantined again",
        "quarantine",
        _release_of_one_run,
    ),
    Safeguard(
        "a release is repeated only for its own run",
        "notified again a month later",
        "quarantine",
        _release_repeated_for_every_run,
    ),
    Safeguard(
        "conditional write", "an outcome reversed", "uniform", _records_written_unconditionally
    ),
    Safeguard(
        "the audit",
        "an orphan that the audit does not find",
        "stranded",
        lambda: patch.object(audit.Audit, "orphans", lambda _: iter(())),
    ),
    Safeguard(
        "a request repeats only recent decisions",
        "notified again a month later",
        "late",
        lambda: patch.object(logic, "REPEAT_WINDOW", timedelta(days=9999)),
    ),
)
"""In the order of the protocol's rules."""
