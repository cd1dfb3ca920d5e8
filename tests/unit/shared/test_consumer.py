"""How a batch of messages is handled: success, retries, failures, claims and runs."""

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

    def step(_event: Any, _context: Any) -> None:
        raise error

    return step


def key_of(envelope: Any) -> ClaimKey:
    return ClaimKey.of("toy", envelope.subject, envelope.type, envelope.id)


def claimed_by_another(bench: Any, envelope: Any, lease: float = 40.0) -> None:
    bench.ledger.claim(key_of(envelope), "another", bench.clock(), lease)


class BrokenBus(MemoryBus):
    """A topic that fails for its first calls."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def publish(self, envelopes: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise DOWN
        super().publish(envelopes)


class BrokenQueue(MemoryQueue):
    """A queue that cannot change a visibility timeout."""

    def retry_later(self, waits: Any) -> None:
        raise DOWN


class BrokenLedger(MemoryLedger):
    """A ledger that is unavailable for one image."""

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Any:
        if key.image == SECOND.subject:
            raise DOWN
        return super().claim(key, owner, now, lease)


# ---- success -----------------------------------------------------------------------------------


def test_the_event_of_a_step_is_published_with_its_cause(bench: Any) -> None:
    assert bench.consume(SECOND.to_json()) == []
    (envelope,) = bench.bus.published
    assert (envelope.causationid, envelope.correlationid) == (SECOND.id, SECOND.correlationid)
    assert (envelope.source, envelope.type) == ("darkroom/toy", "image.resized.v1")
    assert bench.completed() == [True]


def test_a_duplicate_is_acknowledged_without_effect(bench: Any) -> None:
    bench.consume(SECOND.to_json())
    assert bench.consume(SECOND.to_json()) == []
    assert (len(bench.handled), len(bench.bus.published)) == (1, 1)


def test_an_s3_notification_is_handled_as_an_event(bench: Any) -> None:
    assert bench.consume(UPLOAD) == []
    assert bench.handled[0].source.key == "cat.jpg"


def test_all_uploads_of_one_message_are_handled(bench: Any) -> None:
    assert bench.consume(TWO_UPLOADS) == []
    assert [event.source.key for event in bench.handled] == ["cat.jpg", "dog.jpg"]
    assert bench.completed() == [True, True]


def test_s3s_test_event_is_acknowledged(bench: Any) -> None:
    assert bench.consume(json.dumps({"Event": "s3:TestEvent"})) == []
    assert (bench.handled, bench.queue.dead_lettered) == ([], [])


def test_a_compensation_takes_no_claim_and_publishes_nothing(bench: Any) -> None:
    assert bench.consume(FAILED_EVENT.to_json(), FAILED_EVENT.to_json()) == []
    assert bench.compensated == [FAILED_EVENT.data, FAILED_EVENT.data]
    assert (bench.ledger.rows, bench.bus.published) == ({}, [])


# ---- batches -----------------------------------------------------------------------------------


def test_a_failing_record_does_not_affect_the_others(bench: Any) -> None:
    bench.ledger = BrokenLedger()
    assert bench.consume(UPLOAD, SECOND.to_json(), "nonsense", FAILED_EVENT.to_json()) == ["m1"]
    assert (len(bench.handled), len(bench.compensated), len(bench.queue.dead_lettered)) == (1, 1, 1)


def test_without_time_for_another_record_the_rest_is_retried_without_an_attempt(bench: Any) -> None:
    bench.time_left.seconds = 4.9
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.ledger.rows == {}
    assert all(0 < seconds <= 5 for seconds in bench.waits())


def test_without_time_to_change_visibility_the_batch_still_reports_failures(bench: Any) -> None:
    bench.time_left.seconds = 1.9
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.waits() == []


def test_a_record_is_handled_with_just_enough_time(bench: Any) -> None:
    bench.time_left.seconds = 5
    assert bench.consume(SECOND.to_json()) == []


def test_a_failed_change_of_visibility_does_not_fail_the_batch(bench: Any) -> None:
    bench.queue, bench.step = BrokenQueue(), failing(DOWN)
    assert bench.consume(SECOND.to_json(), UPLOAD) == ["m0", "m1"]
    assert bench.attempts() == [1, 1]


# ---- claims ------------------------------------------------------------------------------------


def test_a_record_in_progress_is_retried_after_the_lease(bench: Any) -> None:
    claimed_by_another(bench, SECOND, lease=33)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert 33 < bench.waits()[0] <= 38
    assert (bench.handled, bench.attempts()) == ([], [1])


def test_a_message_is_retried_if_one_of_its_uploads_is_in_progress(bench: Any) -> None:
    bench.consume(UPLOAD)
    (claim,) = bench.ledger.rows.values()
    claim.completed_at, claim.until = None, bench.clock() + 20
    assert bench.consume(TWO_UPLOADS) == ["m0"]
    assert [event.source.key for event in bench.handled] == ["cat.jpg", "dog.jpg"]
    assert 20 < bench.waits()[0] <= 25


def test_a_retried_message_handles_each_of_its_uploads_once(bench: Any) -> None:
    bench.consume(UPLOAD)
    (claim,) = bench.ledger.rows.values()
    claim.completed_at, claim.until = None, bench.clock() + 20
    bench.consume(TWO_UPLOADS)
    bench.clock.advance(30)
    assert bench.consume(TWO_UPLOADS) == []
    assert [event.source.key for event in bench.handled] == ["cat.jpg", "dog.jpg", "cat.jpg"]


def test_a_lease_outlasts_the_function(bench: Any) -> None:
    bench.step = failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.consume(SECOND.to_json())
    bench.clock.advance(39)
    claim = bench.ledger.claim(key_of(SECOND), "another", bench.clock(), 40)
    assert claim.status is ClaimStatus.IN_PROGRESS


def test_an_event_whose_workers_died_five_times_is_dead_lettered_and_completed(bench: Any) -> None:
    for _ in range(5):
        claimed_by_another(bench, SECOND, lease=1)
        bench.ledger.rows[key_of(SECOND)].owner = "somebody"
        bench.clock.advance(2)
    assert bench.consume(SECOND.to_json()) == []
    assert bench.queue.dead_lettered == [
        (SECOND.to_json(), "worker-died", "5 attempts ended without a result")
    ]
    assert (bench.handled, bench.completed()) == ([], [True])


# ---- dead-lettering ----------------------------------------------------------------------------


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
def test_a_message_that_cannot_be_handled_is_dead_lettered_at_once(
    bench: Any, body: str, reason: str
) -> None:
    assert bench.consume(body) == []
    assert [(b, r) for b, r, _ in bench.queue.dead_lettered] == [(body, reason)]
    assert bench.ledger.rows == {}


def test_only_the_unreadable_upload_of_a_message_is_dead_lettered(bench: Any) -> None:
    records = json.loads(TWO_UPLOADS)["Records"]
    del records[0]["s3"]["object"]["key"]
    assert bench.consume(json.dumps({"Records": records})) == []
    assert [json.loads(body)["Records"] for body, _, _ in bench.queue.dead_lettered] == [
        records[:1]
    ]
    assert [event.source.key for event in bench.handled] == ["dog.jpg"]


# ---- failures ----------------------------------------------------------------------------------


def test_a_permanent_error_is_reported_at_the_first_attempt(bench: Any) -> None:
    bench.step = failing(PermanentError("not-an-image", "no picture"))
    assert bench.consume(SECOND.to_json()) == []
    (report,) = bench.reports()
    assert (report.stage, report.reason, report.fault) == ("toy", "not-an-image", Fault.CLIENT)
    assert (report.image, report.run, report.source) == (SECOND.subject, 0, SECOND.data.source)
    assert (bench.attempts(), bench.completed()) == ([1], [True])


def test_a_report_contains_the_owner_from_the_error_context(bench: Any) -> None:
    def step(_event: Any, _context: Any) -> None:
        with error_context(owner="ada"):
            raise PermanentError("not-an-image", "no picture")

    bench.step = step
    bench.consume(UPLOAD)
    assert bench.reports()[0].owner == "ada"


def test_a_report_is_short_for_any_error(bench: Any) -> None:
    bench.step = failing(PermanentError("corrupt", "\ud800\0" * 500_000))
    assert bench.consume(SECOND.to_json()) == []
    (report,) = bench.reports()
    assert len(report.model_dump_json()) < 3000


def test_a_transient_error_is_retried_and_reported_at_the_fifth_attempt(bench: Any) -> None:
    bench.step = failing(DOWN)
    failures = [bench.consume(SECOND.to_json()) for _ in range(5)]
    assert failures == [["m0"]] * 4 + [[]]
    assert [report.reason for report in bench.reports()] == ["unavailable"]
    assert bench.waits() == sorted(bench.waits())


def test_throttling_never_counts_as_an_attempt(bench: Any) -> None:
    bench.step = failing(Throttled("throttled", "slow down"))
    assert [bench.consume(SECOND.to_json()) for _ in range(20)] == [["m0"]] * 20
    assert (bench.attempts(), bench.bus.published) == ([0], [])


def test_a_failed_publication_is_a_failed_attempt(bench: Any) -> None:
    bench.bus = BrokenBus(failures=1)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.completed() == [False]
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.published_types(), bench.attempts()) == (["image.resized.v1"], [2])


def test_a_report_that_cannot_be_published_is_retried(bench: Any) -> None:
    bench.bus = BrokenBus(failures=1)
    bench.step = failing(PermanentError("not-an-image", "no picture"))
    assert bench.consume(SECOND.to_json()) == ["m0"]
    bench.clock.advance(41)
    assert bench.consume(SECOND.to_json()) == []
    assert [report.reason for report in bench.reports()] == ["not-an-image"]


def test_a_failed_delivery_is_dead_lettered_and_not_reported(bench: Any) -> None:
    bench.step = failing(PermanentError("forbidden", "not allowed", fault=Fault.INTERNAL))
    assert bench.consume(LAST.to_json()) == []
    assert bench.queue.dead_lettered == [(LAST.to_json(), "forbidden", "not allowed")]
    assert (bench.bus.published, bench.completed()) == ([], [True])


# ---- the run -----------------------------------------------------------------------------------


def test_a_step_of_a_failed_run_is_compensated_instead(bench: Any) -> None:
    bench.end(SECOND.data, RunStatus.FAILED)
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.handled, bench.compensated) == ([], [SECOND.data])
    assert (bench.bus.published, bench.completed()) == ([], [True])


def test_a_step_of_an_unknown_run_is_compensated_instead(bench: Any) -> None:
    later = SECOND.caused(SECOND.data.model_copy(update={"run": 3}), "x", 0, SECOND.time)
    assert bench.consume(later.to_json()) == []
    assert (bench.handled, bench.compensated) == ([], [later.data])


def test_a_step_of_a_completed_run_is_neither_run_nor_compensated(bench: Any) -> None:
    bench.end(SECOND.data, RunStatus.COMPLETED)
    assert bench.consume(SECOND.to_json()) == []
    assert (bench.handled, bench.compensated, bench.bus.published) == ([], [], [])


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.COMPLETED])
def test_a_worker_past_its_lease_publishes_nothing_for_an_ended_run(
    bench: Any, status: RunStatus
) -> None:
    def slow(event: Any, _context: Any) -> Iterator[Event]:
        bench.clock.advance(41)
        bench.end(event, status)
        yield SECOND.data

    bench.step = slow
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert (bench.bus.published, bench.attempts()) == ([], [0])


def test_a_worker_past_its_lease_may_publish_for_an_open_run(bench: Any) -> None:
    def slow(_event: Any, _context: Any) -> Iterator[Event]:
        bench.clock.advance(41)
        yield SECOND.data

    bench.step = slow
    assert bench.consume(SECOND.to_json()) == []
    assert bench.published_types() == ["image.resized.v1"]


def test_a_worker_within_its_lease_does_not_read_the_record_again(bench: Any) -> None:
    def step(event: Any, context: Any) -> Iterator[Event]:
        bench.end(event, RunStatus.FAILED)
        context.ensure_lease()
        yield SECOND.data

    bench.step = step
    assert bench.consume(SECOND.to_json()) == []
    assert bench.published_types() == ["image.resized.v1"]


def test_a_step_context_has_the_envelope_and_the_time(bench: Any) -> None:
    contexts = []
    bench.step = lambda _event, context: contexts.append(context) or ()
    bench.consume(FIRST.to_json())
    assert contexts[0].envelope == FIRST
    assert contexts[0].at.timestamp() == bench.clock()
    assert bench.handled == [UPLOADED]
