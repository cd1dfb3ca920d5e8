"""Parse an SQS message into the events that its body contains."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.contracts.envelope import UUID_TEXT, Envelope, read_envelope
from shared.contracts.images import Decision, ImageEvent
from shared.contracts.uploads import is_notification, read_upload, uploads_in
from shared.errors import Fault, PermanentError

LARGEST_EVENT = 100 * 1024
"""Maximum bytes of one fact or report, counted over the fields that the contract declares. An
outcome and a record contain two of them: so the outcome is within SNS's 256 KiB, and the record
within DynamoDB's 400 KB.
"""
LONGEST_KEY = 1024
"""Bytes of a key in UTF-8: S3's limit."""
ID = re.compile(UUID_TEXT)
LARGEST_NUMBER = 1e30
"""A plausibility limit. DynamoDB stores 38 digits."""
SAFE_DIGITS = 30
"""An integer of this many characters is below ``LARGEST_NUMBER`` and is not checked."""


class Message(NamedTuple):
    """One SQS message, as Lambda passes it; ``sent`` is in epoch seconds."""

    id: str
    receipt: str
    body: str
    queue: str
    """The queue's ARN."""
    sent: float
    receives: int
    attributes: Mapping[str, str]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Message":
        system = record.get("attributes", {})
        own = record.get("messageAttributes", {})
        return cls(
            id=record["messageId"],
            receipt=record["receiptHandle"],
            body=record["body"],
            queue=record.get("eventSourceARN", ""),
            sent=int(system.get("SentTimestamp", 0)) / 1000,
            receives=int(system.get("ApproximateReceiveCount", 1)),
            attributes={name: value.get("stringValue", "") for name, value in own.items()},
        )


@dataclass(frozen=True, eq=False)
class MessageRecord:
    """One event or upload in a message, decoded from JSON. Compared by identity, since the payload
    is not hashable.
    """

    body: str
    """This record alone, as a message body."""
    payload: Mapping[str, Any]
    """An envelope of ours, or one record of an S3 notification."""
    by_s3: bool = False


def message_records(body: str) -> list[MessageRecord]:
    """The records of one message: S3 may put several uploads, or none, into one notification.

    Raises PermanentError ``unreadable``.
    """
    try:
        return _message_records(body, _decode(body))
    except (ValueError, RecursionError) as error:
        raise PermanentError("unreadable", f"not JSON: {error}", fault=Fault.INTERNAL) from error


def _message_records(body: str, message: Mapping[str, Any]) -> list[MessageRecord]:
    if not is_notification(message):
        return [MessageRecord(body, message)]
    uploads = uploads_in(message)
    if len(uploads) == 1:
        return [MessageRecord(body, uploads[0], by_s3=True)]
    return [
        MessageRecord(json.dumps({"Records": [upload]}), upload, by_s3=True) for upload in uploads
    ]


def read(record: MessageRecord) -> Envelope:
    """The envelope of one record. Raises PermanentError ``unreadable`` or ``unknown-type``."""
    envelope = read_upload(record.payload) if record.by_s3 else read_envelope(record.payload)
    if problem := _problem(envelope, record.body):
        raise PermanentError("unreadable", f"{envelope.type}: {problem}", fault=Fault.INTERNAL)
    return envelope


def readable(body: str) -> Iterator[Envelope]:
    """The envelopes of a message that can be read; unreadable records are skipped."""
    try:
        records = message_records(body)
    except PermanentError:
        return
    for record in records:
        with suppress(PermanentError):
            yield read(record)


def _problem(envelope: Envelope, body: str) -> str | None:
    """Why a complete envelope is invalid all the same; None if it is valid.

    Its id and image are keys of our tables, and its fields are repeated in later events: an invalid
    value could never be written. Only the fields that we read count towards the size limit, since a
    later version may add fields of any size.
    """
    event = envelope.data
    if envelope.subject != event.image:
        return "the subject is not the image"
    if not ID.fullmatch(envelope.id):
        return "the id is not a UUID"
    if isinstance(event, ImageEvent) and len(event.source.key.encode()) > LONGEST_KEY:
        return f"the original's key has more than {LONGEST_KEY} bytes"
    small = 4 * len(body) <= LARGEST_EVENT  # a character has at most 4 bytes: no need to encode
    if small or isinstance(event, Decision):
        return None
    if len(envelope.to_json().encode()) > LARGEST_EVENT:
        return f"the event has more than {LARGEST_EVENT} bytes"
    return None


def _decode(body: str) -> Mapping[str, Any]:
    message = _JSON.decode(body)
    if "\\u" in body:  # raises for half of a surrogate pair, which cannot be written again
        json.dumps(message, ensure_ascii=False).encode()
    if not isinstance(message, dict):
        raise PermanentError("unreadable", "not a JSON object", fault=Fault.INTERNAL)
    return message


def _integer(digits: str) -> int:
    if len(digits) > SAFE_DIGITS:
        _number(digits)
    return int(digits)


def _number(text: str) -> float:
    """The number. Raises ValueError for NaN, infinities and numbers that DynamoDB cannot store."""
    value = float(text)
    if math.isnan(value) or abs(value) > LARGEST_NUMBER or 0 < abs(value) < 1 / LARGEST_NUMBER:
        raise ValueError(f"{text[:40]} is out of range")
    return value


_JSON = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_number)
