"""Sweeps: which runs and uploads are reported, and where the next sweep continues."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.reap.bookmark import Bookmark
from services.reap.logic import BEGINNING, Part
from shared.contracts.images import ReplayRequested
from shared.errors import TransientError
from tests.contract.samples import ANALYZED, RESIZED, STEP_FAILED, TEXT
from tests.fakes import MemoryBus, MemoryObjects
from tests.unit.reap.conftest import LATELY, NOW, Bench, image, resized


def always() -> bool:
    return True


def times(n: int) -> Callable[[], bool]:
    """In time for this many more pages."""
    answers: Iterator[bool] = iter([True] * n)
    return lambda: next(answers, False)


def swept(bench: Bench) -> list[tuple[str, str]]:
    bench.steps.reap(Bookmark(MemoryObjects()), always)
    return bench.reports()


def test_a_run_without_events_is_reported_as_stuck(bench: Bench) -> None:
    bench.store(RESIZED)
    assert swept(bench) == [("stuck", RESIZED.source.key)]


def test_a_recently_started_run_is_not_reported(bench: Bench) -> None:
    bench.store(RESIZED, at=LATELY)
    assert swept(bench) == []


def test_a_run_with_a_recent_event_is_not_reported(bench: Bench) -> None:
    bench.store(RESIZED)
    bench.store(RESIZED, at=LATELY)
    assert swept(bench) == []


def test_an_ended_run_is_not_reported(bench: Bench) -> None:
    bench.store(RESIZED, ANALYZED)
    bench.store(STEP_FAILED)
    assert swept(bench) == []


def test_a_stuck_replay_is_reported_with_its_own_run_number(bench: Bench) -> None:
    bench.store(STEP_FAILED, ReplayRequested(image=TEXT, run=0))
    swept(bench)
    assert [(e.data.image, e.data.run) for e in bench.bus.published] == [(TEXT, 1)]


def test_an_old_upload_without_a_record_is_reported_as_lost(bench: Bench) -> None:
    bench.upload("lost.jpg")
    bench.upload("lost.jpg")
    bench.upload("new.jpg", at=LATELY)
    assert swept(bench) == [("lost", "lost.jpg")] * 2
    assert [e.data.source.version for e in bench.bus.published] == ["v1", "v2"]


def test_an_upload_with_a_record_is_not_lost(bench: Bench) -> None:
    bench.upload("cat.jpg")
    (upload,) = bench.steps.uploads.page({}).uploads
    bench.store(STEP_FAILED.model_copy(update={"image": upload.image}))
    assert swept(bench) == []


def test_a_report_names_reap_and_the_current_time(bench: Bench) -> None:
    bench.store(RESIZED)
    swept(bench)
    (envelope,) = bench.bus.published
    assert (envelope.source, envelope.time) == ("darkroom/reap", NOW)


def test_a_report_with_other_content_has_another_id(bench: Bench) -> None:
    bench.store(ANALYZED)
    swept(bench)
    other_stage = bench.bus.published[0].data.model_copy(update={"stage": "analyze"})
    bench.steps.report([other_stage])
    assert len({envelope.id for envelope in bench.bus.published}) == 2


def test_two_sweeps_publish_the_same_ids(bench: Bench) -> None:
    bench.store(RESIZED)
    bench.upload("lost.jpg")
    swept(bench)
    swept(bench)
    assert len(bench.bus.published) == 4
    assert len({envelope.id for envelope in bench.bus.published}) == 2


def test_a_sweep_publishes_nothing(bench: Bench) -> None:
    bench.store(RESIZED)
    reasons = [report.reason for page in bench.steps.sweep() for report in page.reports]
    assert (reasons, bench.bus.published) == (["stuck"], [])


def test_reap_returns_the_number_of_reports_by_reason(bench: Bench) -> None:
    for n in range(3):
        bench.store(resized(n))
    bench.upload("lost.jpg")
    assert bench.steps.reap(Bookmark(MemoryObjects()), always) == {"stuck": 3, "lost": 1}


def test_the_next_call_continues_where_time_ran_out() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    for n in range(3):
        bench.store(resized(n))
    bench.upload("lost.jpg")
    reasons = [bench.steps.reap(bookmark, times(1)) for _ in range(2)]
    assert reasons == [{"stuck": 2}, {"stuck": 1, "lost": 1}]
    assert bookmark.read() == BEGINNING


def test_every_call_reads_at_least_one_page() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    bench.store(resized(1))
    bench.store(resized(2))
    bench.upload("lost.jpg")
    parts = []
    for _ in range(3):
        bench.steps.reap(bookmark, times(0))
        parts.append(bookmark.read().part)
    assert parts == [Part.RECORDS, Part.UPLOADS, Part.RECORDS]
    assert len(bench.bus.published) == 3


class Killed(BaseException):
    """Ends the process."""


class DeadlyBus(MemoryBus):
    """Kills the publisher after the second event was published."""

    def publish(self, envelopes: Any) -> None:
        super().publish(envelopes)
        if len(self.published) == 2:
            raise Killed


def test_a_page_is_reported_again_after_a_crash() -> None:
    bench, bookmark = Bench(size=2, bus=DeadlyBus()), Bookmark(MemoryObjects())
    for n in range(3):
        bench.store(resized(n))
    with pytest.raises(Killed):
        bench.steps.reap(bookmark, always)
    assert bookmark.read() == BEGINNING
    bench.steps.reap(bookmark, always)
    assert {envelope.data.image for envelope in bench.bus.published} == set(map(image, range(3)))
    assert len({envelope.id for envelope in bench.bus.published}) == 3


def test_two_sweeps_at_once_skip_nothing() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    for n in range(5):
        bench.store(resized(n))

    def concurrent_sweep() -> bool:
        bench.steps.reap(bookmark, times(1))
        return False

    bench.steps.reap(bookmark, concurrent_sweep)
    while bookmark.read() != BEGINNING:
        bench.steps.reap(bookmark, times(0))
    assert {envelope.data.image for envelope in bench.bus.published} == set(map(image, range(5)))


class DownBus(MemoryBus):
    def publish(self, _envelopes: Any) -> None:
        raise TransientError("unavailable", "down")


def test_the_bookmark_stays_when_a_report_cannot_be_published() -> None:
    bench, bookmark = Bench(bus=DownBus()), Bookmark(MemoryObjects())
    bench.store(RESIZED)
    with pytest.raises(TransientError):
        bench.steps.reap(bookmark, always)
    assert bookmark.read() == BEGINNING
