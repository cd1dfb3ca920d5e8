"""The records and their timelines in DynamoDB. ``store`` alone writes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.store.items import TOMBSTONES, expiry, key, plain
from shared.attributes import attributes
from shared.aws import aws_errors
from shared.contracts.record import RECORD, Record
from shared.records import record_in


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

    def __init__(self, client: Any, table: str, kept: timedelta = TOMBSTONES) -> None:
        """``kept`` is how long a deletion is remembered, and what was on the timeline."""
        self._client = client
        self._table = table
        self._kept = kept

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
                    Item=attributes(self._item(record)),
                    ConditionExpression="attribute_not_exists(image) OR revision = :before",
                    ExpressionAttributeValues={":before": {"N": str(record.revision - 1)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _item(self, record: Record) -> dict[str, Any]:
        """Only a tombstone expires."""
        return {**plain(record), "item": RECORD} | expiry(record.deleted, self._kept)

    def note(self, moment: Moment) -> None:
        item = {
            "image": moment.image,
            "item": f"event/{moment.event}",
            "run": moment.run,
            "type": moment.type,
            "source": moment.source,
            "time": moment.time.isoformat(),
            **expiry(moment.time, self._kept),
        }
        with aws_errors("the timeline"):
            self._client.put_item(TableName=self._table, Item=attributes(item))
