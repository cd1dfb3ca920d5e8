"""Publish events to SNS; retry or dead-letter messages of an SQS queue."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.aws import aws_errors
from shared.contracts.envelope import Envelope
from shared.errors import Fault, PermanentError, TransientError, sentence
from shared.message import Message

Wait = tuple[Message, float]
"""A message to retry, and after how many seconds."""

BATCH_SIZE = 10
"""The limit of SQS's ChangeMessageVisibilityBatch."""


class Bus(Protocol):
    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Publish these in order. A repeat is harmless: consumers recognise events by their id."""
        ...


class Queue(Protocol):
    """A service's own queue, for messages that were received from it."""

    def retry_later(self, waits: Sequence[Wait]) -> None:
        """Change the visibility timeouts of these messages, so that each is received again then.

        Raises TransientError if that failed for some; the others are changed.
        """
        ...

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        """Send the message to the dead-letter queue, with the reason as message attributes."""
        ...


class SnsBus:
    """The events topic. Subscriptions filter on the message attribute ``type``.

    A message and its attributes may have 256 KiB. One call publishes one event, since the events of
    a batch would share that limit.
    """

    def __init__(self, client: Any, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            with aws_errors(
                "the events topic", InvalidParameter=("refused-by-sns", Fault.INTERNAL)
            ):
                self._client.publish(
                    TopicArn=self._topic,
                    Message=envelope.to_json(),
                    MessageAttributes={
                        "type": {"DataType": "String", "StringValue": envelope.type}
                    },
                )


class SqsQueue:
    """A queue and its dead-letter queue, by their URLs."""

    def __init__(self, client: Any, queue: str, dead_letters: str) -> None:
        self._client = client
        self._queue = queue
        self._dead_letters = dead_letters

    def retry_later(self, waits: Sequence[Wait]) -> None:
        starts = range(0, len(waits), BATCH_SIZE)
        failed = sum(self._retry_later(waits[start : start + BATCH_SIZE]) for start in starts)
        if failed:
            detail = f"the visibility timeout of {failed} messages was not changed"
            raise TransientError("visibility-not-changed", detail)

    def _retry_later(self, waits: Sequence[Wait]) -> int:
        """Change one batch; returns the number of failures."""
        with aws_errors("the queue"):
            answer = self._client.change_message_visibility_batch(
                QueueUrl=self._queue,
                Entries=[
                    {
                        "Id": str(n),
                        "ReceiptHandle": message.receipt,
                        "VisibilityTimeout": round(seconds),
                    }
                    for n, (message, seconds) in enumerate(waits)
                ],
            )
        return len(answer.get("Failed", []))

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        try:
            self._dead_letter(body, {"reason": reason, "detail": sentence(detail) or reason})
        except PermanentError:  # no room for attributes: rescue derives the reason from the body
            self._dead_letter(body, {})

    def _dead_letter(self, body: str, attributes: Mapping[str, str]) -> None:
        refused = ("refused-by-sqs", Fault.INTERNAL)
        with aws_errors("the dead-letter queue", InvalidParameterValue=refused):
            self._client.send_message(
                QueueUrl=self._dead_letters,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
