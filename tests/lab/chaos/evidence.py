"""What a run left behind, seen from outside: notifications, records, ledger, objects, queues."""

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
from tests.lab.chaos.windows import Repeated

DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class Claimed:
    """One row of the ledger: how many tries it took, and whether it is done."""

    attempts: int
    completed: bool


@dataclass(frozen=True)
class Letter:
    """A dead letter that rescue kept. ``tries`` is what the ledger charged to its event."""

    service: str
    reason: str
    image: str
    tries: int


@dataclass(frozen=True)
class Heard:
    """One notification as a subscriber got it."""

    id: str
    image: str
    status: str

    @classmethod
    def of(cls, body: str) -> "Heard":
        told = json.loads(body)
        return cls(told["id"], told["image"], told["status"])


@dataclass(frozen=True)
class Evidence:
    """All that the promises are held against. ``ledger`` is keyed by image and claim."""

    images: frozenset[str]
    """Of every upload."""
    heard: tuple[Heard, ...]
    records: Mapping[str, Record]
    ledger: Mapping[ClaimKey, Claimed]
    letters: tuple[Letter, ...]
    objects: frozenset[str]
    orphans: tuple[str, ...]
    waiting: int
    """Messages on any queue."""
    told: Mapping[str, Repeated]
    paid: Mapping[str, Repeated]
    puts: Mapping[str, int]
    """How often each object was written."""
    returned: int
    """Messages that went back to their queues before their time."""
    timeouts: int
    """Invocations that met their timeout."""

    def ended(self, *statuses: RunStatus) -> list[str]:
        """The images whose one run ended so."""
        return [i for i, record in self.records.items() if record.current.status in statuses]

    @property
    def times_heard(self) -> Counter[str]:
        return Counter(told.id for told in self.heard)


@dataclass(frozen=True)
class Place:
    """A deployed stage to gather evidence in."""

    outputs: Outputs
    clients: Clients

    def waiting(self) -> int:
        """Messages on any queue, visible, delayed or in somebody's hands; dead letters too."""
        sqs = self.clients.client("sqs")
        urls = [*self.outputs.queues.values(), *self.outputs.dead_letter_queues.values()]
        answers = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]) for url in urls]
        return sum(int(answer["Attributes"][depth]) for answer in answers for depth in DEPTHS)

    def records(self) -> dict[str, Record]:
        return {record.image: record for record in self._images.records()}

    def objects(self) -> Iterator[str]:
        pages = self.clients.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.outputs.buckets["processed"]):
            yield from (found["Key"] for found in page.get("Contents", []))

    def orphans(self) -> tuple[str, ...]:
        return tuple(Audit(self._images).orphans())

    def ledger(self) -> dict[ClaimKey, Claimed]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self.outputs.tables["ledger"]
        )
        return {
            ClaimKey(row["image"]["S"], row["claim"]["S"]): Claimed(
                int(row["attempts"]["N"]), "completed_at" in row
            )
            for page in pages
            for row in page["Items"]
        }

    def letters(
        self, objects: Iterable[str], ledger: Mapping[ClaimKey, Claimed]
    ) -> Iterator[Letter]:
        """What rescue kept; one letter for each event in it."""
        for key in objects:
            if key.startswith("dead-letters/"):
                answer = self.clients.client("s3").get_object(
                    Bucket=self.outputs.buckets["processed"], Key=key
                )
                yield from _letters(json.loads(answer["Body"].read()), ledger)

    def timeline(self, image: str) -> Iterator[str]:
        """All that is on record about an image, a line each, in the order in which it happened."""
        records = DynamoRecords(self._dynamodb, self.outputs.table)
        for event in sorted(records.events(image), key=lambda row: row["time"]):
            yield "  ".join(event[name] for name in ("time", "source", "type", "item"))
        record = records.read(image)
        yield f"on record: {record.current.status if record else 'nothing'}"
        for key, row in self.ledger().items():
            if key.image == image:
                done = "settled" if row.completed else "not settled"
                yield f"claim {key.name}: {row.attempts} tries, {done}"

    @property
    def _images(self) -> Images:
        return Images(self.outputs, self.clients)

    @property
    def _dynamodb(self) -> Any:
        return self.clients.client("dynamodb")


def _letters(kept: Mapping[str, Any], ledger: Mapping[ClaimKey, Claimed]) -> Iterator[Letter]:
    service, reason = kept["service"], kept["reason"]
    try:
        envelopes = [read(piece) for piece in message_records(kept["body"])]
    except PermanentError:
        envelopes = []
        yield Letter(service, reason, image="", tries=0)
    for envelope in envelopes:
        key = ClaimKey.of(service, envelope.subject, envelope.type, envelope.id)
        tries = ledger[key].attempts if key in ledger else 0
        yield Letter(service, reason, envelope.subject, tries)
