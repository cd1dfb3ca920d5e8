"""Dead letters: their reason, their key, and whether they are reported. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import PermanentError, sentence
from shared.message import Message, MessageRecord, message_records, read, readable

REASON = "undeliverable"
"""The reason of a readable message that has none: SQS moved it after too many receives."""
UNREPORTED = frozenset({"unreadable", "unknown-type"})
"""Reasons of messages that no step could handle, so no run failed."""


@dataclass(frozen=True)
class DeadLetter:
    """One message that a service could not handle, and why."""

    service: str
    reason: str
    detail: str
    message: Message

    @classmethod
    def of(cls, message: Message) -> "DeadLetter":
        attributes = message.attributes
        if attributes.get("reason"):
            reason, detail = attributes["reason"], attributes.get("detail", "")
        else:
            reason, detail = _diagnose(message.body)
        return cls(service_of(message.queue), reason, sentence(detail), message)

    @property
    def key(self) -> str:
        """Contains the image, if the message names one, so that a deletion deletes the letter."""
        day = datetime.fromtimestamp(self.message.sent, UTC).date()
        envelope = next(readable(self.message.body), None)
        image = f"{envelope.subject}/" if envelope else ""
        return f"dead-letters/{image}{self.service}/{day}/{self.message.id}.json"

    @property
    def reportable(self) -> bool:
        return self.reason not in UNREPORTED

    def to_json(self) -> str:
        return json.dumps(
            {
                "service": self.service,
                "reason": self.reason,
                "detail": self.detail,
                "message": self.message.id,
                "sent": datetime.fromtimestamp(self.message.sent, UTC).isoformat(),
                "receives": self.message.receives,
                "body": self.message.body,
            }
        )


def _diagnose(body: str) -> tuple[str, str]:
    """The reason and detail of a message without a reason.

    If every record of it is invalid, they are the first record's error; otherwise ``REASON``. SQS
    adds no reason when it moves a message after too many receives. A message of the maximum size
    has no space for one.
    """
    problems = []
    try:
        records = message_records(body)
        problems = [problem for record in records if (problem := _problem(record))]
    except PermanentError as error:
        return error.reason, error.detail
    if records and len(problems) == len(records):
        return problems[0].reason, problems[0].detail
    return REASON, "received too often without success"


def _problem(record: MessageRecord) -> PermanentError | None:
    try:
        read(record)
    except PermanentError as error:
        return error
    return None


def service_of(queue: str) -> str:
    """``…:darkroom-local-resize-dead`` is resize's dead-letter queue."""
    return queue.rsplit(":", 1)[-1].removesuffix("-dead").rsplit("-", 1)[-1]
