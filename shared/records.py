"""The records table: its keys, its items and every read of a record or a timeline.

The hash key ``image`` groups all items of an image. The range key ``item`` names each of them:

- ``record``: the record;
- ``event/<id>``: one event of the timeline;
- ``index-state`` and ``entry/<partition>``: what the search index holds of the image, see
  ``shared.contracts.search_index``.

Only ``store`` writes the table.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.attributes import fields
from shared.aws import aws_errors
from shared.contracts.record import (
    Record,
    RunStatus,
    status_on_record,
    status_without_record,
)

RECORD = "record"
EVENT = "event/"

MAX_BATCH = 100
"""Keys in one BatchGetItem request."""

Row = Mapping[str, Any]
"""The attributes of an item as plain Python values."""

Cursor = Mapping[str, str]
"""The key of the last item that was read; empty for the first page, and after the last one."""


@dataclass(frozen=True)
class TimelineEvent:
    """One event on the timeline of an image."""

    image: str
    run: int
    event: str
    """Its id."""
    type: str
    source: str
    time: datetime


@dataclass(frozen=True)
class RecordPage:
    """The records of one Scan request, in no particular order. A page may be empty."""

    records: tuple[Record, ...]
    cursor: Cursor
    """Where the next page starts; empty after the last page."""


class Records(Protocol):
    """The reads of the table."""

    def read(self, image: str) -> Record | None:
        """The record; strongly consistent."""
        ...

    def status(self, image: str, run: int) -> RunStatus:
        """The status of a run; strongly consistent."""
        ...

    def resized(self, image: str, run: int) -> bool:
        """Whether the record holds the run's ``image.resized``; strongly consistent."""
        ...

    def events(self, image: str) -> tuple[Row, ...]:
        """The rows of the timeline; strongly consistent."""
        ...

    def last_event(self, image: str) -> datetime | None:
        """The time of the latest event on the timeline; eventually consistent."""
        ...

    def page(self, after: Cursor) -> RecordPage:
        """The page of records that follows the cursor; eventually consistent."""
        ...

    def existing(self, images: Sequence[str]) -> Collection[str]:
        """Those of these images that have a record; eventually consistent."""
        ...


class DynamoRecords:
    """Eventually consistent reads cost half; they serve where a second of lag does not matter."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, image: str) -> Record | None:
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._table, Key=item_key(image, RECORD), ConsistentRead=True
            )
        return _record(answer["Item"]) if "Item" in answer else None

    def status(self, image: str, run: int) -> RunStatus:
        item = self._read_run(image, run, "image, deleted, superseded, runs.#run.#field", "status")
        return _status(item, run) if item else status_without_record(run)

    def resized(self, image: str, run: int) -> bool:
        return bool(self._read_run(image, run, "runs.#run.#field.image", "resized"))

    def _read_run(
        self, image: str, run: int, projection: str, field: str
    ) -> Mapping[str, Any] | None:
        """The projected attributes; ``#field`` of the projection is this field of the run."""
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._table,
                Key=item_key(image, RECORD),
                ConsistentRead=True,
                ProjectionExpression=projection,
                ExpressionAttributeNames={"#run": str(run), "#field": field},
            )
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def events(self, image: str) -> tuple[Row, ...]:
        return tuple(self._query(ConsistentRead=True, **self._timeline(image)))

    def last_event(self, image: str) -> datetime | None:
        request = self._timeline(image)
        request["ExpressionAttributeNames"] |= {"#time": "time"}
        rows = self._query(ProjectionExpression="#time", **request)
        return max((datetime.fromisoformat(row["time"]) for row in rows), default=None)

    def _timeline(self, image: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "image = :image AND begins_with(#item, :event)",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {":image": {"S": image}, ":event": {"S": EVENT}},
        }

    def page(self, after: Cursor) -> RecordPage:
        start = {"ExclusiveStartKey": item_key(**after)} if after else {}
        with aws_errors("the records"):
            answer = self._client.scan(
                TableName=self._table,
                FilterExpression="#item = :record",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={":record": {"S": RECORD}},
                **start,
            )
        last = answer.get("LastEvaluatedKey", {})
        cursor = {name: value["S"] for name, value in last.items()}
        return RecordPage(tuple(map(_record, answer["Items"])), cursor)

    def existing(self, images: Sequence[str]) -> set[str]:
        unique = list(dict.fromkeys(images))
        batches = (unique[n : n + MAX_BATCH] for n in range(0, len(unique), MAX_BATCH))
        return {image for batch in batches for image in self._existing(batch)}

    def _existing(self, images: Sequence[str]) -> Iterator[str]:
        keys = [item_key(image, RECORD) for image in images]
        request = {self._table: {"Keys": keys, "ProjectionExpression": "image"}}
        while request:  # DynamoDB may return only some of the items
            with aws_errors("the records"):
                answer = self._client.batch_get_item(RequestItems=request)
            yield from (item["image"]["S"] for item in answer["Responses"][self._table])
            request = answer["UnprocessedKeys"]

    def _query(self, **request: Any) -> Iterator[Row]:
        with aws_errors("the records"):
            for page in self._client.get_paginator("query").paginate(**request):
                yield from map(fields, page["Items"])


def all_records(records: Records) -> Iterator[Record]:
    """Every record, page by page. It scans the whole table."""
    page = records.page({})
    yield from page.records
    while page.cursor:
        page = records.page(page.cursor)
        yield from page.records


def item_key(image: str, item: str) -> dict[str, Any]:
    """The primary key of an item, as DynamoDB's client takes it."""
    return {"image": {"S": image}, "item": {"S": item}}


def _record(item: Mapping[str, Any]) -> Record:
    return Record.model_validate(fields(item))


def _status(item: Mapping[str, Any], run: int) -> RunStatus:
    row = item.get("runs", {}).get("M", {}).get(str(run))
    return status_on_record(
        RunStatus(row["M"]["status"]["S"]) if row else None,
        superseded={"N": str(run)} in item["superseded"]["L"],
        deleted="deleted" in item,
    )
