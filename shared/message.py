"""A message as a queue delivers it, and the events that its body tells of."""

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
"""Bytes of what is understood of one fact or report. Two that say no more make a verdict that SNS
takes (256 KiB), and a record that DynamoDB takes (400 KB).
"""
LONGEST_KEY = 1024
"""Bytes of a key in UTF-8: S3 has no longer ones."""
ID = re.compile(UUID_TEXT)
LARGEST_NUMBER = 1e30
"""Nobody counts or measures anything larger; DynamoDB ends at 38 digits."""
FEW_DIGITS = 30
"""An integer of so many characters is below the largest number, and needs no look."""


class Message(NamedTuple):
    """One message of a queue as Lambda hands it over; ``sent`` is in epoch seconds."""

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
    """One of the things that a message tells of, decoded. Known by its identity: what was decoded
    cannot be hashed.
    """

    body: str
    """It alone, as a message."""
    payload: Mapping[str, Any]
    """An envelope of ours, or one record of a notification of S3's."""
    by_s3: bool = False


def message_records(body: str) -> list[MessageRecord]:
    """What one message tells of: S3 may put several uploads, or none, into one notification.

    Raises PermanentError ``unreadable``.
    """
    try:
        return _pieces(body, _decoded(body))
    except (ValueError, RecursionError) as error:
        raise PermanentError("unreadable", f"not JSON: {error}", fault=Fault.INTERNAL) from error


def _pieces(body: str, message: Mapping[str, Any]) -> list[MessageRecord]:
    if not is_notification(message):
        return [MessageRecord(body, message)]
    uploads = uploads_in(message)
    if len(uploads) == 1:
        return [MessageRecord(body, uploads[0], by_s3=True)]
    return [MessageRecord(json.dumps({"Records": [one]}), one, by_s3=True) for one in uploads]


def read(piece: MessageRecord) -> Envelope:
    """The envelope of one piece. Raises PermanentError ``unreadable`` or ``unknown-type``."""
    envelope = read_upload(piece.payload) if piece.by_s3 else read_envelope(piece.payload)
    if problem := _what_nobody_says(envelope, piece.body):
        raise PermanentError("unreadable", f"{envelope.type}: {problem}", fault=Fault.INTERNAL)
    return envelope


def understood(body: str) -> Iterator[Envelope]:
    """What of a message can be read: one bad record silences no other beside it."""
    try:
        found = message_records(body)
    except PermanentError:
        return
    for piece in found:
        with suppress(PermanentError):
            yield read(piece)


def _what_nobody_says(envelope: Envelope, body: str) -> str | None:
    """What is wrong with an envelope that has every field, but that no sender of ours can mean.

    The tables are keyed by its id and its image, and what it says is said again in the answers:
    neither could be written, however often it was tried. Of a large ``body`` only what we
    understand counts: fields that a later version adds may be as large as they like.
    """
    event = envelope.data
    if envelope.subject != event.image:
        return "its subject is not its image"
    if not ID.fullmatch(envelope.id):
        return "its id is no UUID"
    if isinstance(event, ImageEvent) and len(event.source.key.encode()) > LONGEST_KEY:
        return f"its original has a key of more than {LONGEST_KEY} bytes"
    small = 4 * len(body) <= LARGEST_EVENT  # no character has more bytes: spares most a look
    if small or isinstance(event, Decision):
        return None
    if len(envelope.to_json().encode()) > LARGEST_EVENT:
        return f"it says more than {LARGEST_EVENT} bytes"
    return None


def _decoded(body: str) -> Mapping[str, Any]:
    message = _JSON.decode(body)
    if "\\u" in body:  # half of a surrogate pair is no text: nobody could say it again
        json.dumps(message, ensure_ascii=False).encode()
    if not isinstance(message, dict):
        raise PermanentError("unreadable", "not a JSON object", fault=Fault.INTERNAL)
    return message


def _integer(digits: str) -> int:
    if len(digits) > FEW_DIGITS:
        _number(digits)
    return int(digits)


def _number(word: str) -> float:
    """ValueError for NaN, the infinities, and whatever no table could keep."""
    value = float(word)
    if math.isnan(value) or abs(value) > LARGEST_NUMBER or 0 < abs(value) < 1 / LARGEST_NUMBER:
        raise ValueError(f"{word[:40]} is no number that anything has")
    return value


_JSON = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_number)
