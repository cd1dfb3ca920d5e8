"""What store writes, projects and answers."""

import json
from typing import Any

import pytest

from services.store.logic import Policy
from services.store.steps import TRIES, Steps
from shared.contracts.images import ImageCompleted, ImageFailed, ImageReleased
from shared.contracts.record import Record
from shared.delivery import StepContext
from shared.errors import TransientError
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    FIRST,
    GAVE_UP,
    LETTING_GO,
    RELEASE,
    RESIZED,
    SECOND,
    SOURCE,
    THIRD,
)
from tests.fakes import MemoryObjects, MemoryRecords
from tests.unit.store.memory import MemorySearchIndex

RESULT = f"results/{CAT}.json"
REPORT = FIRST.caused(
    GAVE_UP.model_copy(update={"image": CAT, "source": SOURCE}), "darkroom/resize", 0, AT
)


class Contended(MemoryRecords):
    """Records of which somebody else writes another revision first, so many times."""

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
        self.lists = MemorySearchIndex()
        self.steps = Steps(self.records, self.processed, self.lists, policy)

    def hear(self, *envelopes: Any) -> list[Any]:
        """What store answers to each of these."""
        return [
            answer
            for envelope in envelopes
            for answer in self.steps.decide(envelope.data, StepContext(envelope, AT, lambda: None))
        ]

    def result(self) -> dict[str, Any] | None:
        found = self.processed.find(RESULT)
        return json.loads(found.body) if found else None


def test_an_open_run_is_answered_with_nothing() -> None:
    bench = Bench()
    assert bench.hear(SECOND) == []
    assert bench.result() is None
    assert bench.records.read(CAT).current.resized == RESIZED


def test_a_completed_run_is_announced_and_shown() -> None:
    bench = Bench()
    (stored,) = bench.hear(SECOND, THIRD)
    assert isinstance(stored, ImageCompleted)
    assert ImageCompleted.model_validate(bench.result()) == stored


def test_a_failed_run_is_announced_and_not_shown() -> None:
    bench = Bench()
    (failed,) = bench.hear(REPORT)
    assert isinstance(failed, ImageFailed)
    assert bench.result() is None


def test_everything_late_is_answered_with_what_is_on_record() -> None:
    bench = Bench()
    answers = bench.hear(SECOND, THIRD, REPORT, THIRD, SECOND)
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)


def test_a_result_that_was_lost_is_shown_again_by_any_late_fact() -> None:
    bench = Bench()
    bench.hear(SECOND, THIRD)
    bench.processed.delete(RESULT)
    bench.hear(SECOND)
    assert bench.result()["image"] == CAT


def test_a_result_that_should_not_be_there_is_taken_away() -> None:
    bench = Bench()
    bench.processed.put(RESULT, b"{}", "application/json")
    bench.hear(REPORT)
    assert bench.result() is None


def test_the_timeline_has_each_event_once_and_the_verdict_under_its_own_id() -> None:
    bench = Bench()
    (stored,) = bench.hear(SECOND, THIRD)
    bench.hear(SECOND, THIRD)
    verdict = stored.identity("", "", 0)
    events = {event for _, event in bench.records.moments}
    assert events == {SECOND.id, THIRD.id, verdict}
    assert bench.records.moments[CAT, verdict].source == "darkroom/store"


def test_a_lost_race_is_run_again() -> None:
    bench = Bench(Contended(TRIES - 1))
    bench.hear(SECOND)
    assert bench.records.read(CAT).current.resized == RESIZED


def test_a_race_lost_every_time_waits_its_turn() -> None:
    bench = Bench(Contended(TRIES))
    with pytest.raises(TransientError, match="contended"):
        bench.hear(SECOND)


def test_a_fact_about_a_run_nobody_knows_is_noted_and_answered_with_nothing() -> None:
    bench = Bench()
    later = THIRD.caused(ANALYZED.model_copy(update={"run": 2}), "darkroom/analyze", 0, AT)
    assert bench.hear(later) == []
    assert bench.records.read(CAT) is None
    assert (CAT, later.id) in bench.records.moments


def test_under_quarantine_a_flagged_picture_is_shown_without_its_renditions() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    (stored,) = bench.hear(SECOND, THIRD)
    assert (stored.quarantined, stored.renditions) == (True, ())
    assert ImageCompleted.model_validate(bench.result()) == stored


def test_a_release_is_announced_and_shown_with_all_renditions() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    *_, released = bench.hear(SECOND, THIRD, RELEASE)
    assert isinstance(released, ImageReleased)
    assert released.renditions == RESIZED.renditions
    assert ImageCompleted.model_validate(bench.result()).renditions == RESIZED.renditions


def test_a_release_repeated_is_answered_with_the_same_words_and_id() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    bench.hear(SECOND, THIRD)
    first, again = bench.hear(RELEASE), bench.hear(RELEASE)
    assert first == again
    assert first[-1].identity("", "", 0) == LETTING_GO.id


def test_a_projection_overtaken_by_a_release_is_made_again() -> None:
    bench = Bench(policy=Policy.QUARANTINE)
    bench.hear(SECOND, THIRD)
    before = bench.records.read(CAT)
    bench.hear(RELEASE)
    bench.steps._project(before)
    assert bench.result()["renditions"]


def test_what_changed_while_it_was_shown_is_shown_as_it_is_then() -> None:
    bench = Bench()
    bench.hear(SECOND, THIRD)
    newest = bench.records.read(CAT)
    stale = newest.model_copy(update={"revision": 0, "published": None})
    bench.steps._project(stale)
    assert bench.result()["image"] == CAT
