"""The records and their timelines as ``reap`` reads them: a page at a time, and from any copy.

What it looks for is hours old, so a copy that lags by a second is as good as the first; reading
from it costs half.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from services.reap.logic import Marker, Page
from shared.aws import aws_errors
from shared.contracts.record import RECORD, Record
from shared.records import record_in

AT_ONCE = 100
"""Keys. BatchGetItem takes no more."""


class Records(Protocol):
    def page(self, after: Marker) -> Page[Record]:
        """The records that follow, in no order that means anything; a page may hold none."""
        ...

    def heard(self, image: str) -> datetime | None:
        """When anything was last said of the image."""
        ...

    def known(self, images: Sequence[str]) -> Collection[str]:
        """Those of these images that have a record."""
        ...


class DynamoRecords:
    """The table that ``store`` writes."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def page(self, after: Marker) -> Page[Record]:
        begin = {"ExclusiveStartKey": _key(**after)} if after else {}
        with aws_errors("the records"):
            answer = self._client.scan(
                TableName=self._table,
                FilterExpression="#item = :record",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={":record": {"S": RECORD}},
                **begin,
            )
        last = answer.get("LastEvaluatedKey", {})
        following = {name: value["S"] for name, value in last.items()}
        return Page(tuple(map(record_in, answer["Items"])), following)

    def heard(self, image: str) -> datetime | None:
        with aws_errors("the timeline"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="image = :image AND begins_with(#item, :event)",
                ExpressionAttributeNames={"#item": "item", "#time": "time"},
                ExpressionAttributeValues={":image": {"S": image}, ":event": {"S": "event/"}},
                ProjectionExpression="#time",
            )
            times = [moment["time"]["S"] for page in pages for moment in page["Items"]]
        return max(map(datetime.fromisoformat, times), default=None)

    def known(self, images: Sequence[str]) -> set[str]:
        starts = range(0, len(images), AT_ONCE)
        return {image for start in starts for image in self._known(images[start : start + AT_ONCE])}

    def _known(self, images: Sequence[str]) -> Iterator[str]:
        keys = [_key(image, RECORD) for image in dict.fromkeys(images)]
        asked = {self._table: {"Keys": keys, "ProjectionExpression": "image"}}
        while asked:  # an answer of 16 MB leaves keys over; where none is answered, it is an error
            with aws_errors("the records"):
                answer = self._client.batch_get_item(RequestItems=asked)
            yield from (found["image"]["S"] for found in answer["Responses"][self._table])
            asked = answer["UnprocessedKeys"]


def _key(image: str, item: str) -> dict[str, Any]:
    return {"image": {"S": image}, "item": {"S": item}}
