"""The search index in DynamoDB: an entry for each partition of an image, and label counts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

from services.store.index_entries import Change, IndexState
from services.store.items import TOMBSTONE_TTL, expiry, plain
from shared.attributes import attributes, fields
from shared.aws import aws_errors
from shared.contracts.search_index import COUNT, ENTRY, INDEX_STATE, count_partition
from shared.errors import Throttled
from shared.records import item_key

CONFLICTS = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""The codes of a transaction that DynamoDB cancels in favour of another writer."""

THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


class SearchIndex(Protocol):
    def read(self, image: str) -> IndexState | None:
        """What the index holds of the image; strongly consistent."""
        ...

    def write(self, change: Change) -> bool:
        """Apply the whole change; or nothing and False, if another writer replaced its base."""
        ...


class DynamoSearchIndex:
    """Items in the records table; its global secondary index serves the entries by partition.

    One transaction writes the entries, the counts and the index state. So every count equals the
    number of entries, even after crashes and duplicates.
    """

    def __init__(self, client: Any, table: str, ttl: timedelta = TOMBSTONE_TTL) -> None:
        """The index state of a deleted image expires after ``ttl``."""
        self._client = client
        self._table = table
        self._ttl = ttl

    def read(self, image: str) -> IndexState | None:
        with aws_errors("the index state"):
            answer = self._client.get_item(
                TableName=self._table, Key=item_key(image, INDEX_STATE), ConsistentRead=True
            )
        return IndexState.model_validate(fields(answer["Item"])) if "Item" in answer else None

    def write(self, change: Change) -> bool:
        with aws_errors("the search index"):
            try:
                self._client.transact_write_items(TransactItems=list(self._actions(change)))
            except self._client.exceptions.TransactionCanceledException as error:
                _raise_unless_conflict(error)
                return False
        return True

    def _actions(self, change: Change) -> Iterator[dict[str, Any]]:
        image = change.state.image
        yield self._put_state(change)
        summary = plain(change.summary) if change.summary else {}
        for entry in change.put:
            keys = {"image": image, "item": f"{ENTRY}{entry.partition}", "at": change.at}
            item = summary | plain(entry) | keys
            yield {"Put": {"TableName": self._table, "Item": attributes(item)}}
        for partition in change.delete:
            key = item_key(image, f"{ENTRY}{partition}")
            yield {"Delete": {"TableName": self._table, "Key": key}}
        for label, difference in change.counts.items():
            yield self._add_to_count(image, label, difference)

    def _put_state(self, change: Change) -> dict[str, Any]:
        """Replace the index state that the change was computed from."""
        item = {**plain(change.state), "item": INDEX_STATE, **expiry(change.deleted, self._ttl)}
        put = {
            "TableName": self._table,
            "Item": attributes(item),
            "ConditionExpression": "attribute_not_exists(image)",
        }
        if change.replaces is not None:
            put["ConditionExpression"] = "revision = :replaced"
            put["ExpressionAttributeValues"] = {":replaced": {"N": str(change.replaces)}}
        return {"Put": put}

    def _add_to_count(self, image: str, label: str, difference: int) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": item_key(count_partition(image), f"{COUNT}{label}"),
                "UpdateExpression": "ADD images :difference",
                "ExpressionAttributeValues": {":difference": {"N": str(difference)}},
            }
        }


def _raise_unless_conflict(error: Any) -> None:
    """Return if another writer's transaction came first; raise the cause otherwise."""
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
    if codes & CONFLICTS:
        return
    if codes & THROTTLED:
        raise Throttled("throttled", "the search index: throttled") from error
    raise error
