"""Copy a restored backup into the stage's records table.

DynamoDB restores into a new table only, but the functions use the stage's table by name. So its
items are copied. The stage's table must be empty: it also holds the search index and its counts,
which are consistent only as a whole.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.errors import InfraError
from infra.terminal import Say

BATCH_SIZE = 25
"""The most items that DynamoDB accepts in one BatchWriteItem call."""
PROGRESS_EVERY = 10_000
"""Items between two lines of progress."""


def restore(source: str, target: str, dynamodb: Any, say: Say) -> int:
    """Copy every item of ``source`` into ``target``; returns their number.

    InfraError if the source does not exist or the target is not empty; then nothing is written.
    After an interruption, empty the target and run it again.
    """
    _require_empty(target, dynamodb)
    copied = 0
    for batch in _batches(source, dynamodb):
        _write(target, batch, dynamodb)
        copied += len(batch)
        if copied % PROGRESS_EVERY < len(batch):
            say(f"{copied:,} items")
    return copied


def _require_empty(target: str, dynamodb: Any) -> None:
    if dynamodb.scan(TableName=target, Limit=1)["Items"]:
        raise InfraError(f"{target} is not empty; the restored items would be mixed with its own")


def _batches(source: str, dynamodb: Any) -> Iterator[Sequence[dict[str, Any]]]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=source, ConsistentRead=True)
    try:
        for page in pages:
            items = page["Items"]
            for start in range(0, len(items), BATCH_SIZE):
                yield items[start : start + BATCH_SIZE]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise InfraError(f"there is no table {source}; restore the backup into it first") from error


def _write(target: str, items: Sequence[dict[str, Any]], dynamodb: Any) -> None:
    requests = {target: [{"PutRequest": {"Item": item}} for item in items]}
    while requests:  # DynamoDB returns the items it had no capacity for
        requests = dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
