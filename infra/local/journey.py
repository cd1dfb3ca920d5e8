"""What an image went through: its hops from service to service, with the time each one took.

Read from what the services write anyway: the ledger says when work on an event was claimed and
settled, the record's timeline when an event was announced. Times are epoch seconds of this machine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from infra.clients import Clients
from infra.outputs import Outputs
from shared.contracts.images import ImageUploaded

STORE = "darkroom/store"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Hop:
    """One service's answer to one event: when that was announced, and when the answer was done."""

    service: str
    answers: str
    since: float
    done: float
    worked: float | None
    """Seconds at work; None where nothing tells the work from the waiting for it."""

    @property
    def took(self) -> float:
        return self.done - self.since


@dataclass(frozen=True)
class Journey:
    """An image's rows of both tables, as they are now."""

    timeline: tuple[Row, ...]
    claims: tuple[Row, ...]

    @classmethod
    def read(cls, image: str, outputs: Outputs, clients: Clients) -> "Journey":
        timeline = _rows(clients, outputs.tables["records"], image)
        return cls(
            tuple(row for row in timeline if row["item"].startswith("event/")),
            tuple(_rows(clients, outputs.tables["ledger"], image)),
        )

    def arrived(self, verdict: str) -> bool:
        """Whether somebody settled the event with this id, and nobody is still at work."""
        names = [claim["claim"] for claim in self.claims if "settled_at" in claim]
        return len(names) == len(self.claims) and any(name.endswith(verdict) for name in names)

    def hops(self, uploaded: float) -> list[Hop]:
        """Every hop that is done, in the order of what they answer; ``uploaded`` is when S3 had the
        original.
        """
        claimed = [self._claimed(row, uploaded) for row in self.claims if "settled_at" in row]
        return sorted([*claimed, *self._decided()], key=lambda hop: hop.since)

    def _claimed(self, row: Row, uploaded: float) -> Hop:
        service, kind, event = row["claim"].split("/", 2)
        claimed, done = float(row["claimed_at"]), float(row["settled_at"])
        # S3 may have told of the upload before it answered the uploader
        first = min(uploaded, claimed)
        since = first if kind == ImageUploaded.type else self._announced(event, first)
        return Hop(service, kind, since, done, done - claimed)

    def _announced(self, event: str, otherwise: float) -> float:
        times = [_epoch(row) for row in self.timeline if row["item"] == f"event/{event}"]
        return times[0] if times else otherwise

    def _decided(self) -> Iterable[Hop]:
        """``store`` claims nothing; its hop goes from the last thing it heard to its verdict."""
        for verdict in self.timeline:
            before = [row for row in self.timeline if row["source"] != STORE]
            if verdict["source"] == STORE and before:
                heard = max(before, key=_epoch)
                yield Hop("store", heard["type"], _epoch(heard), _epoch(verdict), None)


def _rows(clients: Clients, table: str, image: str) -> list[Row]:
    """All of an image's rows: far fewer than one page of a query holds."""
    answer = clients.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="image = :image",
        ExpressionAttributeValues={":image": {"S": image}},
        ConsistentRead=True,
    )
    plain = TypeDeserializer()
    return [
        {name: plain.deserialize(value) for name, value in item.items()} for item in answer["Items"]
    ]


def _epoch(row: Row) -> float:
    return datetime.fromisoformat(row["time"]).timestamp()
