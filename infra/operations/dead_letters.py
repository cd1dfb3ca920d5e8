"""List the dead letters that ``rescue`` stored, and replay them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from infra.operations.images import Images
from infra.operations.replay import ReplayOptions, replay
from shared.contracts.envelope import Envelope
from shared.contracts.images import Fact
from shared.contracts.record import RunStatus
from shared.errors import sentence
from shared.ledger import ClaimKey
from shared.message import readable

PREFIX = "dead-letters/"
MAX_SUBJECT = 120
"""Characters. A type and an image's id take 60; an unreadable message gets one line at most."""
REPLAYS_A_SECOND = 50.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class DeadLetter:
    """One stored message: its key in S3, why it failed, and its readable events."""

    key: str
    service: str
    reason: str
    detail: str
    sent: str
    envelopes: tuple[Envelope, ...]
    fallback: str
    """A description for a message without readable events."""

    @classmethod
    def of(cls, key: str, document: bytes) -> "DeadLetter":
        stored = json.loads(document)
        names = ("service", "reason", "detail", "sent")
        fields = {name: str(stored[name]) for name in names}
        body = stored["body"]
        return cls(key=key, envelopes=tuple(readable(body)), fallback=_fallback(body), **fields)

    @property
    def subject(self) -> str:
        events = [f"{envelope.type} of {envelope.subject}" for envelope in self.envelopes]
        return ", ".join(events) or self.fallback


def _fallback(body: str) -> str:
    """The type and image that the message names, even if the type is unknown."""
    try:
        payload = json.loads(body)
        return sentence(f"{payload['type']} of {payload['subject']}")[:MAX_SUBJECT]
    except (ValueError, RecursionError, TypeError, KeyError):
        return "an unreadable message"


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of a stage, by service and then oldest first."""

    images: Images

    def all(self) -> list[DeadLetter]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        letters = [DeadLetter.of(key, self._read(key)) for key in keys]
        return sorted(letters, key=lambda letter: (letter.service, letter.sent))

    def replay(self, dead_letter: DeadLetter, say: Say) -> bool:
        """Replay the message and delete the dead letter; False if the message is unreadable.

        A step's event is replaced by a replay of its image, because the run has failed. Any other
        event is sent to its service again, after its claim is deleted so that it is handled.
        """
        if not dead_letter.envelopes:
            say(f"not replayed: {dead_letter.key}: the message is unreadable")
            return False
        for envelope in dead_letter.envelopes:
            if isinstance(envelope.data, Fact):
                self._replay_image(envelope, say)
            else:
                self._send_again(dead_letter, envelope, say)
        self._s3.delete_object(Bucket=self._bucket, Key=dead_letter.key)
        return True

    def _replay_image(self, envelope: Envelope, say: Say) -> None:
        record = self.images.find(envelope.subject)
        if record and record.status(record.run) is RunStatus.FAILED:
            rate = REPLAYS_A_SECOND
            replay(self.images, [record], say, ReplayOptions(), dry_run=False, rate=rate)
        else:
            say(f"{envelope.subject} is no longer failed: nothing to replay")

    def _send_again(self, dead_letter: DeadLetter, envelope: Envelope, say: Say) -> None:
        claim = ClaimKey.of(dead_letter.service, envelope.subject, envelope.type, envelope.id)
        self.images.clients.client("dynamodb").delete_item(
            TableName=self.images.outputs.tables["ledger"],
            Key={"image": {"S": claim.image}, "claim": {"S": claim.name}},
        )
        queue = self.images.outputs.queues[dead_letter.service]
        self.images.clients.client("sqs").send_message(
            QueueUrl=queue, MessageBody=envelope.to_json()
        )
        say(f"sent to {dead_letter.service} again: {envelope.type} of {envelope.subject}")

    def _read(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    @property
    def _s3(self) -> Any:
        return self.images.clients.client("s3")

    @property
    def _bucket(self) -> str:
        return self.images.outputs.buckets["processed"]


def lines_by_reason(letters: list[DeadLetter]) -> list[str]:
    """The dead letters grouped by reason, the most frequent reason first."""
    reasons = sorted({letter.reason for letter in letters}, key=lambda r: (-_count(letters, r), r))
    lines = [line for reason in reasons for line in _of_reason(letters, reason)]
    return lines or ["no dead letters"]


def _of_reason(letters: list[DeadLetter], reason: str) -> Iterator[str]:
    yield f"{reason} ({_count(letters, reason)})"
    for letter in letters:
        if letter.reason == reason:
            yield f"  {letter.sent}  {letter.service}  {letter.subject}: {letter.detail}"


def _count(letters: list[DeadLetter], reason: str) -> int:
    return sum(letter.reason == reason for letter in letters)
