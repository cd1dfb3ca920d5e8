"""What a dead letter is, what is kept of it, and whether it is a failure to report. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import PermanentError, sentence
from shared.message import Message, MessageRecord, message_records, read, readable

REASON = "undeliverable"
"""Of a message that can be read, and came without a reason: it was received too often."""
NOT_FOR_US = frozenset({"unreadable", "unknown-type"})
"""Buried because nobody could make sense of it: no step of any run has failed by it."""


@dataclass(frozen=True)
class DeadLetter:
    """One message that a service could not handle, and why."""

    service: str
    reason: str
    detail: str
    message: Message

    @classmethod
    def of(cls, message: Message) -> "DeadLetter":
        said = message.attributes
        reason, detail = (
            (said["reason"], said.get("detail", "")) if said.get("reason") else _why(message.body)
        )
        return cls(service_of(message.queue), reason, sentence(detail), message)

    @property
    def key(self) -> str:
        """Below its image, if it names one: a deletion takes the letter along."""
        day = datetime.fromtimestamp(self.message.sent, UTC).date()
        told = next(readable(self.message.body), None)
        image = f"{told.subject}/" if told else ""
        return f"dead-letters/{image}{self.service}/{day}/{self.message.id}.json"

    @property
    def reportable(self) -> bool:
        return self.reason not in NOT_FOR_US

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


def _why(body: str) -> tuple[str, str]:
    """Reason and detail of a message that came without: what is wrong with it, if all of it is.

    The queue itself moves what was received too often, and says nothing; and a message that is as
    large as a queue allows is dead-lettered without words.
    """
    problems = []
    try:
        found = message_records(body)
        problems = [problem for piece in found if (problem := _problem(piece))]
    except PermanentError as error:
        return error.reason, error.detail
    if found and len(problems) == len(found):
        return problems[0].reason, problems[0].detail
    return REASON, "received too often without an answer"


def _problem(piece: MessageRecord) -> PermanentError | None:
    try:
        read(piece)
    except PermanentError as error:
        return error
    return None


def service_of(queue: str) -> str:
    """``…:darkroom-local-resize-dead`` is resize's dead-letter queue."""
    return queue.rsplit(":", 1)[-1].removesuffix("-dead").rsplit("-", 1)[-1]
