"""What store writes, projects and publishes."""

import json
from typing import Any

import pytest

from services.store.logic import Policy
from services.store.steps import MAX_WRITES, Steps
from shared.contracts.images import ImageCompleted, ImageFailed, ImageReleased
from shared.contracts.record import Record
from shared.delivery import StepContext
from shared.errors import TransientError
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    FIRST,
    RELEASE,
    RELEASED_EVENT,
    RESIZED,
    SECOND,
    SOURCE,
    STEP_FAILED,
    THIRD,
)
from tests.fakes import MemoryObjects, MemoryRecords
from tests.unit.store.memory import MemorySearchIndex

RESULT = f"results/{CAT}.json"
REPORT = FIRST.caused(
    STEP_FAILED.model_copy(update={"image": CAT, "source": SOURCE}), "darkroom/resize", 0, AT
)


class Contended(MemoryRecords):
    """Another worker writes first, this many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def write(self, record: Record) -> bool:
        if self.times:
            self.times -= 1
            return False
        return super().write(record)


class Bench:
    def __init__(self, records: MemoryRecords | None = None, policy: Policy = Policy.FLAG) -> None:
        self.records = records or MemoryRecords()
        self.processed = MemoryObjects()
        self.search_index = MemorySearchIndex()
        self.steps = Steps(self.records, self.processed, self.search_index, policy)

    def decide(self, *envelopes: Any) -> list[Any]:
        """Everything that store publishes for these events."""
        return [
            event
            for envelope in envelopes
            for event in self.steps.decide(envelope.data, StepContext(envelope, AT, lambda: None))
        ]

    def result(self) -> dict[str, Any] | None:
        document = self.processed.find(RESULT)
        return json.loads(document.body) if document else None


def test_nothing_is_published_while_a_run_is_open() -> None:
    bench = Bench()
    assert bench.decide(SECOND) == []
    assert bench.result() is None
    assert bench.records.read(CAT).current.resized == RESIZED


def test_a_completed_run_is_published_with_its_result() -> None:
    bench = Bench()
    (completed,) = bench.decide(SECOND, THIRD)
    assert isinstance(completed, ImageCompleted)
    assert ImageCompleted.model_validate(bench.result()) == completed


def test_a_failed_run_is_published_without_a_result() -> None:
    bench = Bench()
    (failed,) = bench.decide(REPORT)
    assert isinstance(failed, ImageFailed)
    assert bench.result() is None


def test_late_events_get_the_outcome_on_record() -> None:
    bench = Bench()
    outcomes = bench.decide(SECOND, THIRD, REPORT, THIRD, SECOND)
    assert len(outcomes) == 4
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_late_fact_restores_a_lost_result() -> None:
    bench = Bench()
    bench.decide(SECOND, THIRD)
    bench.processed.delete(RESULT)
    bench.decide(SECOND)
    assert bench.result()["image"] == CAT


def test_a_result_of_a_failed_run_is_deleted() -> None:
    bench = Bench()
    bench.processed.put(RESULT, b"{}", "application/json")
    bench.decide(REPORT)
    assert bench.result() is None


def test_the_timeline_has_each_event_and_the_outcome_once() -> None:
    bench = Bench()
    (completed,) = bench.decide(SECOND, THIRD)
    bench.decide(SECOND, THIRD)
    outcome = completed.identity("", "", 0)
    events = {event for _, event in bench.records.timeline}
    assert events == {SECOND.id, THIRD.id, outcome}
    assert bench.records.timeline[CAT, outcome].source == "darkroom/store"


def test_a_failed_conditional_write_is_repeated() -> None:
    bench = Bench(Contended(MAX_WRITES - 1))
    bench.decide(SECOND)
    assert bench.records.read(CAT).current.resized == RESIZED


def test_too_many_failed_writes_are_retried_later() -> None:
    bench = Bench(Contended(MAX_WRITES))
    with pytest.raises(TransientError, match="contended"):
        bench.decide(SECOND)


def test_a_fact_of_an_unknown_run_is_only_put_on_the_timeline() -> None:
    bench = Bench()
    later = THIRD.caused(ANALYZED.model_copy(update={"run": 2}), "darkroom/analyze", 0, AT)
    assert bench.decide(later) == []
    assert bench.records.read(CAT) is None
    assert (CAT, later.id) in bench.records.timeline


def test_a_quarantined_result_has_no_renditions() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    (completed,) = bench.decide(SECOND, THIRD)
    assert (completed.quarantined, completed.renditions) == (True, ())
    assert ImageCompleted.model_validate(bench.result()) == completed


def test_a_release_publishes_all_renditions() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    *_, released = bench.decide(SECOND, THIRD, RELEASE)
    assert isinstance(released, ImageReleased)
    assert released.renditions == RESIZED.renditions
    assert released.placeholder == RESIZED.placeholder
    assert ImageCompleted.model_validate(bench.result()).renditions == RESIZED.renditions


def test_a_repeated_release_has_the_same_content_and_id() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    bench.decide(SECOND, THIRD)
    first, again = bench.decide(RELEASE), bench.decide(RELEASE)
    assert first == again
    assert first[-1].identity("", "", 0) == RELEASED_EVENT.id


def test_an_outdated_projection_is_repeated_after_a_release() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    bench.decide(SECOND, THIRD)
    before = bench.records.read(CAT)
    bench.decide(RELEASE)
    bench.steps._project_result(before)
    assert bench.result()["renditions"]


def test_a_projection_is_repeated_if_the_record_changed_meanwhile() -> None:
    bench = Bench()
    bench.decide(SECOND, THIRD)
    newest = bench.records.read(CAT)
    stale = newest.model_copy(update={"revision": 0, "published": None})
    bench.steps._project_result(stale)
    assert bench.result()["image"] == CAT
