"""One record, one straight line: what each turn of it leaves behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.contracts.envelope import Event
from shared.contracts.record import RunStatus
from shared.errors import Fault, PermanentError, Throttled, TransientError, error_context
from shared.ledger import ClaimKey, ClaimStatus
from tests.contract.samples import FAILED_EVENT, FIRST, LAST, REPORT, SECOND, TEXT, UPLOADED
from tests.fakes import MemoryBus, MemoryLedger, MemoryQueue, s3_notification

UPLOAD = s3_notification(("uploads", "cat.jpg", b"cat"))
TWO_UPLOADS = s3_notification(("uploads", "cat.jpg", b"cat"), ("uploads", "dog.jpg", b"dog"))
DOWN = TransientError("unavailable", "down")


def failing(error: Exception) -> Any:
    """A step that fails."""

    def act(_event: Any, _turn: Any) -> None:
        raise error

    return act


def key_of(envelope: Any) -> ClaimKey:
    return ClaimKey.of("toy", envelope.subject, envelope.type, envelope.id)


def claimed_by_another(bench: Any, envelope: Any, lease: float = 40.0) -> None:
    bench.ledger.claim(key_of(envelope), "another", bench.clock(), lease)


class BrokenBus(MemoryBus):
    """A topic that refuses as often as it is told to."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    def publish(self, envelopes: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DOWN
        super().publish(envelopes)


class BrokenQueue(MemoryQueue):
    """A queue that takes nothing back."""

    def retry_later(self, waits: Any) -> None:
        raise DOWN


class BrokenLedger(MemoryLedger):
    """A ledger that knows nothing of one image."""

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Any:
        if key.image == SECOND.subject:
            raise DOWN
        return super().claim(key, owner, now, lease)


# ---- the straight line -------------------------------------------------------------------------


def test_what_a_step_returns_is_announced_as_caused_by_what_it_answers(bench: Any) -> None:
    assert bench.consume(SECOND.to_json()) == []
    (said,) = bench.bus.published
    assert (said.causationid, said.correlationid) == (SECOND.id, SECOND.correlationid)
    assert (said.source, said.type) == ("darkroom/toy", "image.resized.v1")
    assert bench.completed() == [True]


def test_a_repeat_is_acknowledged_and_nothing_is_done(bench: Any) -> None:
    bench.consume(SECOND.to_json())
    assert bench.consume(SECOND.to_json()) == []
    assert (len(bench.done), len(bench.bus.published)) == (1, 1)


def test_an_upload_is_handled_as_its_event(bench: Any) -> None:
    assert bench.consume(UPLOAD) == []
    assert bench.done[0].source.key == "cat.jpg"


def test_every_upload_of_one_message_is_handled(bench: Any) -> None:
    assert bench.consume(TWO_UPLOADS) == []
    assert [event.source.key for event in bench.done] == ["cat.jpg", "dog.jpg"]
    assert bench.completed() == [True, True]


def test_s3s_test_event_is_acknowledged(bench: Any) -> None:
    assert bench.consume(json.dumps({"Event": "s3:TestEvent"})) == []
    assert (bench.done, bench.queue.dead_lettered) == ([], [])


def test_an_undo_takes_no_claim_and_says_nothing(bench: Any) -> None:
    assert bench.consume(FAILED_EVENT.to_json(), FAILED_EVENT.to_json()) == []
    assert bench.undone == [FAILED_EVENT.data, FAILED_EVENT.data]
    assert (bench.ledger.rows, bench.bus.published) == ({}, [])


# ---- batches -----------------------------------------------------------------------------------


def test_one_bad_record_takes_no_other_with_it(bench: Any) -> None:
    bench.ledger = BrokenLedger()
    assert bench.consume(UPLOAD, SECOND.to_json(), "nonsense", FAILED_EVENT.to_json()) == ["m1"]
    assert (len(bench.done), len(bench.undone), len(bench.queue.dead_lettered)) == (1, 1, 1)


def test_without_time_for_one_more_the_rest_goes_back_uncharged(bench: Any) -> None:
    bench.time_left.seconds = 4.9
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.ledger.rows == {}
    assert all(0 < seconds <= 5 for seconds in bench.waits())


def test_in_the_last_moment_nothing_is_handed_back_but_the_batch_still_answers(bench: Any) -> None:
    bench.time_left.seconds = 1.9
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.waits() == []


def test_with_just_enough_time_it_is_handled(bench: Any) -> None:
    bench.time_left.seconds = 5
    assert bench.consume(SECOND.to_json()) == []


def test_a_queue_that_takes_nothing_back_costs_the_visibility_time_only(bench: Any) -> None:
    bench.queue, bench.act = BrokenQueue(), failing(DOWN)
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.attempts() == [1, 1]


# ---- claims ------------------------------------------------------------------------------------


def test_what_another_is_busy_with_waits_for_the_rest_of_the_lease(bench: Any) -> None:
    claimed_by_another(bench, SECOND, lease=33)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert 33 < bench.waits()[0] <= 38
    assert (bench.done, bench.attempts()) == ([], [1])


def test_of_several_uploads_in_one_message_only_the_busy_one_waits(bench: Any) -> None:
    bench.consume(UPLOAD)
    (busy,) = bench.ledger.rows.values()
    busy.completed_at, busy.until = None, bench.clock() + 20
    assert bench.consume(TWO_UPLOADS) == ["m0"]
    assert [event.source.key for event in bench.done] == ["cat.jpg", "dog.jpg"]
    assert 20 < bench.waits()[0] <= 25


def test_the_message_with_a_busy_upload_does_the_rest_once(bench: Any) -> None:
    bench.consume(UPLOAD)
    (busy,) = bench.ledger.rows.values()
    busy.completed_at, busy.until = None, bench.clock() + 20
    bench.consume(TWO_UPLOADS)
    bench.clock.advance(30)
    assert bench.consume(TWO_UPLOADS) == []
    assert [e.source.key for e in bench.done] == ["cat.jpg", "dog.jpg", "cat.jpg"]


def test_a_lease_outlasts_the_function(bench: Any) -> None:
    bench.act = failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.consume(SECOND.to_json())
    bench.clock.advance(39)
    found = bench.ledger.claim(key_of(SECOND), "another", bench.clock(), 40)
    assert found.status is ClaimStatus.IN_PROGRESS


def test_what_killed_every_worker_is_buried_and_settled(bench: Any) -> None:
    for _ in range(5):
        claimed_by_another(bench, SECOND, lease=1)
        bench.ledger.rows[key_of(SECOND)].owner = "somebody"
        bench.clock.advance(2)
    assert bench.consume(SECOND.to_json()) == []
    assert bench.queue.dead_lettered == [
        (SECOND.to_json(), "worker-died", "5 attempts ended without a result")
    ]
    assert (bench.done, bench.completed()) == ([], [True])


# ---- what cannot be handled --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "unreadable"),
        (json.dumps({"type": "image.enlarged.v1", "data": {}}), "unknown-type"),
        (REPORT.to_json(), "unknown-type"),
        (json.dumps({"Records": [{"s3": {}}]}), "unreadable"),
        (json.dumps({"type": "image.resized.v9", "data": {"x": "x" * 260_000}}), "unknown-type"),
        (SECOND.to_json().replace(SECOND.subject, TEXT, 1), "unreadable"),
    ],
)
def test_what_nobody_here_can_handle_is_buried_at_first_sight(
    bench: Any, body: str, reason: str
) -> None:
    assert bench.consume(body) == []
    assert [(b, r) for b, r, _ in bench.queue.dead_lettered] == [(body, reason)]
    assert bench.ledger.rows == {}


def test_of_several_uploads_only_the_unreadable_one_is_buried(bench: Any) -> None:
    records = json.loads(TWO_UPLOADS)["Records"]
    del records[0]["s3"]["object"]["key"]
    assert bench.consume(json.dumps({"Records": records})) == []
    assert [json.loads(body)["Records"] for body, _, _ in bench.queue.dead_lettered] == [
        records[:1]
    ]
    assert [event.source.key for event in bench.done] == ["dog.jpg"]


# ---- failures ----------------------------------------------------------------------------------


def test_a_permanent_error_is_reported_at_the_first_try(bench: Any) -> None:
    bench.act = failing(PermanentError("not-an-image", "no picture"))
    assert bench.consume(SECOND.to_json()) == []
    (report,) = bench.reports()
    assert (report.stage, report.reason, report.fault) == ("toy", "not-an-image", Fault.CLIENT)
    assert (report.image, report.run, report.source) == (SECOND.subject, 0, SECOND.data.source)
    assert (bench.attempts(), bench.completed()) == ([1], [True])


def test_a_report_knows_the_owner_that_the_step_had_read(bench: Any) -> None:
    def act(_event: Any, _turn: Any) -> None:
        with error_context(owner="ada"):
            raise PermanentError("not-an-image", "no picture")

    bench.act = act
    bench.consume(UPLOAD)
    assert bench.reports()[0].owner == "ada"


def test_a_report_is_short_whatever_went_wrong(bench: Any) -> None:
    bench.act = failing(PermanentError("corrupt", "\ud800\0" * 500_000))
    assert bench.consume(SECOND.to_json()) == []
    (report,) = bench.reports()
    assert len(report.model_dump_json()) < 3000


def test_an_expected_failure_is_tried_again_and_reported_by_the_fifth(bench: Any) -> None:
    bench.act = failing(DOWN)
    again = [bench.consume(SECOND.to_json()) for _ in range(5)]
    assert again == [["m0"]] * 4 + [[]]
    assert [report.reason for report in bench.reports()] == ["unavailable"]
    assert bench.waits() == sorted(bench.waits())


def test_throttling_never_uses_the_budget(bench: Any) -> None:
    bench.act = failing(Throttled("throttled", "slow down"))
    assert [bench.consume(SECOND.to_json()) for _ in range(20)] == [["m0"]] * 20
    assert (bench.attempts(), bench.bus.published) == ([0], [])


def test_a_failure_to_announce_is_a_failed_try(bench: Any) -> None:
    bench.bus = BrokenBus(refusals=1)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.completed() == [False]
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.said(), bench.attempts()) == (["image.resized.v1"], [2])


def test_a_report_that_cannot_be_announced_is_not_forgotten(bench: Any) -> None:
    bench.bus = BrokenBus(refusals=1)
    bench.act = failing(PermanentError("not-an-image", "no picture"))
    assert bench.consume(SECOND.to_json()) == ["m0"]
    bench.clock.advance(41)
    assert bench.consume(SECOND.to_json()) == []
    assert [report.reason for report in bench.reports()] == ["not-an-image"]


def test_what_could_not_be_told_is_buried_never_reported(bench: Any) -> None:
    bench.act = failing(PermanentError("forbidden", "not allowed", fault=Fault.INTERNAL))
    assert bench.consume(LAST.to_json()) == []
    assert bench.queue.dead_lettered == [(LAST.to_json(), "forbidden", "not allowed")]
    assert (bench.bus.published, bench.completed()) == ([], [True])


# ---- the run -----------------------------------------------------------------------------------


def test_a_do_for_a_failed_run_unmakes_it_instead(bench: Any) -> None:
    bench.end(SECOND.data, RunStatus.FAILED)
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.done, bench.undone) == ([], [SECOND.data])
    assert (bench.bus.published, bench.completed()) == ([], [True])


def test_a_do_for_a_run_nobody_knows_unmakes_it_instead(bench: Any) -> None:
    later = SECOND.caused(SECOND.data.model_copy(update={"run": 3}), "x", 0, SECOND.time)
    assert bench.consume(later.to_json()) == []
    assert (bench.done, bench.undone) == ([], [later.data])


def test_a_do_for_a_completed_run_does_and_unmakes_nothing(bench: Any) -> None:
    bench.end(SECOND.data, RunStatus.COMPLETED)
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.done, bench.undone, bench.bus.published) == ([], [], [])


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.COMPLETED])
def test_a_worker_past_its_lease_says_nothing_of_a_run_that_has_ended(
    bench: Any, status: RunStatus
) -> None:
    def slow(event: Any, _turn: Any) -> Iterator[Event]:
        bench.clock.advance(41)
        bench.end(event, status)
        yield SECOND.data

    bench.act = slow
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert (bench.bus.published, bench.attempts()) == ([], [0])


def test_a_worker_past_its_lease_may_speak_of_a_run_that_is_open(bench: Any) -> None:
    def slow(_event: Any, _turn: Any) -> Iterator[Event]:
        bench.clock.advance(41)
        yield SECOND.data

    bench.act = slow
    assert bench.consume(SECOND.to_json()) == []
    assert bench.said() == ["image.resized.v1"]


def test_a_worker_within_its_lease_does_not_ask_again(bench: Any) -> None:
    def act(event: Any, context: Any) -> Iterator[Event]:
        bench.end(event, RunStatus.FAILED)
        context.ensure_lease()
        yield SECOND.data

    bench.act = act
    assert bench.consume(SECOND.to_json()) == []
    assert bench.said() == ["image.resized.v1"]


def test_a_turn_knows_its_envelope_and_its_time(bench: Any) -> None:
    turns = []
    bench.act = lambda _event, context: turns.append(context) or ()
    bench.consume(FIRST.to_json())
    assert turns[0].envelope == FIRST
    assert turns[0].at.timestamp() == bench.clock()
    assert bench.done == [UPLOADED]
