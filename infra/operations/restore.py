"""Putting a backup's records where the live table lost them.

DynamoDB restores into a new table only, and the functions know theirs by name. So what was restored
beside it is copied into the stage's own, which has to be empty: the lists and their counts stand in
the same table and are right only together.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.errors import InfraError
from infra.terminal import Say

MOST_AT_ONCE = 25
"""Items that DynamoDB takes in one call."""
EVERY = 10_000
"""Items from one line of progress to the next."""


def restore(source: str, target: str, dynamodb: Any, say: Say) -> int:
    """Copy every item of ``source`` into ``target``; how many there were.

    InfraError if there is no such source, or the target holds anything: then nothing was written.
    Broken off, it is run again after the target was emptied.
    """
    _refuse_what_is_not_empty(target, dynamodb)
    copied = 0
    for batch in _batches(source, dynamodb):
        _write(target, batch, dynamodb)
        copied += len(batch)
        if copied % EVERY < len(batch):
            say(f"{copied:,} items")
    return copied


def _refuse_what_is_not_empty(target: str, dynamodb: Any) -> None:
    if dynamodb.scan(TableName=target, Limit=1)["Items"]:
        raise InfraError(
            f"{target} holds items already; what was restored would be mixed with them"
        )


def _batches(source: str, dynamodb: Any) -> Iterator[Sequence[dict[str, Any]]]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=source, ConsistentRead=True)
    try:
        for page in pages:
            items = page["Items"]
            for start in range(0, len(items), MOST_AT_ONCE):
                yield items[start : start + MOST_AT_ONCE]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise InfraError(f"there is no table {source}; restore the backup into it first") from error


def _write(target: str, items: Sequence[dict[str, Any]], dynamodb: Any) -> None:
    waiting = {target: [{"PutRequest": {"Item": item}} for item in items]}
    while waiting:  # what DynamoDB had no room for comes back; botocore waits between its own tries
        waiting = dynamodb.batch_write_item(RequestItems=waiting)["UnprocessedItems"]
