"""Records and uploads are gone through page by page; what nobody will finish is reported once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.reap.bookmark import Bookmark
from services.reap.logic import BEGINNING, Part
from shared.contracts.images import ReplayRequested
from shared.errors import TransientError
from tests.contract.samples import ANALYZED, GAVE_UP, RESIZED, TEXT
from tests.fakes import MemoryBus, MemoryObjects
from tests.unit.reap.conftest import LATELY, NOW, Bench, image, resized


def always() -> bool:
    return True


def times(n: int) -> Callable[[], bool]:
    """In time for so many pages more."""
    left: Iterator[bool] = iter([True] * n)
    return lambda: next(left, False)


def swept(bench: Bench) -> list[tuple[str, str]]:
    bench.steps.reap(Bookmark(MemoryObjects()), always)
    return bench.reports()


def test_a_silent_run_is_reported_stuck(bench: Bench) -> None:
    bench.keep(RESIZED)
    assert swept(bench) == [("stuck", RESIZED.source.key)]


def test_a_run_that_began_lately_is_left_alone(bench: Bench) -> None:
    bench.keep(RESIZED, at=LATELY)
    assert swept(bench) == []


def test_a_run_that_was_heard_of_lately_is_left_alone(bench: Bench) -> None:
    bench.keep(RESIZED)
    bench.keep(RESIZED, at=LATELY)
    assert swept(bench) == []


def test_a_run_that_ended_is_left_alone(bench: Bench) -> None:
    bench.keep(RESIZED, ANALYZED)
    bench.keep(GAVE_UP)
    assert swept(bench) == []


def test_a_replay_that_fell_silent_is_reported_as_the_run_it_is(bench: Bench) -> None:
    bench.keep(GAVE_UP, ReplayRequested(image=TEXT, run=0))
    swept(bench)
    assert [(e.data.image, e.data.run) for e in bench.bus.published] == [(TEXT, 1)]


def test_an_upload_that_nobody_heard_of_is_reported_lost(bench: Bench) -> None:
    bench.upload("lost.jpg")
    bench.upload("lost.jpg")
    bench.upload("new.jpg", at=LATELY)
    assert swept(bench) == [("lost", "lost.jpg")] * 2
    assert [e.data.source.version for e in bench.bus.published] == ["v1", "v2"]


def test_an_upload_with_a_record_is_not_lost(bench: Bench) -> None:
    bench.upload("cat.jpg")
    (upload,) = bench.steps.uploads.page({}).entries
    bench.keep(GAVE_UP.model_copy(update={"image": upload.image}))
    assert swept(bench) == []


def test_a_report_is_ours_and_of_now(bench: Bench) -> None:
    bench.keep(RESIZED)
    swept(bench)
    (envelope,) = bench.bus.published
    assert (envelope.source, envelope.time) == ("darkroom/reap", NOW)


def test_what_is_said_otherwise_has_another_id(bench: Bench) -> None:
    bench.keep(ANALYZED)
    swept(bench)
    waits_elsewhere = bench.bus.published[0].data.model_copy(update={"stage": "analyze"})
    bench.steps.report([waits_elsewhere])
    assert len({envelope.id for envelope in bench.bus.published}) == 2


def test_two_sweeps_say_the_same_under_the_same_ids(bench: Bench) -> None:
    bench.keep(RESIZED)
    bench.upload("lost.jpg")
    swept(bench)
    swept(bench)
    assert len(bench.bus.published) == 4
    assert len({envelope.id for envelope in bench.bus.published}) == 2


def test_a_sweep_alone_reports_nothing(bench: Bench) -> None:
    bench.keep(RESIZED)
    found = [report.reason for page in bench.steps.sweep() for report in page.found]
    assert (found, bench.bus.published) == (["stuck"], [])


def test_it_tells_how_many_it_found_of_each(bench: Bench) -> None:
    for n in range(3):
        bench.keep(resized(n))
    bench.upload("lost.jpg")
    assert bench.steps.reap(Bookmark(MemoryObjects()), always) == {"stuck": 3, "lost": 1}


def test_what_there_was_no_time_for_is_found_the_next_time() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    for n in range(3):
        bench.keep(resized(n))
    bench.upload("lost.jpg")
    found = [bench.steps.reap(bookmark, times(1)) for _ in range(2)]
    assert found == [{"stuck": 2}, {"stuck": 1, "lost": 1}]
    assert bookmark.read() == BEGINNING


def test_one_page_is_read_however_short_the_time_is() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    bench.keep(resized(1))
    bench.keep(resized(2))
    bench.upload("lost.jpg")
    parts = []
    for _ in range(3):
        bench.steps.reap(bookmark, times(0))
        parts.append(bookmark.read().part)
    assert parts == [Part.RECORDS, Part.UPLOADS, Part.RECORDS]
    assert len(bench.bus.published) == 3


class Killed(BaseException):
    """The process is gone."""


class DeadlyBus(MemoryBus):
    """Kills who announces the second event, after it was heard."""

    def publish(self, envelopes: Any) -> None:
        super().publish(envelopes)
        if len(self.published) == 2:
            raise Killed


def test_who_is_killed_half_way_is_made_good_by_the_next_one() -> None:
    bench, bookmark = Bench(size=2, bus=DeadlyBus()), Bookmark(MemoryObjects())
    for n in range(3):
        bench.keep(resized(n))
    with pytest.raises(Killed):
        bench.steps.reap(bookmark, always)
    assert bookmark.read() == BEGINNING
    bench.steps.reap(bookmark, always)
    assert {envelope.data.image for envelope in bench.bus.published} == set(map(image, range(3)))
    assert len({envelope.id for envelope in bench.bus.published}) == 3


def test_of_two_at_once_neither_makes_the_next_one_leave_something_out() -> None:
    bench, bookmark = Bench(size=1), Bookmark(MemoryObjects())
    for n in range(5):
        bench.keep(resized(n))

    def another_meanwhile() -> bool:
        bench.steps.reap(bookmark, times(1))
        return False

    bench.steps.reap(bookmark, another_meanwhile)
    while bookmark.read() != BEGINNING:
        bench.steps.reap(bookmark, times(0))
    assert {envelope.data.image for envelope in bench.bus.published} == set(map(image, range(5)))


class DownBus(MemoryBus):
    def publish(self, _envelopes: Any) -> None:
        raise TransientError("unavailable", "down")


def test_what_could_not_be_reported_is_not_passed_over() -> None:
    bench, bookmark = Bench(bus=DownBus()), Bookmark(MemoryObjects())
    bench.keep(RESIZED)
    with pytest.raises(TransientError):
        bench.steps.reap(bookmark, always)
    assert bookmark.read() == BEGINNING
