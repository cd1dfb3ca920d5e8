"""What a dead letter is, what is kept of it, and whether it is a failure to report. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.message import Message

REASON = "undeliverable"
"""The reason of a message that came without one: it was received too often, and nobody said why."""
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
        return cls(
            service=service_of(message.queue),
            reason=message.attributes.get("reason", REASON),
            detail=message.attributes.get("detail", "received too often without an answer"),
            message=message,
        )

    @property
    def key(self) -> str:
        day = datetime.fromtimestamp(self.message.sent, UTC).date()
        return f"dead-letters/{self.service}/{day}/{self.message.id}.json"

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


def service_of(queue: str) -> str:
    """``…:darkroom-local-resize-dead`` is resize's dead-letter queue."""
    return queue.rsplit(":", 1)[-1].removesuffix("-dead").rsplit("-", 1)[-1]
