"""How a dead letter is listed: its image and its error, as far as they are readable."""

import json

import pytest

from infra.operations.dead_letters import MAX_SUBJECT, DeadLetter, lines_by_reason
from tests.contract.samples import CAT, SECOND
from tests.fakes import s3_notification

UPLOADS = [("uploads", "cat.jpg", b"cat"), ("uploads", "dog.jpg", b"dog")]


def letter(body: str, reason: str = "unreadable", detail: str = "why") -> DeadLetter:
    stored = {"service": "analyze", "reason": reason, "detail": detail, "sent": "now", "body": body}
    return DeadLetter.of("dead-letters/analyze/2026-11-22/m1.json", json.dumps(stored).encode())


def unknown(**fields: str) -> str:
    return json.dumps({"type": "image.resized.v9", "subject": CAT, "data": {}} | fields)


def test_a_readable_dead_letter_is_listed_with_its_image_and_error() -> None:
    assert lines_by_reason([letter(SECOND.to_json(), "worker-died", "5 attempts")]) == [
        "worker-died (1)",
        f"  now  analyze  image.resized.v1 of {CAT}: 5 attempts",
    ]


def test_an_unknown_event_version_is_listed_with_the_image_it_names() -> None:
    assert letter(unknown()).subject == f"image.resized.v9 of {CAT}"


@pytest.mark.parametrize("body", ["gibberish", "[]", "7", "{}", '{"type": "x"}', "[" * 100_000])
def test_a_message_without_type_and_subject_is_listed_as_unreadable(body: str) -> None:
    assert letter(body).subject == "an unreadable message"


def test_a_foreign_message_prints_at_most_one_printable_line() -> None:
    subject = letter(unknown(type="\x1b[2J\n" * 1000)).subject
    assert subject.isprintable()
    assert len(subject) == MAX_SUBJECT


def test_readable_uploads_beside_an_unreadable_one_are_found() -> None:
    records = json.loads(s3_notification(*UPLOADS))["Records"]
    del records[0]["s3"]["object"]["key"]
    (envelope,) = letter(json.dumps({"Records": records})).envelopes
    assert envelope.data.source.key == "dog.jpg"
