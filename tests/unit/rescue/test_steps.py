"""Rescue stores a dead letter first, and then reports the step that failed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.rescue import handler
from services.rescue.steps import Steps
from shared.consumer import answer_batch
from shared.contracts.envelope import Envelope
from shared.errors import Fault, TransientError
from shared.message import Message
from tests.contract.samples import FAILED_EVENT, FIRST, LAST, REPORT, SECOND, THIRD
from tests.fakes import MemoryBus, MemoryObjects, s3_notification, sqs_batch

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
UPLOADS = [("uploads", "cat.jpg", b"cat"), ("uploads", "dog.jpg", b"dog")]


class BrokenObjects(MemoryObjects):
    """A bucket that fails every write."""

    def put(self, *_args: Any, **_more: Any) -> None:
        raise TransientError("unavailable", "down")


class BrokenBus(MemoryBus):
    """A topic that fails the next ``refusals`` times."""

    refusals = 0

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise TransientError("unavailable", "down")
        super().publish(envelopes)


class Bench:
    def __init__(self, objects: MemoryObjects | None = None) -> None:
        self.objects = objects or MemoryObjects()
        self.bus = BrokenBus()
        self.steps = Steps(self.objects, self.bus, lambda: NOW)

    def rescue(self, body: str, service: str = "resize", **attributes: str) -> None:
        queue = f"arn:aws:sqs:us-east-1:000000000000:darkroom-test-{service}-dead"
        self.steps.rescue(Message("m1", "r1", body, queue, 1_800_000_000.0, 1, attributes))

    def letters(self) -> list[dict[str, Any]]:
        return [
            json.loads(self.objects.get(key).body) for key in self.objects.keys("dead-letters/")
        ]

    def reports(self) -> list[Any]:
        return [envelope.data for envelope in self.bus.published]


def test_a_dead_step_is_stored_and_reported_as_internal() -> None:
    bench = Bench()
    bench.rescue(SECOND.to_json(), "analyze", reason="worker-died", detail="5 tries")
    (report,) = bench.reports()
    assert [letter["body"] for letter in bench.letters()] == [SECOND.to_json()]
    assert (report.stage, report.reason, report.detail) == ("analyze", "worker-died", "5 tries")
    assert (report.image, report.run, report.fault) == (SECOND.subject, 0, Fault.INTERNAL)
    assert (report.source, report.owner) == (SECOND.data.source, "ada")


def test_a_report_names_the_dead_lettered_event_as_its_cause() -> None:
    bench = Bench()
    bench.rescue(SECOND.to_json(), "analyze")
    (envelope,) = bench.bus.published
    assert (envelope.causationid, envelope.source) == (SECOND.id, "darkroom/rescue")
    assert envelope.time == NOW


def test_nothing_is_reported_before_it_is_stored() -> None:
    bench = Bench(BrokenObjects())
    with pytest.raises(TransientError):
        bench.rescue(SECOND.to_json())
    assert bench.bus.published == []


@pytest.mark.parametrize("event", [FIRST, SECOND, THIRD], ids=lambda event: event.type)
def test_every_dead_lettered_event_of_a_run_is_reported(event: Any) -> None:
    bench = Bench()
    bench.rescue(event.to_json())
    assert len(bench.reports()) == 1


@pytest.mark.parametrize("event", [LAST, FAILED_EVENT, REPORT], ids=lambda event: event.type)
def test_an_outcome_or_report_is_stored_and_not_reported(event: Any) -> None:
    bench = Bench()
    bench.rescue(event.to_json(), "notify", reason="worker-died")
    assert (len(bench.letters()), bench.reports()) == (1, [])


def test_every_upload_of_one_message_is_reported() -> None:
    bench = Bench()
    bench.rescue(s3_notification(*UPLOADS))
    assert [report.source.key for report in bench.reports()] == ["cat.jpg", "dog.jpg"]
    assert len({envelope.id for envelope in bench.bus.published}) == 2


def test_an_upload_beside_an_unreadable_record_is_reported() -> None:
    bench = Bench()
    records = json.loads(s3_notification(*UPLOADS))["Records"]
    del records[0]["s3"]["object"]["key"]
    bench.rescue(json.dumps({"Records": records}))
    assert [report.source.key for report in bench.reports()] == ["dog.jpg"]


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("nonsense", {"reason": "unreadable"}),
        ("nonsense", {}),
        ('{"type": "image.enlarged.v9", "data": {}}', {}),
        (SECOND.to_json(), {"reason": "unknown-type"}),
    ],
)
def test_an_unreadable_letter_is_stored_and_not_reported(body: str, attributes: dict) -> None:
    bench = Bench()
    bench.rescue(body, **attributes)
    assert [letter["body"] for letter in bench.letters()] == [body]
    assert bench.reports() == []


def test_a_repeated_rescue_stores_one_letter_and_reports_one_id() -> None:
    bench = Bench()
    bench.rescue(SECOND.to_json())
    bench.rescue(SECOND.to_json())
    assert len(bench.letters()) == 1
    assert len({envelope.id for envelope in bench.bus.published}) == 1


def test_a_letter_stays_on_its_queue_until_s3_stores_it() -> None:
    bench = Bench(BrokenObjects())
    batch = sqs_batch(SECOND.to_json(), "nonsense", receives=3)
    failures = {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]}
    assert answer_batch(batch, bench.steps.rescue, handler.leave_on_queue) == failures
    restored = Bench()
    assert answer_batch(batch, restored.steps.rescue, handler.leave_on_queue) == {
        "batchItemFailures": []
    }
    assert [letter["body"] for letter in restored.letters()] == [SECOND.to_json(), "nonsense"]
    assert (len(bench.reports()), len(restored.reports())) == (0, 1)


def test_a_stored_letter_stays_on_its_queue_until_it_is_reported() -> None:
    bench = Bench()
    bench.bus.refusals = 1
    batch = sqs_batch(SECOND.to_json())
    assert answer_batch(batch, bench.steps.rescue, handler.leave_on_queue)["batchItemFailures"]
    assert answer_batch(batch, bench.steps.rescue, handler.leave_on_queue) == {
        "batchItemFailures": []
    }
    assert (len(bench.letters()), len(bench.reports())) == (1, 1)


def test_a_failed_rescue_does_not_fail_the_rest_of_the_batch() -> None:
    class BrokenOnce(MemoryObjects):
        def put(self, key: str, *args: Any, **more: Any) -> None:
            if "m0" in key:
                raise TransientError("unavailable", "down")
            super().put(key, *args, **more)

    bench = Bench(BrokenOnce())
    batch = sqs_batch(SECOND.to_json(), FIRST.to_json(), receives=600)
    answer = answer_batch(batch, bench.steps.rescue, handler.leave_on_queue)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert len(bench.reports()) == 1
