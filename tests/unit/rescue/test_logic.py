"""What a dead letter is, and what is kept of it."""

import json

import pytest

from services.rescue.logic import DeadLetter, service_of
from shared.message import Message
from tests.contract.samples import SECOND
from tests.fakes import s3_notification

QUEUE = "arn:aws:sqs:us-east-1:000000000000:darkroom-local-resize-dead"


def message(body: str = "the body", **words: str) -> Message:
    return Message("m1", "r1", body, QUEUE, 1_800_000_000.0, 101, words)


def test_a_dead_letter_has_its_reason() -> None:
    letter = DeadLetter.of(
        message(reason="worker-died", detail="5 attempts ended without a result")
    )
    assert (letter.service, letter.reason) == ("resize", "worker-died")
    assert letter.detail == "5 attempts ended without a result"


def test_a_readable_message_without_a_reason_is_undeliverable() -> None:
    letter = DeadLetter.of(message(SECOND.to_json()))
    assert (letter.reason, letter.reportable) == ("undeliverable", True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("the body", "unreadable"),
        ("{}", "unreadable"),
        (json.dumps({"Records": [{"s3": {}}, {"s3": {}}]}), "unreadable"),
        (json.dumps({"type": "image.resized.v9", "data": {}}), "unknown-type"),
    ],
)
def test_an_unreadable_message_without_a_reason_is_diagnosed(body: str, reason: str) -> None:
    letter = DeadLetter.of(message(body))
    assert (letter.reason, letter.reportable) == (reason, False)
    assert letter.detail


def test_an_upload_among_unreadable_ones_is_still_a_failure_to_report() -> None:
    records = json.loads(s3_notification(("uploads", "cat.jpg", b"cat")))["Records"]
    letter = DeadLetter.of(message(json.dumps({"Records": [*records, {"s3": {}}]})))
    assert (letter.reason, letter.reportable) == ("undeliverable", True)


def test_control_characters_are_removed_from_details() -> None:
    letter = DeadLetter.of(message(reason="worker-died", detail="\x1b[2Jgone\r\n" + "x" * 2000))
    assert letter.detail.isprintable()
    assert letter.detail.startswith(" [2Jgone  x")
    assert len(letter.detail) == 1000


@pytest.mark.parametrize("reason", ["unreadable", "unknown-type"])
def test_an_unreadable_message_is_not_reported(reason: str) -> None:
    assert not DeadLetter.of(message(reason=reason)).reportable


def test_a_letters_key_has_service_and_day_and_is_stable() -> None:
    letter = DeadLetter.of(message())
    assert letter.key == "dead-letters/resize/2027-01-15/m1.json"
    assert DeadLetter.of(message()).key == letter.key


def test_a_letters_key_starts_with_its_image() -> None:
    letter = DeadLetter.of(message(SECOND.to_json()))
    assert letter.key == f"dead-letters/{SECOND.subject}/resize/2027-01-15/m1.json"


def test_a_letter_is_stored_with_all_its_facts() -> None:
    kept = json.loads(DeadLetter.of(message(reason="worker-died", detail="why")).to_json())
    assert kept == {
        "service": "resize",
        "reason": "worker-died",
        "detail": "why",
        "message": "m1",
        "sent": "2027-01-15T08:00:00+00:00",
        "receives": 101,
        "body": "the body",
    }


@pytest.mark.parametrize(
    ("queue", "service"),
    [
        (QUEUE, "resize"),
        ("arn:aws:sqs:eu-central-1:123456789012:darkroom-my-stage-analyze-dead", "analyze"),
    ],
)
def test_the_service_is_read_from_the_queues_name(queue: str, service: str) -> None:
    assert service_of(queue) == service
