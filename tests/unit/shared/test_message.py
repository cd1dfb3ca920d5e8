"""An SQS record as Lambda hands it over, read as a message; and its body, read as events."""

import json
import math
from bisect import bisect_left
from contextlib import suppress
from typing import Any

import pytest

from shared.errors import PermanentError
from shared.message import LARGEST_EVENT, LONGEST_KEY, Message, message_records, read
from tests.contract.samples import SECOND, TEXT
from tests.fakes import sqs_batch


def test_a_message_is_read_with_its_time_in_seconds() -> None:
    (record,) = sqs_batch("the body", sent=1_800_000_000.25, receives=3)["Records"]
    message = Message.of(record)
    assert (message.id, message.receipt, message.body) == ("m0", "r0", "the body")
    assert (message.sent, message.receives) == (1_800_000_000.25, 3)
    assert message.queue == "arn:aws:sqs:us-east-1:000000000000:q"


def test_a_message_is_read_with_its_own_attributes() -> None:
    (record,) = sqs_batch("the body")["Records"]
    record["messageAttributes"] = {"reason": {"dataType": "String", "stringValue": "worker-died"}}
    assert Message.of(record).attributes == {"reason": "worker-died"}


def test_a_message_without_the_queues_own_words_is_a_first_receive() -> None:
    bare = {"messageId": "m", "receiptHandle": "r", "body": "b"}
    assert Message.of(bare) == Message("m", "r", "b", "", 0.0, 1, {})


# ---- what nobody can have meant ----------------------------------------------------------------

EVENT = json.loads(SECOND.to_json())


def said(**changed: Any) -> str:
    """The event with some of its words changed, as it stands on a queue."""
    return json.dumps(EVENT | changed)


def of_the_original(**changed: Any) -> str:
    return said(data=EVENT["data"] | {"source": EVENT["data"]["source"] | changed})


POISON = {
    "an-id-that-is-no-uuid": said(id="x"),
    "an-id-that-no-key-holds": said(id="x" * 3000),
    "another-subject-than-its-image": said(subject=TEXT),
    "no-subject": said(subject=""),
    "a-key-longer-than-any": of_the_original(key="k" * (LONGEST_KEY + 1)),
    "a-key-longer-than-any-in-bytes": of_the_original(key="ü" * (LONGEST_KEY // 2 + 1)),
    "half-a-character": of_the_original(key="\ud800"),
    "not-a-number": of_the_original(bytes=math.nan),
    "an-infinite-number": of_the_original(bytes=math.inf),
    "a-number-beyond-all-tables": of_the_original(bytes=10**40),
    "a-number-of-too-many-digits": said(more=1).replace('"more": 1', f'"more": {"9" * 5000}'),
    "a-number-below-all-tables": said(more=1).replace('"more": 1', '"more": 1e-200'),
    "more-than-an-answer-can-say-again": said(data=EVENT["data"] | {"owner": "o" * LARGEST_EVENT}),
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_what_no_sender_of_ours_can_mean_is_unreadable(body: str) -> None:
    with pytest.raises(PermanentError) as refused:
        [read(piece) for piece in message_records(body)]
    assert refused.value.reason == "unreadable"


FINE = {
    "a-key-as-long-as-any": of_the_original(key="k" * LONGEST_KEY),
    "whole-characters-written-as-halves": of_the_original(key="\U0001f408.jpg"),
    "an-escaped-control-character": of_the_original(key="\0"),
    "much-that-we-do-not-know-yet": said(later="ü" * 125_000),
    "much-about-the-event-that-we-do-not-know-yet": said(
        data=EVENT["data"] | {"l": ["x"] * 50_000}
    ),
}


@pytest.mark.parametrize("body", FINE.values(), ids=FINE)
def test_what_is_only_unusual_is_read(body: str) -> None:
    assert [read(piece).id for piece in message_records(body)] == [SECOND.id]


@pytest.mark.parametrize(
    "version", ["image.resized.v9", "image.enlarged.v1", "\ufffe", "x" * 250_000]
)
def test_a_type_or_version_nobody_knows_is_unknown_whatever_it_is_called(version: str) -> None:
    with pytest.raises(PermanentError) as refused:
        read(*message_records(said(type=version)))
    assert refused.value.reason == "unknown-type"


def deepest() -> int:
    """The depth of lists within lists at which the decoder gives up."""
    return bisect_left(
        range(100_000), True, key=lambda depth: not decodes("[" * depth + "]" * depth)
    )


def decodes(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return False
    return True


def test_uploads_nested_almost_too_deeply_are_taken_apart_or_unreadable() -> None:
    limit = deepest()
    for depth in range(limit - 20, limit + 1):  # writing gives up a little earlier than reading
        nested = "[" * depth + "]" * depth
        with suppress(PermanentError):
            message_records(f'{{"Records": [{nested}, {nested}]}}')
