"""Every safeguard of the protocol as a small patch that takes it away, and what breaks then.

Each is removed from the real code at run time; the profile is the one that leads to where the
safeguard matters.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from infra.operations import audit
from services.analyze import documents, reuse
from services.analyze import handler as analyze
from services.analyze import steps as analyze_steps
from services.rescue import steps as rescue_steps
from services.resize import handler as resize
from services.resize import steps as resize_steps
from services.store import logic
from services.store import steps as store_steps
from services.store.index_entries import Change, IndexEntries, IndexState, change, index_entries
from shared import delivery
from shared.contracts import record as record_contract
from shared.contracts.analysis import Analysis, Hint
from shared.contracts.envelope import Event
from shared.contracts.images import (
    Decision,
    ImageCompleted,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageSuperseded,
    PreviousVersion,
    ReleaseRequested,
    ReplayRequested,
)
from shared.contracts.record import Record, Release, Run, RunStatus
from shared.delivery import Compensate, Deliver, StepContext
from shared.errors import TransientError
from shared.ledger import Claim
from tests.fakes import MemoryLedger, MemoryObjects, MemoryRecords
from tests.lab.simulator import parts, wiring
from tests.unit.store.memory import MemorySearchIndex

AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Safeguard:
    """A rule of the protocol. ``remove`` is in force for as long as its context."""

    name: str
    breaks: str
    profile: str
    remove: Patch


def _no_undo(handler: Any, kind: type[ImageEvent]) -> Patch:
    """This service takes no notice of this verdict."""
    whole = handler.routes

    def routes(steps: Any) -> Mapping[Any, Any]:
        return {**whole(steps), kind: Compensate(lambda _: None)}

    return lambda: patch.object(handler, "routes", routes)


def _everyone_decides() -> AbstractContextManager[Any]:
    def verdict(self: Any, decision: Any, error: Exception) -> ImageFailed:
        report = delivery.report_on(self.event, self.service.name, decision)
        return ImageFailed(**report.model_dump(), decided_at=self.service.now())

    return patch.object(delivery.Delivery, "_report", verdict)


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


def _no_end_of_tries() -> AbstractContextManager[Any]:
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


def _no_look_past_the_lease() -> AbstractContextManager[Any]:
    def context(self: Any, _claim: Claim | None = None) -> StepContext:
        return StepContext(self.envelope, self.service.now(), lambda: None)

    return patch.object(delivery.Delivery, "_context", context)


def _settle_first() -> AbstractContextManager[Any]:
    try_ = delivery.Delivery._attempt

    def completed(self: Any, route: Any, claim: Claim) -> Any:
        self.service.ledger.complete(claim, self.service.clock())
        return try_(self, route, claim)

    return patch.object(delivery.Delivery, "_attempt", completed)


def _undo_once() -> AbstractContextManager[Any]:
    take = delivery.Delivery.handle

    def claimed(self: Any, route: Any) -> Any:
        return take(self, Deliver(lambda event, _: route.run(event)) if _is_undo(route) else route)

    return patch.object(delivery.Delivery, "handle", claimed)


def _is_undo(route: Any) -> bool:
    return isinstance(route, Compensate)


def _a_telling_reports() -> AbstractContextManager[Any]:
    after = delivery.Delivery._after

    def reported(self: Any, error: Exception, route: Any, claim: Claim) -> Any:
        if isinstance(route, Deliver):
            route = delivery.Step(route.run, compensate=lambda _: None)
        return after(self, error, route, claim)

    return patch.object(delivery.Delivery, "_after", reported)


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


def _silence() -> AbstractContextManager[Any]:
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


def _whatever_is_current() -> AbstractContextManager[Any]:
    grant = logic._replay

    def any_run(record: Record, request: ReplayRequested, at: datetime) -> Record:
        return grant(record, request.model_copy(update={"run": record.run}), at)

    return patch.object(logic, "_replay", any_run)


def _open_runs_too() -> AbstractContextManager[Any]:
    grant = logic._replay

    def anyway(record: Record, request: ReplayRequested, at: datetime) -> Record:
        if record.deleted or record.run != request.run:
            return grant(record, request, at)
        runs = {**record.runs, record.run + 1: Run(started=at)}
        return record.model_copy(update={"run": record.run + 1, "runs": runs})

    return patch.object(logic, "_replay", anyway)


def _not_withdrawn() -> AbstractContextManager[Any]:
    publish = logic._publish

    def kept(record: Record, event: ImageEvent) -> Record:
        return publish(record, event).model_copy(update={"superseded": ()})

    return patch.object(logic, "_publish", kept)


def _told_what_is_known_by_now() -> AbstractContextManager[Any]:
    common = logic._common

    def latest(record: Record, *args: Any, **_: Any) -> dict[str, object]:
        return common(record, *args, up_to=record.run)

    return patch.object(logic, "_common", latest)


def _released_unseen() -> AbstractContextManager[Any]:
    def anyway(record: Record, _request: ReleaseRequested, at: datetime) -> Record:
        return record.model_copy(update={"released": Release(run=record.run, at=at)})

    return patch.object(logic, "_release", anyway)


def _released_as_often_as_asked() -> AbstractContextManager[Any]:
    grant = logic._release

    def again(record: Record, request: ReleaseRequested, at: datetime) -> Record:
        return grant(record.model_copy(update={"released": None}), request, at)

    return patch.object(logic, "_release", again)


def _shown_like_any_other() -> AbstractContextManager[Any]:
    shown = logic.result

    def whole(record: Record) -> ImageCompleted | None:
        return shown(record.model_copy(update={"released": Release(run=0, at=AGES_AGO)}))

    return patch.object(logic, "result", whole)


def _told_as_it_is_by_now() -> AbstractContextManager[Any]:
    stored = logic._completed

    def latest(record: Record, run: int, *, quarantined: bool) -> ImageCompleted:
        return stored(record, run, quarantined=quarantined and record.released is None)

    return patch.object(logic, "_completed", latest)


def _released_for_one_run() -> AbstractContextManager[Any]:
    waits = logic._quarantine

    def anew(run: Run, record: Record, policy: logic.Policy) -> bool:
        return waits(run, record.model_copy(update={"released": None}), policy)

    return patch.object(logic, "_quarantine", anew)


def _a_release_said_to_everybody() -> AbstractContextManager[Any]:
    released = logic._released

    def always(record: Record, event: Event) -> Decision | None:
        asked = ReleaseRequested(image=event.image, run=event.run)
        return released(record, asked)

    return patch.object(logic, "_released", always)


def _shown_once() -> AbstractContextManager[Any]:
    return patch.object(store_steps.Steps, "_project_result", store_steps.Steps._write_result)


def _whatever_is_listed() -> AbstractContextManager[Any]:
    write = MemorySearchIndex.write

    def over(self: Any, change: Change) -> bool:
        before = self.states.get(change.state.image)
        there = {place[0] for place in self.entries if place[1] == change.state.image}
        replaces = before.revision if before else None
        delete = tuple(name for name in change.delete if name in there)
        return write(self, change.model_copy(update={"replaces": replaces, "delete": delete}))

    return patch.object(MemorySearchIndex, "write", over)


def _listed_backwards() -> AbstractContextManager[Any]:
    def anyway(self: Any, record: Record) -> None:
        self.search_index.write(change(self.search_index.read(record.image), index_entries(record)))

    return patch.object(store_steps.Steps, "_update_index", anyway)


def _listed_once() -> AbstractContextManager[Any]:
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
    """Lists that have it all already."""

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


def _deleted_and_listed() -> AbstractContextManager[Any]:
    def alive(record: Record) -> IndexEntries:
        return index_entries(record.model_copy(update={"deleted": None}))

    return patch.object(store_steps, "index_entries", alive)


def _unconditional() -> AbstractContextManager[Any]:
    def write(self: Any, record: Record) -> bool:
        self.records[record.image] = record
        return True

    return patch.object(MemoryRecords, "write", write)


def _whatever_is_there() -> AbstractContextManager[Any]:
    def replace_it(self: Any, key: str, _before: Any, body: bytes, content_type: str) -> bool:
        self.put(key, body, content_type)
        return True

    return patch.object(MemoryObjects, "replace", replace_it)


def _trusting() -> AbstractContextManager[Any]:
    def believed(self: Any, event: Any, question: Any) -> Any:
        key = reuse.entry(
            event.source.sha256, question.analyzer, question.applied_thresholds, event.analysis
        )
        hint = reuse.read(Hint, self.processed.find(key))
        if hint is None:
            return None
        there = reuse.read(Analysis, self.processed.find(hint.document))
        return there or analyze_steps._blank(event, question, datetime.now(UTC))

    return patch.object(reuse.Reuse, "find", believed)


def _not_copied() -> AbstractContextManager[Any]:
    said = analyze_steps._analyzed

    def another_runs(event: Any, document: Any, previous_versions: Any) -> Any:
        told = said(event, document, previous_versions)
        origin = document.reused_from
        key = f"analyses/{origin.image}/{origin.run}/analysis.json" if origin else told.document
        return told.model_copy(update={"document": key})

    return patch.object(analyze_steps, "_analyzed", another_runs)


def _shared_renditions() -> AbstractContextManager[Any]:
    return patch.object(resize_steps.Steps, "_copy", lambda _self, _event, _made, one: one)


def _versions_left_where_they_are() -> AbstractContextManager[Any]:
    def named(self: Any, event: Any, of: int, _: Any) -> tuple[PreviousVersion, ...]:
        key = f"analyses/{event.image}/{of}/analysis.json"
        return (PreviousVersion(run=of, document=key),)

    return patch.object(documents.Documents, "take_over", named)


def _reused_all_the_same() -> AbstractContextManager[Any]:
    def whatever(self: Any, event: Any, question: Any) -> Any:
        return self.reuse.find(event, question)

    return patch.object(analyze_steps.Steps, "_reusable", whatever)


SAFEGUARDS: tuple[Safeguard, ...] = (
    Safeguard(
        "only store decides", "ends are told that nobody recorded", "uniform", _everyone_decides
    ),
    Safeguard("resize undoes a failed run", "orphan", "uniform", _no_undo(resize, ImageFailed)),
    Safeguard(
        "resize undoes a superseded run", "orphan", "replays", _no_undo(resize, ImageSuperseded)
    ),
    Safeguard("resize undoes a deleted image", "orphan", "frozen", _no_undo(resize, ImageDeleted)),
    Safeguard("analyze undoes a failed run", "orphan", "uniform", _no_undo(analyze, ImageFailed)),
    Safeguard(
        "analyze undoes a superseded run", "orphan", "replays", _no_undo(analyze, ImageSuperseded)
    ),
    Safeguard(
        "analyze undoes a deleted image", "orphan", "frozen", _no_undo(analyze, ImageDeleted)
    ),
    Safeguard("lease", "two at once pay and tell", "uniform", _no_lease),
    Safeguard("owner token", "a late worker frees another's lease", "outlives", _no_owner),
    Safeguard("attempts, never receives", "given up untried", "uniform", _receives_count),
    Safeguard(
        "dead-letter when spent",
        "a deadly picture kills for ever",
        "last-attempt",
        _no_end_of_tries,
    ),
    Safeguard(
        "dead-letter what nobody understands",
        "a message is lost",
        "poisoned",
        lambda: patch.object(delivery.Service, "dead_letter", lambda *_: None),
    ),
    Safeguard(
        "rescue reports what was killed",
        "an upload without an end",
        "killed",
        lambda: patch.object(rescue_steps.Steps, "_reports", lambda *_: ()),
    ),
    Safeguard(
        "run check before a do",
        "works for an ended run",
        "late",
        lambda: patch.object(delivery.Delivery, "_run_status", lambda _: RunStatus.OPEN),
    ),
    Safeguard(
        "the look past the lease", "pays for an ended run", "outlives", _no_look_past_the_lease
    ),
    Safeguard(
        "compensation past the lease",
        "an orphan of an overtaken worker",
        "outlives",
        _no_compensation_past_the_lease,
    ),
    Safeguard("run-owned keys", "undo takes the newer run's things", "replays", _keys_of_the_image),
    Safeguard("announcing again", "an end nobody hears of", "uniform", _silence),
    Safeguard(
        "a verdict keeps its words",
        "one id, two contents",
        "outage",
        _told_what_is_known_by_now,
    ),
    Safeguard("tombstone", "a deleted image comes back", "frozen", _no_tombstone),
    Safeguard("a replay names its run", "one request, two runs", "replays", _whatever_is_current),
    Safeguard("replay of ended runs only", "a run without an end", "replays", _open_runs_too),
    Safeguard("publish before settle", "an upload without an end", "uniform", _settle_first),
    Safeguard(
        "analysis reused",
        "paid twice",
        "uniform",
        lambda: patch.object(analyze_steps, "_begun", lambda *_: None),
    ),
    Safeguard(
        "an analysis replaces the one it grew from",
        "a late worker's answers in the place of all",
        "outlives",
        _whatever_is_there,
    ),
    Safeguard("the index only hints", "an empty analysis", "reuses", _trusting),
    Safeguard("what is reused is copied", "gone with its origin", "reuses", _not_copied),
    Safeguard(
        "delete takes the index along",
        "an entry of a deleted image",
        "reuses",
        lambda: patch.object(reuse.Reuse, "purge", lambda *_: None),
    ),
    Safeguard(
        "undo takes the index along",
        "an entry of a run that is gone",
        "reuses",
        lambda: patch.object(reuse.Reuse, "compensate", lambda *_: None),
    ),
    Safeguard(
        "entered once the record knows the content",
        "an entry that no verdict can name",
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
        _versions_left_where_they_are,
    ),
    Safeguard("a re-analysis asks", "the old answers again", "replays", _reused_all_the_same),
    Safeguard("undo unledgered", "orphan of a late writer", "frozen", _undo_once),
    Safeguard(
        "a telling never reports", "an end that is never told", "last-attempt", _a_telling_reports
    ),
    Safeguard(
        "deadline check",
        "begun without the time for it",
        "several",
        lambda: patch.object(wiring, "LIMITS", replace(wiring.LIMITS, worst_case=0)),
    ),
    Safeguard("withdrawal in the completing write", "orphan", "replays", _not_withdrawn),
    Safeguard("projection read again", "an old result stays", "frozen", _shown_once),
    Safeguard(
        "a listing replaces what it was worked out from",
        "an image counts twice",
        "frozen",
        _whatever_is_listed,
    ),
    Safeguard(
        "a listing gives way to a later record's only",
        "an old listing stays",
        "frozen",
        _listed_backwards,
    ),
    Safeguard(
        "listing again", "what a dead worker recorded is not listed", "uniform", _listed_once
    ),
    Safeguard(
        "entries and counts in one transaction",
        "a label is listed and not counted",
        "uniform",
        _counted_apart,
    ),
    Safeguard(
        "a deleted image is listed nowhere",
        "it is found after it was deleted",
        "uniform",
        _deleted_and_listed,
    ),
    Safeguard(
        "a result names nothing quarantined",
        "what is quarantined is handed out",
        "quarantine",
        _shown_like_any_other,
    ),
    Safeguard(
        "release of what is quarantined only", "released unseen", "quarantine", _released_unseen
    ),
    Safeguard(
        "a release is granted once",
        "each request is told",
        "quarantine",
        _released_as_often_as_asked,
    ),
    Safeguard(
        "quarantine decided in the completing write",
        "one id, two contents",
        "quarantine",
        _told_as_it_is_by_now,
    ),
    Safeguard(
        "a release holds for every run",
        "a released picture is quarantined again",
        "quarantine",
        _released_for_one_run,
    ),
    Safeguard(
        "a release is said beside its own run's verdict",
        "told again a month later",
        "quarantine",
        _a_release_said_to_everybody,
    ),
    Safeguard("conditional write", "an outcome reversed", "uniform", _unconditional),
    Safeguard(
        "the audit",
        "an orphan that nobody finds",
        "stranded",
        lambda: patch.object(audit, "_accounted_for", lambda *_: True),
    ),
    Safeguard(
        "a request repeats what is recent only",
        "told again a month later",
        "late",
        lambda: patch.object(logic, "REPEAT_WINDOW", timedelta(days=9999)),
    ),
)
"""In the order of the protocol's rules, as far as there is one."""
