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


def test_a_dead_letter_says_why_it_was_buried() -> None:
    letter = DeadLetter.of(
        message(reason="worker-died", detail="5 attempts ended without a result")
    )
    assert (letter.service, letter.reason) == ("resize", "worker-died")
    assert letter.detail == "5 attempts ended without a result"


def test_a_message_that_came_without_words_was_received_too_often() -> None:
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
def test_what_nobody_can_read_says_so_itself_if_it_came_without_words(
    body: str, reason: str
) -> None:
    letter = DeadLetter.of(message(body))
    assert (letter.reason, letter.reportable) == (reason, False)
    assert letter.detail


def test_an_upload_among_unreadable_ones_is_still_a_failure_to_report() -> None:
    records = json.loads(s3_notification(("uploads", "cat.jpg", b"cat")))["Records"]
    letter = DeadLetter.of(message(json.dumps({"Records": [*records, {"s3": {}}]})))
    assert (letter.reason, letter.reportable) == ("undeliverable", True)


def test_a_terminal_that_lists_the_letters_is_told_nothing_but_words() -> None:
    letter = DeadLetter.of(message(reason="worker-died", detail="\x1b[2Jgone\r\n" + "x" * 2000))
    assert letter.detail.isprintable()
    assert letter.detail.startswith(" [2Jgone  x")
    assert len(letter.detail) == 1000


@pytest.mark.parametrize("reason", ["unreadable", "unknown-type"])
def test_what_nobody_understood_is_no_steps_failure(reason: str) -> None:
    assert not DeadLetter.of(message(reason=reason)).reportable


def test_a_letter_is_kept_by_service_and_day_and_always_at_the_same_place() -> None:
    letter = DeadLetter.of(message())
    assert letter.key == "dead-letters/resize/2027-01-15/m1.json"
    assert DeadLetter.of(message()).key == letter.key


def test_a_letter_about_an_image_is_kept_where_its_deletion_finds_it() -> None:
    letter = DeadLetter.of(message(SECOND.to_json()))
    assert letter.key == f"dead-letters/{SECOND.subject}/resize/2027-01-15/m1.json"


def test_all_that_is_known_of_a_letter_is_kept() -> None:
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
