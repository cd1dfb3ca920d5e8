"""What ``api`` reads of the tables: by key and by Query, so that a page costs what it shows.

The index lags by some milliseconds, the tables do not: one image is read as it is now.
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
    """Entries of a list in the order of their range keys; ``more`` may follow."""

    rows: tuple[Row, ...]
    more: bool


class Records(Protocol):
    def record(self, image: str) -> Record | None: ...

    def events(self, image: str) -> tuple[Row, ...]:
        """Its timeline."""
        ...

    def claims(self, image: str) -> tuple[Row, ...]:
        """The ledger's rows of this image."""
        ...

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        """Newest first, at most ``limit``, from the span of range keys, going on ``after`` one."""
        ...

    def partition(self, name: str) -> tuple[Row, ...]:
        """Every item of a partition that is no image's."""
        ...


class DynamoRecords:
    def __init__(self, client: Any, records: str, ledger: str) -> None:
        self._client = client
        self._records = records
        self._ledger = ledger

    def record(self, image: str) -> Record | None:
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._records,
                Key={"image": {"S": image}, "item": {"S": RECORD}},
                ConsistentRead=True,
            )
        return record_in(answer["Item"]) if "Item" in answer else None

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
        begin = {"ExclusiveStartKey": _place(name, after)} if after else {}
        with aws_errors("the index"):
            answer = self._client.query(
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
        return Entries(tuple(map(fields, answer["Items"])), "LastEvaluatedKey" in answer)

    def _of_partition(self, table: str, key: str) -> Iterator[Row]:
        yield from self._query(
            TableName=table,
            KeyConditionExpression="image = :image",
            ExpressionAttributeValues={":image": {"S": key}},
            ConsistentRead=True,
        )

    def _query(self, **question: Any) -> Iterator[Row]:
        with aws_errors("the tables"):
            for page in self._client.get_paginator("query").paginate(**question):
                yield from map(fields, page["Items"])


def _place(name: str, at: str) -> dict[str, Any]:
    """The key of an entry, in the index and in the table, by its list and range key."""
    image = at.rpartition("#")[2]
    key = {"list": name, "at": at, "image": image, "item": ENTRY + name}
    return {part: {"S": value} for part, value in key.items()}
