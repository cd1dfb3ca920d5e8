"""How one event is delivered: what happens past the lease, what is logged and published."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.envelope import Event
from shared.contracts.images import ImageResized
from shared.contracts.record import RunStatus
from shared.delivery import Decide
from shared.errors import PermanentError, TransientError
from shared.ledger import ClaimKey
from shared.message import message_records, read
from shared.retries import backoff, spread
from tests.captured_logs import captured_logs, lines
from tests.contract.samples import ANALYZED, LAST, REPORT, RESIZED, SECOND
from tests.fakes import MemoryLedger, MemoryQueue, s3_notification

UPLOAD = s3_notification(("uploads", "cat.jpg", b"cat"))
TWO_UPLOADS = s3_notification(("uploads", "cat.jpg", b"cat"), ("uploads", "dog.jpg", b"dog"))
DOWN = TransientError("unavailable", "down")


def failing(error: Exception) -> Callable[..., Any]:
    """A step that raises this error."""

    def act(*_: Any) -> None:
        raise error

    return act


def failing_after(bench: Any, seconds: float, status: RunStatus) -> Any:
    """A step that takes so long, whose run has this status by then, and which then fails."""

    def act(event: Any, _context: Any) -> Iterator[Event]:
        bench.clock.advance(seconds)
        bench.end(event, status)
        raise DOWN

    return act


def test_a_step_that_fails_past_its_lease_is_compensated_if_its_run_failed(
    bench: Any,
) -> None:
    """The worker that took over has compensated before this one wrote its last object."""
    bench.step = failing_after(bench, 41, RunStatus.FAILED)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.compensated == [SECOND.data]


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(39, RunStatus.FAILED), (40, RunStatus.FAILED), (41, RunStatus.COMPLETED)],
)
def test_a_step_that_fails_is_not_compensated_within_its_lease_or_for_a_completed_run(
    bench: Any, seconds: float, status: RunStatus
) -> None:
    bench.step = failing_after(bench, seconds, status)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.compensated == []


def test_a_delivery_that_fails_past_its_lease_compensates_nothing(bench: Any) -> None:
    bench.step = failing_after(bench, 41, RunStatus.FAILED)
    assert bench.consume(LAST.to_json()) == ["m0"]
    assert bench.compensated == []


def test_a_worker_at_the_end_of_its_lease_still_publishes(bench: Any) -> None:
    def act(event: Any, _context: Any) -> Iterator[Event]:
        bench.clock.advance(40)
        bench.end(event, RunStatus.FAILED)
        yield RESIZED

    bench.step = act
    assert bench.consume(SECOND.to_json()) == []
    assert bench.published_types() == [RESIZED.type]


# ---- what is passed on and published -----------------------------------------------------------


def test_a_decision_gets_the_event_and_its_envelope_and_needs_no_claim(bench: Any) -> None:
    calls = []

    def decide(event: Any, context: Any) -> Iterator[Event]:
        calls.append((event, context.envelope))
        yield ANALYZED

    bench.routes = lambda: {ImageResized: Decide(decide)}
    assert bench.consume(SECOND.to_json()) == []
    assert calls == [(SECOND.data, SECOND)]
    assert (bench.published_types(), bench.ledger.rows) == ([ANALYZED.type], {})


def test_a_delivery_gets_the_event_and_its_envelope(bench: Any) -> None:
    calls = []
    bench.step = lambda event, context: calls.append((event, context.envelope))
    bench.consume(LAST.to_json())
    assert calls == [(LAST.data, LAST)]


def test_events_of_one_step_have_ids_by_their_position_and_the_time_in_utc(bench: Any) -> None:
    bench.step = lambda *_: [RESIZED, RESIZED]
    bench.consume(SECOND.to_json())
    now = datetime.fromtimestamp(bench.clock(), UTC)
    assert bench.bus.published == [SECOND.caused(RESIZED, "darkroom/toy", n, now) for n in (0, 1)]
    assert bench.bus.published[0].time == now


def test_every_claim_has_an_owner_of_its_own(bench: Any) -> None:
    bench.consume(SECOND.to_json(), UPLOAD)
    owners = {row.owner for row in bench.ledger.rows.values()}
    assert [len(owner) for owner in owners] == [32, 32]


def test_the_trace_names_the_image_and_the_event(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = []

    def record(parent: object, **annotations: object) -> AbstractContextManager[None]:
        traced.append((parent, annotations))
        return nullcontext()

    monkeypatch.setattr("shared.telemetry.traced", record)
    bench.consume(SECOND.to_json())
    assert traced == [(SECOND.traceparent, {"image": SECOND.subject, "event": SECOND.type})]


def test_an_unexpected_error_is_reported_after_the_last_attempt(bench: Any) -> None:
    bench.step = failing(ZeroDivisionError("oops"))
    assert [bench.consume(SECOND.to_json()) for _ in range(5)] == [["m0"]] * 4 + [[]]
    (report,) = bench.reports()
    assert (report.reason, report.detail) == ("internal-error", "ZeroDivisionError: oops")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("nonsense", None),
        (json.dumps({"Records": [{"s3": {}}]}), None),
        (REPORT.to_json(), "toy does not consume step.failed.v1"),
    ],
)
def test_a_dead_letter_says_what_is_wrong_with_the_message(
    bench: Any, body: str, detail: str | None
) -> None:
    bench.consume(body)
    ((_, _, found),) = bench.queue.dead_lettered
    assert found == (detail or complaint(body))


def complaint(body: str) -> str:
    """The detail of the error that reading this message raises."""
    with pytest.raises(PermanentError) as error:
        read(*message_records(body))
    return error.value.detail


# ---- waits -------------------------------------------------------------------------------------


def test_a_failed_attempt_waits_for_its_backoff(bench: Any) -> None:
    bench.step = failing(DOWN)
    bench.consume(SECOND.to_json())
    assert bench.waits() == [backoff(1, "m0")]


@pytest.mark.parametrize(("lease", "rest"), [(0, 1), (1.5, 1.5), (33, 33)])
def test_a_claimed_event_waits_for_the_rest_of_the_lease_and_at_least_a_second(
    bench: Any, lease: float, rest: float
) -> None:
    key = ClaimKey.of("toy", SECOND.subject, SECOND.type, SECOND.id)
    bench.ledger.claim(key, "another", bench.clock(), lease)
    bench.consume(SECOND.to_json())
    assert bench.waits() == [rest + spread(5, "m0", 1)]


def test_without_time_a_message_waits_up_to_five_seconds_by_its_id_and_receives(bench: Any) -> None:
    bench.time_left.seconds = 2
    assert bench.consume(SECOND.to_json(), receives=3) == ["m0"]
    assert bench.waits() == [spread(5, "m0", 3)]


def test_a_message_that_cannot_be_handled_waits_by_its_receives(bench: Any) -> None:
    bench.ledger = DownLedger()
    assert bench.consume(SECOND.to_json(), receives=2) == ["m0"]
    assert bench.waits() == [backoff(2, "m0")]


def test_a_message_with_several_records_waits_for_the_soonest(bench: Any) -> None:
    bench.consume(TWO_UPLOADS)
    for row, seconds in zip(bench.ledger.rows.values(), (30, 20), strict=True):
        row.completed_at, row.until = None, bench.clock() + seconds
    bench.consume(TWO_UPLOADS)
    assert bench.waits() == [20 + spread(5, "m0", 1)]


class DownLedger(MemoryLedger):
    """A ledger that is unavailable."""

    def claim(self, *_: Any) -> Any:
        raise DOWN


class DownQueue(MemoryQueue):
    """A queue that cannot change visibility timeouts."""

    def retry_later(self, _waits: Any) -> None:
        raise DOWN


# ---- the log -----------------------------------------------------------------------------------


@pytest.fixture
def logged(bench: Any) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Consume these messages; the lines logged but for the hop's, with their fields of interest."""
    with captured_logs("toy") as out:

        def consume(*bodies: str) -> list[dict[str, Any]]:
            bench.consume(*bodies)
            found = [line for line in lines(out) if line["message"] != "hop"]
            return [{k: v for k, v in line.items() if k not in COMMON} for line in found]

        yield consume


COMMON = {
    "time", "service", "stage", "run", "message_id", "event_id", "event_type", "correlation_id",
}  # fmt: skip


def test_a_dead_letter_is_logged_as_an_error_with_its_reason(logged: Any) -> None:
    assert logged("nonsense") == [
        {"level": "ERROR", "message": "message dead-lettered", "reason": "unreadable"}
    ]


def test_a_duplicate_is_logged(bench: Any, logged: Any) -> None:
    bench.consume(SECOND.to_json())
    assert logged(SECOND.to_json()) == [{"level": "INFO", "message": "duplicate"}]


def test_a_compensation_is_logged_with_the_status_of_the_run(bench: Any, logged: Any) -> None:
    bench.end(SECOND.data, RunStatus.FAILED)
    message = "run already ended; compensating"
    assert logged(SECOND.to_json()) == [{"level": "INFO", "message": message, "status": "failed"}]


def test_an_expected_failure_is_logged_as_a_warning_with_what_follows(
    bench: Any, logged: Any
) -> None:
    bench.step = failing(DOWN)
    (line,) = logged(SECOND.to_json())
    assert line == {
        "level": "WARNING",
        "message": "step failed",
        "reason": "unavailable",
        "seconds": round(backoff(1, "m0"), 3),
        "counts_as_attempt": True,
    }


def test_an_unexpected_failure_is_logged_as_an_error_with_its_traceback(
    bench: Any, logged: Any
) -> None:
    bench.step = failing(ZeroDivisionError("oops"))
    (line,) = logged(SECOND.to_json())
    assert (line["level"], line["reason"]) == ("ERROR", "internal-error")
    assert line["exception"].endswith("ZeroDivisionError")


def test_a_failure_that_is_given_up_is_logged_with_its_fault(bench: Any, logged: Any) -> None:
    bench.step = failing(PermanentError("not-an-image", "no picture"))
    (line,) = logged(SECOND.to_json())
    assert (line["reason"], line["fault"]) == ("not-an-image", "client")


def test_a_worker_that_is_overtaken_is_logged_as_such(bench: Any, logged: Any) -> None:
    def act(event: Any, context: Any) -> Iterator[Event]:
        bench.clock.advance(41)
        bench.end(event, RunStatus.COMPLETED)
        context.ensure_lease()
        yield RESIZED

    bench.step = act
    (line,) = logged(SECOND.to_json())
    assert (line["reason"], line["counts_as_attempt"]) == ("overtaken", False)


def test_a_message_that_cannot_be_handled_is_logged_with_its_reason(
    bench: Any, logged: Any
) -> None:
    bench.ledger = DownLedger()
    (line,) = logged(SECOND.to_json())
    assert (line["level"], line["message"], line["reason"]) == (
        "ERROR",
        "could not handle the message",
        "unavailable",
    )


@pytest.mark.parametrize(("seconds", "reason"), [(60, "unavailable"), (1.9, "no-time")])
def test_messages_that_cannot_be_returned_are_logged_with_the_reason(
    bench: Any, logged: Any, seconds: float, reason: str
) -> None:
    bench.queue, bench.step, bench.time_left.seconds = DownQueue(), failing(DOWN), seconds
    assert logged(SECOND.to_json(), UPLOAD)[-1] == {
        "level": "WARNING",
        "message": "could not change message visibility; retry after the visibility timeout",
        "reason": reason,
        "messages": ["m0", "m1"],
    }


def test_the_age_of_a_message_is_measured_to_the_microsecond(bench: Any) -> None:
    bench.step = lambda *_: bench.clock.advance(0.0123456) or ()
    sent = bench.clock()
    with captured_logs("toy") as out:
        bench.consume(SECOND.to_json())
    (line,) = lines(out)
    assert line["Age"] == round(1000 * (bench.clock() - sent), 3)
