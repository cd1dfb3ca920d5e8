"""What is listed of a dead letter: the image and the error, as far as anybody can tell."""

import json

import pytest

from infra.operations.dead_letters import MAX_SUBJECT, DeadLetter, lines_by_reason
from tests.contract.samples import CAT, SECOND
from tests.fakes import s3_notification

UPLOADS = [("uploads", "cat.jpg", b"cat"), ("uploads", "dog.jpg", b"dog")]


def letter(body: str, reason: str = "unreadable", detail: str = "why") -> DeadLetter:
    said = {"service": "analyze", "reason": reason, "detail": detail, "sent": "now", "body": body}
    return DeadLetter.of("dead-letters/analyze/2026-11-22/m1.json", json.dumps(said).encode())


def unknown(**said: str) -> str:
    return json.dumps({"type": "image.resized.v9", "subject": CAT, "data": {}} | said)


def test_a_letter_that_can_be_read_is_listed_with_its_image_and_error() -> None:
    assert lines_by_reason([letter(SECOND.to_json(), "worker-died", "5 tries")]) == [
        "worker-died (1)",
        f"  now  analyze  image.resized.v1 of {CAT}: 5 tries",
    ]


def test_a_version_nobody_knows_is_listed_with_the_image_it_names() -> None:
    assert letter(unknown()).about == f"image.resized.v9 of {CAT}"


@pytest.mark.parametrize("body", ["gibberish", "[]", "7", "{}", '{"type": "x"}', "[" * 100_000])
def test_a_message_that_names_nothing_is_listed_as_what_it_is(body: str) -> None:
    assert letter(body).about == "a message that cannot be read"


def test_a_stranger_writes_no_more_than_a_line_on_the_terminal() -> None:
    about = letter(unknown(type="\x1b[2J\n" * 1000)).about
    assert about.isprintable()
    assert len(about) == MAX_SUBJECT


def test_an_unreadable_upload_hides_no_other_in_the_same_letter() -> None:
    records = json.loads(s3_notification(*UPLOADS))["Records"]
    del records[0]["s3"]["object"]["key"]
    (envelope,) = letter(json.dumps({"Records": records})).envelopes
    assert envelope.data.source.key == "dog.jpg"
