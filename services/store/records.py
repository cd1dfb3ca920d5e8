"""The writes of records and timelines. Only ``store`` has these rights."""

from datetime import timedelta
from typing import Any, Protocol

from services.store.items import TOMBSTONE_TTL, expiry, plain
from shared.attributes import attributes
from shared.aws import aws_errors
from shared.contracts.record import Record
from shared.records import EVENT, RECORD, DynamoRecords, TimelineEvent


class RecordsWriter(Protocol):
    """What ``store`` reads and writes of the records table."""

    def read(self, image: str) -> Record | None:
        """The record; strongly consistent."""
        ...

    def write(self, record: Record) -> bool:
        """Replace the revision before this one; False if another writer replaced it already."""
        ...

    def add_event(self, event: TimelineEvent) -> None:
        """Add the event to the timeline of its image. Idempotent."""
        ...


class DynamoRecordsWriter(DynamoRecords):
    """Adds the writes to the reads. A record is written under a condition on its revision."""

    def __init__(self, client: Any, table: str, ttl: timedelta = TOMBSTONE_TTL) -> None:
        """Tombstones and events expire after ``ttl``."""
        super().__init__(client, table)
        self._ttl = ttl

    def write(self, record: Record) -> bool:
        with aws_errors("the record"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=attributes(self._item(record)),
                    ConditionExpression="attribute_not_exists(image) OR revision = :previous",
                    ExpressionAttributeValues={":previous": {"N": str(record.revision - 1)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _item(self, record: Record) -> dict[str, Any]:
        """Of the records, only tombstones expire."""
        return {**plain(record), "item": RECORD, **expiry(record.deleted, self._ttl)}

    def add_event(self, event: TimelineEvent) -> None:
        item = {
            "image": event.image,
            "item": f"{EVENT}{event.event}",
            "run": event.run,
            "type": event.type,
            "source": event.source,
            "time": event.time.isoformat(),
            **expiry(event.time, self._ttl),
        }
        with aws_errors("the timeline"):
            self._client.put_item(TableName=self._table, Item=attributes(item))
