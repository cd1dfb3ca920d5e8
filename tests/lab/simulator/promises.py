"""Every promise of the protocol, checked against what a schedule left behind."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from infra.operations.audit import Audit
from services.store.index_entries import index_entries
from services.store.logic import outcome
from shared.contracts.images import ImageAnalyzed, ImageCompleted
from shared.contracts.record import Record, RunStatus
from shared.contracts.search_index import count_partition
from shared.message import readable
from tests.lab.simulator.evidence import Violation
from tests.lab.simulator.parts import DETECTIONS
from tests.lab.simulator.simulation import Simulation
from tests.lab.simulator.wiring import LIMITS


class Stage:
    """What an operator's audit sees of a simulation: its records, and its bucket through S3."""

    outputs = SimpleNamespace(buckets={"processed": "processed"})

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.find = simulation.records.records.get
        self.clients = SimpleNamespace(client=lambda _: self)

    def get_paginator(self, _operation: str) -> "Stage":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[Mapping[str, Any]]:  # noqa: N803 - boto3's names
        yield {"Contents": [{"Key": key} for key in self.simulation.processed.keys(Prefix)]}

    def get_object(self, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's names
        return {"Body": io.BytesIO(self.simulation.processed.get(Key).body)}


Promise = Callable[[Simulation], Iterator[str]]


def broken(simulation: Simulation) -> list[Violation]:
    """Every promise that does not hold now that nothing moves any more."""
    found = list(simulation.seen.violations)
    for kind, promise in PROMISES.items():
        found += [Violation(kind, about) for about in promise(simulation)]
    return found


def _every_upload_ends(simulation: Simulation) -> Iterator[str]:
    for key, image in simulation.images.items():
        record = simulation.records.records.get(image)
        if record is None:
            yield f"{key} has no record"
        elif not record.deleted:
            yield from (f"{key}, run {n}" for n, run in record.runs.items() if run.ended is None)


def _one_outcome_notified(simulation: Simulation) -> Iterator[str]:
    for (image, run), statuses in simulation.seen.statuses.items():
        if {"completed", "failed"} <= statuses:
            yield f"run {run} of {image}"


def _notifications_match_the_record(simulation: Simulation) -> Iterator[str]:
    for (image, run), statuses in simulation.seen.statuses.items():
        record = simulation.records.records.get(image)
        known = record.runs[run].status if record else RunStatus.UNKNOWN
        released = {"released"} if image in simulation.seen.released else set()
        if statuses - {"deleted", str(known)} - released:
            yield f"run {run} of {image} is {known}, notified {sorted(statuses)}"


def _one_id(simulation: Simulation) -> Iterator[str]:
    for named, ids in simulation.seen.outcomes.items():
        if len(ids) > 1:
            yield f"{named}: {sorted(ids)}"


def _one_content(simulation: Simulation) -> Iterator[str]:
    for identity, words in simulation.seen.contents.items():
        differing = words
        if simulation.seen.outlived:
            heeded = [content for content in words if not _is_superseded_reuse(simulation, content)]
            differing = _distinct(map(_without_origin, heeded))
        if len(differing) > 1:
            yield f"{identity}: {differing}"


def _without_origin(content: object) -> object:
    """Who took over from a worker that outlives its lease may ask once more, or reuse: window (g).
    The second event then differs in that only.
    """
    if isinstance(content, ImageAnalyzed):
        return content.model_copy(update={"analyzed_at": None, "reused_from": None})
    return content


def _is_superseded_reuse(simulation: Simulation, content: object) -> bool:
    """A superseded run is compensated. A worker still at work on it finds no answers, and may reuse
    the next run's: window (g), in an event that changes nothing.
    """
    if not isinstance(content, ImageAnalyzed) or content.reused_from is None:
        return False
    record = simulation.records.records.get(content.image)
    return bool(record) and record.status(content.run) is RunStatus.FAILED


def _distinct(words: Iterable[object]) -> list[object]:
    """A list, since contents need not be hashable."""
    found: list[object] = []
    for content in words:
        found += [content] if content not in found else []
    return found


def _every_outcome_is_published(simulation: Simulation) -> Iterator[str]:
    published = simulation.seen.outcomes
    for record in simulation.records.records.values():
        for run in record.runs:
            ended = outcome(record, run)
            if ended and (record.image, run, ended.type) not in published:
                yield f"{ended.type} of run {run}"
        if record.deleted and not any(
            image == record.image and kind == "image.deleted.v1" for image, _, kind in published
        ):
            yield "image.deleted.v1"
        release = None if record.deleted else record.released
        if release and (record.image, release.run, "image.released.v1") not in published:
            yield f"image.released.v1 of run {release.run}"


def _every_outcome_is_notified(simulation: Simulation) -> Iterator[str]:
    expected = [letter.body for letter in simulation.dead]
    for identity in simulation.seen.outcome_ids:
        if not simulation.seen.notified[identity] and not any(
            identity in body for body in expected
        ):
            yield identity


def _notified_once(simulation: Simulation) -> Iterator[str]:
    for identity, times in simulation.seen.notified.items():
        if times > 1 + simulation.seen.excused[identity]:
            yield f"{identity}: {times} times"


def _paid_once(simulation: Simulation) -> Iterator[str]:
    for paid, times in simulation.seen.paid.items():
        if times > 1 + simulation.seen.excused[paid]:
            yield f"{paid}: {times} times"


def _no_orphan(simulation: Simulation) -> Iterator[str]:
    yield from _orphans(simulation) - simulation.seen.late


def _the_audit_finds_every_orphan(simulation: Simulation) -> Iterator[str]:
    yield from _orphans(simulation) ^ set(Audit(Stage(simulation)).orphans())


def _orphans(simulation: Simulation) -> set[str]:
    """Keys of what belongs to no run that is published."""
    records = simulation.records.records
    published = {f"{image}/{record.published}" for image, record in records.items()}
    shown = {f"{image}.json" for image, record in records.items() if record.published is not None}
    made = [*simulation.processed.keys("renditions/"), *simulation.processed.keys("analyses/")]
    results = simulation.processed.keys("results/")
    left = {key for key in made if "/".join(key.split("/")[1:3]) not in published}
    left |= {key for key in results if key.split("/")[1] not in shown}
    return left | {key for key, run in _index(simulation) if run not in published}


def _index(simulation: Simulation) -> Iterator[tuple[str, str]]:
    """The entries of the index of analysed content, each with the run that it points at."""
    for key in simulation.processed.keys("reuse/"):
        hint = json.loads(simulation.processed.get(key).body)
        yield key, f"{hint['image']}/{hint['run']}"


def _published_is_complete(simulation: Simulation) -> Iterator[str]:
    for record in simulation.records.records.values():
        for key in _wanted(record):
            if simulation.processed.find(key) is None:
                yield key


def _wanted(record: Record) -> Iterator[str]:
    if record.published is None or record.deleted:
        return
    run = record.runs[record.published]
    if run.resized:
        yield from (made.key for made in (*run.resized.renditions, run.resized.analysis))
    if run.analyzed:
        yield run.analyzed.document
        yield from (earlier.document for earlier in run.analyzed.previous_versions)


def _analysis_is_whole(simulation: Simulation) -> Iterator[str]:
    for record in simulation.records.records.values():
        for key in _wanted(record):
            if key.startswith("analyses/") and (found := simulation.processed.find(key)):
                answers = json.loads(found.body)["answers"]
                yield from (f"{key}: {d}" for d in DETECTIONS if d not in answers)


def _every_reanalysis_has_all_versions(simulation: Simulation) -> Iterator[str]:
    """A re-analysis has the versions of the run before it, and reuses no answer."""
    for record in simulation.records.records.values():
        for number, run in record.runs.items():
            if run.status is RunStatus.COMPLETED and run.reanalysis and run.analyzed:
                before = record.runs[run.reanalysis.of].analyzed
                expected = (
                    [*(e.run for e in before.previous_versions), run.reanalysis.of]
                    if before
                    else []
                )
                if [earlier.run for earlier in run.analyzed.previous_versions] != expected:
                    yield f"run {number} has {run.analyzed.previous_versions} of {expected}"
                if run.analyzed.reused_from:
                    yield f"run {number} is a re-analysis, and reuses"


def _nothing_reused_is_paid(simulation: Simulation) -> Iterator[str]:
    for record in simulation.records.records.values():
        for number, run in record.runs.items():
            if run.analyzed and run.analyzed.reused_from:
                paid = [(record.image, number, str(detection)) for detection in DETECTIONS]
                seen = simulation.seen
                yield from (str(one) for one in paid if seen.paid[one] > seen.excused[one])


def _result_is_what_is_published(simulation: Simulation) -> Iterator[str]:
    for image in simulation.images.values():
        record = simulation.records.records.get(image)
        found = simulation.processed.find(f"results/{image}.json")
        shown = ImageCompleted.model_validate_json(found.body).run if found else None
        late = f"results/{image}.json" in simulation.seen.late
        if shown != (record.published if record else None) and not late:
            yield f"{image} shows {shown}"


def _listed_as_recorded(simulation: Simulation) -> Iterator[str]:
    for image, record in simulation.records.records.items():
        asked = index_entries(record)
        wanted = {entry.partition: (asked.at, asked.summary, entry) for entry in asked.entries}
        if record.deleted and wanted:
            yield f"{image} is deleted, and to be listed"
        if simulation.lists.of(image) != wanted:
            yield f"{image} is in {list(simulation.lists.of(image))} instead of {list(wanted)}"


def _counted_as_listed(simulation: Simulation) -> Iterator[str]:
    counted: Counter[tuple[str, str]] = Counter()
    for name, image in simulation.lists.entries:
        if name.startswith("label#"):
            counted[count_partition(image), name.removeprefix("label#")] += 1
    counts = {label: n for label, n in simulation.lists.counts.items() if n}
    if counts != counted:
        yield f"counted {counts}, listed {dict(counted)}"


def _quarantine_holds(simulation: Simulation) -> Iterator[str]:
    """Every projection is checked when it is written, too."""
    for image in simulation.images.values():
        key = f"results/{image}.json"
        found = None if key in simulation.seen.late else simulation.processed.find(key)
        if found:
            shown = ImageCompleted.model_validate_json(found.body)
            waits = simulation.seen.waits(image, shown.run)
            if shown.quarantined is not waits or bool(shown.renditions) is waits:
                yield f"run {shown.run} of {image}: quarantined {waits}, shown {shown.quarantined}"


def _release_is_granted(simulation: Simulation) -> Iterator[str]:
    for image in simulation.seen.release_due:
        record = simulation.records.records[image]
        if not record.deleted and image not in simulation.seen.released:
            yield image


def _deletion_is_final(simulation: Simulation) -> Iterator[str]:
    for key, image in simulation.images.items():
        record = simulation.records.records.get(image)
        if record and record.deleted:
            if simulation.uploads.find(key):
                yield f"the original of {key} is there"
            if record.status(record.run) is not RunStatus.DELETED:
                yield f"{key} is {record.status(record.run)}"
            left = {k for k in simulation.processed.keys("") if image in k}
            left -= set(simulation.processed.keys("dead-letters/"))  # one may die after it
            left |= {k for k, run in _index(simulation) if run.startswith(image)}
            yield from left - simulation.seen.late


def _dead_letters_are_stored(simulation: Simulation) -> Iterator[str]:
    """But for those about an image that was deleted, which go with it."""
    expected = {key.rsplit("/", 1)[-1] for key in simulation.processed.keys("dead-letters/")}
    gone = {image for image, record in simulation.records.records.items() if record.deleted}
    stay = [
        letter
        for letter in simulation.dead
        if not gone & {envelope.subject for envelope in readable(letter.body)}
    ]
    yield from {f"{letter.name.rsplit('/', 1)[-1]}.json" for letter in stay} - expected


def _poison_is_dead_lettered(simulation: Simulation) -> Iterator[str]:
    dead_lettered = {(letter.service, letter.body) for letter in simulation.dead}
    yield from (f"{service}: {body}" for service, body in simulation.seen.poison - dead_lettered)


def _no_more_attempts_than_allowed(simulation: Simulation) -> Iterator[str]:
    for event, tries in simulation.seen.attempts.items():
        if len(tries) > LIMITS.max_attempts:
            yield f"{event}: {len(tries)} times"


def _one_run_a_request(simulation: Simulation) -> Iterator[str]:
    for image, record in simulation.records.records.items():
        if record.run > simulation.seen.requests[image]:
            yield f"{record.run} runs for {simulation.seen.requests[image]} requests"


PROMISES: dict[str, Promise] = {
    "an upload did not end": _every_upload_ends,
    "both outcomes were notified": _one_outcome_notified,
    "a notification differs from the record": _notifications_match_the_record,
    "one outcome had two ids": _one_id,
    "one id, two contents": _one_content,
    "an outcome was never published": _every_outcome_is_published,
    "an outcome was never notified": _every_outcome_is_notified,
    "notified again outside the windows": _notified_once,
    "paid again outside the windows": _paid_once,
    "an orphan was left": _no_orphan,
    "the audit misses an orphan": _the_audit_finds_every_orphan,
    "what is published is incomplete": _published_is_complete,
    "an analysis lacks an answer": _analysis_is_whole,
    "a re-analysis lost a version, or did not ask": _every_reanalysis_has_all_versions,
    "what was reused was paid for": _nothing_reused_is_paid,
    "the result differs from the published run": _result_is_what_is_published,
    "the search index differs from the record": _listed_as_recorded,
    "a count differs from the index": _counted_as_listed,
    "the result differs from the quarantine": _quarantine_holds,
    "a release was not granted": _release_is_granted,
    "an object outlived its deletion": _deletion_is_final,
    "a dead letter was not stored": _dead_letters_are_stored,
    "an unreadable message was not dead-lettered": _poison_is_dead_lettered,
    "an event had too many attempts": _no_more_attempts_than_allowed,
    "one request, two runs": _one_run_a_request,
}
