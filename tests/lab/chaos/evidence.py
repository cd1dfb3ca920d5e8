"""Collect what a scenario left behind: notifications, records, ledger, objects and queues."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.operations.audit import Audit
from infra.operations.images import Images
from shared.contracts.record import Record, RunStatus
from shared.errors import PermanentError
from shared.ledger import ClaimKey
from shared.message import message_records, read
from shared.records import DynamoRecords
from tests.lab.chaos.windows import EffectCount

DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class LedgerEntry:
    """A claim: its number of attempts, and whether it is completed."""

    attempts: int
    completed: bool


@dataclass(frozen=True)
class DeadLetter:
    """A stored dead letter. ``attempts`` is the ledger's count for its event."""

    service: str
    reason: str
    image: str
    attempts: int


@dataclass(frozen=True)
class Received:
    """One notification as a subscriber received it."""

    id: str
    image: str
    status: str

    @classmethod
    def parse(cls, body: str) -> "Received":
        notification = json.loads(body)
        return cls(notification["id"], notification["image"], notification["status"])


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks read. ``ledger`` is keyed by image and claim."""

    images: frozenset[str]
    """The image of each upload."""
    notifications: tuple[Received, ...]
    records: Mapping[str, Record]
    ledger: Mapping[ClaimKey, LedgerEntry]
    dead_letters: tuple[DeadLetter, ...]
    objects: frozenset[str]
    orphans: tuple[str, ...]
    waiting: int
    """Messages on any queue."""
    sent: Mapping[str, EffectCount]
    """Notifications that SNS accepted, by id."""
    paid_calls: Mapping[str, EffectCount]
    writes: Mapping[str, int]
    """How often each object was written."""
    returned_messages: int
    """Messages that were returned to their queues."""
    timeouts: int
    """Invocations that reached their timeout."""

    def images_with(self, *statuses: RunStatus) -> list[str]:
        """The images whose current run has one of these statuses."""
        return [i for i, record in self.records.items() if record.current.status in statuses]

    @property
    def times_received(self) -> Counter[str]:
        """How often each notification was received, by id."""
        return Counter(received.id for received in self.notifications)


@dataclass(frozen=True)
class DeployedStage:
    """A deployed stage, read from outside."""

    outputs: Outputs
    clients: Clients

    def waiting(self) -> int:
        """Messages on all queues, dead-letter queues included: visible, delayed or in flight."""
        sqs = self.clients.client("sqs")
        urls = [*self.outputs.queues.values(), *self.outputs.dead_letter_queues.values()]
        answers = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]) for url in urls]
        return sum(int(answer["Attributes"][depth]) for answer in answers for depth in DEPTHS)

    def records(self) -> dict[str, Record]:
        return {record.image: record for record in self._images.records()}

    def objects(self) -> Iterator[str]:
        pages = self.clients.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.outputs.buckets["processed"]):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def orphans(self) -> tuple[str, ...]:
        return tuple(Audit(self._images).orphans())

    def ledger(self) -> dict[ClaimKey, LedgerEntry]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self.outputs.tables["ledger"]
        )
        return {
            ClaimKey(item["image"]["S"], item["claim"]["S"]): LedgerEntry(
                int(item["attempts"]["N"]), "completed_at" in item
            )
            for page in pages
            for item in page["Items"]
        }

    def dead_letters(
        self, objects: Iterable[str], ledger: Mapping[ClaimKey, LedgerEntry]
    ) -> Iterator[DeadLetter]:
        """The dead letters that ``rescue`` stored, one for each event in them."""
        for key in objects:
            if key.startswith("dead-letters/"):
                answer = self.clients.client("s3").get_object(
                    Bucket=self.outputs.buckets["processed"], Key=key
                )
                yield from _dead_letters(json.loads(answer["Body"].read()), ledger)

    def timeline(self, image: str) -> Iterator[str]:
        """All that is on record about an image, a line each, in the order in which it happened."""
        records = DynamoRecords(self._dynamodb, self.outputs.table)
        for event in sorted(records.events(image), key=lambda row: row["time"]):
            yield "  ".join(event[name] for name in ("time", "source", "type", "item"))
        record = records.read(image)
        yield f"on record: {record.current.status if record else 'nothing'}"
        for key, entry in self.ledger().items():
            if key.image == image:
                completed = "completed" if entry.completed else "not completed"
                yield f"claim {key.name}: {entry.attempts} attempts, {completed}"

    @property
    def _images(self) -> Images:
        return Images(self.outputs, self.clients)

    @property
    def _dynamodb(self) -> Any:
        return self.clients.client("dynamodb")


def _dead_letters(
    stored: Mapping[str, Any], ledger: Mapping[ClaimKey, LedgerEntry]
) -> Iterator[DeadLetter]:
    service, reason = stored["service"], stored["reason"]
    try:
        envelopes = [read(record) for record in message_records(stored["body"])]
    except PermanentError:
        envelopes = []
        yield DeadLetter(service, reason, image="", attempts=0)
    for envelope in envelopes:
        key = ClaimKey.of(service, envelope.subject, envelope.type, envelope.id)
        attempts = ledger[key].attempts if key in ledger else 0
        yield DeadLetter(service, reason, envelope.subject, attempts)
