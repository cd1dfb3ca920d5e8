"""What ``rescue`` kept: listed by reason, and replayed by kind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from infra.operations.images import Images
from infra.operations.replay import How, replay
from shared.contracts.envelope import Envelope
from shared.contracts.images import Fact
from shared.contracts.record import RunStatus
from shared.errors import sentence
from shared.ledger import ClaimKey
from shared.message import readable

PREFIX = "dead-letters/"
LONGEST_CLAIM = 120
"""Characters: a type and an image's id take 60, and a stranger's words no more than a line."""
EVERY_REPLAY_A_SECOND = 50.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Letter:
    """One message that was kept, where it is kept, and the events in it that can be read."""

    key: str
    service: str
    reason: str
    detail: str
    sent: str
    envelopes: tuple[Envelope, ...]
    claim: str
    """What it says of itself, for a message that nobody can read."""

    @classmethod
    def of(cls, key: str, kept: bytes) -> "Letter":
        said = json.loads(kept)
        names = ("service", "reason", "detail", "sent")
        told = {name: str(said[name]) for name in names}
        body = said["body"]
        return cls(key=key, envelopes=tuple(readable(body)), claim=_claim(body), **told)

    @property
    def about(self) -> str:
        told = [f"{envelope.type} of {envelope.subject}" for envelope in self.envelopes]
        return ", ".join(told) or self.claim


def _claim(body: str) -> str:
    """The type and the image that a message names, though nobody knows such a type."""
    try:
        said = json.loads(body)
        return sentence(f"{said['type']} of {said['subject']}")[:LONGEST_CLAIM]
    except (ValueError, RecursionError, TypeError, KeyError):
        return "a message that cannot be read"


@dataclass(frozen=True)
class DeadLetters:
    """The letters of a stage, oldest first within each service."""

    images: Images

    def all(self) -> list[Letter]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX
        )
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        letters = [Letter.of(key, self._read(key)) for key in keys]
        return sorted(letters, key=lambda letter: (letter.service, letter.sent))

    def replay(self, letter: Letter, say: Say) -> bool:
        """Do what helps this kind of letter, and keep it no longer; False if nothing helps.

        What a step was to do for a run becomes a replay of its image: the run has failed by it.
        Anything else is sent to its service again, its claim forgotten, so that it is handled.
        """
        if not letter.envelopes:
            say(f"left: {letter.key}: nobody can read it")
            return False
        for envelope in letter.envelopes:
            if isinstance(envelope.data, Fact):
                self._replay_image(envelope, say)
            else:
                self._send_again(letter, envelope, say)
        self._s3.delete_object(Bucket=self._bucket, Key=letter.key)
        return True

    def _replay_image(self, envelope: Envelope, say: Say) -> None:
        record = self.images.find(envelope.subject)
        if record and record.status(record.run) is RunStatus.FAILED:
            rate = EVERY_REPLAY_A_SECOND
            replay(self.images, [record], say, How(), dry_run=False, rate=rate)
        else:
            say(f"{envelope.subject} has moved on: nothing to replay")

    def _send_again(self, letter: Letter, envelope: Envelope, say: Say) -> None:
        claim = ClaimKey.of(letter.service, envelope.subject, envelope.type, envelope.id)
        self.images.clients.client("dynamodb").delete_item(
            TableName=self.images.outputs.tables["ledger"],
            Key={"image": {"S": claim.image}, "claim": {"S": claim.name}},
        )
        queue = self.images.outputs.queues[letter.service]
        self.images.clients.client("sqs").send_message(
            QueueUrl=queue, MessageBody=envelope.to_json()
        )
        say(f"sent to {letter.service} again: {envelope.type} of {envelope.subject}")

    def _read(self, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    @property
    def _s3(self) -> Any:
        return self.images.clients.client("s3")

    @property
    def _bucket(self) -> str:
        return self.images.outputs.buckets["processed"]


def listing(letters: list[Letter]) -> list[str]:
    """The letters by reason, the most frequent first."""
    reasons = sorted({letter.reason for letter in letters}, key=lambda r: (-_count(letters, r), r))
    lines = [line for reason in reasons for line in _of_reason(letters, reason)]
    return lines or ["no dead letters"]


def _of_reason(letters: list[Letter], reason: str) -> Iterator[str]:
    yield f"{reason} ({_count(letters, reason)})"
    for letter in letters:
        if letter.reason == reason:
            yield f"  {letter.sent}  {letter.service}  {letter.about}: {letter.detail}"


def _count(letters: list[Letter], reason: str) -> int:
    return sum(letter.reason == reason for letter in letters)
