"""The records and their timelines in DynamoDB. ``store`` alone writes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.store.items import attributes, key, plain
from shared.aws import aws_errors
from shared.contracts.record import RECORD, Record
from shared.records import record_in

TOMBSTONES = timedelta(days=180)
"""Longer than any message of a deleted image can still come: see infra/retention.py."""


@dataclass(frozen=True)
class Moment:
    """One event on an image's timeline."""

    image: str
    run: int
    event: str
    type: str
    source: str
    time: datetime


class Records(Protocol):
    def read(self, image: str) -> Record | None:
        """As it is now; never from a copy that may lag."""
        ...

    def write(self, record: Record) -> bool:
        """Put the record in the place of the revision before it; False if that is gone already."""
        ...

    def note(self, moment: Moment) -> None:
        """Put this on the image's timeline; the same event twice is one entry."""
        ...


class DynamoRecords:
    """One table: of each image one ``record`` item and an ``event/<id>`` item for each event."""

    def __init__(self, client: Any, table: str, tombstones: timedelta = TOMBSTONES) -> None:
        """``tombstones`` is how long the table remembers that an image was deleted."""
        self._client = client
        self._table = table
        self._tombstones = tombstones

    def read(self, image: str) -> Record | None:
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._table,
                Key=key(image, RECORD),
                ConsistentRead=True,
            )
        return record_in(answer["Item"]) if "Item" in answer else None

    def write(self, record: Record) -> bool:
        with aws_errors("the record"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=attributes({**plain(record), "item": RECORD, **self._expiry(record)}),
                    ConditionExpression="attribute_not_exists(image) OR revision = :before",
                    ExpressionAttributeValues={":before": {"N": str(record.revision - 1)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _expiry(self, record: Record) -> dict[str, int]:
        """When DynamoDB may remove a tombstone, in epoch seconds; what is no tombstone stays."""
        if record.deleted is None:
            return {}
        return {"expires": int((record.deleted + self._tombstones).timestamp())}

    def note(self, moment: Moment) -> None:
        item = {
            "image": moment.image,
            "item": f"event/{moment.event}",
            "run": moment.run,
            "type": moment.type,
            "source": moment.source,
            "time": moment.time.isoformat(),
        }
        with aws_errors("the timeline"):
            self._client.put_item(TableName=self._table, Item=attributes(item))
