"""The lists in DynamoDB: an entry for each list that an image is in, and counts for each label."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

from services.store.index_entries import Change, IndexState
from services.store.items import TOMBSTONES, expiry, key, plain
from shared.attributes import attributes, fields
from shared.aws import aws_errors
from shared.contracts.search_index import COUNT, ENTRY, INDEX_STATE, count_partition
from shared.errors import Throttled

LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""Why DynamoDB cancels a transaction that another one has overtaken."""

THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


class SearchIndex(Protocol):
    def read(self, image: str) -> IndexState | None:
        """What is listed of the image now; never from a copy that may lag."""
        ...

    def write(self, change: Change) -> bool:
        """All of the change; or nothing and False, if what it replaces is not what is listed."""
        ...


class DynamoSearchIndex:
    """In the table of the records, whose index ``lists`` has the entries by list and time.

    Entries, counts and the note of what is listed change in one transaction: so a count is the
    number of entries, whoever dies and however often an event comes.
    """

    def __init__(self, client: Any, table: str, kept: timedelta = TOMBSTONES) -> None:
        """``kept`` is how long it is remembered that a deleted image is in no list."""
        self._client = client
        self._table = table
        self._kept = kept

    def read(self, image: str) -> IndexState | None:
        with aws_errors("the listing"):
            answer = self._client.get_item(
                TableName=self._table, Key=key(image, INDEX_STATE), ConsistentRead=True
            )
        return IndexState.model_validate(fields(answer["Item"])) if "Item" in answer else None

    def write(self, change: Change) -> bool:
        with aws_errors("the lists"):
            try:
                self._client.transact_write_items(TransactItems=list(self._actions(change)))
            except self._client.exceptions.TransactionCanceledException as error:
                _unless_overtaken(error)
                return False
        return True

    def _actions(self, change: Change) -> Iterator[dict[str, Any]]:
        image = change.listed.image
        yield self._note(change)
        shown = plain(change.summary) if change.summary else {}
        for entry in change.put:
            item = {"image": image, "item": f"{ENTRY}{entry.list}", "at": change.at}
            item = shown | plain(entry) | item
            yield {"Put": {"TableName": self._table, "Item": attributes(item)}}
        for name in change.leave:
            yield {"Delete": {"TableName": self._table, "Key": key(image, f"{ENTRY}{name}")}}
        for label, difference in change.counts.items():
            yield self._count(image, label, difference)

    def _note(self, change: Change) -> dict[str, Any]:
        """What is listed, in the place of what this change was worked out from."""
        put = {
            "TableName": self._table,
            "Item": attributes(
                plain(change.listed) | {"item": INDEX_STATE} | expiry(change.deleted, self._kept)
            ),
            "ConditionExpression": "attribute_not_exists(image)",
        }
        if change.replaces is not None:
            put["ConditionExpression"] = "revision = :replaced"
            put["ExpressionAttributeValues"] = {":replaced": {"N": str(change.replaces)}}
        return {"Put": put}

    def _count(self, image: str, label: str, difference: int) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": key(count_partition(image), f"{COUNT}{label}"),
                "UpdateExpression": "ADD images :difference",
                "ExpressionAttributeValues": {":difference": {"N": str(difference)}},
            }
        }


def _unless_overtaken(error: Any) -> None:
    """Raise what became of a transaction that was cancelled, unless another one was faster."""
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
    if codes & LOST:
        return
    if codes & THROTTLED:
        raise Throttled("throttled", "asked to slow down over the lists") from error
    raise error
