"""A message as a queue delivers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
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
