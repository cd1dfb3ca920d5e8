"""An SQS record in a Lambda event is read as a message, and its body as events."""

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


def test_a_message_is_read_with_its_message_attributes() -> None:
    (record,) = sqs_batch("the body")["Records"]
    record["messageAttributes"] = {"reason": {"dataType": "String", "stringValue": "worker-died"}}
    assert Message.of(record).attributes == {"reason": "worker-died"}


def test_a_message_without_system_attributes_is_received_for_the_first_time() -> None:
    bare = {"messageId": "m", "receiptHandle": "r", "body": "b"}
    assert Message.of(bare) == Message("m", "r", "b", "", 0.0, 1, {})


# ---- malformed messages ------------------------------------------------------------------------

EVENT = json.loads(SECOND.to_json())


def body(**changed: Any) -> str:
    """The body of a message with a changed event."""
    return json.dumps(EVENT | changed)


def body_with_source(**changed: Any) -> str:
    return body(data=EVENT["data"] | {"source": EVENT["data"]["source"] | changed})


MALFORMED = {
    "an-id-that-is-no-uuid": body(id="x"),
    "an-id-longer-than-a-key": body(id="x" * 3000),
    "another-subject-than-its-image": body(subject=TEXT),
    "no-subject": body(subject=""),
    "a-key-that-is-too-long": body_with_source(key="k" * (LONGEST_KEY + 1)),
    "a-key-with-too-many-bytes": body_with_source(key="ü" * (LONGEST_KEY // 2 + 1)),
    "half-a-surrogate-pair": body_with_source(key="\ud800"),
    "not-a-number": body_with_source(bytes=math.nan),
    "an-infinite-number": body_with_source(bytes=math.inf),
    "a-number-too-large-for-dynamodb": body_with_source(bytes=10**40),
    "a-number-of-too-many-digits": body(more=1).replace('"more": 1', f'"more": {"9" * 5000}'),
    "a-number-too-small-for-dynamodb": body(more=1).replace('"more": 1', '"more": 1e-200'),
    "an-event-too-large-to-repeat": body(data=EVENT["data"] | {"owner": "o" * LARGEST_EVENT}),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_message_is_unreadable(body: str) -> None:
    with pytest.raises(PermanentError) as refused:
        [read(record) for record in message_records(body)]
    assert refused.value.reason == "unreadable"


UNUSUAL = {
    "a-key-of-the-longest-length": body_with_source(key="k" * LONGEST_KEY),
    "characters-written-as-surrogate-pairs": body_with_source(key="\U0001f408.jpg"),
    "an-escaped-control-character": body_with_source(key="\0"),
    "a-large-unknown-attribute": body(later="ü" * 125_000),
    "a-large-unknown-field": body(data=EVENT["data"] | {"l": ["x"] * 50_000}),
}


@pytest.mark.parametrize("body", UNUSUAL.values(), ids=UNUSUAL)
def test_an_unusual_message_is_read(body: str) -> None:
    assert [read(record).id for record in message_records(body)] == [SECOND.id]


@pytest.mark.parametrize(
    "version", ["image.resized.v9", "image.enlarged.v1", "\ufffe", "x" * 250_000]
)
def test_an_unknown_type_or_version_has_its_own_reason(version: str) -> None:
    with pytest.raises(PermanentError) as refused:
        read(*message_records(body(type=version)))
    assert refused.value.reason == "unknown-type"


def deepest() -> int:
    """The depth of nested lists at which the decoder fails."""
    return bisect_left(
        range(100_000), True, key=lambda depth: not decodes("[" * depth + "]" * depth)
    )


def decodes(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return False
    return True


def test_deeply_nested_records_are_split_or_unreadable() -> None:
    limit = deepest()
    for depth in range(limit - 20, limit + 1):  # encoding fails earlier than decoding
        nested = "[" * depth + "]" * depth
        with suppress(PermanentError):
            message_records(f'{{"Records": [{nested}, {nested}]}}')
