"""What ``api`` reads of the tables, by key and by Query: a page costs what it shows.

The search index is eventually consistent; everything else is read strongly consistently.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from shared.attributes import fields
from shared.aws import aws_errors
from shared.contracts.record import Record
from shared.contracts.search_index import ENTRY, INDEX
from shared.records import DynamoRecords, Row, item_key


@dataclass(frozen=True)
class Entries:
    """Entries of one partition of the search index; ``more`` says whether others may follow."""

    rows: tuple[Row, ...]
    more: bool


class Tables(Protocol):
    """The reads that the API needs. Throttled or TransientError if a table does not answer."""

    def record(self, image: str) -> Record | None: ...

    def events(self, image: str) -> tuple[Row, ...]:
        """The rows of the image's timeline."""
        ...

    def claims(self, image: str) -> tuple[Row, ...]:
        """The ledger's rows of the image."""
        ...

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        """Up to ``limit`` entries of the partition, newest first.

        Only range keys within ``span``; ``after`` is the range key of the last entry read.
        """
        ...

    def partition(self, name: str) -> tuple[Row, ...]:
        """Every item with this hash key, such as the label counts."""
        ...


class DynamoTables(DynamoRecords):
    """Adds the search index and the ledger to the reads of records."""

    def __init__(self, client: Any, table: str, ledger: str) -> None:
        super().__init__(client, table)
        self._ledger = ledger

    def record(self, image: str) -> Record | None:
        return self.read(image)

    def claims(self, image: str) -> tuple[Row, ...]:
        return tuple(self._items(self._ledger, image))

    def partition(self, name: str) -> tuple[Row, ...]:
        return tuple(self._items(self._table, name))

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        start = {"ExclusiveStartKey": _entry_key(name, after)} if after else {}
        with aws_errors("the search index"):
            response = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="#partition = :partition AND #at BETWEEN :low AND :high",
                ExpressionAttributeNames={"#partition": "partition", "#at": "at"},
                ExpressionAttributeValues={
                    ":partition": {"S": name},
                    ":low": {"S": span[0]},
                    ":high": {"S": span[1]},
                },
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        return Entries(tuple(map(fields, response["Items"])), "LastEvaluatedKey" in response)

    def _items(self, table: str, key: str) -> Iterator[Row]:
        return self._query(
            TableName=table,
            KeyConditionExpression="image = :image",
            ExpressionAttributeValues={":image": {"S": key}},
            ConsistentRead=True,
        )


def _entry_key(partition: str, at: str) -> dict[str, Any]:
    """The key of an entry in the table and in the index. Its range key ends with the image."""
    image = at.rpartition("#")[2]
    return item_key(image, ENTRY + partition) | {"partition": {"S": partition}, "at": {"S": at}}
