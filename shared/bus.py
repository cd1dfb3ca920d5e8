"""Where messages go: events to the topic, a message put back on its queue, or dead-lettered for good."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.aws import aws_errors
from shared.contracts.envelope import Envelope
from shared.errors import Fault, PermanentError, TransientError, sentence
from shared.message import Message

Wait = tuple[Message, float]
"""A message that is to be received again, and in how many seconds."""

AT_ONCE = 10
"""Messages that SQS takes back in one call."""


class Bus(Protocol):
    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Announce these, in this order. A repeat is harmless: readers know events by their id."""
        ...


class Queue(Protocol):
    """A service's own queue, for messages that were received from it."""

    def retry_later(self, waits: Sequence[Wait]) -> None:
        """Let these be received again after so long, instead of the whole visibility time.

        Raises TransientError if some could not be returned to the queue; the others are.
        """
        ...

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        """Send this to the dead-letter queue, with the reason; rescue keeps it."""
        ...


class SnsBus:
    """The events topic. The one attribute, ``type``, is what subscriptions filter on.

    A message with its attribute holds 256 KiB. Each has a call of its own: a batch would have to
    share these among all that is in it.
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
        starts = range(0, len(waits), AT_ONCE)
        refused = sum(self._retry_later(waits[start : start + AT_ONCE]) for start in starts)
        if refused:
            raise TransientError("not-handed-back", f"the queue did not take back {refused}")

    def _retry_later(self, waits: Sequence[Wait]) -> int:
        """How many the queue did not take back."""
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
        except PermanentError:  # as large as the queue allows: rescue then finds the reason itself
            self._dead_letter(body, {})

    def _dead_letter(self, body: str, words: Mapping[str, str]) -> None:
        refused = ("refused-by-sqs", Fault.INTERNAL)
        with aws_errors("the dead-letter queue", InvalidParameterValue=refused):
            self._client.send_message(
                QueueUrl=self._dead_letters,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": said}
                    for name, said in words.items()
                },
            )
