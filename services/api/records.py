"""Reads of the records table, its search index and the ledger: GetItem and Query, never Scan.

The tables are read strongly consistently. The index lags by some milliseconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.attributes import fields
from shared.aws import aws_errors
from shared.contracts.record import RECORD, Record
from shared.contracts.search_index import ENTRY, INDEX
from shared.records import record_in

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Entries:
    """Entries of a list in the order of their range keys; ``more``: others follow."""

    rows: tuple[Row, ...]
    more: bool


class Records(Protocol):
    """The reads that the API needs. Throttled or TransientError if a table does not answer."""

    def record(self, image: str) -> Record | None:
        """The image's record; None if there is none."""
        ...

    def events(self, image: str) -> tuple[Row, ...]:
        """The rows of its timeline."""
        ...

    def claims(self, image: str) -> tuple[Row, ...]:
        """The ledger's rows of this image."""
        ...

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        """At most ``limit`` entries of a list within the span of range keys, newest first.

        ``after`` is the range key of the last entry that was read before.
        """
        ...

    def partition(self, name: str) -> tuple[Row, ...]:
        """Every item of a partition that belongs to no image."""
        ...


class DynamoRecords:
    """Reads from DynamoDB; ``records`` and ``ledger`` are table names."""

    def __init__(self, client: Any, records: str, ledger: str) -> None:
        self._client = client
        self._records = records
        self._ledger = ledger

    def record(self, image: str) -> Record | None:
        with aws_errors("the record"):
            response = self._client.get_item(
                TableName=self._records,
                Key={"image": {"S": image}, "item": {"S": RECORD}},
                ConsistentRead=True,
            )
        return record_in(response["Item"]) if "Item" in response else None

    def events(self, image: str) -> tuple[Row, ...]:
        return tuple(
            self._query(
                TableName=self._records,
                KeyConditionExpression="image = :image AND begins_with(#item, :event)",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={":image": {"S": image}, ":event": {"S": "event/"}},
                ConsistentRead=True,
            )
        )

    def claims(self, image: str) -> tuple[Row, ...]:
        return tuple(self._of_partition(self._ledger, image))

    def partition(self, name: str) -> tuple[Row, ...]:
        return tuple(self._of_partition(self._records, name))

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        begin = {"ExclusiveStartKey": _index_key(name, after)} if after else {}
        with aws_errors("the index"):
            response = self._client.query(
                TableName=self._records,
                IndexName=INDEX,
                KeyConditionExpression="#list = :list AND #at BETWEEN :low AND :high",
                ExpressionAttributeNames={"#list": "list", "#at": "at"},
                ExpressionAttributeValues={
                    ":list": {"S": name},
                    ":low": {"S": span[0]},
                    ":high": {"S": span[1]},
                },
                ScanIndexForward=False,
                Limit=limit,
                **begin,
            )
        return Entries(tuple(map(fields, response["Items"])), "LastEvaluatedKey" in response)

    def _of_partition(self, table: str, key: str) -> Iterator[Row]:
        yield from self._query(
            TableName=table,
            KeyConditionExpression="image = :image",
            ExpressionAttributeValues={":image": {"S": key}},
            ConsistentRead=True,
        )

    def _query(self, **query: Any) -> Iterator[Row]:
        with aws_errors("the tables"):
            for page in self._client.get_paginator("query").paginate(**query):
                yield from map(fields, page["Items"])


def _index_key(name: str, at: str) -> dict[str, Any]:
    """An entry's key in the index and in the table, from its list and its range key."""
    image = at.rpartition("#")[2]
    key = {"list": name, "at": at, "image": image, "item": ENTRY + name}
    return {part: {"S": value} for part, value in key.items()}
